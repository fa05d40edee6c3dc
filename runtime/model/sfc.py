"""Charts (6.7): what a scan does, as statements over the steps' flags and the actions' controls.

A scan takes the four parts of figure 22 and of the rules of evolution (6.7.5) in this order:

1. Steps that were left become inactive, those that were entered active, and times count on.
2. Each action's control works out from the active steps whether the action runs.
3. Actions that end have their final scan, then those that run are run, each in the order of names.
4. Transitions behind active steps are tested, by priority, then in the order of the text. One that
   holds leaves its steps and enters the next: they change at the start of the next scan, so that
   one token moves one step a scan, and a step that is left and entered at once begins anew.

A step that one transition has left gives nothing to the next, so that of several branches one is
taken.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from runtime.artifact import abi
from runtime.datatypes.derived import Structure
from runtime.datatypes.elementary import BOOL, TIME
from runtime.model import program
from runtime.model.assignments import target_place
from runtime.model.expressions import check, check_as, check_condition
from runtime.model.hidden import (
    HIDDEN_SECTION,
    STEP_SECTION,
    control_name,
    step_name,
    target_key,
)
from runtime.model.il import check_result
from runtime.model.program import (
    Assign,
    Base,
    Constant,
    Expression,
    If,
    Load,
    Operate,
    Place,
    Statement,
)
from runtime.model.scope import RoutineInfo, Scope, member_of
from runtime.model.statements import Body
from runtime.source import Span
from runtime.stdlib.charts import ACTION_CONTROL
from runtime.syntax import tree
from runtime.syntax.parser.sfc import TIMED

QUALIFIERS: Final = frozenset({"N", "R", "S", "P", "P0", "P1"}) | TIMED
"""Table 57."""
_NOW: Final = Load(TIME, Place(Base.STATE, abi.NOW_NS, TIME, owner="now"))
_TRUE: Final = Constant(BOOL, value=True)
_FALSE: Final = Constant(BOOL, value=False)
Statements = tuple[Statement, ...]


def action_key(routine: RoutineInfo, action: str) -> str:
    """Return the name of the routine that runs an action."""
    return f"{routine.name.upper()} ACTION {action.upper()}"


def action_routines(pou: tree.Pou, info: RoutineInfo) -> dict[str, RoutineInfo]:
    """Return the routines of a chart's actions: each works on the instance of the chart's unit."""
    if not isinstance(pou.notation, tree.Chart):
        return {}
    found: dict[str, RoutineInfo] = {}
    for item in pou.notation.actions:
        unit = tree.Pou(item.span, "ACTION", item.name, None, (), item.body, item.notation)
        name = f"{info.name}.{item.name.name}"
        action = RoutineInfo(
            name, "ACTION", item.name.span, unit, None, info.variables, info.structure
        )
        found[action_key(info, item.name.name)] = action
        found |= action_routines(unit, action)
    return found


def check_chart(chart: tree.Chart, body: Body) -> Statements:
    """Return the statements of one scan of a chart."""
    scope = body.scope
    if scope.routine.structure is None:
        text = "a function keeps no state, so its body cannot be a chart"
        scope.names.findings.error("ST6005", chart.span, text)
        return ()
    work = _Chart(chart, body, {step.name.name.upper(): step for step in chart.steps})
    _check_beginning(work)
    if not work.is_declared():
        return ()
    uses = _uses(work)
    actions = [_Action(key, items, work) for key, items in sorted(uses.items())]
    _warn_unused(work, uses)
    return (
        *(part for step in chart.steps for part in _advance(step, work)),
        *(part for action in actions for part in action.control()),
        *(part for action in actions for part in action.end()),
        *(part for action in actions for part in action.run()),
        *_transitions(work),
    )


@dataclass(frozen=True, slots=True)
class _Chart:
    chart: tree.Chart
    body: Body
    steps: dict[str, tree.Step]

    @property
    def scope(self) -> Scope:
        return self.body.scope

    @property
    def within(self) -> str:
        """The action that the chart stands in; empty for the chart of a whole body."""
        routine = self.scope.routine
        return routine.name.rpartition(".")[2] if routine.kind == "ACTION" else ""

    def is_declared(self) -> bool:
        """Whether all steps and actions have names of their own; what has not was reported."""
        steps = [(item.name, STEP_SECTION) for item in self.chart.steps]
        actions = [(item.name, HIDDEN_SECTION) for item in self.chart.actions]
        return all(
            (found := self.scope.find(name.name)) is not None and found.section == section
            for name, section in (*steps, *actions)
        )

    def member(self, variable: str, name: str) -> Place:
        """Return the place of a member of a step, a control or an action's flags."""
        found = self.scope.find(variable)
        assert found is not None
        structure = found.place.type
        assert isinstance(structure, Structure)
        member = structure.field(name)
        assert member is not None, (variable, name)
        return member_of(found.place, structure, member)

    def flag(self, variable: str, name: str) -> Load:
        """Return the value of a BOOL member."""
        return Load(BOOL, self.member(variable, name))

    def error(self, code: str, span: Span, text: str, hint: str = "") -> None:
        """Report an error."""
        self.scope.names.findings.error(code, span, text, hint)


