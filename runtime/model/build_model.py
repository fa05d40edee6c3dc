"""From trees to the model: declarations, then bodies, then the order and the whole's layout."""

from dataclasses import replace

from runtime.diagnostics.diagnostic import Findings
from runtime.model.access import expose
from runtime.model.areas import sizes_of_areas
from runtime.model.configure import Layout, lay_out_tasks
from runtime.model.declare import declare_all
from runtime.model.edges import detect_edges, with_edges
from runtime.model.loops import with_counted_loops
from runtime.model.notations import check_body
from runtime.model.program import (
    Base,
    Local,
    Model,
    Place,
    Routine,
)
from runtime.model.retention import check_retention, retained_variables
from runtime.model.scope import Names, RoutineInfo, Scope, VariableInfo
from runtime.model.statements import Body
from runtime.model.units import units_of
from runtime.model.ways import with_ways
from runtime.model.work import Declarations
from runtime.project.plans import TaskPlan
from runtime.syntax import tree


def build_model(
    units: tuple[tree.Unit, ...],
    plans: tuple[TaskPlan, ...] | None,
    areas: dict[str, int],
    findings: Findings,
) -> Model | None:
    """Return the model of a project, or None where anything is wrong.

    Args:
        units: The trees of all sources.
        plans: The tasks; None takes them from the CONFIGURATION, and without one runs all programs
            in one task, in the order of their declaration.
        areas: Bytes of the areas I, Q and M, but for what goes on behind its address.
        findings: Takes what is wrong.
    """
    names = Names(findings, area_sizes=sizes_of_areas(units, areas))
    work = declare_all(units, names)
    routines = _check_bodies(work)
    names.checked = ""
    order = _call_order(names)
    layout = Layout(work)
    configurations = tuple(item for unit in units for item in unit.configurations)
    tasks = lay_out_tasks(plans, configurations, layout)
    check_retention(units, findings)
    expose(configurations, layout)
    if findings.errors:
        return None  # before anything walks through types: a refused one may have no end
    retained = retained_variables(names, list(layout.instances.values()))
    state = bytearray(work.state_end)
    for offset, image in layout.images:
        state[offset : offset + len(image)] = image
    for place, image in work.pokes:
        _poke(state, place, image)
    model = Model(
        {key: routines[key] for key in order},
        tasks,
        tuple(layout.variables),
        bytes(state),
        _area("I", names),
        _area("Q", names),
        _area("M", names),
        tuple(names.sites),
        retained,
        tuple(layout.references),
        units_of(
            names,
            [(instance, info) for instance, info, _ in layout.instances.values()],
            layout.variables,
        ),
    )
    return with_ways(with_counted_loops(model))


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
    declared = work.locals[key]
    locals_ = [Local(item.name, item.type, item.initial, item.by_reference) for item in declared]
    if info.result_local >= 0:
        assert info.result is not None
        locals_.append(Local(info.name, info.result, info.result_image))
    inside = _as_seen_inside(info)
    work.names.checked = info.title
    edges = detect_edges(info)
    body = (*edges, *check_body(info.source, Body(Scope(work.names, inside))))
    given = {"VAR_INPUT", "VAR_IN_OUT"}
    inputs = sum(1 for item in declared if item.section in given)
    outputs = tuple(n for n, item in enumerate(declared) if item.section == "VAR_OUTPUT")
    return Routine(
        key, info.span, info.structure, tuple(locals_), inputs, info.result_local, outputs,
        tuple(work.temporaries[key]), body, info.kind == "METHOD", info.title,
    )  # fmt: skip


def _as_seen_inside(info: RoutineInfo) -> RoutineInfo:
    """Return the function as its own body sees it: its name is also the variable of its result."""
    if info.result is None:
        return with_edges(info)
    place = Place(Base.LOCAL, 0, info.result, local=info.result_local, owner=info.name)
    name = info.result_name or info.name
    variable = VariableInfo(name, "VAR", info.result, place, info.span)
    return replace(info, variables={**info.variables, name.upper(): variable})


def _call_order(names: Names) -> list[str]:
    """Return the routines so that each stands behind those it calls; report recursion (ST4005)."""
    order: list[str] = []
    state: dict[str, int] = {}

    def visit(key: str, chain: tuple[str, ...]) -> None:
        info = names.routines[key]
        if info.source is None or state.get(key) == 1:
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

    for key, info in names.routines.items():
        if info.source is not None:
            visit(key, ())
    return order
