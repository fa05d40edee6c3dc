"""Strings (6.4.2, 6.3.3): their layout in memory, and literals with `$` escapes.

A string of capacity n is a length (uint32) and n code units: STRING of 8 bits in ISO 8859-1,
WSTRING of 16 bits in UTF-16. To all who move values about it is one value, as a number is.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.literals import LiteralError
from runtime.limits import TEXT_UNITS_MAX

HEADER_BYTES: Final = 4
"""The length stands before the code units."""
DEFAULT_CAPACITY: Final = 254
_LENGTH: Final = struct.Struct("<I")
_ENCODINGS: Final = {False: "latin-1", True: "utf-16-le"}


@dataclass(frozen=True, slots=True)
class Text(Elementary):
    """STRING or WSTRING of a capacity in code units."""

    capacity: int

    @property
    def alignment(self) -> int:
        """Bytes that the offset in memory is a multiple of."""
        return HEADER_BYTES

    @property
    def is_wide(self) -> bool:
        """Whether code units have 16 bits."""
        return self.name == "WSTRING"

    @property
    def unit(self) -> int:
        """Bytes of a code unit."""
        return 2 if self.is_wide else 1

    def __str__(self) -> str:
        """Return the type as declared."""
        return self.name if self.capacity == DEFAULT_CAPACITY else f"{self.name}[{self.capacity}]"


def text_type(*, is_wide: bool, capacity: int = DEFAULT_CAPACITY) -> Text:
    """Return the string type of a capacity; its bytes in memory are a multiple of four."""
    units = min(capacity, TEXT_UNITS_MAX)
    size = HEADER_BYTES + units * (2 if is_wide else 1)
    name = "WSTRING" if is_wide else "STRING"
    return Text(name, Kind.TEXT, 8 * (-(-size // 4) * 4), units)


STRING: Final = text_type(is_wide=False)
WSTRING: Final = text_type(is_wide=True)
TEXTS: Final = {"STRING": STRING, "WSTRING": WSTRING}


def units_of(value: str, *, is_wide: bool) -> bytes:
    """Return the code units of a text; a character that does not exist there becomes `?`."""
    return value.encode(_ENCODINGS[is_wide], "replace")


def read_text(buffer: bytes | bytearray | memoryview, offset: int, text: Text) -> str:
    """Return the text at an offset."""
    length = min(_LENGTH.unpack_from(buffer, offset)[0], text.capacity)
    start = offset + HEADER_BYTES
    units = bytes(buffer[start : start + length * text.unit])
    return units.decode(_ENCODINGS[text.is_wide], "replace")


def write_text(buffer: bytearray | memoryview, offset: int, text: Text, value: str) -> None:
    """Write a text at an offset, truncated to the capacity."""
    units = units_of(value, is_wide=text.is_wide)[: text.capacity * text.unit]
    _LENGTH.pack_into(buffer, offset, len(units) // text.unit)
    start = offset + HEADER_BYTES
    buffer[start : start + len(units)] = units


def text_image(text: Text, value: str) -> bytes:
    """Return a text as it stands in memory."""
    image = bytearray(text.size)
    write_text(image, 0, text, value)
    return bytes(image)


# -- literals -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextLiteral:
    """What a literal denotes; `prefix` is the type that it names, such as CHAR, or empty."""

    value: str
    is_wide: bool
    prefix: str


_ESCAPES: Final = {
    "$": "$", "'": "'", '"': '"', "L": "\n", "N": "\n", "P": "\f", "R": "\r", "T": "\t",
}  # fmt: skip


def parse_text(spelling: str) -> TextLiteral:
    """Return what `'abc'`, `"abc"`, `STRING#'abc'` or `CHAR#'x'` denotes (tables 6 and 7).

    Raises:
        LiteralError: An escape is unknown, a character does not fit, or the quotes are wrong.
    """
    prefix, _, quoted = spelling.rpartition("#") if spelling[0] not in "'\"" else ("", "", spelling)
    prefix = prefix.upper()
    is_wide = quoted[0] == '"' or prefix.startswith("W")
    if prefix and prefix[0] != "W" and is_wide:
        raise LiteralError(f"a {prefix} literal stands in single quotes")
    value = _unescaped(quoted[1:-1], 4 if quoted[0] == '"' else 2)
    if not is_wide and not value.isascii() and any(ord(item) > 0xFF for item in value):  # noqa: PLR2004
        wrong = next(item for item in value if ord(item) > 0xFF)  # noqa: PLR2004
        raise LiteralError(f"{wrong!r} is not in ISO 8859-1: expected a WSTRING, in double quotes")
    if prefix.endswith("CHAR") and len(units_of(value, is_wide=is_wide)) != 1 + is_wide:
        raise LiteralError(f"a {prefix} literal holds one character, not {len(value)}")
    return TextLiteral(value, is_wide, prefix)


def _unescaped(text: str, digits: int) -> str:
    parts: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != "$":
            parts.append(text[at])
            at += 1
            continue
        number = text[at + 1 : at + 1 + digits]
        escape = _ESCAPES.get(text[at + 1 : at + 2].upper())
        if escape is not None:
            parts.append(escape)
            at += 2
        elif re.fullmatch(f"[0-9A-Fa-f]{{{digits}}}", number):
            parts.append(chr(int(number, 16)))
            at += 1 + digits
        else:
            wanted = f"$$, $', $L, $N, $P, $R, $T or ${'F' * digits}"
            raise LiteralError(f"${number[:1]} is no escape: expected {wanted}")
    return "".join(parts)
