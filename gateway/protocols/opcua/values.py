"""DataValues, many at a time (part 6, 5.2.2.17): rows of a message as rows of NumPy.

A DataValue begins with a byte that tells its parts, its Variant with a byte that tells the type. As
long as both stay the same, and the type has a fixed width, the rows of a message are the rows of an
array: one look takes or makes them all. Rows that differ are taken one by one.

    07 00 00 00 handle | 05 value, source time | 0A Float | 00 00 C0 3F | ticks   ->  7: 1.5
"""

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.protocols.opcua.builtin import (
    ARRAY,
    DIMENSIONS,
    HAS_SERVER_PICOSECONDS,
    HAS_SERVER_TIME,
    HAS_SOURCE_PICOSECONDS,
    HAS_SOURCE_TIME,
    HAS_STATUS,
    HAS_VALUE,
    KINDS,
    UNSIGNED,
    WIDTHS,
    Builtin,
)
from gateway.protocols.opcua.cursor import CodecError, Cursor
from gateway.protocols.opcua.messages import skip_diagnostics

_RUN_FIRST: Final = 64
"""Rows looked at when a run begins; as long as runs are whole, the next look is twice as far."""
_DEPTH_MAX: Final = 8

Values = NDArray[np.void]
"""Rows of `VALUES`."""

VALUES: Final = np.dtype(
    [("handle", "<u4"), ("kind", "u1"), ("raw", "<u8"), ("status", "<u4"), ("source", "<i8")]
)
"""One value as it arrived: client handle (or place in the response), built-in type (`Builtin`, with
`ARRAY` where it was one), its bits zero-extended, status code, source time in ticks (0: none)."""


@functools.cache
def row_type(mask: int, kind: int, *, handles: bool) -> np.dtype[np.void] | None:
    """Return how a DataValue of such a first byte and type lies in a message.

    Returns:
        None where its width is not fixed.
    """
    fields: list[tuple[str, str]] = [("handle", "<u4")] if handles else []
    fields.append(("mask", "u1"))
    if mask & HAS_VALUE:
        fields.append(("kind", "u1"))
        if kind != Builtin.NULL:
            width = WIDTHS.get(Builtin(kind)) if kind in KINDS else None
            if width is None:
                return None
            fields.append(("value", UNSIGNED[width]))
    for bit, name, form in (
        (HAS_STATUS, "status", "<u4"),
        (HAS_SOURCE_TIME, "source", "<i8"),
        (HAS_SOURCE_PICOSECONDS, "source_picoseconds", "<u2"),
        (HAS_SERVER_TIME, "server", "<i8"),
        (HAS_SERVER_PICOSECONDS, "server_picoseconds", "<u2"),
    ):
        if mask & bit:
            fields.append((name, form))
    return np.dtype(fields)


@dataclass(frozen=True, slots=True)
class _Row:
    """How to take one row: its width, and where its parts stand; -1 where they do not."""

    form: struct.Struct
    rows: np.dtype[np.void]
    handle: int
    value: int
    status: int
    source: int


@functools.cache
def _single(mask: int, kind: int, *, handles: bool) -> _Row | None:
    row = row_type(mask, kind, handles=handles)
    if row is None or row.names is None:
        return None
    codes = {"u1": "B", "<u2": "H", "<u4": "I", "<u8": "Q", "<i8": "q"}
    form = "".join(codes[row[name].str.replace("|", "")] for name in row.names)
    places = {name: place for place, name in enumerate(row.names)}
    at = [places.get(name, -1) for name in ("handle", "value", "status", "source")]
    return _Row(struct.Struct("<" + form), row, *at)


def decode_values(cursor: Cursor, count: int, *, handles: bool) -> Values:
    """Read DataValues, in their order.

    Args:
        cursor: Stands at the first one; afterwards behind the last.
        count: Their number.
        handles: Whether each follows a client handle, as in notifications; else the handle is the
            place in the array.

    Raises:
        CodecError: The bytes are no DataValues.
    """
    try:
        return _decode(cursor, count, handles=handles)
    except (IndexError, struct.error):
        raise CodecError(f"DataValues end at byte {len(cursor.data)}") from None


