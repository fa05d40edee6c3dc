"""Literals: what their spelling denotes, and why a spelling denotes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.datatypes.elementary import ELEMENTARY, LTIME, TIME, Scalar
from runtime.datatypes.literals import LiteralError, parse_duration, parse_literal

MS = 1_000_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("007", 7),
        ("1_000_000", 1_000_000),
        ("16#FF", 255),
        ("16#f_f", 255),
        ("8#377", 255),
        ("2#1111_1111", 255),
        ("18446744073709551615", 2**64 - 1),
        ("16#" + "0" * 80 + "1", 1),
    ],
)
def test_integers_in_all_bases(text: str, value: int) -> None:
    assert parse_literal("integer", text).value == value


@pytest.mark.parametrize(
    "text",
    ["1__0", "1_", "16#", "16#_F", "16#F_", "16#F__F", "2#102", "8#8", "3#1", "10#5", "1x",
     "18446744073709551616", "9" * 10_000],
)  # fmt: skip
def test_integers_that_denote_nothing(text: str) -> None:
    with pytest.raises(LiteralError):
        parse_literal("integer", text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.5", 1.5), ("1_0.2_5", 10.25), ("1.0E3", 1000.0), ("1.0e-3", 0.001), ("1.0E+3", 1000.0)],
)
def test_reals(text: str, value: float) -> None:
    literal = parse_literal("real", text)
    assert (literal.value, literal.type) == (value, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("BOOL#1", True),
        ("bool#false", False),
        ("SINT#-128", -128),
        ("USINT#255", 255),
        ("WORD#16#FFFF", 65535),
        ("REAL#0.1", 0.10000000149011612),
        ("LREAL#0.1", 0.1),
        ("REAL#3", 3.0),
    ],
)
def test_typed_literals_have_the_type_they_name(text: str, value: Scalar) -> None:
    literal = parse_literal("typed", text)
    assert literal.value == value
    assert literal.type is ELEMENTARY[text.partition("#")[0].upper()]


@pytest.mark.parametrize(
    "text",
    ["SINT#128", "USINT#-1", "BYTE#256", "BOOL#2", "INT#1.5", "FOO#1", "REAL#x", "INT#16#G",
     "UINT#2#" + "1" * 17, "LREAL#16#" + "F" * 300],
)  # fmt: skip
def test_typed_literals_that_do_not_fit(text: str) -> None:
    with pytest.raises(LiteralError):
        parse_literal("typed", text)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("14ms", 14 * MS),
        ("-14ms", -14 * MS),
        ("+14ms", 14 * MS),
        ("14.7s", 14_700 * MS),
        ("1h_30m", 5_400_000 * MS),
        ("1h30m0s", 5_400_000 * MS),
        ("90m", 5_400_000 * MS),
        ("1d2h3m4s5ms6us7ns", 93_784_005_006_007),
        ("0.5us", 500),
        ("1.9999999999999999999999999999999999s", 1_999_999_999),
        ("0s", 0),
        ("100h", 360_000_000 * MS),
        ("1_000ms", 1000 * MS),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "s", "1s1s", "1s2m", "1.5h30m", "1x", "1.s", ".5s", "1__0s", "300000000d",
     "9" * 5000 + "s"],
)  # fmt: skip
def test_durations_that_denote_nothing(text: str) -> None:
    with pytest.raises(LiteralError):
        parse_duration(text)


def test_durations_are_time_or_ltime_by_their_prefix() -> None:
    assert parse_literal("typed", "T#1s").type is TIME
    assert parse_literal("typed", "time#1s").type is TIME
    assert parse_literal("typed", "LT#1s").type is LTIME
    assert parse_literal("typed", "LTIME#1ns").type is LTIME


@given(st.integers(0, 2**64 - 1), st.sampled_from([(2, "b"), (8, "o"), (16, "x")]))
def test_any_integer_survives_any_base(value: int, base: tuple[int, str]) -> None:
    assert parse_literal("integer", f"{base[0]}#{value:{base[1]}}").value == value
