"""Hears wake-ups and stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from . import keys
from .failures import Failures
from .retry import pause, wait_for
from .store import Store

_IDLE = 5.0
"""Seconds without a payload after which the connection is tried."""

_DEAD = 15.0
"""Seconds without a payload or a reply after which the connection is renewed: a peer that vanished sends nothing."""

class Listener:
    """One subscription to both channels, renewed after every error. Only its own connection is ever cancelled inside a call."""

    def __init__(self, store: Store, failures: Failures, wake: Callable[[], None], stop_turn: Callable[[str], None]) -> None:
        self._store = store
        self._failures = failures
        self._wake = wake
        self._stop_turn = stop_turn
        self.subscribed = asyncio.Event()
        """Set when the server has confirmed the subscription."""
        self.heard = asyncio.Event()
        """Set by every wake-up."""

    async def run(self, ended: asyncio.Event) -> None:
        """Listens until ``ended`` is set. A cancelled call ends sooner."""
        failures = 0
        while not ended.is_set():
            began = time.monotonic()
            try:
                await self._listen()
            except Exception as error:  # Round boundary: a bad connection must not end the loop.
                self._failures.report("listening to wake-ups", error)
            failures = 0 if time.monotonic() - began > _DEAD else failures + 1
            await wait_for(ended, pause(0.1, 5, failures))

    async def _listen(self) -> None:
        pubsub, close = self._store.listen()
        try:
            await pubsub.subscribe(keys.WAKE, keys.STOP)
            heard_at = tried_at = time.monotonic()
            while True:
                message = await pubsub.get_message(timeout=1)
                now = time.monotonic()
                if message is not None:
                    heard_at = now
                    self._hear(message)
                elif now - heard_at > _DEAD:
                    raise TimeoutError("The subscription to wake-ups is silent.")
                elif now - max(heard_at, tried_at) > _IDLE:
                    tried_at = now
                    await pubsub.subscribe(keys.WAKE)  # Every server confirms it again, and it requires no further right.
        finally:
            await close()

    def _hear(self, message: dict[str, object]) -> None:
        if message["type"] == "subscribe":
            self.subscribed.set()
            self._wake()  # A wake-up may have been missed.
        elif message["type"] == "message" and isinstance(data := message["data"], bytes):
            if message["channel"] == keys.STOP.encode():
                self._stop_turn(data.decode("utf-8", "replace").lower())
            else:
                self.heard.set()
                self._wake()
