"""The elementary data types (6.4.2): a table, and arithmetic rules that follow from it.

Integers wrap at their width (two's complement). REAL values live as Python floats that hold a
binary32 value: `REAL.fit` rounds once, which equals binary32 arithmetic for + - * / and SQRT
because binary64 has more than twice the digits.
"""

import enum
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Scalar = bool | int | float


class Kind(enum.Enum):
    """Families of elementary types; they decide which operations exist."""

    BOOL = "BOOL"
    SIGNED = "signed integer"
    UNSIGNED = "unsigned integer"
    BITS = "bit string"
    REAL = "real"
    DURATION = "duration"
    DATE = "date"
    TIME_OF_DAY = "time of day"
    DATE_AND_TIME = "date and time"
    ENUM = "enumeration"
    REFERENCE = "reference"
    CHARACTER = "character"
    TEXT = "string"


@dataclass(frozen=True, slots=True)
class Elementary:
    """One elementary type. `bits` is its width in memory (a BOOL takes a byte)."""

    name: str
    kind: Kind
    bits: int

    @property
    def plain(self) -> "Elementary":
        """The type without the bounds of a subrange: the one that values are computed in."""
        return self

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.bits // 8

    @property
    def alignment(self) -> int:
        """Bytes that the offset in memory is a multiple of."""
        return self.bits // 8

    @property
    def is_integer(self) -> bool:
        """Whether the type is in ANY_INT."""
        return self.kind in {Kind.SIGNED, Kind.UNSIGNED}

    @property
    def is_signed(self) -> bool:
        """Whether values of the type can be negative whole numbers."""
        return self.kind in {Kind.SIGNED, Kind.ENUM} or self.is_time

    @property
    def is_number(self) -> bool:
        """Whether the type is in ANY_NUM."""
        return self.is_integer or self.kind is Kind.REAL

    @property
    def is_bits(self) -> bool:
        """Whether the type is in ANY_BIT."""
        return self.kind in {Kind.BITS, Kind.BOOL}

    @property
    def is_time(self) -> bool:
        """Whether values count nanoseconds: durations, times of day, dates since 1970-01-01."""
        return self.kind in _TIMES

    @property
    def is_calendar(self) -> bool:
        """Whether the type is in ANY_DATE."""
        return self.is_time and self.kind is not Kind.DURATION

    @property
    def is_long(self) -> bool:
        """Whether it is one of the long forms (LTIME, LDT, …), which count in nanoseconds."""
        return self.name.startswith("L")

    @property
    def minimum(self) -> int:
        """Least whole value."""
        return -(1 << (self.bits - 1)) if self.is_signed else 0

    @property
    def maximum(self) -> int:
        """Greatest whole value."""
        if self.kind is Kind.BOOL:
            return 1
        return (1 << (self.bits - 1)) - 1 if self.is_signed else (1 << self.bits) - 1

    def fit(self, value: Scalar) -> Scalar:
        """Return the value as the type holds it: wrapped, rounded to binary32, or as it is."""
        if self.kind is Kind.BOOL:
            return bool(value)
        if self.kind is Kind.REAL:
            return round_to_real(value) if self.bits == 32 else _to_double(value)  # noqa: PLR2004
        return self.wrap(int(value))

    def wrap(self, value: int) -> int:
        """Return a whole number modulo the width, as two's complement gives it."""
        value &= (1 << self.bits) - 1
        if self.is_signed and value >> (self.bits - 1):
            value -= 1 << self.bits
        return value

    @property
    def format(self) -> str:
        """The code of `struct` for one value in memory."""
        return _FORMATS[self.kind, self.bits]

    def __str__(self) -> str:
        """Return the type's name."""
        return self.name


_PAIR = struct.Struct("<f")

Fitter = Callable[[Scalar], Scalar]


def fitter(data_type: Elementary) -> Fitter:
    """Return the type's `fit` with its width settled, for who calls it again and again."""
    if data_type.kind is Kind.BOOL:
        return bool
    if data_type.kind is Kind.REAL:
        return round_to_real if data_type.size == _PAIR.size else _to_double
    wrap = wrapper(data_type)
    return lambda value: wrap(int(value))


def wrapper(data_type: Elementary) -> Callable[[int], int]:
    """Return the type's `wrap` with its width settled."""
    mask = (1 << data_type.bits) - 1
    if not data_type.is_signed:
        return lambda value: value & mask
    half = 1 << data_type.bits - 1
    return lambda value: (value + half & mask) - half


_TIMES: Final = frozenset({Kind.DURATION, Kind.DATE, Kind.TIME_OF_DAY, Kind.DATE_AND_TIME})

_FORMATS: Final = {
    (Kind.BOOL, 8): "?",
    (Kind.REAL, 32): "f",
    (Kind.REAL, 64): "d",
    **{(kind, 64): "q" for kind in _TIMES},
    (Kind.REFERENCE, 64): "q",
    **{(Kind.ENUM, bits): code for bits, code in ((8, "b"), (16, "h"), (32, "i"), (64, "q"))},
    **{(Kind.SIGNED, bits): code for bits, code in ((8, "b"), (16, "h"), (32, "i"), (64, "q"))},
    **{
        (kind, bits): code
        for kind in (Kind.UNSIGNED, Kind.BITS, Kind.CHARACTER)
        for bits, code in ((8, "B"), (16, "H"), (32, "I"), (64, "Q"))
    },
}


