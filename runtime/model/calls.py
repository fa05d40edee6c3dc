"""Calls: standard functions, conversions by name, a user's functions; and their arguments."""

from difflib import get_close_matches

from runtime.datatypes.elementary import ELEMENTARY, LREAL, Elementary, Kind, common_type
from runtime.model.checks import Checks
from runtime.model.coerce import coerce, is_free, settle
from runtime.model.constants import fold
from runtime.model.named_conversions import check_conversion, short_spelling
from runtime.model.named_operators import (
    OPERATORS,
    TIME_OPERATORS,
    check_invert,
    check_operator,
    check_time_operator,
)
from runtime.model.program import (
    CallFunction,
    CallStandard,
    Constant,
    Convert,
    Expression,
    Place,
)
from runtime.model.scope import RoutineInfo, Scope, VariableInfo
from runtime.source import Span
from runtime.stdlib.declare import StandardFunction, in_generic, is_generic
from runtime.stdlib.library import FUNCTIONS
from runtime.syntax import tree


def standard_call(
    name: str, data_type: Elementary, arguments: tuple[Expression, ...]
) -> Expression:
    """Return a call of a standard function on arguments of the right types."""
    return fold(CallStandard(data_type, FUNCTIONS[name], arguments))


def report_unknown(name: str, span: Span, scope: Scope) -> None:
    """Report a name that means nothing (ST2001), or one that means something else here."""
    key, names = name.upper(), scope.names
    if key in names.routines:
        kind = names.routines[key].kind.lower().replace("_", " ")
        text, hint = f"{name} is a {kind}, expected a variable", ""
        if kind == "function block":
            hint = f"declare an instance of it: my_{name.lower()} : {name};"
        names.findings.error("ST3010", span, text, hint)
        return
    known = [*scope.routine.variables, *names.globals, *names.routines]
    close = get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "declare it in a VAR section"
    names.findings.error("ST2001", span, f"{name} is not declared", hint)


def check_call(node: tree.Call, scope: Scope, checks: Checks) -> Expression | None:
    """Return a call that has a value."""
    if not isinstance(node.callee, tree.Name):
        scope.names.findings.error("ST3010", node.span, "a function block's call has no value")
        return None
    name, key = node.callee.name, node.callee.name.upper()
    routine = scope.names.routines.get(key)
    is_variable = scope.find(name) is not None and key != scope.routine.name.upper()
    if is_variable or (routine is not None and routine.kind != "FUNCTION"):
        hint = f"call it as a statement, then read {name}.Q or another output"
        text = f"the call of {name} has no value: it is no function"
        scope.names.findings.error("ST3010", node.span, text, hint)
        return None
    if routine is not None:
        return check_function(node, routine, scope, checks)
    if key in FUNCTIONS:
        return _standard(node, FUNCTIONS[key], scope, checks)
    return _derived(node, key, scope, checks)


def _derived(node: tree.Call, key: str, scope: Scope, checks: Checks) -> Expression | None:
    """Return a call by a name that follows a rule: operators, typed functions, conversions."""
    assert isinstance(node.callee, tree.Name)
    if key in OPERATORS:
        return check_operator(node, key, None, scope, checks)
    if key in TIME_OPERATORS:
        return check_time_operator(node, TIME_OPERATORS[key], scope, checks)
    stem, _, suffix = short_spelling(key).rpartition("_")
    forced = ELEMENTARY.get(suffix)
    if forced is not None and stem in OPERATORS:
        return check_operator(node, stem, forced, scope, checks)
    if forced is not None and stem == "NOT":
        return check_invert(node, forced, scope, checks)
    if forced is not None and stem in FUNCTIONS and stem != "TRUNC":
        return _standard(node, FUNCTIONS[stem], scope, checks, forced)
    known, conversion = check_conversion(node, key, scope, checks)
    if not known:
        report_unknown_function(node.callee, scope)
    return conversion


def report_unknown_function(callee: tree.Name, scope: Scope) -> None:
    """Report a call of something that is not declared (ST2005)."""
    known = [*FUNCTIONS, *OPERATORS, *scope.names.routines]
    close = get_close_matches(callee.name.upper(), known, n=1)
    hint = f"did you mean {close[0]}?" if close else ""
    text = f"there is no function or function block instance {callee.name}"
    scope.names.findings.error("ST2005", callee.span, text, hint)


