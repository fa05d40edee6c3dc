"""One task of a program upon an image: its memory, its machine code, and the ways to run it.

Python prepares the memory and calls one native function; inside it the wall begins. The machine
code of the loop (`engine.executive`) is kept on disk, so that a warm start imports no numba.
"""

import ctypes
import enum
import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

from runtime.artifact import abi, cache
from runtime.artifact.program import CompiledProgram, Site
from runtime.engine import native, plan
from runtime.errors import ImageError
from runtime.image import directory, layout
from runtime.image.layout import SectionKind
from runtime.image.segment import Image
from runtime.project.channels import IoSection
from runtime.project.load import Project

EXECUTE: Final = "takt_execute"
_RUNTIME: Final = Path(__file__).parents[1]
_SHAPING_THE_LOOP: Final = (
    "engine/executive.py", "engine/intrinsics.py", "engine/native.py", "engine/plan.py",
    "artifact/abi.py", "image/layout.py", "limits.py",
)  # fmt: skip
"""Files whose text the loop's machine code depends on."""
_WORD: Final = struct.Struct("@q")
_U32: Final = struct.Struct("@I")
_SIGNATURE: Final = native.Signature("i64", ("ptr", "i64", "i64"))
_WORD_MASK: Final = (1 << 64) - 1


class Ending(enum.IntEnum):
    """Why the loop ended."""

    STOPPED = plan.ENDED_BY_STOP
    FAULTED = plan.ENDED_BY_FAULT


@dataclass(frozen=True, slots=True)
class ProgramFault:
    """A run-time fault: what, in which scan, and where (None where the code names no site)."""

    kind: abi.FaultKind
    cycle: int
    site: Site | None

    def __str__(self) -> str:
        """Return the fault as users read it."""
        place = f"{self.site.file}:{self.site.line}" if self.site else "an unknown place"
        return f"{self.kind.label} at {place} in cycle {self.cycle}"


def executive_object() -> bytes:
    """Return the machine code of the loop: from disk, else by numba (about 2 s)."""
    texts = [_RUNTIME / name for name in _SHAPING_THE_LOOP]
    basis = cache.key_of(*(text.read_bytes() for text in texts), native.platform_key())
    key = cache.key_of("executive", basis)
    kept = cache.fetch(key)
    if kept is not None:
        return kept
    native.import_numba()
    from runtime.engine import executive

    text = native.exported_ir(executive.execute, _SIGNATURE, EXECUTE, depends_on=basis)
    code = native.emit_object(native.parse_ir(text))
    cache.keep(key, code)
    return code


