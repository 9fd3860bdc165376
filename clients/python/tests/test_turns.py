"""What a worker does with a turn: order, batches, ends, stops."""

import asyncio
import json
from collections.abc import AsyncIterator
from unittest import mock

from harness import WorkerTestCase, until
from konstruct_worker import Message, keys
from konstruct_worker.dispatch import DispatchQueue
from konstruct_worker.running import StopReason


async def echo(message: Message) -> AsyncIterator[str]:
    for word in message.text.split():
        yield word + " "


class Endless:
    """Yields numbers until it is closed, and knows how it ended."""

    def __init__(self, pause: float = 0.02) -> None:
        self.closed = asyncio.Event()
        self.starts = 0
        self._pause = pause

    async def __call__(self, message: Message) -> AsyncIterator[str]:
        self.starts += 1
        try:
            i = 0
            while True:
                yield f"{i} "
                i += 1
                await asyncio.sleep(self._pause)
        finally:
            self.closed.set()


class Answers(WorkerTestCase):
    async def test_an_answer_is_logged_published_and_finished(self) -> None:
        pubsub = self.redis.pubsub()
        await pubsub.psubscribe("*:webchat:response:*")
        await self.serve(echo)
        turn = await self.dispatch("Grüße an 😀")
        log = await self.done(turn)
        self.assertEqual(
            [("chunk", 1, "Grüße "), ("chunk", 2, "an "), ("chunk", 3, "😀 "), ("done", 4, "Grüße an 😀 ")],
            [(entry["type"], entry["seq"], entry["text"]) for entry in log],
        )
        self.assertEqual("completed", log[-1]["reason"])
        self.assertIsNotNone(await self.redis.zscore(keys.ANSWERED, turn.entry))
        published = []
        while len(published) < 4:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
            if message is not None and message["channel"] == turn.attempt_key.channel.encode():
                published.append(message["data"])
        self.assertEqual(await self.redis.lrange(turn.attempt_key.log_key, 0, -1), published)
        await (pubsub.aclose() if hasattr(pubsub, "aclose") else pubsub.close())

    async def test_the_first_chunk_does_not_wait_for_the_second(self) -> None:
        more = asyncio.Event()

        async def answer(message: Message) -> AsyncIterator[str]:
            yield "first"
            await more.wait()
            yield "second"

        await self.serve(answer)
        turn = await self.dispatch("m")
        self.assertEqual(["first"], [entry["text"] for entry in await self.chunks(turn, 1)])
        more.set()
        await self.done(turn)

    async def test_the_first_chunk_of_an_answer_that_never_waits_leaves_at_once(self) -> None:
        others = 0

        def turn_of_others() -> None:
            nonlocal others
            others += 1
            asyncio.get_running_loop().call_soon(turn_of_others)

        seen: list[int] = []

        async def answer(message: Message) -> AsyncIterator[str]:
            turn_of_others()
            for _ in range(1_000):
                yield "x"
                seen.append(others)

        await self.serve(answer)
        turn = await self.dispatch("m")
        self.assertEqual(1_001, len(await self.done(turn)))
        self.assertGreaterEqual(seen[500], 500)

    async def test_tokens_that_gather_share_an_append(self) -> None:
        async def answer(message: Message) -> AsyncIterator[str]:
            for i in range(5000):
                yield f"{i} "

        await self.serve(answer)
        await self.redis.config_resetstat()
        turn = await self.dispatch("m")
        log = await self.done(turn)
        self.assertEqual(list(range(1, 5002)), [entry["seq"] for entry in log])
        self.assertEqual("".join(f"{i} " for i in range(5000)), log[-1]["text"])
        calls = (await self.redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
        self.assertLess(calls, 2500)

    async def test_an_empty_answer_completes(self) -> None:
        async def answer(message: Message) -> AsyncIterator[str]:
            for nothing in ["", ""]:
                yield nothing

        await self.serve(answer)
        log = await self.done(await self.dispatch("m"))
        self.assertEqual([("done", 1, "", "completed")], [(entry["type"], entry["seq"], entry["text"], entry["reason"]) for entry in log])

    async def test_an_error_fails_the_turn_and_keeps_the_text(self) -> None:
        async def answer(message: Message) -> AsyncIterator[str]:
            yield "so far"
            raise ValueError("no more")

        worker = await self.serve(answer)
        with self.assertLogs("konstruct_worker", "WARNING"):
            log = await self.done(await self.dispatch("m"))
        self.assertEqual(["so far", "so far"], [entry["text"] for entry in log])
        self.assertEqual("failed", log[-1]["reason"])
        self.assertEqual({"failed": 1}, dict(worker.attempts))

    async def test_a_token_that_is_not_a_str_fails_the_turn(self) -> None:
        async def answer(message: Message) -> AsyncIterator[str]:
            yield b"bytes"  # type: ignore[misc]

        await self.serve(answer)
        with self.assertLogs("konstruct_worker", "WARNING"):
            self.assertEqual("failed", (await self.done(await self.dispatch("m")))[-1]["reason"])

    async def test_an_answer_that_cancels_itself_fails(self) -> None:
        async def answer(message: Message) -> AsyncIterator[str]:
            yield "so far"
            raise asyncio.CancelledError

        await self.serve(answer)
        with self.assertLogs("konstruct_worker", "WARNING"):
            self.assertEqual("failed", (await self.done(await self.dispatch("m")))[-1]["reason"])

    async def test_too_long_an_answer_fails_with_what_is_in_the_log(self) -> None:
        endless = Endless(pause=0)
        await self.serve(endless, max_answer_bytes=20_000)
        with self.assertLogs("konstruct_worker", "WARNING"):
            turn = await self.dispatch("m")
            log = await self.done(turn)
        self.assertEqual("failed", log[-1]["reason"])
        self.assertEqual("".join(entry["text"] for entry in log[:-1]), log[-1]["text"])
        self.assertEqual(list(range(1, len(log) + 1)), [entry["seq"] for entry in log])
        self.assertGreater(len(log), 10)
        self.assertTrue(endless.closed.is_set())
        self.assertIsNotNone(await self.redis.zscore(keys.ANSWERED, turn.entry))

    async def test_a_pair_that_tokens_split_is_joined_and_lone_halves_are_replaced(self) -> None:
        async def answer(message: Message) -> AsyncIterator[str]:
            for token in ("a\ud83d", "\ude00b", "\ude00", "\0", "\ud83d"):
                yield token

        await self.serve(answer)
        log = await self.done(await self.dispatch("m"))
        self.assertEqual(["a", "😀b", "\ufffd", "\ufffd", "\ufffd", "a😀b\ufffd\ufffd\ufffd"], [entry["text"] for entry in log])

    async def test_a_later_attempt_publishes_reset_first(self) -> None:
        pubsub = self.redis.pubsub()
        await pubsub.psubscribe("*:webchat:response:*")
        await self.serve(echo)
        turn = await self.dispatch("again", attempt=2)
        await self.done(turn)
        types = []
        while "done" not in types:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
            if message is not None and message["data"]:
                types.append(json.loads(message["data"])["type"])
        self.assertEqual(["reset", "chunk", "done"], types)
        await (pubsub.aclose() if hasattr(pubsub, "aclose") else pubsub.close())

    async def test_the_trace_goes_on(self) -> None:
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        seen: list[str | None] = []

        async def answer(message: Message) -> AsyncIterator[str]:
            seen.append(message.traceparent)
            yield "x"

        await self.serve(answer)
        turn = await self.dispatch("m", traceparent=traceparent)
        await self.done(turn)
        self.assertEqual([traceparent], seen)
        self.assertEqual(traceparent.encode(), await self.redis.hget(turn.attempt_key.turn_key, "trace"))


class Stops(WorkerTestCase):
    async def test_a_cancelled_turn_closes_the_answer(self) -> None:
        endless = Endless()
        worker = await self.serve(endless)
        turn = await self.dispatch("m")
        await self.chunks(turn, 3)
        self.assertEqual(0, await self.end(turn))
        await asyncio.wait_for(endless.closed.wait(), 5)
        await self.gone(turn)
        self.assertEqual({"ended": 1}, dict(worker.attempts))
        log = await self.log(turn)
        self.assertEqual(("done", "cancelled", len(log)), (log[-1]["type"], log[-1]["reason"], log[-1]["seq"]))

    async def test_a_silent_answer_is_interrupted_where_it_waits(self) -> None:
        interrupted = asyncio.Event()

        async def answer(message: Message) -> AsyncIterator[str]:
            try:
                await asyncio.Event().wait()
            finally:
                interrupted.set()
            yield ""

        await self.serve(answer)
        turn = await self.dispatch("m")
        await until(lambda: self.redis.hexists(turn.attempt_key.turn_key, "attempt"), "the attempt is open")
        await self.end(turn)
        await asyncio.wait_for(interrupted.wait(), 5)
        await self.gone(turn)

    async def test_an_append_tells_of_a_cancel_whose_stop_was_missed(self) -> None:
        endless = Endless()
        await self.serve(endless)
        turn = await self.dispatch("m")
        await self.chunks(turn, 3)
        await self.end(turn, stop_channel="nobody listens")
        await asyncio.wait_for(endless.closed.wait(), 5)
        await self.gone(turn)

    async def test_a_turn_that_ended_before_its_claim_is_not_begun(self) -> None:
        endless = Endless()
        turn = await self.dispatch("m")
        await self.end(turn)
        await self.serve(endless)
        await self.gone(turn)
        self.assertEqual(0, endless.starts)

    async def test_a_fenced_attempt_is_abandoned(self) -> None:
        endless = Endless()
        worker = await self.serve(endless)
        turn = await self.dispatch("m")
        await self.chunks(turn, 3)
        await self.script("open", [turn.attempt_key.turn_key], 2, "another", turn.attempt_key.channel, 60, "{}", "")
        length = await self.redis.llen(turn.attempt_key.log_key)
        await asyncio.wait_for(endless.closed.wait(), 5)
        await self.gone(turn)
        self.assertEqual(length, await self.redis.llen(turn.attempt_key.log_key))
        self.assertEqual({"lost": 1}, dict(worker.attempts))

    async def test_an_attempt_whose_log_is_lost_is_abandoned(self) -> None:
        endless = Endless()
        await self.serve(endless)
        turn = await self.dispatch("m")
        await self.chunks(turn, 3)
        await self.redis.delete(turn.attempt_key.log_key)
        await asyncio.wait_for(endless.closed.wait(), 5)
        await self.gone(turn)
        self.assertEqual([], await self.log(turn))

    async def test_an_attempt_whose_lease_is_lost_is_abandoned(self) -> None:
        interrupted = asyncio.Event()

        async def answer(message: Message) -> AsyncIterator[str]:
            try:
                await asyncio.Event().wait()
            finally:
                interrupted.set()
            yield ""

        worker = await self.serve(answer, lease=0.3)
        turn = await self.dispatch("m")
        await until(lambda: self.redis.zscore(keys.LEASES, turn.entry), "a lease")
        await self.redis.zrem(keys.LEASES, turn.entry)
        await asyncio.wait_for(interrupted.wait(), 5)
        await self.gone(turn)
        self.assertEqual({"lost": 1}, dict(worker.attempts))

    async def test_what_has_been_answered_is_not_lost_with_its_lease(self) -> None:
        answer_entry = DispatchQueue.answer

        async def answer_and_lose(queue: DispatchQueue, entry: bytes) -> None:
            await answer_entry(queue, entry)
            worker._running.stop_entry(entry, StopReason.LOST)  # A heartbeat that was on its way.

        worker = await self.serve(echo)
        with mock.patch.object(DispatchQueue, "answer", answer_and_lose):
            turn = await self.dispatch("m")
            await self.done(turn)
            worker.stop()
            await self.serving(worker)
        self.assertEqual({"completed": 1}, dict(worker.attempts))
        self.assertIsNotNone(await self.redis.zscore(keys.ANSWERED, turn.entry))

    async def test_heartbeats_keep_the_lease(self) -> None:
        endless = Endless()
        await self.serve(endless, lease=0.3)
        turn = await self.dispatch("m")
        ends = [float(await until(lambda: self.redis.zscore(keys.LEASES, turn.entry), "a lease"))]
        while len(ends) < 5:
            score = float(await self.redis.zscore(keys.LEASES, turn.entry))
            if score != ends[-1]:
                ends.append(score)
            await asyncio.sleep(0.01)
        self.assertEqual(ends, sorted(ends))

    async def test_an_answer_that_catches_its_cancellation_is_closed_at_its_next_token(self) -> None:
        closed = asyncio.Event()

        async def answer(message: Message) -> AsyncIterator[str]:
            try:
                while True:
                    yield "x"
                    try:
                        await asyncio.sleep(0.02)
                    except asyncio.CancelledError:
                        pass
            finally:
                closed.set()

        await self.serve(answer)
        turn = await self.dispatch("m")
        await self.chunks(turn, 3)
        await self.end(turn)
        await asyncio.wait_for(closed.wait(), 5)
        await self.gone(turn)
