"""The smallest worker: repeats the message, word by word. REDIS_URL=redis://:password@localhost:6379 python3 echo.py"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator

from konstruct_worker import Message, Worker


async def answer(message: Message) -> AsyncIterator[str]:
    for word in message.text.split():
        yield word + " "
        await asyncio.sleep(0.05)


logging.basicConfig(level=logging.INFO)
Worker(os.environ["REDIS_URL"]).run(answer)
