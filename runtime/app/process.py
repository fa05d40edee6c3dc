"""The runtime process: build the program, create the image, scan until told to stop.

    main thread   build -> image -> waits for SIGTERM, SIGINT or the end of the scan -> clean up
    scan thread   asks for real-time priority -> native loop (the wall: no Python from here on)

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
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from runtime.app import timing
from runtime.artifact.program import CompiledProgram
from runtime.build import build_project
from runtime.diagnostics.diagnostic import caret_view
from runtime.engine import realtime
from runtime.engine.scan import Ending, ScanEngine
from runtime.errors import Fault, HostError, ProjectError
from runtime.image.directory import Directory, TaskEntry, device_entries
from runtime.image.layout import Mode, SectionKind
from runtime.image.segment import Image, create_image, image_path
from runtime.image.statistics import TaskStatistics
from runtime.project.config import RuntimeSection
from runtime.project.load import FILE_NAME, Project, load_project

logger = logging.getLogger(__name__)

EXIT_STOPPED: Final = 0
EXIT_COMPILE_ERRORS: Final = 1
EXIT_DEFECT: Final = 1
EXIT_FAULTED: Final = 3
SCAN_THREAD: Final = "takt-scan"
"""Name of the scan thread as the machine shows it."""
_SCAN_ENDED: Final = 0
"""The byte in the wake-up pipe that stands for the end of the scan; the others are signals."""
_HEARTBEAT_S: Final = 0.1
_FIRST_SCAN_POLL_S: Final = 0.002
_PERCENTILES: Final = (50, 99, 99.9, 100)


def check_tasks(project: Project) -> None:
    """Make sure that this version can run the project's tasks.

    Raises:
        ProjectError: There is more than one.
    """
    names = [task.name for task in project.config.task]
    if len(names) > 1:
        fault = Fault("task", ", ".join(names), "one task: several are not supported for now")
        raise ProjectError(str(project.folder / FILE_NAME), (fault,))


def run(path: Path) -> int:
    """Build a project and run it until SIGTERM or SIGINT; return the exit status.

    Findings go to stderr with a view of the source; errors among them end it with status 1.

    Args:
        path: The project's folder, or its `takt.toml`.

    Raises:
        TaktError: The project is faulty, runs already, or the machine refuses the image.
    """
    begun_ns = time.monotonic_ns()
    project = load_project(path)
    check_tasks(project)
    compilation = build_project(project)
    for finding in compilation.findings:
        sys.stderr.write(caret_view(finding, compilation.sources) + "\n")
    if compilation.program is None:
        return EXIT_COMPILE_ERRORS
    return serve(project, compilation.program, begun_ns)


def serve(project: Project, program: CompiledProgram, begun_ns: int) -> int:
    """Run a compiled program until SIGTERM or SIGINT; return the exit status.

    Call it in the main thread: it takes the two signals over while it runs.

    Args:
        project: One task; its devices and addresses.
        program: What `runtime.build` made of its sources.
        begun_ns: CLOCK_MONOTONIC when the build began, for the log.

    Raises:
        ProjectError: The project has several tasks.
        HostError: The project runs already, or the image cannot be created.
    """
    check_tasks(project)
    path = image_path(project.config.project.name)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone(path))
        wakeups = stack.enter_context(Wakeups())
        image = stack.enter_context(
            create_image(
                path, directory_of(project, program), program.layout_hash, time.monotonic_ns()
            )
        )
        stack.callback(_remove, image)
        engine = ScanEngine(program, project, image)
        for sentence in timing.warnings(program):
            logger.warning(sentence)
        logger.info("built", extra=_build_facts(begun_ns))
        return _scan_until_stopped(engine, image, wakeups, project.config.runtime)


def _scan_until_stopped(
    engine: ScanEngine, image: Image, wakeups: "Wakeups", wishes: RuntimeSection
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
        thread = ScanThread(engine, wishes, wakeups)
        thread.start()
        stopping = _await_first_scan(engine, wakeups, thread)
        _report_start(engine, image, grants + thread.grants)
        while not (stopping or thread.over):
            stopping = wakeups.wait(None)
        status = EXIT_STOPPED
        if thread.over:
            status = _report_fault(engine, thread)
            while not stopping:
                image.runtime_heartbeat_ns = time.monotonic_ns()
                stopping = wakeups.wait(_HEARTBEAT_S)
        engine.stop()
        thread.join()
    image.mode = Mode.STOPPED
    _report_stop(image)
    return status


class ScanThread(threading.Thread):
    """The scan: prepares its own thread, then calls native code once."""

    def __init__(self, engine: ScanEngine, wishes: RuntimeSection, wakeups: "Wakeups") -> None:
        """Take what it runs and asks for; `wakeups` hears of its end."""
        super().__init__(name="scan")
        self._engine, self._wishes, self._wakeups = engine, wishes, wakeups
        self.grants: list[realtime.Grant] = []
        """Complete once the first scan ended."""
        self.over = False
        """Whether the scan ended by itself or by request; set before `wakeups` hears of it."""
        self.ending: Ending | None = None

    def run(self) -> None:
        """Scan; every signal is another thread's business."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        realtime.name_thread(SCAN_THREAD)
        try:
            self.grants.append(realtime.sharpen_timers())
            if self._wishes.cpu is not None:
                self.grants.append(realtime.pin_to(self._wishes.cpu))
            if self._wishes.realtime_priority > 0:
                self.grants.append(realtime.schedule_fifo(self._wishes.realtime_priority))
            self.ending = self._engine.run()
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


