"""A program upon an image: its memory, its machine code, its threads' loops, and ways to run it.

Python prepares the memory and calls one native function for each thread; inside it the wall begins.
The machine code of the loop (`engine.executive`) is kept on disk, so that a warm start imports no
numba.
"""

import ctypes
import enum
import importlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.artifact import abi, cache
from runtime.artifact.chains import NO_CHAIN, CallMap, Chain
from runtime.artifact.program import CompiledProgram, Site
from runtime.engine import native, plan, shipped
from runtime.engine.arena import Arena
from runtime.engine.memory import PlcMemory
from runtime.engine.settings import TaskSettings, task_settings
from runtime.image.segment import Image
from runtime.project.load import Project

EXECUTE: Final = "takt_execute"
_RUNTIME: Final = Path(__file__).parents[1]
_SHAPING_THE_LOOP: Final = (
    "engine/executive.py", "engine/borders.py", "engine/commands.py", "engine/counting.py",
    "engine/inputs.py",
    "engine/intrinsics.py", "engine/journal.py", "engine/native.py", "engine/native_function.py",
    "engine/modes.py", "engine/plan.py", "engine/publications.py", "engine/warming.py",
    "engine/frames.py", "artifact/abi.py",
    "image/layout.py", "limits.py",
)  # fmt: skip
"""Files whose text the loop's machine code depends on."""
_U32: Final = struct.Struct("@I")
_SIGNATURE: Final = native.Signature("i64", ("ptr", "i64", "i64", "i64"))
WATCH_NS_MIN: Final = 1_000_000
"""Shortest period of the watchdog's thread."""
WATCH_PARTS: Final = 4
"""It looks so many times within the shortest time that a task has."""

Execute = Callable[[int, int, int, int], int]


class Ending(enum.IntEnum):
    """Why the loop ended."""

    STOPPED = plan.ENDED_BY_STOP
    FAULTED = plan.ENDED_BY_FAULT


@dataclass(frozen=True, slots=True)
class ProgramFault:
    """A run-time fault: what, in which scan of which task, and where (None: at no one place)."""

    kind: abi.FaultKind
    cycle: int
    site: Site | None
    task: str = ""
    chain: Chain = NO_CHAIN
    """The calls that led to the site."""
    limit: str = ""
    """Of a scan that was ended as a whole: what it had exceeded, or which input was not there."""

    def __str__(self) -> str:
        """Return the fault as users read it."""
        place = str(self.site) if self.site else self.limit or "at an unknown place"
        cause = f": {self.chain.cause}" if self.chain.cause else ""
        return f"{self.kind.label} {place} in cycle {self.cycle}{cause}"

    @property
    def facts(self) -> dict[str, object]:
        """What a log record tells of it."""
        facts: dict[str, object] = {"kind": self.kind.label, "cycle": self.cycle, "task": self.task}
        if self.site is not None:
            facts |= {"file": self.site.file, "line": self.site.line}
        chain = self.chain
        told = {"cause": chain.cause, "instance": chain.instance, "calls": str(chain)}
        return facts | {name: text for name, text in told.items() if text}


def executive_object() -> bytes:
    """Return the machine code of the loop."""
    return loop_object("executive", "execute", _SIGNATURE, EXECUTE)


def loop_object(module: str, function: str, signature: native.Signature, symbol: str) -> bytes:
    """Return the machine code of a loop: from disk, from shipped text, else by numba (5 s).

    Args:
        module: Name of the module in this package.
        function: The loop's outermost function in it.
        signature: Of that function.
        symbol: What the code calls it.
    """
    key = cache.key_of(_loop_key(module), native.platform_key())
    kept = None if shipped.is_gathering() else cache.fetch(key)
    if kept is not None:
        return kept
    code = native.emit_object(native.parse_ir(loop_text(module, function, signature, symbol)))
    cache.keep(key, code)
    return code


def loop_text(module: str, function: str, signature: native.Signature, symbol: str) -> str:
    """Return the LLVM text that a loop's machine code is made from; arguments as `loop_object`."""
    sources = _loop_key(module)
    text = shipped.fetch(sources)
    if text is None:
        native.import_numba()
        loop = getattr(importlib.import_module(f"runtime.engine.{module}"), function)
        text = native.compile_ir(loop, signature, symbol)
        shipped.note(sources, text)
    return text


def _loop_key(module: str) -> str:
    """Return what names all sources that shape a loop."""
    texts = [_RUNTIME / name for name in (*_SHAPING_THE_LOOP, f"engine/{module}.py")]
    return cache.key_of(module, *(text.read_bytes() for text in texts))


