"""Statements: from the tree to typed nodes. A wrong statement is reported and left out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from runtime.artifact.abi import FaultKind
from runtime.datatypes.derived import Structure, plain_form
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.scalars import Reference
from runtime.model import functions, methods, program
from runtime.model.assignments import assign_value, target_place
from runtime.model.attempts import check_attempt
from runtime.model.coerce import coerce
from runtime.model.constants import fold
from runtime.model.enabling import enabled_form
from runtime.model.expressions import (
    CHECKS,
    check,
    check_as,
    check_condition,
    check_value,
    place_of,
    pointer_of,
)
from runtime.model.program import Assign, Constant, CopyBytes, Place, Statement
from runtime.model.references import refer
from runtime.model.scope import RoutineInfo, Scope, VariableInfo, member_of, part_of
from runtime.model.special_calls import SPECIAL_CALLS
from runtime.syntax import tree


@dataclass(frozen=True, slots=True)
class Body:
    """Where a statement stands: the names it sees and the loops around it."""

    scope: Scope
    loops: tuple[Place | None, ...] = field(default=())
    """The control variables of the loops around, innermost last; None for WHILE and REPEAT."""

    def inside(self, variable: Place | None) -> "Body":
        """Return the body of a loop that stands here."""
        return Body(self.scope, (*self.loops, variable))


def check_statements(nodes: Iterable[tree.Statement], body: Body) -> tuple[Statement, ...]:
    """Return the typed forms of statements."""
    checked = (_CHECKERS[type(node)](node, body) for node in nodes)
    return tuple(item for item in checked if item is not None)


def _assign(node: tree.Assign, body: Body) -> Statement | None:
    enabled = enabled_form(node, body.scope)
    if enabled is not None:
        return _if(enabled, body)
    scope = body.scope
    written = methods.write_property(node.target, node.value, scope, CHECKS)
    if written is not None:
        return program.Evaluate(node.span, written)
    target = target_place(node.target, scope)
    if target is None:
        names_a_place = isinstance(node.value, tree.Name | tree.Member | tree.Index | tree.Deref)
        look = place_of if names_a_place else check
        look(node.value, scope)  # what is wrong on the right side is worth knowing too
        return None
    if target in body.loops:
        text = "the loop's control variable is changed inside the loop"
        scope.names.findings.warning("ST5005", node.span, text, "use EXIT or another variable")
    routine = _aggregate_function(node.value, target, scope)
    if routine is not None:
        return _aggregate_result(node, routine, target, scope)
    return assign_value(target, node.value, node.span, scope)


def _aggregate_function(value: tree.Expression, target: Place, scope: Scope) -> RoutineInfo | None:
    """Return the function that a call names with the target's array or structure as result."""
    if isinstance(target.type, Elementary):
        return None
    if not isinstance(value, tree.Call) or not isinstance(value.callee, tree.Name):
        return None
    routine = scope.names.routines.get(value.callee.name.upper())
    if routine is None or routine.kind != "FUNCTION" or routine.result != plain_form(target.type):
        return None
    return routine


def _aggregate_result(
    node: tree.Assign, routine: RoutineInfo, target: Place, scope: Scope
) -> Statement | None:
    assert isinstance(node.value, tree.Call)
    checked = functions.function_call(node.value, routine, scope, CHECKS)
    if checked is None:
        return None
    outputs = (*checked.outputs, (routine.result_local, target))
    return program.Evaluate(node.span, replace(checked, outputs=outputs))


def _refer(node: tree.Refer, body: Body) -> Statement | None:
    """Return the binding of a REFERENCE TO."""
    scope = body.scope
    pointer = pointer_of(node.target, scope)
    if pointer is None:
        return None
    if not isinstance(pointer.type, Reference):
        text = f"{pointer.type} is no reference; REF= binds a REFERENCE TO"
        scope.names.findings.error("ST3005", node.span, text)
        return None
    if isinstance(node.value, tree.Null):
        return Assign(node.span, pointer, Constant(pointer.type, 0))
    place = place_of(node.value, scope)
    address = None if place is None else refer(place, pointer.type.style, node.value, scope)
    if place is None or address is None:
        return None
    if scope.names.target_of(pointer.type) != place.type:
        text = f"{place.type} cannot be bound to {pointer.type}"
        scope.names.findings.error("ST3001", node.span, text)
        return None
    return Assign(node.span, pointer, address)


def _attempt(node: tree.Attempt, body: Body) -> Statement | None:
    return check_attempt(node, body.scope)