def _if(span: Span, condition: Expression, *then: Statement) -> If:
    return If(span, ((condition, then),), ())


def _both(left: Expression, right: Expression, operator: str = "AND") -> Expression:
    return Operate(BOOL, operator, BOOL, left, right)


# -- steps ---------------------------------------------------------------------------------------


def _advance(step: tree.Step, work: _Chart) -> Iterator[Statement]:
    """Yield what makes a step active or inactive and counts its time."""
    span, name = step.name.span, step.name.name
    hidden = step_name(name)
    flag, since = work.member(name, "X"), work.member(hidden, "SINCE")
    entered, left = work.member(hidden, "ENTERED"), work.member(hidden, "LEFT")
    yield _if(span, Load(BOOL, left), Assign(span, flag, _FALSE), Assign(span, left, _FALSE))
    yield _if(
        span,
        Load(BOOL, entered),
        Assign(span, flag, _TRUE),
        Assign(span, since, _NOW),
        Assign(span, entered, _FALSE),
    )
    elapsed = Operate(TIME, "-", TIME, _NOW, Load(TIME, since))
    yield _if(span, Load(BOOL, flag), Assign(span, work.member(name, "T"), elapsed))


def _check_beginning(work: _Chart) -> None:
    """Check that each connected part of the chart has one initial step (ST6001, ST6006)."""
    initial = [step for step in work.chart.steps if step.initial]
    if not initial:
        text = "the chart has no initial step"
        work.error(
            "ST6001",
            work.chart.steps[0].name.span if work.chart.steps else work.chart.span,
            text,
            "write INITIAL_STEP instead of STEP for the first one",
        )
        return
    links = _links(work)
    owner: dict[str, str] = {}
    for step in initial:
        key = step.name.name.upper()
        if key in owner:
            text = f"{step.name.name} is a second initial step; the first is {owner[key]}"
            work.error("ST6001", step.name.span, text, "write STEP instead of INITIAL_STEP")
            continue
        _spread(key, step.name.name, links, owner)
    for key, step in work.steps.items():
        if key not in owner:
            text = f"step {step.name.name} is never active: no transition leads to it"
            work.scope.names.findings.warning("ST6006", step.name.span, text)


def _links(work: _Chart) -> dict[str, set[str]]:
    """Return for each step those that stand at the same transitions."""
    links: dict[str, set[str]] = {key: set() for key in work.steps}
    for transition in work.chart.transitions:
        keys = {item.name.upper() for item in (*transition.sources, *transition.targets)}
        for key in keys & links.keys():
            links[key] |= keys & links.keys()
    return links


def _spread(key: str, name: str, links: dict[str, set[str]], owner: dict[str, str]) -> None:
    waiting = [key]
    while waiting:
        here = waiting.pop()
        if here not in owner:
            owner[here] = name
            waiting += links[here]


# -- transitions -----------------------------------------------------------------------------------