def round_to_real(value: Scalar) -> float:
    """Return the binary32 value nearest to `value` (half to even; beyond the range infinity)."""
    number = _round_to_odd(value) if isinstance(value, int) else value
    try:
        nearest: float = _PAIR.unpack(_PAIR.pack(number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)
    return nearest


def _round_to_odd(value: int) -> float:
    """Return a whole number in binary64 such that rounding it once more equals rounding once.

    What is cut off leaves its mark in the last digit: 2**60 + 2**36 + 1 stays above 2**60 + 2**36.
    """
    magnitude = abs(value)
    excess = max(magnitude.bit_length() - 53, 0)
    kept = magnitude >> excess
    kept |= kept << excess != magnitude
    return _to_double(kept << excess if value >= 0 else -(kept << excess))


def _to_double(value: Scalar) -> float:
    """Return a number in binary64; a constant expression's may be beyond its range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


BOOL: Final = Elementary("BOOL", Kind.BOOL, 8)
SINT: Final = Elementary("SINT", Kind.SIGNED, 8)
INT: Final = Elementary("INT", Kind.SIGNED, 16)
DINT: Final = Elementary("DINT", Kind.SIGNED, 32)
LINT: Final = Elementary("LINT", Kind.SIGNED, 64)
USINT: Final = Elementary("USINT", Kind.UNSIGNED, 8)
UINT: Final = Elementary("UINT", Kind.UNSIGNED, 16)
UDINT: Final = Elementary("UDINT", Kind.UNSIGNED, 32)
ULINT: Final = Elementary("ULINT", Kind.UNSIGNED, 64)
REAL: Final = Elementary("REAL", Kind.REAL, 32)
LREAL: Final = Elementary("LREAL", Kind.REAL, 64)
BYTE: Final = Elementary("BYTE", Kind.BITS, 8)
WORD: Final = Elementary("WORD", Kind.BITS, 16)
DWORD: Final = Elementary("DWORD", Kind.BITS, 32)
LWORD: Final = Elementary("LWORD", Kind.BITS, 64)
TIME: Final = Elementary("TIME", Kind.DURATION, 64)
LTIME: Final = Elementary("LTIME", Kind.DURATION, 64)
DATE: Final = Elementary("DATE", Kind.DATE, 64)
LDATE: Final = Elementary("LDATE", Kind.DATE, 64)
TOD: Final = Elementary("TOD", Kind.TIME_OF_DAY, 64)
LTOD: Final = Elementary("LTOD", Kind.TIME_OF_DAY, 64)
DT: Final = Elementary("DT", Kind.DATE_AND_TIME, 64)
LDT: Final = Elementary("LDT", Kind.DATE_AND_TIME, 64)
CHAR: Final = Elementary("CHAR", Kind.CHARACTER, 8)
WCHAR: Final = Elementary("WCHAR", Kind.CHARACTER, 16)
UCHAR: Final = Elementary("UCHAR", Kind.CHARACTER, 32)

ELEMENTARY: Final[dict[str, Elementary]] = {
    item.name: item
    for item in (
        BOOL, SINT, INT, DINT, LINT, USINT, UINT, UDINT, ULINT, REAL, LREAL,
        BYTE, WORD, DWORD, LWORD, TIME, LTIME, DATE, LDATE, TOD, LTOD, DT, LDT,
        CHAR, WCHAR, UCHAR,
    )
}  # fmt: skip
"""All elementary types by their name in upper case."""

LONG_NAMES: Final[dict[str, Elementary]] = {
    "TIME_OF_DAY": TOD, "LTIME_OF_DAY": LTOD, "DATE_AND_TIME": DT, "LDATE_AND_TIME": LDT,
}  # fmt: skip
"""Other spellings of types (table 10)."""

_WIDER: Final[dict[str, tuple[str, ...]]] = {
    "SINT": ("INT", "DINT", "LINT", "REAL", "LREAL"),
    "INT": ("DINT", "LINT", "REAL", "LREAL"),
    "DINT": ("LINT", "LREAL"),
    "USINT": ("UINT", "UDINT", "ULINT", "INT", "DINT", "LINT", "REAL", "LREAL"),
    "UINT": ("UDINT", "ULINT", "DINT", "LINT", "REAL", "LREAL"),
    "UDINT": ("ULINT", "LINT", "LREAL"),
    "REAL": ("LREAL",),
    "BOOL": ("BYTE", "WORD", "DWORD", "LWORD"),
    "BYTE": ("WORD", "DWORD", "LWORD"),
    "WORD": ("DWORD", "LWORD"),
    "DWORD": ("LWORD",),
    "TIME": ("LTIME",),
    "DATE": ("LDATE",),
    "TOD": ("LTOD",),
    "DT": ("LDT",),
}
"""Implicit conversions that keep every value (figure 11 of edition 3)."""


def widens(source: Elementary, target: Elementary) -> bool:
    """Whether `source` converts to `target` implicitly: every value is kept."""
    return source == target or target.name in _WIDER.get(source.name, ())


def common_type(left: Elementary, right: Elementary) -> Elementary | None:
    """Return the narrowest type to which both convert implicitly, or None."""
    if widens(left, right):
        return right
    if widens(right, left):
        return left
    shared = [
        ELEMENTARY[name]
        for name in _WIDER.get(left.name, ())
        if name in _WIDER.get(right.name, ()) and ELEMENTARY[name].kind is not Kind.REAL
    ]
    return min(shared, key=lambda item: item.bits) if shared else None
