"""Values in memory and as text: one reader and one writer for all who look into the state.

The command contract fixes how values print: BOOL true/false, whole numbers, REAL with non-finite
values as "NaN", "Infinity" and "-Infinity", durations in nanoseconds, arrays as nested lists,
structures and instances as objects.
"""

import datetime as dt
import math
import struct
from typing import Final

from runtime.datatypes.arithmetic import CODE_POINT_MAX, is_code_point
from runtime.datatypes.derived import Array, DataType, Structure
from runtime.datatypes.elementary import UCHAR, Elementary, Kind, Scalar
from runtime.datatypes.literals import LiteralError, parse_calendar
from runtime.datatypes.scalars import Enumeration, Subrange
from runtime.datatypes.texts import Text, read_text, write_text

Buffer = bytes | bytearray | memoryview
Json = bool | int | float | str | list["Json"] | dict[str, "Json"]

_EPOCH: Final = dt.date(1970, 1, 1)
_PACKERS: Final = {code: struct.Struct("<" + code) for code in "?bBhHiIqQfd"}
_pack_real: Final = _PACKERS["f"].pack
_REAL_MANTISSA: Final = (1 << 23) - 1
_REAL_DIGITS_MAX: Final = 9
_FEW_DIGITS: Final = 6


def packer(scalar: Elementary) -> struct.Struct:
    """Return how values of a type lie in memory (little-endian)."""
    return _PACKERS[scalar.format]


def load(buffer: Buffer, offset: int, scalar: Elementary) -> Scalar:
    """Return the value of an elementary type at an offset."""
    assert not isinstance(scalar, Text)
    value: Scalar = packer(scalar).unpack_from(buffer, offset)[0]
    return value


def store(
    buffer: bytearray | memoryview, offset: int, scalar: Elementary, value: Scalar | str
) -> None:
    """Write a value of an elementary type, wrapped, rounded or cut as the type holds it."""
    if isinstance(value, str):
        assert isinstance(scalar, Text)
        write_text(buffer, offset, scalar, value)
        return
    packer(scalar).pack_into(buffer, offset, scalar.fit(value))


def read_json(buffer: Buffer, offset: int, data_type: DataType) -> Json:
    """Return the value of any type as JSON holds it."""
    if isinstance(data_type, Structure):
        return {
            item.name: read_json(buffer, offset + item.offset, item.type)
            for item in data_type.fields
        }
    if isinstance(data_type, Array):
        if data_type.is_packed:
            buffer, offset = unpack_bits(buffer, offset, data_type), 0
        return _read_dimension(buffer, offset, data_type, 0)
    if isinstance(data_type, Text):
        return read_text(buffer, offset, data_type)
    assert isinstance(data_type, Elementary)
    return scalar_json(load(buffer, offset, data_type), data_type)


def unpack_bits(buffer: Buffer, offset: int, array: Array) -> bytes:
    """Return the elements of a packed array as a byte each."""
    places = (array.bit_place(number) for number in range(array.count))
    return bytes(buffer[offset + byte] >> bit & 1 for byte, bit in places)


def pack_bits(
    buffer: bytearray | memoryview, offset: int, array: Array, values: bytes | bytearray
) -> None:
    """Write the elements of a packed array, given as a byte each; other bits stay."""
    for number, value in enumerate(values):
        byte, bit = array.bit_place(number)
        rest = buffer[offset + byte] & ~(1 << bit)
        buffer[offset + byte] = rest | 1 << bit if value else rest


def _read_dimension(buffer: Buffer, offset: int, array: Array, dimension: int) -> list[Json]:
    lower, upper = array.bounds[dimension]
    inner = array.bounds[dimension + 1 :]
    stride = Array(inner, array.element).size if inner else array.element.size
    places = range(offset, offset + (upper - lower + 1) * stride, stride)
    if inner:
        return [_read_dimension(buffer, place, array, dimension + 1) for place in places]
    return [read_json(buffer, place, array.element) for place in places]


def scalar_json(value: Scalar, scalar: Elementary) -> Json:
    """Return one elementary value as JSON holds it; a REAL in the fewest digits that name it."""
    if scalar.is_calendar:
        return calendar_text(int(value), scalar)
    if isinstance(scalar, Enumeration):
        return scalar.name_of(int(value)) or value
    if scalar.kind is Kind.CHARACTER:
        return character_text(int(value))
    if scalar.kind is not Kind.REAL:
        return value
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number if scalar.bits == 64 else shortest_real(number)  # noqa: PLR2004


def character_text(number: int) -> str:
    """Return a character; U+FFFD for a number that is none, as where values overlap."""
    return chr(number) if number <= CODE_POINT_MAX else "\N{REPLACEMENT CHARACTER}"


