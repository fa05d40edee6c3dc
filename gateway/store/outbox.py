"""The outbox: batches of samples on disk until every uplink has had them acknowledged.

One SQLite file, write-ahead log, synchronous FULL: what `append` returned survives a power cut.
Blocking; one thread at a time uses it (`gateway.store.queue`). Samples are numbered here, from 1,
without gaps but for what was lost before it could be stored. Each uplink has two cursors: `live`,
from which it sends what is new, and a backlog, the older ranges that it still owes. What nobody
owes any more is deleted. Beyond the caps the oldest is dropped, and counted for each uplink that
owed it.

Ages count on the outbox's own clock, which only goes forward: with CLOCK_BOOTTIME, and not at all
between two starts of the machine. A wall clock that jumps drops nothing.
"""

import contextlib
import json
import logging
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.config import OUTBOX_BATCH_SAMPLES
from gateway.flow.batches import Source, cut, encode_batch
from gateway.flow.ranges import NOTHING, Range, RangeSet
from gateway.flow.reports import Mark, Report
from gateway.store.checkpoints import Checkpoints
from gateway.store.marks import mark_of, pack_marks, unpack_marks
from gateway.store.sqlite import (
    StoreCorruptError,
    StoreUnavailableError,
    connect,
    lock,
    prepare,
    transaction,
    translated,
)

_LOG: Final = logging.getLogger("gateway.store")
_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    """CREATE TABLE batch (first INTEGER PRIMARY KEY, end INTEGER NOT NULL, age INTEGER NOT NULL,
    boot TEXT NOT NULL, marks BLOB NOT NULL, payload BLOB NOT NULL)""",
    "CREATE TABLE uplink (name TEXT PRIMARY KEY, live INTEGER NOT NULL, backlog TEXT NOT NULL)",
    """CREATE TABLE loss (uplink TEXT, reason TEXT, samples INTEGER NOT NULL,
    PRIMARY KEY (uplink, reason)) WITHOUT ROWID""",
)
_ROWS_AT_A_TIME: Final = 64
_DROPPED_RANGES_MAX: Final = 64
"""Dropped ranges of which a late acknowledgement may still come."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that is safe on disk."""

    first: int
    end: int
    payload: bytes
    marks: tuple[Mark, ...] = ()
    """Empty where it was stored before the machine started: its clock is another."""
    stored_ns: int = 0
    """CLOCK_MONOTONIC when it was safe; 0 where it was read back."""


@dataclass(slots=True)
class Cursors:
    """What one uplink owes: `backlog`, and everything from `live` on."""

    live: int
    backlog: RangeSet = field(default_factory=RangeSet)

    def pending(self, head: int) -> RangeSet:
        """Return the samples before `head` that are not acknowledged."""
        return self.backlog | RangeSet.of((self.live, head))


