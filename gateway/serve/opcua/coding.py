"""How a value of a program becomes one of OPC UA (PLCopen's information model, table of types).

Most types lie in the program's memory as they travel in a message. A TIME becomes a Duration
(Double, ms), a date or time of day a DateTime, an enumeration an Int32, a string a String.
"""

import enum
import struct
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from gateway.protocols.opcua.builtin import TICK_NS, TICKS_1970, WIDTHS, Builtin
from runtime.datatypes.derived import DataType
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.texts import Text, read_text

_MILLISECOND_NS: Final = 1e6
_DURATION: Final = 290
"""NodeId in namespace 0 of the data type Duration; the others are those of the built-in types."""


class Change(enum.Enum):
    """What is done to the bytes of a value on its way."""

    NONE = "none"
    DURATION = "ns to ms"
    DATE = "ns to ticks"
    ENUM = "to 32 bits"
    TEXT = "to text"


@dataclass(frozen=True, slots=True)
class Coding:
    """The form of one elementary type."""

    builtin: Builtin
    data_type: int
    """NodeId of its data type in namespace 0."""
    size: int
    """Bytes in the program's memory."""
    change: Change = Change.NONE
    number: str = ""
    """NumPy's name of the number in memory, for a comparison with a deadband."""
    text: Text | None = None

    @property
    def width(self) -> int:
        """Bytes in a message; 0 where they vary."""
        return WIDTHS.get(self.builtin, 0)


_BUILTINS: Final = {
    "BOOL": Builtin.BOOLEAN, "SINT": Builtin.SBYTE, "USINT": Builtin.BYTE, "BYTE": Builtin.BYTE,
    "CHAR": Builtin.BYTE, "INT": Builtin.INT16, "UINT": Builtin.UINT16, "WORD": Builtin.UINT16,
    "WCHAR": Builtin.UINT16, "DINT": Builtin.INT32, "UDINT": Builtin.UINT32,
    "UCHAR": Builtin.UINT32, "DWORD": Builtin.UINT32, "LINT": Builtin.INT64,
    "ULINT": Builtin.UINT64, "LWORD": Builtin.UINT64, "REAL": Builtin.FLOAT,
    "LREAL": Builtin.DOUBLE,
}  # fmt: skip


def coding_of(data_type: DataType) -> Coding | None:
    """Return the form of an elementary type, None where clients cannot see it (a reference)."""
    if isinstance(data_type, Text):
        builtin = Builtin.STRING
        return Coding(builtin, builtin, data_type.size, Change.TEXT, text=data_type)
    if not isinstance(data_type, Elementary):
        return None
    size = data_type.plain.size
    if data_type.kind is Kind.DURATION:
        return Coding(Builtin.DOUBLE, _DURATION, size, Change.DURATION, "<i8")
    if data_type.is_calendar:
        return Coding(Builtin.DATE_TIME, Builtin.DATE_TIME, size, Change.DATE, "<i8")
    if data_type.kind is Kind.ENUM:
        return Coding(Builtin.INT32, Builtin.INT32, size, Change.ENUM, f"<i{size}")
    builtin_or_none = _BUILTINS.get(data_type.plain.name)
    if builtin_or_none is None:
        return None
    letter = {Kind.SIGNED: "i", Kind.REAL: "f"}.get(data_type.kind, "u")
    return Coding(builtin_or_none, builtin_or_none, size, number=f"<{letter}{size}")


def encoded(values: NDArray[Any], coding: Coding) -> NDArray[Any]:
    """Return numbers in memory (of `coding.number`) as unsigned integers of the message's width."""
    wide: NDArray[Any]
    if coding.change is Change.DURATION:
        wide = (values / _MILLISECOND_NS).view("<u8")
    elif coding.change is Change.DATE:
        wide = (values // TICK_NS + TICKS_1970).view("<u8")
    elif coding.change is Change.ENUM:
        wide = values.astype("<i4").view("<u4")
    else:
        wide = values.view(f"<u{coding.size}")
    return wide


def encoded_text(state: bytes | memoryview, offset: int, text: Text) -> bytes:
    """Return a string in memory as a String."""
    units = read_text(state, offset, text).encode()
    return struct.pack("<i", len(units)) + units
