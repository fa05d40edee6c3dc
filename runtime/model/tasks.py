"""TASK of a CONFIGURATION: what releases it, judged here so that the engine can keep it.

The standard lets a task have INTERVAL and SINGLE at once; here it has one of them, as in
`takt.toml`, or neither: then it runs in the base cycle.
"""

from collections.abc import Iterable
from typing import Final

from runtime.datatypes.elementary import BOOL, TIME, UINT
from runtime.limits import TASK_INTERVAL_NS_MAX, TASK_INTERVAL_NS_MIN, TASKS_MAX
from runtime.model.expressions import place_of
from runtime.model.initial import constant_of
from runtime.model.program import Place, Task
from runtime.model.scope import Names, Scope
from runtime.project.units import told_duration
from runtime.source import Span
from runtime.syntax import tree

_PROPERTIES: Final = ("INTERVAL", "SINGLE", "PRIORITY")


def task_of(declaration: tree.TaskDeclaration, resource: str, scope: Scope) -> Task:
    """Return a task without its programs; report properties that it cannot have."""
    given = _properties(declaration, scope.names)
    interval, priority, single = 0, 0, None
    if (value := given.get("INTERVAL")) is not None:
        interval = _interval(value, scope)
    if (value := given.get("PRIORITY")) is not None:
        constant = constant_of(value, UINT, scope)
        priority = int(constant.value) if constant is not None else 0
    if (value := given.get("SINGLE")) is not None:
        single = _single(value, scope)
        if interval:
            text = f"task {declaration.name.name} has INTERVAL and SINGLE"
            hint = "leave one out; two tasks may each run an instance of the same program"
            scope.names.findings.error("ST2024", value.span, text, hint)
    return Task(declaration.name.name, interval, priority, single, (), resource)


def check_names(resources: Iterable[tree.Resource], names: Names) -> None:
    """Report resources, and tasks of one resource, that have the name of an earlier one."""
    given = tuple(resources)
    _check_distinct((item.name for item in given), "a resource", names)
    for item in given:
        own = f"a task of {item.name.name}" if item.name.name else "a task"
        _check_distinct((task.name for task in item.tasks), own, names)


def _check_distinct(given: Iterable[tree.Name], kind: str, names: Names) -> None:
    seen: set[str] = set()
    for name in given:
        key = name.name.upper()
        if key in seen:
            names.findings.error("ST2003", name.span, f"{name.name} is already {kind}")
        seen.add(key)


def check_number(count: int, span: Span, names: Names) -> None:
    """Report that a configuration has more tasks than the engine runs."""
    if count > TASKS_MAX:
        text = f"the configuration has {count} tasks, expected at most {TASKS_MAX}"
        names.findings.error("ST2024", span, text)


def _properties(declaration: tree.TaskDeclaration, names: Names) -> dict[str, tree.Expression]:
    given: dict[str, tree.Expression] = {}
    for name, value in declaration.properties:
        key = name.name.upper()
        if key not in _PROPERTIES:
            text = f"{name.name} is no property of a task"
            names.findings.error("ST2017", name.span, text, "expected INTERVAL, SINGLE or PRIORITY")
        elif key in given:
            names.findings.error("ST4003", name.span, f"{name.name} is given twice")
        else:
            given[key] = value
    return given


def _interval(value: tree.Expression, scope: Scope) -> int:
    """Return an interval in ns, 0 for none; report one that cannot be kept."""
    constant = constant_of(value, TIME, scope)
    interval = 0 if constant is None else int(constant.value)
    if interval and not TASK_INTERVAL_NS_MIN <= interval <= TASK_INTERVAL_NS_MAX:
        text = f"an interval of {told_duration(interval)} cannot be kept"
        shortest, longest = TASK_INTERVAL_NS_MIN // 1000, TASK_INTERVAL_NS_MAX // 3_600_000_000_000
        hint = f"expected T#{shortest}us to T#{longest}h; T#0s, or none, is the base cycle"
        scope.names.findings.error("ST2024", value.span, text, hint)
    return interval


def _single(value: tree.Expression, scope: Scope) -> Place | None:
    place = place_of(value, scope)
    if place is not None and place.type is not BOOL:
        text = f"SINGLE is of type {place.type}, expected a BOOL variable"
        scope.names.findings.error("ST3004", value.span, text)
        return None
    if place is not None and (place.steps or place.bit_steps):
        text = "SINGLE names a variable that stands at a fixed place"
        scope.names.findings.error("ST2009", value.span, text, "expected a constant index")
        return None
    return place
