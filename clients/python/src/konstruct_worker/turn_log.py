"""The ordered log of each attempt of a turn, and the fence that lets one attempt write. Every call can be repeated after an unknown outcome."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence

from . import payloads
from .keys import Attempt
from .store import Script, Store

KEPT_WHILE_RUNNING = 3600
"""Seconds until a log expires while its turn runs; every append renews it."""

KEPT_AFTER_END = 600
"""Seconds until a log expires after its turn has ended."""


class LogWrite(enum.Enum):
    """Result of a write to a log."""

    WRITTEN = 0
    """In the log and published, by this call or an earlier one."""

    FENCED = -1
    """Another attempt, or another claim of this one, is open: the caller has lost the turn."""

    LOST = -2
    """The log is shorter than what the caller has written: Redis lost it."""

    ENDED = -3
    """The turn has ended: a client cancelled it, or its deadline passed."""

    TOO_LONG = -4
    """The answer would exceed its limit."""


class TurnLog:
    """Opens, appends and finishes."""

    _open, _append, _finish, _state = Script("open"), Script("append"), Script("finish"), Script("state")

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, attempt: Attempt, claim_id: str, traceparent: str | None) -> LogWrite:
        """Opens an attempt, so that no earlier one can write. ``claim_id`` distinguishes a repeated call from another worker's, here and below."""
        return _outcome(
            await self._store.run(
                self._open,
                [attempt.turn_key],
                [attempt.number, claim_id, attempt.channel, KEPT_WHILE_RUNNING, payloads.reset(attempt), traceparent or ""],
            )
        )

    async def append(self, attempt: Attempt, claim_id: str, first_seq: int, chunks: Sequence[bytes], max_answer_bytes: int) -> LogWrite:
        """Appends and publishes chunks, beginning with ``first_seq``."""
        return _outcome(
            await self._store.run(
                self._append,
                [attempt.turn_key, attempt.log_key],
                [attempt.number, claim_id, first_seq, attempt.channel, KEPT_WHILE_RUNNING, max_answer_bytes, *chunks],
            )
        )

    async def finish(self, attempt: Attempt, claim_id: str, seq: int, outcome: str, text: str) -> LogWrite:
        """Finishes the turn: writes the last entry of the log."""
        return _outcome(
            await self._store.run(
                self._finish,
                [attempt.turn_key, attempt.log_key],
                [attempt.number, claim_id, seq, attempt.channel, KEPT_AFTER_END, outcome, payloads.done(attempt, text, seq, outcome)],
            )
        )

    async def last_seq(self, attempt: Attempt) -> int:
        """Number of chunks in the log of the open attempt."""
        seq = (await self._store.run(self._state, [attempt.turn_key], []))[2]
        return int(seq) if seq and seq.isdigit() else 0

    async def text(self, attempt: Attempt) -> str:
        """The text of an attempt, from the chunks in its log."""
        return "".join(json.loads(entry)["text"] for entry in await self._store.read_list(attempt.log_key))


def _outcome(result: int) -> LogWrite:
    return LogWrite(result) if result < 0 else LogWrite.WRITTEN
