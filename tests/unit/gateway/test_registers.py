"""Values over registers: types, byte and word orders, bits, strings, scales, there and back."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.flow.registers import SpanDecoder, encode_registers
from gateway.tags import Channel, Encoding
from runtime.project.channels import Table
from runtime.project.values import ValueKind, from_raw, to_raw

U, S, R = ValueKind.UNSIGNED, ValueKind.SIGNED, ValueKind.REAL


def channel(size: int, encoding: Encoding, register: int = 0, table: Table = "input") -> Channel:
    return Channel("", table, register, size, encoding)


def decode(packed: str, *channels: Channel, start: int = 0) -> list[int]:
    return [int(raw) for raw in SpanDecoder(channels, start).decode(bytes.fromhex(packed))]


ORDERS = [
    (True, True, "1122 3344"),
    (False, True, "3344 1122"),
    (True, False, "2211 4433"),
    (False, False, "4433 2211"),
]


@pytest.mark.parametrize(("big_words", "big_bytes", "registers"), ORDERS)
def test_the_four_orders_of_bytes_and_words(
    *, big_words: bool, big_bytes: bool, registers: str
) -> None:
    double = channel(2, Encoding(32, big_words=big_words, big_bytes=big_bytes))

    assert decode(registers, double) == [0x1122_3344]
    assert struct.pack(">2H", *encode_registers(double, 0x1122_3344)) == bytes.fromhex(registers)


def test_a_negative_number_keeps_its_sign_in_a_wider_address() -> None:
    assert decode("FFFE", channel(1, Encoding(16, S))) == [0xFFFE]
    assert decode("FFFE", channel(1, Encoding(32, S))) == [0xFFFF_FFFE]
    assert decode("FFFE", channel(1, Encoding(32, U))) == [0x0000_FFFE]
    assert decode("FFFF FFFE", channel(2, Encoding(64, S))) == [0xFFFF_FFFF_FFFF_FFFE]


def test_a_number_too_large_for_the_registers_saturates() -> None:
    narrow = channel(1, Encoding(32, S))

    assert encode_registers(narrow, to_raw(40_000, S, 32)) == (0x7FFF,)
    assert encode_registers(narrow, to_raw(-40_000, S, 32)) == (0x8000,)
    assert encode_registers(channel(1, Encoding(32, U)), 70_000) == (0xFFFF,)


def test_a_scale_gives_a_real() -> None:
    tenths = channel(1, Encoding(32, S, factor=0.1, offset=-5.0))

    (raw,) = decode("FF9C", tenths)
    assert from_raw(raw, R, 32) == pytest.approx(-15.0)
    assert encode_registers(tenths, raw) == (0xFF9C,)


@pytest.mark.parametrize(
    ("value", "register"),
    [(1e9, 0x7FFF), (-math.inf, 0x8000), (math.inf, 0x7FFF), (math.nan, 0), (0.25, 2), (0.36, 4)],
)
def test_a_scaled_value_is_rounded_and_saturates(value: float, register: int) -> None:
    tenths = channel(1, Encoding(64, S, factor=0.1))

    assert encode_registers(tenths, to_raw(value, R, 64)) == (register,)


def test_a_scaled_real_beyond_single_precision_is_infinite_without_a_warning() -> None:
    huge = channel(4, Encoding(32, R, factor=1e300))
    packed = struct.pack(">d", 1e200).hex()

    assert decode(packed, huge) == [to_raw(math.inf, R, 32)]


def test_bits_of_a_register_count_from_the_least_significant() -> None:
    bits = [channel(1, Encoding(1, bit=bit)) for bit in (0, 1, 15)]
    swapped = channel(1, Encoding(1, big_bytes=False, bit=0))

    assert decode("8001", *bits) == [1, 0, 1]
    assert decode("0100", swapped) == [1]


def test_bits_of_a_bit_table_come_from_the_place_of_their_address() -> None:
    bits = [channel(1, Encoding(1), register, "coil") for register in (10, 12, 19)]

    assert decode("0502", *bits, start=10) == [1, 1, 1]
    assert decode("0100", *bits, start=10) == [1, 0, 0]


def test_a_string_is_cut_into_parts_of_eight_characters() -> None:
    parts = [channel(5, Encoding(64, part=part, length=9), 3) for part in (0, 1)]
    text = b"TAKT-PLC9!"

    raws = decode("0000" + text.hex(), *parts, start=2)

    assert b"".join(raw.to_bytes(8, "little") for raw in raws) == b"TAKT-PLC9" + bytes(7)


def test_a_part_of_a_string_is_written_in_registers_of_its_own() -> None:
    last = channel(1, Encoding(64, part=1, length=1))
    swapped = channel(2, Encoding(64, big_bytes=False, part=0, length=4))

    assert encode_registers(last, int.from_bytes(b"9xxxxxxx", "little")) == (0x3900,)
    assert encode_registers(swapped, int.from_bytes(b"ABCDEFGH", "little")) == (0x4241, 0x4443)


NUMBERS = st.sampled_from([(1, U), (1, S), (2, U), (2, S), (4, U), (4, S), (2, R), (4, R)])


@given(form=NUMBERS, big_words=st.booleans(), big_bytes=st.booleans(), data=st.data())
@settings(deadline=None)
def test_a_value_of_any_form_survives(
    *, form: tuple[int, ValueKind], big_words: bool, big_bytes: bool, data: st.DataObject
) -> None:
    size, kind = form
    one = channel(
        size, Encoding(16 * size, kind, big_words=big_words, big_bytes=big_bytes), register=7
    )
    raw = data.draw(st.integers(0, (1 << 16 * size) - 1))
    registers = encode_registers(one, raw)

    assert decode(struct.pack(f">{size}H", *registers).hex(), one, start=7) == [raw]


@given(st.lists(st.tuples(NUMBERS, st.booleans()), min_size=1, max_size=30))
@settings(deadline=None)
def test_channels_of_mixed_forms_come_out_in_their_order(
    forms: list[tuple[tuple[int, ValueKind], bool]],
) -> None:
    channels, expected, place = [], [], 0
    words: list[int] = []
    for number, ((size, kind), big) in enumerate(forms):
        one = channel(size, Encoding(16 * size, kind, big_words=big), place)
        raw = (number * 0x1357_9BDF_2468) & (1 << 16 * size) - 1
        channels.append(one)
        words += encode_registers(one, raw)
        expected.append(raw)
        place += size

    assert decode(struct.pack(f">{len(words)}H", *words).hex(), *channels) == expected
