"""Tasks, text and options without a server."""

import json
import unittest

from harness import SCRIPTS, Turn
from konstruct_worker import Message, Options
from konstruct_worker import payloads, store
from konstruct_worker.message import Unreadable, read_task
from konstruct_worker.text import ends_in_half, to_storable


class Tasks(unittest.TestCase):
    def read(self, payload: object, entry: str | None = None) -> Message | Unreadable:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return read_task((entry or self.turn.entry).encode(), raw)

    def setUp(self) -> None:
        self.turn = Turn("Hello", attempt=2, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

    def test_a_task_is_a_message(self) -> None:
        message = self.read(self.turn.payload)
        assert isinstance(message, Message)
        self.assertEqual(
            (self.turn.tenant, self.turn.conversation, self.turn.id, 2, "Hello", "Portal User", self.turn.traceparent),
            (message.tenant_id, message.conversation_id, message.turn_id, message.attempt, message.text, message.display_name, message.traceparent),
        )

    def test_an_upper_case_id_is_made_lower_case(self) -> None:
        message = self.read({**self.turn.payload, "turn_id": self.turn.id.upper()})
        assert isinstance(message, Message)
        self.assertEqual(self.turn.id, message.turn_id)

    def test_a_payload_that_is_missing(self) -> None:
        self.assertIs(Unreadable.MISSING, self.read(b""))

    def test_a_payload_of_another_attempt(self) -> None:
        self.assertIs(Unreadable.MISMATCHED, self.read(self.turn.payload, f"{self.turn.id}:1"))

    def test_payloads_that_are_not_tasks(self) -> None:
        task = self.turn.payload
        for payload in (
            b"not JSON", b"\xff\xfe", b"null", b"[]", b"[" * 100_000, b"\xef\xbb\xbf{}", {"task": "add"},
            {**task, "turn_id": "x"}, {**task, "turn_id": self.turn.id.replace("-", "")}, {**task, "attempt": 0}, {**task, "attempt": 101},
            {**task, "attempt": True}, {**task, "attempt": "1"}, {**task, "content": {"text": None}}, {**task, "content": "Hello"},
            {**task, "timestamp": "yesterday"}, {**task, "traceparent": 1}, {**task, "sender": None},
            {**task, "channel_metadata": {**task["channel_metadata"], "tenant_id": self.turn.conversation}},
            *({name: value for name, value in task.items() if name != missing} for missing in ("id", "thread_id", "agent_id", "portal_user_id", "attempt")),
        ):
            with self.subTest(str(payload)[:200]):
                self.assertIs(Unreadable.MALFORMED, self.read(payload))


class Texts(unittest.TestCase):
    def test_what_cannot_be_stored_is_replaced(self) -> None:
        for text, stored in (
            ("plain", "plain"), ("😀", "😀"), ("\ud83d\ude00", "😀"), ("a\ud83d", "a\ufffd"), ("\ude00b", "\ufffdb"),
            ("\ud83d\ud83d\ude00x", "\ufffd😀x"), ("\ude00\ud83d", "\ufffd\ufffd"), ("a\0b", "a\ufffdb"), ("\ud83da\0", "\ufffda\ufffd"),
        ):
            with self.subTest(ascii(text)):
                self.assertEqual(stored, to_storable(text))

    def test_only_a_first_half_is_held_back(self) -> None:
        self.assertEqual([True, False, False, False], [ends_in_half(text) for text in ("a\ud83d", "\ude00", "😀", "")])

    def test_payloads_have_the_bytes_of_the_original(self) -> None:
        turn = Turn("m")
        text = "\"\\\n\r\t\b\f\x01\x1f\x7f\u2028é😀</script>"
        escaped = '\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u001f\x7f\u2028é😀</script>'
        self.assertEqual(
            f'{{"type":"chunk","text":"{escaped}","turn_id":"{turn.id}","attempt":1,"seq":7}}'.encode(), payloads.chunk(turn.attempt_key, text, 7)
        )


class Settings(unittest.TestCase):
    def test_an_invalid_option_is_a_sentence(self) -> None:
        for options, sentence in (
            ({"lease": 0.1}, "lease is 0.1. It must be from 0.3 to 3600."),
            ({"poll_interval": 0}, "poll_interval is 0. It must be longer than 0 and at most 60 seconds."),
            ({"response_channel": "{tenant_id}"}, "response_channel is '{tenant_id}'. It must hold {tenant_id} and {conversation_id}."),
        ):
            with self.assertRaises(ValueError) as raised:
                Options(**options)  # type: ignore[arg-type]
            self.assertEqual(sentence, str(raised.exception))


class Scripts(unittest.TestCase):
    def test_every_script_is_the_gateways_own(self) -> None:
        for script in (store.__file__,):
            copies = sorted((SCRIPTS.parents[2] / "clients/python/src/konstruct_worker/lua").glob("*.lua"))
            self.assertGreater(len(copies), 5, script)
            for copy in copies:
                self.assertEqual((SCRIPTS / copy.name).read_bytes(), copy.read_bytes(), copy.name)
