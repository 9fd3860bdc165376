"""The dispatch queue: one entry for each attempt of a turn. Every call can be repeated after an unknown outcome."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from . import keys, payloads
from .message import Unreadable
from .store import Script, Store

_ALL = [keys.QUEUE, keys.TASKS, keys.LEASES, keys.ANSWERED]

_MOST_LETTERS = 1000
_MOST_CHARACTERS = 8 * 1024
"""Number of characters of a payload that a dead letter keeps, so that large payloads do not fill Redis."""

_logger = logging.getLogger("konstruct_worker")


@dataclass(frozen=True, slots=True)
class Claimed:
    """An entry that this worker has claimed."""

    entry: bytes
    """Names the turn and the attempt."""

    payload: bytes
    """The task; empty when Redis has none."""

    waited: float
    """Seconds in the queue."""

    sent_at: int
    """Time at which the claim was sent, in ns since 1970."""

    returned_at: int
    """Time at which the claim returned, by the same clock."""


class DispatchQueue:
    """Claims entries, keeps their leases and gives them up."""

    _claim, _renew, _answer, _remove, _bury = (Script(name) for name in ("claim", "renew", "answer", "remove", "bury"))

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(self, lease: float, most: int) -> list[Claimed]:
        """Claims the oldest entries, at most ``most``, with a lease of ``lease`` seconds."""
        sent_at = time.time_ns()
        values = await self._store.run(self._claim, [keys.QUEUE, keys.TASKS, keys.LEASES], [round(lease * 1000), most])
        returned_at = time.time_ns()
        return [
            Claimed(values[i], values[i + 1] or b"", int(values[i + 2]) / 1e6, sent_at, returned_at)
            for i in range(0, len(values), 3)
        ]

    async def renew(self, lease: float, entries: Sequence[bytes]) -> list[bytes]:
        """Renews leases. Returns the entries whose lease the caller has lost."""
        lost: list[bytes] = await self._store.run(self._renew, [keys.LEASES], [round(lease * 1000), *entries])
        return lost

    async def answer(self, entry: bytes) -> None:
        """Marks an entry as answered: its end is in the log, and a gateway must persist it."""
        await self._store.run(self._answer, [keys.LEASES, keys.ANSWERED], [entry])

    async def remove(self, entry: bytes) -> None:
        """Removes an entry: its worker gives it back."""
        await self._store.run(self._remove, _ALL, [entry])

    async def bury(self, entry: bytes, payload: bytes, reason: Unreadable) -> bool:
        """Moves an unreadable entry to the dead letters. False: another process did."""
        letter = payloads.letter(entry, reason.value, payload, _MOST_CHARACTERS)
        if await self._store.run(self._bury, [*_ALL, keys.DEAD], [entry, letter, _MOST_LETTERS]) != 1:
            return False
        _logger.error(
            "The entry %r of the dispatch queue cannot be read (%s) and was put aside: LRANGE {dispatch}:dead 0 9 shows the latest",
            entry[:100],
            reason.value,
        )
        return True
