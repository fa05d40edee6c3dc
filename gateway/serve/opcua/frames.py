"""Scan frames for clients: the newest one, its time in UTC, and how good its values are.

All values of an answer come from one frame, so a client sees one scan, never the half of two. The
time of a value is the release time of its scan. While no runtime scans, the last frame is served on
with an uncertain status; where there never was one, the status is bad.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.flow.authority import silence_limit_ns
from gateway.protocols.opcua.builtin import Status, ticks_of
from runtime.errors import ImageError
from runtime.image.layout import FRAME_HEADER, Mode, Quality, SectionKind
from runtime.image.segment import Image, attach_image

_STATE_ALIGNMENT: Final = 8
_QUALITIES: Final = np.array(
    [
        Status.GOOD,
        Status.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE,
        Status.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE,
        Status.BAD_NO_COMMUNICATION,
        Status.BAD_WAITING_FOR_INITIAL_DATA,
    ],
    "<u4",
)
"""Status of an input's value by its `Quality`."""

assert len(_QUALITIES) == len(Quality)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One scan, as clients see it."""

    number: int
    """Counts with every scan and every change of status."""
    cycle: int
    ticks: int
    """Release time of the scan."""
    status: int
    """Status of all values; inputs may be worse."""
    state: NDArray[np.uint8]
    """The program's memory, padded to whole eights."""
    input_statuses: NDArray[np.uint32]
    """Status of every input, all devices in order."""


class FrameSource:
    """Follows the frames of an image, and its next runtime as long as the layout stays."""

    def __init__(self, image: Image, clock: Callable[[], int], wall: Callable[[], int]) -> None:
        """Take an image over, and close it in the end.

        Args:
            image: The image of a runtime.
            clock: Returns CLOCK_MONOTONIC in ns.
            wall: Returns the Unix time in ns.
        """
        self.image = image
        self._clock = clock
        self._wall = wall
        self._ring = image.ring(SectionKind.FRAME)
        self._limit_ns = silence_limit_ns(task.interval_ns for task in image.directory.tasks)
        self._frame = 0
        self._newest = self._empty()

    def _empty(self) -> Snapshot:
        directory = self.image.directory
        size = -(-directory.state_bytes // _STATE_ALIGNMENT) * _STATE_ALIGNMENT
        return Snapshot(
            0, 0, ticks_of(self._wall()), Status.BAD_WAITING_FOR_INITIAL_DATA,
            np.zeros(size, np.uint8), np.zeros(directory.inputs, np.uint32),
        )  # fmt: skip

    def snapshot(self) -> Snapshot:
        """Return the newest scan; the same object until there is news."""
        head = self._ring.head
        status = self._status(head)
        if head != self._frame:
            self._take(status)
        elif status != self._newest.status:
            last = self._newest
            self._newest = Snapshot(
                last.number + 1, last.cycle, ticks_of(self._wall()), status,
                last.state, last.input_statuses,
            )  # fmt: skip
        return self._newest

    def _status(self, head: int) -> Status:
        if head == 0:
            return Status.BAD_WAITING_FOR_INITIAL_DATA
        age_ns = self._clock() - self.image.runtime_heartbeat_ns
        if age_ns > self._limit_ns or self.image.mode is not Mode.RUNNING:
            return Status.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE
        return Status.GOOD

    def _take(self, status: Status) -> None:
        publication = self._ring.latest()
        if publication is None:
            return
        payload = publication.payload
        cycle, release_ns, _, _, _, _, inputs, state_bytes, *_ = FRAME_HEADER.unpack_from(payload)
        first = FRAME_HEADER.size
        begin = first + -(-inputs // 8) * 8
        state = np.zeros(len(self._newest.state), np.uint8)
        state[:state_bytes] = np.frombuffer(payload, np.uint8, state_bytes, begin)
        qualities = np.frombuffer(payload, np.uint8, inputs, first)
        self._frame = publication.number
        self._newest = Snapshot(
            self._newest.number + 1, cycle, ticks_of(release_ns + self._wall() - self._clock()),
            status, state, np.maximum(_QUALITIES[qualities], np.uint32(status)),
        )  # fmt: skip

    def follow(self, path: Path) -> bool:
        """Change over to a newer runtime's image; return False if its variables are others."""
        if self.image.is_current():
            return True
        try:
            newer = attach_image(path)
        except ImageError:
            return True  # none is there yet: the last frame is served on
        if newer.layout_hash != self.image.layout_hash:
            newer.close()
            return False
        self.image.close()
        self.image = newer
        self._ring = newer.ring(SectionKind.FRAME)
        self._frame = 0
        return True

    def close(self) -> None:
        """Leave the image."""
        self.image.close()
