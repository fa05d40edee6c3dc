"""The services with many values (part 4): Read, Write, CreateMonitoredItems, Publish.

A client keeps the encoded list of its nodes and sends it again and again; a server finds them by
their bytes, without making objects of them.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.protocols.opcua.builtin import HAS_VALUE, KINDS, UNSIGNED, VALUE, WIDTHS, Builtin
from gateway.protocols.opcua.cursor import CodecError, Cursor
from gateway.protocols.opcua.messages import Message, message_type, skip_diagnostics, type_id
from gateway.protocols.opcua.values import VALUES, Values, decode_values

_I32: Final = struct.Struct("<i")
_U32: Final = struct.Struct("<I")
READ_TAIL: Final = struct.pack("<IiHi", VALUE, -1, 0, -1)
"""What follows the NodeId where a value is read: attribute, no range, no encoding."""
_WRITE_TAIL: Final = struct.pack("<Ii", VALUE, -1)
_READ: Final = struct.Struct("<dI")
_ITEM: Final = struct.Struct("<iId")
"""monitoring mode, client handle, sampling interval ms."""
_ITEM_END: Final = struct.Struct("<I?")
"""queue size, discard the oldest."""
_FILTER: Final = struct.Struct("<iId")
"""trigger, kind and value of the deadband."""
DATA_CHANGE_FILTER: Final = 724
REPORTING: Final = 2
STATUS_VALUE: Final = 1
ABSOLUTE: Final = 1
SOURCE_TIME: Final = 0
"""What TimestampsToReturn asks for: the source's only."""
_READ_ROW_BYTES: Final = 16


def encode_read(nodes: Sequence[bytes]) -> bytes:
    """Return the parameters of a Read of values with their source times."""
    rows = b"".join(node + READ_TAIL for node in nodes)
    return _READ.pack(0.0, SOURCE_TIME) + _I32.pack(len(nodes)) + rows


def decode_read_results(cursor: Cursor) -> Values:
    """Read the results of a Read; the handle of a row is its place.

    Raises:
        CodecError: The bytes are none.
    """
    return decode_values(cursor, cursor.count(), handles=False)


@dataclass(frozen=True, slots=True)
class ReadRows:
    """The parameters of a Read, whose rows are still bytes."""

    max_age_ms: float
    timestamps: int
    """What TimestampsToReturn asks for: 0 source, 1 server, 2 both, 3 neither."""
    count: int
    rows: bytes


def decode_read(cursor: Cursor) -> ReadRows:
    """Read the parameters of a Read; they end the message.

    Raises:
        CodecError: The bytes are none.
    """
    max_age_ms, timestamps = cursor.f64(), cursor.u32()
    count = cursor.count(_READ_ROW_BYTES)
    return ReadRows(max_age_ms, timestamps, count, cursor.data[cursor.place :])


def read_nodes(rows: bytes, count: int) -> Iterator[bytes | None]:
    """Yield the NodeId of each row that reads a plain value; None for one that asks otherwise.

    Raises:
        CodecError: The bytes are no rows.
    """
    cursor = Cursor(rows)
    tail = len(READ_TAIL)
    for _ in range(count):
        node = cursor.node_id()
        if rows.startswith(READ_TAIL, cursor.place):
            cursor.place += tail
            yield node
        else:
            cursor.skip(4).text()
            cursor.skip(2).text()
            yield None


def encode_write(nodes: Sequence[bytes], kinds: Sequence[int], raws: Sequence[int]) -> bytes:
    """Return the parameters of a Write of values, each of its node's own type."""
    parts = [_I32.pack(len(nodes))]
    for node, kind, raw in zip(nodes, kinds, raws, strict=True):
        value = raw.to_bytes(WIDTHS[Builtin(kind)], "little")
        parts.append(node + _WRITE_TAIL + bytes((HAS_VALUE, kind)) + value)
    return b"".join(parts)


def decode_statuses(cursor: Cursor) -> tuple[int, ...]:
    """Read the results of a Write, or of any service whose results are status codes.

    Raises:
        CodecError: The bytes are none.
    """
    count = cursor.count(4)
    return struct.unpack(f"<{count}I", cursor.take(4 * count))