class Worker:
    """What one native thread serves: a list of jobs, the most urgent one first."""

    def __init__(self, execute: Execute, jobs: Sequence[int], heartbeat: int, spin_ns: int) -> None:
        """Prepare it; `jobs` and `heartbeat` are addresses that must stay valid."""
        self._execute = execute
        self._arena = Arena()
        self._block = self._arena.reserve(plan.WORKER_BYTES)
        job_list = self._arena.reserve(8 * len(jobs))
        self._arena.map()
        self._arena.put(job_list, {8 * number: job for number, job in enumerate(jobs)})
        words = {
            plan.WORKER_SPIN_NS: spin_ns,
            plan.WORKER_JOBS: len(jobs),
            plan.WORKER_JOB_LIST: self._arena.base + job_list,
            plan.WORKER_HEARTBEAT: heartbeat,
        }
        self._arena.put(self._block, words)

    def serve(self) -> Ending:
        """Run the jobs in real time until `stop` or until none is left that has not faulted."""
        return Ending(self._execute(self._arena.base + self._block, plan.SERVE, 0, 0))

    def watch(self, period_ns: int) -> Ending:
        """Watch over the jobs' execution time, looking every period, until `stop`."""
        self._arena.put(self._block, {plan.WORKER_PERIOD_NS: period_ns})
        return Ending(self._execute(self._arena.base + self._block, plan.WATCH, 0, 0))

    def stop(self) -> None:
        """Ask the loop to end; it does so before its next scan, within `plan.SLICE_NS`."""
        address = self._arena.base + self._block + plan.WORKER_STOP
        ctypes.c_int64.from_address(address).value = 1


@dataclass(frozen=True, slots=True)
class MappedCode:
    """The machine code of a program and of the loop, mapped into this process."""

    tasks: native.NativeCode
    loop: native.NativeCode

    @staticmethod
    def of(program: CompiledProgram) -> "MappedCode":
        """Map it."""
        return MappedCode(
            native.NativeCode(program.object_code), native.NativeCode(executive_object())
        )