def _call(node: tree.CallStatement, body: Body) -> Statement | None:
    enabled = enabled_form(node, body.scope)
    if enabled is not None:
        return _if(enabled, body)
    scope, call = body.scope, node.call
    assert isinstance(call, tree.Call)
    method = methods.find_method(call.callee, scope, CHECKS)
    if method is not None:
        run = methods.method_call(call, method, scope, CHECKS)
        return None if run is None else program.Evaluate(node.span, run)
    if isinstance(call.callee, tree.Name) and scope.find(call.callee.name) is None:
        return _call_by_name(node, call, call.callee, scope)
    place = place_of(call.callee, scope)
    if place is None:
        return None
    structure = place.type
    block = (
        scope.names.routines.get(structure.name.upper())
        if isinstance(structure, Structure)
        else None
    )
    if block is None:
        text = f"a variable of type {structure} cannot be called"
        scope.names.findings.error("ST4004", call.span, text)
        return None
    return _invoke(node, call, place, block, scope)


def _call_by_name(
    node: tree.CallStatement, call: tree.Call, callee: tree.Name, scope: Scope
) -> Statement | None:
    routine = scope.names.routines.get(callee.name.upper())
    if routine is not None and routine.kind != "FUNCTION":
        kind = routine.kind.lower().replace("_", " ")
        hint = f"declare an instance, my_{callee.name.lower()} : {callee.name}; and call that"
        text = f"{callee.name} is a {kind}, not an instance"
        scope.names.findings.error("ST4004", callee.span, text, hint)
        return None
    if routine is not None:
        called = functions.function_call(call, routine, scope, CHECKS)
        return None if called is None else program.Evaluate(node.span, called)
    special = SPECIAL_CALLS.get(callee.name.upper())
    if special is not None:
        return special(node, call, callee, scope)
    value = check(call, scope)
    if isinstance(value, program.CallFunction | program.CallStandard):
        return program.Evaluate(node.span, value)
    return None


def _invoke(
    node: tree.CallStatement, call: tree.Call, place: Place, block: RoutineInfo, scope: Scope
) -> Statement | None:
    assert block.structure is not None
    scope.routine.calls.add(block.name.upper())
    inputs: list[Assign | CopyBytes] = []
    outputs: list[Assign | CopyBytes] = []
    given = functions.bind_arguments(call, block, scope)
    for variable in block.parameters():
        if variable.section == "VAR_IN_OUT":
            argument = given.pop(variable.name.upper(), None)
            inputs += _bind_in_out(variable, argument, call, place, scope)
    for key, argument in given.items():
        if argument.value is None:
            continue
        part = _instance_part(block, key, place)
        if argument.is_output:
            taken = _take_output(argument, part, block, key, scope)
            outputs += [] if taken is None else [taken]
        else:
            assigned = assign_value(part, argument.value, argument.span, scope)
            inputs += [] if assigned is None else [assigned]
    return program.Invoke(
        node.span, block.name.upper(), block.standard, place, tuple(inputs), tuple(outputs)
    )


def _instance_part(block: RoutineInfo, key: str, place: Place) -> Place:
    """Return the place of a block's variable in an instance."""
    assert block.structure is not None
    member = block.structure.field(key)
    if member is None:  # a located variable of the block: it has an address of its own
        return block.variables[key].place
    return member_of(place, block.structure, member)


def _bind_in_out(
    variable: VariableInfo,
    argument: tree.Argument | None,
    call: tree.Call,
    instance: Place,
    scope: Scope,
) -> list[Assign]:
    """Return what ties a VAR_IN_OUT of an instance to its variable for this call."""
    pointer = variable.place.pointer
    if pointer is None:
        return []  # reported where it is declared
    bounds = [end for pair in variable.place.bounds for end in pair]
    slots = [pointer, *(end.place for end in bounds if isinstance(end, program.Load))]
    values = functions.in_out_argument(variable, argument, call.span, scope, CHECKS)
    bound = []
    for slot, value in zip(slots, values, strict=False):
        if value is not None:
            target = part_of(instance, slot.offset, slot.type, slot.owner)
            bound.append(Assign(call.span, target, value))
    return bound


def _take_output(
    argument: tree.Argument, part: Place, block: RoutineInfo, key: str, scope: Scope
) -> Assign | CopyBytes | None:
    assert argument.value is not None
    target = target_place(argument.value, scope)
    if target is None:
        return None
    if not isinstance(target.type, Elementary) or not isinstance(part.type, Elementary):
        same = functions.output_target(argument, block.variables[key], scope, CHECKS)
        return None if same is None else CopyBytes(argument.span, target, part)
    loaded: program.Expression = program.Load(part.type.plain, part)
    if argument.negated:
        loaded = program.Invert(part.type, loaded)
    value = coerce(loaded, target.type, argument.span, scope.names.findings)
    return None if value is None else Assign(argument.span, target, value)


def _if(node: tree.If, body: Body) -> Statement | None:
    branches = []
    for branch in node.branches:
        condition = check_condition(branch.condition, body.scope, "the condition of IF")
        inner = check_statements(branch.body, body)
        if condition is not None:
            branches.append((condition, inner))
    otherwise = check_statements(node.otherwise, body)
    return program.If(node.span, tuple(branches), otherwise)