def _standard(
    node: tree.Call,
    function: StandardFunction,
    scope: Scope,
    checks: Checks,
    forced: Elementary | None = None,
) -> Expression | None:
    """Return a standard function's call; `forced` is what its generic types stand for."""
    bound = _bind_standard(node, function, scope, checks)
    if bound is None:
        return None
    values, spans = bound
    types = _generic_types(node, function, values, scope) if forced is None else None
    if forced is not None and all(
        in_generic(item.type, forced) for item in function.parameters if is_generic(item.type)
    ):
        types = {item.type: forced for item in function.parameters if is_generic(item.type)}
    if types is None:
        if forced is not None and isinstance(node.callee, tree.Name):
            report_unknown_function(node.callee, scope)
        return None
    arguments = []
    for number, (value, span) in enumerate(zip(values, spans, strict=True)):
        parameter = function.parameters[min(number, len(function.parameters) - 1)]
        target = types.get(parameter.type) or ELEMENTARY[parameter.type]
        converted = _convert_argument(value, target, span, scope, is_free=parameter.type == "LREAL")
        if converted is None:
            return None
        arguments.append(fold(converted))
    result = types.get(function.result) or ELEMENTARY[function.result]
    free = forced is None and _depends_on_literals(function, values)
    return CallStandard(result, function, tuple(arguments), free)


def _depends_on_literals(function: StandardFunction, values: list[Expression]) -> bool:
    """Whether the result's type comes from untyped constants alone: SEL(g, 1.5, 2.5)."""
    last = len(function.parameters) - 1
    deciding = [
        value
        for number, value in enumerate(values)
        if function.parameters[min(number, last)].type == function.result
    ]
    return is_generic(function.result) and all(is_free(item) for item in deciding)


def _convert_argument(
    value: Expression, target: Elementary, span: Span, scope: Scope, *, is_free: bool
) -> Expression | None:
    """Convert an argument; a number parameter of fixed wide type takes any number (EXPT, SHL)."""
    wide_count = target.name in {"ULINT", "LINT"} and value.type.is_integer
    if (is_free and value.type.is_number) or wide_count:
        plain = settle(value, span, scope.names.findings)
        return None if plain is None else _as(target, plain)
    return coerce(value, target, span, scope.names.findings)


def _as(target: Elementary, value: Expression) -> Expression:
    return value if value.type is target else Convert(target, value)


def _bind_standard(
    node: tree.Call, function: StandardFunction, scope: Scope, checks: Checks
) -> tuple[list[Expression], list[Span]] | None:
    """Return the arguments in the parameters' order, by position or by name."""
    findings = scope.names.findings
    names = [parameter.name for parameter in function.parameters]
    slots: dict[int, tree.Argument] = {}
    for number, argument in enumerate(node.arguments):
        at = number
        if argument.name is not None:
            key = argument.name.upper()
            at = names.index(key) if key in names else _extended(function, key)
        if at < 0 or (at >= len(names) and not function.extensible):
            text = f"{function.name} has no input {argument.name or f'number {number + 1}'}"
            findings.error("ST4001", argument.span, text, f"its inputs are {', '.join(names)}")
            return None
        slots[at] = argument
    if sorted(slots) != list(range(max(len(names), len(slots)))):
        text = f"{function.name} needs {len(names)} arguments: {', '.join(names)}"
        findings.error("ST4002", node.span, text)
        return None
    values, spans = [], []
    for at in sorted(slots):
        node_value = slots[at].value
        value = checks.value(node_value, scope) if node_value is not None else None
        if value is None:
            return None
        values.append(value)
        spans.append(slots[at].span)
    return values, spans


def _extended(function: StandardFunction, key: str) -> int:
    """Return the place of a repeated input: IN3 of MIN is number 2; -1 where it is none."""
    last = function.parameters[-1].name
    stem = last.rstrip("0123456789")
    if not function.extensible or not key.startswith(stem) or not key[len(stem) :].isdigit():
        return -1
    return int(key[len(stem) :]) - int(last[len(stem) :]) + len(function.parameters) - 1


