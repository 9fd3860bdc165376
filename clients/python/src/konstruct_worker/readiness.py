"""Tries each kind of Redis operation before the first claim: a task that the worker cannot answer would cost the turn an attempt."""

from __future__ import annotations

import logging
import uuid

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from . import keys
from .keys import Attempt, response_channel
from .listening import Listener
from .options import Options
from .retry import wait_for
from .store import Script, Store

_TRY_TURN, _TRY_DISPATCH = Script("try_turn"), Script("try_dispatch")

_logger = logging.getLogger("konstruct_worker")


class Readiness:
    """Asks again until everything works."""

    def __init__(self, store: Store, listener: Listener, options: Options) -> None:
        self._store = store
        self._listener = listener
        self._options = options
        self._told = ""

    async def inspect(self) -> bool:
        """Whether everything works. Logs each reason once."""
        reason = await self._reason()
        if reason is not None and reason != self._told:
            self._told = reason
            _logger.info("Not ready yet: %s", reason)
        return reason is None

    async def _reason(self) -> str | None:
        nobody = str(uuid.uuid4())
        attempt = Attempt(nobody, str(uuid.uuid4()), 1, response_channel(self._options.response_channel, nobody, nobody))
        try:
            await self._store.run(
                _TRY_DISPATCH, [keys.QUEUE, keys.TASKS, keys.LEASES, keys.ANSWERED], [f"{attempt.turn_id}:0"]
            )
            if not await wait_for(self._listener.subscribed, 5):
                return f"Redis does not confirm the subscription to '{keys.WAKE}' and '{keys.STOP}'."
            self._listener.heard.clear()
            await self._store.run(_TRY_TURN, [attempt.turn_key, attempt.log_key], [attempt.channel, keys.WAKE, keys.STOP])
        except AuthenticationError:
            return "Redis refuses the password, or its user."
        except NoPermissionError as error:
            return f"Redis refuses an operation: {error}. Give its user the rights that docs/guide/stores.md lists."
        except ResponseError as error:
            return f"Redis refuses an operation: {error}"
        except (RedisError, OSError) as error:
            return f"Redis does not answer: {type(error).__name__}"
        if not await wait_for(self._listener.heard, 5):
            return f"What is published on '{keys.WAKE}' does not arrive at its subscribers."
        return None
