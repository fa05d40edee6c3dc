"""What does one exchange through the process image cost in Python, by payload size?"""

import mmap

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.image import layout
from runtime.image.layout import Link, LinkError, Quality
from runtime.image.payloads import Mailbox, Sample, decode_mailbox, encode_mailbox
from runtime.image.slots import SlotRing, format_ring
from runtime.image.statistics import Histogram
from runtime.limits import SLOTS

SIZES = (256, 4_096, 65_536)
INPUTS = 125


def ring_of(payload: int) -> SlotRing:
    """Return an empty ring."""
    memory = memoryview(mmap.mmap(-1, layout.ring_bytes(payload, SLOTS)))
    format_ring(memory, payload, SLOTS)
    return SlotRing(memory)


@pytest.mark.parametrize("size", SIZES)
def test_publish(benchmark: BenchmarkFixture, size: int) -> None:
    """The gateway's or runtime's write of one payload."""
    payload = bytes(size)
    ring = ring_of(size)
    benchmark(ring.publish, payload)
    newest = ring.latest()
    assert newest is not None
    assert newest.payload == payload


@pytest.mark.parametrize("size", SIZES)
def test_latest(benchmark: BenchmarkFixture, size: int) -> None:
    """A reader's copy of the newest payload."""
    ring = ring_of(size)
    ring.publish(bytes(size))
    assert benchmark(ring.latest) is not None


def mailbox() -> Mailbox:
    """Return a mailbox of one full Modbus read."""
    samples = tuple(Sample(number, 1, Quality.GOOD) for number in range(INPUTS))
    return Mailbox(Link.UP, LinkError.NONE, 1, 2, 3, 4, samples)


def test_encode_mailbox(benchmark: BenchmarkFixture) -> None:
    """What the gateway pays for each poll."""
    assert decode_mailbox(benchmark(encode_mailbox, mailbox())) == mailbox()


def test_decode_mailbox(benchmark: BenchmarkFixture) -> None:
    """What a monitor pays to look at a mailbox."""
    assert benchmark(decode_mailbox, encode_mailbox(mailbox())) == mailbox()


def test_histogram_add(benchmark: BenchmarkFixture) -> None:
    """One value counted, as the gateway does for each poll."""
    histogram = Histogram(memoryview(bytearray(layout.HISTOGRAM_BYTES)), 0)
    benchmark(histogram.add, 123_456)
    assert histogram.copy().count > 0


def test_histogram_copy_and_percentile(benchmark: BenchmarkFixture) -> None:
    """What a scrape of the metrics pays for one percentile."""
    histogram = Histogram(memoryview(bytearray(layout.HISTOGRAM_BYTES)), 0)
    histogram.add(1_000)
    assert benchmark(lambda: histogram.copy().percentile(99.9)) == 1_000