def _is_selector(data_type: Elementary) -> bool:
    """Whether CASE can select by a type: integers, bit strings and enumerations."""
    return data_type.is_integer or data_type.is_bits or data_type.kind is Kind.ENUM


def _case(node: tree.Case, body: Body) -> Statement | None:
    scope = body.scope
    selector = check_value(node.selector, scope)
    if selector is not None and not _is_selector(selector.type):
        text = f"the selector of CASE is of type {selector.type}, expected an integer type"
        scope.names.findings.error("ST5003", node.selector.span, text)
        selector = None
    seen: list[tuple[int, int]] = []
    arms = []
    for arm in node.arms:
        ranges = tuple(
            found
            for label in arm.labels
            if (found := _label(label, selector, seen, scope)) is not None
        )
        arms.append((ranges, check_statements(arm.body, body)))
    otherwise = check_statements(node.otherwise, body)
    if selector is None:
        return None
    return program.Case(node.span, selector, tuple(arms), otherwise)


def _label(
    label: tree.Label,
    selector: program.Expression | None,
    seen: list[tuple[int, int]],
    scope: Scope,
) -> tuple[int, int] | None:
    """Return a label's range, after checking that no earlier label covers it (ST5002)."""
    findings = scope.names.findings
    ends = []
    for node in (label.lower, label.upper):
        if node is None:
            continue
        value = check(node, scope) if selector is None else check_as(node, selector.type, scope)
        if value is None:
            return None
        if not isinstance(value, Constant):
            findings.error("ST2009", node.span, "a CASE label must be a constant")
            return None
        ends.append(int(value.value))
    lower, upper = ends[0], ends[-1]
    if upper < lower:
        findings.error("ST5002", label.span, f"the range {lower}..{upper} is empty")
        return None
    if any(lower <= other_upper and other <= upper for other, other_upper in seen):
        text = f"label {lower}" if lower == upper else f"label {lower}..{upper}"
        findings.error("ST5002", label.span, f"{text} repeats a value of an earlier label")
        return None
    seen.append((lower, upper))
    return lower, upper


def _for(node: tree.For, body: Body) -> Statement | None:
    scope = body.scope
    findings = scope.names.findings
    variable = target_place(node.variable, scope)
    data_type = variable.type if variable is not None else None
    if variable is not None and not (isinstance(data_type, Elementary) and data_type.is_integer):
        text = f"the control variable of FOR is of type {data_type}, expected an integer type"
        findings.error("ST5004", node.variable.span, text)
        variable = None
    inner = check_statements(node.body, body.inside(variable))
    if variable is None or not isinstance(data_type, Elementary):
        return None
    first = check_as(node.first, data_type, scope)
    last = check_as(node.last, data_type, scope)
    step = _for_step(node, data_type, scope)
    if first is None or last is None or step is None:
        return None
    site = scope.names.site(FaultKind.WATCHDOG, node.span)
    return program.For(node.span, variable, first, last, step, inner, site)


def _for_step(node: tree.For, data_type: Elementary, scope: Scope) -> program.Expression | None:
    if node.step is None:
        return Constant(data_type, 1)
    step = check_as(node.step, data_type, scope)
    if isinstance(step, Constant) and step.value == 0:
        scope.names.findings.error("ST5006", node.step.span, "a step of 0 never ends the loop")
        return None
    return None if step is None else fold(step)


def _while(node: tree.While, body: Body) -> Statement | None:
    condition = check_condition(node.condition, body.scope, "the condition of WHILE")
    inner = check_statements(node.body, body.inside(None))
    site = body.scope.names.site(FaultKind.WATCHDOG, node.span)
    if condition is None:
        return None
    return program.While(node.span, condition, inner, test_first=True, site=site)


def _repeat(node: tree.Repeat, body: Body) -> Statement | None:
    inner = check_statements(node.body, body.inside(None))
    condition = check_condition(node.condition, body.scope, "the condition of UNTIL")
    site = body.scope.names.site(FaultKind.WATCHDOG, node.span)
    if condition is None:
        return None
    return program.While(node.span, condition, inner, test_first=False, site=site)


def _jump(node: tree.Jump, body: Body) -> Statement | None:
    if node.keyword == "RETURN":
        return program.Return(node.span)
    if not body.loops:
        text = f"{node.keyword} stands outside of a loop"
        body.scope.names.findings.error("ST5001", node.span, text)
        return None
    return program.Exit(node.span) if node.keyword == "EXIT" else program.Continue(node.span)


_CHECKERS: Final[dict[type, Callable[..., Statement | None]]] = {
    tree.Assign: _assign,
    tree.Refer: _refer,
    tree.Attempt: _attempt,
    tree.CallStatement: _call,
    tree.If: _if,
    tree.Case: _case,
    tree.For: _for,
    tree.While: _while,
    tree.Repeat: _repeat,
    tree.Jump: _jump,
}
