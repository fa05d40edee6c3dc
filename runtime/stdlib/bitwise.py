"""Shifts and rotations (6.6.2.5.4, table 30). Shifting by the width or more gives 0."""

from typing import Final

from runtime.datatypes.elementary import Elementary, Scalar
from runtime.stdlib.declare import Parameter, StandardFunction

_CLAUSE: Final = "6.6.2.5.4"
_PARAMETERS: Final = (Parameter("IN", "ANY_SHIFTABLE"), Parameter("N", "ULINT"))


def _shift_left(data_type: Elementary, value: Scalar, count: Scalar) -> Scalar:
    return int(value) << int(count) if count < data_type.bits else 0


def _shift_right(data_type: Elementary, value: Scalar, count: Scalar) -> Scalar:
    return int(value) >> int(count) if count < data_type.bits else 0


def _rotate_left(data_type: Elementary, value: Scalar, count: Scalar) -> Scalar:
    turn = int(count) % data_type.bits
    return int(value) << turn | int(value) >> (data_type.bits - turn)


def _rotate_right(data_type: Elementary, value: Scalar, count: Scalar) -> Scalar:
    return _rotate_left(data_type, value, data_type.bits - int(count) % data_type.bits)


FUNCTIONS: Final = (
    StandardFunction("SHL", _CLAUSE, _PARAMETERS, "ANY_SHIFTABLE", _shift_left),
    StandardFunction("SHR", _CLAUSE, _PARAMETERS, "ANY_SHIFTABLE", _shift_right),
    StandardFunction("ROL", _CLAUSE, _PARAMETERS, "ANY_SHIFTABLE", _rotate_left),
    StandardFunction("ROR", _CLAUSE, _PARAMETERS, "ANY_SHIFTABLE", _rotate_right),
)
