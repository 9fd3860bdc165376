"""All keys and channels. No script crosses the two hash slots: ``{<conversation_id>}`` and ``{dispatch}``."""

from __future__ import annotations

from dataclasses import dataclass

QUEUE = "{dispatch}:queue"
TASKS = "{dispatch}:tasks"
LEASES = "{dispatch}:leases"
ANSWERED = "{dispatch}:answered"
DEAD = "{dispatch}:dead"

WAKE = "konstruct:dispatch:wake"
"""Published after an enqueue."""

STOP = "konstruct:dispatch:stop"
"""Published with a turn's id when a gateway ends the turn."""

DEFAULT_RESPONSE_CHANNEL = "{tenant_id}:webchat:response:{conversation_id}"


def response_channel(template: str, tenant_id: str, conversation_id: str) -> str:
    """The channel of a conversation. The placeholders are replaced including their braces."""
    return template.replace("{tenant_id}", tenant_id).replace("{conversation_id}", conversation_id)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a turn, and the channel on which it is published."""

    conversation_id: str
    turn_id: str
    number: int
    channel: str

    @property
    def turn_key(self) -> str:
        """Hash: the turn's fence and its end."""
        return f"{{{self.conversation_id}}}:turn:{self.turn_id}"

    @property
    def log_key(self) -> str:
        """List: the log of this attempt."""
        return f"{{{self.conversation_id}}}:log:{self.turn_id}:{self.number}"
