"""Answers one turn: opens the attempt, runs the user's code, writes its answer and finishes the turn."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from . import telemetry
from .dispatch import DispatchQueue
from .failures import Failures, is_outage
from .keys import Attempt, response_channel
from .message import Message
from .options import Options
from .retry import GaveUp, Retry
from .running import RunningTurn, StopReason
from .turn_log import LogWrite, TurnLog
from .writer import AnswerWriter

Answer = Callable[[Message], AsyncIterator[str]]
"""An async generator function: a message to the tokens of its answer."""

COMPLETED, FAILED = "completed", "failed"

CLOSE_LIMIT = 5.0
"""Seconds that an interrupted answer has to clean up. Then its turn is let go, because another attempt may wait for that."""

_logger = logging.getLogger("konstruct_worker")


class TurnAnswerer:
    """Answers turns with the user's code."""

    def __init__(
        self, answer: Answer, log: TurnLog, queue: DispatchQueue, options: Options, retry: Retry, failures: Failures
    ) -> None:
        self._answer = answer
        self._log = log
        self._queue = queue
        self._options = options
        self._retry = retry
        self._failures = failures
        self.attempts: Counter[str] = Counter()

    async def answer(self, message: Message, turn: RunningTurn) -> None:
        """Answers a turn. Returns early when the turn is stopped."""
        channel = response_channel(self._options.response_channel, message.tenant_id, message.conversation_id)
        attempt = Attempt(message.conversation_id, message.turn_id, message.attempt, channel)
        with telemetry.process(message) as span:
            outcome: str | None = None
            try:
                if await self._open(attempt, message, turn):
                    outcome = await self._speak(attempt, message, turn, span)
            except GaveUp:
                turn.stop(StopReason.LOST)  # The first reason wins. Without one, Redis was unreachable for longer than a lease.
            if turn.reason is None:
                self.attempts[outcome or FAILED] += 1
                span.set_attributes({"konstruct.turn.outcome": outcome or FAILED})
                return
            self.attempts[turn.reason.value] += 1
            span.set_attributes({"konstruct.turn.stopped": turn.reason.value})
            await self._let_go(attempt, turn)

    async def _open(self, attempt: Attempt, message: Message, turn: RunningTurn) -> bool:
        opened = await self._retry.until_known(lambda: self._log.open(attempt, turn.claim_id, message.traceparent), turn.stopped)
        if opened is not LogWrite.WRITTEN:
            turn.stop(StopReason.ENDED if opened is LogWrite.ENDED else StopReason.LOST)
        return opened is LogWrite.WRITTEN

    async def _speak(
        self, attempt: Attempt, message: Message, turn: RunningTurn, span: telemetry.Span
    ) -> str | None:
        """Outcome of the turn, if this attempt finished it. None: the turn's reason says why not."""
        writer = AnswerWriter(self._log, attempt, turn, self._options, self._retry, span)
        error = await self._run_answer(replace(message, traceparent=telemetry.current_traceparent(message)), turn, writer)
        await writer.flush()
        if turn.reason is not None:
            return None
        outcome = COMPLETED
        if writer.outcome is LogWrite.TOO_LONG:
            _logger.warning("Turn %s failed: its answer is longer than max_answer_bytes", attempt.turn_id)
            outcome = FAILED
        elif error is not None:
            _logger.warning("Turn %s failed: the answer raised %s", attempt.turn_id, type(error).__name__, exc_info=error)
            telemetry.fail(span, error)
            outcome = FAILED
        with telemetry.finish(outcome, writer.count):
            await self._finish(attempt, writer, outcome, turn)
        return outcome

    async def _run_answer(self, message: Message, turn: RunningTurn, writer: AnswerWriter) -> BaseException | None:
        """Runs the user's code in a task of its own, which may be cancelled at any await. Returns what it raised."""
        speaking = asyncio.create_task(self._consume(message, writer))
        turn.speak_in(speaking)
        interrupted = asyncio.create_task(turn.interrupted.wait())
        await asyncio.wait({speaking, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        interrupted.cancel()
        if not speaking.done():
            await asyncio.wait({speaking}, timeout=CLOSE_LIMIT)
        if not speaking.done():
            _logger.error("The answer of turn %s was interrupted and does not end: it must not catch CancelledError", message.turn_id)
            speaking.add_done_callback(lambda task: task.cancelled() or task.exception())  # Its error has no reader.
            return None
        if not speaking.cancelled():
            error = speaking.exception()
        else:
            error = None if turn.interrupted.is_set() else asyncio.CancelledError("The answer cancelled itself.")
        if error is not None and turn.interrupted.is_set():
            self._failures.report("closing an answer", error)
        return error

    async def _consume(self, message: Message, writer: AnswerWriter) -> None:
        tokens = self._answer(message)
        try:
            async for token in tokens:
                await writer.write(token)
        finally:
            if (close := getattr(tokens, "aclose", None)) is not None:
                await close()

    async def _finish(self, attempt: Attempt, writer: AnswerWriter, outcome: str, turn: RunningTurn) -> None:
        # The answer is complete, so a stop is too late now. The script decides which came first.
        never, limit = asyncio.Event(), self._options.lease
        seq, text = writer.count + 1, writer.text
        if writer.outcome is LogWrite.TOO_LONG:
            seq = await self._retry.until_known(lambda: self._log.last_seq(attempt), never, limit) + 1
            text = await self._retry.until_known(lambda: self._log.text(attempt), never, limit)
        finished = await self._retry.until_known(lambda: self._log.finish(attempt, turn.claim_id, seq, outcome, text), never, limit)
        if finished is not LogWrite.WRITTEN:
            turn.stop(StopReason.ENDED if finished is LogWrite.ENDED else StopReason.LOST)
            return
        turn.end()  # The heartbeat may find the lease gone from here on.
        await self._retry.until_known(lambda: self._queue.answer(turn.entry), never, limit)

    async def _let_go(self, attempt: Attempt, turn: RunningTurn) -> None:
        """Gives up the lease, so that nothing waits for its expiry. If Redis is down, it expires."""
        assert turn.reason is not None
        _logger.info("Attempt %d of turn %s was let go: %s", attempt.number, attempt.turn_id, turn.reason.value)
        try:
            await self._queue.remove(turn.entry)
        except Exception as error:
            if not is_outage(error):
                raise
            _logger.warning("The lease of turn %s could not be given back and will run out: %s", attempt.turn_id, error)
