"""A lease with a fencing token: what it says, and when another may take it. Pure.

One entry a project, changed only by whoever knows its newest revision. Its holder renews it well
before its time is over. Others take it when they have seen the same revision for that time and an
eighth more: no clock but each one's own is asked, and those only have to run at about one rate.

Each taking raises the token by one at least. What the holder does carries the token; whoever has
seen a newer one refuses the older.
"""

import json
from dataclasses import dataclass
from typing import Final

GRACE: Final = 8
"""A lease is left alone for this part of its time beyond its end: clocks differ in rate."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the store."""

    holder: str
    """Empty where its last holder has given it back."""
    token: int
    ttl_ns: int
    """How long it is its holder's after each renewal."""

    def encode(self) -> bytes:
        """Return it as JSON."""
        fields = {"holder": self.holder, "token": self.token, "ttl_ms": self.ttl_ns // 1_000_000}
        return json.dumps(fields).encode()


def decode(content: bytes) -> Entry | None:
    """Return an entry; None where that is none."""
    try:
        match json.loads(content):
            case {"holder": str(holder), "token": int(token), "ttl_ms": int(ttl_ms)} if ttl_ms > 0:
                return Entry(holder, token, ttl_ms * 1_000_000)
    except ValueError:
        pass
    return None


@dataclass(frozen=True, slots=True)
class Seen:
    """The entry at a revision; a store without one has revision 0."""

    revision: int
    entry: Entry | None


class Watch:
    """Tells when a lease that another holds may be taken."""

    def __init__(self, ttl_ns: int) -> None:
        """Take the time that is waited where no entry tells one."""
        self._ttl_ns = ttl_ns
        self._revision = -1
        self._since_ns = 0

    def is_free(self, seen: Seen, now_ns: int) -> bool:
        """Return whether what is seen now may be taken.

        A store without an entry is no free one: it may have lost a lease that is still held.
        """
        if seen.revision != self._revision:
            self._revision, self._since_ns = seen.revision, now_ns
        entry = seen.entry
        if entry is not None and not entry.holder:
            return True
        ttl_ns = entry.ttl_ns if entry is not None else self._ttl_ns
        return now_ns - self._since_ns >= ttl_ns + ttl_ns // GRACE
