"""One PLC upon its image, over all its restarts.

    main thread    waits for SIGTERM, SIGINT, an order or the end of a scan -> on an order to
                   restart: another engine upon the same image; on one to stop: stand with safe
                   outputs until the next; else give the exit status
    scan threads   one a task: ask for real-time priority -> native loop (the wall: no Python from
                   here on); one more watches over execution times where tasks limit theirs

After a fault of the program the process stays, with safe outputs and a beating heart, until it is
told to restart, or to stop with the exit status 3.
"""

import contextlib
import itertools
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runtime.app.control import ControlServer
from runtime.app.flight_recorder import FlightRecorder
from runtime.app.restart import Past
from runtime.app.retention import Keeper
from runtime.app.threads import (
    EXIT_STOPPED,
    ScanThread,
    Wakeups,
    scan_threads,
    watching_threads,
)
from runtime.artifact.program import CompiledProgram
from runtime.engine import plan, realtime
from runtime.engine.modes import Happening, after
from runtime.engine.record import Recorder
from runtime.engine.scan import ScanEngine
from runtime.image.layout import SectionKind
from runtime.image.orders import Order, Restart, Switch
from runtime.image.segment import Image
from runtime.image.statistics import TaskStatistics
from runtime.project.load import Project

logger = logging.getLogger(__name__)

EXIT_DEFECT: Final = 1
EXIT_FAULTED: Final = 3
HASH_EVERY: Final = 100
"""Every so many commits a record holds a hash of the committed state."""
_HEARTBEAT_S: Final = 0.1
_FIRST_SCAN_POLL_S: Final = 0.002
_PERCENTILES: Final = (50, 99, 99.9, 100)


class Plc:
    """One PLC upon its image, over all its restarts; the main thread's business."""

    def __init__(
        self,
        project: Project,
        program: CompiledProgram,
        image: Image,
        kept: Keeper,
        record: Path | None,
    ) -> None:
        """Map the code; `program` has its variables as declared, `kept` the ones to begin with."""
        self._project, self._image = project, image
        self._kept, self._record = kept, record
        self._past = Past(program, image, kept)
        self._engine = ScanEngine(kept.program, project, image)
        self._runs = 0
        self._stood = False

    def serve(self, wakeups: Wakeups, control: ControlServer) -> int:
        """Run, and restart on orders, until a signal comes; return the exit status."""
        wishes = self._project.config.runtime
        with contextlib.ExitStack() as stack:
            grants = []
            if wishes.realtime_priority > 0:
                awake = stack.enter_context(contextlib.closing(realtime.AwakeProcessor()))
                grants.append(awake.grant)
            while True:
                recorded = self._recorded() if self._record else contextlib.nullcontext()
                with recorded:
                    status = self._run(wakeups, control, grants)
                restart = self._ordered(wakeups, control)
                if restart is None:
                    break
                self._prepare_again(restart)
        self._image.mode = after(self._image.mode, Happening.STOPPED)
        _report_stop(self._image)
        return status

    def _run(self, wakeups: Wakeups, control: ControlServer, grants: list[realtime.Grant]) -> int:
        """Scan until a signal or an order comes; no thread scans on return."""
        engine, image = self._engine, self._image
        recorder = FlightRecorder(self._project, self._kept.program, engine)
        if self._project.config.runtime.lock_memory:
            grants = [*grants, realtime.lock_memory(engine.regions)]
        realtime.populate(engine.regions)
        image.mode = after(image.mode, Happening.PREPARED)
        threads, watching = scan_threads(engine, wakeups), watching_threads(engine, wakeups)
        for thread in (*watching, *threads):
            thread.start()
        self._answer(control)
        stopping = _await_first_scan(engine, wakeups, control, threads)
        grants = grants + [item for one in threads for item in one.grants]
        _report_start(engine, image, grants, again=self._runs > 0)
        status = _watch_threads(recorder, image, wakeups, control, threads, stopping=stopping)
        self._ordered_ns, self._mode_before = time.monotonic_ns(), image.mode
        if control.order is Restart.HOT:
            engine.hold_outputs()
        engine.stop()
        for thread in (*threads, *watching):
            thread.join()
        return status

    def _ordered(self, wakeups: Wakeups, control: ControlServer) -> Restart | None:
        """Return the restart that was ordered, None where a signal came; stand until one of both.

        A stop keeps the committed state, and a start goes on with it: it is a hot restart.
        """
        order, image = control.order, self._image
        if order is Switch.STOP:
            image.mode = after(image.mode, Happening.STOPPED)
            facts: dict[str, object] = {"stopped": True, "before": self._mode_before.name}
            logger.info("stopped by an order; the process waits for one to start", extra=facts)
            control.answer(facts)
            self._mode_before, self._stood = image.mode, True
            order = self._stand(wakeups, control)
        return Restart.HOT if isinstance(order, Switch) else order

    def _stand(self, wakeups: Wakeups, control: ControlServer) -> Order | None:
        """Let the heart beat until an order comes; None where a signal comes instead."""
        while (order := control.order) is None:
            self._image.runtime_heartbeat_ns = time.monotonic_ns()
            if wakeups.wait(_HEARTBEAT_S):
                return None
        return order

    def _prepare_again(self, order: Restart) -> None:
        """Put another engine in the place of the one that has ended."""
        ended = self._engine
        stood, self._stood = self._stood or bool(ended.faults), False
        cycle = ended.memory.job_word(0, plan.JOB_CYCLE)
        program = self._past.next_run(order, cycle, stood=stood)
        self._engine = ended.again(program, whole=order is Restart.HOT)
        self._runs += 1

    def _answer(self, control: ControlServer) -> None:
        """Say what became of the order that this run began with, if it began with one."""
        order = control.order
        if order is not None:
            kind = Restart.HOT if isinstance(order, Switch) else order
            facts: dict[str, object] = {
                "restarted": kind.value,
                "before": self._mode_before.name,
                "stood_ms": round((time.monotonic_ns() - self._ordered_ns) / 1e6, 1),
                "frame": self._past.frames_before,
            }
            logger.info("%s restart", kind.value, extra=facts)
            control.answer(facts)

    @contextlib.contextmanager
    def _recorded(self) -> Iterator[None]:
        """Record what the engine does in the block; say at its end whether it is complete.

        Each start has a file of its own: a record begins with the state that it goes on from.
        """
        assert self._record is not None
        path, engine = _unused(self._record), self._engine
        engine.memory.put_word(plan.PLC_HASH_EVERY, HASH_EVERY)
        journal = engine.memory.journal()
        forces = engine.memory.forces
        with Recorder(path, self._kept.program, journal, HASH_EVERY, forces) as recorder:
            yield
        facts = {"file": str(path), "lost_bytes": recorder.lost_bytes}
        if recorder.error is not None:
            logger.error("the record is not complete: %s", recorder.error.strerror, extra=facts)
        else:
            level = logging.WARNING if recorder.lost_bytes else logging.INFO
            logger.log(level, "recorded", extra=facts)


