"""Two workers that hold the same attempt: Redis returned with data from before the first one's claim."""

import asyncio
from collections.abc import AsyncIterator

from harness import WorkerTestCase, until
from konstruct_worker import Message, Worker, keys


class Dictated:
    """Yields what the test puts; None ends the answer."""

    def __init__(self) -> None:
        self.tokens: asyncio.Queue[str | None] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def __call__(self, message: Message) -> AsyncIterator[str]:
        try:
            while (token := await self.tokens.get()) is not None:
                yield token
        finally:
            self.closed.set()


class Claims(WorkerTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.old, self.new = Dictated(), Dictated()
        self.old_worker = await self.serve(self.old, concurrency=1)
        self.turn = await self.dispatch("m")
        await self.old.tokens.put("old ")
        await self.chunks(self.turn, 1)
        await self.redis.delete(self.turn.attempt_key.turn_key, self.turn.attempt_key.log_key)
        await self.redis.zrem(keys.LEASES, self.turn.entry)
        await self.dispatch("m", tenant=self.turn.tenant, conversation=self.turn.conversation, id=self.turn.id)
        await self.serve(self.new, concurrency=1)
        await self.new.tokens.put("new ")
        await self.chunks(self.turn, 1)

    async def test_the_earlier_worker_appends_nothing(self) -> None:
        await self.old.tokens.put("old too ")
        await self._stopped(self.old_worker, "lost")
        self.assertTrue(self.old.closed.is_set())
        await self._ends_as_the_new_one_says()

    async def test_the_earlier_worker_does_not_finish(self) -> None:
        await self.old.tokens.put(None)
        await self._stopped(self.old_worker, "lost")
        await self._ends_as_the_new_one_says()

    async def test_the_earlier_worker_does_not_take_the_end_for_its_own(self) -> None:
        await self._ends_as_the_new_one_says()
        await self.old.tokens.put(None)
        await self._stopped(self.old_worker, "ended")

    async def _stopped(self, worker: Worker, reason: str) -> None:
        async def stopped() -> bool:
            return bool(worker.attempts)

        await until(stopped, "the earlier worker is through with its attempt")
        self.assertEqual({reason: 1}, dict(worker.attempts))

    async def _ends_as_the_new_one_says(self) -> None:
        await self.new.tokens.put("new too ")
        await self.new.tokens.put(None)
        log = await self.done(self.turn)
        self.assertEqual(["new ", "new too ", "new new too "], [entry["text"] for entry in log])
