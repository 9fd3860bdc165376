"""Writes an answer to its log."""

from __future__ import annotations

import asyncio
import time

from . import payloads
from .keys import Attempt
from .options import Options
from .retry import GaveUp, Retry
from .running import RunningTurn, StopReason
from .telemetry import Span
from .text import ends_in_half, to_storable
from .turn_log import LogWrite, TurnLog


class AnswerWriter:
    """
    Appends tokens in order, with one append in flight. The first token is sent alone at once. Tokens that arrive during a call share the next
    one. Its count of chunks makes a repeated append harmless.
    """

    def __init__(self, log: TurnLog, attempt: Attempt, turn: RunningTurn, options: Options, retry: Retry, span: Span) -> None:
        self._log = log
        self._attempt = attempt
        self._turn = turn
        self._options = options
        self._retry = retry
        self._span = span
        self._pending: list[bytes] = []
        self._room = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._parts: list[str] = []
        self._half = ""  # First half of a surrogate pair that a token split.
        self._written = 0
        self._calls, self._seconds, self._longest = 0, 0.0, 0.0
        self.outcome = LogWrite.WRITTEN
        """What stopped the writing; WRITTEN: nothing."""

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    @property
    def count(self) -> int:
        """Number of chunks so far."""
        return len(self._parts)

    async def write(self, token: str) -> None:
        """Adds a token. Replaces what UTF-8 or Postgres cannot store. An empty token is ignored. Waits while too many chunks are pending."""
        if not isinstance(token, str):
            raise TypeError(f"answer must yield str, not {type(token).__name__}.")
        if self._turn.interrupted.is_set():
            raise asyncio.CancelledError  # The answer caught the first one.
        text = self._half + token
        self._half = text[-1] if ends_in_half(text) else ""
        self._add(text[: len(text) - len(self._half)])
        while len(self._pending) >= self._options.max_pending:
            self._room.clear()
            await self._room.wait()
        await asyncio.sleep(0)  # An answer that never waits would keep the event loop from heartbeats and from the first append.

    async def flush(self) -> None:
        """Returns when every chunk is in the log or the writing has stopped. No token may be added afterwards."""
        self._add(self._half)
        self._half = ""
        if self._writing is not None:
            await self._writing
        self._span.set_attributes(
            {"konstruct.append.calls": self._calls, "konstruct.append.seconds": self._seconds, "konstruct.append.longest": self._longest}
        )

    def _add(self, text: str) -> None:
        if not text:
            return
        text = to_storable(text)
        self._parts.append(text)
        self._pending.append(payloads.chunk(self._attempt, text, len(self._parts)))
        if self._writing is None or (self._writing.done() and not self._turn.interrupted.is_set()):
            self._writing = asyncio.create_task(self._write_pending())

    async def _write_pending(self) -> None:
        try:
            while self._pending and self.outcome is LogWrite.WRITTEN:
                await self._write_batch(self._pending[: self._options.max_batch])
        except GaveUp:
            pass  # The turn was stopped, and its reason says why.
        except Exception:
            self._turn.interrupt()  # flush reports the error.
            raise

    async def _write_batch(self, batch: list[bytes]) -> None:
        began = time.monotonic()
        outcome = await self._retry.until_known(
            lambda: self._log.append(self._attempt, self._turn.claim_id, self._written + 1, batch, self._options.max_answer_bytes), self._turn.stopped
        )
        self._sum(time.monotonic() - began)
        self.outcome = outcome
        if outcome is LogWrite.WRITTEN:
            self._written += len(batch)
            del self._pending[: len(batch)]
            self._room.set()
        elif outcome is LogWrite.TOO_LONG:
            self._turn.interrupt()
        else:
            self._turn.stop(StopReason.ENDED if outcome is LogWrite.ENDED else StopReason.LOST)

    def _sum(self, took: float) -> None:
        """An append has no span, because there may be one per token. The attempt's span has the totals."""
        self._calls += 1
        self._seconds += took
        self._longest = max(self._longest, took)
        if self._calls == 1:
            self._span.add_event("first_append")
