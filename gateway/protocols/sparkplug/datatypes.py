"""Datatypes of metrics, and which values they hold."""

import enum
import struct
from typing import Final

Value = bool | int | float | str

_NOT_FINITE: Final = {"NaN", "Infinity", "-Infinity"}
_FLOAT: Final = struct.Struct("<f")
_INT32_BITS: Final = 32
_INT64_BITS: Final = 64


class Datatype(enum.IntEnum):
    """Types of metrics that a node reports or takes."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    TEMPLATE = 19


class QualityCode(enum.IntEnum):
    """The three qualities that Sparkplug knows."""

    BAD = 0
    GOOD = 192
    STALE = 500


SIGNED_BITS: Final = {Datatype.INT8: 8, Datatype.INT16: 16, Datatype.INT32: 32, Datatype.INT64: 64}
_UNSIGNED_BITS: Final = {
    Datatype.UINT8: 8, Datatype.UINT16: 16, Datatype.UINT32: 32, Datatype.UINT64: 64,
}  # fmt: skip
LONGS: Final = {Datatype.INT64, Datatype.UINT64}
"""Whole numbers that stand in the field of 64 bits."""


def datatype_of(value: Value) -> Datatype:
    """Return the widest datatype of a value whose variable is not known."""
    if isinstance(value, bool):
        return Datatype.BOOLEAN
    if isinstance(value, int):
        return Datatype.INT64 if value < 1 << _INT64_BITS - 1 else Datatype.UINT64
    if isinstance(value, float) or value in _NOT_FINITE:
        return Datatype.DOUBLE
    return Datatype.STRING


def fitting(value: Value | None, datatype: Datatype) -> Value | None:
    """Return a value as its datatype holds it; None where it does not fit, as null."""
    if value is None or isinstance(value, bool) != (datatype is Datatype.BOOLEAN):
        return str(value) if datatype is Datatype.STRING and value is not None else None
    if datatype in {Datatype.BOOLEAN, Datatype.STRING}:
        return value if datatype is Datatype.BOOLEAN else str(value)
    if datatype in {Datatype.FLOAT, Datatype.DOUBLE}:
        return _real(value, datatype)
    if not isinstance(value, int):
        return None
    if datatype in SIGNED_BITS:
        half = 1 << SIGNED_BITS[datatype] - 1
        return value if -half <= value < half else None
    return value if 0 <= value < 1 << _UNSIGNED_BITS.get(datatype, 0) else None


def _real(value: Value, datatype: Datatype) -> float | None:
    if isinstance(value, str) and value not in _NOT_FINITE:
        return None
    try:
        number = float(value)
        if datatype is Datatype.FLOAT:
            _FLOAT.pack(number)
    except OverflowError:
        return None
    return number


def signed(raw: int, datatype: Datatype | None) -> int:
    """Return a whole number of a message by its datatype.

    Negative ones come as two's complement, of their own width or of the field's. What is neither
    stays as it is, so that whoever checks the range refuses it.
    """
    if datatype not in SIGNED_BITS:
        return raw
    bits = SIGNED_BITS[datatype]
    half = 1 << bits - 1
    field = _INT64_BITS if datatype is Datatype.INT64 else _INT32_BITS
    for width in {bits, field}:
        if (1 << width) - half <= raw < 1 << width:
            return raw - (1 << width)
    return raw
