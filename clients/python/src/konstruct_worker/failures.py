"""Failures that end no loop: each is counted, and logged once a minute per kind of work and error."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter

from redis.exceptions import DataError, RedisError, ResponseError

_QUIET = 60.0

_logger = logging.getLogger("konstruct_worker")


def is_outage(error: BaseException) -> bool:
    """
    Whether Redis refused, failed or was unreachable, so that the same call may succeed later. The default for an error of Redis is yes.
    No: a key of another type, and keys of two slots in one script.
    """
    if isinstance(error, ResponseError):
        return not str(error).startswith(("WRONGTYPE", "CROSSSLOT"))
    return isinstance(error, (RedisError, OSError, EOFError)) and not isinstance(error, DataError)


def kind_of(error: BaseException) -> str:
    """Short name of an error that does not grow with users."""
    word = re.match("[A-Z]{2,20} ", str(error)) if isinstance(error, ResponseError) else None
    return word[0].strip() if word else type(error).__name__


class Failures:
    """Counts and logs failures."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._lines: dict[tuple[str, str], tuple[float, int]] = {}

    def report(self, work: str, error: BaseException) -> None:
        """Counts a failure of ``work``, one of a few nouns, and logs it unless the same kind was logged within the last minute."""
        key = (work, kind_of(error))
        self.counts[key] += 1
        now = time.monotonic()
        logged_at, more = self._lines.get(key, (-_QUIET, 0))
        if now - logged_at < _QUIET:
            self._lines[key] = (logged_at, more + 1)
            return
        self._lines[key] = (now, 0)
        if is_outage(error):
            _logger.error(
                "Redis refused or failed at %s, which is tried again: %s: %s (%d more since the last such line)", work, key[1], error, more
            )
        else:
            _logger.error(
                "An unforeseen error ended one round or row of %s, which is tried again: %s (%d more since the last such line)",
                work,
                key[1],
                more,
                exc_info=error,
            )
