"""Calls of functions of strings: LEN, CONCAT, MID … and their arguments (6.6.2.5.6)."""

from typing import Final

from runtime.datatypes.elementary import INT, LINT, Elementary, Kind
from runtime.datatypes.texts import TEXTS, Text
from runtime.model.checks import Checks, ordered_inputs
from runtime.model.coerce import settle
from runtime.model.constants import fold
from runtime.model.program import Convert, Expression
from runtime.model.scope import Scope
from runtime.model.texts import alike, call_text, written
from runtime.stdlib.text import TextFunction
from runtime.syntax import tree

_HOLDERS: Final = {item.character.name: name for name, item in TEXTS.items()}
"""The type of strings that consist of a type of characters."""


def check_text_call(
    node: tree.Call, function: TextFunction, forced: Text | None, scope: Scope, checks: Checks
) -> Expression | None:
    """Return the call of a function of strings; `forced` is the type that its name demands."""
    names = () if function.extensible else tuple(item.name for item in function.parameters)
    inputs = ordered_inputs(node, scope, checks, names)
    if inputs is None:
        return None
    findings = scope.names.findings
    if len(inputs) < len(function.parameters):
        text = f"{function.name} takes {len(function.parameters)} arguments, not {len(inputs)}"
        findings.error("ST4002", node.span, text)
        return None
    values: list[Expression] = []
    for number, (where, value) in enumerate(inputs):
        parameter = function.parameters[min(number, len(function.parameters) - 1)]
        converted = _argument(value, parameter.type, where, scope)
        if converted is None:
            return None
        values.append(converted)
    wanted = forced.name if forced is not None else ""
    values = alike(values, wanted=wanted)
    found = {item.type.name for item in values if isinstance(item.type, Text)}
    kinds = sorted({wanted, *found} - {""})
    if len(kinds) > 1:
        text = f"{function.name} works on one kind of strings, not on {' and '.join(kinds)}"
        findings.error("ST3002", node.span, text, f"convert one: {kinds[0]}_TO_{kinds[1]}(…)")
        return None
    result: Expression = call_text(function, tuple(values[: len(function.parameters)]))
    for value in values[len(function.parameters) :]:
        result = call_text(function, (result, value))
    return result if function.gives_text else Convert(INT, result)


def _argument(
    value: Expression, wanted: str, where: tree.Expression, scope: Scope
) -> Expression | None:
    findings = scope.names.findings
    if wanted == "TEXT":
        if value.type.kind is Kind.CHARACTER:
            return written(value, _HOLDERS[value.type.name])
        if isinstance(value.type, Text):
            return value
        findings.error("ST3002", where.span, f"expected a string, not {value.type}")
        return None
    if not value.type.is_integer:
        findings.error("ST3002", where.span, f"expected a whole number, not {value.type}")
        return None
    plain = settle(value, where.span, findings)
    return None if plain is None else fold(_as(LINT, plain))


def _as(target: Elementary, value: Expression) -> Expression:
    return value if value.type is target else Convert(target, value)