class ScanEngine:
    """Runs the tasks of a program, each in a thread that calls its worker's `serve`.

    The image and the engine must stay alive while they run.
    """

    def __init__(
        self,
        program: CompiledProgram,
        project: Project,
        image: Image,
        code: MappedCode | None = None,
    ) -> None:
        """Lay out the memory and map the code, unless it is mapped; nothing runs yet.

        Raises:
            ImageError: An address of the project lies outside the program's areas.
        """
        self._program, self._project, self._image = program, project, image
        self._code = code or MappedCode.of(program)
        word = ctypes.c_int64
        self._execute: Execute = self._code.loop.function(EXECUTE, word, word, word, word, word)
        self.settings = task_settings(program, project)
        """How the tasks run; task number n is served by worker number n."""
        symbols = [abi.TASK_SYMBOL.format(number) for number in range(len(program.tasks))]
        entries = [self._code.tasks.address(symbol) for symbol in symbols]
        self.memory = PlcMemory(program, project, image, self.settings, entries)
        self.regions = self.memory.regions
        """Address and bytes of the memory that a scan touches, besides code and stack."""
        heartbeat, spin_ns = self.memory.heartbeat, project.config.runtime.spin
        self.workers = tuple(
            Worker(self._execute, (job,), heartbeat, spin_ns) for job in self.memory.jobs
        )
        watched = [number for number, item in enumerate(self.settings) if item.watchdog_ns]
        self.watchdog = (
            Worker(self._execute, [self.memory.jobs[number] for number in watched], heartbeat, 0)
            if watched
            else None
        )
        """What watches over the tasks that have a longest execution; None where none has."""

    def again(self, program: CompiledProgram, *, whole: bool) -> "ScanEngine":
        """Return an engine of the same code that goes on where this one has ended.

        Cycles, commits and publications are numbered on, so that nobody who looks at the image
        sees one come back.

        Args:
            program: The same one, with the state to begin with.
            whole: Whether that is this one's state: then what is forced stays so, and edges that
                were seen are not seen again.
        """
        engine = ScanEngine(program, self._project, self._image, self._code)
        engine.memory.go_on_from(self.memory.handover(whole=whole))
        return engine

    def run(self) -> Ending:
        """Scan task 0 in real time until `stop` or a fault; the outputs are safe on return."""
        return self.workers[0].serve()

    def watch(self) -> Ending:
        """Run the watchdog until `stop`."""
        assert self.watchdog is not None
        shortest = min(item.watchdog_ns for item in self.settings if item.watchdog_ns)
        return self.watchdog.watch(max(WATCH_NS_MIN, shortest // WATCH_PARTS))

    def step(self, scans: int, first_release_ns: int, task: int = 0) -> Ending:
        """Run a number of scans of a task in virtual time, as fast as the machine can.

        Args:
            scans: How many; releases are one interval apart.
            first_release_ns: Time of the first; that of the very first call is the program's 0.
            task: Number of the task.
        """
        job = self.memory.jobs[task]
        self.memory.put_word(plan.PLC_VIRTUAL, 1)
        try:
            return Ending(self._execute(job, plan.STEP, scans, first_release_ns))
        finally:
            self.memory.put_word(plan.PLC_VIRTUAL, 0)

    def take(self, task: int, release_ns: int) -> None:
        """Let a task take what its next scan sees; `body` and `commit` complete the scan."""
        self._execute(self.memory.jobs[task], plan.TAKE, 0, release_ns)

    def body(self, task: int) -> bool:
        """Run the code of a task; return whether it went without a fault."""
        return self._execute(self.memory.jobs[task], plan.BODY, 0, 0) == 0

    def commit(self, task: int, *, faulted: bool = False) -> None:
        """Let a task commit its scan; one that faulted commits nothing."""
        self._execute(self.memory.jobs[task], plan.COMMIT, int(faulted), 0)

    def digest(self, state: bytes) -> int:
        """Return the hash of a state behind its context, as the journal has it."""
        body = ctypes.create_string_buffer(state[abi.CONTEXT_BYTES :], len(state))
        size = len(state) - abi.CONTEXT_BYTES
        return self._execute(ctypes.addressof(body), plan.HASH, size, 0)

    def hold_outputs(self) -> None:
        """Let the outputs stand when all loops end on request; call it before `stop`."""
        self.memory.put_word(plan.PLC_HOLDS, 1)

    def stop(self) -> None:
        """Ask all loops to end; they do so before their next scan, within `plan.SLICE_NS`."""
        for worker in (*self.workers, *([self.watchdog] if self.watchdog else [])):
            worker.stop()

    @property
    def first_end_ns(self) -> int:
        """CLOCK_MONOTONIC of the end of the first scan, 0 before."""
        return self.memory.word(plan.PLC_FIRST_END_NS)

    @property
    def state(self) -> bytes:
        """A copy of the program's committed state; whole only while no scan runs."""
        return self.memory.committed

    @property
    def fault(self) -> ProgramFault | None:
        """The fault of the first task, in their order, that has one, or None."""
        faults = self.faults
        return faults[0] if faults else None

    @property
    def faults(self) -> tuple[ProgramFault, ...]:
        """The faults of the tasks that have ended by one."""
        return program_faults(self._program, self.memory, self.settings)


def program_faults(
    program: CompiledProgram, memory: PlcMemory, settings: Sequence[TaskSettings]
) -> tuple[ProgramFault, ...]:
    """Return the faults of the tasks of a PLC that have ended by one, in the order of the tasks."""
    found = []
    for number, setting in enumerate(settings):
        context = memory.private(number)[: abi.CONTEXT_BYTES]
        kind = abi.FaultKind(_U32.unpack_from(context, abi.FAULT_KIND)[0])
        if kind is not abi.FaultKind.NONE:
            at = _U32.unpack_from(context, abi.FAULT_SITE)[0]
            site = program.sites[at] if at < len(program.sites) else None
            cycle = memory.job_word(number, plan.JOB_CYCLE)
            chain = CallMap.of(program).chain(site, context) if site else NO_CHAIN
            limit = "" if site else _limit(setting, memory, number)
            if kind is abi.FaultKind.MISSING_INPUT:
                limit = memory.lost_input(number)
            found.append(ProgramFault(kind, cycle, site, setting.name, chain, limit))
    return tuple(found)


def _limit(setting: TaskSettings, memory: PlcMemory, task: int) -> str:
    """Return which limit of a task has made its last scan a fault."""
    taken_ns = memory.job_word(task, plan.JOB_END_NS) - memory.job_word(task, plan.JOB_START_NS)
    if 0 < setting.watchdog_ns < taken_ns:
        return f"after more than {setting.watchdog_ns / 1e6:g} ms"
    return f"after {setting.overruns_max} overruns in a row" if setting.overruns_max else ""
