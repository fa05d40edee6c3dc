"""Calls: standard functions, conversions by name, a user's functions; and their arguments."""

from difflib import get_close_matches
from typing import Final

from runtime.datatypes.elementary import ELEMENTARY, LREAL, Elementary, Kind, common_type
from runtime.datatypes.texts import TEXTS
from runtime.model import functions, references
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
    CallStandard,
    Convert,
    Expression,
)
from runtime.model.scope import Scope
from runtime.model.text_calls import check_text_call
from runtime.model.texts import is_text, select_text
from runtime.source import Span
from runtime.stdlib.declare import StandardFunction, in_generic, is_generic
from runtime.stdlib.library import FUNCTIONS
from runtime.stdlib.text import TEXT_FUNCTIONS
from runtime.syntax import tree

_NO_HEAP: Final = "memory is laid out when the program is compiled; declare an instance or an array"
_NO_QUERY: Final = "write target ?= source; and compare the target with NULL"
VENDORS_ONLY: Final = {
    "__NEW": _NO_HEAP,
    "__DELETE": _NO_HEAP,
    "__QUERYINTERFACE": _NO_QUERY,
    "__QUERYPOINTER": _NO_QUERY,
    "MEMCPY": "assign the whole array or structure",
    "MEMSET": "assign a variable that has the initial values",
}
"""Functions of other systems that have no meaning here, and what stands for them."""


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
    spelt = {known: routine.name for known, routine in names.routines.items()}
    for variables in (names.globals, scope.routine.variables):
        spelt |= {known: variable.name for known, variable in variables.items()}
    close = get_close_matches(key, spelt, n=1)
    hint = f"did you mean {spelt[close[0]]}?" if close else "declare it in a VAR section"
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
        return functions.check_function(node, routine, scope, checks)
    if key in TEXT_FUNCTIONS:
        return check_text_call(node, TEXT_FUNCTIONS[key], None, scope, checks)
    if key in FUNCTIONS:
        return _standard(node, FUNCTIONS[key], scope, checks)
    special = references.SPECIAL.get(key)
    if special is not None:
        return special(node, scope, checks)
    return _derived(node, key, scope, checks)


def _derived(node: tree.Call, key: str, scope: Scope, checks: Checks) -> Expression | None:
    """Return a call by a name that follows a rule: operators, typed functions, conversions."""
    assert isinstance(node.callee, tree.Name)
    if key in OPERATORS:
        return check_operator(node, key, None, scope, checks)
    if key in TIME_OPERATORS:
        return check_time_operator(node, TIME_OPERATORS[key], scope, checks)
    stem, _, suffix = short_spelling(key).rpartition("_")
    if stem in _STEMS and (suffix in ELEMENTARY or suffix in TEXTS):
        return _typed(node, stem, suffix, scope, checks)
    known, conversion = check_conversion(node, key, scope, checks)
    if not known:
        report_unknown_function(node.callee, scope)
    return conversion


_STEMS: Final = (OPERATORS.keys() | FUNCTIONS.keys() | TEXT_FUNCTIONS.keys() | {"NOT"}) - {"TRUNC"}
"""What can stand before a type: ADD_INT, SQRT_REAL, LEN_STRING, NOT_WORD."""


def _typed(
    node: tree.Call, stem: str, suffix: str, scope: Scope, checks: Checks
) -> Expression | None:
    """Return a function whose name tells the type of its operands."""
    if stem in TEXT_FUNCTIONS:
        return check_text_call(node, TEXT_FUNCTIONS[stem], TEXTS.get(suffix), scope, checks)
    forced = TEXTS.get(suffix) or ELEMENTARY[suffix]
    if stem in OPERATORS:
        return check_operator(node, stem, forced, scope, checks)
    if stem == "NOT":
        return check_invert(node, forced, scope, checks)
    return _standard(node, FUNCTIONS[stem], scope, checks, forced)


def report_unknown_function(callee: tree.Name, scope: Scope) -> None:
    """Report a call of something that is not declared (ST2005)."""
    vendors = VENDORS_ONLY.get(callee.name.upper())
    if vendors is not None:
        text = f"{callee.name} is not supported: {vendors}"
        scope.names.findings.error("ST9001", callee.span, text)
        return
    routines = scope.names.routines
    known = [*FUNCTIONS, *TEXT_FUNCTIONS, *OPERATORS, *routines]
    close = get_close_matches(callee.name.upper(), known, n=1)
    spelt = [routines[key].name if key in routines else key for key in close]
    hint = f"did you mean {spelt[0]}?" if spelt else ""
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
    if any(is_text(item) for item in values):
        return _on_texts(node, function, values, scope)
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


def _on_texts(
    node: tree.Call, function: StandardFunction, values: list[Expression], scope: Scope
) -> Expression | None:
    selected = select_text(function.name, values)
    if selected is None:
        types = ", ".join(str(item.type) for item in values)
        scope.names.findings.error("ST3002", node.span, f"{function.name} does not take {types}")
    return selected


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
