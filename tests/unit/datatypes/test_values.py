"""Values in memory and as JSON: what is read is what was written, and what prints is short."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.datatypes.derived import Array, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY, Scalar
from runtime.datatypes.values import load, parse_json, read_json, scalar_json, store

E = ELEMENTARY
POINT = Structure(
    "POINT",
    (Field("FLAG", 0, E["BOOL"]), Field("X", 8, E["LREAL"]), Field("Y", 16, E["INT"])),
    size=24,
    alignment=8,
)

powers_of_two = st.integers(-149, 127).map(lambda power: math.ldexp(1.0, power))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_real_prints_in_the_fewest_digits_that_name_it(value: float) -> None:
    printed = scalar_json(value, E["REAL"])
    assert isinstance(printed, float)
    assert np.float32(printed) == np.float32(value)
    assert len(repr(printed)) <= len(repr(value))
    assert printed == float(np.format_float_scientific(np.float32(value), unique=True))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False) | powers_of_two)
def test_no_decimal_of_fewer_digits_names_a_real(value: float) -> None:
    tried = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    with np.errstate(over="ignore"):
        fits = [item for item in tried if np.float32(item) == np.float32(value)]
    assert repr(scalar_json(value, E["REAL"])) == repr(fits[0])


@pytest.mark.parametrize(
    ("value", "text"),
    [(math.nan, '"NaN"'), (math.inf, '"Infinity"'), (-math.inf, '"-Infinity"'), (-0.0, "-0.0"),
     (1.0, "1.0"), (1e22, "1e+22")],
)  # fmt: skip
def test_reals_print_as_json(value: float, text: str) -> None:
    assert json.dumps(scalar_json(value, E["LREAL"])) == text
    assert json.dumps(scalar_json(value, E["REAL"])) == text


@pytest.mark.parametrize("name", ["BOOL", "SINT", "INT", "UDINT", "LINT", "REAL", "LREAL", "TIME"])
def test_what_is_stored_is_loaded(name: str) -> None:
    scalar, buffer = E[name], bytearray(24)
    store(buffer, 8, scalar, scalar.fit(1))
    assert load(buffer, 8, scalar) == 1
    assert not any(buffer[:8])
    assert not any(buffer[8 + scalar.size :])


def test_structures_print_as_objects_and_arrays_as_nested_lists() -> None:
    buffer = bytearray(POINT.size * 4)
    grid = Array(((0, 1), (-1, 0)), POINT)
    store(buffer, POINT.size * 2 + 16, E["INT"], -7)
    zero = {"FLAG": False, "X": 0.0, "Y": 0}
    assert read_json(buffer, 0, grid) == [[zero, zero], [zero | {"Y": -7}, zero]]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("BOOL", True, True),
        ("INT", -5, -5),
        ("REAL", 1, 1.0),
        ("REAL", 0.5, 0.5),
        ("LREAL", "Infinity", math.inf),
        ("LREAL", 10**400, math.inf),
        ("LREAL", -(10**400), -math.inf),
        ("REAL", 10**400, math.inf),
        ("TIME", 1_000_000, 1_000_000),
    ],
)
def test_json_values_that_fit(name: str, value: object, expected: Scalar) -> None:
    parsed = parse_json(value, E[name])
    assert parsed == expected
    assert type(parsed) is type(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [("BOOL", 1), ("BOOL", "true"), ("INT", True), ("INT", 32768), ("INT", 1.0), ("INT", "5"),
     ("USINT", -1), ("REAL", "much"), ("REAL", None), ("REAL", True), ("TIME", "T#1s"),
     ("INT", [1]), ("LINT", 2**63)],
)  # fmt: skip
def test_json_values_that_do_not_fit(name: str, value: object) -> None:
    assert parse_json(value, E[name]) is None