def _transitions(work: _Chart) -> Iterator[Statement]:
    numbered = [item for item in work.chart.transitions if item.priority is not None]
    numbered.sort(key=lambda item: item.priority or 0)
    rest = [item for item in work.chart.transitions if item.priority is None]
    _check_transition_names(work)
    for item in (*numbered, *rest):
        known = [_check_step(name, work) for name in (*item.sources, *item.targets)]
        before, condition = _condition(item, work)
        if condition is None or not all(known):
            continue
        enabled = _enabled([name.name for name in item.sources], work)
        changes = [
            Assign(name.span, work.member(step_name(name.name), member), _TRUE)
            for names, member in ((item.sources, "LEFT"), (item.targets, "ENTERED"))
            for name in names
        ]
        yield _if(item.span, enabled, *before, _if(item.span, condition, *changes))


def _check_transition_names(work: _Chart) -> None:
    seen: set[str] = set()
    for item in work.chart.transitions:
        if item.name is None:
            continue
        if item.name.name.upper() in seen:
            text = f"{item.name.name} is already the name of a transition"
            work.error("ST2003", item.name.span, text)
        seen.add(item.name.name.upper())


def _check_step(name: tree.Name, work: _Chart) -> bool:
    if name.name.upper() in work.steps:
        return True
    close = get_close_matches(name.name.upper(), work.steps, n=1)
    hint = f"did you mean {close[0]}?" if close else f"declare it: STEP {name.name}: END_STEP"
    work.error("ST6002", name.span, f"there is no step {name.name}", hint)
    return False


def _condition(item: tree.Transition, work: _Chart) -> tuple[Statements, Expression | None]:
    what = "the condition of the transition"
    if not isinstance(item.condition, tree.InstructionList):
        return (), check_condition(item.condition, work.scope, what)
    before, result = check_result(item.condition, work.body)
    if result is None:
        return before, None
    return before, check_condition(tree.Given(item.condition.span, result), work.scope, what)


def _enabled(sources: Iterable[str], work: _Chart) -> Expression:
    """Return whether all steps before a transition are active, and none of them left already."""
    enabled: Expression | None = None
    for name in sources:
        stays = program.Invert(BOOL, work.flag(step_name(name), "LEFT"))
        ready = _both(work.flag(name, "X"), stays)
        enabled = ready if enabled is None else _both(enabled, ready)
    assert enabled is not None
    return enabled


# -- actions ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Use:
    """An action block: the step it stands in, and itself."""

    step: tree.Step
    node: tree.Association
    time: Expression | None


def _uses(work: _Chart) -> dict[str, list[_Use]]:
    """Return the checked action blocks by the action they name."""
    uses: dict[str, list[_Use]] = {}
    for step in work.chart.steps:
        for node in step.associations:
            key = target_key(node.action)
            if key is None:
                text = "expected the name of an action or of a variable of type BOOL"
                work.error("ST6003", node.action.span, text)
            elif _check_qualifier(node, work):
                time = None if node.time is None else check_as(node.time, TIME, work.scope)
                uses.setdefault(key, []).append(_Use(step, node, time))
    return uses


def _check_qualifier(node: tree.Association, work: _Chart) -> bool:
    """Check an action block's qualifier (ST6004), its time (ST6007) and its indicators."""
    if node.qualifier not in QUALIFIERS:
        text = f"{node.qualifier} is no qualifier of an action"
        work.error("ST6004", node.span, text, "qualifiers: N, R, S, L, D, P, P0, P1, SD, DS, SL")
        return False
    if node.qualifier in TIMED and node.time is None:
        text = f"qualifier {node.qualifier} needs a time"
        hint = f"write ({node.qualifier}, T#1s)"
        work.error("ST6007", node.span, text, hint)
        return False
    for indicator in node.indicators:
        if isinstance(indicator, tree.Name | tree.Member | tree.Index | tree.Direct):
            if check(indicator, work.scope) is None:
                return False
        else:
            text = f"qualifier {node.qualifier} takes no time"
            if node.qualifier in TIMED:
                text = "expected an indicator variable"
            work.error("ST6007", indicator.span, text)
            return False
    return True


