"""Words of shared memory: whole for every reader at every moment."""

import mmap
import time

import pytest

from runtime.image.words import HalfWords, Words
from tests.support.forked import endlessly

LOADS = 200_000
OLD, NEW = 0x1112_1314, 0x0102_0304


@pytest.mark.parametrize("kind", [Words, HalfWords])
def test_a_word_stands_at_its_offset(kind: type[Words]) -> None:
    memory = bytearray(20)
    words = kind(memoryview(memory))
    words[8] = OLD
    assert words[8] == OLD
    assert memory == bytes(8) + OLD.to_bytes(4, "little") + bytes(8)


@pytest.mark.system
@pytest.mark.parametrize("kind", [Words, HalfWords])
def test_a_reader_sees_what_was_stored_and_nothing_between(
    kind: type[Words],
) -> None:
    words = kind(memoryview(mmap.mmap(-1, mmap.PAGESIZE)))
    words[64] = OLD

    def change() -> None:
        words[64] = NEW
        words[64] = OLD

    seen: set[int] = set()
    deadline = time.monotonic() + 20
    with endlessly(change):
        while len(seen) < 2 and time.monotonic() < deadline:
            seen |= {words[64] for _ in range(LOADS)}
    assert seen == {OLD, NEW}
