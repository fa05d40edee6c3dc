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
from runtime.datatypes.scalars import NULL, Enumeration, Subrange
from runtime.datatypes.texts import Text
from runtime.datatypes.values import describe
from runtime.diagnostics.diagnostic import Findings
from runtime.model.program import CallStandard, Constant, Convert, Expression, TextConstant
from runtime.model.texts import coerce_text
from runtime.source import Span
from runtime.stdlib.declare import in_generic


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
    if isinstance(target, Subrange):
        return _bounded(expression, target, span, findings)
    if isinstance(target, Text) or isinstance(expression, TextConstant):
        return _coerce_text(expression, target, span, findings)
    if expression.type is target or expression.type == target:
        return settle(expression, span, findings)
    if not isinstance(target, Elementary):
        if target is not UNKNOWN:
            findings.error("ST3001", span, f"{expression.type} cannot be assigned to {target}")
        return None
    if isinstance(expression, Constant | CallStandard) and is_free(expression):
        return _in_context(expression, target, span, findings)
    if isinstance(expression, Constant) and expression.type == NULL and _is_reference(target):
        return Constant(target, 0)
    if widens(expression.type, target) or _enum_widens(expression.type, target):
        return Convert(target, expression)
    hint = f"convert it: {expression.type}_TO_{target}(…)"
    findings.error(
        "ST3001", span, f"{expression.type} does not convert to {target} by itself", hint
    )
    return None


def _bounded(
    expression: Expression, target: Subrange, span: Span, findings: Findings
) -> Expression | None:
    """Return a value for a subrange in its base type; a constant outside the bounds is wrong."""
    value = coerce(expression, target.base, span, findings)
    if isinstance(value, Constant) and not target.lower <= value.value <= target.upper:
        text = f"{value.value} does not fit {target}"
        findings.error("ST3003", span, text, f"expected {target.lower} to {target.upper}")
        return None
    return value


def _is_reference(target: Elementary) -> bool:
    return target.kind is Kind.REFERENCE


def _enum_widens(source: Elementary, target: Elementary) -> bool:
    """Whether an enumeration's values can be taken as another type: as its base can (CODESYS)."""
    return isinstance(source, Enumeration) and widens(source.base, target)


def _coerce_text(
    expression: Expression, target: DataType, span: Span, findings: Findings
) -> Expression | None:
    if isinstance(target, Elementary):
        return coerce_text(expression, target, span, findings)
    findings.error("ST3001", span, f"{expression.type} cannot be assigned to {target}")
    return None


def settle(expression: Expression, span: Span, findings: Findings) -> Expression | None:
    """Return an untyped constant as the type it has on its own; anything else as it is."""
    if isinstance(expression, Constant) and expression.untyped:
        return _literal(expression, expression.type, span, findings)
    return expression


def is_free(expression: Expression) -> bool:
    """Whether the context decides the type: an untyped constant, or a function of such alone."""
    if isinstance(expression, Constant):
        return expression.untyped
    return isinstance(expression, CallStandard) and expression.is_free


def _in_context(
    expression: Constant | CallStandard, target: Elementary, span: Span, findings: Findings
) -> Expression | None:
    if isinstance(expression, Constant):
        return _literal(expression, target, span, findings)
    if in_generic(expression.function.result, target):
        return _retyped(expression, target, span, findings)
    text = f"{expression.function.name} gives {expression.type}, which is no {target}"
    findings.error("ST3001", span, text)
    return None


def _retyped(
    call: CallStandard, target: Elementary, span: Span, findings: Findings
) -> Expression | None:
    """Return a call whose arguments are literals as a call on literals of the target's type."""
    function = call.function
    last = len(function.parameters) - 1
    arguments = []
    for number, argument in enumerate(call.arguments):
        converted: Expression | None = argument
        if function.parameters[min(number, last)].type == function.result:
            if isinstance(argument, Constant):
                converted = _literal(argument, target, span, findings)
            else:
                converted = coerce(argument, target, span, findings)
        if converted is None:
            return None
        arguments.append(converted)
    return CallStandard(target, function, tuple(arguments))


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
    if target.kind is Kind.REFERENCE and value == 0:
        return Constant(target, 0)
    if target.kind in {Kind.ENUM, Kind.REFERENCE}:
        text, hint = f"the number {value} does not convert to {target}", f"name a value of {target}"
        findings.error("ST3001", span, text, hint)
        return None
    if target.is_time:
        hint = f"write a duration, such as T#{value}ms" if not target.is_calendar else ""
        findings.error("ST3001", span, f"the number {value} does not convert to {target}", hint)
        return None
    if not target.minimum <= value <= target.maximum:
        text = f"{value} does not fit {target}"
        findings.error("ST3003", span, text, f"expected {describe(target)}")
        return None
    return Constant(target, target.fit(value))


def shared_type(left: Expression, right: Expression) -> Elementary | None:
    """Return the type in which a binary operator works, or None where there is none.

    An untyped constant takes the other operand's type; a real constant needs a real type.
    """
    if NULL in {left.type, right.type} and left.type.kind is right.type.kind:
        return right.type if left.type == NULL else left.type
    left_free, right_free = is_free(left), is_free(right)
    if left_free and right_free and left.type.is_number and right.type.is_number:
        # Exact as they are: 1 * 18446744073709551615 has no common type, yet a value.
        is_real = Kind.REAL in {left.type.kind, right.type.kind}
        return LREAL if is_real else common_type(left.type, right.type) or ULINT
    if left_free == right_free:
        return common_type(left.type, right.type)
    free, bound = (left, right) if left_free else (right, left)
    if free.type.kind is Kind.REAL and bound.type.is_integer:
        return LREAL if bound.type.size > 2 else common_type(bound.type, LREAL)  # noqa: PLR2004
    return bound.type