def _warn_unused(work: _Chart, uses: dict[str, list[_Use]]) -> None:
    for action in work.chart.actions:
        if action.name.name.upper() not in uses:
            text = f"action {action.name.name} stands in no step and never runs"
            work.scope.names.findings.warning("ST6008", action.name.span, text)


@dataclass(slots=True)
class _Action:
    """What one action does in a scan: a routine to call, or a BOOL variable to set."""

    key: str
    uses: list[_Use]
    work: _Chart
    span: Span = field(init=False)
    routine: RoutineInfo | None = field(init=False)
    variable: Place | None = field(init=False)

    def __post_init__(self) -> None:
        scope = self.work.scope
        self.span = self.uses[0].node.action.span
        self.routine = scope.names.routines.get(action_key(scope.routine, self.key))
        self.variable = None
        if self.routine is not None:
            scope.routine.calls.add(action_key(scope.routine, self.key))
        else:
            self.variable = self._checked_variable()

    def _checked_variable(self) -> Place | None:
        """Return the BOOL variable that is the action, or report that there is none (ST6003)."""
        node, scope = self.uses[0].node.action, self.work.scope
        if isinstance(node, tree.Name) and scope.find(node.name) is None:
            actions = [item.name.name.upper() for item in self.work.chart.actions]
            close = get_close_matches(self.key, [*actions, *scope.routine.variables], n=1)
            hint = (
                f"did you mean {close[0]}?" if close else f"write ACTION {node.name}: … END_ACTION"
            )
            text = f"there is no action and no variable {node.name}"
            self.work.error("ST6003", node.span, text, hint)
            return None
        place = target_place(node, scope)
        if place is None or place.type is BOOL:
            return place
        text = f"{self.key} is of type {place.type}, expected an action or a BOOL variable"
        self.work.error("ST6003", node.span, text)
        return None

    def control(self) -> Iterator[Statement]:
        """Yield the inputs of the control, from the steps' flags, and its call."""
        work, name = self.work, control_name(self.work.within, self.key)
        held: dict[str, Expression] = {}
        for use in self.uses:
            qualifier = use.node.qualifier
            active: Expression = work.flag(use.step.name.name, "X")
            held[qualifier] = _both(held[qualifier], active, "OR") if qualifier in held else active
            if use.time is not None:
                target = work.member(name, f"{qualifier}_TIME")
                yield _if(use.node.span, active, Assign(use.node.span, target, use.time))
        for qualifier, active in held.items():
            yield Assign(self.span, work.member(name, qualifier), active)
        control = work.scope.find(name)
        assert control is not None
        yield program.Invoke(self.span, ACTION_CONTROL.name, ACTION_CONTROL, control.place, (), ())
        if self.routine is not None:
            for flag in ("Q", "A"):
                yield Assign(self.span, work.member(self.key, flag), work.flag(name, flag))

    def end(self) -> Iterator[Statement]:
        """Yield the final scan, or the fall of the variable."""
        name = control_name(self.work.within, self.key)
        if self.routine is not None:
            yield _if(self.span, self.work.flag(name, "ENDS"), self._call())
        elif self.variable is not None:
            fall = Assign(self.span, self.variable, _FALSE)
            yield _if(self.span, self.work.flag(name, "DROPS"), fall)

    def run(self) -> Iterator[Statement]:
        """Yield a scan in which the action runs, or the rise of the variable."""
        runs = self.work.flag(control_name(self.work.within, self.key), "RUNS")
        if self.routine is not None:
            yield _if(self.span, runs, self._call())
        elif self.variable is not None:
            yield _if(self.span, runs, Assign(self.span, self.variable, _TRUE))

    def _call(self) -> Statement:
        scope = self.work.scope
        structure = scope.routine.structure
        assert structure is not None
        here = Place(Base.SELF, 0, structure)
        return program.Invoke(self.span, action_key(scope.routine, self.key), None, here, (), ())
