"""Read and write the small parts of a message one by one: identifiers, texts, headers.

Lengths that lie are found before anything is taken from them: every read is checked against the end
of the message and fails with a `CodecError`.
"""

import struct
from typing import Final, Self

_U8: Final = struct.Struct("<B")
_U16: Final = struct.Struct("<H")
_U32: Final = struct.Struct("<I")
_I32: Final = struct.Struct("<i")
_I64: Final = struct.Struct("<q")
_F64: Final = struct.Struct("<d")
_NODE_ID_BYTES: Final = {0: 2, 1: 4, 2: 7, 4: 19}
_NODE_ID_TEXT: Final = (3, 5)
_NAMESPACE_URI: Final = 0x80
_SERVER_INDEX: Final = 0x40
_WITH_BODY: Final = (1, 2)


class CodecError(ValueError):
    """The bytes are no message of OPC UA."""


class Cursor:
    """A place in a message that moves on with every read."""

    __slots__ = ("data", "place")

    def __init__(self, data: bytes, place: int = 0) -> None:
        """Stand at a place of a message."""
        self.data = data
        self.place = place

    def _take(self, form: struct.Struct) -> int:
        try:
            value: int = form.unpack_from(self.data, self.place)[0]
        except struct.error:
            raise CodecError(f"message ends at byte {len(self.data)}") from None
        self.place += form.size
        return value

    def u8(self) -> int:
        """Read a byte."""
        return self._take(_U8)

    def u16(self) -> int:
        """Read an unsigned integer of 16 bits."""
        return self._take(_U16)

    def u32(self) -> int:
        """Read an unsigned integer of 32 bits."""
        return self._take(_U32)

    def i32(self) -> int:
        """Read a signed integer of 32 bits."""
        return self._take(_I32)

    def i64(self) -> int:
        """Read a signed integer of 64 bits."""
        return self._take(_I64)

    def f64(self) -> float:
        """Read a Double."""
        return float(self._take(_F64))

    def skip(self, count: int) -> Self:
        """Move on by that many bytes."""
        if count < 0 or self.place + count > len(self.data):
            raise CodecError(f"{count} bytes from byte {self.place} of {len(self.data)}")
        self.place += count
        return self

    def take(self, count: int) -> bytes:
        """Read that many bytes."""
        start = self.place
        self.skip(count)
        return self.data[start : self.place]

    def count(self, least: int = 1) -> int:
        """Read the length of an array whose elements take at least that many bytes; null is 0."""
        number = self.i32()
        if number * least > len(self.data) - self.place:
            raise CodecError(f"array of {number} elements from byte {self.place}")
        return max(number, 0)

    def text(self) -> bytes:
        """Read a String or ByteString; null is empty."""
        return self.take(self.count())

    def node_id(self) -> bytes:
        """Read a NodeId, as it is written."""
        start = self.place
        self._skip_node_id(self.u8())
        return self.data[start : self.place]

    def _skip_node_id(self, encoding: int) -> None:
        kind = encoding & 0x3F
        if kind in _NODE_ID_BYTES:
            self.skip(_NODE_ID_BYTES[kind] - 1)
        elif kind in _NODE_ID_TEXT:
            self.skip(2).text()
        else:
            raise CodecError(f"NodeId of encoding {encoding}")

    def expanded_node_id(self) -> None:
        """Pass over an ExpandedNodeId."""
        encoding = self.u8()
        self._skip_node_id(encoding)
        if encoding & _NAMESPACE_URI:
            self.text()
        if encoding & _SERVER_INDEX:
            self.skip(4)

    def extension_object(self) -> tuple[bytes, bytes]:
        """Read an ExtensionObject: its type (a NodeId, as it is written) and its body."""
        kind = self.node_id()
        encoding = self.u8()
        if encoding in _WITH_BODY:
            return kind, self.text()
        if encoding:
            raise CodecError(f"ExtensionObject of encoding {encoding}")
        return kind, b""


def encode_text(text: str | None) -> bytes:
    """Return a String; None is null."""
    if text is None:
        return b"\xff\xff\xff\xff"
    units = text.encode()
    return _I32.pack(len(units)) + units
