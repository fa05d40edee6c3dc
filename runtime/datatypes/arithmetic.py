"""What operators compute, as Python functions on values: the interpreter and constants use them.

Results are those of `semantics.md`: integers wrap at their width, division truncates towards zero,
reals are IEEE 754 without faults. The compiled code computes the same bits.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from runtime.datatypes.elementary import (
    UCHAR,
    Elementary,
    Kind,
    Scalar,
    fitter,
    wrapper,
)


class ZeroDivisionFault(Exception):  # noqa: N818 - it is a fault of the program, not an error
    """An integer was divided by zero."""


Arithmetic = Callable[[Scalar, Scalar], Scalar]


def quotient(left: int, right: int) -> int:
    """Divide truncating towards zero."""
    if right == 0:
        raise ZeroDivisionFault
    result = abs(left) // abs(right)
    return result if (left < 0) == (right < 0) else -result


def remainder(left: int, right: int) -> int:
    """Return what `quotient` leaves; it has the dividend's sign."""
    return left - quotient(left, right) * right


def real_quotient(left: float, right: float) -> float:
    """Divide as IEEE 754 does: by zero gives an infinity, zero by zero NaN."""
    if right != 0.0:
        return left / right
    if left == 0.0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def power(base: float, exponent: float) -> float:
    """Return base ** exponent as C's pow does, without exceptions."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent % 2 == 1
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        if base == 0.0:
            odd = exponent % 2 == 1
            return math.copysign(math.inf, base) if odd else math.inf
        return math.nan


_REAL: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": real_quotient,
    "**": power,
}
_WHOLE: Final[dict[str, Callable[[int, int], int]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": quotient,
    "MOD": remainder,
    "AND": operator.and_,
    "OR": operator.or_,
    "XOR": operator.xor,
}
_BITWISE: Final = frozenset({"AND", "OR", "XOR"})
COMPARISONS: Final[dict[str, Callable[[Scalar, Scalar], bool]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def binary(symbol: str, data_type: Elementary) -> Arithmetic:
    """Return the function of a binary operator on values of one type."""
    if symbol in COMPARISONS:
        return COMPARISONS[symbol]
    if data_type.kind is Kind.REAL:
        real, fit = _REAL[symbol], fitter(data_type)
        return lambda left, right: fit(real(left, right))
    whole: Callable[[Any, Any], int] = _WHOLE[symbol]
    if symbol in _BITWISE:  # of two values of a type it is one of that type, a BOOL of BOOLs
        return whole
    wrap = wrapper(data_type)
    return lambda left, right: wrap(whole(left, right))


def to_integer(value: float, target: Elementary) -> int:
    """Round half to even into an integer type; out of range saturates, NaN gives 0."""
    if math.isnan(value):
        return 0
    if value >= target.maximum:
        return target.maximum
    if value <= target.minimum:
        return target.minimum
    return round(value)


DAY: Final = 86_400 * 10**9
_UNITS: Final = {"TIME": 10**6, "TOD": 10**6, "DATE": 10**9, "DT": 10**9}


def unit_of(data_type: Elementary) -> int:
    """Return the nanoseconds that 1 stands for where a time meets a number."""
    return _UNITS.get(data_type.name, 1)


def to_calendar(nanoseconds: int, target: Elementary) -> int:
    """Return nanoseconds as a type of time holds them: midnight for a date, below 24 h for a TOD.

    DT_TO_TOD, DT_TO_DATE and the sum of a time of day and a duration follow from it.
    """
    if target.kind is Kind.TIME_OF_DAY:
        return nanoseconds % DAY
    if target.kind is Kind.DATE:
        return target.wrap(nanoseconds - nanoseconds % DAY)
    return nanoseconds


QUESTION_MARK: Final = 63
"""What a character becomes that the other type lacks, as in a STRING."""
SURROGATES: Final = range(0xD800, 0xE000)
"""Halves of a pair in UTF-16; alone they are no characters."""
CODE_POINT_MAX: Final = 0x10_FFFF


def is_code_point(value: int) -> bool:
    """Whether a number is that of a character of Unicode, which a UCHAR holds."""
    return 0 <= value <= CODE_POINT_MAX and value not in SURROGATES


def converter(source: Elementary, target: Elementary) -> Callable[[Scalar], Scalar]:
    """Return the function that converts between two types as `convert` does."""
    if source.kind in _PLAIN and target.kind in _PLAIN:
        fits = target.minimum <= source.minimum and source.maximum <= target.maximum
        return (lambda value: value) if fits else fitter(target)
    if source.kind in {*_PLAIN, Kind.REAL} and target.kind is Kind.REAL:
        return fitter(target)
    return lambda value: convert(value, source, target)


_PLAIN: Final = {Kind.SIGNED, Kind.UNSIGNED, Kind.BITS}
"""Numbers without a unit: between them conversions keep the low bits."""


def convert(value: Scalar, source: Elementary, target: Elementary) -> Scalar:
    """Return a value converted explicitly (6.6.2.5.2): integers keep the low bits, reals saturate.

    Against numbers TIME and TOD count in milliseconds, DATE and DT in seconds, truncated; the long
    forms in nanoseconds.
    """
    if source.is_time and target.is_time:
        return to_calendar(int(value), target)
    if source.is_time:
        value = _from_time(int(value), source, target)
    elif target.is_time:
        return _to_time(value, source, target)
    if target.kind is Kind.BOOL:
        return value != 0
    if source.kind is Kind.REAL and target.kind is not Kind.REAL:
        value = to_integer(float(value), target)
    if source.kind is target.kind is Kind.CHARACTER and value > target.maximum:
        return QUESTION_MARK
    fitted = target.fit(value)
    if target is UCHAR is not source and not is_code_point(int(fitted)):
        return QUESTION_MARK
    return fitted


def _from_time(value: int, source: Elementary, target: Elementary) -> Scalar:
    unit = unit_of(source)
    if target.kind is Kind.REAL and unit != 1:
        return float(value) / unit
    return quotient(value, unit)


def _to_time(value: Scalar, source: Elementary, target: Elementary) -> int:
    scale = unit_of(target)
    if source.kind is Kind.REAL:
        return to_calendar(to_integer(float(value) * scale, target), target)
    return to_calendar(target.wrap(int(value) * scale), target)
