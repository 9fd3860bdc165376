"""The connection to Redis. Every operation is a Lua script, the same files as the gateways use."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from .options import Options

Value = bytes | str | int


class Script:
    """A Lua script. Its head comment states keys, arguments, result and the race that it closes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = (resources.files(__package__) / "lua" / f"{name}.lua").read_bytes()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()


class Store:
    """
    Runs scripts. A call raises an error of redis-py or ``OSError`` when Redis refuses, is too slow or cannot be reached; its outcome is then unknown.
    A task that is inside a call must not be cancelled: redis-py 4.3 would give the reply to the next caller.
    """

    def __init__(self, url: str, options: Options) -> None:
        self._url = url
        self._settings: dict[str, Any] = {
            "socket_timeout": options.call_timeout,
            "socket_connect_timeout": options.call_timeout,
            "socket_keepalive": True,
        }
        # The classes have no common base that mypy knows.
        kind: Any = RedisCluster if options.cluster else Redis
        self._client: Any = kind.from_url(url, **self._settings)
        # redis-py needs a connection for each call. A call that finds no connection waits here, in order.
        self._calls = asyncio.Semaphore(options.connections)

    async def run(self, script: Script, keys: Sequence[str], values: Sequence[Value]) -> Any:
        """Runs a script in one step."""
        async with self._calls:
            try:
                return await self._client.evalsha(script.sha, len(keys), *keys, *values)
            except NoScriptError:
                return await self._client.eval(script.text, len(keys), *keys, *values)

    async def read_list(self, key: str) -> list[bytes]:
        """Reads a whole list."""
        async with self._calls:
            return cast("list[bytes]", await self._client.lrange(key, 0, -1))

    def listen(self) -> tuple[PubSub, Callable[[], Awaitable[Any]]]:
        """A subscriber on its own connection, and what closes it. PUBLISH reaches every node of a cluster, so one node is enough."""
        client: Any = Redis.from_url(self._url, **self._settings)
        pubsub = client.pubsub()

        async def close() -> None:
            await _close(pubsub)
            await client.connection_pool.disconnect()

        return pubsub, close

    async def close(self) -> None:
        """Closes all connections."""
        await _close(self._client)
        if isinstance(self._client, Redis):
            await self._client.connection_pool.disconnect()


async def _close(client: Any) -> None:
    """redis-py 5 renamed ``close`` to ``aclose``."""
    await (client.aclose() if hasattr(client, "aclose") else client.close())
