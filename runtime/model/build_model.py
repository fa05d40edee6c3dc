"""From trees to the model: declarations, then bodies, then the order and the whole's layout."""

from collections.abc import Iterable
from dataclasses import dataclass

from runtime.datatypes.derived import align
from runtime.diagnostics.diagnostic import Findings
from runtime.limits import STATE_BYTES_MAX
from runtime.model.declare import Declarations, declare_all
from runtime.model.program import (
    Base,
    Instance,
    Local,
    Model,
    Place,
    Routine,
    Task,
    Variable,
)
from runtime.model.scope import Names, RoutineInfo, Scope, VariableInfo
from runtime.model.statements import Body, check_statements
from runtime.source import Span
from runtime.syntax import tree


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task and the names of the programs it runs, each as an instance of its own name."""

    name: str
    programs: tuple[str, ...]


def build_model(
    units: tuple[tree.Unit, ...],
    plans: tuple[TaskPlan, ...] | None,
    areas: dict[str, int],
    findings: Findings,
) -> Model | None:
    """Return the model of a project, or None where anything is wrong.

    Args:
        units: The trees of all sources.
        plans: The tasks; None runs all programs in one task, in the order of their declaration.
        areas: Bytes of the areas I, Q and M.
        findings: Takes what is wrong.
    """
    names = Names(findings, area_sizes=areas)
    work = declare_all(units, names)
    routines = _check_bodies(work)
    order = _call_order(names, work)
    tasks, variables, images = _instances(plans, work)
    if findings.errors:
        return None
    state = bytearray(work.state_end)
    for offset, image in images:
        state[offset : offset + len(image)] = image
    for place, image in work.pokes:
        _poke(state, place, image)
    return Model(
        {key: routines[key] for key in order},
        tasks,
        variables,
        bytes(state),
        _area("I", names),
        _area("Q", names),
        _area("M", names),
        tuple(names.sites),
    )


def _area(letter: str, names: Names) -> tuple[int, int]:
    return names.area_offsets[letter], names.area_sizes[letter]


def _poke(state: bytearray, place: Place, image: bytes) -> None:
    if place.bit < 0:
        state[place.offset : place.offset + len(image)] = image
    elif image[0]:
        state[place.offset] |= 1 << place.bit
    else:
        state[place.offset] &= ~(1 << place.bit)


def _check_bodies(work: Declarations) -> dict[str, Routine]:
    return {
        key: _routine(key, info, work)
        for key, info in work.names.routines.items()
        if info.source is not None
    }


def _routine(key: str, info: RoutineInfo, work: Declarations) -> Routine:
    assert info.source is not None
    scope = Scope(work.names, info)
    declared = work.locals[key]
    locals_ = [Local(item.name, item.type, image) for item, image in declared]
    result = -1
    if info.kind == "FUNCTION" and info.result is not None:
        result = len(locals_)
        locals_.append(Local(info.name, info.result, bytes(info.result.size)))
        scope = Scope(work.names, _with_result(info, result))
    body = check_statements(info.source.body, Body(scope))
    inputs = sum(1 for item, _ in declared if item.section == "VAR_INPUT")
    outputs = tuple(
        number for number, (item, _) in enumerate(declared) if item.section == "VAR_OUTPUT"
    )
    return Routine(
        key, info.span, info.structure, tuple(locals_), inputs, result, outputs,
        tuple(work.temporaries[key]), body,
    )  # fmt: skip


def _with_result(info: RoutineInfo, number: int) -> RoutineInfo:
    """Return the function as its own body sees it: its name is also the variable of its result."""
    assert info.result is not None
    place = Place(Base.LOCAL, 0, info.result, local=number, owner=info.name)
    variable = VariableInfo(info.name, "VAR", info.result, place, info.span)
    variables = {**info.variables, info.name.upper(): variable}
    return RoutineInfo(
        info.name, info.kind, info.span, info.source, None, variables, None, b"", info.result,
        info.calls,
    )  # fmt: skip


def _call_order(names: Names, work: Declarations) -> list[str]:
    """Return the routines so that each stands behind those it calls; report recursion (ST4005)."""
    order: list[str] = []
    state: dict[str, int] = {}

    def visit(key: str, chain: tuple[str, ...]) -> None:
        info = names.routines[key]
        if info.standard is not None or state.get(key) == 1:
            return
        if state.get(key) == 0:
            ring = " calls ".join((*chain[chain.index(key) :], key))
            text = f"recursion: {ring}"
            names.findings.error("ST4005", info.span, text)
            return
        state[key] = 0
        for callee in sorted(info.calls):
            visit(callee, (*chain, key))
        state[key] = 1
        order.append(key)

    for key in work.routine_trees:
        if key in names.routines:
            visit(key, ())
    return order


def _instances(
    plans: tuple[TaskPlan, ...] | None, work: Declarations
) -> tuple[tuple[Task, ...], tuple[Variable, ...], list[tuple[int, bytes]]]:
    names = work.names
    if plans is None:
        programs = [info.name for info in _programs(names)]
        if not programs:
            text = "there is no PROGRAM to run"
            names.findings.error(
                "ST2012", Span(0, 0, 0), text, "declare PROGRAM MAIN … END_PROGRAM"
            )
        plans = (TaskPlan("MAIN", tuple(programs)),)
    variables = [Variable(item.name.upper(), item.place) for item in names.globals.values()]
    images: list[tuple[int, bytes]] = []
    tasks = []
    for plan in plans:
        instances = []
        for program in plan.programs:
            info = names.routines.get(program.upper())
            if info is None or info.kind != "PROGRAM":
                _report_program(plan, program, names)
                continue
            instances.append(_instance(info, work, variables, images))
        tasks.append(Task(plan.name, tuple(instances)))
    if work.state_end > STATE_BYTES_MAX:
        text = f"the program takes {work.state_end} bytes, at most {STATE_BYTES_MAX} are possible"
        names.findings.error("ST2014", Span(0, 0, 0), text)
    return tuple(tasks), tuple(variables), images


def _programs(names: Names) -> Iterable[RoutineInfo]:
    return (info for info in names.routines.values() if info.kind == "PROGRAM")


def _report_program(plan: TaskPlan, program: str, names: Names) -> None:
    known = ", ".join(info.name for info in _programs(names)) or "none"
    text = f"task {plan.name} runs program {program}, which is not declared"
    names.findings.error("ST2011", Span(0, 0, 0), text, f"declared programs: {known}")


def _instance(
    info: RoutineInfo,
    work: Declarations,
    variables: list[Variable],
    images: list[tuple[int, bytes]],
) -> Instance:
    assert info.structure is not None
    offset = align(work.state_end, 64)
    work.state_end = offset + info.structure.size
    images.append((offset, info.initial))
    name = info.name.upper()
    for key, item in info.variables.items():
        if item.section in {"VAR_TEMP", "VAR_EXTERNAL", "VAR_GLOBAL"}:
            continue
        place = item.place
        if place.base is Base.SELF:
            place = Place(Base.STATE, offset + place.offset, place.type, owner=place.owner)
        variables.append(Variable(f"{name}.{key}", place))
    return Instance(name, name, offset)
