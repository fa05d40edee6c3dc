"""The store writes what changed, says what it finds, and outlives a disk that fails."""

import errno
import os
import random
from pathlib import Path

import pytest

from runtime.datatypes.derived import Array
from runtime.datatypes.elementary import BYTE
from runtime.errors import HostError
from runtime.retain.disk import Disk, FileDisk, Lock
from runtime.retain.layout import Entry, Layout
from runtime.retain.store import Stamp, Store, changed_runs, recover
from tests.support.power import MemoryDisk

SIZE = 100_000
LAYOUT = Layout((Entry("A", 0, Array(((1, SIZE),), BYTE), persistent=False),), SIZE)
FULL = OSError(errno.ENOSPC, "No space left on device")


def stamp(number: int) -> Stamp:
    return Stamp(number, number, number)


def opened(disk: Disk, layout: Layout = LAYOUT) -> Store:
    return Store(disk, layout, recover(disk))


def kept(disk: Disk) -> bytes | None:
    commit = recover(disk).commit
    return None if commit is None else commit.values


def test_a_commit_is_found_with_its_stamp_and_layout() -> None:
    disk = MemoryDisk()
    values = bytes(range(250)) * 400
    assert opened(disk).commit(values, Stamp(7, 8, 9))
    commit = recover(disk).commit
    assert commit is not None
    assert (commit.values, commit.stamp, commit.layout) == (values, Stamp(7, 8, 9), LAYOUT)


def test_nothing_is_written_where_nothing_changed() -> None:
    disk = MemoryDisk()
    store = opened(disk)
    store.commit(bytes(SIZE), stamp(1))
    before = disk.operations
    assert not store.commit(bytes(SIZE), stamp(2))
    assert disk.operations == before
    again = opened(disk)
    before = disk.operations
    assert not again.commit(bytes(SIZE), stamp(3)), "a restart changes nothing either"
    assert disk.operations == before


def test_a_small_change_writes_little() -> None:
    store = opened(MemoryDisk())
    values = bytearray(SIZE)
    store.commit(bytes(values), stamp(1))
    before = store.written_bytes
    values[50_000] = 1
    store.commit(bytes(values), stamp(2))
    assert store.written_bytes - before < 200


