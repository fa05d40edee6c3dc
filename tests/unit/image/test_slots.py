"""The slot ring: whole payloads only, the newest one, whatever happens to the writer."""

import mmap
import time
from contextlib import AbstractContextManager

import pytest

from runtime.image import layout
from runtime.image.slots import SlotRing, format_ring
from tests.support.forked import endlessly

PAYLOAD, SLOTS = 4096, 4


@pytest.fixture
def memory() -> memoryview:
    view = memoryview(mmap.mmap(-1, layout.ring_bytes(PAYLOAD, SLOTS)))
    format_ring(view, PAYLOAD, SLOTS)
    return view


def filled(number: int) -> bytes:
    return number.to_bytes(8, "little") * (PAYLOAD // 8)


def test_an_empty_ring_has_nothing(memory: memoryview) -> None:
    assert SlotRing(memory).latest() is None
    assert SlotRing(memory).head == 0


def test_the_newest_publication_is_read_whole_with_its_number(memory: memoryview) -> None:
    ring = SlotRing(memory)
    for number in range(1, 11):
        assert ring.publish(filled(number)) == number
        newest = ring.latest()
        assert newest is not None
        assert (newest.number, newest.payload) == (number, filled(number))


def test_a_payload_of_another_size_is_refused(memory: memoryview) -> None:
    with pytest.raises(ValueError, match="payload of 3 bytes: expected 4096"):
        SlotRing(memory).publish(b"abc")


def test_the_bytes_of_a_ring_are_pinned() -> None:
    memory = bytearray(layout.ring_bytes(4, 2))
    view = memoryview(memory)
    format_ring(view, 4, 2)
    ring = SlotRing(view)
    ring.publish(b"odd!")
    ring.publish(b"even")
    expected = bytearray(64 + 2 * 128)
    expected[0:8] = (2).to_bytes(8, "little")
    expected[8:16] = bytes([2, 0, 0, 0, 4, 0, 0, 0])
    expected[64:72] = (2).to_bytes(8, "little")  # publication 2 in slot 0
    expected[128:132] = b"even"
    expected[192:200] = (1).to_bytes(8, "little")
    expected[256:260] = b"odd!"
    assert memory == expected


def test_a_slot_that_is_being_written_is_not_read(memory: memoryview) -> None:
    ring = SlotRing(memory)
    ring.publish(filled(1))
    slot = layout.RING_HEADER_BYTES + layout.slot_stride(PAYLOAD)
    memory[slot : slot + 8] = bytes(8)
    assert ring.latest() is None


@pytest.mark.parametrize("stores_done", range(4))
def test_after_a_writer_died_half_way_the_next_one_goes_on(
    memory: memoryview, stores_done: int
) -> None:
    SlotRing(memory).publish(filled(1))
    slot = layout.RING_HEADER_BYTES + 2 * layout.slot_stride(PAYLOAD)
    start = slot + layout.SLOT_HEADER_BYTES
    stores = (  # those of `publish` for number 2, in order; the last one, the head, never happened
        (slot, bytes(8)),
        (start, filled(2)[: PAYLOAD // 2]),
        (slot, (2).to_bytes(8, "little")),
    )
    for place, content in stores[:stores_done]:
        memory[place : place + len(content)] = content
    reader = SlotRing(memory)
    newest = reader.latest()
    assert newest is not None
    assert newest.payload == filled(1)
    assert SlotRing(memory).publish(filled(3)) == 2
    newest = reader.latest()
    assert newest is not None
    assert newest.payload == filled(3)


def writing_process(memory: memoryview) -> AbstractContextManager[int]:
    """Publish without pause in another process, until the block ends."""
    ring = SlotRing(memory)
    return endlessly(lambda: ring.publish(filled(ring.head + 1)))


@pytest.mark.system
def test_a_reader_in_another_process_sees_whole_payloads_in_order(memory: memoryview) -> None:
    reader = SlotRing(memory)
    seen = last = 0
    with writing_process(memory):
        deadline = time.monotonic() + 20
        while seen < 2000 and time.monotonic() < deadline:
            newest = reader.latest()
            if newest is None:
                continue
            assert newest.payload == filled(newest.number)
            assert newest.number >= last
            seen += newest.number > last
            last = newest.number
    assert seen >= 2000


@pytest.mark.system
def test_a_killed_writer_leaves_a_ring_that_reads_and_goes_on(memory: memoryview) -> None:
    for _ in range(10):
        with writing_process(memory):
            reader = SlotRing(memory)
            start, deadline = reader.head, time.monotonic() + 10
            while reader.head < start + 50 and time.monotonic() < deadline:
                pass
        newest = SlotRing(memory).latest()
        assert newest is not None
        assert newest.payload == filled(newest.number)
        ring = SlotRing(memory)
        number = ring.publish(filled(ring.head + 1))
        assert number == newest.number + 1
