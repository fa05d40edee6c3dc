"""The segment itself: created by the runtime, attached by everyone else.

It is a file in /dev/shm (memory, never a disk: a disk's write-back would stall a scan), mode 0600.
A new runtime replaces the file in one step, so whoever is attached to the old one keeps a sound
image and sees by `is_current` that a new one is there.
"""

import contextlib
import mmap
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from runtime.errors import HostError, ImageError
from runtime.image import directory as directories
from runtime.image import layout
from runtime.image.directory import Directory
from runtime.image.layout import Mode, SectionKind, SectionPlace
from runtime.image.slots import SlotRing, format_ring
from runtime.image.words import HalfWords, Words
from runtime.limits import SLOTS

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108


def image_path(project: str) -> Path:
    """Return where the image of a project stands; TAKT_IMAGE_DIR moves it, for tests."""
    safe = re.sub(r"\W", "_", project)
    return _folder() / f"takt-{os.getuid()}-{safe}.image"


def image_paths() -> tuple[Path, ...]:
    """Return where images of this user stand, in the order of their names."""
    return tuple(sorted(_folder().glob(f"takt-{os.getuid()}-*.image")))


def _folder() -> Path:
    return Path(os.environ.get("TAKT_IMAGE_DIR", _SHARED_MEMORY))


@dataclass(frozen=True, slots=True)
class _Plan:
    kind: SectionKind
    index: int
    payload: int
    """Bytes of a ring's payload, or of a plain section."""
    ring: bool
    slots: int = SLOTS

    @property
    def size(self) -> int:
        return layout.ring_bytes(self.payload, self.slots) if self.ring else self.payload