def _await_first_scan(engine: ScanEngine, wakeups: Wakeups, thread: ScanThread) -> bool:
    """Wait for the end of the first scan; return True at once when a signal comes before it."""
    while engine.first_end_ns == 0 and not thread.over:
        if wakeups.wait(_FIRST_SCAN_POLL_S):
            return True
    return False


def directory_of(project: Project, program: CompiledProgram) -> Directory:
    """Return what the image of a project and its program holds."""
    return Directory(
        project=project.config.project.name,
        tasks=tuple(TaskEntry(task.name, task.interval) for task in project.config.task),
        devices=device_entries(project),
        outputs=program.outputs,
        state_bytes=program.state_size,
        symbols=program.symbols,
        sites=program.sites,
    )


@contextlib.contextmanager
def _alone(image: Path) -> Iterator[None]:
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


def _remove(image: Image) -> None:
    if image.is_current():
        image.path.unlink(missing_ok=True)


# -- what the log says --------------------------------------------------------------------------


def _build_facts(begun_ns: int) -> dict[str, object]:
    seconds = (time.monotonic_ns() - begun_ns) / 1e9
    compiled = {"numba", "runtime.codegen.module"} & sys.modules.keys()
    start = "cold" if compiled else "warm"
    return {"start": start, "seconds": round(seconds, 3)}


def _report_fault(engine: ScanEngine, thread: ScanThread) -> int:
    """Say once why the scan ended without being told to; return the exit status."""
    fault = engine.fault
    if thread.ending is not Ending.FAULTED or fault is None:
        logger.critical("the scan thread failed; this is a defect of Takt")
        return EXIT_DEFECT
    place = {"file": fault.site.file, "line": fault.site.line} if fault.site else {}
    facts = {"kind": fault.kind.label, "cycle": fault.cycle} | place
    logger.error("fault: %s", fault, extra=facts)
    return EXIT_FAULTED


def _report_start(engine: ScanEngine, image: Image, grants: list[realtime.Grant]) -> None:
    for grant in grants:
        logger.log(logging.INFO if grant.granted else logging.WARNING, "real time: %s", grant)
    facts: dict[str, object] = {"pid": os.getpid(), "image": str(image.path)}
    if engine.first_end_ns:
        seconds = (engine.first_end_ns - process_start_ns()) / 1e9
        facts["first_scan_after_s"] = round(seconds, 2)
    logger.info("started", extra=facts)


def _report_stop(image: Image) -> None:
    statistics = TaskStatistics(image.section(SectionKind.TASK_STATISTICS))
    lateness, execution = statistics.lateness.copy(), statistics.execution.copy()
    logger.info(
        "stopped",
        extra={
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
