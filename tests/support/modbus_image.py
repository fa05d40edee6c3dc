"""A project and an image without a runtime: the test plays the runtime by publishing outputs."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Area, Symbol
from runtime.image import layout
from runtime.image.directory import Directory, TaskEntry, device_entries
from runtime.image.layout import Link, LinkError, Mode, Quality, SectionKind
from runtime.image.payloads import Mailbox, decode_mailbox
from runtime.image.segment import Image, create_image
from runtime.project.load import Project, load_project

OUTPUT_BYTES = 16
_HEAD = """[project]
name = "{name}"
[[task]]
name = "Main"
interval = "10ms"
programs = ["Main"]
"""


def write_project(folder: Path, toml: str, name: str = "plant") -> Project:
    """Write a project whose devices and channels are given, and load it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plant.st").write_text("PROGRAM Main END_PROGRAM\n")
    (folder / "takt.toml").write_text(_HEAD.format(name=name) + toml)
    return load_project(folder)


def project_toml(name: str) -> str:
    """Return a project whose program Main scans every 5 ms; its metrics stay off."""
    return (
        f'[project]\nname = "{name}"\n[metrics]\nenabled = false\n'
        '[[task]]\nname = "Main"\ninterval = "5ms"\nprograms = ["Main"]\n'
    )


def device_toml(name: str, port: int, poll: str = "10ms", timeout: str = "300ms") -> str:
    """Return a [[device]] on loopback."""
    return (
        f'[[device]]\nname = "{name}"\nprotocol = "modbus-tcp"\nhost = "127.0.0.1"\n'
        f'port = {port}\npoll = "{poll}"\ntimeout = "{timeout}"\n'
    )


def io_toml(address: str, device: str, table: str, register: int, more: str = "") -> str:
    """Return an [[io]]."""
    return (
        f'[[io]]\naddress = "{address}"\ndevice = "{device}"\ntable = "{table}"\n'
        f"register = {register}\n{more}\n"
    )


@dataclass
class PlayedRuntime:
    """An image with a heartbeat that the test moves, and outputs that it publishes."""

    image: Image
    cycle: int = 0
    silent: bool = False
    """Whether it has stopped to show life."""

    def beat(self) -> None:
        """Show a sign of life, unless it is silent."""
        if not self.silent:
            self.image.runtime_heartbeat_ns = time.monotonic_ns()

    def alive(self, condition: Callable[[], object]) -> Callable[[], object]:
        """Return the condition, with a sign of life whenever it is asked: for waiting on it."""

        def beating() -> object:
            self.beat()
            return condition()

        return beating

    def publish(self, area: bytes, *, safe: bool = False, source_ns: int = 0) -> None:
        """Publish the outputs of one scan; every device's inputs have that source time."""
        self.beat()
        self.cycle += 1
        now = time.monotonic_ns()
        devices = len(self.image.directory.devices)
        header = layout.OUTPUT_HEADER.pack(self.cycle, now, now, safe, devices, 0, 0)
        consumed = layout.CONSUMED.pack(1, source_ns) * devices
        self.image.ring(SectionKind.OUTPUTS).publish(
            header + consumed + area.ljust(OUTPUT_BYTES, b"\0")
        )

    def publish_frame(self, qualities: tuple[Quality, ...], state: bytes = b"") -> None:
        """Publish the frame of one scan, its state filled up with zeros."""
        self.beat()
        header = layout.FRAME_HEADER.pack(
            self.cycle, 1, 2, 3, FaultKind(0), 0, len(qualities), self.image.directory.state_bytes,
            self.cycle, 0, 0,
        )  # fmt: skip
        codes = bytes(qualities).ljust(-(-len(qualities) // 8) * 8, b"\0")
        state = state.ljust(self.image.directory.state_bytes, b"\0")
        self.image.ring(SectionKind.FRAME).publish(header + codes + state)

    def mailbox(self, number: int = 0) -> Mailbox:
        """Return the newest mailbox of a device; before the first, one without a link."""
        publication = self.image.ring(SectionKind.INPUTS, number).latest()
        if publication is None:
            return Mailbox(Link.DOWN, LinkError.NONE, 0, 0, 0, 0, ())
        return decode_mailbox(publication.payload)


def play_runtime(
    path: Path, project: Project, symbols: tuple[Symbol, ...] = (), state_bytes: int = OUTPUT_BYTES
) -> PlayedRuntime:
    """Create an image for a project at a path, RUNNING, nothing published yet.

    Its areas lie one upon the other at the start of the state.
    """
    directory = Directory(
        project=project.config.project.name,
        tasks=tuple(TaskEntry(task.name, task.interval or 0) for task in project.config.task),
        devices=device_entries(project),
        input_area=Area(0, OUTPUT_BYTES),
        memory_area=Area(0, OUTPUT_BYTES),
        outputs=Area(0, OUTPUT_BYTES),
        state_bytes=state_bytes,
        symbols=symbols,
        sites=(),
    )
    image = create_image(path, directory, 0, time.monotonic_ns())
    image.mode = Mode.RUNNING
    return PlayedRuntime(image)
