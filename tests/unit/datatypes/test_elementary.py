"""The table of elementary types: ranges, wrapping, rounding, and which conversions lose nothing."""

import itertools
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.datatypes import arithmetic
from runtime.datatypes.elementary import (
    ELEMENTARY,
    LREAL,
    REAL,
    Elementary,
    Kind,
    common_type,
    widens,
)

NUMBERS = [item for item in ELEMENTARY.values() if item.kind in {Kind.SIGNED, Kind.UNSIGNED}]
PAIRS = list(itertools.product(ELEMENTARY.values(), repeat=2))
WIDENING = [
    pytest.param(source, target, id=f"{source}-{target}")
    for source, target in PAIRS
    if source is not target and widens(source, target)
]


@pytest.mark.parametrize("data_type", NUMBERS, ids=str)
def test_an_integer_type_has_the_range_of_its_width(data_type: Elementary) -> None:
    assert data_type.maximum - data_type.minimum == 2**data_type.bits - 1
    assert data_type.wrap(data_type.maximum + 1) == data_type.minimum
    assert data_type.wrap(data_type.minimum - 1) == data_type.maximum


@pytest.mark.parametrize("data_type", NUMBERS, ids=str)
def test_the_memory_format_holds_exactly_the_range(data_type: Elementary) -> None:
    form = "<" + data_type.format
    assert struct.calcsize(form) == data_type.size
    for value in (data_type.minimum, data_type.maximum):
        assert struct.unpack(form, struct.pack(form, value))[0] == value
    with pytest.raises(struct.error):
        struct.pack(form, data_type.maximum + 1)


@pytest.mark.parametrize(("source", "target"), WIDENING)
def test_an_implicit_conversion_keeps_every_value(source: Elementary, target: Elementary) -> None:
    values = [source.minimum, -1, 0, 1, source.maximum] if source.kind is not Kind.REAL else [0.1]
    for value in values:
        if source.kind is Kind.REAL or source.minimum <= value <= source.maximum:
            held = source.fit(value)
            assert target.fit(held) == held


@pytest.mark.parametrize(("source", "target"), WIDENING)
def test_implicit_conversions_chain(source: Elementary, target: Elementary) -> None:
    further = [item for item in ELEMENTARY.values() if widens(target, item)]
    assert all(widens(source, item) for item in further)


def test_no_conversion_goes_both_ways() -> None:
    both = [(a, b) for a, b in PAIRS if a is not b and widens(a, b) and widens(b, a)]
    assert both == []


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=str)
def test_a_common_type_takes_both_and_does_not_depend_on_their_order(
    left: Elementary, right: Elementary
) -> None:
    shared = common_type(left, right)
    assert shared is common_type(right, left)
    if shared is not None:
        assert widens(left, shared)
        assert widens(right, shared)


@given(st.floats())
def test_a_real_rounds_as_binary32_does(value: float) -> None:
    with np.errstate(all="ignore"):
        expected = float(np.float32(value))
    held = REAL.fit(value)
    assert held == expected or (math.isnan(held) and math.isnan(expected))


@given(st.integers(-(2**63), 2**64 - 1))
def test_a_whole_number_rounds_to_real_once(value: int) -> None:
    signed = value < 2**63
    expected = np.int64(value) if signed else np.uint64(value)
    assert REAL.fit(value) == float(expected.astype(np.float32))
    assert LREAL.fit(value) == float(value)


@given(st.floats(), st.sampled_from(NUMBERS))
def test_a_real_converts_to_the_nearest_integer_or_the_end_of_the_range(
    value: float, target: Elementary
) -> None:
    result = arithmetic.to_integer(value, target)
    if math.isnan(value):
        assert result == 0
    elif target.minimum <= value <= target.maximum and abs(value) < 2**52:
        distance = abs(result - value)
        assert distance <= 0.5
        assert distance < 0.5 or result % 2 == 0
    elif not math.isnan(value):
        assert target.minimum <= result <= target.maximum


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1).filter(bool))
def test_quotient_and_remainder_make_up_the_dividend(left: int, right: int) -> None:
    quotient, remainder = arithmetic.quotient(left, right), arithmetic.remainder(left, right)
    assert quotient * right + remainder == left
    assert abs(remainder) < abs(right)
    assert remainder == 0 or (remainder < 0) == (left < 0)


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (2.0, 10.0, 1024.0),
        (0.0, 0.0, 1.0),
        (math.nan, 0.0, 1.0),
        (1.0, math.nan, 1.0),
        (0.0, -1.0, math.inf),
        (-0.0, -1.0, -math.inf),
        (-0.0, -2.0, math.inf),
        (10.0, 400.0, math.inf),
        (-10.0, 401.0, -math.inf),
        (-10.0, 400.0, math.inf),
        (-8.0, 1.0 / 3.0, math.nan),
    ],
)
def test_powers_are_those_of_ieee_754(base: float, exponent: float, expected: float) -> None:
    result = arithmetic.power(base, exponent)
    assert result == expected or (math.isnan(result) and math.isnan(expected))
