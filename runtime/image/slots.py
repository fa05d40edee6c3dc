"""The slot ring: one writer publishes payloads, any number of readers take the newest whole one.

The writer fills the slot after the newest (marking it invalid first), then moves the head. It never
waits. A reader copies the head's slot and checks the slot's number before and after; only a writer
that laps the whole ring during the copy makes it try again. A writer that is killed half-way leaves
the head where it was: the next writer goes on from there.

Stores become visible in order on x86-64. Elsewhere `fence` keeps the order too: acquiring and
releasing a lock is a full barrier on every platform that CPython runs on.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runtime.image.layout import (
    RING_HEAD,
    RING_HEADER_BYTES,
    RING_PAYLOAD,
    RING_SLOTS,
    SLOT_HEADER_BYTES,
    slot_stride,
)
from runtime.image.words import HalfWords, Words
from runtime.limits import READ_ATTEMPTS

_LOCK: Final = threading.Lock()


def fence() -> None:
    """Let no store behind it be seen before one ahead of it, on any processor."""
    with _LOCK:
        pass


@dataclass(frozen=True, slots=True)
class Publication:
    """One payload as it was published; `number` counts from 1 without gaps."""

    number: int
    payload: bytes


class SlotRing:
    """A view of a slot ring in shared memory; use one side of it, `publish` or `latest`."""

    def __init__(self, memory: memoryview) -> None:
        """Take over the memory of the section; it was formatted by `format_ring`."""
        self._memory = memory
        self._words = Words(memory)
        halves = HalfWords(memory)
        self.slots = halves[RING_SLOTS]
        self.payload_bytes = halves[RING_PAYLOAD]
        self._stride = slot_stride(self.payload_bytes)

    @property
    def head(self) -> int:
        """Number of the newest publication, 0 before the first."""
        return self._words[RING_HEAD]

    def publish(self, payload: bytes | bytearray | memoryview) -> int:
        """Make a payload of exactly `payload_bytes` the newest; return its number."""
        if len(payload) != self.payload_bytes:
            raise ValueError(f"payload of {len(payload)} bytes: expected {self.payload_bytes}")
        number = self.head + 1
        slot = RING_HEADER_BYTES + (number % self.slots) * self._stride
        self._words[slot] = 0
        fence()
        start = slot + SLOT_HEADER_BYTES
        self._memory[start : start + self.payload_bytes] = payload
        fence()
        self._words[slot] = number
        self._words[RING_HEAD] = number
        return number

    def latest(self, spans: Sequence[slice] = (slice(None),)) -> Publication | None:
        """Return the newest payload; None before the first, or where the writer keeps lapping.

        Args:
            spans: The parts of the payload that are wanted, put together; without it all of it.
        """
        for _ in range(READ_ATTEMPTS):
            number = self.head
            if number == 0:
                return None
            found = self.publication(number, spans)
            if found is not None:
                return found
        return None

    def publication(
        self, number: int, spans: Sequence[slice] = (slice(None),)
    ) -> Publication | None:
        """Return the publication of that number, or None where the ring has it no more."""
        slot = RING_HEADER_BYTES + (number % self.slots) * self._stride
        if number <= 0 or self._words[slot] != number:
            return None
        fence()
        start = slot + SLOT_HEADER_BYTES
        whole = self._memory[start : start + self.payload_bytes]
        payload = b"".join(whole[span] for span in spans)
        fence()
        if self._words[slot] != number:
            return None
        return Publication(number, payload)


def format_ring(memory: memoryview, payload: int, slots: int) -> None:
    """Prepare zeroed memory as an empty ring."""
    halves = HalfWords(memory)
    halves[RING_SLOTS] = slots
    halves[RING_PAYLOAD] = payload
