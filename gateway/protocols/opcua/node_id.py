"""Node identifiers as people write them (part 6, 5.3.1.10) and as messages hold them.

i=2258    ns=2;s=Motor.Speed    nsu=urn:plant;i=17    ns=3;g=09087e75-…    ns=1;b=M/RbKBsR
"""

import base64
import binascii
import re
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(r"(?:ns=(\d{1,5});|nsu=([^;]+);)?([isgb])=(.+)", re.DOTALL)
_NUMBER_MAX: Final = 2**32 - 1
_INDEX_MAX: Final = 2**16 - 1
_SHORT_NUMBER_MAX: Final = 0xFF
_SHORT_INDEX_MAX: Final = 0xFF
_MIDDLE_NUMBER_MAX: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class NodeName:
    """A node's identifier; its namespace by index, or by URI, which survives a server's restart."""

    namespace: int | str
    identifier: int | str | bytes | uuid.UUID

    def encode(self, namespaces: Sequence[str] = ()) -> bytes:
        """Return the identifier as messages hold it, in its shortest form.

        Args:
            namespaces: The server's namespace array.

        Raises:
            ValueError: The namespace is a URI that is not among them.
        """
        index = self._index(namespaces)
        item = self.identifier
        if isinstance(item, int):
            return _encode_number(index, item)
        if isinstance(item, uuid.UUID):
            return struct.pack("<BH", 4, index) + item.bytes_le
        units = item.encode() if isinstance(item, str) else item
        kind = 3 if isinstance(item, str) else 5
        return struct.pack("<BHi", kind, index, len(units)) + units

    def _index(self, namespaces: Sequence[str]) -> int:
        if isinstance(self.namespace, int):
            return self.namespace
        if self.namespace not in namespaces:
            raise ValueError(f"the server has no namespace {self.namespace}")
        return namespaces.index(self.namespace)


def _encode_number(index: int, number: int) -> bytes:
    if index == 0 and number <= _SHORT_NUMBER_MAX:
        return struct.pack("<BB", 0, number)
    if index <= _SHORT_INDEX_MAX and number <= _MIDDLE_NUMBER_MAX:
        return struct.pack("<BBH", 1, index, number)
    return struct.pack("<BHI", 2, index, number)


def parse_node(text: str) -> NodeName:
    """Return the node that a text such as "ns=2;s=Motor.Speed" names.

    Raises:
        ValueError: It names none.
    """
    match = _FORM.fullmatch(text.strip())
    identifier = _identifier(match[3], match[4]) if match is not None else None
    if match is None or identifier is None or int(match[1] or 0) > _INDEX_MAX:
        raise ValueError('a node such as "ns=2;s=Motor.Speed", "i=2258" or "nsu=urn:plant;i=17"')
    return NodeName(match[2] or int(match[1] or 0), identifier)


def _identifier(kind: str, text: str) -> int | str | bytes | uuid.UUID | None:
    if kind == "s":
        return text
    try:
        if kind == "g":
            return uuid.UUID(text)
        if kind == "b":
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return int(text) if text.isdigit() and int(text) <= _NUMBER_MAX else None