def _decode(cursor: Cursor, count: int, *, handles: bool) -> Values:
    data, ahead = cursor.data, 4 if handles else 0
    runs: list[Values] = []
    singles: list[tuple[int, int, int, int, int]] = []
    done, reach = 0, _RUN_FIRST
    while done < count:
        place = cursor.place
        mask = data[place + ahead]
        kind = data[place + ahead + 1] if mask & HAS_VALUE else 0
        single = _single(mask, kind, handles=handles)
        if single is None:
            singles.append(_odd(cursor, done, handles=handles))
            done += 1
            continue
        size = single.form.size
        after = data[place + size + ahead : place + size + ahead + 2]
        if after[:1] != bytes((mask,)) or (mask & HAS_VALUE and after[1:] != bytes((kind,))):
            parts = single.form.unpack_from(data, place)
            singles.append(_one(parts, single, kind, done))
            cursor.place += size
            done += 1
            continue
        rows = min(count - done, (len(data) - place) // size, reach)
        run = _run(data, place, rows, single.rows, done)
        reach = 2 * reach if len(run) == rows else _RUN_FIRST
        if singles:
            runs.append(np.array(singles, VALUES))
            singles.clear()
        runs.append(run)
        cursor.place += size * len(run)
        done += len(run)
    if singles:
        runs.append(np.array(singles, VALUES))
    return runs[0] if len(runs) == 1 else np.concatenate([np.zeros(0, VALUES), *runs])


def _one(
    parts: tuple[int, ...], row: _Row, kind: int, number: int
) -> tuple[int, int, int, int, int]:
    return (
        parts[row.handle] if row.handle >= 0 else number,
        kind,
        parts[row.value] if row.value >= 0 else 0,
        parts[row.status] if row.status >= 0 else 0,
        parts[row.source] if row.source >= 0 else 0,
    )


def _run(data: bytes, place: int, rows: int, form: np.dtype[np.void], first: int) -> Values:
    """Take the rows from a place on that are like the first; `first` is its number."""
    found = np.frombuffer(data, form, rows, place)
    mask, kind = int(found["mask"][0]), 0
    alike = found["mask"] == mask
    if mask & HAS_VALUE:
        kind = int(found["kind"][0])
        alike &= found["kind"] == kind
    if not alike.all():
        rows = int(alike.argmin())
        found = found[:rows]
    names = form.names or ()
    values = np.zeros(rows, VALUES)
    has_handles = "handle" in names
    values["handle"] = found["handle"] if has_handles else np.arange(first, first + rows)
    values["kind"] = kind
    for name, part in (("raw", "value"), ("status", "status"), ("source", "source")):
        if part in names:
            values[name] = found[part]
    return values


def _odd(cursor: Cursor, number: int, *, handles: bool) -> tuple[int, int, int, int, int]:
    """Take a row whose value has no fixed width: the value is passed over, the rest is kept."""
    handle = cursor.u32() if handles else number
    mask = cursor.u8()
    kind = skip_variant(cursor) if mask & HAS_VALUE else 0
    status = cursor.u32() if mask & HAS_STATUS else 0
    source = cursor.i64() if mask & HAS_SOURCE_TIME else 0
    if mask & HAS_SOURCE_PICOSECONDS:
        cursor.skip(2)
    if mask & HAS_SERVER_TIME:
        cursor.skip(8)
    if mask & HAS_SERVER_PICOSECONDS:
        cursor.skip(2)
    return handle, kind, 0, status, source


def skip_variant(cursor: Cursor, depth: int = 0) -> int:
    """Pass over a Variant; return its type, with `ARRAY` where it is one.

    Raises:
        CodecError: The bytes are none.
    """
    first = cursor.u8()
    kind = first & 0x3F
    if kind not in KINDS or depth > _DEPTH_MAX:
        raise CodecError(f"Variant of type {kind} at depth {depth}")
    count = cursor.count() if first & ARRAY else 1
    width = WIDTHS.get(Builtin(kind))
    if width is not None:
        cursor.skip(count * width)
    else:
        for _ in range(count):
            _skip_value(cursor, Builtin(kind), depth)
    if first & DIMENSIONS:
        cursor.skip(4 * cursor.count(4))
    return kind | first & ARRAY


def _skip_value(cursor: Cursor, kind: Builtin, depth: int) -> None:
    """Pass over a value of a type whose width varies."""
    if kind is Builtin.VARIANT:
        skip_variant(cursor, depth + 1)
    elif kind is Builtin.DATA_VALUE:
        _skip_data_value(cursor, depth + 1)
    elif kind is not Builtin.NULL:
        _SKIPS[kind](cursor)


def _skip_localized_text(cursor: Cursor) -> None:
    for _ in range((cursor.u8() & 3).bit_count()):
        cursor.text()


_SKIPS: Final[dict[Builtin, Callable[[Cursor], object]]] = {
    Builtin.STRING: Cursor.text,
    Builtin.BYTE_STRING: Cursor.text,
    Builtin.XML_ELEMENT: Cursor.text,
    Builtin.GUID: lambda cursor: cursor.skip(16),
    Builtin.NODE_ID: Cursor.node_id,
    Builtin.EXPANDED_NODE_ID: Cursor.expanded_node_id,
    Builtin.QUALIFIED_NAME: lambda cursor: cursor.skip(2).text(),
    Builtin.LOCALIZED_TEXT: _skip_localized_text,
    Builtin.EXTENSION_OBJECT: Cursor.extension_object,
    Builtin.DIAGNOSTIC_INFO: skip_diagnostics,
}


def _skip_data_value(cursor: Cursor, depth: int) -> None:
    mask = cursor.u8()
    if mask & HAS_VALUE:
        skip_variant(cursor, depth)
    for bit, width in (
        (HAS_STATUS, 4), (HAS_SOURCE_TIME, 8), (HAS_SOURCE_PICOSECONDS, 2),
        (HAS_SERVER_TIME, 8), (HAS_SERVER_PICOSECONDS, 2),
    ):  # fmt: skip
        if mask & bit:
            cursor.skip(width)
