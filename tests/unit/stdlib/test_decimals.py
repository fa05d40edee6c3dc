"""Reals as decimal digits: the fewest that are read back, against Python's own."""

import math
import random
import struct

from runtime.datatypes.elementary import round_to_real
from runtime.datatypes.values import shortest_real
from runtime.stdlib.text_numbers import read_real, real_text, signed_text, unsigned_text

SEED = 20240229


def written(value: float, precision: int) -> str:
    out = bytearray(40)
    return out[: real_text(out, len(out), value, precision)].decode()


def doubles(count: int) -> list[float]:
    source = random.Random(SEED)
    bits = (source.getrandbits(63) for _ in range(count))
    values = (struct.unpack("<d", struct.pack("<Q", item))[0] for item in bits)
    return [item for item in values if math.isfinite(item) and 1e-290 < item < 1e300]


def test_lreal_is_written_in_the_digits_that_name_it() -> None:
    for value in doubles(2000):
        text = written(value, 53)
        assert float(text) == value
        assert len(text.split("E")[0].replace(".", "").strip("0")) <= 17


def test_lreal_is_written_in_as_few_digits_as_python_needs() -> None:
    def digits(text: str) -> str:
        return text.lower().split("e")[0].replace(".", "").strip("0")

    for value in doubles(2000):
        assert len(digits(written(value, 53))) <= len(digits(repr(value)))


def test_real_is_written_in_digits_that_name_it() -> None:
    for value in doubles(2000):
        single = round_to_real(math.fmod(value, 1e6))
        if single > 1e-30:
            assert round_to_real(float(written(single, 24))) == single
            assert len(written(single, 24)) <= len(f"{shortest_real(single):.9f}") + 8


def test_what_python_writes_is_read_as_the_same_value() -> None:
    for value in doubles(2000):
        text = repr(value).upper().encode()
        assert read_real(text, len(text)) == value


def test_reading_stops_where_the_number_ends() -> None:
    for text, value in (
        (b"1.5 bar", 1.5), (b"  -2", -2.0), (b"bar", 0.0), (b"", 0.0), (b".5", 0.5),
        (b"1E400", math.inf), (b"1E-400", 0.0), (b"1e+2x", 100.0),
    ):  # fmt: skip
        assert read_real(text, len(text)) == value


def test_whole_numbers_reach_the_limits_of_64_bits() -> None:
    out = bytearray(24)
    for number in (0, 9, 10, -1, -9, -10, 2**63 - 1, -(2**63)):
        assert out[: signed_text(out, 24, number)].decode() == str(number)
    for number in (0, 2**63, 2**64 - 1):
        assert out[: unsigned_text(out, 24, number)].decode() == str(number)
        bits = number - 2**64 if number >= 2**63 else number
        assert out[: unsigned_text(out, 24, bits)].decode() == str(number)
