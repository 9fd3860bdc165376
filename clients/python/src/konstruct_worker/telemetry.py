"""Spans, where OpenTelemetry is installed (``konstruct-worker[otel]``): ``turn.claim``, ``turn.process`` and ``turn.finish``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from .dispatch import Claimed
from .message import Message

try:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    trace = None

_NAME = "Konstruct.Orchestrator"


class Span(Protocol):
    """What the worker uses of a span."""

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Adds attributes."""

    def add_event(self, name: str) -> None:
        """Adds an event."""


class NoSpan:
    """A span that records nothing."""

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Does nothing."""

    def add_event(self, name: str) -> None:
        """Does nothing."""


def claimed(message: Message, claim: Claimed) -> None:
    """Records a claim. The span ends at once, so that an attempt of a killed worker leaves at least this span."""
    if trace is None or message.traceparent is None:
        return
    span = trace.get_tracer(_NAME).start_span(
        "turn.claim",
        context=_parent(message),
        kind=trace.SpanKind.CONSUMER,
        attributes={**_task(message), "messaging.operation.type": "receive", "konstruct.queue.wait": claim.waited},
        start_time=claim.sent_at,
    )
    span.end(end_time=claim.returned_at)


@contextmanager
def process(message: Message) -> Iterator[Span]:
    """The span of the work on a task. It is current, so that an instrumented HTTP client continues the trace."""
    if trace is None:
        yield NoSpan()
        return
    with trace.get_tracer(_NAME).start_as_current_span(
        "turn.process",
        context=_parent(message),
        kind=trace.SpanKind.CONSUMER,
        attributes={**_task(message), "messaging.operation.type": "process"},
        record_exception=False,
    ) as span:
        yield span


@contextmanager
def finish(outcome: str, chunks: int) -> Iterator[None]:
    """The span of the end of an answer."""
    if trace is None:
        yield
        return
    attributes = {"konstruct.turn.outcome": outcome, "konstruct.turn.chunks": chunks}
    with trace.get_tracer(_NAME).start_as_current_span("turn.finish", attributes=attributes, record_exception=False):
        yield


def current_traceparent(message: Message) -> str | None:
    """The trace context for calls that an answer makes: the current span's, or the message's where nothing records spans."""
    context = None if trace is None else trace.get_current_span().get_span_context()
    if context is None or not context.is_valid:
        return message.traceparent
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def fail(span: Span, error: BaseException) -> None:
    """Marks a span as failed. Only the kind of the error is recorded, because its text may quote the user."""
    if trace is not None and isinstance(span, trace.Span):
        span.set_status(trace.Status(trace.StatusCode.ERROR))
        span.set_attribute("error.type", type(error).__name__)


def _parent(message: Message) -> Any:
    return TraceContextTextMapPropagator().extract({"traceparent": message.traceparent} if message.traceparent else {})


def _task(message: Message) -> dict[str, Any]:
    return {
        "konstruct.turn.id": message.turn_id,
        "konstruct.turn.attempt": message.attempt,
        "messaging.destination.name": "dispatch",
    }
