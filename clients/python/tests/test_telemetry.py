"""Spans, with a stand-in for OpenTelemetry: the package is optional, and Debian does not have it."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from enum import Enum
from types import SimpleNamespace
from typing import Any
from unittest import mock

from harness import WorkerTestCase
from konstruct_worker import Message, telemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class FakeSpan:
    def __init__(self, name: str, parent: Any, attributes: dict[str, Any] | None) -> None:
        self.name, self.parent, self.attributes, self.events, self.is_ended = name, parent, dict(attributes or {}), [], False
        self.status: Any = None

    def get_span_context(self) -> Any:
        return SimpleNamespace(is_valid=True, trace_id=int(TRACE, 16), span_id=0x1234, trace_flags=1)

    def set_attributes(self, attributes: dict[str, Any]) -> None:
        self.attributes.update(attributes)

    def set_attribute(self, name: str, value: Any) -> None:
        self.attributes[name] = value

    def set_status(self, status: Any) -> None:
        self.status = status

    def add_event(self, name: str) -> None:
        self.events.append(name)

    def end(self, end_time: int) -> None:
        self.is_ended = True


class FakeTrace:
    """The part of ``opentelemetry.trace`` that the worker uses."""

    Span = FakeSpan
    SpanKind = Enum("SpanKind", ["CONSUMER"])
    StatusCode = Enum("StatusCode", ["ERROR"])
    Status = staticmethod(lambda code: code)

    def __init__(self) -> None:
        self.spans: list[FakeSpan] = []
        self._current: list[FakeSpan] = []

    def get_tracer(self, name: str) -> "FakeTrace":
        return self

    def get_current_span(self) -> FakeSpan:
        return self._current[-1]

    def start_span(self, name: str, context: Any, kind: Any, attributes: dict[str, Any], start_time: int) -> FakeSpan:
        self.spans.append(FakeSpan(name, context, attributes))
        return self.spans[-1]

    @contextlib.contextmanager
    def start_as_current_span(
        self, name: str, context: Any = None, kind: Any = None, attributes: Any = None, record_exception: bool = True
    ) -> Iterator[FakeSpan]:
        span = FakeSpan(name, context if context is not None else self._current[-1], attributes)
        self.spans.append(span)
        self._current.append(span)
        yield span
        self._current.pop()
        span.is_ended = True


class Spans(WorkerTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.trace = FakeTrace()
        for name, value in (("trace", self.trace), ("TraceContextTextMapPropagator", lambda: SimpleNamespace(extract=dict))):
            patch = mock.patch.object(telemetry, name, value, create=True)
            patch.start()
            self.addCleanup(patch.stop)

    async def spans(self, failing: bool = False) -> tuple[list[FakeSpan], Any]:
        seen = []

        async def answer(message: Message) -> AsyncIterator[str]:
            seen.append(message.traceparent)
            yield "x"
            if failing:
                raise ValueError("with a secret")

        await self.serve(answer)
        turn = await self.dispatch("m", traceparent=TRACEPARENT)
        await self.done(turn)
        for worker, serving in self._serving:
            worker.stop()
            await serving
        return self.trace.spans, (seen, turn)

    async def test_a_turn_has_three_spans(self) -> None:
        (claim, process, finish), (seen, turn) = await self.spans()
        self.assertEqual(["turn.claim", "turn.process", "turn.finish"], [span.name for span in (claim, process, finish)])
        self.assertEqual([{"traceparent": TRACEPARENT}] * 2, [claim.parent, process.parent])
        self.assertIs(process, finish.parent)
        self.assertTrue(all(span.is_ended for span in (claim, process, finish)))
        self.assertEqual((turn.id, "completed", 1), tuple(process.attributes[f"konstruct.{name}"] for name in ("turn.id", "turn.outcome", "append.calls")))
        self.assertEqual(["first_append"], process.events)
        self.assertGreaterEqual(claim.attributes["konstruct.queue.wait"], 0)
        self.assertEqual([f"00-{TRACE}-0000000000001234-01"], seen)

    async def test_a_failure_shows_its_kind_and_not_its_text(self) -> None:
        with self.assertLogs("konstruct_worker", "WARNING"):
            spans, _ = await self.spans(failing=True)
        self.assertEqual((FakeTrace.StatusCode.ERROR, "ValueError"), (spans[1].status, spans[1].attributes["error.type"]))
        self.assertNotIn("secret", str([span.attributes for span in spans]))