@dataclass(frozen=True, slots=True)
class Item:
    """A value to be monitored."""

    node: bytes
    sampling_ms: float
    deadband: float = 0.0
    """Least change that is told; 0 tells every one."""


def encode_create_items(subscription: int, items: Sequence[Item], first: int) -> bytes:
    """Return the parameters of a CreateMonitoredItems; client handles count from `first`."""
    parts = [struct.pack("<III", subscription, SOURCE_TIME, len(items))]
    for handle, item in enumerate(items, first):
        parts += (
            item.node,
            READ_TAIL,
            _ITEM.pack(REPORTING, handle, item.sampling_ms),
            _filter(item.deadband),
            _ITEM_END.pack(1, True),  # noqa: FBT003 - the field of the message
        )
    return b"".join(parts)


def _filter(deadband: float) -> bytes:
    if not deadband:
        return b"\0\0\0"
    body = _FILTER.pack(STATUS_VALUE, ABSOLUTE, deadband)
    return type_id(DATA_CHANGE_FILTER) + b"\x01" + _U32.pack(len(body)) + body


def decode_created_items(cursor: Cursor) -> tuple[int, ...]:
    """Read the results of a CreateMonitoredItems: their status codes.

    Raises:
        CodecError: The bytes are none.
    """
    statuses = []
    for _ in range(cursor.count(20)):
        statuses.append(cursor.u32())
        cursor.skip(16).extension_object()
    return tuple(statuses)


def encode_create_subscription(interval_ms: float, lifetime: int, keep_alive: int) -> bytes:
    """Return the parameters of a CreateSubscription without a limit to its notifications."""
    return struct.pack("<dIII?B", interval_ms, lifetime, keep_alive, 0, True, 0)  # noqa: FBT003


@dataclass(frozen=True, slots=True)
class Created:
    """What a server agreed to of a subscription."""

    number: int
    interval_ms: float
    keep_alive: int


def decode_created_subscription(cursor: Cursor) -> Created:
    """Read the results of a CreateSubscription.

    Raises:
        CodecError: The bytes are none.
    """
    number, interval_ms = cursor.u32(), cursor.f64()
    return Created(number, interval_ms, cursor.skip(4).u32())


def encode_publish(acknowledged: Sequence[tuple[int, int]]) -> bytes:
    """Return the parameters of a Publish: subscription and number of each message that arrived."""
    rows = b"".join(struct.pack("<II", *item) for item in acknowledged)
    return _I32.pack(len(acknowledged)) + rows


@dataclass(frozen=True, slots=True)
class Published:
    """What a Publish brought."""

    subscription: int
    more: bool
    sequence: int
    publish_ticks: int
    has_data: bool
    """Whether it is more than a sign of life, so that it is to be acknowledged."""
    values: Values
    status: int | None
    """The subscription's new status: it is gone if this is bad."""


def decode_published(cursor: Cursor) -> Published:
    """Read the results of a Publish.

    Raises:
        CodecError: The bytes are none.
    """
    subscription = cursor.u32()
    cursor.skip(4 * cursor.count(4))
    more = bool(cursor.u8())
    sequence, ticks = cursor.u32(), cursor.i64()
    found: list[Values] = []
    status = None
    parts = cursor.count(3)
    for _ in range(parts):
        kind, body = cursor.extension_object()
        number = message_type(kind)
        inner = Cursor(body)
        if number == Message.DATA_CHANGES:
            found.append(decode_values(inner, inner.count(5), handles=True))
        elif number == Message.STATUS_CHANGE:
            status = inner.u32()
            skip_diagnostics(inner)
    values = found[0] if len(found) == 1 else np.concatenate([np.zeros(0, VALUES), *found])
    return Published(subscription, more, sequence, ticks, parts > 0, values, status)


def width_of(kind: int) -> int | None:
    """Return the bytes of a built-in type, None where they vary."""
    return WIDTHS.get(Builtin(kind)) if kind in KINDS else None


def raw_type(width: int) -> str:
    """Return NumPy's name of the unsigned integer of so many bytes.

    Raises:
        CodecError: There is none.
    """
    if width not in UNSIGNED:
        raise CodecError(f"no integer of {width} bytes")
    return UNSIGNED[width]
