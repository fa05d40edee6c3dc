"""Strings (6.4.2, 6.3.3): their layout in memory, and literals with `$` escapes.

A string of capacity n is a length (uint32) and n code units: STRING of 8 bits in ISO 8859-1,
WSTRING of 16 bits in UTF-16, USTRING of 32 bits, each one character, so that n characters
fit whatever they are. It becomes UTF-8 where it leaves the program. To all who move values about a
string is one value, as a number is.

A STRING at an address is bare, as devices have it: its characters alone, ended by the first NUL or
by its capacity, filled up with NUL when it is written.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

from runtime.datatypes.arithmetic import is_code_point
from runtime.datatypes.elementary import CHAR, UCHAR, WCHAR, Elementary, Kind
from runtime.datatypes.literals import LiteralError
from runtime.limits import TEXT_UNITS_MAX

HEADER_BYTES: Final = 4
"""The length stands before the code units."""
DEFAULT_CAPACITY: Final = 254
_LENGTH: Final = struct.Struct("<I")
_CHARACTERS: Final = {"STRING": CHAR, "WSTRING": WCHAR, "USTRING": UCHAR}
_ENCODINGS: Final = {"STRING": "latin-1", "WSTRING": "utf-16-le", "USTRING": "utf-32-le"}


@dataclass(frozen=True, slots=True)
class Text(Elementary):
    """STRING, WSTRING or USTRING of a capacity in code units."""

    capacity: int
    is_bare: bool = False
    """Whether no length stands before the code units."""

    @property
    def plain(self) -> "Text":
        """The type with a length before the code units: the one that values are computed in."""
        return text_type(self.name, self.capacity) if self.is_bare else self

    @property
    def alignment(self) -> int:
        """Bytes that the offset in memory is a multiple of."""
        return 1 if self.is_bare else HEADER_BYTES

    @property
    def header(self) -> int:
        """Bytes before the code units."""
        return 0 if self.is_bare else HEADER_BYTES

    @property
    def character(self) -> Elementary:
        """The type of a code unit."""
        return _CHARACTERS[self.name]

    @property
    def unit(self) -> int:
        """Bytes of a code unit."""
        return self.character.size

    def __str__(self) -> str:
        """Return the type as declared, and that it is bare."""
        told = self.name if self.capacity == DEFAULT_CAPACITY else f"{self.name}[{self.capacity}]"
        return f"{told} at an address" if self.is_bare else told


def text_type(name: str, capacity: int = DEFAULT_CAPACITY) -> Text:
    """Return STRING, WSTRING or USTRING of a capacity; its bytes are a multiple of four."""
    units = min(capacity, TEXT_UNITS_MAX)
    size = HEADER_BYTES + units * _CHARACTERS[name].size
    return Text(name, Kind.TEXT, 8 * (-(-size // 4) * 4), units)


def bare_text(capacity: int) -> Text:
    """Return STRING of a capacity as it stands at an address."""
    return Text("STRING", Kind.TEXT, 8 * capacity, capacity, is_bare=True)


STRING: Final = text_type("STRING")
WSTRING: Final = text_type("WSTRING")
USTRING: Final = text_type("USTRING")
TEXTS: Final = {"STRING": STRING, "WSTRING": WSTRING, "USTRING": USTRING}


def units_of(value: str, name: str) -> bytes:
    """Return a text as code units of a type; a character that does not exist there becomes `?`."""
    return value.encode(_ENCODINGS[name], "replace")


def read_text(buffer: bytes | bytearray | memoryview, offset: int, text: Text) -> str:
    """Return the text at an offset."""
    if text.is_bare:
        units = bytes(buffer[offset : offset + text.size]).partition(b"\0")[0]
        return units.decode(_ENCODINGS[text.name])
    length = min(_LENGTH.unpack_from(buffer, offset)[0], text.capacity)
    start = offset + HEADER_BYTES
    units = bytes(buffer[start : start + length * text.unit])
    return units.decode(_ENCODINGS[text.name], "replace")


def write_text(buffer: bytearray | memoryview, offset: int, text: Text, value: str) -> None:
    """Write a text at an offset, truncated to the capacity."""
    units = units_of(value, text.name)[: text.capacity * text.unit]
    if text.is_bare:
        buffer[offset : offset + text.size] = units.ljust(text.size, b"\0")
        return
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
    """What a literal denotes: the string type that it belongs to, and whether it is a character."""

    value: str
    name: str
    is_character: bool


_ESCAPES: Final = {
    "$": "$", "'": "'", '"': '"', "L": "\n", "N": "\n", "P": "\f", "R": "\r", "T": "\t",
}  # fmt: skip
_CODE_POINT: Final = re.compile(r"\{([0-9A-Fa-f]{1,6})\}")
_PREFIXES: Final = {
    "STRING": "STRING", "WSTRING": "WSTRING", "USTRING": "USTRING", "U": "USTRING",
    "CHAR": "STRING", "WCHAR": "WSTRING", "UCHAR": "USTRING",
}  # fmt: skip


def parse_text(spelling: str) -> TextLiteral:
    """Return what `'abc'`, `"abc"`, `STRING#'abc'`, `U#'abc'` or `CHAR#'x'` denotes (tables 6, 7).

    Raises:
        LiteralError: An escape is unknown, a character does not fit, or the quotes are wrong.
    """
    prefix, _, quoted = spelling.partition("#") if spelling[0] not in "'\"" else ("", "", spelling)
    prefix = prefix.upper()
    is_double = quoted[0] == '"'
    name = _PREFIXES[prefix] if prefix else "WSTRING" if is_double else "STRING"
    if is_double and name != "WSTRING":
        raise LiteralError(f"a {prefix} literal stands in single quotes")
    value = _unescaped(quoted[1:-1], 4 if is_double else 2)
    wrong = next((item for item in value if name == "STRING" and ord(item) > CHAR.maximum), "")
    if wrong:
        wanted = "a WSTRING, in double quotes, or USTRING#'…'"
        raise LiteralError(f"{wrong!r} is not in ISO 8859-1: expected {wanted}")
    is_character = prefix.endswith("CHAR")
    if is_character and len(units_of(value, name)) != TEXTS[name].unit:
        raise LiteralError(f"a {prefix} literal holds one character, not {len(value)}")
    return TextLiteral(value, name, is_character)


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
        code_point = _CODE_POINT.match(text, at + 1)
        if escape is not None:
            parts.append(escape)
            at += 2
        elif code_point is not None:
            parts.append(_of_code_point(code_point[1]))
            at = code_point.end()
        elif re.fullmatch(f"[0-9A-Fa-f]{{{digits}}}", number):
            parts.append(chr(int(number, 16)))
            at += 1 + digits
        else:
            wanted = f"$$, $', $L, $N, $P, $R, $T, ${'F' * digits} or ${{1F600}}"
            raise LiteralError(f"${number[:1]} is no escape: expected {wanted}")
    return "".join(parts)


def _of_code_point(digits: str) -> str:
    number = int(digits, 16)
    if not is_code_point(number):
        raise LiteralError(f"${{{digits}}} is no character of Unicode")
    return chr(number)
