"""Values of `takt.toml` that carry a unit or a syntax of their own: durations and addresses."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BeforeValidator

_UNITS_NS: Final = {
    "ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9,
    "min": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9,
}  # fmt: skip
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|min|h|d)")


def parse_duration(text: object) -> int:
    """Return nanoseconds of a duration such as "10ms" or "1.5s".

    Raises:
        ValueError: The text is not a number with one of the units ns, us, ms, s, min, h, d.
    """
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a duration with unit, such as "10ms" (ns, us, ms, s, min, h, d)')
    return round(float(match[1]) * _UNITS_NS[match[2]])


def told_duration(nanoseconds: int) -> str:
    """Return a duration as a message tells it: in hours, seconds or milliseconds."""
    for unit in ("h", "s"):
        if abs(nanoseconds) >= _UNITS_NS[unit]:
            return f"{nanoseconds / _UNITS_NS[unit]:.12g} {unit}"
    return f"{nanoseconds / 1e6:.12g} ms"


DurationNs = Annotated[int, BeforeValidator(parse_duration)]
"""A duration in nanoseconds, written in the file as "10ms"."""

_ADDRESS: Final = re.compile(r"%([IQM])([XBWDL]?)(\d+)(?:\.([0-7]))?", re.IGNORECASE)
_WIDTHS: Final = {"X": 1, "B": 8, "W": 16, "D": 32, "L": 64}


@dataclass(frozen=True, slots=True)
class Address:
    """A directly represented variable (6.5.5): %IX0.3, %QW2, %MD4.

    The number counts in units of the width, as in CODESYS: %IW2 is bytes 4 and 5 of the area, and
    overlaps %IB4, %IB5 and %IX4.0 to %IX5.7.
    """

    area: str
    """"I", "Q" or "M"."""
    width: int
    """Bits: 1, 8, 16, 32 or 64."""
    byte: int
    """Offset in the area, in bytes."""
    bit: int = 0
    """Bit number in that byte; 0 unless `width` is 1."""

    @property
    def bits(self) -> range:
        """The bits of the area that the address covers."""
        start = self.byte * 8 + self.bit
        return range(start, start + self.width)

    def neighbour(self, distance: int) -> "Address":
        """Return the address of the same width so many further on."""
        start = self.byte * 8 + self.bit + distance * self.width
        return Address(self.area, self.width, start // 8, start % 8)

    def __str__(self) -> str:
        """Return the address in its canonical form."""
        if self.width == 1:
            return f"%{self.area}X{self.byte}.{self.bit}"
        letter = {8: "B", 16: "W", 32: "D", 64: "L"}[self.width]
        return f"%{self.area}{letter}{self.byte * 8 // self.width}"


def parse_address(text: object) -> Address:
    """Return the address that a text such as "%IW2" names.

    Raises:
        ValueError: It does not name one.
    """
    match = _ADDRESS.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('an address such as "%IX0.3", "%QW2" or "%MD4"')
    area, letter, number, bit = match[1].upper(), (match[2] or "X").upper(), int(match[3]), match[4]
    width = _WIDTHS[letter]
    if (bit is not None) and width != 1:
        raise ValueError(f'no bit number after "%{area}{letter}{number}"; a bit is "%{area}X…"')
    if width == 1:
        return Address(area, 1, number, int(bit or 0))
    return Address(area, width, number * width // 8)


AddressField = Annotated[Address, BeforeValidator(parse_address)]
"""An address, written in the file as "%IW2"."""
