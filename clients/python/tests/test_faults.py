"""Stores that fail, entries that nobody can read, and workers that stop."""

import asyncio
import json
import shutil
import time
import unittest
from collections.abc import AsyncIterator

from harness import LossyProxy, RedisServer, WorkerTestCase, until
from konstruct_worker import Message, Options, Worker, keys
from redis.exceptions import RedisError
from test_turns import Endless, echo


class Outages(WorkerTestCase):
    async def test_a_lost_reply_repeats_nothing(self) -> None:
        async def answer(message: Message) -> AsyncIterator[str]:
            for i in range(30):
                yield f"{i} "
                await asyncio.sleep(0.01)

        for marker in (b'"type":"chunk"', b'"type":"done"', b'"type":"reset"', b"{dispatch}:answered\r\n"):
            with self.subTest(marker):
                async with LossyProxy(self.server.port) as proxy:
                    worker = await self.serve(answer, url=f"redis://127.0.0.1:{proxy.port}", lease=3)
                    proxy.lose_reply_to(marker)
                    with self.assertLogs("konstruct_worker", "ERROR"):
                        turn = await self.dispatch("m")
                        log = await self.done(turn)
                    self.assertEqual(1, proxy.lost)
                    self.assertEqual(list(range(1, 32)), [entry["seq"] for entry in log])
                    self.assertEqual("".join(f"{i} " for i in range(30)), log[-1]["text"])
                    worker.stop()
                    await asyncio.wait_for(self.serving(worker), 20)
                    self.assertEqual({"completed": 1}, dict(worker.attempts))

    async def test_a_server_that_comes_back_empty_costs_the_attempt_and_not_the_worker(self) -> None:
        server = RedisServer()
        server.start()
        endless = Endless()
        try:
            worker = Worker(server.url)
            serving = asyncio.create_task(worker.serve(endless))
            self._serving.append((worker, serving))
            own, self.redis = self.redis, __import__("redis.asyncio").asyncio.Redis.from_url(server.url)
            turn = await self.dispatch("m")
            await self.chunks(turn, 3)
            server.kill()
            server.start()
            await asyncio.wait_for(endless.closed.wait(), 20)
            again = await self.dispatch("again")
            self.assertEqual("0 ", (await self.chunks(again, 1))[0]["text"])
            self.assertFalse(serving.done())
            worker.stop(at_once=True)
            await serving
            await self.redis.connection_pool.disconnect()
            self.redis = own
        finally:
            server.close()

    async def test_a_turn_whose_key_has_another_type_ends_nothing_else(self) -> None:
        worker = await self.serve(echo)
        turn = await self.dispatch("broken")
        broken = await self.dispatch("m")
        await self.done(turn)
        await self.redis.delete(broken.attempt_key.turn_key)
        bad = broken.attempt_key
        await self.redis.set(f"{{{bad.conversation_id}}}:turn:{bad.turn_id}", "x")
        with self.assertLogs("konstruct_worker", "ERROR") as logs:
            other = await self.dispatch("m", conversation=broken.conversation, id=broken.id, attempt=3)
            await until(self._failed(worker), "a failure is counted")
        self.assertIn("answering a turn", logs.output[0])
        self.assertEqual({("answering a turn", "WRONGTYPE"): 1}, dict(worker.failures))
        self.assertIsNotNone(await self.redis.zscore(keys.LEASES, other.entry))
        await self.done(await self.dispatch("next"))

    def _failed(self, worker: Worker):  # type: ignore[no-untyped-def]
        async def failed() -> bool:
            return bool(worker.failures)

        return failed

    async def test_without_a_wake_up_the_queue_is_polled(self) -> None:
        await self.serve(echo, poll_interval=0.2)
        await self.done(await self.dispatch("m", wake="nobody listens"))
        await self.done(await self.dispatch("n", wake="nobody listens"))

    async def test_the_subscription_is_renewed(self) -> None:
        await self.serve(echo, poll_interval=60)
        missed = await self.dispatch("missed", wake="nobody listens")
        await self.redis.client_kill_filter(_type="pubsub")
        await self.done(missed)

        async def subscribed() -> bool:
            return bool((await self.redis.pubsub_numsub(keys.WAKE))[0][1] == 1)

        await until(subscribed, "a subscription")
        await self.done(await self.dispatch("m"))

    async def test_a_worker_waits_for_a_server(self) -> None:
        server = RedisServer()
        worker = Worker(server.url)
        serving = asyncio.create_task(worker.serve(echo))
        with self.assertLogs("konstruct_worker", "INFO") as logs:
            await until(self._failed(worker), "the server is missing")
            server.start()
            try:
                async def ready() -> bool:
                    return worker.is_ready

                await until(ready, "the worker is ready")
                worker.stop()
                await serving
            finally:
                server.close()
        self.assertTrue(any("Not ready yet: Redis does not answer" in line for line in logs.output), logs.output)


