"""
The stub orchestrator in Python: the same scenarios and the same words, so that the tests of the gateway can start either. It takes the same
environment variables: ConnectionStrings__redis, Dispatch__Lease, Dispatch__DrainLimit, Dispatch__MaxAnswerBytes, and ASPNETCORE_URLS for /alive and /health.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import sys
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from konstruct_worker import Answer, Message, Options, Worker  # noqa: E402

WORDS = (
    "the answer is a stream of words that no model wrote and every token comes in order while "
    "you read it so nothing will be lost on its way from here to your screen even when some "
    "process ends early or another begins again this sentence goes further than expected with patience"
).split()

# One source for both stubs.
SENTENCES = [
    [word + " " for word in sentence.split(" ")]
    for sentence in (Path(__file__).parents[3] / "Konstruct.OrchestratorStub/Model/sentences.txt").read_text(encoding="utf-8").splitlines()
]

EVERY_SCRIPT = [
    "plain ", "Grüße ", "œuvre ", "Ωμέγα ", "Привет ", "שלום ", "مرحبا ", "नमस्ते ", "สวัสดี ", "漢字 ", "かな ", "한국어 ", "😀 ", "👩‍👩‍👧‍👦 ", "🇪🇺 ", "e\u0301 ", "👍🏽 ",
    "\u202Bright\u202C ", "\u200B", "\uFEFF", '"quoted" ', "back\\slash ", "line\nbreak ", "tab\there ", "\u0001", "\u007F", "<b>&amp;</b> ", "\u2028", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ", "\U0010FFFD",
]

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Scenario:
    """How a message wants to be answered."""

    kind: str = "stream"
    tokens: float = 40
    rate: float = 25
    delay: float = 200

    @staticmethod
    def of(text: str) -> Scenario:
        words = [word for word in text.split(" ") if word] or [""]
        usual, at_once = Scenario(), Scenario(rate=0, delay=0)
        command = {
            "/burst": replace(at_once, tokens=100),
            "/stream": usual,
            "/long": replace(usual, tokens=2000),
            "/empty": replace(at_once, kind="empty"),
            "/fail": replace(usual, kind="fail", tokens=5),
            "/silent": replace(usual, kind="silent"),
            "/unicode": replace(usual, kind="unicode"),
            "/giant": replace(at_once, kind="giant", tokens=100_000),
            "/tiny": replace(at_once, kind="tiny", tokens=10_000),
        }.get(words[0])
        if command is None:
            return replace(usual, kind="reply")
        for i, word in enumerate(words[1:]):
            name, _, value = (f"tokens={word}" if i == 0 and word[:1].isdigit() else word).partition("=")
            try:
                number = float(value)
            except ValueError:
                continue
            if name in ("tokens", "rate", "delay") and 0 <= number <= 1_000_000:
                command = replace(command, **{name: number})
        return command


def tokens_of(text: str, scenario: Scenario) -> Iterator[str]:
    count = int(scenario.tokens)
    if scenario.kind == "unicode":
        yield from EVERY_SCRIPT
    elif scenario.kind == "giant":
        yield "x" * count
    elif scenario.kind == "tiny":
        yield from (chr(ord("a") + i % 26) for i in range(count))
    elif scenario.kind == "reply":
        words = len([word for word in text.split(" ") if word])
        opening = "You wrote one word." if words == 1 else f"You wrote {words} words."
        first = seed_of(text) % len(SENTENCES)
        said = 0
        for i in itertools.count(-1):
            sentence = SENTENCES[(first + i) % len(SENTENCES)] if i >= 0 else [word + " " for word in opening.split(" ")]
            said += len(sentence)
            if said > count and (i >= 0 or count == 0):
                return
            yield from sentence
    elif scenario.kind in ("stream", "fail"):
        state = seed_of(text)
        for _ in range(count):
            state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
            yield WORDS[(state >> 33) % len(WORDS)] + " "


def seed_of(text: str) -> int:
    """FNV-1a over UTF-16, as in the stub."""
    state = 14695981039346656037
    for unit in memoryview(text.encode("utf-16-le")).cast("H"):
        state = ((state ^ unit) * 1099511628211) & _MASK
    return state


async def answer(message: Message) -> AsyncIterator[str]:
    scenario = Scenario.of(message.text)
    if scenario.kind == "silent":
        await asyncio.Event().wait()
    loop = asyncio.get_running_loop()
    began = loop.time() + scenario.delay / 1000
    i = 0
    for i, token in enumerate(tokens_of(message.text, scenario)):
        due = began + (i / scenario.rate if scenario.rate else 0)
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        yield token
    if scenario.kind == "fail":
        raise RuntimeError("The fake model fails, as the message asked it to.")


def redis_url(connection_string: str) -> str:
    """The form of redis-py, from ``host:port,password=…``."""
    parts = connection_string.split(",")
    settings = dict(part.split("=", 1) for part in parts if "=" in part)
    password = urllib.parse.quote(settings.get("password", ""), safe="")
    return f"redis://:{password}@{parts[0]}" if password else f"redis://{parts[0]}"


def seconds(name: str, default: float) -> float:
    """A duration in the form ``hh:mm:ss``."""
    value = os.environ.get(name)
    if value is None:
        return default
    hours, minutes, rest = value.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


class StubWorker(Worker):
    """A worker that also answers HTTP probes."""

    async def serve(self, answer: Answer) -> None:
        port = urllib.parse.urlsplit(os.environ.get("ASPNETCORE_URLS", "")).port
        probes = None if port is None else await asyncio.start_server(self._probe, "127.0.0.1", port)
        await super().serve(answer)
        if probes is not None:
            probes.close()

    async def _probe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        is_good = self.is_ready or request.startswith(b"GET /alive ")
        status = b"200 OK" if is_good else b"503 Service Unavailable"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    StubWorker(
        redis_url(os.environ["ConnectionStrings__redis"]),
        Options(
            concurrency=1024,
            lease=seconds("Dispatch__Lease", 30),
            drain_limit=seconds("Dispatch__DrainLimit", 1),
            max_answer_bytes=int(os.environ.get("Dispatch__MaxAnswerBytes", 4 * 1024 * 1024)),
        ),
    ).run(answer)
