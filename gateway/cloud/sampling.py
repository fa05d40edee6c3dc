"""The task that takes every scan out of the image and gives its samples to the store."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.config import CLOCK_JUMP_NS, FRAME_CHECK_S
from gateway.flow.reports import Report
from gateway.flow.sampler import Sampler
from gateway.flow.scans import ScanFrame, decode_scan
from gateway.store.counters import SamplingCounters
from gateway.store.queue import Store
from runtime.image.layout import SectionKind
from runtime.image.segment import Image
from runtime.image.slots import SlotRing
from runtime.project.uplinks import PublishSection

_LOG: Final = logging.getLogger("gateway.cloud")


class FrameReader:
    """Reads the frames of an image one after the other, and counts those it came too late for."""

    def __init__(self, ring: SlotRing) -> None:
        """Begin with the newest frame there is."""
        self._ring = ring
        self._next = max(ring.head, 1)
        self._missed = 0

    def take_missed(self) -> int:
        """Return how many frames were missed since the last call."""
        missed, self._missed = self._missed, 0
        return missed

    def read(self) -> list[ScanFrame]:
        """Return all frames since the last call; what is overwritten already is missed."""
        frames: list[ScanFrame] = []
        head = self._ring.head
        oldest = max(head - self._ring.slots + 1, self._next)
        self._missed += oldest - self._next
        for number in range(oldest, head + 1):
            publication = self._ring.publication(number)
            if publication is None:
                self._missed += 1
            else:
                frames.append(decode_scan(number, publication.payload))
        self._next = head + 1
        return frames


@dataclass(frozen=True, slots=True)
class SamplingClocks:
    """Time as arguments, in ns."""

    monotonic: Callable[[], int]
    wall: Callable[[], int]
    """Since 1970."""


class Sampling:
    """Samples one image until cancelled."""

    def __init__(
        self,
        image: Image,
        sections: Sequence[PublishSection],
        store: Store,
        counters: SamplingCounters,
        clocks: SamplingClocks,
    ) -> None:
        """Find the variables; say which rules name none."""
        self._reader = FrameReader(image.ring(SectionKind.FRAME))
        self._sampler = Sampler(image.directory, sections, clocks.monotonic)
        self._store, self._counters, self._clocks = store, counters, clocks
        self._run_id = f"{image.generation:016x}"
        self._offset_ns = self._wall_offset_ns()
        for pattern in self._sampler.unmatched:
            _LOG.warning("publish: no variable is named %s", pattern)
        _LOG.info("publish: %d variables", self._sampler.variables)

    async def run(self) -> None:
        """Look for new scans, until cancelled; then give out what the filters hold back."""
        try:
            while True:
                self.step()
                await asyncio.sleep(FRAME_CHECK_S)
        finally:
            self.step()
            self._give(self._sampler.finish())

    def step(self) -> None:
        """Take all scans that are new."""
        frames = self._reader.read()
        counters = self._counters
        counters.frames += len(frames)
        counters.missed += self._reader.take_missed()
        if not frames:
            return
        self._follow_wall_clock()
        taken_ns = self._clocks.monotonic()
        for frame in frames:
            self._give(self._sampler.take(frame, taken_ns, self._offset_ns))

    def _give(self, reports: list[Report]) -> None:
        if reports:
            self._counters.samples += sum(report.samples for report in reports)
            self._store.put(self._run_id, reports)

    def _wall_offset_ns(self) -> int:
        return self._clocks.wall() - self._clocks.monotonic()

    def _follow_wall_clock(self) -> None:
        """Take the wall clock as it is; source times follow it, nothing else does."""
        offset_ns = self._wall_offset_ns()
        jump_ns = offset_ns - self._offset_ns
        if abs(jump_ns) > CLOCK_JUMP_NS:
            self._counters.clock_jumps += 1
            _LOG.warning("the wall clock was set by %+.3f s; source times follow it", jump_ns / 1e9)
        self._offset_ns = offset_ns
