"""Conversions that need no name: widening (figure 11), and literals that take a context's type."""

from runtime.datatypes.derived import UNKNOWN, DataType
from runtime.datatypes.elementary import (
    DINT,
    INT,
    LINT,
    LREAL,
    ULINT,
    Elementary,
    Kind,
    Scalar,
    common_type,
    widens,
)
from runtime.datatypes.values import describe
from runtime.diagnostics.diagnostic import Findings
from runtime.model.program import Constant, Convert, Expression
from runtime.source import Span


def untyped(value: Scalar) -> Constant:
    """Return an untyped constant; its type is what it has where no context says otherwise."""
    if isinstance(value, float):
        return Constant(LREAL, value, untyped=True)
    for data_type in (INT, DINT, LINT, ULINT):
        if data_type.minimum <= value <= data_type.maximum:
            return Constant(data_type, value, untyped=True)
    return Constant(LINT, value, untyped=True)  # out of every range: refused where it is used


def coerce(
    expression: Expression, target: DataType, span: Span, findings: Findings
) -> Expression | None:
    """Return the expression as the target type, or report why there is no implicit conversion."""
    if expression.type is target:
        return _typed(expression, span, findings)
    if target is UNKNOWN:
        return None
    if not isinstance(target, Elementary):
        findings.error("ST3001", span, f"{expression.type} cannot be assigned to {target}")
        return None
    if isinstance(expression, Constant) and expression.untyped:
        return _literal(expression, target, span, findings)
    if widens(expression.type, target):
        return Convert(target, expression)
    hint = f"convert it: {expression.type}_TO_{target}(…)"
    findings.error(
        "ST3001", span, f"{expression.type} does not convert to {target} by itself", hint
    )
    return None


def _typed(expression: Expression, span: Span, findings: Findings) -> Expression | None:
    if isinstance(expression, Constant) and expression.untyped:
        return _literal(expression, expression.type, span, findings)
    return expression


def _literal(
    constant: Constant, target: Elementary, span: Span, findings: Findings
) -> Constant | None:
    value = constant.value
    if isinstance(value, float):
        if target.kind is Kind.REAL:
            return Constant(target, target.fit(value))
        findings.error("ST3001", span, f"the real number {value} does not convert to {target}")
        return None
    if target.kind is Kind.REAL:
        return Constant(target, target.fit(value))
    if target.is_time:
        hint = f"write a duration, such as T#{value}ms" if not target.is_calendar else ""
        findings.error("ST3001", span, f"the number {value} does not convert to {target}", hint)
        return None
    if not target.minimum <= value <= target.maximum:
        text = f"{value} does not fit {target}"
        findings.error("ST3003", span, text, f"expected {describe(target)}")
        return None
    return Constant(target, target.fit(value))


def settle(expression: Expression, span: Span, findings: Findings) -> Expression | None:
    """Return an untyped constant as the type it has on its own; anything else as it is."""
    return _typed(expression, span, findings)


def shared_type(left: Expression, right: Expression) -> Elementary | None:
    """Return the type in which a binary operator works, or None where there is none.

    An untyped constant takes the other operand's type; a real constant needs a real type.
    """
    left_free = isinstance(left, Constant) and left.untyped
    right_free = isinstance(right, Constant) and right.untyped
    if left_free == right_free:
        return common_type(left.type, right.type)
    free, bound = (left, right) if left_free else (right, left)
    assert isinstance(free, Constant)
    if isinstance(free.value, float) and bound.type.is_integer:
        return LREAL if bound.type.size > 2 else common_type(bound.type, LREAL)  # noqa: PLR2004
    return bound.type
