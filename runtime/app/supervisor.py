"""Keep a few named processes running: start in order, restart the dead, stop in reverse order.

    start:  plant ► gateway ► runtime
    stop:   runtime ► gateway ► plant     so the safe outputs still find their way to the device

A child that ends is started again after a delay that doubles from one death to the next and is
short again after a healthy while. A child whose first start ends at once with status 1 or 2 has
found a fault that no restart mends (a project that does not compile, a port in use): the
supervisor gives up. It has no thread: whoever owns it calls `step` often, from the thread that
made it, for a child is tied to that thread's life (see `leash`).
"""

import contextlib
import enum
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Protocol, Self

from runtime.app import leash

logger = logging.getLogger(__name__)

FINAL_STATUSES: Final = frozenset({1, 2})
"""Exit statuses of commands that report a user's fault."""


@dataclass(frozen=True, slots=True)
class Command:
    """A child: its name, its program and arguments (never a shell's line)."""

    name: str
    arguments: tuple[str, ...]
    stdout: IO[bytes] | None = None
    """Where its output goes; None passes it on."""
    stderr: IO[bytes] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is added to the supervisor's own environment."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Patience of the supervisor, in seconds."""

    delay_s_min: float = 0.2
    """Wait before the first restart; it doubles with each further death."""
    delay_s_max: float = 5.0
    healthy_s: float = 10.0
    """A child that lived this long starts with the shortest delay again."""
    first_start_s: float = 8.0
    """A final status within this time of the first start ends the whole."""
    grace_s: float = 5.0
    """Wait after SIGTERM before SIGKILL."""
    settle_s: float = 0.3
    """Wait between the end of one child and SIGTERM to the next: the last outputs travel."""
    poll_s: float = 0.05


class Process(Protocol):
    """What the supervisor needs of a process; `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, None while it runs."""

    def send_signal(self, sig: int) -> None:
        """Send a signal; harmless once the process has ended."""


Spawn = Callable[[Command], Process]


