"""DataValues as rows: what the library encodes, our codec must take, and the other way round."""

import datetime as dt
import struct

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols.opcua.builtin import ARRAY, WIDTHS, Builtin, ticks_of
from gateway.protocols.opcua.cursor import CodecError, Cursor
from gateway.protocols.opcua.values import decode_values, row_type

NUMBERS = {
    Builtin.BOOLEAN: st.booleans(),
    Builtin.SBYTE: st.integers(-128, 127),
    Builtin.BYTE: st.integers(0, 255),
    Builtin.INT16: st.integers(-(2**15), 2**15 - 1),
    Builtin.UINT16: st.integers(0, 2**16 - 1),
    Builtin.INT32: st.integers(-(2**31), 2**31 - 1),
    Builtin.UINT32: st.integers(0, 2**32 - 1),
    Builtin.INT64: st.integers(-(2**63), 2**63 - 1),
    Builtin.UINT64: st.integers(0, 2**64 - 1),
    Builtin.FLOAT: st.floats(width=32, allow_nan=False),
    Builtin.DOUBLE: st.floats(allow_nan=False),
}
FORMATS = dict(zip(NUMBERS, "?bBhHiIqQfd", strict=True))
TIMES = st.datetimes(dt.datetime(1700, 1, 1)).map(lambda time: time.replace(microsecond=0))  # noqa: DTZ001
OTHERS = st.sampled_from(
    [
        ua.Variant("text", ua.VariantType.String),
        ua.Variant([1, 2, 3], ua.VariantType.Int32),
        ua.Variant([[1.0], [2.0]], ua.VariantType.Double),
        ua.Variant(None, ua.VariantType.Null),
        ua.Variant(ua.LocalizedText("text", "en"), ua.VariantType.LocalizedText),
        ua.Variant(ua.NodeId("text", 3), ua.VariantType.NodeId),
        ua.Variant(ua.QualifiedName("text", 3), ua.VariantType.QualifiedName),
        ua.Variant(ua.Argument(Name="a"), ua.VariantType.ExtensionObject),
        ua.Variant([b"a", b"bc"], ua.VariantType.ByteString),
        ua.Variant([ua.Variant(1), ua.Variant("x")], ua.VariantType.Variant),
    ]
)


@st.composite
def data_values(draw: st.DrawFn) -> ua.DataValue:
    kind = draw(st.sampled_from([*NUMBERS, None]))
    variant = (
        draw(OTHERS) if kind is None else ua.Variant(draw(NUMBERS[kind]), ua.VariantType(kind))
    )
    return ua.DataValue(
        variant,
        ua.StatusCode(draw(st.sampled_from([0, 0x40000000, 0x80000000]))),
        draw(st.none() | TIMES),
        draw(st.none() | TIMES),
        draw(st.none() | st.integers(0, 9999)),
    )


def raw_of(value: ua.DataValue) -> int:
    kind = Builtin(value.Value.VariantType.value)
    if kind not in NUMBERS or value.Value.is_array:
        return 0
    packed = struct.pack("<" + FORMATS[kind], value.Value.Value)
    return int.from_bytes(packed, "little")


@settings(deadline=None)
@given(st.lists(data_values(), max_size=30), st.booleans())
def test_whatever_the_library_encodes_is_taken(values: list[ua.DataValue], handles: bool) -> None:  # noqa: FBT001
    rows = []
    for number, value in enumerate(values):
        handle = struct.pack("<I", 7 * number) if handles else b""
        rows.append(handle + struct_to_binary(value))
    cursor = Cursor(b"\0\0" + b"".join(rows) + b"end", 2)
    found = np.sort(decode_values(cursor, len(values), handles=handles), order="handle")
    assert cursor.data[cursor.place :] == b"end"
    assert found["handle"].tolist() == [n * (7 if handles else 1) for n in range(len(values))]
    assert found["raw"].tolist() == [raw_of(value) for value in values]
    assert found["status"].tolist() == [value.StatusCode.value for value in values]
    sources = [
        ua.datetime_to_win_epoch(value.SourceTimestamp) if value.SourceTimestamp else 0
        for value in values
    ]
    assert found["source"].tolist() == sources


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 1000])
def test_rows_that_are_alike_come_as_one_array(count: int) -> None:
    form = row_type(0x05, Builtin.DOUBLE, handles=True)
    assert form is not None
    rows = np.zeros(count, form)
    rows["handle"], rows["mask"], rows["kind"] = range(count), 0x05, Builtin.DOUBLE
    rows["value"] = np.linspace(0, 1, count).view("<u8")
    found = decode_values(Cursor(rows.tobytes()), count, handles=True)
    assert found["raw"].view("<f8").tolist() == np.linspace(0, 1, count).tolist()
    assert found["handle"].tolist() == list(range(count))


def test_an_array_is_passed_over_and_says_that_it_is_one() -> None:
    value = ua.DataValue(ua.Variant([1, 2], ua.VariantType.Int16))
    (found,) = decode_values(Cursor(struct_to_binary(value)), 1, handles=False)
    assert found["kind"] == Builtin.INT16 | ARRAY


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(0, 5), st.booleans())
def test_bytes_that_are_no_values_are_refused_or_taken_within_bounds(
    data: bytes,
    count: int,
    handles: bool,  # noqa: FBT001
) -> None:
    cursor = Cursor(data)
    try:
        found = decode_values(cursor, count, handles=handles)
    except CodecError:
        return
    assert len(found) == count
    assert cursor.place <= len(data)


@pytest.mark.parametrize("cut", range(1, 19))
def test_a_row_that_ends_early_is_refused(cut: int) -> None:
    row = b"\x05\x0b" + struct.pack("<dq", 1.5, ticks_of(0))
    with pytest.raises(CodecError):
        decode_values(Cursor(row[:-cut]), 1, handles=False)


def test_the_library_reads_our_rows() -> None:
    for kind in NUMBERS:
        form = row_type(0x0F, kind, handles=False)
        assert form is not None
        row = np.zeros(1, form)
        row["mask"], row["kind"], row["value"] = 0x0F, kind, 1
        row["status"], row["source"], row["server"] = 0x40000000, ticks_of(0), ticks_of(10**9)
        value = struct_from_binary(ua.DataValue, Buffer(row.tobytes()))
        assert value.Value.VariantType.value == kind
        assert value.StatusCode.value == 0x40000000
        assert (value.ServerTimestamp - value.SourceTimestamp).total_seconds() == 1
        assert form["value"].itemsize == WIDTHS[kind]
