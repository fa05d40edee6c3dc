"""The private memory of a PLC that runs: the blocks of `engine.plan`, laid out and filled.

    PLC | devices | inputs | qualities | mailbox copies | events | safe outputs | committed state |
    journal
    then for each task: job | takes | owned ranges | cells | cells as taken | consumed | state

Outside the wall: Python fills the blocks before a scan runs.
"""

import ctypes
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runtime.artifact import abi
from runtime.artifact.exchange import NOBODY, SEVERAL, Cells, Take
from runtime.artifact.program import CompiledProgram, Symbol, TaskInfo
from runtime.engine import plan
from runtime.engine.entries import JournalReader
from runtime.engine.settings import TaskSettings
from runtime.errors import ImageError
from runtime.image import directory, layout
from runtime.image.layout import SectionKind
from runtime.image.segment import Image
from runtime.limits import FORCES_MAX, JOURNAL_BYTES, JOURNAL_ENTRIES_MIN, RECORDED_VARIABLES_MAX
from runtime.project.channels import IoSection
from runtime.project.load import Project

_WORD: Final = struct.Struct("@q")
_WORD_MASK: Final = (1 << 64) - 1
_PROTOCOL_INHERIT: Final = 1
"""PTHREAD_PRIO_INHERIT: who holds the mutex runs at the priority of who waits for it."""
_ATTRIBUTES_BYTES: Final = 64
_NUMBERED_ON: Final = (plan.PLC_SEQUENCE, plan.PLC_OUTPUT_HEAD, plan.PLC_FRAME_HEAD)
"""Words of a PLC that a restart goes on from."""
_EDGE_WORDS: Final = (plan.JOB_PENDING, plan.JOB_EDGE_NS)
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Arena:
    """Private memory in blocks: reserve all of them, `map` it, then write words."""

    def __init__(self) -> None:
        self.size = 0

    def reserve(self, size: int) -> int:
        """Return the offset of a new block, aligned to a cache line."""
        offset = self.size
        self.size += -(-size // layout.CACHE_LINE) * layout.CACHE_LINE
        return offset

    def map(self) -> None:
        """Make the memory, all zeros; it lives as long as this object."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.memory = mmap.mmap(-1, max(self.size, 1), flags=flags)
        self._anchor = ctypes.c_char.from_buffer(self.memory)
        self.base = ctypes.addressof(self._anchor)

    def put(self, block: int, words: dict[int, int]) -> None:
        """Write words of a block by their offsets in it."""
        for offset, value in words.items():
            word = value & _WORD_MASK
            signed = word - (1 << 64) if word >> 63 else word
            _WORD.pack_into(self.memory, block + offset, signed)

    def word(self, offset: int) -> int:
        """Return a word; one that native code stores is seen whole."""
        return ctypes.c_int64.from_address(self.base + offset).value


@dataclass(frozen=True, slots=True)
class _Job:
    """Offsets of the blocks of one task."""

    job: int
    takes: int
    owned: int
    cells: int
    taken: int
    consumed: int
    state: int


class PlcMemory:
    """The memory of one program that runs upon an image; the image must stay alive with it."""

    def __init__(
        self,
        program: CompiledProgram,
        project: Project,
        image: Image,
        settings: Sequence[TaskSettings],
        entries: Sequence[int],
        journal_bytes: int = JOURNAL_BYTES,
    ) -> None:
        """Lay out the blocks and fill them.

        Args:
            program: What runs.
            project: Its devices and addresses.
            image: Where it shows itself.
            settings: How its tasks run.
            entries: The address of each task's code.
            journal_bytes: Size of the journal, at least.

        Raises:
            ImageError: An address of the project lies outside the program's areas.
        """
        self._program, self._project, self._image = program, project, image
        # Holding this keeps the mapping in place, whoever closes the image meanwhile.
        self._anchor = ctypes.c_char.from_buffer(image.memory)
        self._image_base = ctypes.addressof(self._anchor)
        self._arena = Arena()
        self._reserve(journal_bytes)
        self._arena.map()
        self._fill_plc(settings)
        self._fill_devices()
        for number, (setting, entry) in enumerate(zip(settings, entries, strict=True)):
            self._fill_job(number, setting, entry)
        self._fill_events()

    @property
    def jobs(self) -> tuple[int, ...]:
        """Addresses of the jobs, a task each."""
        return tuple(self._arena.base + blocks.job for blocks in self._jobs)

    @property
    def heartbeat(self) -> int:
        """Address of the image's heartbeat."""
        return self._image_base + layout.RUNTIME_HEARTBEAT_NS

    @property
    def regions(self) -> tuple[tuple[int, int], ...]:
        """Address and bytes of the memory that a scan touches, besides code and stack."""
        return (
            (self._arena.base, self._arena.size),
            (self._image_base, self._image.total_bytes),
        )

    @property
    def committed(self) -> bytes:
        """A copy of the committed state; whole only while no scan runs."""
        return self._arena.memory[self._state : self._state + self._program.state_size]

    def private(self, number: int) -> bytes:
        """Return a copy of the state that a task works on; whole only while it does not run."""
        state = self._jobs[number].state
        return self._arena.memory[state : state + self._program.state_size]

    @property
    def forced(self) -> bytes:
        """The rows of what is forced; whole only while no scan runs."""
        size = self.word(plan.PLC_FORCES) * plan.FORCE_ROW_BYTES
        return self._arena.memory[self._forces : self._forces + size]

    @property
    def event_levels(self) -> tuple[int, ...]:
        """What the variables that release event tasks were at the last look, row by row."""
        first = self._events + plan.EVENT_LEVEL
        rows = range(self.word(plan.PLC_EVENTS))
        return tuple(self._arena.word(first + row * plan.EVENT_ROW_BYTES) for row in rows)

    def note(self, symbols: Sequence[Symbol]) -> None:
        """Let every commit's entry in the journal hold some variables, before it runs."""
        assert len(symbols) <= RECORDED_VARIABLES_MAX
        for number, symbol in enumerate(symbols):
            row = {plan.OWNED_OFFSET: symbol.offset, plan.OWNED_BYTES: symbol.type.size}
            self._arena.put(self._noted_rows + number * plan.OWNED_ROW_BYTES, row)
        self.put_word(plan.PLC_NOTED, len(symbols))
        self.put_word(plan.PLC_NOTED_BYTES, sum(symbol.type.size for symbol in symbols))

    def journal(self) -> JournalReader:
        """Return a reader of the journal from its first entry on."""
        words = self._arena.base + self._plc
        head, tail = words + plan.PLC_JOURNAL_HEAD, words + plan.PLC_JOURNAL_TAIL
        ring = self._arena.base + self._journal
        return JournalReader(ring, self._journal_bytes, head, tail)

    def poke(self, offset: int, content: bytes) -> None:
        """Write into the committed state, as an input that no device has would change."""
        self._write(self._state + offset, content)

    def word(self, offset: int) -> int:
        """Return a word of the PLC."""
        return self._arena.word(self._plc + offset)

    def job_word(self, number: int, offset: int) -> int:
        """Return a word of a job."""
        return self._arena.word(self._jobs[number].job + offset)

    def put_word(self, offset: int, value: int) -> None:
        """Write a word of the PLC, before it runs."""
        self._arena.put(self._plc, {offset: value})

    def go_on_from(self, earlier: "PlcMemory", *, whole: bool) -> None:
        """Number on from a run of the same program upon the same image that has ended.

        Args:
            earlier: Its memory.
            whole: Whether its state was taken over: then its forces and edges are too.
        """
        for offset in _NUMBERED_ON:
            self.put_word(offset, earlier.word(offset))
        for number, blocks in enumerate(self._jobs):
            queue = self._image.section(SectionKind.COMMANDS, number)
            done = _WORD.unpack_from(queue, layout.COMMANDS_APPLIED)[0]
            kept = (plan.JOB_CYCLE, *(_EDGE_WORDS if whole else ()))
            words = {offset: earlier.job_word(number, offset) for offset in kept}
            self._arena.put(blocks.job, words | {plan.JOB_COMMANDS_DONE: done})
        if whole:
            self._hold_on(earlier)

    def _hold_on(self, earlier: "PlcMemory") -> None:
        """Take over what is forced, and the levels of the variables that release event tasks."""
        forced = earlier.forced
        self._write(self._forces, forced)
        owners = dict(zip(earlier.jobs, self.jobs, strict=True))
        for row in range(self._forces, self._forces + len(forced), plan.FORCE_ROW_BYTES):
            owner = owners.get(self._arena.word(row + plan.FORCE_JOB), 0)
            self._arena.put(row, {plan.FORCE_JOB: owner})
        self.put_word(plan.PLC_FORCES, earlier.word(plan.PLC_FORCES))
        for number, level in enumerate(earlier.event_levels):
            row = self._events + number * plan.EVENT_ROW_BYTES
            self._arena.put(row, {plan.EVENT_LEVEL: level})

    def _reserve(self, journal_bytes: int) -> None:
        program, arena, devices = self._program, self._arena, self._project.config.device
        inputs = [len(directory.device_inputs(self._project, device.name)) for device in devices]
        self._plc = arena.reserve(plan.PLC_BYTES)
        self._devices = arena.reserve(len(devices) * plan.DEVICE_ROW_BYTES)
        self._inputs = arena.reserve(sum(inputs) * plan.INPUT_ROW_BYTES)
        self._qualities = arena.reserve(sum(inputs))
        self._copies = [
            (arena.reserve(mailbox_bytes(count)), arena.reserve(mailbox_bytes(count)))
            for count in inputs
        ]
        self._events = arena.reserve(len(program.tasks) * plan.EVENT_ROW_BYTES)
        self._safe = arena.reserve(program.outputs.size)
        self._state = arena.reserve(program.state_size)
        entry = plan.ENTRY_PAYLOAD + program.inputs.size + 8
        self._journal_bytes = -(-max(journal_bytes, JOURNAL_ENTRIES_MIN * entry) // 8) * 8
        self._journal = arena.reserve(self._journal_bytes)
        self._forces = arena.reserve(FORCES_MAX * plan.FORCE_ROW_BYTES)
        self._noted = arena.reserve(program.inputs.size)
        self._noted_rows = arena.reserve(RECORDED_VARIABLES_MAX * plan.OWNED_ROW_BYTES)
        several = len(program.tasks) > 1
        self._jobs = [self._reserve_job(task, several=several) for task in program.tasks]

    def _reserve_job(self, task: TaskInfo, *, several: bool) -> _Job:
        arena, exchange = self._arena, task.exchange
        return _Job(
            job=arena.reserve(plan.JOB_BYTES),
            takes=arena.reserve(len(exchange.takes) * plan.TAKE_ROW_BYTES),
            owned=arena.reserve(len(exchange.owned) * plan.OWNED_ROW_BYTES),
            cells=arena.reserve(len(exchange.shared) * plan.CELLS_ROW_BYTES),
            taken=arena.reserve(sum(item.size for item in exchange.shared)),
            consumed=arena.reserve(len(self._copies) * layout.CONSUMED.size),
            state=arena.reserve(self._program.state_size) if several else self._state,
        )

    def _write(self, offset: int, content: bytes) -> None:
        self._arena.memory[offset : offset + len(content)] = content

    def _section(self, kind: SectionKind, index: int = 0) -> int:
        """Return the address of a section of the image."""
        return self._image_base + self._image.places[kind, index].offset

    def _stride(self, kind: SectionKind, index: int = 0) -> int:
        return layout.slot_stride(self._image.ring(kind, index).payload_bytes)

    def _fill_plc(self, settings: Sequence[TaskSettings]) -> None:
        program, base = self._program, self._arena.base
        self._write(self._state, program.initial_state)
        inputs = program.inputs
        begin = program.initial_state[inputs.offset : inputs.offset + inputs.size]
        self._write(self._noted, begin)
        self._write(self._safe, safe_outputs(self._project, program.outputs.size))
        mutex = base + self._plc + plan.PLC_MUTEX
        several = len(settings) > 1
        if several:
            _make_mutex(mutex)
        intervals = [item.interval_ns for item in settings if item.kind == plan.CYCLIC]
        words = {
            plan.PLC_STATE: base + self._state,
            plan.PLC_STATE_BYTES: program.state_size,
            plan.PLC_LOCK: mutex if several else 0,
            plan.PLC_GRID_NS: min([plan.TICK_GRID_NS, *intervals]),
            plan.PLC_OUTPUT_AREA: base + self._state + program.outputs.offset,
            plan.PLC_OUTPUT_BYTES: program.outputs.size,
            plan.PLC_SAFE_AREA: base + self._safe,
            plan.PLC_IMAGE: self._image_base,
            plan.PLC_OUTPUT_RING: self._section(SectionKind.OUTPUTS),
            plan.PLC_OUTPUT_STRIDE: self._stride(SectionKind.OUTPUTS),
            plan.PLC_FRAME_RING: self._section(SectionKind.FRAME),
            plan.PLC_FRAME_STRIDE: self._stride(SectionKind.FRAME),
            plan.PLC_FRAME_SLOTS: self._image.directory.frame_slots,
            plan.PLC_DEVICES: len(self._copies),
            plan.PLC_DEVICE_ROWS: base + self._devices,
            plan.PLC_INPUTS: self._image.directory.inputs,
            plan.PLC_QUALITIES: base + self._qualities,
            plan.PLC_EVENT_ROWS: base + self._events,
            plan.PLC_FORCE_ROWS: base + self._forces,
            plan.PLC_NOTED_ROWS: base + self._noted_rows,
            plan.PLC_JOURNAL: base + self._journal,
            plan.PLC_JOURNAL_BYTES: self._journal_bytes,
            plan.PLC_JOURNAL_INPUTS: base + self._noted,
            plan.PLC_INPUT_AREA: base + self._state + program.inputs.offset,
            plan.PLC_INPUT_BYTES: program.inputs.size,
            plan.PLC_JOBS_LEFT: len(settings),
            plan.PLC_EPOCH_NS: _WORD.unpack_from(program.initial_state, abi.NOW_NS)[0],
        }
        self._arena.put(self._plc, words)

    def _fill_job(self, number: int, settings: TaskSettings, entry: int) -> None:
        blocks, base = self._jobs[number], self._arena.base
        exchange = self._program.tasks[number].exchange
        if blocks.state != self._state:
            self._write(blocks.state, self._program.initial_state)
        words = {
            plan.JOB_PLC: base + self._plc,
            plan.JOB_STATE: base + blocks.state,
            plan.JOB_ENTRY: entry,
            plan.JOB_NUMBER: number,
            plan.JOB_KIND: settings.kind,
            plan.JOB_INTERVAL_NS: settings.interval_ns,
            plan.JOB_OFFSET_NS: settings.offset_ns,
            plan.JOB_STATISTICS: self._section(SectionKind.TASK_STATISTICS, number),
            plan.JOB_TAKES: len(exchange.takes),
            plan.JOB_TAKE_ROWS: base + blocks.takes,
            plan.JOB_OWNED: len(exchange.owned),
            plan.JOB_OWNED_ROWS: base + blocks.owned,
            plan.JOB_CELLS: len(exchange.shared),
            plan.JOB_CELLS_ROWS: base + blocks.cells,
            plan.JOB_TAKEN: base + blocks.taken,
            plan.JOB_CONSUMED: base + blocks.consumed,
            plan.JOB_WATCHDOG_NS: settings.watchdog_ns,
            plan.JOB_OVERRUNS_MAX: settings.overruns_max,
            plan.JOB_STOPS_ALL: int(settings.stops_all),
            plan.JOB_COMMAND_QUEUE: self._section(SectionKind.COMMANDS, number),
            plan.JOB_LATENESS_NS: -1,
            plan.JOB_SAMPLE_NS: -1,
        }
        self._arena.put(blocks.job, words)
        _libc.sem_init(ctypes.c_void_p(base + blocks.job + plan.JOB_SEMAPHORE), 0, 0)
        for at, take in enumerate(exchange.takes):
            self._arena.put(blocks.takes + at * plan.TAKE_ROW_BYTES, self._take_row(take))
        for at, owned in enumerate(exchange.owned):
            row = {plan.OWNED_OFFSET: owned.offset, plan.OWNED_BYTES: owned.size}
            self._arena.put(blocks.owned + at * plan.OWNED_ROW_BYTES, row)
        for at, cells in enumerate(exchange.shared):
            self._arena.put(blocks.cells + at * plan.CELLS_ROW_BYTES, _cells_row(cells))

    def _take_row(self, take: Take) -> dict[int, int]:
        version = 0
        if take.owner == NOBODY:
            version = self._arena.base + self._plc + plan.PLC_COMMANDS
        elif take.owner != SEVERAL:
            version = self._arena.base + self._jobs[take.owner].job + plan.JOB_COMMITS
        return {
            plan.TAKE_OFFSET: take.offset,
            plan.TAKE_BYTES: take.size,
            plan.TAKE_VERSION: version,
        }

    def _fill_events(self) -> None:
        count = 0
        for number, task in enumerate(self._program.tasks):
            if task.single is None:
                continue
            place = self._state + task.single.offset
            mask = 0xFF if task.single.bit < 0 else 1 << task.single.bit
            row = {
                plan.EVENT_JOB: self._arena.base + self._jobs[number].job,
                plan.EVENT_PLACE: self._arena.base + place,
                plan.EVENT_MASK: mask,
            }
            self._arena.put(self._events + count * plan.EVENT_ROW_BYTES, row)
            count += 1
        self.put_word(plan.PLC_EVENTS, count)

    def _fill_devices(self) -> None:
        arena = self._arena
        input_row = self._inputs
        for number, device in enumerate(self._project.config.device):
            channels = directory.device_inputs(self._project, device.name)
            copy, spare = self._copies[number]
            words = {
                plan.DEVICE_RING: self._section(SectionKind.INPUTS, number),
                plan.DEVICE_STRIDE: self._stride(SectionKind.INPUTS, number),
                plan.DEVICE_PAYLOAD: mailbox_bytes(len(channels)),
                plan.DEVICE_COPY: arena.base + copy,
                plan.DEVICE_SPARE: arena.base + spare,
                plan.DEVICE_STALE_AFTER_NS: device.stale_after,
                plan.DEVICE_INPUTS: len(channels),
                plan.DEVICE_INPUT_ROWS: arena.base + input_row,
            }
            arena.put(self._devices + number * plan.DEVICE_ROW_BYTES, words)
            for channel in channels:
                arena.put(input_row, self._input_row(channel))
                input_row += plan.INPUT_ROW_BYTES

    def _input_row(self, channel: IoSection) -> dict[int, int]:
        program, address = self._program, channel.address
        check_inside(channel, program.inputs.size)
        first = program.inputs.offset + address.byte
        size = max(address.width // 8, 1)
        held = int.from_bytes(program.initial_state[first : first + size], "little")
        if address.width == 1:
            held = held >> address.bit & 1
        return {
            plan.INPUT_PLACE: self._arena.base + self._state + first,
            plan.INPUT_WIDTH: address.width,
            plan.INPUT_BIT: address.bit,
            plan.INPUT_USES_DEFAULT: int(channel.substitute == "default"),
            plan.INPUT_DEFAULT: channel.default_raw,
            plan.INPUT_HELD: held,
        }


def _cells_row(cells: Cells) -> dict[int, int]:
    return {
        plan.CELLS_OFFSET: cells.offset,
        plan.CELLS_CELL: cells.cell,
        plan.CELLS_COUNT: cells.count,
        plan.CELLS_BYTES: cells.size,
    }


def _make_mutex(address: int) -> None:
    """Make a mutex whose holder inherits the priority of who waits."""
    attributes = ctypes.create_string_buffer(_ATTRIBUTES_BYTES)
    _libc.pthread_mutexattr_init(attributes)
    _libc.pthread_mutexattr_setprotocol(attributes, _PROTOCOL_INHERIT)
    _libc.pthread_mutex_init(ctypes.c_void_p(address), attributes)
    _libc.pthread_mutexattr_destroy(attributes)


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
