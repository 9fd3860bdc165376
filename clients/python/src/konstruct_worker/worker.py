"""Claims tasks on a wake-up, and every second in case one was missed. Runs as many turns at once as allowed."""

from __future__ import annotations

import asyncio
import inspect
import logging
import signal
import threading
from collections.abc import Mapping
from typing import Any

from . import telemetry
from .answering import Answer, TurnAnswerer
from .dispatch import Claimed, DispatchQueue
from .failures import Failures
from .heartbeat import Heartbeat
from .listening import Listener
from .message import Unreadable, read_task
from .options import Options
from .retry import Retry, wait_for
from .readiness import Readiness
from .running import RunningTurn, RunningTurns, StopReason
from .store import Store
from .turn_log import TurnLog

_MOST_IN_ONE_CLAIM = 64

_logger = logging.getLogger("konstruct_worker")


class Worker:
    """
    Answers turns from the dispatch queue until it is stopped. It serves once: create another to serve again.

    ``redis_url`` is redis-py's form, such as ``rediss://user:password@host:6380``. ``options`` has a default for everything.
    """

    def __init__(self, redis_url: str, options: Options | None = None) -> None:
        self._url = redis_url
        self._options = options or Options()
        self._failures = Failures()
        self._running = RunningTurns()
        self._answering: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._attempts: Mapping[str, int] = {}
        self._is_ready = False

    @property
    def is_ready(self) -> bool:
        """Whether everything that it needs of Redis has worked. A later outage does not change it."""
        return self._is_ready

    @property
    def turns(self) -> int:
        """Number of turns that it is answering."""
        return len(self._running)

    @property
    def failures(self) -> Mapping[tuple[str, str], int]:
        """Number of failed rounds, rows and calls, by work and kind of error."""
        return self._failures.counts

    @property
    def attempts(self) -> Mapping[str, int]:
        """Number of attempts that are over, by result: completed, failed, ended, lost or given_back."""
        return self._attempts

    def run(self, answer: Answer) -> None:
        """
        Serves until the process gets SIGTERM or SIGINT: it claims nothing new, and running answers have the drain limit to finish.
        A second signal gives them back at once. Call it in the main thread, outside an event loop; elsewhere use ``serve``.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("run handles signals, which only the main thread can. Use serve and stop in another thread.")
        asyncio.run(self._run(answer))

    async def serve(self, answer: Answer) -> None:
        """Serves until ``stop`` is called. A cancelled call gives all turns back before it returns."""
        if inspect.iscoroutinefunction(answer):
            raise TypeError("answer must be an async generator function: an async def with yield.")
        serving = asyncio.create_task(self._serve(answer))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self.stop(at_once=True)
            await asyncio.wait({serving})
            raise

    def stop(self, at_once: bool = False) -> None:
        """Makes ``serve`` claim nothing new and return when the turns have finished. ``at_once`` gives them back instead."""
        self._stopping.set()
        self._wake.set()
        if at_once:
            self._hurry.set()

    async def _run(self, answer: Answer) -> None:
        loop = asyncio.get_running_loop()

        def on_signal(number: int, frame: Any) -> None:
            loop.call_soon_threadsafe(lambda: self.stop(at_once=self._stopping.is_set()))

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            await self.serve(answer)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _serve(self, answer: Answer) -> None:
        store = Store(self._url, self._options)
        queue = DispatchQueue(store)
        retry = Retry(self._failures)
        answerer = TurnAnswerer(answer, TurnLog(store), queue, self._options, retry, self._failures)
        self._attempts = answerer.attempts
        listener = Listener(store, self._failures, self._wake.set, lambda turn_id: self._running.stop_turn(turn_id, StopReason.ENDED))
        ended = asyncio.Event()
        heartbeat = asyncio.create_task(Heartbeat(queue, self._running, self._options.lease, retry).run(ended))
        listening = asyncio.create_task(listener.run(ended))
        try:
            if await self._get_ready(Readiness(store, listener, self._options)):
                await self._claim_all(queue, answerer, retry)
                await self._drain()
        finally:
            ended.set()
            listening.cancel()
            await asyncio.wait({heartbeat, listening})
            await store.close()

    async def _get_ready(self, readiness: Readiness) -> bool:
        while not self._stopping.is_set():
            if await readiness.inspect():
                self._is_ready = True
                _logger.info("Ready: all that is needed of Redis works")
                return True
            await wait_for(self._stopping, 0.25)
        return False

    async def _claim_all(self, queue: DispatchQueue, answerer: TurnAnswerer, retry: Retry) -> None:
        interval = self._options.poll_interval

        async def claim() -> int:
            free = min(self._options.concurrency - len(self._answering), _MOST_IN_ONE_CLAIM)
            claimed = await queue.claim(self._options.lease, free) if free > 0 else []
            for each in claimed:
                self._begin(each, queue, answerer)
            return len(claimed)

        while not self._stopping.is_set():
            self._wake.clear()
            if not await retry.until_done("claiming tasks", claim, interval / 2, 5 * interval, self._stopping):
                await wait_for(self._wake, interval)

    def _begin(self, claimed: Claimed, queue: DispatchQueue, answerer: TurnAnswerer) -> None:
        task = asyncio.create_task(self._answer(claimed, queue, answerer))
        self._answering.add(task)

        def on_done(done: asyncio.Task[None]) -> None:
            self._answering.discard(done)
            self._wake.set()  # A slot is free.

        task.add_done_callback(on_done)

    async def _answer(self, claimed: Claimed, queue: DispatchQueue, answerer: TurnAnswerer) -> None:
        try:
            message = read_task(claimed.entry, claimed.payload)
            if isinstance(message, Unreadable):
                await queue.bury(claimed.entry, claimed.payload, message)
                return
            telemetry.claimed(message, claimed)
            turn = RunningTurn(claimed.entry, message.turn_id)
            self._running.add(turn)
            try:
                await answerer.answer(message, turn)  # If it fails, the lease expires, and another attempt is made.
            finally:
                self._running.remove(turn)
        except Exception as error:  # Row boundary: one bad turn must not end the worker.
            self._failures.report("answering a turn", error)

    async def _drain(self) -> None:
        drained = asyncio.create_task(self._drained())
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({hurry, drained}, timeout=self._options.drain_limit, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if self._answering:
            _logger.info("Stopping: %d turns are given back to the queue", len(self._running))
            self._running.stop_all(StopReason.GIVEN_BACK)
        await drained

    async def _drained(self) -> None:
        while self._answering:
            await asyncio.wait(set(self._answering))
