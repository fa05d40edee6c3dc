"""The runtime process: build the program, create the image, scan until told to stop.

    main thread    build -> image -> waits for SIGTERM, SIGINT or the end of a scan -> clean up
    scan threads   one a task: ask for real-time priority -> native loop (the wall: no Python from
                   here on); one more watches over execution times where tasks limit theirs

The image file is removed at a clean end unless a newer runtime has replaced it. Whoever is attached
keeps the mapping: a gateway still reads the safe outputs, and sees the mode STOPPED; one that comes
later finds no runtime, which is the truth. After a fault of the program the process stays, with
safe outputs and a beating heart, until it is told to stop; its exit status is 3 then.
"""

import contextlib
import fcntl
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

from runtime.app import timing
from runtime.app.flight_recorder import FlightRecorder
from runtime.app.retain_tools import start_cold
from runtime.app.retention import Keeper
from runtime.artifact.program import CompiledProgram
from runtime.build import build_project
from runtime.diagnostics.diagnostic import caret_view
from runtime.engine import plan, realtime
from runtime.engine.record import Recorder
from runtime.engine.scan import Ending, ScanEngine
from runtime.engine.settings import task_settings
from runtime.errors import HostError
from runtime.image.directory import Directory, TaskEntry, device_entries, frame_slots
from runtime.image.layout import Mode, SectionKind
from runtime.image.segment import Image, create_image, image_path
from runtime.image.statistics import TaskStatistics
from runtime.project.config import RuntimeSection
from runtime.project.load import Project, load_project

logger = logging.getLogger(__name__)

EXIT_STOPPED: Final = 0
EXIT_COMPILE_ERRORS: Final = 1
EXIT_DEFECT: Final = 1
EXIT_FAULTED: Final = 3
SCAN_THREAD: Final = "takt-scan"
"""Name of the scan thread as the machine shows it."""
WATCH_THREAD: Final = "takt-watch"
"""Name of the watchdog's thread."""
PRIORITY_MAX: Final = 99
"""Highest priority of SCHED_FIFO."""
HASH_EVERY: Final = 100
"""Every so many commits a record holds a hash of the committed state."""
_SCAN_ENDED: Final = 0
"""The byte in the wake-up pipe that stands for the end of the scan; the others are signals."""
_HEARTBEAT_S: Final = 0.1
_FIRST_SCAN_POLL_S: Final = 0.002
_PERCENTILES: Final = (50, 99, 99.9, 100)


def run(path: Path, *, cold: bool = False, record: Path | None = None) -> int:
    """Build a project and run it until SIGTERM or SIGINT; return the exit status.

    Findings go to stderr with a view of the source; errors among them end it with status 1.

    Args:
        path: The project's folder, or its `takt.toml`.
        cold: Whether RETAIN variables start as declared; PERSISTENT ones never do.
        record: A file that takes all that is needed to repeat the run.

    Raises:
        TaktError: The project is faulty, runs already, or the machine refuses the image.
    """
    begun_ns = time.monotonic_ns()
    project = load_project(path)
    with leaving_on_a_signal():
        compilation = build_project(project)
    for finding in compilation.findings:
        sys.stderr.write(caret_view(finding, compilation.sources) + "\n")
    if compilation.program is None:
        return EXIT_COMPILE_ERRORS
    if cold:
        start_cold(project)
    return serve(project, compilation.program, begun_ns, record)


def serve(
    project: Project, program: CompiledProgram, begun_ns: int, record: Path | None = None
) -> int:
    """Run a compiled program until SIGTERM or SIGINT; return the exit status.

    Call it in the main thread: it takes the two signals over while it runs.

    Args:
        project: Its tasks, devices and addresses.
        program: What `runtime.build` made of its sources.
        begun_ns: CLOCK_MONOTONIC when the build began, for the log.
        record: A file that takes all that is needed to repeat the run.

    Raises:
        HostError: The project runs already, or the image cannot be created.
    """
    path = image_path(project.config.project.name)
    with contextlib.ExitStack() as stack:
        stack.enter_context(alone(path))
        wakeups = stack.enter_context(Wakeups())
        image = stack.enter_context(
            create_image(
                path, directory_of(project, program), program.layout_hash, time.monotonic_ns()
            )
        )
        stack.callback(remove, image)
        kept = stack.enter_context(Keeper(project, program, image))
        engine = ScanEngine(kept.program, project, image)
        for sentence in timing.warnings(program):
            logger.warning(sentence)
        logger.info("built", extra=_build_facts(begun_ns))
        if record is not None:
            stack.enter_context(_recording(record, kept.program, engine))
        recorder = FlightRecorder(project, kept.program, engine)
        return _scan_until_stopped(engine, image, wakeups, project.config.runtime, recorder)


