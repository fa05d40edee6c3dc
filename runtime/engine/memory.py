"""The private memory of a PLC that runs: the blocks of `engine.plan`, laid out and filled.

    PLC | events | devices | inputs | qualities | mailbox copies | safe outputs
    then the state of a task that is alone
    then for each task: job | takes | owned ranges | cells | as taken | consumed | state | kept
    then what several tasks committed | loud ranges | queue | noted ranges | forces | journal

What every scan touches stands close together: between two scans the caches forget it, and each
page costs a walk through the tables of pages, each line a way to the memory.

Outside the wall: Python fills the blocks before a scan runs.
"""

import ctypes
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runtime.artifact import abi
from runtime.artifact.exchange import NOBODY, SEVERAL, Cells, Owned, Take
from runtime.artifact.program import CompiledProgram, Symbol, TaskInfo
from runtime.engine import plan
from runtime.engine.areas import check_inside, lost_input, safe_outputs
from runtime.engine.arena import Arena
from runtime.engine.entries import JournalReader
from runtime.engine.handover import ALL_TASKS, EDGE_WORDS, NUMBERED_ON, Force, Handover
from runtime.engine.quiet import parts_of
from runtime.engine.settings import TaskSettings
from runtime.image import directory, layout
from runtime.image.layout import SectionKind
from runtime.image.segment import Image
from runtime.limits import (
    FIRST_SAMPLE_NS,
    FORCES_MAX,
    JOURNAL_BYTES,
    JOURNAL_ENTRIES_MIN,
    RECORDED_VARIABLES_MAX,
)
from runtime.project.channels import IoSection
from runtime.project.load import Project
from runtime.project.units import Address

