"""Text that UTF-8 and Postgres can store."""

from __future__ import annotations


def to_storable(text: str) -> str:
    """Joins surrogate pairs, and replaces lone surrogates and NUL, which Postgres refuses in text, by U+FFFD."""
    if not is_well_formed(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "\ufffd")


def is_well_formed(text: str) -> bool:
    """Whether the text has no surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def ends_in_half(text: str) -> bool:
    """Whether the last character is the first half of a surrogate pair, so that the next token may hold the other half."""
    return "\ud800" <= text[-1:] <= "\udbff"
