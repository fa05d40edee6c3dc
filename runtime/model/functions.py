"""Calls of a user's functions and blocks: which argument is whose, and what is handed over."""

from runtime.datatypes.derived import Array, DataType, OpenArray, plain_form
from runtime.datatypes.elementary import BOOL, LINT, Elementary
from runtime.datatypes.scalars import Reference
from runtime.datatypes.texts import Text
from runtime.limits import BITS_GIVEN_MAX
from runtime.model.checks import Checks
from runtime.model.coerce import coerce
from runtime.model.constants import fold
from runtime.model.lineage import interface_value, lifted_reference, upcast
from runtime.model.program import AddressOf, CallFunction, Constant, Expression, Place
from runtime.model.scope import RoutineInfo, Scope, VariableInfo
from runtime.model.texts import text_constant
from runtime.source import Span
from runtime.syntax import tree


def check_function(
    node: tree.Call, routine: RoutineInfo, scope: Scope, checks: Checks
) -> Expression | None:
    """Return the call of a user's function that has a single value."""
    call = function_call(node, routine, scope, checks)
    if not isinstance(routine.result, Elementary):
        what = "no result" if routine.result is None else f"a result of type {routine.result}"
        text = f"function {routine.name} has {what}, not a single value"
        scope.names.findings.error("ST3010", node.span, text)
        return None
    return call


def function_call(
    node: tree.Call, routine: RoutineInfo, scope: Scope, checks: Checks
) -> CallFunction | None:
    """Return the call of a user's function; inputs left out have their initial values."""
    scope.routine.calls.add(routine.name.upper())
    given = bind_arguments(node, routine, scope)
    arguments: list[Expression | None] = []
    for variable in routine.parameters():
        argument = given.pop(variable.name.upper(), None)
        if variable.section == "VAR_IN_OUT":
            arguments += in_out_argument(variable, argument, node.span, scope, checks)
        else:
            arguments.append(_input(variable, argument, node.span, scope, checks))
    outputs = _output_places(given, routine, scope, checks)
    complete = [item for item in arguments if item is not None]
    if len(complete) != len(arguments) or outputs is None:
        return None
    result = routine.result if isinstance(routine.result, Elementary) else BOOL
    inverted = frozenset(
        routine.variables[key].place.local for key, argument in given.items() if argument.negated
    )
    return CallFunction(
        node.span, result.plain, routine.name.upper(), tuple(complete), outputs, inverted=inverted
    )


def _input(
    variable: VariableInfo,
    argument: tree.Argument | None,
    span: Span,
    scope: Scope,
    checks: Checks,
) -> Expression | None:
    findings = scope.names.findings
    given = argument.value if argument is not None else None
    if not isinstance(variable.type, Elementary):
        if given is None:
            text = f"input {variable.name} of type {variable.type} must be given"
            findings.error("ST4008", span, text)
            return None
        place = checks.place(given, scope)
        return None if place is None else _handed_over(place, variable, given.span, scope)
    if given is None:
        if isinstance(variable.type, Text):
            return variable.value or text_constant("", variable.type.name)
        return variable.value or Constant(variable.type, variable.type.fit(0))
    if isinstance(variable.type, Reference) and variable.type.style == "INTERFACE":
        return interface_value(given, variable.type, scope, checks)
    value = checks.value(given, scope)
    if value is not None and isinstance(variable.type, Reference):
        value = lifted_reference(value, variable.type, scope.names)
    converted = value and coerce(value, variable.type, given.span, findings)
    return fold(converted) if converted is not None else None


def _handed_over(
    place: Place, variable: VariableInfo, span: Span, scope: Scope
) -> AddressOf | None:
    """Return an array, structure or variable as an argument, of exactly the parameter's type."""
    lifted = upcast(place, variable.type, scope.names)
    if lifted is not None:
        return AddressOf(LINT, lifted)
    form = plain_form(place.type)
    if form == variable.type and variable.section == "VAR_INPUT" and _is_short(place.type):
        return AddressOf(LINT, place)
    if form != place.type and (form == variable.type or isinstance(variable.type, OpenArray)):
        text = f"{place.type} cannot be given for {variable.name}: it lies as devices see it"
        hint = f"assign it to a variable of type {form}, and give that"
        scope.names.findings.error("ST4007", span, text, hint)
        return None
    if place.type != variable.type and not _opens(place, variable):
        text = f"{variable.name} is of type {variable.type}, {place.type} cannot be given"
        scope.names.findings.error("ST3001", span, text)
        return None
    if place.bit >= 0:
        text = f"a single bit cannot be given for {variable.name}: it has no address of its own"
        scope.names.findings.error("ST4007", span, text)
        return None
    return AddressOf(LINT, place)


def _is_short(data_type: DataType) -> bool:
    """Whether an array of bits may be copied on the stack."""
    return isinstance(data_type, Array) and data_type.count <= BITS_GIVEN_MAX


