"""A made load for `uplink.py`: an image of many values whose scans are published on demand."""

import struct
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runtime.artifact.program import Area, Symbol
from runtime.datatypes.elementary import ELEMENTARY
from runtime.image import layout
from runtime.image.directory import Directory, TaskEntry
from runtime.image.layout import SectionKind
from runtime.image.segment import Image, create_image

FIRST = 64
SIZE = 8


@dataclass
class Load:
    """An image, and what publishes its scans; every value changes with every scan."""

    image: Image
    values: int
    cycle: int = 0

    def __post_init__(self) -> None:
        """Prepare the values of a scan."""
        self._ring = self.image.ring(SectionKind.FRAME)
        self._levels = np.arange(self.values) * 1.25

    def scan(self, times: int) -> None:
        """Publish the frames of some scans."""
        for _ in range(times):
            self.cycle += 1
            now = time.monotonic_ns()
            fields = (self.cycle, now, now, now, 0, 0, 0, FIRST + SIZE * self.values)
            header = layout.FRAME_HEADER.pack(*fields, self.cycle, 0, 0)
            state = (self._levels + self.cycle).tobytes()
            self._ring.publish(header + bytes(FIRST) + state)


def make_load(path: Path, values: int, slots: int = 256) -> Load:
    """Create an image with that many LREAL variables."""
    scalar = ELEMENTARY["LREAL"]
    directory = Directory(
        project="bench",
        tasks=(TaskEntry("Fast", 1_000_000),),
        devices=(),
        outputs=Area(0, 0),
        input_area=Area(0, 0),
        memory_area=Area(0, 0),
        state_bytes=FIRST + SIZE * values,
        symbols=tuple(
            Symbol(f"MAIN.AREA.LEVEL{n}", FIRST + SIZE * n, scalar) for n in range(values)
        ),
        sites=(),
        frame_slots=slots,
    )
    assert struct.calcsize("d") == SIZE
    return Load(create_image(path, directory, 0, time.monotonic_ns()), values)