class State(enum.Enum):
    """What a child is doing."""

    RUNNING = "running"
    WAITING = "waiting"
    """For its restart."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """A child as others see it."""

    name: str
    state: State
    pid: int
    """Of the running process, 0 without one."""
    restarts: int
    last_status: int | None
    """Exit status of the last process that ended."""


class _Child:
    def __init__(self, command: Command, policy: Policy) -> None:
        self.command = command
        self.process: Process | None = None
        self.started_s = 0.0
        self.restart_at_s: float | None = None
        self.delay_s = policy.delay_s_min
        self.starts = 0
        self.last_status: int | None = None


class Supervisor:
    """The children of one command. Use as a context manager: leaving it stops them all."""

    def __init__(
        self,
        commands: tuple[Command, ...],
        spawn: Spawn,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        policy: Policy | None = None,
    ) -> None:
        """Take the children in the order of their start; nothing is started yet.

        Args:
            commands: In starting order; they stop in the reverse one.
            spawn: Starts a process, such as `spawn_leashed`.
            clock: Monotonic seconds.
            sleep: Waits for seconds.
            policy: Its patience; None takes the usual one.
        """
        self._spawn = spawn
        self._clock = clock
        self._sleep = sleep
        self._policy = policy or Policy()
        self._children = [_Child(command, self._policy) for command in commands]
        self.failure: ChildStatus | None = None
        """The child that no restart can mend."""
        self.killed: tuple[str, ...] = ()
        """Children that did not stop within the grace time."""

    def start(self) -> None:
        """Start all children."""
        for child in self._children:
            self._start(child)

    def step(self) -> bool:
        """Look after every child once, without waiting.

        Returns:
            Whether to go on: False once a child failed for good.
        """
        for child in self._children:
            if child.process is not None:
                status = child.process.poll()
                if status is not None:
                    self._on_end(child, status)
            elif child.restart_at_s is not None and self._clock() >= child.restart_at_s:
                self._start(child)
        return self.failure is None

    def run(self, is_done: Callable[[], bool]) -> int:
        """Start the children, look after them until `is_done` or a failure, stop them.

        Returns:
            The exit status: that of a child which failed for good or stopped with one of its own,
            such as 3 after a fault of the program; 1 where a child had to be killed; else 0.
        """
        with self:
            while not is_done() and self.step():
                self._sleep(self._policy.poll_s)
        return self.exit_status

    @property
    def exit_status(self) -> int:
        """What the command that owns the supervisor should exit with."""
        if self.failure is not None and self.failure.last_status is not None:
            return self.failure.last_status
        if self.killed:
            return 1
        return max(0, *(child.last_status or 0 for child in self._children))

    def status(self, name: str) -> ChildStatus:
        """Return how a child is."""
        return _status_of(next(child for child in self._children if child.command.name == name))

    def stop(self) -> None:
        """End all children in reverse order, each within the grace time. May be called twice."""
        for child in self._children:
            child.restart_at_s = None
        for child in reversed(self._children):
            if child.process is not None:
                self._stop(child)
                if child is not self._children[0]:
                    self._sleep(self._policy.settle_s)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, child: _Child) -> None:
        child.process = self._spawn(child.command)
        child.started_s = self._clock()
        child.restart_at_s = None
        child.starts += 1
        logger.info("started", extra={"child": child.command.name, "pid": child.process.pid})

    def _on_end(self, child: _Child, status: int) -> None:
        child.process, child.last_status = None, status
        lived_s = self._clock() - child.started_s
        extra = {"child": child.command.name, "status": status, "lived_s": round(lived_s, 3)}
        if child.starts == 1 and status in FINAL_STATUSES and lived_s < self._policy.first_start_s:
            logger.error("ended at its first start, giving up", extra=extra)
            self.failure = _status_of(child)
            return
        if lived_s >= self._policy.healthy_s:
            child.delay_s = self._policy.delay_s_min
        child.restart_at_s = self._clock() + child.delay_s
        logger.warning("ended, starting again", extra=extra | {"in_s": child.delay_s})
        child.delay_s = min(2 * child.delay_s, self._policy.delay_s_max)

    def _stop(self, child: _Child) -> None:
        assert child.process is not None
        child.process.send_signal(signal.SIGTERM)
        status = self._wait(child.process, self._policy.grace_s)
        if status is None:
            logger.error("did not stop, killing it", extra={"child": child.command.name})
            self.killed += (child.command.name,)
            child.process.send_signal(signal.SIGKILL)
            status = self._wait(child.process, self._policy.grace_s)
        child.process, child.last_status = None, status
        logger.info("stopped", extra={"child": child.command.name, "status": status})

    def _wait(self, process: Process, limit_s: float) -> int | None:
        deadline = self._clock() + limit_s
        while (status := process.poll()) is None and self._clock() < deadline:
            self._sleep(self._policy.poll_s)
        return status


def _status_of(child: _Child) -> ChildStatus:
    if child.process is not None:
        state, pid = State.RUNNING, child.process.pid
    else:
        state, pid = State.STOPPED if child.restart_at_s is None else State.WAITING, 0
    restarts = max(child.starts - 1, 0)
    return ChildStatus(child.command.name, state, pid, restarts, child.last_status)


def spawn_leashed(command: Command) -> Process:
    """Start a child that gets SIGTERM when this process ends, in a process group of its own.

    The group keeps a Ctrl-C at the terminal from reaching the children: the supervisor tells them,
    in order.
    """
    assert leash.__file__ is not None
    script = str(Path(leash.__file__))
    return subprocess.Popen(
        [sys.executable, "-I", "-S", script, str(os.getpid()), *command.arguments],
        stdin=subprocess.DEVNULL,
        stdout=command.stdout,
        stderr=command.stderr,
        env={**os.environ, **command.environment},
        process_group=0,
    )


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Catch SIGTERM, SIGINT and SIGHUP; give a function that tells whether one came.

    One that is ignored already (SIGHUP under nohup) stays so.
    """
    came: list[int] = []
    wanted = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    numbers = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda n, _: came.append(n)) for number in numbers}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
