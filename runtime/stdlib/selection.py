"""Selection functions (6.6.2.5.5, table 31).

MIN and MAX keep the earlier argument where neither is less: with a NaN the first one stays.
"""

from typing import Final

from runtime.datatypes.elementary import Elementary, Scalar
from runtime.stdlib.declare import Parameter, StandardFunction

_CLAUSE: Final = "6.6.2.5.5"


def _minimum(_: Elementary, *values: Scalar) -> Scalar:
    least = values[0]
    for value in values[1:]:
        least = min(least, value)
    return least


def _maximum(_: Elementary, *values: Scalar) -> Scalar:
    greatest = values[0]
    for value in values[1:]:
        greatest = max(greatest, value)
    return greatest


def _limit(_: Elementary, low: Scalar, value: Scalar, high: Scalar) -> Scalar:
    """Return MIN(MAX(IN, MN), MX), as the standard defines it."""
    raised = max(value, low)
    return min(raised, high)


def _select(_: Elementary, chosen: Scalar, first: Scalar, second: Scalar) -> Scalar:
    return second if chosen else first


def _multiplex(_: Elementary, number: Scalar, *values: Scalar) -> Scalar:
    """Return the input of that number; below 0 the first, beyond the last the last."""
    return values[min(max(int(number), 0), len(values) - 1)]


def _move(_: Elementary, value: Scalar) -> Scalar:
    return value


FUNCTIONS: Final = (
    StandardFunction(
        "MOVE", _CLAUSE, (Parameter("IN", "ANY_ELEMENTARY"),), "ANY_ELEMENTARY", _move
    ),
    StandardFunction(
        "SEL",
        _CLAUSE,
        (
            Parameter("G", "BOOL"),
            Parameter("IN0", "ANY_ELEMENTARY"),
            Parameter("IN1", "ANY_ELEMENTARY"),
        ),
        "ANY_ELEMENTARY",
        _select,
    ),
    StandardFunction(
        "MUX",
        _CLAUSE,
        (
            Parameter("K", "LINT"),
            Parameter("IN0", "ANY_ELEMENTARY"),
            Parameter("IN1", "ANY_ELEMENTARY"),
        ),
        "ANY_ELEMENTARY",
        _multiplex,
        extensible=True,
    ),
    StandardFunction(
        "MIN",
        _CLAUSE,
        (Parameter("IN1", "ANY_ELEMENTARY"), Parameter("IN2", "ANY_ELEMENTARY")),
        "ANY_ELEMENTARY",
        _minimum,
        extensible=True,
    ),
    StandardFunction(
        "MAX",
        _CLAUSE,
        (Parameter("IN1", "ANY_ELEMENTARY"), Parameter("IN2", "ANY_ELEMENTARY")),
        "ANY_ELEMENTARY",
        _maximum,
        extensible=True,
    ),
    StandardFunction(
        "LIMIT",
        _CLAUSE,
        (
            Parameter("MN", "ANY_ELEMENTARY"),
            Parameter("IN", "ANY_ELEMENTARY"),
            Parameter("MX", "ANY_ELEMENTARY"),
        ),
        "ANY_ELEMENTARY",
        _limit,
    ),
)