def _plan(directory: Directory, directory_bytes: int) -> list[_Plan]:
    devices = directory.devices
    mailboxes = [
        layout.MAILBOX_HEADER.size + len(item.inputs) * layout.ENTRY.size for item in devices
    ]
    outputs = (
        layout.OUTPUT_HEADER.size + len(devices) * layout.CONSUMED.size + directory.outputs.size
    )
    frame = layout.FRAME_HEADER.size + -(-directory.inputs // 8) * 8 + directory.state_bytes
    return [
        _Plan(SectionKind.DIRECTORY, 0, directory_bytes, ring=False),
        *(_Plan(SectionKind.INPUTS, n, size, ring=True) for n, size in enumerate(mailboxes)),
        _Plan(SectionKind.OUTPUTS, 0, outputs, ring=True),
        _Plan(SectionKind.FRAME, 0, frame, ring=True, slots=directory.frame_slots),
        *(
            _Plan(SectionKind.TASK_STATISTICS, n, layout.TASK_STATISTICS_BYTES, ring=False)
            for n in range(len(directory.tasks))
        ),
        *(
            _Plan(SectionKind.LINK_STATISTICS, n, layout.LINK_STATISTICS_BYTES, ring=False)
            for n in range(len(devices))
        ),
        *(
            _Plan(SectionKind.COMMANDS, n, layout.COMMANDS_BYTES, ring=False)
            for n in range(len(directory.tasks))
        ),
        _Plan(SectionKind.RETAIN_STATISTICS, 0, layout.RETAIN_STATISTICS_BYTES, ring=False),
    ]


class Image:
    """A mapped segment. Close it, or use it as a context manager."""

    def __init__(self, path: Path, mapping: mmap.mmap, directory: Directory | None = None) -> None:
        """Take over a mapping whose header was checked; see `create_image` and `attach_image`.

        Without a directory it reads the one in the segment.
        """
        self.path = path
        self._mapping = mapping
        self.memory = memoryview(mapping)
        self._words, self._halves = Words(self.memory), HalfWords(self.memory)
        header = layout.HEADER.unpack_from(self.memory)
        self.total_bytes: int = header[3]
        self.layout_hash: int = header[4]
        self.generation: int = header[5]
        self.runtime_pid: int = header[6]
        self.places = self._read_places()
        self.directory = directory or directories.decode(
            bytes(self.section(SectionKind.DIRECTORY, 0))
        )

    def _read_places(self) -> dict[tuple[SectionKind, int], SectionPlace]:
        places = {}
        for row in range(layout.HEADER.unpack_from(self.memory)[11]):
            kind, index, offset, size = layout.SECTION.unpack_from(
                self.memory, layout.SECTION_TABLE + row * layout.SECTION.size
            )
            place = SectionPlace(SectionKind(kind), index, offset, size)
            places[place.kind, index] = place
        return places

    def section(self, kind: SectionKind, index: int = 0) -> memoryview:
        """Return the memory of a section."""
        place = self.places[kind, index]
        return self.memory[place.offset : place.offset + place.size]

    def ring(self, kind: SectionKind, index: int = 0) -> SlotRing:
        """Return the slot ring of a section."""
        return SlotRing(self.section(kind, index))

    @property
    def mode(self) -> Mode:
        """What the runtime is doing."""
        return Mode(self._halves[layout.MODE])

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._halves[layout.MODE] = mode

    @property
    def runtime_heartbeat_ns(self) -> int:
        """CLOCK_MONOTONIC of the runtime's last sign of life."""
        return self._words[layout.RUNTIME_HEARTBEAT_NS]

    @runtime_heartbeat_ns.setter
    def runtime_heartbeat_ns(self, now_ns: int) -> None:
        self._words[layout.RUNTIME_HEARTBEAT_NS] = now_ns

    @property
    def gateway_heartbeat_ns(self) -> int:
        """CLOCK_MONOTONIC of the gateway's last sign of life."""
        return self._words[layout.GATEWAY_HEARTBEAT_NS]

    @gateway_heartbeat_ns.setter
    def gateway_heartbeat_ns(self, now_ns: int) -> None:
        self._words[layout.GATEWAY_HEARTBEAT_NS] = now_ns

    @property
    def gateway_pid(self) -> int:
        """Process id of the gateway that attached last."""
        return self._halves[layout.GATEWAY_PID]

    @gateway_pid.setter
    def gateway_pid(self, pid: int) -> None:
        self._halves[layout.GATEWAY_PID] = pid

    def is_current(self) -> bool:
        """Whether no runtime has replaced this segment by a newer one."""
        try:
            with self.path.open("rb") as file:
                header = file.read(layout.HEADER.size)
        except OSError:
            return False
        return len(header) == layout.HEADER.size and (
            layout.HEADER.unpack(header)[5] == self.generation
        )

    def close(self) -> None:
        """Release the mapping; views that are still held keep it until they are gone."""
        with contextlib.suppress(BufferError):
            self._words.release()
            self._halves.release()
            self.memory.release()
            self._mapping.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def create_image(
    path: Path, directory: Directory, layout_hash: int, now_ns: int, names: str | None = None
) -> Image:
    """Create the segment of a runtime, replacing an older one of the same path in one step.

    Args:
        path: From `image_path`.
        directory: What the image holds.
        layout_hash: `CompiledProgram.layout_hash`.
        now_ns: CLOCK_MONOTONIC; with the process id it makes the generation unique.
        names: From `directory.encode_names`, where it is at hand.

    Raises:
        HostError: The file cannot be written.
    """
    encoded = directories.encode(directory, names)
    plans = _plan(directory, len(encoded))
    places, offset = [], layout.HEADER_BYTES
    for plan in plans:
        places.append(SectionPlace(plan.kind, plan.index, offset, plan.size))
        offset += -(-plan.size // layout.CACHE_LINE) * layout.CACHE_LINE
    generation = (now_ns << 20 | os.getpid() & 0xFFFFF) & (1 << 64) - 1
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, offset)
            mapping = mmap.mmap(descriptor, offset)
        finally:
            os.close(descriptor)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise HostError(
            f"{path}: the image of {-(-offset // 1024)} KiB cannot be created ({error.strerror})"
        ) from None
    memory = memoryview(mapping)
    layout.HEADER.pack_into(
        memory, 0, layout.MAGIC, layout.VERSION, layout.HEADER_BYTES, offset, layout_hash,
        generation, os.getpid(), Mode.STOPPED, now_ns, 0, 0, len(places),
    )  # fmt: skip
    for row, (plan, place) in enumerate(zip(plans, places, strict=True)):
        layout.SECTION.pack_into(
            memory, layout.SECTION_TABLE + row * layout.SECTION.size,
            place.kind, place.index, place.offset, place.size,
        )  # fmt: skip
        if plan.ring:
            format_ring(memory[place.offset : place.offset + place.size], plan.payload, plan.slots)
    start = places[0].offset
    memory[start : start + len(encoded)] = encoded
    image = Image(path, mapping, directory)
    temporary.replace(path)
    return image


def attach_image(path: Path) -> Image:
    """Map the segment of a running runtime.

    Raises:
        ImageError: There is none, or it is of another version.
    """
    try:
        with path.open("r+b") as file:
            mapping = mmap.mmap(file.fileno(), 0)
    except (OSError, ValueError):
        raise ImageError(f"{path}: no process image; expected a running runtime") from None
    header = layout.HEADER.unpack_from(mapping) if len(mapping) >= layout.HEADER_BYTES else None
    if header is None or header[0] != layout.MAGIC:
        raise ImageError(f"{path}: not a process image of Takt")
    if header[1] != layout.VERSION or header[3] != len(mapping):
        raise ImageError(
            f"{path}: image version {header[1]} of {header[3]} bytes: expected version "
            f"{layout.VERSION} of {len(mapping)} bytes"
        )
    return Image(path, mapping)
