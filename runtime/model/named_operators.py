"""Operators called by name: ADD(a, b, c), GT(a, b, c), typed ones (ADD_INT), those of times.

ADD(a, b, c) is a + b + c; a comparison of several values holds where each pair of neighbours does.
ADD_TOD_TIME(a, b) is a + b with operands of the types that the name tells.
"""

from itertools import pairwise
from typing import Final

from runtime.datatypes.elementary import BOOL, ELEMENTARY, LREAL, Elementary
from runtime.model.checks import Checks, ordered_inputs
from runtime.model.coerce import coerce, settle
from runtime.model.constants import fold
from runtime.model.program import Convert, Expression, Invert, Operate
from runtime.model.scope import Scope
from runtime.syntax import tree

OPERATORS: Final = {
    "ADD": "+", "SUB": "-", "MUL": "*", "DIV": "/", "MOD": "MOD", "AND": "AND", "OR": "OR",
    "XOR": "XOR", "GT": ">", "GE": ">=", "EQ": "=", "LE": "<=", "LT": "<", "NE": "<>",
}  # fmt: skip
"""Functions that are operators by another name (6.6.2.5.3 to 6.6.2.5.5)."""
_COMPARISONS: Final = frozenset({"GT", "GE", "EQ", "LE", "LT", "NE"})
_EXTENSIBLE: Final = frozenset(OPERATORS) - {"SUB", "DIV", "MOD", "NE"}

_Row = tuple[str, str, str]
_PAIRS: Final[dict[str, _Row]] = {
    f"{name}_{left}_{right}": (symbol, left, right)
    for long in ("", "L")
    for name, symbol, left, right in (
        ("ADD", "+", f"{long}TOD", f"{long}TIME"),
        ("ADD", "+", f"{long}DT", f"{long}TIME"),
        ("SUB", "-", f"{long}DATE", f"{long}DATE"),
        ("SUB", "-", f"{long}TOD", f"{long}TIME"),
        ("SUB", "-", f"{long}TOD", f"{long}TOD"),
        ("SUB", "-", f"{long}DT", f"{long}TIME"),
        ("SUB", "-", f"{long}DT", f"{long}DT"),
    )
}
TIME_OPERATORS: Final[dict[str, _Row]] = {
    **_PAIRS,
    **{
        name: (symbol, data_type, "ANY_NUM")
        for symbol, data_type, names in (
            ("*", "TIME", ("MUL_TIME", "MULTIME")),
            ("*", "LTIME", ("MUL_LTIME",)),
            ("/", "TIME", ("DIV_TIME", "DIVTIME")),
            ("/", "LTIME", ("DIV_LTIME",)),
        )
        for name in names
    },
}
"""Functions of times (6.6.2.5.7, table 35): operator and the types of both operands."""


def check_operator(
    node: tree.Call, key: str, forced: Elementary | None, scope: Scope, checks: Checks
) -> Expression | None:
    """Return the operators that a call stands for; `forced` is the type of all its operands."""
    inputs = ordered_inputs(node, scope, checks)
    if inputs is None:
        return None
    if len(inputs) < 2 or (len(inputs) > 2 and key not in _EXTENSIBLE):  # noqa: PLR2004
        more = " or more" if key in _EXTENSIBLE else ""
        text = f"{key} takes two arguments{more}, not {len(inputs)}"
        scope.names.findings.error("ST4002", node.span, text)
        return None
    if forced is not None:
        typed = _as_type(inputs, forced, scope)
        if typed is None:
            return None
        inputs = typed
    if key in _COMPARISONS:
        return _compare(node, OPERATORS[key], inputs, scope, checks)
    (written, result), *others = inputs
    for other_written, other in others:
        joined = tree.Binary(node.span, OPERATORS[key], written, other_written)
        combined = checks.operate(joined, result, other, scope)
        if combined is None:
            return None
        result = fold(combined)
    return result


def _as_type(
    inputs: list[tuple[tree.Expression, Expression]], target: Elementary, scope: Scope
) -> list[tuple[tree.Expression, Expression]] | None:
    typed = []
    for written, value in inputs:
        converted = coerce(value, target, written.span, scope.names.findings)
        if converted is None:
            return None
        typed.append((written, fold(converted)))
    return typed


def _compare(
    node: tree.Call,
    symbol: str,
    inputs: list[tuple[tree.Expression, Expression]],
    scope: Scope,
    checks: Checks,
) -> Expression | None:
    result: Expression | None = None
    for (left_written, left), (right_written, right) in pairwise(inputs):
        pair = tree.Binary(node.span, symbol, left_written, right_written)
        compared = checks.operate(pair, left, right, scope)
        if compared is None:
            return None
        compared = fold(compared)
        result = compared if result is None else fold(Operate(BOOL, "AND", BOOL, result, compared))
    return result


def check_invert(
    node: tree.Call, data_type: Elementary, scope: Scope, checks: Checks
) -> Expression | None:
    """Return NOT_WORD(x) and its like."""
    inputs = ordered_inputs(node, scope, checks, ("IN",))
    typed = _as_type(inputs, data_type, scope) if inputs is not None else None
    if typed is None:
        return None
    return Invert(data_type, typed[0][1])


def check_time_operator(
    node: tree.Call, row: _Row, scope: Scope, checks: Checks
) -> Expression | None:
    """Return the operator of a call such as ADD_TOD_TIME(a, b)."""
    inputs = ordered_inputs(node, scope, checks, ("IN1", "IN2"))
    if inputs is None:
        return None
    symbol, *types = row
    operands = []
    for (written, value), wanted in zip(inputs, types, strict=True):
        findings = scope.names.findings
        if wanted != "ANY_NUM":
            converted = coerce(value, ELEMENTARY[wanted], written.span, findings)
        elif value.type.is_number:
            converted = settle(value, written.span, findings)
        else:
            converted = coerce(value, LREAL, written.span, findings)
        if converted is None:
            return None
        operands.append(fold(converted))
    joined = tree.Binary(node.span, symbol, inputs[0][0], inputs[1][0])
    return checks.operate(joined, operands[0], operands[1], scope)


def converted_to(target: Elementary, value: Expression) -> Expression:
    """Return a value converted explicitly, where that is needed."""
    return value if value.type is target else fold(Convert(target, fold(value)))