class Clusters(WorkerTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        if shutil.which("redis-server") is None:
            raise unittest.SkipTest("Needs redis-server (Debian: apt install redis-server).")
        cls.server = RedisServer(cluster=True)
        cls.server.start()

    async def test_a_cluster_is_served(self) -> None:
        async def up() -> bool:
            try:
                await self.redis.set("x", 1)
            except RedisError:  # CLUSTERDOWN: it takes a moment.
                return False
            return True

        await until(up, "the cluster is up")
        endless = Endless()
        await self.serve(endless, cluster=True, poll_interval=30)
        turn = await self.dispatch("m")
        await self.chunks(turn, 5)
        await self.end(turn)
        await asyncio.wait_for(endless.closed.wait(), 5)
        await self.gone(turn)


class DeadLetters(WorkerTestCase):
    async def test_an_entry_that_nobody_can_read_is_put_aside(self) -> None:
        turn = await self.dispatch("other")
        await self.serve(echo)
        await self.done(turn)
        for entry, payload, reason in (
            ("a:1", None, "missing"),
            ("b:1", b'{"task":"add"}', "malformed"),
            (b"\xff:1", b"\xff" * 20_000, "malformed"),
            ("c:1", json.dumps(turn.payload).encode(), "mismatched"),
        ):
            with self.subTest(entry), self.assertLogs("konstruct_worker", "ERROR"):
                await self.redis.delete(keys.DEAD)
                if payload is not None:
                    await self.redis.hset(keys.TASKS, entry, payload)
                await self.redis.zadd(keys.QUEUE, {entry: 1})

                async def letters() -> list[bytes]:
                    return list(await self.redis.lrange(keys.DEAD, 0, -1))

                letter = json.loads((await until(letters, "a letter"))[0])
                self.assertEqual(reason, letter["reason"])
                self.assertEqual((payload or b"").decode("utf-8", "replace")[:8192], letter["payload"])
                self.assertGreater(letter["at"], 1_700_000_000)
                self.assertIsNone(await self.redis.zscore(keys.LEASES, entry))
                self.assertFalse(await self.redis.hexists(keys.TASKS, entry))
        await self.done(await self.dispatch("next"))


class Draining(WorkerTestCase):
    async def test_a_stopping_worker_finishes_its_turns_and_claims_no_other(self) -> None:
        go = asyncio.Event()

        async def answer(message: Message) -> AsyncIterator[str]:
            yield "a"
            await go.wait()
            yield "b"

        worker = await self.serve(answer)
        turn = await self.dispatch("m")
        await self.chunks(turn, 1)
        worker.stop()
        late = await self.dispatch("late")
        go.set()
        await asyncio.wait_for(self.serving(worker), 5)
        self.assertEqual("ab", (await self.done(turn))[-1]["text"])
        self.assertIsNotNone(await self.redis.zscore(keys.QUEUE, late.entry))

    async def test_what_does_not_finish_in_time_is_given_back(self) -> None:
        endless = Endless()
        worker = await self.serve(endless, drain_limit=0.2)
        turn = await self.dispatch("m")
        await self.chunks(turn, 2)
        worker.stop()
        await asyncio.wait_for(self.serving(worker), 5)
        await self.gone(turn)
        self.assertTrue(endless.closed.is_set())
        self.assertEqual({"given_back": 1}, dict(worker.attempts))
        self.assertEqual({"chunk"}, {entry["type"] for entry in await self.log(turn)})

    async def test_a_second_stop_gives_back_at_once(self) -> None:
        worker = await self.serve(Endless())
        turn = await self.dispatch("m")
        await self.chunks(turn, 2)
        worker.stop()
        began = time.monotonic()
        worker.stop(at_once=True)
        await asyncio.wait_for(self.serving(worker), 5)
        await self.gone(turn)
        self.assertLess(time.monotonic() - began, 5)

    async def test_a_cancelled_serve_gives_back(self) -> None:
        worker = Worker(self.server.url)
        serving = asyncio.create_task(worker.serve(Endless()))
        turn = await self.dispatch("m")
        await self.chunks(turn, 2)
        serving.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await serving
        await self.gone(turn)

    async def test_a_heartbeat_beats_while_the_worker_drains(self) -> None:
        worker = await self.serve(Endless(), lease=0.3, drain_limit=30)
        turn = await self.dispatch("m")
        await self.chunks(turn, 2)
        worker.stop()
        before = float(await self.redis.zscore(keys.LEASES, turn.entry))

        async def renewed() -> bool:
            return float(await self.redis.zscore(keys.LEASES, turn.entry)) > before + 300

        await until(renewed, "renewed leases")
        worker.stop(at_once=True)

    async def test_no_more_turns_at_once_than_allowed(self) -> None:
        running, most = 0, 0
        go = asyncio.Event()

        async def answer(message: Message) -> AsyncIterator[str]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await go.wait()
            yield "x"
            running -= 1

        await self.serve(answer, concurrency=2)
        turns = [await self.dispatch(f"{i}") for i in range(6)]

        async def two() -> bool:
            return running == 2

        await until(two, "two turns")
        self.assertEqual(4, await self.redis.zcard(keys.QUEUE))
        go.set()
        for turn in turns:
            await self.done(turn)
        self.assertEqual(2, most)

    async def test_an_answer_that_forgot_to_yield_is_refused(self) -> None:
        async def answer(message: Message) -> str:
            return "x"

        with self.assertRaisesRegex(TypeError, "async def with yield"):
            await Worker(self.server.url, Options()).serve(answer)  # type: ignore[arg-type]
