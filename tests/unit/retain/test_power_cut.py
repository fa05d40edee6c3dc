"""A campaign of power cuts: the last commit or the one before is found, never a mixture."""

import os
import random

import pytest

from runtime.datatypes.derived import Array
from runtime.datatypes.elementary import DINT
from runtime.retain.layout import Entry, Layout
from runtime.retain.store import CHUNK_BYTES, Stamp, Store, recover
from tests.support.power import MemoryDisk, applied, crashes, one_crash

ROUNDS = int(os.environ.get("TAKT_POWER_CUTS", "25"))
"""Sessions of the random campaign; `make retain-campaign` has more."""
COUNT = 5 * CHUNK_BYTES // 4 + 3
LAYOUT = Layout((Entry("MAIN.A", 0, Array(((1, COUNT),), DINT), persistent=False),), 4 * COUNT)
CHAIN_BYTES = 2000
"""Chains are short here, so that many begin."""


def stamp(number: int) -> Stamp:
    return Stamp(cycle=number, program_ns=number * 10, wall_ns=number * 100)


def opened(disk: MemoryDisk) -> Store:
    return Store(disk, LAYOUT, recover(disk), chain_bytes_min=CHAIN_BYTES)


def changed(values: bytes, rng: random.Random) -> bytes:
    """Return other values: a few elements changed, now and then all of them."""
    new = bytearray(values)
    count = rng.choice((1, 1, 2, 5, COUNT))
    for place in rng.sample(range(COUNT), count):
        new[4 * place : 4 * place + 4] = rng.randbytes(4)
    return bytes(new)


def check(contents: tuple[bytes, bytes], allowed: tuple[bytes | None, ...], where: str) -> None:
    found = recover(MemoryDisk(contents)).commit
    values = None if found is None else found.values
    assert values in allowed, f"{where}: neither the last commit nor the one before"
    if found is not None:
        assert found.layout == LAYOUT


class Recorder(MemoryDisk):
    """Stops before each sync to look at what a cut of the power there would leave."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.allowed: tuple[bytes | None, ...] = (None,)
        self.cuts = 0

    def sync(self, slot: int) -> None:
        other = self.slots[1 - slot]
        assert not other.pending, "one file at a time"
        for left in crashes(self.slots[slot], self.rng):
            contents = (left, other.durable) if slot == 0 else (other.durable, left)
            check(contents, self.allowed, f"cut {self.cuts}")
            self.cuts += 1
        super().sync(slot)


def test_a_cut_at_every_byte_and_of_any_sectors_leaves_a_whole_commit() -> None:
    rng = random.Random(4)
    disk = Recorder(rng)
    store = opened(disk)
    values = rng.randbytes(4 * COUNT)
    previous: bytes | None = None
    for number in range(30):
        disk.allowed = (previous, values)
        assert store.commit(values, stamp(number))
        disk.allowed = (values,)
        check((disk.read(0), disk.read(1)), (values,), f"after commit {number}")
        previous, values = values, changed(values, rng)
    assert disk.cuts > 9_000


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_runs_of_cuts_and_restarts_lose_no_commit(seed: int) -> None:
    """Each session goes on from what the one before left after its cut; the seed is its number."""
    rng = random.Random(seed)
    disk = MemoryDisk()
    last: bytes | None = None
    values = rng.randbytes(4 * COUNT)
    for session in range(12):
        store = opened(disk)
        for number in range(rng.randrange(9)):
            values = changed(values, rng)
            store.commit(values, stamp(number))
            last = values
        disk, last = cut(disk, store, last, changed(values, rng), rng, f"session {session}")
        values = last or values


def cut(
    disk: MemoryDisk,
    store: Store,
    last: bytes | None,
    wanted: bytes,
    rng: random.Random,
    where: str,
) -> tuple[MemoryDisk, bytes | None]:
    """Cut the power while a commit waits for its sync; return the disk after it and its values."""
    disk.failing = {"sync": OSError(5, "cut")}
    with pytest.raises(OSError, match="cut"):
        store.commit(wanted, stamp(99))
    left = [one_crash(slot, rng) for slot in disk.slots]
    after = MemoryDisk(left)
    found = recover(after).commit
    values = None if found is None else found.values
    assert values in (last, wanted), where
    return after, values


@pytest.mark.parametrize("slot", [0, 1])
def test_damage_of_any_byte_gives_a_commit_that_was_made(slot: int) -> None:
    rng = random.Random(7)
    disk = MemoryDisk()
    store = opened(disk)
    values = rng.randbytes(4 * COUNT)
    made: list[bytes] = []
    for number in range(12):
        store.commit(values, stamp(number))
        made.append(values)
        values = changed(values, rng)
    contents = [disk.read(0), disk.read(1)]
    assert all(contents)
    for at in range(len(contents[slot])):
        broken = bytearray(contents[slot])
        broken[at] ^= 1 << rng.randrange(8)
        pair = (bytes(broken), contents[1]) if slot == 0 else (contents[0], bytes(broken))
        check(pair, tuple(made), f"byte {at}")


def test_the_model_of_a_disk_keeps_the_order_of_writes() -> None:
    disk = MemoryDisk((b"old content", b""))
    disk.clear(0)
    disk.write(0, 4, b"new")
    assert disk.read(0) == b"\0\0\0\0new"
    assert applied(disk.slots[0].durable, disk.slots[0].pending[1:]) == b"old newtent"