def test_bytes_written_stay_near_twice_the_bytes_changed() -> None:
    """Each chain begins with all values, and only after as many bytes of changes."""
    rng = random.Random(1)
    store = opened(MemoryDisk())
    values = bytearray(SIZE)
    store.commit(bytes(values), stamp(0))
    before, changed = store.written_bytes, 0
    for number in range(1, 600):
        start = rng.randrange(SIZE // 64 - 100) * 64
        values[start : start + 6400] = rng.randbytes(6400)
        changed += 6400
        store.commit(bytes(values), stamp(number))
    assert store.written_bytes - before < 2.1 * changed


def test_changes_are_whole_chunks_and_neighbours_are_one() -> None:
    new = bytearray(300)
    new[0] = new[70] = new[299] = 1
    assert list(changed_runs(bytes(300), bytes(new))) == [(0, 128), (256, 44)]
    assert list(changed_runs(bytes(300), bytes(300))) == []


@pytest.mark.parametrize("operation", ["write", "sync"])
@pytest.mark.parametrize("at_first", [True, False])
def test_a_failing_disk_loses_nothing_and_is_used_again(operation: str, *, at_first: bool) -> None:
    disk = MemoryDisk()
    store = opened(disk)
    allowed: set[bytes | None] = {None}
    if not at_first:
        allowed = {b"a" * SIZE}
        store.commit(b"a" * SIZE, stamp(1))
    disk.failing = {operation: FULL}
    for number in range(2, 5):
        wanted = bytes([number]) * SIZE
        allowed.add(wanted)  # it may have arrived although the disk said no
        with pytest.raises(OSError, match="No space"):
            store.commit(wanted, stamp(number))
        assert kept(disk) in allowed
    disk.failing = {}
    for last in (b"x" * SIZE, b"y" * SIZE):
        assert store.commit(last, stamp(9))
        assert kept(disk) == last


def test_a_file_that_cannot_be_emptied_is_tried_again() -> None:
    disk = MemoryDisk()
    disk.failing = {"clear": FULL}
    store = opened(disk)
    with pytest.raises(OSError, match="No space"):
        store.commit(bytes(SIZE), stamp(1))
    disk.failing = {}
    assert store.commit(bytes(SIZE), stamp(2))
    assert kept(disk) == bytes(SIZE)


def test_a_foreign_file_is_set_aside_and_not_overwritten() -> None:
    disk = MemoryDisk((b"#!/bin/sh\n", b""))
    found = recover(disk)
    assert found.commit is None
    assert found.chains[0].trouble == "not a file of retained values"
    store = Store(disk, LAYOUT, found)
    store.commit(bytes(SIZE), stamp(1))
    assert disk.aside == [b"#!/bin/sh\n"]
    assert kept(disk) == bytes(SIZE)


def test_damaged_values_are_kept_for_people_where_none_are_left() -> None:
    disk = MemoryDisk()
    opened(disk).commit(bytes(SIZE), stamp(1))
    broken = bytearray(disk.read(0))
    broken[-1] ^= 1
    damaged = MemoryDisk((bytes(broken), b""))
    found = recover(damaged)
    assert found.commit is None
    assert found.chains[0].trouble == "the values do not match their digest"
    Store(damaged, LAYOUT, found).commit(bytes(SIZE), stamp(2))
    assert damaged.aside == [bytes(broken)]


def test_the_other_file_takes_over_where_one_is_damaged() -> None:
    disk = MemoryDisk()
    opened(disk).commit(b"a" * SIZE, stamp(1))
    opened(disk).commit(b"b" * SIZE, stamp(2))  # a new start begins a new chain: the other file
    contents = [bytearray(disk.read(slot)) for slot in (0, 1)]
    contents[1][300] ^= 1
    after = MemoryDisk([bytes(item) for item in contents])
    assert kept(after) == b"a" * SIZE
    assert recover(after).chains[1].trouble


def test_a_file_of_a_later_version_is_not_read() -> None:
    disk = MemoryDisk()
    opened(disk).commit(bytes(SIZE), stamp(1))
    later = bytearray(disk.read(0))
    later[8] = 99
    (chain, _) = recover(MemoryDisk((bytes(later), b""))).chains
    assert chain.trouble == "of version 99, expected version 1"
    assert chain.is_foreign


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "p.a").mkdir()
    found = recover(FileDisk(tmp_path, "p"))
    assert found.commit is None
    assert found.chains[0].trouble == "cannot be read (Is a directory)"


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "inner" / "retain"
    disk = FileDisk(folder, "plant")
    store = opened(disk)
    store.commit(b"a" * SIZE, stamp(1))
    store = opened(disk)
    store.commit(b"b" * SIZE, stamp(2))
    disk.close()
    assert [path.name for path in sorted(folder.iterdir())] == ["plant.a", "plant.b"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert kept(FileDisk(folder, "plant")) == b"b" * SIZE


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"")
    (tmp_path / "p.a").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic"):
        opened(FileDisk(tmp_path, "p")).commit(bytes(SIZE), stamp(1))


def test_a_full_device_is_an_error_and_no_commit(tmp_path: Path) -> None:
    """/dev/full refuses every write as a full disk does."""

    class FullDisk(FileDisk):
        def clear(self, slot: int) -> None:
            self._open[slot] = os.open("/dev/full", os.O_WRONLY)

    disk = FullDisk(tmp_path, "p")
    with pytest.raises(OSError, match="No space left on device"):
        opened(disk).commit(bytes(SIZE), stamp(1))
    disk.close()


def test_a_second_writer_is_kept_away(tmp_path: Path) -> None:
    held = pytest.raises(HostError, match=r"p\.lock: held by a running Takt")
    with Lock(tmp_path, "p"), held, Lock(tmp_path, "p"):
        pass
    with Lock(tmp_path, "p"):
        pass


def test_set_aside_files_are_renamed(tmp_path: Path) -> None:
    (tmp_path / "p.a").write_bytes(b"something else")
    disk = FileDisk(tmp_path, "p")
    opened(disk).commit(bytes(SIZE), stamp(1))
    assert (tmp_path / "p.a.damaged").read_bytes() == b"something else"
    disk.remove(0)
    assert not (tmp_path / "p.a").exists()
