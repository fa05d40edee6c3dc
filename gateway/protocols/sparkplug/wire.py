"""The wire format of protocol buffers, as far as Sparkplug needs it: fields by number."""

import functools
import struct
from collections.abc import Iterator
from typing import Final

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DOUBLE: Final = struct.Struct("<d")
_FLOAT: Final = struct.Struct("<f")
_VARINT_BYTES_MAX: Final = 10
_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80
_SMALL: Final = [bytes([value]) for value in range(_MORE)]
_KEPT: Final = 4096
"""Fields that are kept as bytes: the time of a scan stands in each of its metrics."""


class PayloadError(ValueError):
    """Bytes that are no payload."""


@functools.lru_cache(maxsize=_KEPT)
def number(field: int, value: int) -> bytes:
    """Return a field that holds a whole number, not negative."""
    return _key(field, _VARINT) + _varint(value)


def chunk(field: int, content: bytes) -> bytes:
    """Return a field that holds bytes, text or another message."""
    return _key(field, _BYTES) + _varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """Return a field that holds text; what Unicode does not have becomes a question mark."""
    return chunk(field, content.encode("utf-8", "replace"))


def double(field: int, value: float) -> bytes:
    """Return a field that holds a binary64 number."""
    return _key(field, _FIXED64) + _DOUBLE.pack(value)


def single(field: int, value: float) -> bytes:
    """Return a field that holds a binary32 number."""
    return _key(field, _FIXED32) + _FLOAT.pack(value)


def read_double(content: bytes) -> float:
    """Return the binary64 number of eight bytes."""
    value: float = _DOUBLE.unpack(content)[0]
    return value


def read_single(content: bytes) -> float:
    """Return the binary32 number of four bytes."""
    value: float = _FLOAT.unpack(content)[0]
    return value


def fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field: numbers as they are, everything else as bytes.

    Raises:
        PayloadError: The bytes are cut, or no protocol buffer.
    """
    at = 0
    while at < len(content):
        key, at = _read_varint(content, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _read_varint(content, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(content, at)
        elif kind in {_FIXED64, _FIXED32}:
            size = 8 if kind == _FIXED64 else 4
        else:
            raise PayloadError(f"a field of kind {kind}")
        if at + size > len(content):
            raise PayloadError("a payload that is cut")
        yield key >> 3, content[at : at + size]
        at += size


@functools.cache
def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(value: int) -> bytes:
    if value <= _SEVEN_BITS:
        return _SMALL[value]
    out = bytearray()
    while value > _SEVEN_BITS:
        out.append(value & _SEVEN_BITS | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_VARINT_BYTES_MAX):
        if at >= len(content):
            raise PayloadError("a payload that is cut")
        byte = content[at]
        at += 1
        value |= (byte & _SEVEN_BITS) << 7 * place
        if byte < _MORE:
            return value, at
    raise PayloadError("a number without an end")