@contextlib.contextmanager
def _recording(path: Path, program: CompiledProgram, engine: ScanEngine) -> Iterator[None]:
    """Record what the engine does in the block; say at its end whether it is complete."""
    engine.memory.put_word(plan.PLC_HASH_EVERY, HASH_EVERY)
    with Recorder(path, program, engine.memory.journal(), HASH_EVERY) as recorder:
        yield
    facts = {"file": str(path), "lost_bytes": recorder.lost_bytes}
    if recorder.error is not None:
        logger.error("the record ends early: %s", recorder.error.strerror, extra=facts)
    else:
        level = logging.WARNING if recorder.lost_bytes else logging.INFO
        logger.log(level, "recorded", extra=facts)


def _scan_until_stopped(
    engine: ScanEngine,
    image: Image,
    wakeups: "Wakeups",
    wishes: RuntimeSection,
    recorder: FlightRecorder,
) -> int:
    with contextlib.ExitStack() as stack:
        grants = []
        if wishes.realtime_priority > 0:
            awake = stack.enter_context(contextlib.closing(realtime.AwakeProcessor()))
            grants.append(awake.grant)
        if wishes.lock_memory:
            grants.append(realtime.lock_memory(engine.regions))
        realtime.populate(engine.regions)
        image.mode = Mode.READY
        threads, watching = scan_threads(engine, wakeups), watching_threads(engine, wakeups)
        for thread in (*watching, *threads):
            thread.start()
        stopping = _await_first_scan(engine, wakeups, threads)
        _report_start(engine, image, grants + [item for one in threads for item in one.grants])
        status = _watch_threads(recorder, image, wakeups, threads, stopping=stopping)
        engine.stop()
        for thread in (*threads, *watching):
            thread.join()
    image.mode = Mode.STOPPED
    _report_stop(image)
    return status


def _watch_threads(
    recorder: FlightRecorder,
    image: Image,
    wakeups: "Wakeups",
    threads: "list[ScanThread]",
    *,
    stopping: bool,
) -> int:
    """Report the faults until a signal comes; return the exit status."""
    status, reported = EXIT_STOPPED, 0
    while True:
        over = [thread for thread in threads if thread.over]
        if len(over) > reported:
            reported = len(over)
            status = _report_faults(recorder, over) or status
        if stopping:
            return status
        if len(over) == len(threads):
            image.runtime_heartbeat_ns = time.monotonic_ns()
            stopping = wakeups.wait(_HEARTBEAT_S)
        else:
            stopping = wakeups.wait(None)


def scan_threads(engine: ScanEngine, wakeups: "Wakeups") -> "list[ScanThread]":
    """Return a thread for each task, not yet started."""
    several = len(engine.workers) > 1
    return [
        ScanThread(
            f"{SCAN_THREAD}-{number}" if several else SCAN_THREAD,
            worker.serve, settings.fifo_priority, settings.cpu, wakeups,
        )
        for number, (worker, settings) in enumerate(
            zip(engine.workers, engine.settings, strict=True)
        )
    ]  # fmt: skip


def watching_threads(engine: ScanEngine, wakeups: "Wakeups") -> "list[ScanThread]":
    """Return the watchdog's thread, more urgent than all tasks; none where no task wants it."""
    if engine.watchdog is None:
        return []
    top = max(item.fifo_priority for item in engine.settings)
    priority = min(top + 1, PRIORITY_MAX) if top else 0
    return [ScanThread(WATCH_THREAD, engine.watch, priority, None, wakeups)]


class ScanThread(threading.Thread):
    """A scan: prepares its own thread, then calls native code once."""

    def __init__(
        self,
        name: str,
        serve: Callable[[], Ending],
        fifo_priority: int,
        cpu: int | None,
        wakeups: "Wakeups",
    ) -> None:
        """Take what it runs and asks for; `wakeups` hears of its end."""
        super().__init__(name=name)
        self._serve, self._wakeups = serve, wakeups
        self._fifo_priority, self._cpu = fifo_priority, cpu
        self.grants: list[realtime.Grant] = []
        """Complete once `asked`."""
        self.asked = False
        """Whether all was asked of the machine that the thread asks for."""
        self.over = False
        """Whether the scan ended by itself or by request; set before `wakeups` hears of it."""
        self.ending: Ending | None = None

    def run(self) -> None:
        """Scan; every signal is another thread's business."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        realtime.name_thread(self.name)
        try:
            self.grants.append(realtime.sharpen_timers())
            if self._cpu is not None:
                self.grants.append(realtime.pin_to(self._cpu))
            if self._fifo_priority > 0:
                self.grants.append(realtime.schedule_fifo(self._fifo_priority))
            self.asked = True
            self.ending = self._serve()
        finally:
            self.over = True
            self._wakeups.scan_ended()


class Wakeups:
    """Lets the main thread sleep until a signal or the end of the scan.

    Signals come through a pipe, because any thread may be the one that receives them.
    """

    _SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

    def __enter__(self) -> Self:
        """Take the signals over."""
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _ignore) for number in self._SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        os.close(self._write)

    def scan_ended(self) -> None:
        """Wake the waiting thread; called by the scan thread."""
        os.write(self._write, bytes([_SCAN_ENDED]))

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for anything; return whether a signal came."""
        if not select.select([self._read], [], [], timeout_s)[0]:
            return False
        return any(byte != _SCAN_ENDED for byte in os.read(self._read, 64))


