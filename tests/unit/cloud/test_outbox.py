"""The outbox: numbering, cursors, caps, losses, what survives and what is refused."""

import json
import resource
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.flow.ranges import RangeSet
from gateway.store import checkpoints
from gateway.store.outbox import Caps, Outbox
from gateway.store.sqlite import StoreCorruptError, StoreUnavailableError
from tests.support.samples import SOURCE, OutboxRig, StandingClocks, ranges_of, report

MEMORY = Path("/dev/shm")  # noqa: S108  hundreds of small files that no disk need sync


@pytest.fixture
def rig(tmp_path: Path) -> OutboxRig:
    return OutboxRig(tmp_path / "outbox.db")


def test_samples_are_numbered_from_one_without_gaps_over_restarts(rig: OutboxRig) -> None:
    for cycle in range(1, 4):
        outbox = rig.open()
        outbox.append(SOURCE, [report(cycle, samples=2)])
        outbox.close()
    assert ranges_of(rig.open()) == [(1, 3), (3, 5), (5, 7)]


def test_what_append_returned_is_in_the_file_that_a_crash_leaves(rig: OutboxRig) -> None:
    outbox = rig.open()
    (stored,) = outbox.append(SOURCE, [report(1), report(2)])
    copy = OutboxRig(rig.path.with_name("copy.db"))
    for suffix in ("", "-wal"):
        source = rig.path.with_name(rig.path.name + suffix)
        copy.path.with_name(copy.path.name + suffix).write_bytes(source.read_bytes())
    (found,) = copy.open().read((0, 100), 100)
    assert (found.first, found.end, found.payload) == (1, 3, stored.payload)
    assert json.loads(found.payload)["seq"] == 1


def test_an_uplink_begins_with_what_comes_after_it_was_configured(rig: OutboxRig) -> None:
    outbox = rig.open()
    outbox.append(SOURCE, [report(1, 5)])
    outbox.close()
    rig.uplinks = ("a", "b")
    outbox = rig.open()
    assert (outbox.pending("a"), outbox.pending("b")) == (5, 0)
    outbox.append(SOURCE, [report(2, 3)])
    assert (outbox.pending("a"), outbox.pending("b")) == (8, 3)


def test_a_batch_is_deleted_when_the_last_uplink_has_it(rig: OutboxRig) -> None:
    rig.uplinks = ("a", "b")
    outbox = rig.open()
    outbox.append(SOURCE, [report(1, 5)])
    outbox.append(SOURCE, [report(2, 5)])
    outbox.acknowledge("a", (1, 11))
    outbox.flush()
    assert ranges_of(outbox) == [(1, 6), (6, 11)]
    outbox.acknowledge("b", (1, 6))
    outbox.flush()
    assert ranges_of(outbox) == [(6, 11)]
    outbox.acknowledge("b", (6, 11))
    outbox.flush()
    assert (ranges_of(outbox), outbox.kept_bytes) == ([], 0)


def test_acknowledgements_that_were_not_written_are_asked_for_again(rig: OutboxRig) -> None:
    outbox = rig.open()
    outbox.append(SOURCE, [report(1, 5)])
    outbox.acknowledge("a", (1, 6))
    outbox.abandon()
    assert rig.open().pending("a") == 5


def test_a_split_leaves_the_old_as_backlog_and_the_new_live(rig: OutboxRig) -> None:
    outbox = rig.open()
    outbox.append(SOURCE, [report(1, 5)])
    outbox.split("a")
    outbox.append(SOURCE, [report(2, 5)])
    outbox.acknowledge("a", (6, 11))
    outbox.abandon()
    outbox = rig.open()
    cursors = outbox.cursors("a")
    assert (cursors.backlog, cursors.live) == (RangeSet.of((1, 6)), 6)
    outbox.acknowledge("a", (6, 11))
    outbox.flush()
    assert ranges_of(outbox) == [(1, 6)]


def test_beyond_its_size_the_oldest_is_dropped_and_counted_for_who_owed_it(
    rig: OutboxRig,
) -> None:
    rig.uplinks, rig.caps = ("a", "b"), Caps(size_max=1000, age_max_ns=10**18)
    outbox = rig.open()
    outbox.append(SOURCE, [report(1, 10)])
    outbox.acknowledge("b", (1, 11))
    while not outbox.losses:
        outbox.append(SOURCE, [report(2, 10)])
    assert outbox.losses == {("a", "size"): 10}
    assert outbox.kept_bytes <= 1000
    assert ranges_of(outbox)[0] == (11, 21)
    outbox.close()
    assert rig.open().losses == {("a", "size"): 10}


