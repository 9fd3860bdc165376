"""A redis-server on a free loopback port, and what a gateway does to the stores of a turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from konstruct_worker import Message, Options, Worker, keys
from redis.asyncio import Redis

SCRIPTS = Path(__file__).parents[3] / "Konstruct.Contracts" / "Redis" / "Scripts"

SOON = 30.0


async def until(condition: Callable[[], Awaitable[Any]], what: str = "a condition") -> Any:
    """Asks again until the answer is true."""
    deadline = time.monotonic() + SOON
    while not (result := await condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not within {SOON} s: {what}")
        await asyncio.sleep(0.01)
    return result


def free_port() -> int:
    """Below 55,536: a cluster's node also listens 10,000 above it."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            if (port := int(listener.getsockname()[1])) < 55_536:
                return port


class RedisServer:
    """In memory, without persistence. As a cluster: one node with all slots."""

    def __init__(self, cluster: bool = False) -> None:
        self._cluster = cluster
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        cluster = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"] if self._cluster else []
        self._process = subprocess.Popen(
            ["redis-server", *cluster, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder.name, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + SOON
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                if self._cluster:
                    connection.sendall(b"CLUSTER ADDSLOTSRANGE 0 16383\r\n")
                    connection.recv(100)
                return
            if time.monotonic() > deadline:
                raise TimeoutError("redis-server does not start.")
            time.sleep(0.02)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()


@dataclass
class Turn:
    """A turn as a gateway has dispatched it."""

    text: str
    attempt: int = 1
    tenant: str = field(default_factory=lambda: str(uuid.uuid4()))
    conversation: str = field(default_factory=lambda: str(uuid.uuid4()))
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    traceparent: str | None = None

    @property
    def entry(self) -> str:
        return f"{self.id}:{self.attempt}"

    @property
    def attempt_key(self) -> keys.Attempt:
        channel = keys.response_channel(keys.DEFAULT_RESPONSE_CHANNEL, self.tenant, self.conversation)
        return keys.Attempt(self.conversation, self.id, self.attempt, channel)

    @property
    def payload(self) -> dict[str, Any]:
        user = str(uuid.uuid4())
        return {
            "id": str(uuid.uuid4()),
            "tenant_id": self.tenant,
            "channel": "web",
            "channel_metadata": {"portal_user_id": user, "tenant_id": self.tenant, "conversation_id": self.conversation},
            "sender": {"user_id": user, "display_name": "Portal User"},
            "content": {"text": self.text},
            "timestamp": "2026-01-02T03:04:05.1234567+00:00",
            "thread_id": self.conversation,
            "reply_to": None,
            "context": {},
            "conversation_id": self.conversation,
            "portal_user_id": user,
            "agent_id": "",
            "turn_id": self.id,
            "attempt": self.attempt,
            "traceparent": self.traceparent,
        }


class WorkerTestCase(unittest.IsolatedAsyncioTestCase):
    """A test with its own data in a server that the class shares."""

    server: RedisServer

    @classmethod
    def setUpClass(cls) -> None:
        if shutil.which("redis-server") is None:
            raise unittest.SkipTest("Needs redis-server (Debian: apt install redis-server).")
        cls.server = RedisServer()
        cls.server.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.close()

    async def asyncSetUp(self) -> None:
        self.redis: Any = Redis.from_url(self.server.url)
        await self.redis.flushall()
        self._serving: list[tuple[Worker, asyncio.Task[None]]] = []

    async def asyncTearDown(self) -> None:
        for worker, serving in self._serving:
            worker.stop(at_once=True)
            await asyncio.wait_for(serving, SOON)
        await (self.redis.aclose() if hasattr(self.redis, "aclose") else self.redis.close())
        await self.redis.connection_pool.disconnect()

    async def serve(self, answer: Callable[[Message], AsyncIterator[str]], url: str | None = None, **options: Any) -> Worker:
        """A worker that is ready; it is stopped after the test."""
        worker = Worker(url or self.server.url, Options(**options))
        serving = asyncio.create_task(worker.serve(answer))
        self._serving.append((worker, serving))

        async def ready() -> bool:
            if serving.done():
                serving.result()
            return worker.is_ready

        await until(ready, "a worker is ready")
        return worker

    def serving(self, worker: Worker) -> asyncio.Task[None]:
        return next(task for each, task in self._serving if each is worker)

    async def script(self, name: str, script_keys: list[str], *values: Any) -> Any:
        return await self.redis.eval((SCRIPTS / f"{name}.lua").read_text(), len(script_keys), *script_keys, *values)

    async def dispatch(self, text: str, wake: str = keys.WAKE, **members: Any) -> Turn:
        """Queues a turn as a gateway does."""
        turn = Turn(text, **members)
        await self.script(
            "enqueue", [keys.QUEUE, keys.TASKS, keys.LEASES, keys.ANSWERED], turn.entry, json.dumps(turn.payload), wake, turn.attempt_key.channel, ""
        )
        return turn

    async def end(self, turn: Turn, outcome: str = "cancelled", stop_channel: str = keys.STOP) -> int:
        """Ends a turn as a gateway does for a client that cancels."""
        key = turn.attempt_key
        payload = f'{{"type":"done","conversation_id":"{turn.conversation}","turn_id":"{turn.id}","attempt":{turn.attempt},"reason":"{outcome}","seq":'
        return int(await self.script("end", [key.turn_key, key.log_key], turn.attempt, key.channel, 600, outcome, payload, stop_channel, turn.id, 100))

    async def log(self, turn: Turn) -> list[dict[str, Any]]:
        return [json.loads(entry) for entry in await self.redis.lrange(turn.attempt_key.log_key, 0, -1)]

    async def chunks(self, turn: Turn, count: int) -> list[dict[str, Any]]:
        """The log, as soon as it has this many chunks."""

        async def enough() -> list[dict[str, Any]] | None:
            log = await self.log(turn)
            return log if len(log) >= count else None

        return list(await until(enough, f"{count} chunks"))

    async def done(self, turn: Turn) -> list[dict[str, Any]]:
        """The log, as soon as the turn has ended and its entry is no longer leased."""

        async def ended() -> list[dict[str, Any]] | None:
            last = await self.redis.lindex(turn.attempt_key.log_key, -1)
            if last is None or json.loads(last)["type"] != "done" or await self.redis.zscore(keys.LEASES, turn.entry) is not None:
                return None
            return await self.log(turn)

        return list(await until(ended, f"the end of {turn.text!r}"))

    async def gone(self, turn: Turn) -> None:
        """Returns when nothing of the entry is left in the dispatch slot."""

        async def removed() -> bool:
            scores = [await self.redis.zscore(key, turn.entry) for key in (keys.QUEUE, keys.LEASES, keys.ANSWERED)]
            return scores == [None] * 3 and not await self.redis.hexists(keys.TASKS, turn.entry)

        await until(removed, f"the entry of {turn.text!r} is gone")


class LossyProxy:
    """Passes connections on, and on demand loses the reply to a request that was carried out."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._marker: bytes | None = None
        self.lost = 0
        self.port = 0
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> LossyProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for each in list(self._connections):
            each.cancel()

    def lose_reply_to(self, marker: bytes) -> None:
        """Cuts the next connection that sends the marker, after the server has replied."""
        self._marker = marker

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._target)
        losing = False

        async def requests() -> None:
            nonlocal losing
            while data := await reader.read(65536):
                if self._marker is not None and self._marker in data:
                    self._marker, losing = None, True
                to_writer.write(data)

        async def replies() -> None:
            while data := await to_reader.read(65536):
                if losing:
                    self.lost += 1
                    return
                writer.write(data)

        pumps = {asyncio.create_task(requests()), asyncio.create_task(replies())}
        self._connections |= pumps
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        self._connections -= pumps
        writer.close()
        to_writer.close()