def calendar_text(value: int, scalar: Elementary) -> str:
    """Return YYYY-MM-DD, HH:MM:SS with 3, 6 or 9 digits more where they count, or both with a T."""
    day, rest = divmod(value, 86_400 * 10**9)
    parts = []
    if scalar.kind is not Kind.TIME_OF_DAY:
        parts.append((_EPOCH + dt.timedelta(days=day)).isoformat())
    if scalar.kind is not Kind.DATE:
        seconds, fraction = divmod(rest, 10**9)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        parts.append(f"{clock}.{fraction:09}" if fraction else clock)
        while parts[-1].endswith("000") and fraction:
            parts[-1] = parts[-1][:-3]
    return "T".join(parts)


def shortest_real(number: float) -> float:
    """Return the shortest decimal that rounds to the same binary32 value."""
    packed = _pack_real(number)
    for digits in range(_least_digits(number, packed), _REAL_DIGITS_MAX + 1):
        candidate = _in_digits(number, digits, packed)
        if candidate is not None:
            return candidate
    return number


def _least_digits(number: float, packed: bytes) -> int:
    """Return a number of digits below which no decimal rounds to a binary32 value.

    Most values need seven digits or more: one look at six of them tells. It tells nothing of a
    power of two, whose neighbours lie at different distances: more digits may miss, fewer hit.
    """
    is_power_of_two = not int.from_bytes(packed, "little") & _REAL_MANTISSA
    if is_power_of_two or _in_digits(number, _FEW_DIGITS, packed) is not None:
        return 1
    return _FEW_DIGITS + 1


def _in_digits(number: float, digits: int, packed: bytes) -> float | None:
    """Return the decimal of so many digits, or None where it does not round to the value."""
    candidate = float(f"{number:.{digits}g}")
    try:
        return candidate if _pack_real(candidate) == packed else None
    except OverflowError:  # it rounds beyond the greatest binary32 value
        return None


def describe(scalar: Elementary) -> str:
    """Return what a value of the type may be, for messages."""
    if scalar.kind is Kind.BOOL:
        return "true or false"
    if isinstance(scalar, Enumeration):
        return f"one of {', '.join(name for name, _ in scalar.values)}"
    if isinstance(scalar, Text):
        return f"text of at most {scalar.capacity} characters"
    if scalar.kind is Kind.CHARACTER:
        return "text of one character"
    if scalar.kind is Kind.REAL:
        return f"a number for {scalar}"
    if scalar.is_calendar:
        return f"text such as {calendar_text(10**9, scalar)}"
    unit = " (nanoseconds)" if scalar.kind is Kind.DURATION else ""
    lower, upper = _bounds(scalar)
    return f"a whole number from {lower} to {upper}{unit}"


def _bounds(scalar: Elementary) -> tuple[int, int]:
    """Return the least and the greatest whole number that may be stored."""
    if isinstance(scalar, Subrange):
        return scalar.lower, scalar.upper
    return scalar.minimum, scalar.maximum


def takes(scalar: Elementary, number: int) -> bool:
    """Whether a whole number may be stored: named by an enumeration, else within the bounds."""
    if isinstance(scalar, Enumeration):
        return scalar.name_of(number) is not None
    lower, upper = _bounds(scalar)
    return lower <= number <= upper


def parse_json(value: object, scalar: Elementary) -> Scalar | str | None:
    """Return a JSON value as the elementary type holds it, or None where it does not fit."""
    if isinstance(value, bool) or scalar.kind is Kind.BOOL:
        return value if isinstance(value, bool) and scalar.kind is Kind.BOOL else None
    if isinstance(value, str):
        return _parse_text(value, scalar)
    if scalar.kind is Kind.REAL:
        return scalar.fit(value) if isinstance(value, int | float) else None
    if not isinstance(value, int) or isinstance(scalar, Text):
        return None
    return value if takes(scalar, value) else None


def _parse_text(value: str, scalar: Elementary) -> Scalar | str | None:
    if isinstance(scalar, Text):
        return value
    if scalar.kind is Kind.CHARACTER:
        fits = len(value) == 1 and ord(value) <= scalar.maximum
        return ord(value) if fits and (scalar is not UCHAR or is_code_point(ord(value))) else None
    if isinstance(scalar, Enumeration):
        return scalar.value_of(value)
    if scalar.kind is Kind.REAL:
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value)
    return _parse_calendar(value, scalar) if scalar.is_calendar else None


def _parse_calendar(value: str, scalar: Elementary) -> int | None:
    try:
        return parse_calendar(value, scalar)
    except LiteralError:
        return None
