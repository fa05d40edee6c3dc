"""Arithmetic of times (table 35). All count nanoseconds.

Durations: d + d, d - d, d * n, n * d, d / n. With the calendar: t + d and t - d give the type of t,
where a time of day goes on at midnight; the difference of two of one type is a duration.
"""

from runtime.datatypes.elementary import (
    LDT,
    LREAL,
    LTIME,
    LTOD,
    TIME,
    Elementary,
    Kind,
    common_type,
)
from runtime.model.constants import fold
from runtime.model.program import Constant, Convert, Expression, Operate

_LONG = {Kind.TIME_OF_DAY: LTOD, Kind.DATE_AND_TIME: LDT}


def operate_time(symbol: str, left: Expression, right: Expression, site: int) -> Expression | None:
    """Return an operator of which at least one operand is a time; None if it is not defined.

    Args:
        symbol: The operator.
        left: One operand.
        right: The other.
        site: Fault site of a division, -1 where the divisor is constant.
    """
    if left.type.is_calendar or right.type.is_calendar:
        return _calendar(symbol, left, right)
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


def _calendar(symbol: str, left: Expression, right: Expression) -> Expression | None:
    if symbol == "+" and left.type.kind is Kind.DURATION:
        left, right = right, left
    is_long = left.type.is_long or right.type.is_long
    counted = Operate(LTIME, symbol, LTIME, _as(LTIME, left), _as(LTIME, right))
    if symbol == "-" and left.type.kind is right.type.kind:
        return _as(LTIME if is_long else TIME, counted)
    fits = left.type.kind in {Kind.TIME_OF_DAY, Kind.DATE_AND_TIME}
    if symbol not in {"+", "-"} or not fits or right.type.kind is not Kind.DURATION:
        return None
    return _as(_LONG[left.type.kind] if is_long else left.type, fold(counted))


def _as(target: Elementary, operand: Expression) -> Expression:
    return operand if operand.type is target else fold(Convert(target, operand))