def _generic_types(
    node: tree.Call, function: StandardFunction, values: list[Expression], scope: Scope
) -> dict[str, Elementary] | None:
    """Return the type that each generic type of the function stands for in this call."""
    types: dict[str, Elementary] = {}
    ordered = sorted(enumerate(values), key=lambda item: is_free(item[1]))
    for number, value in ordered:
        parameter = function.parameters[min(number, len(function.parameters) - 1)]
        if not is_generic(parameter.type):
            continue
        seen = types.get(parameter.type)
        shared = _join(seen, value, parameter.type)
        if shared is None or not in_generic(parameter.type, shared):
            expected = parameter.type if seen is None else f"{parameter.type} in common with {seen}"
            text = f"{parameter.name} of {function.name} is of type {value.type}"
            span = node.arguments[min(number, len(node.arguments) - 1)].span
            scope.names.findings.error("ST3002", span, f"{text}, expected {expected}")
            return None
        types[parameter.type] = shared
    return types


def _join(seen: Elementary | None, value: Expression, generic: str) -> Elementary | None:
    untyped = is_free(value)
    if seen is None:
        real_wanted = generic == "ANY_REAL" and value.type.is_integer
        return LREAL if real_wanted and untyped else value.type
    if untyped:
        integer_for_real = value.type.kind is Kind.REAL and seen.is_integer
        return LREAL if integer_for_real else seen
    return common_type(seen, value.type)


def check_function(
    node: tree.Call, routine: RoutineInfo, scope: Scope, checks: Checks
) -> Expression | None:
    """Return the call of a user's function; inputs left out have their initial values."""
    findings = scope.names.findings
    scope.routine.calls.add(routine.name.upper())
    inputs = routine.inputs()
    given = bind_arguments(node, routine, scope)
    arguments: list[Expression | None] = []
    for variable in inputs:
        argument = given.pop(variable.name.upper(), None)
        if argument is None or argument.value is None:
            arguments.append(_default(variable))
            continue
        value = checks.value(argument.value, scope)
        converted = value and coerce(value, variable.type, argument.span, findings)
        arguments.append(fold(converted) if converted is not None else None)
    outputs = _output_places(given, routine, scope, checks)
    complete = [item for item in arguments if item is not None]
    if len(complete) != len(inputs) or outputs is None:
        return None
    result = routine.result
    if not isinstance(result, Elementary):
        findings.error("ST3010", node.span, f"function {routine.name} has no result")
        return None
    return CallFunction(result, routine.name.upper(), tuple(complete), outputs)


def _default(variable: VariableInfo) -> Expression | None:
    if not isinstance(variable.type, Elementary):
        return None  # reported where it is declared
    return variable.value or Constant(variable.type, variable.type.fit(0))


def bind_arguments(node: tree.Call, routine: RoutineInfo, scope: Scope) -> dict[str, tree.Argument]:
    """Return arguments by the name (upper case) of their parameter; positions name inputs."""
    findings = scope.names.findings
    inputs = routine.inputs()
    bound: dict[str, tree.Argument] = {}
    for number, argument in enumerate(node.arguments):
        if argument.name is None:
            if number >= len(inputs):
                text = f"{routine.name} has {len(inputs)} inputs, this is argument {number + 1}"
                findings.error("ST4002", argument.span, text)
                continue
            key = inputs[number].name.upper()
        else:
            key = argument.name.upper()
        variable = routine.variables.get(key)
        wanted = "VAR_OUTPUT" if argument.is_output else "VAR_INPUT"
        if variable is None or variable.section != wanted:
            _report_parameter(argument, routine, wanted, scope)
        elif key in bound:
            findings.error("ST4003", argument.span, f"{variable.name} is given twice")
        else:
            bound[key] = argument
    return bound


def _report_parameter(
    argument: tree.Argument, routine: RoutineInfo, wanted: str, scope: Scope
) -> None:
    noun = "output" if wanted == "VAR_OUTPUT" else "input"
    known = [item.name for item in routine.variables.values() if item.section == wanted]
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
        if place is None:
            return None
        outputs.append((routine.variables[key].place.local, place))
    return tuple(outputs)


def output_target(
    argument: tree.Argument, output: VariableInfo, scope: Scope, checks: Checks
) -> Place | None:
    """Return the place that `name => place` assigns, of exactly the output's type."""
    assert argument.value is not None
    place = checks.place(argument.value, scope)
    if place is None:
        return None
    if place.type is not output.type and place.type != output.type:
        text = f"output {output.name} is of type {output.type}, {place.type} cannot take it"
        scope.names.findings.error("ST4007", argument.span, text)
        return None
    return place
