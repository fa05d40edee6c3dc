"""Monitored items: which values of a frame are news, and the rows that tell them.

Items of one form with the same sampling are one group: a sample of the group is one indexing of the
frame and one comparison, whatever the number of items. A value counts as changed when its bits do,
so that a NaN that stays is no news, and -0.0 after 0.0 is.
"""

import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.protocols.opcua.builtin import (
    HAS_SERVER_TIME,
    HAS_SOURCE_TIME,
    HAS_STATUS,
    HAS_VALUE,
    OVERFLOW,
    SEVERITY,
    Status,
)
from gateway.protocols.opcua.values import row_type
from gateway.serve.opcua.frames import Snapshot
from gateway.serve.opcua.rows import (
    TIME_BITS,
    Form,
    Gather,
    content_of,
    encode_row,
    form_of,
    status_of,
)
from gateway.serve.opcua.variables import Variable

TRIGGER_STATUS: Final = 0
TRIGGER_VALUE: Final = 1
TRIGGER_TIME: Final = 2
"""What counts as a change: the status, also the value, also the time of the scan."""

_HANDLE: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How often a value is looked at, and what is kept for the next message."""

    interval_ms: float
    timestamps: int
    queue_size: int
    discard_oldest: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """One monitored value of the program."""

    number: int
    handle: int
    variable: Variable
    sampling: Sampling
    trigger: int = TRIGGER_VALUE
    deadband: float = 0.0
    reporting: bool = True


@dataclass(slots=True)
class _Sample:
    """What one sample found: places of the items in their group, bits, statuses, time."""

    places: NDArray[np.intp]
    bits: NDArray[Any]
    statuses: NDArray[np.uint32]
    ticks: int


class Group:
    """Items of one form and sampling."""

    def __init__(self, form: Form, sampling: Sampling) -> None:
        """Begin without items."""
        self.sampling = sampling
        self._form = form
        self._items: dict[int, Item] = {}
        self._samples: deque[_Sample] = deque()
        self._overflowed: set[int] = set()
        width = 1 if form.is_bit else form.coding.size
        self._numbers: list[int] = []
        self._last = np.zeros(0, f"<u{width}")
        self._last_statuses = np.zeros(0, np.uint32)
        self._told = np.zeros(0, bool)
        self._stale = True

    def __bool__(self) -> bool:
        """Whether it has items."""
        return bool(self._items)

    @property
    def rows(self) -> int:
        """Rows that wait for a message."""
        return sum(len(item.places) for item in self._samples)

    def add(self, item: Item) -> None:
        """Monitor one more value, or the same one in another way."""
        self._items[item.number] = item
        self._stale = True

    def remove(self, number: int) -> None:
        """Monitor a value no longer; what waits of it is dropped."""
        del self._items[number]
        self._stale = True

    def _arrange(self) -> None:
        """Lay the items out as arrays; what was told of each stays, and what waits."""
        items = list(self._items.values())
        numbers = [item.number for item in items]
        places = {number: place for place, number in enumerate(numbers)}
        self._gather = Gather(self._form, [item.variable for item in items])
        self._handles = np.array([item.handle for item in items], "<u4")
        self._reporting = np.array([item.reporting for item in items], bool)
        triggers = np.array([item.trigger for item in items], np.uint8)
        self._by_value = triggers >= TRIGGER_VALUE
        self._by_time = triggers >= TRIGGER_TIME
        self._deadbands = np.array([item.deadband for item in items], np.float64)
        moves = np.array([places.get(number, -1) for number in self._numbers], np.intp)
        stay = moves >= 0
        for name in ("_last", "_last_statuses", "_told"):
            before = getattr(self, name)
            after = np.zeros(len(items), before.dtype)
            after[moves[stay]] = before[stay]
            setattr(self, name, after)
        for sample in self._samples:
            keep = stay[sample.places]
            sample.places, sample.bits = moves[sample.places[keep]], sample.bits[keep]
            sample.statuses = sample.statuses[keep]
        self._samples = deque(sample for sample in self._samples if len(sample.places))
        self._overflowed = {int(moves[place]) for place in self._overflowed if stay[place]}
        self._numbers = numbers
        self._stale = False

    def sample(self, snapshot: Snapshot) -> None:
        """Look at a scan; what is news waits for the next message."""
        if self._stale:
            self._arrange()
        if not self._items:
            return
        bits, statuses = self._gather.bits(snapshot), self._gather.statuses(snapshot)
        news = (bits != self._last) & self._by_value
        if self._deadbands.any():
            news &= ~self._within_deadband(bits)
        news |= (statuses != self._last_statuses) | self._by_time | ~self._told
        news &= self._reporting
        places = news.nonzero()[0]
        if not len(places):
            return
        found = _Sample(places, bits[places], statuses[places], snapshot.ticks)
        self._last[places], self._last_statuses[places] = found.bits, found.statuses
        self._told[places] = True
        if self.sampling.queue_size == 1:
            self._forget(places)
        self._samples.append(found)
        if self.sampling.queue_size > 1 and len(self._samples) > self.sampling.queue_size:
            self._limit()

    def _within_deadband(self, bits: NDArray[Any]) -> NDArray[np.bool_]:
        number = self._form.coding.number
        now, told = bits.view(number).astype(float), self._last.view(number).astype(float)
        with np.errstate(invalid="ignore"):
            near: NDArray[np.bool_] = np.abs(now - told) <= self._deadbands
        return near & (self._deadbands > 0)

    def _forget(self, places: NDArray[np.intp]) -> None:
        """Drop what waits of items: newer values stand for them."""
        for item in self._samples:
            stay = ~np.isin(item.places, places, assume_unique=True)
            item.places, item.bits = item.places[stay], item.bits[stay]
            item.statuses = item.statuses[stay]
        self._samples = deque(item for item in self._samples if len(item.places))

    def _limit(self) -> None:
        """Drop rows of items that have more than their queue holds."""
        everything = np.concatenate([item.places for item in self._samples])
        counts = np.bincount(everything, minlength=len(self._numbers))
        over = np.flatnonzero(counts > self.sampling.queue_size)
        self._overflowed.update(over.tolist())
        order = list(self._samples)
        if not self.sampling.discard_oldest:
            order = order[-2::-1]  # the newest value stays, the one before it goes
        for item in order:
            hit = np.isin(item.places, over, assume_unique=True)
            over = np.setdiff1d(over, item.places[hit])
            item.places, item.bits = item.places[~hit], item.bits[~hit]
            item.statuses = item.statuses[~hit]
            if not len(over):
                break
        self._samples = deque(item for item in self._samples if len(item.places))

    def take(self, limit: int, now: int) -> Iterator[tuple[int, bytes]]:
        """Yield rows that waited, at most `limit` of them, as their number and their bytes."""
        if self._stale:
            self._arrange()
        while self._samples and limit > 0:
            first = self._samples.popleft()
            if len(first.places) > limit:
                rest = _Sample(
                    first.places[limit:], first.bits[limit:], first.statuses[limit:], first.ticks
                )
                self._samples.appendleft(rest)
                first = _Sample(
                    first.places[:limit], first.bits[:limit], first.statuses[:limit], first.ticks
                )
            self._mark(first)
            limit -= len(first.places)
            yield len(first.places), self._encode(first, now)

    def _mark(self, sample: _Sample) -> None:
        """Tell in the first row of an item that rows before it were dropped."""
        if self._overflowed:
            marked = np.isin(sample.places, list(self._overflowed))
            sample.statuses = np.where(marked, sample.statuses | OVERFLOW, sample.statuses)
            self._overflowed.difference_update(sample.places.tolist())

    def _encode(self, sample: _Sample, now: int) -> bytes:
        bad = (sample.statuses & SEVERITY) == Status.BAD
        good = sample.statuses == Status.GOOD
        parts = TIME_BITS[self.sampling.timestamps]
        pieces = []
        for chosen, mask in (
            (good, parts | HAS_VALUE),
            (~good & ~bad, parts | HAS_VALUE | HAS_STATUS),
            (bad, parts | HAS_STATUS),
        ):
            if chosen.all():
                return self._rows(sample, mask, now)
            if chosen.any():
                some = _Sample(
                    sample.places[chosen], sample.bits[chosen],
                    sample.statuses[chosen], sample.ticks,
                )  # fmt: skip
                pieces.append(self._rows(some, mask, now))
        return b"".join(pieces)

    def _rows(self, sample: _Sample, mask: int, now: int) -> bytes:
        form = row_type(mask, self._form.coding.builtin, handles=True)
        assert form is not None
        rows = np.empty(len(sample.places), form)
        rows["handle"] = self._handles[sample.places]
        rows["mask"] = mask
        if mask & HAS_VALUE:
            rows["kind"] = self._form.coding.builtin
            rows["value"] = self._gather.values(sample.bits)
        if mask & HAS_STATUS:
            rows["status"] = sample.statuses
        if mask & HAS_SOURCE_TIME:
            rows["source"] = sample.ticks
        if mask & HAS_SERVER_TIME:
            rows["server"] = now
        return rows.tobytes()


@dataclass(slots=True)
class Single:
    """A monitored text or array: compared and encoded by itself."""

    item: Item
    waiting: deque[bytes] = field(default_factory=deque)
    last: tuple[bytes, int] | None = None

    def sample(self, snapshot: Snapshot, now: int) -> None:
        """Look at a scan; what is news waits for the next message."""
        item = self.item
        status = status_of(item.variable, snapshot)
        found = content_of(item.variable, snapshot).tobytes(), status
        known = self.last
        same = known is not None and (
            known == found if item.trigger >= TRIGGER_VALUE else known[1] == status
        )
        if not item.reporting or (same and item.trigger < TRIGGER_TIME):
            return
        self.last = found
        row = encode_row(item.variable, snapshot, item.sampling.timestamps, now)
        self.keep(_HANDLE.pack(item.handle) + row)

    def keep(self, row: bytes) -> None:
        """Let a row wait for the next message, in the place of another where the queue is full."""
        if len(self.waiting) >= self.item.sampling.queue_size:
            if self.item.sampling.discard_oldest:
                self.waiting.popleft()
            else:
                self.waiting.pop()
        self.waiting.append(row)


class Board:
    """All monitored values of the program that one subscription has."""

    def __init__(self) -> None:
        """Begin without items."""
        self.items: dict[int, Item] = {}
        self._groups: dict[tuple[Form, Sampling], Group] = {}
        self._singles: dict[int, Single] = {}

    def put(self, item: Item) -> None:
        """Monitor a value, or go on with it in another way."""
        before = self.items.get(item.number)
        if before is not None:
            self._leave(before, item)
        self.items[item.number] = item
        form = form_of(item.variable)
        if form is None:
            kept = self._singles.get(item.number)
            self._singles[item.number] = (
                Single(item, kept.waiting, kept.last) if kept else Single(item)
            )
            return
        key = form, item.sampling
        if key not in self._groups:
            self._groups[key] = Group(form, item.sampling)
        self._groups[key].add(item)

    def remove(self, number: int) -> None:
        """Monitor a value no longer."""
        item = self.items.pop(number)
        self._leave(item, None)
        self._singles.pop(number, None)

    def _leave(self, item: Item, successor: Item | None) -> None:
        form = form_of(item.variable)
        if form is None or (successor is not None and successor.sampling == item.sampling):
            return
        group = self._groups[form, item.sampling]
        group.remove(item.number)
        if not group:
            del self._groups[form, item.sampling]

    @property
    def intervals_ms(self) -> set[float]:
        """The sampling intervals that there are."""
        return {item.interval_ms for _, item in self._groups} | {
            single.item.sampling.interval_ms for single in self._singles.values()
        }

    def sample(self, snapshot: Snapshot, interval_ms: float, now: int) -> None:
        """Look at a scan with all items of one sampling interval."""
        for (_, sampling), group in self._groups.items():
            if sampling.interval_ms == interval_ms:
                group.sample(snapshot)
        for single in self._singles.values():
            if single.item.sampling.interval_ms == interval_ms:
                single.sample(snapshot, now)

    @property
    def rows(self) -> int:
        """Rows that wait for a message."""
        waiting = sum(len(item.waiting) for item in self._singles.values())
        return waiting + sum(group.rows for group in self._groups.values())

    def take(self, limit: int, now: int) -> tuple[int, bytes]:
        """Return rows that waited, at most `limit`: their number and their bytes."""
        count, pieces = 0, []
        for group in self._groups.values():
            for rows, data in group.take(limit - count, now):
                count += rows
                pieces.append(data)
        for single in self._singles.values():
            while single.waiting and count < limit:
                pieces.append(single.waiting.popleft())
                count += 1
        return count, b"".join(pieces)
