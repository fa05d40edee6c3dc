"""`takt demo`: plant, gateway and runtime under one supervisor, watched for a while."""

import contextlib
import importlib.util
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from runtime.app.demo_project import DemoProject, copy_project
from runtime.app.launch import PYTHON, halves, wait
from runtime.app.monitor import Monitor, Observation
from runtime.app.ports import require_free
from runtime.app.recording import record_line
from runtime.app.supervisor import ChildStatus, Command, Supervisor, spawn_leashed, stop_signals
from runtime.app.tally import LevelTally
from runtime.errors import HostError
from runtime.image.segment import image_path
from runtime.log import JsonFormatter

TICK_S: Final = 0.05
"""Period of looking after the children; the recording has one line every second tick."""
TICKS_A_RECORD: Final = 2
TICKS_A_VIEW: Final = 4
FIRST_SCAN_S_MAX: Final = 60.0
"""Patience with the first compilation on a slow machine."""
CHILDREN: Final = ("plant", "gateway", "runtime")
VARIABLES: Final = tuple(
    f"MAIN.{name}"
    for name in (
        "UPPERLEVEL", "UPPERSETPOINT", "LOWERLEVEL", "LOWERSETPOINT", "UPPERTEMPERATURE",
        "LOWERTEMPERATURE", "TEMPERATURESETPOINT", "INFLOW", "INLETPOSITION", "TRANSFERPOSITION",
        "HEATERPERCENT", "PUMPON", "PUMPRUNS", "HEATERON", "DRAINOPEN", "LEVELALARM", "ALARMS",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the user asked for."""

    seconds: float | None
    """How long to control, counted from the first scan; None until Ctrl-C."""
    record: Path | None
    """Where to write one line of JSON every 100 ms."""
    keep_ports: bool
    """Whether to use the ports of the project file rather than free ones."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a view shows: everything there is to see at one moment."""

    elapsed_s: float
    """Since the first scan; 0 before it."""
    seconds: float | None
    observation: Observation | None
    """None before the first scan."""
    children: Mapping[str, ChildStatus]
    metrics_port: int


@dataclass(frozen=True, slots=True)
class DemoResult:
    """How it went."""

    last: Moment
    tally: LevelTally
    exit_status: int


class View(Protocol):
    """Shows the demo while it runs."""

    def show(self, moment: Moment) -> None:
        """Show a moment; called five times a second."""


def run_demo(options: DemoOptions, view: View) -> DemoResult:
    """Run the demo to its end.

    Raises:
        HostError: Something needed is missing, or a process cannot do its work.
    """
    if importlib.util.find_spec("pymodbus") is None:
        raise HostError(
            "the demo's plant needs pymodbus, which is not installed; "
            "install the extra that brings it: pip install 'taktplc[plant]'"
        )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="takt-demo-")))
        (folder / "project").mkdir()
        demo = copy_project(folder / "project", str(os.getpid()), keep_ports=options.keep_ports)
        if options.keep_ports:
            require_free("device.port", "127.0.0.1", demo.plant_port)
            require_free("metrics.port", "127.0.0.1", demo.metrics_port)
        image = image_path(demo.name)
        for left in (image, image.with_suffix(".lock")):
            stack.callback(left.unlink, missing_ok=True)
        stack.enter_context(_logging_to(folder / "supervisor.log"))
        commands = _commands(demo, folder, stack)
        supervisor = Supervisor(commands, spawn_leashed, time.monotonic, wait)
        monitor = Monitor(image, VARIABLES, time.monotonic_ns)
        stack.callback(monitor.close)
        recording = stack.enter_context(_open_recording(options.record))
        run = _Run(options, demo, supervisor, monitor, recording)
        with stop_signals() as is_stopping, supervisor:
            while not is_stopping() and run.tick(view):
                pass
        return run.result(folder)


