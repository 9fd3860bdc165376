"""The examples as processes of their own, as a reader would start them."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from harness import WorkerTestCase

EXAMPLES = Path(__file__).parents[1] / "examples"


class FakeModel:
    """An OpenAI-compatible endpoint that answers in capitals, one event per word."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []

    async def __aenter__(self) -> "FakeModel":
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        self.requests.append((head, body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for word in body["messages"][0]["content"].upper().split():
            event = json.dumps({"choices": [{"delta": {"content": word + " "}}]}, ensure_ascii=False)
            writer.write(f"data: {event}\n\n".encode())
            await writer.drain()
        writer.write(b'data: {"choices":[{"delta":{}}]}\n\ndata: {"choices":[],"usage":{}}\n\ndata: [DONE]\n\n')
        await writer.drain()
        writer.close()


class Examples(WorkerTestCase):
    async def answer_of(self, example: str, environment: dict[str, str], traceparent: str | None = None) -> str:
        """The example's answer; SIGTERM ends it in order."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLES / example),
            env={**os.environ, "REDIS_URL": self.server.url, "PYTHONPATH": os.pathsep.join([str(EXAMPLES.parent / "src"), *sys.path]), **environment},
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            log = await self.done(await self.dispatch("Guten Tag 😀", traceparent=traceparent))
            process.send_signal(signal.SIGTERM)
            self.assertEqual(0, await asyncio.wait_for(process.wait(), 10))
        finally:
            if process.returncode is None:
                process.kill()
        self.assertEqual("completed", log[-1]["reason"])
        self.assertEqual(4, len(log))
        return str(log[-1]["text"])

    async def test_echo(self) -> None:
        self.assertEqual("Guten Tag 😀 ", await self.answer_of("echo.py", {}))

    async def test_openai_compatible(self) -> None:
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        async with FakeModel() as model:
            environment = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "secret", "OPENAI_MODEL": "small"}
            self.assertEqual("GUTEN TAG 😀 ", await self.answer_of("openai_compatible.py", environment, traceparent))
        head, body = model.requests[0]
        self.assertIn("authorization: bearer secret", head)
        self.assertIn(f"traceparent: {traceparent}", head)
        self.assertEqual(("small", True), (body["model"], body["stream"]))