_WORD: Final = struct.Struct("@q")
_PROTOCOL_INHERIT: Final = 1
"""PTHREAD_PRIO_INHERIT: who holds the mutex runs at the priority of who waits for it."""
_ATTRIBUTES_BYTES: Final = 64
_FORCE_WORDS: Final = (plan.FORCE_OFFSET, plan.FORCE_BYTES, plan.FORCE_MASK, plan.FORCE_VALUE)
_libc: Final = ctypes.CDLL(None, use_errno=True)


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
    kept: int


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
        self._settings, self._entries = settings, entries
        # Holding this keeps the mapping in place, whoever closes the image meanwhile.
        self._anchor = ctypes.c_char.from_buffer(image.memory)
        self._image_base = ctypes.addressof(self._anchor)
        self._arena = Arena()
        self._reserve(journal_bytes)
        self._arena.map()
        self._fill()

    def begin_again(self, program: CompiledProgram, *, whole: bool) -> None:
        """Make all as it is before the first scan, for a restart in the same place.

        Call it while no task of it runs. Numbers go on from the run that has ended.

        Args:
            program: The same one, with the state to begin with.
            whole: Whether that is the state of the run that has ended.
        """
        handover = self.handover(whole=whole)
        self._program = program
        self._arena.clear()
        self._fill()
        self.go_on_from(handover)

    def _fill(self) -> None:
        self._fill_plc(self._settings)
        self._fill_devices()
        for number, (item, entry) in enumerate(zip(self._settings, self._entries, strict=True)):
            self._fill_job(number, item, entry)
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
    def forces(self) -> tuple[Force, ...]:
        """What is forced; whole only while no scan runs."""
        owners = {job: number for number, job in enumerate(self.jobs)}
        end = self._forces + self.word(plan.PLC_FORCES) * plan.FORCE_ROW_BYTES
        return tuple(
            Force(
                owners.get(self._arena.word(row + plan.FORCE_JOB), ALL_TASKS),
                *(self._arena.word(row + word) for word in _FORCE_WORDS),
            )
            for row in range(self._forces, end, plan.FORCE_ROW_BYTES)
        )

    def force(self, forces: Sequence[Force]) -> None:
        """Hold places from the first scan on, before it runs."""
        jobs = self.jobs
        for number, item in enumerate(forces):
            words = (item.offset, item.size, item.mask, item.value)
            row = dict(zip(_FORCE_WORDS, words, strict=True))
            row[plan.FORCE_JOB] = 0 if item.task == ALL_TASKS else jobs[item.task]
            self._arena.put(self._forces + number * plan.FORCE_ROW_BYTES, row)
        self.put_word(plan.PLC_FORCES, len(forces))

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

    def lost_input(self, number: int) -> str:
        """Return which input a job's last scan was a fault for, and its quality."""
        place, quality = divmod(self.job_word(number, plan.JOB_LOST), plan.LOST_SHIFT)
        return lost_input(self._project, place - 1, layout.Quality(quality))

    def put_word(self, offset: int, value: int) -> None:
        """Write a word of the PLC, before it runs."""
        self._arena.put(self._plc, {offset: value})

    def handover(self, *, whole: bool) -> Handover:
        """Return what the next run goes on from, once this one has ended.

        Args:
            whole: Whether it begins with this one's state: then its forces and edges are kept too.
        """
        kept = (plan.JOB_CYCLE, *(EDGE_WORDS if whole else ()))
        jobs = range(len(self._jobs))
        numbers = {offset: self.word(offset) for offset in NUMBERED_ON}
        cycles = tuple({offset: self.job_word(job, offset) for offset in kept} for job in jobs)
        if not whole:
            return Handover(numbers, cycles)
        return Handover(numbers, cycles, self.forces, tuple(map(self._arena.word, self._levels())))

    def go_on_from(self, earlier: Handover) -> None:
        """Go on from a run of the same program upon the same image that has ended."""
        self._arena.put(self._plc, dict(earlier.words))
        for number, (blocks, words) in enumerate(zip(self._jobs, earlier.jobs, strict=True)):
            queue = self._image.section(SectionKind.COMMANDS, number)
            done = _WORD.unpack_from(queue, layout.COMMANDS_APPLIED)[0]
            self._arena.put(blocks.job, {**words, plan.JOB_COMMANDS_DONE: done})
        self.force(earlier.forces)
        for place, level in zip(self._levels(), earlier.levels, strict=False):
            self._arena.put(place, {0: level})

    def _levels(self) -> range:
        """Return where the levels of the variables that release event tasks stand."""
        first = self._events + plan.EVENT_LEVEL
        end = first + self.word(plan.PLC_EVENTS) * plan.EVENT_ROW_BYTES
        return range(first, end, plan.EVENT_ROW_BYTES)

    def _reserve(self, journal_bytes: int) -> None:
        program, arena, devices = self._program, self._arena, self._project.config.device
        inputs = [len(directory.device_inputs(self._project, device.name)) for device in devices]
        self._plc = arena.reserve(plan.PLC_BYTES)
        self._events = arena.reserve(len(program.tasks) * plan.EVENT_ROW_BYTES)
        self._devices = arena.reserve(len(devices) * plan.DEVICE_ROW_BYTES)
        self._inputs = arena.reserve(sum(inputs) * plan.INPUT_ROW_BYTES)
        self._qualities = arena.reserve(sum(inputs))
        self._copies = [
            (arena.reserve(mailbox_bytes(count)), arena.reserve(mailbox_bytes(count)))
            for count in inputs
        ]
        self._safe = arena.reserve(program.outputs.size)
        self._noted = arena.reserve(program.inputs.size)
        several = len(program.tasks) > 1
        self._parts = parts_of(program)
        kept = sum(inputs) + sum(item.size for item in self._parts.loud)
        self._kept_bytes = kept if self._parts.loud else 0
        self._state = 0 if several else arena.reserve(program.state_size)
        self._jobs = [
            self._reserve_job(number, task, several=several)
            for number, task in enumerate(program.tasks)
        ]
        if several:
            self._state = arena.reserve(program.state_size)
        self._loud_rows = arena.reserve(len(self._parts.loud) * plan.OWNED_ROW_BYTES)
        self._queue = arena.reserve(8 * len(program.tasks))
        self._noted_rows = arena.reserve(RECORDED_VARIABLES_MAX * plan.OWNED_ROW_BYTES)
        self._forces = arena.reserve(FORCES_MAX * plan.FORCE_ROW_BYTES)
        entry = plan.ENTRY_PAYLOAD + program.inputs.size + 8
        least = max(journal_bytes, JOURNAL_ENTRIES_MIN * entry)
        self._journal_bytes = 1 << (least - 1).bit_length()
        self._journal = arena.reserve(self._journal_bytes)

    def _reserve_job(self, number: int, task: TaskInfo, *, several: bool) -> _Job:
        arena, exchange = self._arena, task.exchange
        return _Job(
            job=arena.reserve(plan.JOB_BYTES),
            takes=arena.reserve(len(exchange.takes) * plan.TAKE_ROW_BYTES),
            owned=arena.reserve(len(self._parts.owned[number]) * plan.OWNED_ROW_BYTES),
            cells=arena.reserve(len(exchange.shared) * plan.CELLS_ROW_BYTES),
            taken=arena.reserve(sum(item.size for item in exchange.shared)),
            consumed=arena.reserve(len(self._copies) * layout.CONSUMED.size),
            state=arena.reserve(self._program.state_size) if several else self._state,
            kept=arena.reserve(self._kept_bytes),
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
        frame_mutex = base + self._plc + plan.PLC_FRAME_MUTEX
        if several:
            _make_mutex(mutex)
            _make_mutex(frame_mutex)
        self._put_ranges(self._loud_rows, self._parts.loud)
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
            plan.PLC_FRAME_LOCK: frame_mutex if self._parts.loud else 0,
            plan.PLC_LOUD: len(self._parts.loud),
            plan.PLC_LOUD_ROWS: base + self._loud_rows,
            plan.PLC_QUEUE: base + self._queue,
            plan.PLC_QUEUE_SLOTS: len(settings),
            plan.PLC_FORCE_ROWS: base + self._forces,
            plan.PLC_NOTED_ROWS: base + self._noted_rows,
            plan.PLC_JOURNAL: base + self._journal,
            plan.PLC_JOURNAL_BYTES: self._journal_bytes,
            plan.PLC_JOURNAL_SHIFT: (self._journal_bytes // plan.JOURNAL_PARTS).bit_length() - 1,
            plan.PLC_JOURNAL_PART: -1,
            plan.PLC_JOURNAL_INPUTS: base + self._noted,
            plan.PLC_INPUT_AREA: base + self._state + program.inputs.offset,
            plan.PLC_INPUT_BYTES: program.inputs.size,
            plan.PLC_JOBS_LEFT: len(settings),
            plan.PLC_EPOCH_NS: _WORD.unpack_from(program.initial_state, abi.NOW_NS)[0],
        }
        self._arena.put(self._plc, words)

    def _fill_job(self, number: int, settings: TaskSettings, entry: int) -> None:
        blocks, base = self._jobs[number], self._arena.base
        exchange, ranges = self._program.tasks[number].exchange, self._parts.owned[number]
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
            plan.JOB_OWNED: len(ranges),
            plan.JOB_OWNED_LOUD: self._parts.owned_loud[number],
            plan.JOB_KEPT: base + blocks.kept,
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
        self._put_ranges(blocks.owned, ranges)
        for at, cells in enumerate(exchange.shared):
            self._arena.put(blocks.cells + at * plan.CELLS_ROW_BYTES, _cells_row(cells))

    def _put_ranges(self, rows: int, ranges: Sequence[Owned]) -> None:
        for at, item in enumerate(ranges):
            row = {plan.OWNED_OFFSET: item.offset, plan.OWNED_BYTES: item.size}
            self._arena.put(rows + at * plan.OWNED_ROW_BYTES, row)

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
                patience_ns = max(device.stale_after, FIRST_SAMPLE_NS)
                arena.put(input_row, self._input_row(channel, patience_ns))
                input_row += plan.INPUT_ROW_BYTES

    def _input_row(self, channel: IoSection, patience_ns: int) -> dict[int, int]:
        program, address = self._program, channel.address
        place = self._input_place(address)
        first = program.inputs.offset + address.byte
        size = max(address.width // 8, 1)
        held = int.from_bytes(program.initial_state[first : first + size], "little")
        return {
            plan.INPUT_PLACE: place,
            plan.INPUT_WIDTH: address.width,
            plan.INPUT_BIT: address.bit,
            plan.INPUT_USES_DEFAULT: int(channel.substitute == "default"),
            plan.INPUT_DEFAULT: channel.default_raw,
            plan.INPUT_HELD: held >> address.bit & 1 if address.width == 1 else held,
            plan.INPUT_QUALITY_PLACE: self._input_place(channel.quality),
            plan.INPUT_AGE_PLACE: self._input_place(channel.age),
            plan.INPUT_FAULTS_AFTER_NS: patience_ns if channel.substitute == "fault" else 0,
        }

    def _input_place(self, address: Address | None) -> int:
        """Return where an address of %I stands in the committed state, 0 for none."""
        if address is None:
            return 0
        area = self._program.inputs
        check_inside(address, area.size)
        return self._arena.base + self._state + area.offset + address.byte


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


def mailbox_bytes(inputs: int) -> int:
    """Return the bytes of a mailbox with that many inputs."""
    return layout.MAILBOX_HEADER.size + inputs * layout.ENTRY.size