def _unused(wanted: Path) -> Path:
    """Return a file's path or, where it is taken, the first free one of `run-2.rec` and so on."""
    numbered = (wanted.with_name(f"{wanted.stem}-{n}{wanted.suffix}") for n in itertools.count(2))
    return next(path for path in itertools.chain((wanted,), numbered) if not path.exists())


def _watch_threads(
    recorder: FlightRecorder,
    image: Image,
    wakeups: Wakeups,
    control: ControlServer,
    threads: list[ScanThread],
    *,
    stopping: bool,
) -> int:
    """Report the faults until a signal or an order comes; return the exit status."""
    status, reported = EXIT_STOPPED, 0
    while True:
        over = [thread for thread in threads if thread.over]
        if len(over) > reported:
            reported = len(over)
            status = _report_faults(recorder, over) or status
        if stopping or control.order is not None:
            return status
        if len(over) == len(threads):
            image.runtime_heartbeat_ns = time.monotonic_ns()
            stopping = wakeups.wait(_HEARTBEAT_S)
        else:
            stopping = wakeups.wait(None)


def _await_first_scan(
    engine: ScanEngine, wakeups: Wakeups, control: ControlServer, threads: list[ScanThread]
) -> bool:
    """Wait until all have begun and a scan has ended; return True at once when a signal comes.

    An order ends the wait too: a project with nothing but event tasks may wait long.
    """
    while not all(thread.over or (thread.asked and engine.first_end_ns) for thread in threads):
        if wakeups.wait(_FIRST_SCAN_POLL_S):
            return True
        if control.order is not None:
            break
    return False


# -- what the log says --------------------------------------------------------------------------


def _report_faults(recorder: FlightRecorder, over: list[ScanThread]) -> int:
    """Say why scans ended without being told to, each fault once; return the exit status."""
    if any(thread.ending is None for thread in over):
        logger.critical("a scan thread failed; this is a defect of Takt")
        return EXIT_DEFECT
    for fault in recorder.fresh_faults():
        logger.error("fault: %s", fault, extra=fault.facts)
        report = recorder.write(fault, time.time_ns())
        if report is not None:
            logger.info("report of the fault", extra={"file": str(report), "task": fault.task})
    return EXIT_FAULTED


def _report_start(
    engine: ScanEngine, image: Image, grants: list[realtime.Grant], *, again: bool
) -> None:
    for grant in dict.fromkeys(grants if not again else ()):
        logger.log(logging.INFO if grant.granted else logging.WARNING, "real time: %s", grant)
    facts: dict[str, object] = {"pid": os.getpid(), "image": str(image.path)}
    if engine.first_end_ns and not again:
        seconds = (engine.first_end_ns - process_start_ns()) / 1e9
        facts["first_scan_after_s"] = round(seconds, 2)
    logger.info("started", extra=facts)


def _report_stop(image: Image) -> None:
    tasks = image.directory.tasks
    for number, task in enumerate(tasks):
        statistics = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, number))
        times = statistics.times().items()
        logger.info(
            "stopped" if len(tasks) == 1 else f"stopped: task {task.name}",
            extra={
                "task": task.name,
                "scans": statistics.scans,
                "overruns": statistics.overruns,
                "skipped": statistics.skipped,
            }
            | {
                f"{name}_ns": {f"p{p:g}": copy.percentile(p) for p in _PERCENTILES}
                for name, copy in times
            },
        )


def process_start_ns() -> int:
    """Return when this process was started, on CLOCK_MONOTONIC, to the 10 ms that Linux tells."""
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    since_boot_ns = int(fields[19]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return time.monotonic_ns() - (now_ns - since_boot_ns)
