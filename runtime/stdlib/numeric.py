"""Numeric functions (6.6.2.5.3, tables 28 and 29).

REAL arguments are computed in LREAL and rounded once, so both engines and every machine agree.
Results outside the mathematical domain are NaN or an infinity, never a fault.
"""

import math
from collections.abc import Callable
from typing import Final

from runtime.datatypes.arithmetic import power, to_integer
from runtime.datatypes.elementary import Elementary, Kind, Scalar
from runtime.stdlib.declare import Parameter, StandardFunction

_CLAUSE: Final = "6.6.2.5.3"


def _absolute(data_type: Elementary, value: Scalar) -> Scalar:
    if data_type.kind is Kind.REAL:
        return math.fabs(value)
    return abs(int(value))


def _total(function: Callable[[float], float]) -> Callable[[Elementary, Scalar], Scalar]:
    """Return a function of math that gives NaN outside its domain and an infinity beyond range."""

    def body(_: Elementary, value: Scalar) -> Scalar:
        try:
            return function(float(value))
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return body


def _logarithm(function: Callable[[float], float]) -> Callable[[Elementary, Scalar], Scalar]:
    total = _total(function)
    return lambda data_type, value: -math.inf if value == 0 else total(data_type, value)


def _power(_: Elementary, base: Scalar, exponent: Scalar) -> Scalar:
    return power(float(base), float(exponent))


def _direction(_: Elementary, y: Scalar, x: Scalar) -> Scalar:
    return math.atan2(float(y), float(x))


def _truncate(data_type: Elementary, value: Scalar) -> Scalar:
    number = float(value)
    return to_integer(float(math.trunc(number)) if math.isfinite(number) else number, data_type)


def _of_real(name: str, body: Callable[..., Scalar]) -> StandardFunction:
    return StandardFunction(name, _CLAUSE, (Parameter("IN", "ANY_REAL"),), "ANY_REAL", body)


FUNCTIONS: Final = (
    StandardFunction("ABS", _CLAUSE, (Parameter("IN", "ANY_NUM"),), "ANY_NUM", _absolute),
    _of_real("SQRT", _total(math.sqrt)),
    _of_real("LN", _logarithm(math.log)),
    _of_real("LOG", _logarithm(math.log10)),
    _of_real("EXP", _total(math.exp)),
    _of_real("SIN", _total(math.sin)),
    _of_real("COS", _total(math.cos)),
    _of_real("TAN", _total(math.tan)),
    _of_real("ASIN", _total(math.asin)),
    _of_real("ACOS", _total(math.acos)),
    _of_real("ATAN", _total(math.atan)),
    StandardFunction(
        "ATAN2",
        _CLAUSE,
        (Parameter("Y", "ANY_REAL"), Parameter("X", "ANY_REAL")),
        "ANY_REAL",
        _direction,
    ),
    StandardFunction(
        "EXPT",
        _CLAUSE,
        (Parameter("IN1", "ANY_REAL"), Parameter("IN2", "LREAL")),
        "ANY_REAL",
        _power,
    ),
    StandardFunction("TRUNC", "6.6.2.5.2", (Parameter("IN", "ANY_REAL"),), "DINT", _truncate),
)
