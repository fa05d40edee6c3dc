"""The primary host's word whether it listens: `spBv1.0/STATE/HOST` with JSON (3.0, chapter 5)."""

import json
from typing import Final

from gateway.protocols.sparkplug.catalogue import NAMESPACE

_BYTES_MAX: Final = 1024


class PrimaryHost:
    """What is known of the host at one broker."""

    def __init__(self, host_id: str) -> None:
        """Take it as offline until it says otherwise."""
        self.host_id = host_id
        self.is_online = False
        self._timestamp_ms: int | None = None

    @property
    def topic(self) -> str:
        """Where it says so."""
        return f"{NAMESPACE}/STATE/{self.host_id}"

    def forget(self) -> None:
        """Take it as offline: a new connection asks the broker anew."""
        self.is_online = False

    def take(self, topic: str, payload: bytes) -> bool:
        """Follow a message; return whether it counts.

        It does not where it is another host's, no JSON of the two keys, or older than one before.
        """
        state = _parse(payload)
        if topic != self.topic or state is None:
            return False
        online, timestamp_ms = state
        if self._timestamp_ms is not None and timestamp_ms < self._timestamp_ms:
            return False
        self.is_online, self._timestamp_ms = online, timestamp_ms
        return True


def _parse(payload: bytes) -> tuple[bool, int] | None:
    if len(payload) > _BYTES_MAX:
        return None
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    match message:
        case {"online": bool(online), "timestamp": int(timestamp_ms)} if not isinstance(
            timestamp_ms, bool
        ):
            return online, timestamp_ms
    return None
