"""The turns that this worker is answering."""

from __future__ import annotations

import asyncio
import enum
import uuid
from typing import Any


class StopReason(enum.Enum):
    """Why a running turn must stop."""

    ENDED = "ended"
    """A gateway ended the turn: cancelled or overdue."""

    LOST = "lost"
    """The lease or the log is lost. Another attempt will be made."""

    GIVEN_BACK = "given_back"
    """The worker is stopping and gives the turn back."""


class RunningTurn:
    """An attempt whose lease this worker holds. A stop may arrive just after the attempt has ended."""

    def __init__(self, entry: bytes, turn_id: str) -> None:
        self.entry = entry
        self.turn_id = turn_id
        self.claim_id = uuid.uuid4().hex  # Names this worker's claim in the turn's log: another worker may hold the same attempt.
        self.reason: StopReason | None = None
        self.stopped = asyncio.Event()
        self.interrupted = asyncio.Event()
        self._has_ended = False
        self._speaking: asyncio.Task[Any] | None = None

    def speak_in(self, task: asyncio.Task[Any]) -> None:
        """Names the task that runs the user's code: the only one that is ever cancelled."""
        self._speaking = task
        if self.interrupted.is_set():
            task.cancel()

    def stop(self, reason: StopReason) -> None:
        """Stops the turn, unless it has ended. The first reason wins."""
        if not self._has_ended and self.reason is None:
            self.reason = reason
            self.stopped.set()
            self.interrupt()

    def interrupt(self) -> None:
        """Interrupts the user's code, once."""
        if not self.interrupted.is_set():
            self.interrupted.set()
            if self._speaking is not None:
                self._speaking.cancel()

    def end(self) -> None:
        """Marks the turn as finished; a later stop has no effect."""
        self._has_ended = True


class RunningTurns:
    """All of them."""

    def __init__(self) -> None:
        self._turns: dict[bytes, RunningTurn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    @property
    def entries(self) -> list[bytes]:
        """Their entries in the dispatch queue."""
        return list(self._turns)

    def add(self, turn: RunningTurn) -> None:
        """Adds a turn."""
        self._turns[turn.entry] = turn

    def remove(self, turn: RunningTurn) -> None:
        """Removes a turn."""
        turn.end()
        if self._turns.get(turn.entry) is turn:
            del self._turns[turn.entry]

    def stop_entry(self, entry: bytes, reason: StopReason) -> None:
        """Stops the turn of an entry."""
        if entry in self._turns:
            self._turns[entry].stop(reason)

    def stop_turn(self, turn_id: str, reason: StopReason) -> None:
        """Stops all attempts of a turn."""
        for turn in list(self._turns.values()):
            if turn.turn_id == turn_id:
                turn.stop(reason)

    def stop_all(self, reason: StopReason) -> None:
        """Stops all turns."""
        for turn in list(self._turns.values()):
            turn.stop(reason)
