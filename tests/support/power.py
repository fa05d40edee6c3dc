"""A disk in memory that remembers what was asked of it, and what a loss of power may leave of it.

Until a slot is synced, any of the sectors written since may be there or not, whatever their order,
the one being written may be cut at any byte, and an emptied file may still have its old content.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

SECTOR = 64
SUBSETS_MAX = 64


@dataclass(frozen=True, slots=True)
class Write:
    """A write, or with `offset` -1 the emptying of a file."""

    offset: int
    part: bytes = b""


CLEAR = Write(-1)


@dataclass(slots=True)
class Slot:
    """One file: what is durable, and what was asked since the last sync, in its order."""

    durable: bytes = b""
    pending: list[Write] = field(default_factory=list)

    def content(self) -> bytes:
        """Return the file as the running system sees it."""
        return applied(self.durable, self.pending)


def applied(content: bytes, writes: Sequence[Write]) -> bytes:
    """Return a content after some writes; a hole reads as zeros."""
    done = bytearray(content)
    for item in writes:
        if item == CLEAR:
            done.clear()
            continue
        done.extend(bytes(max(0, item.offset + len(item.part) - len(done))))
        done[item.offset : item.offset + len(item.part)] = item.part
    return bytes(done)


class MemoryDisk:
    """Implements `Disk`; `failing` makes operations raise, by name."""

    def __init__(self, contents: Sequence[bytes] = (b"", b"")) -> None:
        self.slots = [Slot(item) for item in contents]
        self.failing: dict[str, OSError] = {}
        self.aside: list[bytes] = []
        self.operations = 0

    def _asked(self, name: str) -> None:
        self.operations += 1
        if name in self.failing:
            raise self.failing[name]

    def read(self, slot: int) -> bytes:
        self._asked("read")
        return self.slots[slot].content()

    def clear(self, slot: int) -> None:
        self._asked("clear")
        self.slots[slot].pending.append(CLEAR)

    def write(self, slot: int, offset: int, part: bytes) -> None:
        if "write" in self.failing:  # a full disk takes a part of it
            self.slots[slot].pending.append(Write(offset, part[: len(part) // 2]))
        self._asked("write")
        self.slots[slot].pending.append(Write(offset, part))

    def sync(self, slot: int) -> None:
        self._asked("sync")
        self.slots[slot] = Slot(self.slots[slot].content())

    def set_aside(self, slot: int) -> str:
        self._asked("set_aside")
        self.aside.append(self.slots[slot].content())
        self.slots[slot] = Slot()
        return f"slot {slot}"


def crashes(slot: Slot, rng: random.Random) -> Iterator[bytes]:
    """Yield what may be left of a slot: each prefix to the byte, then subsets of sectors."""
    yield from prefixes(slot)
    pieces = list(sectors(slot.pending))
    if not pieces:
        return
    if 2 ** len(pieces) <= SUBSETS_MAX:
        choices: Iterator[Sequence[bool]] = iter(product((False, True), repeat=len(pieces)))
    else:
        choices = iter(
            [rng.random() < share for _ in pieces]
            for share in (0.1, 0.5, 0.9)
            for _ in range(SUBSETS_MAX // 3)
        )
    for choice in choices:
        yield applied(
            slot.durable, [item for item, there in zip(pieces, choice, strict=True) if there]
        )


def one_crash(slot: Slot, rng: random.Random) -> bytes:
    """Return one of the things that may be left of a slot."""
    if not slot.pending:
        return slot.durable
    if rng.random() < 1 / 2:
        number = rng.randrange(len(slot.pending))
        item = slot.pending[number]
        cut = Write(item.offset, item.part[: rng.randrange(len(item.part) + 1)])
        return applied(slot.durable, [*slot.pending[:number], cut])
    share = rng.choice((0.1, 0.5, 0.9))
    return applied(slot.durable, [item for item in sectors(slot.pending) if rng.random() < share])


def prefixes(slot: Slot) -> Iterator[bytes]:
    """Yield the slot cut at every byte of what is pending."""
    yield slot.durable
    for number, item in enumerate(slot.pending):
        before = slot.pending[:number]
        for end in range(1, len(item.part)):
            yield applied(slot.durable, [*before, Write(item.offset, item.part[:end])])
        yield applied(slot.durable, [*before, item])


def sectors(writes: Sequence[Write]) -> Iterator[Write]:
    """Cut writes at the borders of sectors."""
    for item in writes:
        if item == CLEAR:
            yield item
            continue
        at, end = item.offset, item.offset + len(item.part)
        while at < end:
            stop = min((at // SECTOR + 1) * SECTOR, end)
            yield Write(at, item.part[at - item.offset : stop - item.offset])
            at = stop
