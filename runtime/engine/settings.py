"""How each task of a program is to run: what the sources say, completed by `takt.toml`.

IEC priorities become SCHED_FIFO priorities in the same order: the most urgent task has the highest
that `[runtime] realtime_priority` permits, the next one that less one, down to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runtime.artifact.program import CompiledProgram, TaskInfo
from runtime.engine import plan
from runtime.project.config import TaskSection
from runtime.project.load import Project


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """How one task runs; durations in ns."""

    name: str
    kind: int
    """CYCLIC, EVENT or FREEWHEELING of `engine.plan`."""
    interval_ns: int
    """Cyclic: from release to release; event: how often the inputs are looked at; freewheeling: the
    pause between two scans."""
    offset_ns: int
    fifo_priority: int
    """0: no real-time scheduling is asked for."""
    cpu: int | None
    watchdog_ns: int
    """Longest execution; 0 for no limit but the loop budget."""
    overruns_max: int
    """Overruns in a row that are a fault; 0 for none."""
    stops_all: bool
    """Whether a fault of it stops the other tasks too."""


BASE_TASK = "base"
"""What the task of the programs without a task is called."""


def task_settings(program: CompiledProgram, project: Project) -> tuple[TaskSettings, ...]:
    """Return the settings of a program's tasks, in their order."""
    sections = {section.name: section for section in project.config.task}
    ranks = sorted({task.priority for task in program.tasks})
    top = project.config.runtime.realtime_priority
    return tuple(
        replace(
            _settings(task, sections.get(task.name), project),
            name=label,
            fifo_priority=max(top - ranks.index(task.priority), 1) if top else 0,
        )
        for task, label in zip(program.tasks, labels(program.tasks), strict=True)
    )


def labels(tasks: Sequence[TaskInfo]) -> tuple[str, ...]:
    """Return what tasks are called: where several resources have one, RESOURCE.TASK."""
    names = [task.name or BASE_TASK for task in tasks]
    return tuple(
        f"{task.resource}.{name}" if task.resource and names.count(name) > 1 else name
        for task, name in zip(tasks, names, strict=True)
    )


def _settings(task: TaskInfo, section: TaskSection | None, project: Project) -> TaskSettings:
    runtime = project.config.runtime
    interval = task.interval_ns
    if section is not None and section.interval is not None:
        interval = section.interval
    kind = plan.CYCLIC
    if task.single is not None:
        kind, interval = plan.EVENT, runtime.base
    elif not interval:
        is_free = section is not None
        kind = plan.FREEWHEELING if is_free else plan.CYCLIC
        interval = section.pause if section is not None else runtime.base
    resources = {item.name.upper(): item.cpu for item in project.config.resource}
    cpu = resources.get(task.resource.upper(), runtime.cpu)
    return TaskSettings(
        name=task.name,
        kind=kind,
        interval_ns=interval,
        offset_ns=section.offset if section is not None else 0,
        fifo_priority=0,
        cpu=section.cpu if section is not None and section.cpu is not None else cpu,
        watchdog_ns=section.watchdog if section is not None else runtime.watchdog,
        overruns_max=section.overruns if section is not None else runtime.overruns,
        stops_all=section is None or section.stop == "all",
    )
