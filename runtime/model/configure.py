"""Tasks and program instances: from a CONFIGURATION, from `takt.toml`, or from the programs alone.

Tasks stand in the order in which they run when they are released together: by priority (0 first),
then by declaration. Programs without a task make up the last one, which runs in every base cycle.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from runtime.artifact.program import CONSTANT, Retention
from runtime.datatypes.derived import align, plain_form
from runtime.datatypes.elementary import BOOL, Elementary
from runtime.limits import STATE_BYTES_MAX
from runtime.model import functions, program
from runtime.model.addresses import address_place, pokes_at
from runtime.model.assignments import assign_value, target_place
from runtime.model.hidden import HIDDEN_SECTION
from runtime.model.initial import initial_bytes
from runtime.model.places import member_place
from runtime.model.program import (
    Base,
    Instance,
    Place,
    Statement,
    Task,
    Variable,
)
from runtime.model.retention import retention_of
from runtime.model.scope import Names, RoutineInfo, Scope, TypeInfo
from runtime.model.tasks import check_names, check_number, task_of
from runtime.model.types import resolve_type
from runtime.model.work import Declarations, report_size
from runtime.project.plans import TaskPlan
from runtime.source import PROJECT_FILE, Span
from runtime.syntax import tree

_NOWHERE: Final = Span(0, 0, 0)
LAST_PRIORITY: Final = 1 << 16
"""Priority of the programs without a task: behind every task."""


@dataclass(slots=True)
class Layout:
    """What is gathered while instances are laid out."""

    work: Declarations
    variables: list[Variable] = field(default_factory=list)
    images: list[tuple[int, bytes]] = field(default_factory=list)
    """Initial bytes and where in the state they go; later ones win."""
    instances: dict[str, tuple[Instance, RoutineInfo, Retention]] = field(default_factory=dict)
    """With what is said of each instance as a whole."""
    references: list[int] = field(default_factory=list)
    """Offsets that references of the instances refer to from the start."""


def lay_out_tasks(
    plans: tuple[TaskPlan, ...] | None,
    configurations: tuple[tree.Configuration, ...],
    layout: Layout,
) -> tuple[Task, ...]:
    """Return the tasks with their instances laid out in the state."""
    names = layout.work.names
    layout.variables += [
        Variable(item.name.upper(), item.place, CONSTANT if item.constant else "")
        for item in names.globals.values()
    ]
    if plans is not None:
        if configurations:
            text = "the tasks of takt.toml are used, not those of the CONFIGURATION"
            names.findings.warning("ST2018", configurations[0].name.span, text)
        tasks = _planned(plans, layout)
    elif configurations:
        for extra in configurations[1:]:
            text = "a project has one CONFIGURATION"
            names.findings.error("ST2003", extra.name.span, text)
        tasks = _configured(configurations[0], layout)
    else:
        tasks = _planned((TaskPlan("MAIN", _all_programs(names)),), layout)
    if layout.work.state_end > STATE_BYTES_MAX:
        size = layout.work.state_end
        report_size("the whole program", size, STATE_BYTES_MAX, _NOWHERE, names.findings)
    return tasks


def _all_programs(names: Names) -> tuple[str, ...]:
    programs = tuple(info.name for info in names.routines.values() if info.kind == "PROGRAM")
    if not programs:
        text, hint = "there is no PROGRAM to run", "declare PROGRAM MAIN … END_PROGRAM"
        names.findings.error("ST2012", _NOWHERE, text, hint)
    return programs


def _planned(plans: tuple[TaskPlan, ...], layout: Layout) -> tuple[Task, ...]:
    tasks: list[Task] = []
    for plan in plans:
        instances = []
        for at, name in enumerate(plan.programs):
            span = Span(PROJECT_FILE, len(tasks), at)
            info = _program(name, span, layout.work.names, f"task {plan.name} runs")
            if info is not None and info.name.upper() in layout.instances:
                text = f"task {plan.name} runs program {name}, which is listed before"
                hint = "a program of takt.toml is one instance; a CONFIGURATION can have several"
                layout.work.names.findings.error("ST2003", span, text, hint)
            elif info is not None:
                instances.append(_instance(info.name, info, layout))
        tasks.append(Task(plan.name, plan.interval_ns, plan.priority, None, tuple(instances)))
    tasks = [
        task if plan.single is None else replace(task, single=_trigger(plan, number, layout))
        for number, (task, plan) in enumerate(zip(tasks, plans, strict=True))
    ]
    return tuple(sorted(tasks, key=lambda task: task.priority))


def _trigger(plan: TaskPlan, number: int, layout: Layout) -> Place | None:
    """Return the BOOL that releases a task by its path, or report that there is none (ST2017)."""
    assert plan.single is not None
    wanted = plan.single.upper()
    place = next((item.place for item in layout.variables if item.path == wanted), None)
    if place is None or place.type is not BOOL:
        kind = "no variable" if place is None else f"of type {place.type}"
        text = f"task {plan.name}: single = {plan.single} is {kind}"
        hint = "expected the path of a BOOL such as MAIN.START"
        layout.work.names.findings.error("ST2017", Span(PROJECT_FILE, number, 0), text, hint)
    return place


def _program(name: str, span: Span, names: Names, what: str) -> RoutineInfo | None:
    info = names.routines.get(name.upper())
    if info is not None and info.kind == "PROGRAM":
        return info
    known = [item.name for item in names.routines.values() if item.kind == "PROGRAM"]
    hint = f"declared programs: {', '.join(known) or 'none'}"
    names.findings.error("ST2011", span, f"{what} program {name}, which is not declared", hint)
    return None


def _instance(
    name: str, info: RoutineInfo, layout: Layout, word: Retention = Retention.UNSAID
) -> Instance:
    """Give a program instance its place in the state and its names in the symbol table."""
    assert info.structure is not None
    offset = align(layout.work.state_end, 64)
    layout.work.state_end = offset + info.structure.size
    layout.images.append((offset, info.initial))
    for at, target in info.relocations:
        layout.images.append((offset + at, (offset + target).to_bytes(8, "little")))
        layout.references.append(offset + target)
    path = name.upper()
    for key, item in info.variables.items():
        if item.section in {"VAR_TEMP", "VAR_EXTERNAL", "VAR_GLOBAL", HIDDEN_SECTION}:
            continue
        place = item.place
        if place.base is Base.SELF:
            place = Place(Base.STATE, offset + place.offset, place.type, owner=place.owner)
        direction = CONSTANT if item.constant else ""
        layout.variables.append(Variable(f"{path}.{key}", place, direction))
    instance = Instance(path, info.name.upper(), offset, (), ())
    layout.instances[path] = (instance, info, word)
    return instance


# -- CONFIGURATION ------------------------------------------------------------------------------


def _configured(configuration: tree.Configuration, layout: Layout) -> tuple[Task, ...]:
    tasks: list[tuple[Task, list[str]]] = []
    loose: list[str] = []
    connections: dict[str, tuple[list[Statement], list[Statement]]] = {}
    check_names(configuration.resources, layout.work.names)
    for resource in configuration.resources:
        own: dict[str, list[str]] = {}
        for declaration in resource.tasks:
            members = own.setdefault(declaration.name.name.upper(), [])
            task = task_of(declaration, resource.name.name, layout.work.scope_of())
            tasks.append((task, members))
        for item in resource.programs:
            members = loose if item.task is None else _members(item.task, own, layout.work.names)
            _configured_program(item, members, connections, layout)
    _configure_variables(configuration, connections, layout)
    done = [
        replace(task, instances=_linked(members, connections, layout)) for task, members in tasks
    ]
    check_number(len(done) + bool(loose), configuration.name.span, layout.work.names)
    if loose:
        done.append(Task("", 0, LAST_PRIORITY, None, _linked(loose, connections, layout)))
    return tuple(sorted(done, key=lambda task: task.priority))


def _members(task: tree.Name, own: dict[str, list[str]], names: Names) -> list[str]:
    members = own.get(task.name.upper())
    if members is None:
        text = f"there is no task {task.name}"
        hint = f"declared tasks: {', '.join(own) or 'none'}"
        names.findings.error("ST2017", task.span, text, hint)
        return []
    return members


def _linked(
    members: list[str],
    connections: dict[str, tuple[list[Statement], list[Statement]]],
    layout: Layout,
) -> tuple[Instance, ...]:
    linked = []
    for name in members:
        instance, _, _ = layout.instances[name]
        before, after = connections[name]
        linked.append(
            Instance(instance.name, instance.routine, instance.offset, tuple(before), tuple(after))
        )
    return tuple(linked)


def _configured_program(
    item: tree.ProgramInstance,
    members: list[str],
    connections: dict[str, tuple[list[Statement], list[Statement]]],
    layout: Layout,
) -> None:
    names = layout.work.names
    info = _program(item.type.name, item.type.span, names, f"{item.name.name} is")
    if info is None:
        return
    key = item.name.name.upper()
    if key in layout.instances:
        text = f"{item.name.name} is already a program instance"
        names.findings.error("ST2003", item.name.span, text)
        return
    word = retention_of((item.retention,))
    instance = _instance(item.name.name, info, layout, word)
    members.append(key)
    connections[key] = _connect(item, info, instance, layout)


def _connect(
    item: tree.ProgramInstance, info: RoutineInfo, instance: Instance, layout: Layout
) -> tuple[list[Statement], list[Statement]]:
    """Return the assignments before and after each run: inputs from, outputs to globals."""
    scope = layout.work.scope_of()
    before: list[Statement] = []
    after: list[Statement] = []
    call = tree.Call(item.span, item.type, item.connections)
    for key, argument in functions.bind_arguments(call, info, scope).items():
        place = instance_place(info, instance, key)
        if argument.value is None:
            continue
        if argument.is_output:
            target = target_place(argument.value, scope)
            if target is not None:
                after += _copied(target, place, argument.span, scope)
        else:
            statement = assign_value(place, argument.value, argument.span, scope)
            before += [] if statement is None else [statement]
    return before, after


def instance_place(info: RoutineInfo, instance: Instance, key: str) -> Place:
    """Return where a variable of a program instance stands."""
    place = info.variables[key].place
    if place.base is not Base.SELF:
        return place
    return Place(Base.STATE, instance.offset + place.offset, place.type, owner=place.owner)


def _copied(target: Place, source: Place, span: Span, scope: Scope) -> list[Statement]:
    if plain_form(target.type) != plain_form(source.type):
        text = f"{source.type} does not convert to {target.type} by itself"
        scope.names.findings.error("ST3001", span, text)
        return []
    if isinstance(source.type, Elementary):
        return [program.Assign(span, target, program.Load(source.type.plain, source))]
    return [program.CopyBytes(span, target, source)]


# -- VAR_CONFIG ---------------------------------------------------------------------------------


def _configure_variables(
    configuration: tree.Configuration,
    connections: dict[str, tuple[list[Statement], list[Statement]]],
    layout: Layout,
) -> None:
    for block in configuration.blocks:
        if block.section == "VAR_CONFIG":
            for variable in block.variables:
                _configure(variable, connections, layout)


def _configure(
    variable: tree.Variable,
    connections: dict[str, tuple[list[Statement], list[Statement]]],
    layout: Layout,
) -> None:
    """Give one variable of an instance its initial value or its address."""
    work = layout.work
    parts = [part.upper() for part in variable.name.split(".")]
    at = next((n for n, part in enumerate(parts[:2]) if part in layout.instances), None)
    if at is None:
        text = f"{variable.name} names no program instance"
        work.names.findings.error("ST2017", variable.span, text)
        return
    place = _path_place(parts[at:], variable.span, layout)
    resolved = resolve_type(variable.type, work.scope_of(), work)
    if place is None or resolved is None:
        return
    if resolved.type != place.type:
        text = f"{variable.name} is of type {place.type}, not {resolved.type}"
        work.names.findings.error("ST3001", variable.span, text)
        return
    image: bytes | None = None
    if variable.initial is not None:
        image = initial_bytes(variable.initial, resolved.type, resolved.initial, work.scope_of())
        layout.images.append((place.offset, image or resolved.initial))
    if variable.address is not None:
        located = _attach(variable, place, resolved, connections[parts[at]], work)
        if located is not None and image is not None:
            work.pokes += pokes_at(located, TypeInfo(resolved.type, image))


def _path_place(parts: list[str], span: Span, layout: Layout) -> Place | None:
    instance, info, _ = layout.instances[parts[0]]
    scope = layout.work.scope_of()
    declared = info.variables.get(parts[1]) if len(parts) > 1 else None
    if declared is None:
        text = f"{info.name} has no variable {parts[1] if len(parts) > 1 else ''}"
        scope.names.findings.error("ST2006", span, text)
        return None
    place: Place | None = instance_place(info, instance, parts[1])
    for part in parts[2:]:
        place = None if place is None else member_place(place, part, span, scope, inside=True)
    return place


def _attach(
    variable: tree.Variable,
    place: Place,
    resolved: TypeInfo,
    statements: tuple[list[Statement], list[Statement]],
    work: Declarations,
) -> Place | None:
    """Tie a variable declared with %I* or %Q* to its address: copied before or after each run.

    Returns where the address stands.
    """
    assert variable.address is not None
    located = address_place(variable, resolved, work)
    if located is None:
        return None
    scope = work.scope_of()
    before, after = statements
    letter = variable.address.text[1].upper()
    if letter in {"I", "M"}:
        before += _copied(place, located, variable.span, scope)
    if letter in {"Q", "M"}:
        after += _copied(located, place, variable.span, scope)
    return located
