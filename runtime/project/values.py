"""Values of channels and their raw form: the 64-bit word that a mailbox entry or %Q holds.

    -2 as signed in 16 bits  <->  0xFFFE        1.5 as real in 32 bits  <->  0x3FC00000

Whatever the protocol, a driver hands raw words of this form to the image, and the program reads the
address's width of them.
"""

import enum
import math
import struct


class ValueKind(enum.Enum):
    """How the bits at an address are meant."""

    UNSIGNED = "unsigned"
    """A bit, a bit string or an unsigned integer."""
    SIGNED = "signed"
    REAL = "real"
    """REAL at 32 bits, LREAL at 64."""


_REALS = {32: struct.Struct("<f"), 64: struct.Struct("<d")}
_WORDS = {32: struct.Struct("<I"), 64: struct.Struct("<Q")}


def value_range(kind: ValueKind, width: int) -> tuple[int, int]:
    """Return the least and the greatest integer of a kind and width in bits."""
    if kind is ValueKind.SIGNED:
        return -(1 << width - 1), (1 << width - 1) - 1
    return 0, (1 << width) - 1


def saturated(value: float, kind: ValueKind, width: int) -> int:
    """Return the integer nearest to a value that a kind and width can hold; NaN gives 0."""
    least, greatest = value_range(kind, width)
    if math.isnan(value):
        return 0
    if math.isinf(value):
        return greatest if value > 0 else least
    return min(max(round(value), least), greatest)


def to_raw(value: float, kind: ValueKind, width: int) -> int:
    """Return the raw word of a value; integers beyond the range keep their low bits."""
    if kind is not ValueKind.REAL:
        return int(value) & (1 << width) - 1
    try:
        packed = _REALS[width].pack(value)
    except OverflowError:
        packed = _REALS[width].pack(math.copysign(math.inf, value))
    raw: int = _WORDS[width].unpack(packed)[0]
    return raw


def from_raw(raw: int, kind: ValueKind, width: int) -> float:
    """Return the value of a raw word: an int, or for REAL a float."""
    if kind is ValueKind.REAL:
        value: float = _REALS[width].unpack(_WORDS[width].pack(raw))[0]
        return value
    if kind is ValueKind.SIGNED and raw >> width - 1:
        return raw - (1 << width)
    return raw
