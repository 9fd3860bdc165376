"""Renews the leases of all this worker's turns in one call, three times per lease."""

from __future__ import annotations

import asyncio
import logging

from .dispatch import DispatchQueue
from .retry import Retry, wait_for
from .running import RunningTurns, StopReason

_logger = logging.getLogger("konstruct_worker")


class Heartbeat:
    """One per worker."""

    def __init__(self, queue: DispatchQueue, running: RunningTurns, lease: float, retry: Retry) -> None:
        self._queue = queue
        self._running = running
        self._lease = lease
        self._retry = retry

    async def run(self, ended: asyncio.Event) -> None:
        """Beats until ``ended`` is set. A failed heartbeat is retried soon, because the leases are expiring."""
        loop = asyncio.get_running_loop()
        interval = self._lease / 3
        due = loop.time() + interval
        while not await wait_for(ended, due - loop.time()):
            late = loop.time() - due
            if late > interval:
                _logger.warning(
                    "The event loop stood still for %.1f s, and leases end without heartbeats: an answer must not block. "
                    "Call blocking code with asyncio.to_thread",
                    late,
                )
            due = loop.time() + interval
            await self._retry.until_done("the heartbeat", self._beat, self._lease / 30, interval, ended)

    async def _beat(self) -> None:
        entries = self._running.entries
        if entries:
            for lost in await self._queue.renew(self._lease, entries):
                self._running.stop_entry(lost, StopReason.LOST)
