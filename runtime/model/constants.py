"""Fold constant expressions: what both engines would compute, computed once at compile time."""

from runtime.datatypes import arithmetic
from runtime.datatypes.arithmetic import ZeroDivisionFault
from runtime.datatypes.elementary import BOOL, LREAL, Kind, Scalar
from runtime.model.coerce import untyped
from runtime.model.program import (
    CallStandard,
    Constant,
    Convert,
    Expression,
    Invert,
    Negate,
    Operate,
)


def fold(expression: Expression) -> Expression:
    """Return the constant that an expression of constants amounts to, else the expression.

    Operations on untyped numbers stay untyped and exact: 300 * 300 is 90000. An integer division
    by zero is left for the fault at run time.
    """
    match expression:
        case Convert() | Negate() | Invert():
            return _unary(expression)
        case Operate(left=Constant() as left, right=Constant() as right):
            return _operate(expression, left, right)
        case CallStandard(data_type, function, arguments, is_free):
            values = [item.value for item in arguments if isinstance(item, Constant)]
            if len(values) == len(arguments):
                return Constant(data_type, function.compute(data_type, values), untyped=is_free)
    return expression


def _unary(expression: Convert | Negate | Invert) -> Expression:
    operand, data_type = expression.operand, expression.type
    if not isinstance(operand, Constant):
        return expression
    if isinstance(expression, Convert):
        return Constant(data_type, arithmetic.convert(operand.value, operand.type, data_type))
    if isinstance(expression, Negate):
        if operand.untyped:
            return untyped(-operand.value)
        return Constant(data_type, data_type.fit(-operand.value))
    if data_type is BOOL:
        return Constant(BOOL, not operand.value)
    return Constant(data_type, data_type.wrap(~int(operand.value)))


def _operate(operation: Operate, left: Constant, right: Constant) -> Expression:
    symbol = operation.operator
    exact = left.untyped and right.untyped
    try:
        if symbol in arithmetic.COMPARISONS:
            return Constant(BOOL, arithmetic.COMPARISONS[symbol](left.value, right.value))
        if exact and symbol in {"+", "-", "*", "/", "MOD"}:
            return untyped(_exact(symbol, left.value, right.value))
        value = arithmetic.binary(symbol, operation.operand_type)(left.value, right.value)
    except ZeroDivisionFault:
        return operation
    return Constant(operation.type, value, untyped=exact and operation.type.kind is not Kind.BOOL)


def _exact(symbol: str, left: Scalar, right: Scalar) -> Scalar:
    if isinstance(left, float) or isinstance(right, float):
        table = {
            "+": float.__add__,
            "-": float.__sub__,
            "*": float.__mul__,
            "/": arithmetic.real_quotient,
        }
        return table[symbol](float(LREAL.fit(left)), float(LREAL.fit(right)))
    whole = {
        "+": int.__add__,
        "-": int.__sub__,
        "*": int.__mul__,
        "/": arithmetic.quotient,
        "MOD": arithmetic.remainder,
    }
    return whole[symbol](int(left), int(right))
