"""Sparkplug B payloads as protocol buffers: a writer of what a node says, a reader of commands.

Field numbers are those of the specification's `Payload` and `Metric` messages. The few kinds of
fields that occur are written by hand: no compiler, no library at run time.
"""

import enum
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DOUBLE: Final = struct.Struct("<d")
_MASK_64: Final = (1 << 64) - 1
_INT32_TYPE: Final = 3
_VARINT_BYTES_MAX: Final = 10


class Datatype(enum.IntEnum):
    """Types of values that a node reports."""

    INT64 = 4
    UINT64 = 8
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12


class QualityCode(enum.IntEnum):
    """The three qualities that Sparkplug knows."""

    BAD = 0
    GOOD = 192
    STALE = 500


Value = bool | int | float | str


@dataclass(frozen=True, slots=True)
class NodeMetric:
    """One value of a payload; name and alias as far as the message is to bear them."""

    value: Value
    datatype: Datatype
    timestamp_ms: int
    name: str | None = None
    alias: int | None = None
    is_birth: bool = False
    """Whether the datatype is written."""
    is_historical: bool = False
    quality: QualityCode = QualityCode.GOOD


def encode_payload(metrics: Sequence[NodeMetric], timestamp_ms: int, seq: int | None) -> bytes:
    """Return a payload; an NDEATH has no sequence number."""
    parts = [_number(1, timestamp_ms), *(_chunk(2, _metric(item)) for item in metrics)]
    if seq is not None:
        parts.append(_number(3, seq))
    return b"".join(parts)


def _metric(metric: NodeMetric) -> bytes:
    parts = []
    if metric.name is not None:
        parts.append(_chunk(1, metric.name.encode()))
    if metric.alias is not None:
        parts.append(_number(2, metric.alias))
    parts.append(_number(3, metric.timestamp_ms))
    if metric.is_birth:
        parts.append(_number(4, metric.datatype))
    if metric.is_historical:
        parts.append(_number(5, 1))
    if metric.quality is not QualityCode.GOOD:
        value = _number(1, _INT32_TYPE) + _number(3, metric.quality)
        parts.append(_chunk(9, _chunk(1, b"Quality") + _chunk(2, value)))
    parts.append(_value(metric))
    return b"".join(parts)


def _value(metric: NodeMetric) -> bytes:
    value = metric.value
    match metric.datatype:
        case Datatype.BOOLEAN:
            return _number(14, int(bool(value)))
        case Datatype.STRING:
            return _chunk(15, str(value).encode())
        case Datatype.DOUBLE:
            return _key(13, _FIXED64) + _DOUBLE.pack(float(value))
    return _number(11, int(value) & _MASK_64)


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _chunk(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004  seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class PayloadError(ValueError):
    """Bytes that are no payload."""


@dataclass(frozen=True, slots=True)
class CommandMetric:
    """One metric of a command: by name or alias; the value where it is a Boolean."""

    name: str
    alias: int | None
    boolean: bool | None


def decode_command(payload: bytes) -> list[CommandMetric]:
    """Return the metrics of an NCMD.

    Raises:
        PayloadError: The bytes are cut, or no protocol buffer.
    """
    return [
        _command(content)
        for field, content in _fields(payload)
        if field == 2 and isinstance(content, bytes)  # noqa: PLR2004  metrics
    ]


def _command(content: bytes) -> CommandMetric:
    found = dict(_fields(content))
    name, alias, boolean = found.get(1), found.get(2), found.get(14)
    return CommandMetric(
        name.decode(errors="replace") if isinstance(name, bytes) else "",
        alias if isinstance(alias, int) else None,
        bool(boolean) if isinstance(boolean, int) else None,
    )


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field: numbers as they are, everything else as bytes."""
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


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_VARINT_BYTES_MAX):
        if at >= len(content):
            raise PayloadError("a payload that is cut")
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004  the last of the number
            return value, at
    raise PayloadError("a number without an end")