def _commands(demo: DemoProject, folder: Path, stack: contextlib.ExitStack) -> tuple[Command, ...]:
    logs = {
        name: stack.enter_context((folder / f"{name}.log").open("ab", buffering=0))
        for name in CHILDREN
    }
    plant = (*PYTHON, "runtime.plant", "two_tanks", "--port", str(demo.plant_port))
    gateway, runtime = halves(demo.project.folder, logs["gateway"], logs["runtime"])
    return (Command("plant", plant, logs["plant"], logs["plant"]), gateway, runtime)


@contextlib.contextmanager
def _logging_to(file: Path) -> Iterator[None]:
    """Keep the supervisor's records out of the live view."""
    handler = logging.FileHandler(file)
    handler.setFormatter(JsonFormatter())
    owner = logging.getLogger("runtime")
    before = owner.handlers, owner.level, owner.propagate
    owner.handlers, owner.propagate = [handler], False
    owner.setLevel(logging.INFO)
    try:
        yield
    finally:
        owner.handlers, owner.level, owner.propagate = before
        handler.close()


@contextlib.contextmanager
def _open_recording(path: Path | None) -> Iterator[IO[str] | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("w", buffering=1)  # whole lines, for whoever reads along
    except OSError as error:
        raise HostError(f"--record {path}: cannot be written ({error.strerror})") from None
    with file:
        yield file


class _Run:
    """The state of a demo between its ticks."""

    def __init__(
        self,
        options: DemoOptions,
        demo: DemoProject,
        supervisor: Supervisor,
        monitor: Monitor,
        recording: IO[str] | None,
    ) -> None:
        self._options = options
        self._metrics_port = demo.metrics_port
        self._supervisor = supervisor
        self._monitor = monitor
        self._recording = recording
        self._begun_s = time.monotonic()
        self._first_scan_s: float | None = None
        self._ticks = 0
        self._tally = LevelTally()
        self._last = self._moment(None)

    def tick(self, view: View) -> bool:
        """Wait for the next tick and do its work; return whether to go on."""
        self._ticks += 1
        wait(max(self._begun_s + self._ticks * TICK_S - time.monotonic(), 0.0))
        if not self._supervisor.step():
            return False
        if self._ticks % TICKS_A_RECORD == 0:
            self._look()
        if self._ticks % TICKS_A_VIEW == 0:
            view.show(self._last)
        if self._first_scan_s is None:
            return time.monotonic() - self._begun_s < FIRST_SCAN_S_MAX
        return self._options.seconds is None or self._last.elapsed_s < self._options.seconds

    def _look(self) -> None:
        observation = self._monitor.observe()
        if observation is not None and self._first_scan_s is None:
            self._first_scan_s = time.monotonic()
        self._last = self._moment(observation or self._last.observation)
        if observation is None:
            return
        values = observation.values
        level, set_point = values["MAIN.LOWERLEVEL"], values["MAIN.LOWERSETPOINT"]
        assert isinstance(level, float)
        assert isinstance(set_point, float)
        disturbed = values["MAIN.DRAINOPEN"] is True
        self._tally.add(observation.time_ns / 1e9, level - set_point, disturbed=disturbed)
        if self._recording is not None:
            self._recording.write(record_line(observation, self._last.children) + "\n")

    def _moment(self, observation: Observation | None) -> Moment:
        first_s = self._first_scan_s
        elapsed_s = 0.0 if first_s is None else time.monotonic() - first_s
        children = {name: self._supervisor.status(name) for name in CHILDREN}
        return Moment(elapsed_s, self._options.seconds, observation, children, self._metrics_port)

    def result(self, folder: Path) -> DemoResult:
        """Return how it went.

        Raises:
            HostError: A process failed for good, or the program never ran.
        """
        failure = self._supervisor.failure
        if failure is not None:
            raise HostError(
                f"{failure.name} ended with status {failure.last_status}:\n"
                + _tail(folder / f"{failure.name}.log")
            )
        if self._last.observation is None and self._ticks * TICK_S >= FIRST_SCAN_S_MAX:
            raise HostError(
                f"no scan within {FIRST_SCAN_S_MAX:g} s:\n" + _tail(folder / "runtime.log")
            )
        return DemoResult(self._last, self._tally, self._supervisor.exit_status)


def _tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a process's log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
