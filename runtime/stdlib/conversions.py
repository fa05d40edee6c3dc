"""Binary coded decimals and the order of bytes (6.6.2.5.2, 6.6.2.5.9, 6.6.2.5.10)."""

from typing import Final

from runtime.datatypes.elementary import Elementary, Scalar
from runtime.stdlib.declare import Parameter, StandardFunction

_BCD: Final = "6.6.2.5.2"
_ENDIAN: Final = "6.6.2.5.9"
_VALID: Final = "6.6.2.5.10"


def from_bcd(bits: int) -> int:
    """Return the number of up to 16 decimal digits; a digit above 9 counts as it is."""
    total = 0
    scale = 1
    for place in range(16):
        total += (bits >> (4 * place) & 15) * scale
        scale *= 10
    return total


def to_bcd(number: int) -> int:
    """Return the last 16 decimal digits of a number, four bits each."""
    bits = 0
    for place in range(16):
        bits |= number % 10 << (4 * place)
        number = number // 10
    return bits


def is_bcd(bits: int) -> int:
    """Whether all digits are 0 to 9."""
    for place in range(16):
        if bits >> (4 * place) & 15 > 9:  # noqa: PLR2004
            return 0
    return 1


def is_finite(value: float) -> int:
    """Whether a real is a number: neither NaN nor infinite."""
    return 1 if value - value == 0.0 else 0


def _reversed_bytes(data_type: Elementary, value: Scalar) -> Scalar:
    bits = int(value) & ((1 << data_type.bits) - 1)
    return int.from_bytes(bits.to_bytes(data_type.size, "little"), "big")


def _as_it_is(_: Elementary, value: Scalar) -> Scalar:
    return value


BCD_TO_NUMBER: Final = StandardFunction(
    "BCD.IN", _BCD, (Parameter("IN", "LWORD"),), "ULINT", from_bcd, native=True
)
NUMBER_TO_BCD: Final = StandardFunction(
    "BCD.OUT", _BCD, (Parameter("IN", "LINT"),), "LWORD", to_bcd, native=True
)
_IN: Final = (Parameter("IN", "ANY_SWAPPABLE"),)

FUNCTIONS: Final = (
    StandardFunction(
        "IS_VALID_BCD", _VALID, (Parameter("IN", "LWORD"),), "BOOL", is_bcd, native=True
    ),
    StandardFunction(
        "IS_VALID", _VALID, (Parameter("IN", "LREAL"),), "BOOL", is_finite, native=True
    ),
    StandardFunction("TO_BIG_ENDIAN", _ENDIAN, _IN, "ANY_SWAPPABLE", _reversed_bytes),
    StandardFunction("FROM_BIG_ENDIAN", _ENDIAN, _IN, "ANY_SWAPPABLE", _reversed_bytes),
    StandardFunction("TO_LITTLE_ENDIAN", _ENDIAN, _IN, "ANY_SWAPPABLE", _as_it_is),
    StandardFunction("FROM_LITTLE_ENDIAN", _ENDIAN, _IN, "ANY_SWAPPABLE", _as_it_is),
)
