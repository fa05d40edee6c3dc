"""What a program's scans will take on this processor, and whether its tasks fit in its time."""

import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from runtime.app.ready import ready
from runtime.app.simulate import CompiledStepper
from runtime.artifact import abi
from runtime.artifact.program import CompiledProgram, TaskPath
from runtime.engine import plan
from runtime.engine.settings import labels, task_settings
from runtime.limits import LOOP_BUDGET
from runtime.prebuilt import Request
from runtime.project.load import Project
from runtime.source import Source
from runtime.timing.schedule import Load, Response, responses, utilisation

OVERHEAD_NS: Final = 20_000.0
"""What the engine adds to a scan: waking up, inputs, copies, publication; no more on any machine
that was measured, states of 1 MB apart."""
REFERENCE_NS: Final = 79_000
"""Time that the yardstick takes on the processor for which `runtime.timing.path` gives costs."""
_RUNS: Final = 20
_CONTEXT: Final = struct.Struct("<qQqII")
_YARDSTICK: Final = """
PROGRAM Yardstick
VAR i : INT; n : UDINT; x : REAL; w : ARRAY [0..63] OF UDINT; r : ARRAY [0..63] OF REAL; END_VAR
FOR i := 1 TO 20000 DO
  n := (n * 75 + 74) MOD 65537;
  w[n MOD 64] := w[(n / 64) MOD 64] + n;
  IF n > 30000 THEN x := x * 0.5 + 1.0; ELSE x := x / 3.0 - 1.0; END_IF;
  r[n MOD 64] := x;
END_FOR;
END_PROGRAM
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """How long scans of a task took, in ns."""

    median_ns: int
    p999_ns: int
    maximum_ns: int


@dataclass(frozen=True, slots=True)
class TaskTiming:
    """All that is known of a task's time on this processor."""

    path: TaskPath
    estimate_ns: float
    """The longest path, scaled to this processor."""
    response: Response | None
    """None for a task without an interval: it has no deadline."""
    is_bounded: bool = True
    """Whether no loop of unknown length is in it, or in a task that may keep it waiting."""

    @property
    def fits(self) -> bool | None:
        """Whether each scan ends before the next release; None where that cannot be told."""
        if self.response is None or not self.response.fits:
            return None if self.response is None else False
        return True if self.is_bounded else None


def processor_factor() -> float:
    """Return how many times longer this processor takes than the reference one."""
    program = ready(Request((Source("yardstick", _YARDSTICK),), "yardstick")).program
    assert program is not None
    stepper = CompiledStepper(program)
    taken = [_scan_ns(stepper, 0, number) for number in range(1, _RUNS + 1)]
    return min(time_ns for time_ns in taken if time_ns is not None) / REFERENCE_NS


def timings(
    program: CompiledProgram,
    factor: float,
    project: Project | None = None,
    measured: Sequence[Measured | None] = (),
) -> tuple[TaskTiming, ...]:
    """Return the timing of each task of a program.

    They share one processor, unless the project pins each of them to one.

    Args:
        program: Whose tasks.
        factor: From `processor_factor`.
        project: Says how long the base cycle is, without which programs without a task have none,
            and which tasks are pinned.
        measured: Of each task: a scan takes no less than most of those did, whatever its estimate,
            which counts a loop of unknown length once.
    """
    periods, processors = _periods(program, project), _processors(program, project)
    paths = [
        replace(path, task=label)
        for path, label in zip(program.paths, labels(program.tasks), strict=True)
    ]
    least = [item.median_ns if item else 0 for item in measured] or [0] * len(paths)
    loads = {
        number: Load(path.task, period, max(path.ns * factor, least[number]), task.priority)
        for number, (task, path, period) in enumerate(
            zip(program.tasks, paths, periods, strict=True)
        )
        if period
    }
    found: dict[int, Response] = {}
    for processor in set(processors):
        own = {n: load for n, load in loads.items() if processors[n] == processor}
        found |= zip(own, responses(tuple(own.values()), OVERHEAD_NS), strict=True)
    places = [(task.priority, where) for task, where in zip(program.tasks, processors, strict=True)]
    open_ended = [place for place, path in zip(places, paths, strict=True) if path.unbounded]
    return tuple(
        TaskTiming(
            path, path.ns * factor, found.get(number),
            is_bounded=not any(other <= rank and at == where for other, at in open_ended),
        )
        for number, (path, (rank, where)) in enumerate(zip(paths, places, strict=True))
    )  # fmt: skip


def _processors(program: CompiledProgram, project: Project | None) -> list[int | None]:
    """Return the processor of each task where all are pinned, else None for each."""
    if project is None:
        return [None] * len(program.tasks)
    pinned = [item.cpu for item in task_settings(program, project)]
    return [None] * len(pinned) if None in pinned else pinned


def _periods(program: CompiledProgram, project: Project | None) -> list[int]:
    """Return how far apart the releases of each task are, 0 where nothing says so."""
    if project is None:
        return [task.interval_ns for task in program.tasks]
    return [
        item.interval_ns if item.kind == plan.CYCLIC else 0
        for item in task_settings(program, project)
    ]


def processor_use(all_timings: Sequence[TaskTiming]) -> float:
    """Return the share of one processor that the tasks with intervals take."""
    loads = [item.response.load for item in all_timings if item.response is not None]
    return utilisation(loads, OVERHEAD_NS)


def warnings(program: CompiledProgram, project: Project | None = None) -> Iterator[str]:
    """Yield a sentence for each task that may miss its releases."""
    if not any(_periods(program, project)):
        return
    for item in timings(program, processor_factor(), project):
        if item.response is not None and not item.response.fits:
            yield (
                f"task {item.path.task}: may miss its releases: a scan may take "
                f"{item.estimate_ns / 1e6:.2f} ms by estimate, {_in_words(item.response)}; "
                f"expected an end within its interval of {item.response.load.period_ns / 1e6:g} ms"
            )


def measure(program: CompiledProgram, scans: int) -> tuple[Measured | None, ...]:
    """Run a program's tasks one after another, `scans` times, and return what each took.

    Inputs stay as they are initially: paths that they would lead into are not measured. A task that
    faults runs no further, and is not measured.
    """
    stepper = CompiledStepper(program)
    taken: dict[int, list[int]] = {task: [] for task in range(len(program.tasks))}
    for number in range(1, scans + 1):
        for task in tuple(taken):
            time_ns = _scan_ns(stepper, task, number)
            if time_ns is None:
                del taken[task]
            else:
                taken[task].append(time_ns)
    return tuple(
        _measured(sorted(taken[task])) if task in taken else None
        for task in range(len(program.tasks))
    )


def _measured(values: list[int]) -> Measured:
    return Measured(values[len(values) // 2], values[len(values) * 999 // 1000], values[-1])


def _scan_ns(stepper: CompiledStepper, task: int, number: int) -> int | None:
    """Return how long a scan took, None where it ended with a fault."""
    _CONTEXT.pack_into(
        stepper.state, abi.NOW_NS, number * 10_000_000, number, LOOP_BUDGET, abi.FaultKind.NONE, 0
    )
    begun = time.perf_counter_ns()
    fault = stepper.run_task(task)
    taken = time.perf_counter_ns() - begun
    return None if fault else taken


def _in_words(response: Response) -> str:
    if response.response_ns is None:
        return "and tasks of its priority or above leave it no time"
    return f"{response.response_ns / 1e6:.2f} ms with tasks of its priority or above"