@dataclass(frozen=True, slots=True)
class Caps:
    """Bounds of what waits."""

    size_max: int
    """Bytes of payload."""
    age_max_ns: int


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time as arguments, in ns."""

    monotonic: Callable[[], int]
    boottime: Callable[[], int]
    boot_id: str
    """Identity of this start of the machine."""


@dataclass(slots=True)
class _Books:
    """What the outbox knows without asking the file; taken back where the file refuses."""

    head: int
    """Number that the next sample gets."""
    bytes: int
    """Of the payloads kept."""
    kept: RangeSet
    cursors: dict[str, Cursors]
    losses: dict[tuple[str, str], int]
    """Samples lost, by uplink and reason."""

    def copy(self) -> "_Books":
        """Return books that change on their own."""
        cursors = {name: Cursors(item.live, item.backlog) for name, item in self.cursors.items()}
        return _Books(self.head, self.bytes, self.kept, cursors, dict(self.losses))


class Outbox:
    """An open outbox. Every method may raise `StoreCorruptError`: the file is damaged."""

    def __init__(self, path: Path, caps: Caps, clocks: Clocks, uplinks: Sequence[str]) -> None:
        """Open or make the file; an uplink that it does not know begins with what comes next.

        Raises:
            StoreCorruptError: The file is damaged, or no outbox.
            StoreUnavailableError: It cannot be opened, made or written.
        """
        self.path = path
        self._caps, self._clocks = caps, clocks
        self._dropped: dict[tuple[str, str], RangeSet] = {}
        self.dirty = True
        """Whether cursors have moved since they were written."""
        with contextlib.ExitStack() as stack, translated():
            stack.callback(os.close, lock(path))
            self._db = connect(path)
            stack.callback(self._db.close)
            prepare(self._db, _VERSION, _SCHEMA, self._write_first_meta)
            self._load(uplinks)
            self._checkpoints = Checkpoints(path, self._db)
            stack.callback(self._checkpoints.close)
            self._closing = stack.pop_all()

    @property
    def head(self) -> int:
        """Number that the next sample gets."""
        return self._books.head

    @property
    def kept_bytes(self) -> int:
        """Bytes of payload on disk."""
        return self._books.bytes

    @property
    def losses(self) -> dict[tuple[str, str], int]:
        """Samples lost, by uplink and reason: "size", "age", "memory"."""
        return dict(self._books.losses)

    def cursors(self, uplink: str) -> Cursors:
        """Return what an uplink owes; a copy."""
        found = self._books.cursors[uplink]
        return Cursors(found.live, found.backlog)

    def pending(self, uplink: str) -> int:
        """Return how many samples an uplink owes."""
        books = self._books
        return (books.cursors[uplink].pending(books.head) & books.kept).total

    def append(
        self, source: Source, reports: Sequence[Report], skipped: int = 0
    ) -> list[StoredBatch]:
        """Number, encode and store the samples of reports; they are safe on return.

        Args:
            source: Project and run; the stream is the outbox's own.
            reports: In the order in which they are to be numbered.
            skipped: Samples before them that were lost for want of memory: their numbers are left
                out, so that consumers see the gap.

        Raises:
            StoreUnavailableError: The disk is full or fails; nothing is stored or numbered.
        """
        source = Source(self.stream, source.project, source.run)
        batches, head = [], self.head + skipped
        for group in cut(reports, OUTBOX_BATCH_SAMPLES):
            end = head + sum(item.samples for item in group)
            marks = tuple(mark_of(item) for item in group)
            batches.append(StoredBatch(head, end, encode_batch(source, head, group), marks))
            head = end
        with self._change() as books:
            age, boot = self.age_ns, self._clocks.boot_id
            self._db.executemany(
                "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (item.first, item.end, age, boot, pack_marks(item.marks), item.payload)
                    for item in batches
                ],
            )
            for name in books.cursors if skipped else ():
                self._count_loss(name, "memory", skipped)
            books.head = head
            books.bytes += sum(len(item.payload) for item in batches)
            books.kept |= RangeSet.of(*((item.first, item.end) for item in batches))
        now_ns = self._clocks.monotonic()
        return [
            StoredBatch(item.first, item.end, item.payload, item.marks, now_ns) for item in batches
        ]

    def read(self, wanted: Range, samples_max: int) -> list[StoredBatch]:
        """Return the oldest batches of a range: those within `samples_max`, but one at least.

        Raises:
            StoreUnavailableError: The disk fails.
        """
        batches: list[StoredBatch] = []
        samples = 0
        with translated():
            rows = self._db.execute(
                "SELECT first, end, boot, marks, payload FROM batch"
                " WHERE first >= ? AND first < ? ORDER BY first",
                wanted,
            )
            for first, end, boot, packed, payload in rows:
                samples += end - first
                if batches and samples > samples_max:
                    break
                marks = unpack_marks(packed) if boot == self._clocks.boot_id else ()
                batches.append(StoredBatch(first, end, payload, marks))
            rows.close()
        return batches

    def acknowledge(self, uplink: str, done: Range, delivered: RangeSet = NOTHING) -> None:
        """Note that an uplink owes no sample of a range; it is written with the next change.

        Args:
            uplink: Whose peer has them.
            done: What is owed no more.
            delivered: What of it the peer has. Samples that were dropped while they were under way
                count as lost no more.
        """
        books = self._books
        cursors = books.cursors[uplink]
        if done[0] <= cursors.live < done[1]:
            cursors.live = done[1]
        cursors.backlog -= RangeSet.of(done)
        for key, dropped in self._dropped.items():
            if key[0] == uplink and delivered:
                arrived = dropped & delivered
                self._dropped[key] = dropped - arrived
                books.losses[key] -= arrived.total
        self.dirty = True

    def count_loss(self, uplink: str, reason: str, samples: int) -> None:
        """Count samples that an uplink was to get and never will; written with the next change."""
        self._count_loss(uplink, reason, samples)
        self.dirty = True

    def split(self, uplink: str) -> None:
        """Turn all that an uplink owes into backlog; what comes next is live. Durable on return.

        Raises:
            StoreUnavailableError: The disk is full or fails; nothing is changed.
        """
        with self._change() as books:
            cursors = books.cursors[uplink]
            cursors.backlog, cursors.live = cursors.pending(books.head) & books.kept, books.head

    def flush(self) -> None:
        """Write the cursors, apply the caps, free what nobody owes.

        Raises:
            StoreUnavailableError: The disk is full or fails; nothing is changed.
        """
        with self._change():
            pass
        if not self._books.kept:
            with translated():
                self._db.execute("PRAGMA incremental_vacuum").fetchall()

    def close(self) -> None:
        """Write the cursors and close the file; what cannot be written is sent again later."""
        with contextlib.suppress(StoreUnavailableError, StoreCorruptError):
            self.flush()
        self.abandon()

    def abandon(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(sqlite3.Error):
            self._closing.close()

    @property
    def age_ns(self) -> int:
        """The outbox's own clock."""
        return self._age_base + self._clocks.boottime()

    # -- opening --------------------------------------------------------------------------------

    def _write_first_meta(self) -> None:
        self._write_meta(stream=str(uuid.uuid4()), head=1, age=0)

    def _load(self, uplinks: Sequence[str]) -> None:
        """Read the books; keep the cursors of those uplinks only."""
        meta = dict(self._db.execute("SELECT key, value FROM meta"))
        self.stream = str(meta["stream"])
        """Identity of this outbox: a file that is made anew has another."""
        same_boot = meta["boot"] == self._clocks.boot_id
        since = int(meta["boottime"]) if same_boot else self._clocks.boottime()
        self._age_base = int(meta["age"]) - since
        rows = list(self._db.execute("SELECT first, end, length(payload) FROM batch"))
        head = max([int(meta["head"]), *(end for _, end, _ in rows)])
        cursors = {name: Cursors(head) for name in uplinks}
        for name, live, backlog in self._db.execute("SELECT name, live, backlog FROM uplink"):
            if name in cursors:
                ranges = RangeSet.of(*((first, end) for first, end in json.loads(backlog)))
                cursors[name] = Cursors(live, ranges)
            else:
                _LOG.warning("uplink %s is configured no more: what it owed is forgotten", name)
        self._books = _Books(
            head=head,
            bytes=sum(size for _, _, size in rows),
            kept=RangeSet.of(*((first, end) for first, end, _ in rows)),
            cursors=cursors,
            losses={(name, why): n for name, why, n in self._db.execute("SELECT * FROM loss")},
        )

    # -- changes --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _change(self) -> Iterator[_Books]:
        """Change the file and the books together, or neither."""
        before = self._books.copy()
        try:
            with translated(), transaction(self._db):
                yield self._books
                self._apply_caps()
                self._delete_what_nobody_owes()
                self._write_state()
        except BaseException:
            self._books = before
            raise
        self.dirty = False
        self._checkpoints.committed(max(0, self._books.bytes - before.bytes))

    def _apply_caps(self) -> None:
        """Drop the oldest batches beyond the caps, counting them for whoever owes them."""
        while True:
            rows = self._db.execute(
                "SELECT first, end, age, length(payload) FROM batch ORDER BY first LIMIT ?",
                (_ROWS_AT_A_TIME,),
            ).fetchall()
            for first, end, age, size in rows:
                reason = self._reason_to_drop(age)
                if not reason:
                    return
                self._drop((first, end), size, reason)
            if not rows:
                return

    def _reason_to_drop(self, age: int) -> str:
        if age < self.age_ns - self._caps.age_max_ns:
            return "age"
        return "size" if self._books.bytes > self._caps.size_max else ""

    def _drop(self, batch: Range, size: int, reason: str) -> None:
        books, dropped = self._books, RangeSet.of(batch)
        for name, cursors in books.cursors.items():
            owed = cursors.pending(books.head) & dropped
            self._count_loss(name, reason, owed.total)
            newest = (self._dropped.get((name, reason), NOTHING) | owed).ranges[
                -_DROPPED_RANGES_MAX:
            ]
            self._dropped[name, reason] = RangeSet(newest)
            cursors.backlog -= dropped
            if batch[0] <= cursors.live < batch[1]:
                cursors.live = batch[1]
        self._db.execute("DELETE FROM batch WHERE first = ?", (batch[0],))
        books.kept -= dropped
        books.bytes -= size

    def _delete_what_nobody_owes(self) -> None:
        books, owed = self._books, RangeSet()
        for cursors in books.cursors.values():
            owed |= cursors.pending(books.head)
        for done in (books.kept - owed).ranges:
            sizes = self._db.execute(
                "SELECT length(payload) FROM batch WHERE first >= ? AND end <= ?", done
            )
            books.bytes -= sum(size for (size,) in sizes)
            self._db.execute("DELETE FROM batch WHERE first >= ? AND end <= ?", done)
            books.kept -= RangeSet.of(done)

    def _count_loss(self, uplink: str, reason: str, samples: int) -> None:
        if samples:
            losses, key = self._books.losses, (uplink, reason)
            losses[key] = losses.get(key, 0) + samples

    def _write_state(self) -> None:
        self._write_meta(head=self._books.head, age=self.age_ns)
        self._db.execute("DELETE FROM uplink")
        self._db.executemany(
            "INSERT INTO uplink VALUES (?, ?, ?)",
            [
                (name, cursors.live, json.dumps(cursors.backlog.ranges))
                for name, cursors in self._books.cursors.items()
            ],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO loss VALUES (?, ?, ?)",
            [(name, why, samples) for (name, why), samples in self._books.losses.items()],
        )

    def _write_meta(self, **values: int | str) -> None:
        now: dict[str, int | str] = {
            "boot": self._clocks.boot_id, "boottime": self._clocks.boottime(),
        }  # fmt: skip
        self._db.executemany(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", list({**values, **now}.items())
        )
