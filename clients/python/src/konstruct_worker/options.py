"""The worker's settings."""

from __future__ import annotations

from dataclasses import dataclass

from .keys import DEFAULT_RESPONSE_CHANNEL


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a worker claims and answers turns. Durations are seconds. An invalid value raises ``ValueError``."""

    concurrency: int = 64
    """Maximum number of turns answered at once, 1 to 100,000. Default 64."""

    lease: float = 30.0
    """Duration of a lease without a heartbeat, 0.3 s to 3,600 s. A heartbeat is sent three times per lease. Default 30 s."""

    poll_interval: float = 1.0
    """Interval at which the queue is polled without a wake-up, above 0 to 60 s. Default 1 s."""

    drain_limit: float = 20.0
    """How long a stopping worker continues its turns before it gives them back, 0 to 300 s. Default 20 s; 0: gives them back at once."""

    response_channel: str = DEFAULT_RESPONSE_CHANNEL
    """Template of the response channel; must equal the gateways' ``Chat:ResponseChannel``. Default ``{tenant_id}:webchat:response:{conversation_id}``."""

    max_answer_bytes: int = 4 * 1024 * 1024
    """
    Maximum bytes of an answer in its log, 1 KB to 64 MB. A longer answer is cut off and the turn fails.
    Default 4 MB, for 1 MB of text and its frames.
    """

    max_batch: int = 512
    """Maximum number of chunks in one append, 1 to 4,096. Default 512."""

    max_pending: int = 4096
    """Maximum number of chunks that wait for Redis, 1 to 1,000,000. A faster answer waits. Default 4,096."""

    connections: int = 16
    """Maximum number of calls to Redis at once, 1 to 10,000. Each has its own connection. Default 16."""

    call_timeout: float = 5.0
    """How long a call to Redis may take before its outcome counts as unknown, 0.1 s to 60 s. Default 5 s."""

    cluster: bool = False
    """Whether the URL names a node of a Redis Cluster. Default false."""

    def __post_init__(self) -> None:
        for name, least, most in (
            ("concurrency", 1, 100_000),
            ("lease", 0.3, 3600),
            ("drain_limit", 0, 300),
            ("max_answer_bytes", 1024, 64 * 1024 * 1024),
            ("max_batch", 1, 4096),
            ("max_pending", 1, 1_000_000),
            ("connections", 1, 10_000),
            ("call_timeout", 0.1, 60),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} is {value}. It must be from {least} to {most}.")
        if not 0 < self.poll_interval <= 60:
            raise ValueError(f"poll_interval is {self.poll_interval}. It must be longer than 0 and at most 60 seconds.")
        if "{tenant_id}" not in self.response_channel or "{conversation_id}" not in self.response_channel:
            raise ValueError(f"response_channel is '{self.response_channel}'. It must hold {{tenant_id}} and {{conversation_id}}.")