def _ignore(_number: int, _frame: object) -> None:
    """Leave it to the pipe."""


@contextlib.contextmanager
def leaving_on_a_signal() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the process with status 0, even while LLVM works for seconds."""
    with Wakeups() as wakeups:
        done = threading.Event()

        def leave() -> None:
            if wakeups.wait(None) and not done.is_set():
                os._exit(EXIT_STOPPED)

        thread = threading.Thread(target=leave, name="leave", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            wakeups.scan_ended()
            thread.join()


def _await_first_scan(engine: ScanEngine, wakeups: Wakeups, threads: list[ScanThread]) -> bool:
    """Wait until all have begun and a scan has ended; return True at once when a signal comes."""
    while not all(thread.over or (thread.asked and engine.first_end_ns) for thread in threads):
        if wakeups.wait(_FIRST_SCAN_POLL_S):
            return True
    return False


def task_entries(program: CompiledProgram, project: Project) -> tuple[TaskEntry, ...]:
    """Return the tasks as the image lists them; event and freewheeling ones have no interval."""
    return tuple(
        TaskEntry(
            item.name,
            item.interval_ns if item.kind == plan.CYCLIC else 0,
            tuple((owned.offset, owned.size) for owned in task.exchange.owned),
        )
        for item, task in zip(task_settings(program, project), program.tasks, strict=True)
    )


def directory_of(project: Project, program: CompiledProgram) -> Directory:
    """Return what the image of a project and its program holds."""
    return Directory(
        project=project.config.project.name,
        tasks=task_entries(program, project),
        devices=device_entries(project),
        outputs=program.outputs,
        input_area=program.inputs,
        memory_area=program.memory,
        state_bytes=program.state_size,
        symbols=program.symbols,
        sites=program.sites,
        frame_slots=frame_slots(project, task_entries(program, project), program.state_size),
    )


@contextlib.contextmanager
def alone(image: Path) -> Iterator[None]:
    """Keep a second runtime of the project away: two would drive the same devices.

    Raises:
        HostError: There is one.
    """
    lock = image.with_suffix(".lock")
    try:
        with lock.open("w", encoding="ascii") as file:
            lock.chmod(0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
    except BlockingIOError:
        raise HostError(
            f"{lock}: held by another runtime; expected one runtime for this project"
        ) from None


def remove(image: Image) -> None:
    """Remove the file of an image, unless a newer runtime has replaced it."""
    if image.is_current():
        image.path.unlink(missing_ok=True)


# -- what the log says --------------------------------------------------------------------------


def _build_facts(begun_ns: int) -> dict[str, object]:
    seconds = (time.monotonic_ns() - begun_ns) / 1e9
    compiled = {"numba", "runtime.codegen.module"} & sys.modules.keys()
    start = "cold" if compiled else "warm"
    return {"start": start, "seconds": round(seconds, 3)}


def _report_faults(recorder: FlightRecorder, over: list[ScanThread]) -> int:
    """Say why scans ended without being told to, each fault once; return the exit status."""
    if any(thread.ending is None for thread in over):
        logger.critical("a scan thread failed; this is a defect of Takt")
        return EXIT_DEFECT
    for fault in recorder.fresh_faults():
        place = {"file": fault.site.file, "line": fault.site.line} if fault.site else {}
        facts = {"kind": fault.kind.label, "cycle": fault.cycle, "task": fault.task} | place
        logger.error("fault: %s", fault, extra=facts)
        report = recorder.write(fault, time.time_ns())
        if report is not None:
            logger.info("report of the fault", extra={"file": str(report), "task": fault.task})
    return EXIT_FAULTED


def _report_start(engine: ScanEngine, image: Image, grants: list[realtime.Grant]) -> None:
    for grant in dict.fromkeys(grants):
        logger.log(logging.INFO if grant.granted else logging.WARNING, "real time: %s", grant)
    facts: dict[str, object] = {"pid": os.getpid(), "image": str(image.path)}
    if engine.first_end_ns:
        seconds = (engine.first_end_ns - process_start_ns()) / 1e9
        facts["first_scan_after_s"] = round(seconds, 2)
    logger.info("started", extra=facts)


def _report_stop(image: Image) -> None:
    tasks = image.directory.tasks
    for number, task in enumerate(tasks):
        statistics = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, number))
        lateness, execution = statistics.lateness.copy(), statistics.execution.copy()
        logger.info(
            "stopped" if len(tasks) == 1 else f"stopped: task {task.name}",
            extra={
                "task": task.name,
                "scans": statistics.scans,
                "overruns": statistics.overruns,
                "skipped": statistics.skipped,
                "lateness_ns": {f"p{p:g}": lateness.percentile(p) for p in _PERCENTILES},
                "execution_ns": {f"p{p:g}": execution.percentile(p) for p in _PERCENTILES},
            },
        )


def process_start_ns() -> int:
    """Return when this process was started, on CLOCK_MONOTONIC, to the 10 ms that Linux tells."""
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    since_boot_ns = int(fields[19]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns() - (now_ns - since_boot_ns)
