"""A runtime that the test plays for the uplinks: frames of a counter and some values, on demand."""

import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

from runtime.artifact.program import Area, Symbol
from runtime.datatypes.elementary import ELEMENTARY
from runtime.image import layout
from runtime.image.directory import Directory, TaskEntry, device_entries
from runtime.image.layout import Mode, SectionKind
from runtime.image.segment import Image, create_image, image_path
from runtime.project.load import Project, load_project

VALUES = 8
STATE_BYTES = 64 + 8 * (1 + VALUES)
SYMBOLS = (
    Symbol("MAIN.COUNT", 64, ELEMENTARY["LINT"]),
    *(Symbol(f"MAIN.LEVEL[{n}]", 72 + 8 * n, ELEMENTARY["LREAL"]) for n in range(VALUES)),
)
HEAD = """[project]
name = "{name}"
[[task]]
name = "Main"
interval = "10ms"
programs = ["Main"]
[metrics]
port = 0
"""


def cloud_project(folder: Path, toml: str, name: str = "plant") -> Project:
    """Write a project whose publishing rules and uplinks are given, and load it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plant.st").write_text("PROGRAM Main END_PROGRAM\n")
    (folder / "takt.toml").write_text(HEAD.format(name=name) + toml)
    return load_project(folder)


@dataclass
class PlayedPlant:
    """An image whose frames the test publishes: COUNT is the cycle, LEVEL[n] is COUNT + n / 8."""

    image: Image
    cycle: int = 0
    _tail: bytes = field(default=b"", repr=False)

    def scan(self, times: int = 1) -> None:
        """Publish the frames of some scans."""
        ring = self.image.ring(SectionKind.FRAME)
        for _ in range(times):
            self.cycle += 1
            now = time.monotonic_ns()
            self.image.runtime_heartbeat_ns = now
            fields = [self.cycle, now, now, now, 0, 0, 0, STATE_BYTES]
            more = len(layout.FRAME_HEADER.unpack(bytes(layout.FRAME_HEADER.size))) - len(fields)
            header = layout.FRAME_HEADER.pack(*fields, *[0] * more)
            values = (self.cycle, *(self.cycle + n / 8 for n in range(VALUES)))
            ring.publish(header + bytes(64) + struct.pack(f"<q{VALUES}d", *values))


def play_plant(
    project: Project, slots: int = 1024, symbols: tuple[Symbol, ...] = SYMBOLS
) -> PlayedPlant:
    """Create the image of a project, RUNNING, nothing published yet."""
    directory = Directory(
        project=project.config.project.name,
        tasks=tuple(TaskEntry(task.name, task.interval or 0) for task in project.config.task),
        devices=device_entries(project),
        outputs=Area(0, 0),
        input_area=Area(0, 0),
        memory_area=Area(0, 0),
        state_bytes=STATE_BYTES,
        symbols=symbols,
        sites=(),
        frame_slots=slots,
    )
    image = create_image(image_path(directory.project), directory, 0, time.monotonic_ns())
    image.mode = Mode.RUNNING
    return PlayedPlant(image)
