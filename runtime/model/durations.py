"""Arithmetic of durations (table 30): d + d, d - d, d * n, n * d, d / n. They count nanoseconds."""

from runtime.datatypes.elementary import LREAL, LTIME, Elementary, Kind, common_type
from runtime.model.constants import fold
from runtime.model.program import Constant, Convert, Expression, Operate


def operate_duration(
    symbol: str, left: Expression, right: Expression, site: int
) -> Expression | None:
    """Return an operator of which at least one operand is a duration; None if it is not defined.

    Args:
        symbol: The operator.
        left: One operand.
        right: The other.
        site: Fault site of a division, -1 where the divisor is constant.
    """
    if left.type.kind is Kind.DURATION and right.type.kind is Kind.DURATION:
        shared = common_type(left.type, right.type)
        if symbol not in {"+", "-"} or shared is None:
            return None
        return Operate(shared, symbol, shared, _as(shared, left), _as(shared, right))
    if symbol == "*" and right.type.kind is Kind.DURATION:
        left, right = right, left
    if left.type.kind is not Kind.DURATION or symbol not in {"*", "/"} or not right.type.is_number:
        return None
    duration = left.type
    factor = Constant(right.type, right.value) if isinstance(right, Constant) else right
    if factor.type.kind is Kind.REAL:
        # Nanoseconds are scaled and rounded once; LTIME's are what converts to a number as it is.
        nanoseconds = _as(LREAL, _as(LTIME, left))
        scaled = fold(Operate(LREAL, symbol, LREAL, nanoseconds, _as(LREAL, factor)))
        return _as(duration, _as(LTIME, scaled))
    count = _as(duration, _as(LTIME, factor))
    return Operate(duration, symbol, duration, left, count, site)


def _as(target: Elementary, operand: Expression) -> Expression:
    return operand if operand.type is target else fold(Convert(target, operand))