def test_beyond_its_age_a_batch_is_dropped_and_counted(rig: OutboxRig) -> None:
    rig.caps = Caps(size_max=10**9, age_max_ns=100)
    outbox = rig.open()
    outbox.append(SOURCE, [report(1, 3)])
    rig.clocks.boottime_ns += 100
    outbox.flush()
    assert outbox.losses == {}
    rig.clocks.boottime_ns += 1
    outbox.flush()
    assert (outbox.losses, ranges_of(outbox)) == ({("a", "age"): 3}, [])


def test_ages_do_not_count_from_one_start_of_the_machine_to_the_next(rig: OutboxRig) -> None:
    rig.caps = Caps(size_max=10**9, age_max_ns=1000)
    outbox = rig.open()
    outbox.append(SOURCE, [report(1)])
    rig.clocks.boottime_ns += 600
    outbox.close()
    rig.clocks = StandingClocks(monotonic_ns=5, boottime_ns=5, boot="the next")
    outbox = rig.open()
    outbox.flush()
    assert outbox.losses == {}
    rig.clocks.boottime_ns += 401
    outbox.flush()
    assert outbox.losses == {("a", "age"): 1}


def test_times_of_another_start_of_the_machine_are_not_compared_with_ours(rig: OutboxRig) -> None:
    outbox = rig.open()
    outbox.append(SOURCE, [report(7)])
    outbox.close()
    outbox = rig.open()
    (same,) = outbox.read((0, 9), 9)
    assert same.marks[0].end_ns == 7
    outbox.close()
    rig.clocks.boot = "the next"
    outbox = rig.open()
    (other,) = outbox.read((0, 9), 9)
    assert other.marks == ()


def test_numbers_that_were_lost_in_memory_are_left_out_and_counted(rig: OutboxRig) -> None:
    outbox = rig.open()
    outbox.append(SOURCE, [report(1)])
    outbox.append(SOURCE, [report(9)], skipped=7)
    assert ranges_of(outbox) == [(1, 2), (9, 10)]
    assert outbox.losses == {("a", "memory"): 7}
    assert outbox.pending("a") == 2


def test_what_arrives_though_it_was_dropped_under_way_is_not_lost(rig: OutboxRig) -> None:
    rig.caps = Caps(size_max=1000, age_max_ns=10**18)
    outbox = rig.open()
    while not outbox.losses:
        outbox.append(SOURCE, [report(1, 10)])
    outbox.acknowledge("a", (1, 11), RangeSet.of((1, 11)))
    assert outbox.losses == {("a", "size"): 0}


@pytest.mark.parametrize("at", [0, 20, 2000])
def test_a_damaged_file_is_told(rig: OutboxRig, at: int) -> None:
    outbox = rig.open()
    outbox.append(SOURCE, [report(n, 100) for n in range(50)])
    outbox.close()
    damaged = bytearray(rig.path.read_bytes())
    damaged[at : at + 3000] = b"\x5a" * 3000
    rig.path.write_bytes(damaged)
    with pytest.raises(StoreCorruptError):
        rig.open()


def test_another_database_is_no_outbox(rig: OutboxRig) -> None:
    with sqlite3.connect(rig.path) as database:
        database.execute("CREATE TABLE precious (x)")
    database.close()
    with pytest.raises(StoreCorruptError, match="version is 0: expected 1"):
        rig.open()


def test_the_log_stays_small_while_commits_go_on(
    rig: OutboxRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "OUTBOX_CHECKPOINT_BYTES", 100_000)
    outbox = rig.open()
    for cycle in range(300):
        outbox.append(SOURCE, [report(cycle, 500)])
    log = rig.path.with_name(rig.path.name + "-wal")
    assert outbox.kept_bytes > 2_500_000
    assert log.stat().st_size < 1_500_000
    assert outbox.pending("a") == sum(end - first for first, end in ranges_of(outbox)) == 150_000