class ScanEngine:
    """Runs task 0 of a program; one call at a time, in any thread.

    The image and the engine must stay alive while it runs.
    """

    def __init__(self, program: CompiledProgram, project: Project, image: Image) -> None:
        """Lay out the memory and map the code; nothing runs yet.

        Raises:
            ImageError: An address of the project lies outside the program's areas.
        """
        self._program = program
        self._task_code = native.NativeCode(program.object_code)
        self._loop_code = native.NativeCode(executive_object())
        self._execute = self._loop_code.function(
            EXECUTE, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64
        )
        self._blocks = _Blocks.for_project(program, project)
        self._memory = mmap.mmap(
            -1, self._blocks.total, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        )
        # Holding these keeps both mappings in place, whoever closes them meanwhile.
        self._anchors = (
            ctypes.c_char.from_buffer(self._memory),
            ctypes.c_char.from_buffer(image.memory),
        )
        self._base, self._image_base = (ctypes.addressof(anchor) for anchor in self._anchors)
        self.regions = (
            (self._base, self._blocks.total),
            (self._image_base, image.total_bytes),
        )
        """Address and bytes of the memory that a scan touches, besides code and stack."""
        self._fill(program, project, image)

    def run(self) -> Ending:
        """Scan in real time until `stop` or a fault; the outputs are safe on return."""
        return Ending(self._execute(self._base, 0, 0))

    def step(self, scans: int, first_release_ns: int) -> Ending:
        """Run a number of scans in virtual time, as fast as the machine can.

        Args:
            scans: How many; releases are one interval apart.
            first_release_ns: Time of the first; that of the very first call is the program's 0.
        """
        self._put(plan.VIRTUAL, 1)
        try:
            return Ending(self._execute(self._base, scans, first_release_ns))
        finally:
            self._put(plan.VIRTUAL, 0)

    def stop(self) -> None:
        """Ask the loop to end; it does so before its next scan, within `plan.SLICE_NS`."""
        ctypes.c_int64.from_address(self._base + plan.STOP).value = 1

    @property
    def first_end_ns(self) -> int:
        """CLOCK_MONOTONIC of the end of the first scan, 0 before."""
        return ctypes.c_int64.from_address(self._base + plan.FIRST_END_NS).value

    @property
    def state(self) -> bytes:
        """A copy of the program's state; whole only while no scan runs."""
        at = self._blocks.state
        return self._memory[at : at + self._program.state_size]

    @property
    def fault(self) -> ProgramFault | None:
        """The fault that ended the loop, or None."""
        state = self.state
        kind = abi.FaultKind(_U32.unpack_from(state, abi.FAULT_KIND)[0])
        if kind is abi.FaultKind.NONE:
            return None
        number = _U32.unpack_from(state, abi.FAULT_SITE)[0]
        sites = self._program.sites
        cycle = _WORD.unpack_from(self._memory, plan.CYCLE)[0]
        return ProgramFault(kind, cycle, sites[number] if number < len(sites) else None)

    def _put(self, offset: int, value: int) -> None:
        word = value & _WORD_MASK
        _WORD.pack_into(self._memory, offset, word - (1 << 64) if word >> 63 else word)

    def _fill(self, program: CompiledProgram, project: Project, image: Image) -> None:
        """Write the plan, the rows, the safe outputs and the initial state."""
        blocks, base, config = self._blocks, self._base, project.config
        self._memory[blocks.state : blocks.state + program.state_size] = program.initial_state
        safe = safe_outputs(project, program.outputs.size)
        self._memory[blocks.safe : blocks.safe + len(safe)] = safe
        outputs, frame = (
            image.places[kind, 0] for kind in (SectionKind.OUTPUTS, SectionKind.FRAME)
        )
        statistics = image.places[SectionKind.TASK_STATISTICS, 0]
        words = {
            plan.INTERVAL_NS: config.task[0].interval,
            plan.SPIN_NS: config.runtime.spin,
            plan.STATE: base + blocks.state,
            plan.STATE_BYTES: program.state_size,
            plan.TASK: self._task_code.address(abi.TASK_SYMBOL.format(0)),
            plan.OUTPUT_AREA: base + blocks.state + program.outputs.offset,
            plan.OUTPUT_BYTES: program.outputs.size,
            plan.SAFE_AREA: base + blocks.safe,
            plan.IMAGE: self._image_base,
            plan.OUTPUT_RING: self._image_base + outputs.offset,
            plan.OUTPUT_STRIDE: _stride(image, SectionKind.OUTPUTS, 0),
            plan.FRAME_RING: self._image_base + frame.offset,
            plan.FRAME_STRIDE: _stride(image, SectionKind.FRAME, 0),
            plan.STATISTICS: self._image_base + statistics.offset,
            plan.DEVICES: len(config.device),
            plan.DEVICE_ROWS: base + blocks.devices,
            plan.INPUTS: image.directory.inputs,
            plan.QUALITIES: base + blocks.qualities,
        }
        for offset, value in words.items():
            self._put(offset, value)
        self._fill_devices(program, project, image)

    def _fill_devices(self, program: CompiledProgram, project: Project, image: Image) -> None:
        blocks, base = self._blocks, self._base
        input_row = blocks.inputs
        for number, device in enumerate(project.config.device):
            row = blocks.devices + number * plan.DEVICE_ROW_BYTES
            channels = directory.device_inputs(project, device.name)
            copy, spare = blocks.copies[2 * number : 2 * number + 2]
            place = image.places[SectionKind.INPUTS, number]
            words = {
                plan.DEVICE_RING: self._image_base + place.offset,
                plan.DEVICE_STRIDE: _stride(image, SectionKind.INPUTS, number),
                plan.DEVICE_PAYLOAD: mailbox_bytes(len(channels)),
                plan.DEVICE_COPY: base + copy,
                plan.DEVICE_SPARE: base + spare,
                plan.DEVICE_STALE_AFTER_NS: device.stale_after,
                plan.DEVICE_INPUTS: len(channels),
                plan.DEVICE_INPUT_ROWS: base + input_row,
            }
            for offset, value in words.items():
                self._put(row + offset, value)
            for channel in channels:
                self._fill_input(input_row, channel, program)
                input_row += plan.INPUT_ROW_BYTES

    def _fill_input(self, row: int, channel: IoSection, program: CompiledProgram) -> None:
        address = channel.address
        check_inside(channel, program.inputs.size)
        first = program.inputs.offset + address.byte
        size = max(address.width // 8, 1)
        held = int.from_bytes(program.initial_state[first : first + size], "little")
        if address.width == 1:
            held = held >> address.bit & 1
        words = {
            plan.INPUT_PLACE: self._base + self._blocks.state + first,
            plan.INPUT_WIDTH: address.width,
            plan.INPUT_BIT: address.bit,
            plan.INPUT_USES_DEFAULT: int(channel.substitute == "default"),
            plan.INPUT_DEFAULT: channel.default_raw,
            plan.INPUT_HELD: held,
        }
        for offset, value in words.items():
            self._put(row + offset, value)


def safe_outputs(project: Project, area_bytes: int) -> bytes:
    """Return the bytes of %Q with every configured output at its safe value, the rest 0.

    Raises:
        ImageError: An output lies outside the area.
    """
    area = 0
    for channel in project.config.io:
        if channel.address.area == "Q":
            check_inside(channel, area_bytes)
            area |= channel.safe_raw << channel.address.bits.start
    return area.to_bytes(area_bytes, "little")


def check_inside(channel: IoSection, area_bytes: int) -> None:
    """Make sure that a channel lies inside its area: native code does not look again.

    Raises:
        ImageError: It does not.
    """
    if channel.address.bits.stop > area_bytes * 8:
        raise ImageError(
            f"io {channel.address}: the program's %{channel.address.area} area has {area_bytes} "
            "bytes; expected an area that holds the address"
        )


def mailbox_bytes(inputs: int) -> int:
    """Return the bytes of a mailbox with that many inputs."""
    return layout.MAILBOX_HEADER.size + inputs * layout.ENTRY.size


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Offsets of the blocks behind the plan, each aligned to a cache line."""

    devices: int
    inputs: int
    qualities: int
    copies: tuple[int, ...]
    """Two mailboxes for each device."""
    safe: int
    state: int
    total: int

    @staticmethod
    def for_project(program: CompiledProgram, project: Project) -> "_Blocks":
        """Return the blocks that a program and a project need."""
        counts = [
            len(directory.device_inputs(project, device.name)) for device in project.config.device
        ]
        sizes = [
            plan.PLAN_BYTES,
            len(counts) * plan.DEVICE_ROW_BYTES,
            sum(counts) * plan.INPUT_ROW_BYTES,
            sum(counts),
            *(mailbox_bytes(count) for count in counts for _ in range(2)),
            program.outputs.size,
            program.state_size,
        ]
        offsets = list(_offsets(sizes))
        _, devices, inputs, qualities, *copies, safe, state, total = offsets
        return _Blocks(devices, inputs, qualities, tuple(copies), safe, state, total)


def _offsets(sizes: Sequence[int]) -> Iterator[int]:
    """Return the offset of each block and, as the last one, the total size."""
    return accumulate(
        (-(-size // layout.CACHE_LINE) * layout.CACHE_LINE for size in sizes), initial=0
    )


def _stride(image: Image, kind: SectionKind, index: int) -> int:
    return layout.slot_stride(image.ring(kind, index).payload_bytes)
