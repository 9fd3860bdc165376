"""Answers chat turns from Konstruct's dispatch queue: ``Worker(redis_url).run(answer)``."""

from .answering import Answer
from .message import Message
from .options import Options
from .worker import Worker

__all__ = ["Answer", "Message", "Options", "Worker"]