def test_a_second_gateway_is_kept_out(rig: OutboxRig) -> None:
    first = rig.open()
    with pytest.raises(StoreUnavailableError, match="locked"):
        rig.open()
    first.close()
    assert rig.open().head == 1


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_stores_nothing_numbers_nothing_and_passes(rig: OutboxRig) -> None:
    outbox = rig.open()
    outbox.append(SOURCE, [report(1, 100)])
    full = [report(n, 1000) for n in range(20)]
    with disk_of(100_000), pytest.raises(StoreUnavailableError):
        outbox.append(SOURCE, full)
    assert (outbox.head, ranges_of(outbox)) == (101, [(1, 101)])
    outbox.append(SOURCE, full)
    assert outbox.head == 20_101
    outbox.close()
    assert sum(end - first for first, end in ranges_of(rig.open())) == 20_100


class Books(RuleBasedStateMachine):
    """An outbox against a model of it: sets of numbers, through crashes, caps and full disks."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.rig = OutboxRig(Path(self.folder.name) / "outbox.db", ("a", "b"), Caps(3000, 10**18))
        self.outbox: Outbox = self.rig.open()
        self.owed: dict[str, set[int]] = {"a": set(), "b": set()}
        self.durable = {name: set(numbers) for name, numbers in self.owed.items()}
        self.cycle = 0
        self.lost: dict[str, int] = {}
        self.durable_lost: dict[str, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.outbox.abandon()
            self.folder.cleanup()

    def _changed(self) -> None:
        """Follow what the caps dropped: it must be the oldest, and it must be counted."""
        kept = {n for first, end in ranges_of(self.outbox) for n in range(first, end)}
        for name, numbers in self.owed.items():
            dropped = numbers - kept
            self.lost[name] = self.lost.get(name, 0) + len(dropped)
            assert not dropped or max(dropped) < min(numbers & kept, default=1 << 62)
            numbers.difference_update(dropped)
        self.durable = {name: set(numbers) for name, numbers in self.owed.items()}
        self.durable_lost = dict(self.lost)

    @rule(samples=st.integers(1, 12), skipped=st.sampled_from([0, 0, 0, 2]))
    def append(self, samples: int, skipped: int) -> None:
        self.cycle += 1
        head = self.outbox.head + skipped
        self.outbox.append(SOURCE, [report(self.cycle, samples)], skipped)
        for name, numbers in self.owed.items():
            numbers.update(range(head, head + samples))
            self.lost[name] = self.lost.get(name, 0) + skipped
        self._changed()

    @rule(name=st.sampled_from(["a", "b"]), batches=st.integers(1, 3))
    def acknowledge_live(self, name: str, batches: int) -> None:
        live = self.outbox.cursors(name).live
        found = self.outbox.read((live, self.outbox.head), 1 << 30)[:batches]
        if found:
            self.outbox.acknowledge(name, (live, found[-1].end))
            self.owed[name] -= set(range(live, found[-1].end))

    @rule(name=st.sampled_from(["a", "b"]))
    def acknowledge_backlog(self, name: str) -> None:
        ranges = self.outbox.cursors(name).backlog.ranges
        if ranges:
            found = self.outbox.read(ranges[0], 1)
            done = ranges[0][0], found[-1].end if found else ranges[0][1]
            self.outbox.acknowledge(name, done)
            self.owed[name] -= set(range(*done))

    @rule(name=st.sampled_from(["a", "b"]))
    def split(self, name: str) -> None:
        self.outbox.split(name)
        self._changed()

    @rule()
    def flush(self) -> None:
        self.outbox.flush()
        self._changed()

    @rule()
    def restart(self) -> None:
        self.outbox.close()
        self._reopen()
        self._changed()

    @rule()
    def crash(self) -> None:
        self.outbox.abandon()
        self.owed = {name: set(numbers) for name, numbers in self.durable.items()}
        self.lost = dict(self.durable_lost)
        self._reopen()

    def _reopen(self) -> None:
        self.outbox = self.rig.open()

    @precondition(lambda self: hasattr(self, "outbox"))
    @invariant()
    def owes_what_was_stored_and_neither_acknowledged_nor_dropped(self) -> None:
        kept = {n for first, end in ranges_of(self.outbox) for n in range(first, end)}
        for name, numbers in self.owed.items():
            pending = self.outbox.cursors(name).pending(self.outbox.head)
            assert {n for a, b in pending.ranges for n in range(a, b)} & kept == numbers
            assert self.outbox.pending(name) == len(numbers)
            counted = sum(n for (who, _), n in self.outbox.losses.items() if who == name)
            assert counted == self.lost.get(name, 0)


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