def _opens(place: Place, variable: VariableInfo) -> bool:
    """Whether an array can stand for an ARRAY [*]."""
    wanted, given = variable.type, place.type
    if not isinstance(wanted, OpenArray):
        return False
    if isinstance(given, OpenArray):
        return given == wanted
    return (
        isinstance(given, Array)
        and len(given.bounds) == wanted.dimensions
        and given.element == wanted.element
    )


def in_out_argument(
    variable: VariableInfo,
    argument: tree.Argument | None,
    span: Span,
    scope: Scope,
    checks: Checks,
) -> list[Expression | None]:
    """Return what is handed over for a VAR_IN_OUT: where it stands and, for ARRAY [*], bounds."""
    findings = scope.names.findings
    if argument is None or argument.value is None:
        text = f"the in-out {variable.name} must be given"
        findings.error("ST4008", span, text)
        return [None]
    root = argument.value
    while isinstance(root, tree.Member | tree.Index):
        root = root.object
    known = scope.find(root.name) if isinstance(root, tree.Name) else None
    if known is not None and known.constant:
        findings.error("ST3005", argument.span, f"{known.name} is CONSTANT, an in-out may change")
        return [None]
    place = checks.place(argument.value, scope)
    address = None if place is None else _handed_over(place, variable, argument.span, scope)
    if address is None or place is None or not isinstance(variable.type, OpenArray):
        return [address]
    ends: list[Expression | None] = [address]
    for lower, upper in bounds_of(place):
        ends += [lower, upper]
    return ends


def bounds_of(place: Place) -> tuple[tuple[Expression, Expression], ...]:
    """Return the bounds of an array as expressions of type LINT."""
    if place.bounds:
        return place.bounds
    assert isinstance(place.type, Array)
    return tuple(
        (Constant(LINT, lower), Constant(LINT, upper)) for lower, upper in place.type.bounds
    )


def bind_arguments(node: tree.Call, routine: RoutineInfo, scope: Scope) -> dict[str, tree.Argument]:
    """Return arguments by the name (upper case) of their parameter; positions name inputs."""
    findings = scope.names.findings
    inputs = routine.parameters()
    bound: dict[str, tree.Argument] = {}
    for number, argument in enumerate(node.arguments):
        if argument.name is None:
            if number >= len(inputs):
                text = f"{routine.name} has {len(inputs)} inputs, this is argument {number + 1}"
                findings.error("ST4002", argument.span, text)
                continue
            key = inputs[number].name.upper()
        else:
            key = routine.member_key(argument.name)
        variable = routine.variables.get(key)
        wanted = ("VAR_OUTPUT",) if argument.is_output else ("VAR_INPUT", "VAR_IN_OUT")
        if variable is None or variable.section not in wanted:
            _report_parameter(argument, routine, wanted, scope)
        elif key in bound:
            findings.error("ST4003", argument.span, f"{variable.name} is given twice")
        else:
            bound[key] = argument
    return bound


def _report_parameter(
    argument: tree.Argument, routine: RoutineInfo, wanted: tuple[str, ...], scope: Scope
) -> None:
    noun = "output" if "VAR_OUTPUT" in wanted else "input"
    known = [item.name for item in routine.variables.values() if item.section in wanted]
    hint = f"its {noun}s are {', '.join(known)}" if known else f"it has no {noun}s"
    text = f"{routine.name} has no {noun} {argument.name}"
    scope.names.findings.error("ST4001", argument.span, text, hint)


def _output_places(
    given: dict[str, tree.Argument], routine: RoutineInfo, scope: Scope, checks: Checks
) -> tuple[tuple[int, Place], ...] | None:
    outputs = []
    for key, argument in given.items():
        if not argument.is_output or argument.value is None:
            continue
        place = output_target(argument, routine.variables[key], scope, checks)
        if place is None or not _can_negate(argument, routine.variables[key], scope):
            return None
        outputs.append((routine.variables[key].place.local, place))
    return tuple(outputs)


def _can_negate(argument: tree.Argument, output: VariableInfo, scope: Scope) -> bool:
    """Whether `NOT name => place` has a meaning, which it has for a BOOL; reports where not."""
    if not argument.negated or output.type is BOOL:
        return True
    text = f"output {output.name} is of type {output.type}; only a BOOL can be taken negated"
    scope.names.findings.error("ST3002", argument.span, text)
    return False


def _same_texts(left: DataType, right: DataType) -> bool:
    """Whether both are strings of one width."""
    if not (isinstance(left, Text) and isinstance(right, Text)):
        return False
    return left.name == right.name


def output_target(
    argument: tree.Argument, output: VariableInfo, scope: Scope, checks: Checks
) -> Place | None:
    """Return what `name => place` assigns: of the output's type, or any string of its width."""
    assert argument.value is not None
    place = checks.place(argument.value, scope)
    if place is None:
        return None
    if plain_form(place.type) != output.type and not _same_texts(place.type, output.type):
        text = f"output {output.name} is of type {output.type}, {place.type} cannot take it"
        scope.names.findings.error("ST4007", argument.span, text)
        return None
    return place
