"""Repeats what must not fail, after growing pauses with jitter, so that replicas that failed together do not retry together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .failures import Failures, is_outage

T = TypeVar("T")


class GaveUp(Exception):
    """The turn was stopped, or its time was up, before the outcome of a call was known."""


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """
    Whether the event is set within this time. ``asyncio.timeout`` does not work in a task that calls redis-py 4.3: async_timeout leaves the task's
    count of cancellations raised, and ``asyncio.timeout`` then raises ``CancelledError``.
    """
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=max(seconds, 0))
    finally:
        waiting.cancel()
    return event.is_set()


def pause(first: float, longest: float, failures: int) -> float:
    """Between half of the pause and the full pause; it doubles with each failure."""
    return float(min(first * 2 ** min(failures, 20), longest) * random.uniform(0.5, 1))


class Retry:
    """Two ways to repeat: a turn's call until its outcome is known, and a loop's round until it succeeds."""

    def __init__(self, failures: Failures) -> None:
        self._failures = failures

    async def until_known(self, call: Callable[[], Awaitable[T]], stopped: asyncio.Event, limit: float | None = None) -> T:
        """
        Repeats a turn's call to Redis. Raises ``GaveUp`` when ``stopped`` is set or ``limit`` seconds are over first, never inside a call.
        """
        loop = asyncio.get_running_loop()
        ends = None if limit is None else loop.time() + limit
        failures = 0
        while not stopped.is_set() and (ends is None or loop.time() < ends):
            try:
                return await call()
            except Exception as error:
                if not is_outage(error):
                    raise
                self._failures.report("a turn's call to Redis", error)
            await wait_for(stopped, pause(0.05, 1, failures))
            failures += 1
        raise GaveUp

    async def until_done(self, work: str, round_: Callable[[], Awaitable[T]], first: float, longest: float, stopped: asyncio.Event) -> T | None:
        """Repeats a loop's round after any error. None: ``stopped`` was set first."""
        failures = 0
        while not stopped.is_set():
            try:
                return await round_()
            except Exception as error:  # Round boundary: one bad round must not end the loop.
                self._failures.report(work, error)
            await wait_for(stopped, pause(first, longest, failures))
            failures += 1
        return None
