"""Payloads of the response channel and entries of the log, byte for byte as the C# worker writes them."""

from __future__ import annotations

import json

from .keys import Attempt


def chunk(attempt: Attempt, text: str, seq: int) -> bytes:
    """A chunk, which is also its log entry and its v2 frame."""
    return (
        f'{{"type":"chunk","text":{_quote(text)},"turn_id":"{attempt.turn_id}","attempt":{attempt.number},"seq":{seq}}}'
    ).encode()


def done(attempt: Attempt, text: str, seq: int, outcome: str) -> bytes:
    """The end of a turn."""
    return (
        f'{{"type":"done","text":{_quote(text)},"conversation_id":"{attempt.conversation_id}","turn_id":"{attempt.turn_id}",'
        f'"attempt":{attempt.number},"seq":{seq},"reason":"{outcome}"}}'
    ).encode()


def reset(attempt: Attempt) -> bytes:
    """Announces a later attempt."""
    return f'{{"type":"reset","turn_id":"{attempt.turn_id}","attempt":{attempt.number}}}'.encode()


def letter(entry: bytes, reason: str, payload: bytes, most_characters: int) -> str:
    """A dead letter without its opening brace; the script puts the time before it."""
    members = {
        "entry": entry.decode("utf-8", "replace"),
        "reason": reason,
        "payload": payload.decode("utf-8", "replace")[:most_characters],
    }
    return json.dumps(members, separators=(",", ":"))[1:]


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
