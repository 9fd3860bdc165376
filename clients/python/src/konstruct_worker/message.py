"""The task of a turn, read from Redis without trusting it: any process may have written it."""

from __future__ import annotations

import enum
import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .text import to_storable

MAX_ATTEMPT = 100

_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A user's message. Ids are lower-case UUIDs with hyphens, except ``user_id`` and ``agent_id``: these are as the client wrote them."""

    id: str
    """The message."""

    conversation_id: str
    """The conversation, which scopes the agent's memory."""

    tenant_id: str
    """The tenant."""

    user_id: str
    """The portal's user."""

    display_name: str
    """The user's name to show."""

    text: str
    """The text."""

    agent_id: str
    """The AI employee; may be empty."""

    turn_id: str
    """The turn that this message began."""

    attempt: int
    """Number of the attempt, from 1. A later attempt answers from the start: clients drop what earlier ones sent."""

    timestamp: datetime
    """Time of the message."""

    traceparent: str | None
    """W3C trace context for calls that the answer makes; None: the turn is not traced."""


class Unreadable(enum.Enum):
    """Why an entry of the dispatch queue cannot be read."""

    MISSING = "missing"
    """It has no task payload."""

    MALFORMED = "malformed"
    """The payload is not a task: not JSON, or a required member is missing."""

    MISMATCHED = "mismatched"
    """The payload is a task of another turn or attempt."""


def read_task(entry: bytes, payload: bytes) -> Message | Unreadable:
    """Reads the task of an entry. Never raises."""
    if not payload:
        return Unreadable.MISSING
    try:
        message = _read(json.loads(payload.decode("utf-8")))
    except (ValueError, RecursionError):
        return Unreadable.MALFORMED
    return message if f"{message.turn_id}:{message.attempt}".encode() == entry else Unreadable.MISMATCHED


def _read(task: Any) -> Message:
    web = _member(task, "channel_metadata", dict)
    sender = _member(task, "sender", dict)
    content = _member(task, "content", dict)
    attempt = _member(task, "attempt", int)
    tenant_id, conversation_id = _uuid(task, "tenant_id"), _uuid(task, "conversation_id")
    _member(web, "portal_user_id", str)
    _uuid(task, "thread_id")
    if isinstance(attempt, bool) or not 1 <= attempt <= MAX_ATTEMPT:
        raise ValueError(f"The attempt is not from 1 to {MAX_ATTEMPT}.")
    if (_uuid(web, "tenant_id"), _uuid(web, "conversation_id")) != (tenant_id, conversation_id):
        raise ValueError("The task names two tenants or two conversations.")
    return Message(
        id=_uuid(task, "id"),
        conversation_id=conversation_id,
        tenant_id=tenant_id,
        user_id=_member(task, "portal_user_id", str),
        display_name=to_storable(_member(sender, "display_name", str)),
        text=to_storable(_member(content, "text", str)),
        agent_id=_member(task, "agent_id", str),
        turn_id=_uuid(task, "turn_id"),
        attempt=attempt,
        timestamp=datetime.fromisoformat(_member(task, "timestamp", str)),
        traceparent=None if task.get("traceparent") is None else _member(task, "traceparent", str),
    )


def _member(parent: Any, name: str, kind: type[Any]) -> Any:
    value = parent.get(name) if isinstance(parent, dict) else None
    if not isinstance(value, kind):
        raise ValueError(f"The task has no valid {name}.")
    return value


def _uuid(parent: Any, name: str) -> str:
    text = _member(parent, name, str)
    if not _UUID.fullmatch(text):
        raise ValueError(f"The task's {name} is not a UUID.")
    return str(uuid.UUID(text))
