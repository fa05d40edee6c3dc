"""Numbers at the ends of their ranges: what both engines compute is what arithmetic on paper gives.

Expectations come from Python's whole numbers, decimals and NumPy's binary32, not from the compiler.
"""

import itertools
import math
import operator
import struct
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from runtime.datatypes.values import Json
from tests.support.programs import same_json
from tests.support.tabulate import printed_real, spelt_real, tabulated

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTHS: Final = {
    "SINT": -8, "INT": -16, "DINT": -32, "LINT": -64, "USINT": 8, "UINT": 16, "UDINT": 32,
    "ULINT": 64, "BYTE": 8, "WORD": 16, "DWORD": 32, "LWORD": 64,
}  # fmt: skip
"""Bits of the whole types; negative for those with a sign."""
INTEGERS: Final = ("SINT", "INT", "DINT", "LINT", "USINT", "UINT", "UDINT", "ULINT")
BITS: Final = ("BYTE", "WORD", "DWORD", "LWORD")
REALS: Final = {"REAL": 24, "LREAL": 53}
"""Binary digits of the real types."""
NUMBERS: Final = (*WIDTHS, *REALS, "BOOL")


def bounds(kind: str) -> tuple[int, int]:
    """Return the least and the greatest value of a whole type."""
    width = WIDTHS[kind]
    return (0, 2**width - 1) if width > 0 else (-(2 ** (-width - 1)), 2 ** (-width - 1) - 1)


def wrapped(value: int, kind: str) -> int:
    """Return a number modulo the width of a type."""
    low, high = bounds(kind)
    return (value - low) % (high - low + 1) + low


def edges(kind: str) -> list[int]:
    """Return the values of a whole type at which other types end, and their neighbours."""
    low, high = bounds(kind)
    found = {0, 1, 2, 3, 7, -1, -2, 2**24 + 1, 2**53 + 1, 2**60 + 2**36 + 1}
    for other in WIDTHS:
        found |= {end + step for end in bounds(other) for step in (-1, 0, 1)}
    return sorted(value for value in found if low <= value <= high)


def few(kind: str) -> list[int]:
    """Return the ends of a whole type and small numbers."""
    low, high = bounds(kind)
    return sorted({low, low + 1, max(low, -3), max(low, -1), 0, 1, 2, 7, high // 2, high - 1, high})


def real_edges(kind: str) -> list[float]:
    """Return reals that round to even, at the ends of whole types, and what is no number."""
    found = [0.0, 0.5, 1.5, 2.5, 3.5, 0.1, 1.0, 2.6, 0.49999997, 1e10, 3e38, 1e-40, 16777217.0]
    found += [float(end) for other in WIDTHS for end in bounds(other)]
    found += [end + 0.5 for other in ("SINT", "INT", "DINT") for end in bounds(other)]
    if kind == "LREAL":
        found += [1e300, 4.9e-324, 0.49999999999999994, 9007199254740993.0, 1.7e308]
    signed = [*found, *(-value for value in found), math.inf, -math.inf, math.nan]
    return [held(value, kind) for value in signed]


def held(value: float, kind: str) -> float:
    """Return a real as a type holds it."""
    if kind == "LREAL" or not math.isfinite(value):
        return value
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def nearest(value: int, digits: int) -> float:
    """Return the real of so many binary digits that is nearest to a whole number, half to even."""
    magnitude = abs(value)
    shift = max(magnitude.bit_length() - digits, 0)
    kept, rest = divmod(magnitude, 1 << shift)
    half = (1 << shift) / 2
    if shift and (rest > half or (rest == half and kept % 2)):
        kept += 1
    return math.copysign(float(kept << shift), value)


def to_whole(value: float, kind: str) -> int:
    """Return a real rounded half to even; beyond the range its end, 0 for what is no number."""
    low, high = bounds(kind)
    if math.isnan(value):
        return 0
    if math.isinf(value):
        return high if value > 0 else low
    whole = int(Decimal(value).to_integral_value(ROUND_HALF_EVEN))
    return min(max(whole, low), high)


def converted(value: float, target: str) -> Json:
    """Return what a number of any type is after its conversion."""
    if target == "BOOL":
        return value != 0
    if target in REALS:
        if isinstance(value, int):
            return nearest(value, REALS[target])
        return printed_real(held(value, target))
    return wrapped(value, target) if isinstance(value, int) else to_whole(value, target)


def values_of(kind: str) -> list[float]:
    if kind == "BOOL":
        return [0, 1]
    return list(edges(kind)) if kind in WIDTHS else real_edges(kind)


def spelt(value: float, kind: str) -> str:
    if kind == "BOOL":
        return "TRUE" if value else "FALSE"
    return spelt_real(value) if kind in REALS else f"{kind}#{int(value)}"


def check(found: list[Json], expected: list[Json], rows: list[str]) -> None:
    wrong = [
        f"{row}: {value}, expected {wanted}"
        for row, value, wanted in zip(rows, found, expected, strict=True)
        if not same_json(value, wanted)
    ]
    assert not wrong, "\n".join(wrong[:10])


@pytest.mark.parametrize("source", NUMBERS)
def test_every_conversion_of_numbers_at_its_bounds(source: str) -> None:
    values = values_of(source)
    targets = [kind for kind in NUMBERS if kind != source]
    column = [spelt(value, source) for value in values]
    found = tabulated(
        {"P": (source, column)},
        {f"R_{kind}": (kind, f"{source}_TO_{kind}(P[I])") for kind in targets}
        | {f"S_{kind}": (kind, f"TO_{kind}(P[I])") for kind in targets},
    )
    for kind in targets:
        expected = [converted(value, kind) for value in values]
        rows = [f"{source}_TO_{kind}({text})" for text in column]
        check(found[f"R_{kind}"], expected, rows)
        check(found[f"S_{kind}"], expected, rows)


@pytest.mark.parametrize("source", REALS)
def test_every_truncation_at_its_bounds(source: str) -> None:
    values = real_edges(source)
    found = tabulated(
        {"P": (source, [spelt_real(value) for value in values])},
        {kind: (kind, f"{source}_TRUNC_{kind}(P[I])") for kind in INTEGERS}
        | {f"S_{kind}": (kind, f"TRUNC_{kind}(P[I])") for kind in INTEGERS}
        | {"PLAIN": ("DINT", "TRUNC(P[I])")},
    )
    rows = [spelt_real(value) for value in values]
    for kind in INTEGERS:
        cut = [value if not math.isfinite(value) else float(math.trunc(value)) for value in values]
        expected: list[Json] = [to_whole(value, kind) for value in cut]
        check(found[kind], expected, rows)
        check(found[f"S_{kind}"], expected, rows)
        if kind == "DINT":
            check(found["PLAIN"], expected, rows)


@pytest.mark.parametrize("kind", INTEGERS)
def test_arithmetic_of_integers_wraps_at_their_width(kind: str) -> None:
    pairs = list(itertools.product(few(kind), few(kind)))
    divisible = [(left, right or 1) for left, right in pairs]
    found = tabulated(
        {
            "P": (kind, [f"{kind}#{left}" for left, _ in pairs]),
            "Q": (kind, [f"{kind}#{right}" for _, right in pairs]),
            "D": (kind, [f"{kind}#{right}" for _, right in divisible]),
        },
        {
            "SUM": (kind, "P[I] + Q[I]"), "LESS": (kind, "P[I] - Q[I]"),
            "TIMES": (kind, "P[I] * Q[I]"), "QUOT": (kind, "P[I] / D[I]"),
            "REST": (kind, "P[I] MOD D[I]"), "NEGATED": (kind, "-P[I]"),
            "SIZE": (kind, "ABS(P[I])"),
        },
    )  # fmt: skip
    rows = [f"{left}, {right}" for left, right in pairs]
    whole: dict[str, Callable[[int, int], int]] = {
        "SUM": operator.add, "LESS": operator.sub, "TIMES": operator.mul,
        "NEGATED": lambda left, _: -left, "SIZE": lambda left, _: abs(left),
    }  # fmt: skip
    for name, compute in whole.items():
        check(found[name], [wrapped(compute(*pair), kind) for pair in pairs], rows)
    quotients = [math.trunc(Fraction(left, right)) for left, right in divisible]
    check(found["QUOT"], [wrapped(value, kind) for value in quotients], rows)
    rests = [
        left - right * value for (left, right), value in zip(divisible, quotients, strict=True)
    ]
    check(found["REST"], [wrapped(value, kind) for value in rests], rows)


@pytest.mark.parametrize("kind", [*INTEGERS, *BITS])
def test_comparisons_and_choices_of_whole_numbers(kind: str) -> None:
    pairs = list(itertools.product(few(kind), few(kind)))
    symbols = {"LT": "<", "LE": "<=", "EQ": "=", "NE": "<>", "GE": ">=", "GT": ">"}
    tests = {name: getattr(operator, name.lower()) for name in symbols}
    found = tabulated(
        {
            "P": (kind, [f"{kind}#{left}" for left, _ in pairs]),
            "Q": (kind, [f"{kind}#{right}" for _, right in pairs]),
        },
        {f"S_{name}": ("BOOL", f"P[I] {symbol} Q[I]") for name, symbol in symbols.items()}
        | {f"N_{name}": ("BOOL", f"{name}(P[I], Q[I])") for name in symbols}
        | {f"N_{name}": (kind, f"{name}(P[I], Q[I])") for name in ("MIN", "MAX")}
        | {
            "BETWEEN": (kind, "LIMIT(P[I], 2, Q[I])"),
            "CHOSEN": (kind, "SEL(P[I] > 1, P[I], Q[I])"),
        },
    )
    rows = [f"{left}, {right}" for left, right in pairs]
    for name, compute in tests.items():
        expected: list[Json] = [compute(*pair) for pair in pairs]
        check(found[f"S_{name}"], expected, rows)
        check(found[f"N_{name}"], expected, rows)
    check(found["N_MIN"], [min(pair) for pair in pairs], rows)
    check(found["N_MAX"], [max(pair) for pair in pairs], rows)
    check(found["BETWEEN"], [min(max(2, low), high) for low, high in pairs], rows)
    check(found["CHOSEN"], [right if left > 1 else left for left, right in pairs], rows)


@pytest.mark.parametrize("kind", BITS)
def test_shifts_and_rotations_at_and_beyond_the_width(kind: str) -> None:
    width = WIDTHS[kind]
    patterns = [0, 1, 2 ** (width - 1), 2**width - 1, 0xA5 << (width - 8), 0x5A]
    counts = [0, 1, 7, width - 1, width, width + 1, 2 * width, 2 * width + 1, 255, 2**32, 2**64 - 1]
    pairs = list(itertools.product(patterns, counts))
    mask = 2**width - 1
    found = tabulated(
        {
            "P": (kind, [f"{kind}#{pattern}" for pattern, _ in pairs]),
            "N": ("ULINT", [f"ULINT#{count}" for _, count in pairs]),
        },
        {f"R_{name}": (kind, f"{name}(P[I], N[I])") for name in ("SHL", "SHR", "ROL", "ROR")}
        | {"INVERSE": (kind, "NOT P[I]")},
    )
    rows = [f"{pattern:#x}, {count}" for pattern, count in pairs]

    def left(pattern: int, count: int) -> int:
        digits = f"{pattern:0{width}b}"
        turn = count % width
        return int(digits[turn:] + digits[:turn], 2)

    shifted = [
        (pattern << min(count, 64)) & mask if count < width else 0 for pattern, count in pairs
    ]
    check(found["R_SHL"], [*shifted], rows)
    check(found["R_SHR"], [pattern >> min(count, 64) for pattern, count in pairs], rows)
    check(found["R_ROL"], [left(*pair) for pair in pairs], rows)
    check(found["R_ROR"], [left(pattern, -count) for pattern, count in pairs], rows)
    check(found["INVERSE"], [mask - pattern for pattern, _ in pairs], rows)


@pytest.mark.parametrize("kind", REALS)
def test_arithmetic_of_reals_is_that_of_ieee_754(kind: str) -> None:
    some = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        3.0,
        3e38,
        -3e38,
        1e-38,
        1e-45,
        math.inf,
        -math.inf,
        math.nan,
    ]
    number = np.float32 if kind == "REAL" else np.float64
    values = [number(held(value, kind)) for value in some]
    pairs = list(itertools.product(values, values))
    found = tabulated(
        {
            "P": (kind, [spelt_real(float(left)) for left, _ in pairs]),
            "Q": (kind, [spelt_real(float(right)) for _, right in pairs]),
        },
        {name: (kind, f"P[I] {symbol} Q[I]") for name, symbol in
         (("SUM", "+"), ("LESS", "-"), ("TIMES", "*"), ("QUOT", "/"))}
        | {name: ("BOOL", f"P[I] {symbol} Q[I]") for name, symbol in
           (("LT", "<"), ("LE", "<="), ("EQ", "="), ("NE", "<>"))}
        | {"ROOT": (kind, "SQRT(ABS(P[I]))")},
    )  # fmt: skip
    rows = [f"{left}, {right}" for left, right in pairs]
    with np.errstate(all="ignore"):
        for name, compute in (("SUM", operator.add), ("LESS", operator.sub),
                              ("TIMES", operator.mul), ("QUOT", operator.truediv)):  # fmt: skip
            results = [printed_real(float(compute(*pair))) for pair in pairs]
            check(found[name], results, rows)
        for name in ("LT", "LE", "EQ", "NE"):
            compared = getattr(operator, name.lower())
            check(found[name], [bool(compared(*pair)) for pair in pairs], rows)
        roots = [printed_real(float(np.sqrt(np.abs(left)))) for left, _ in pairs]
        check(found["ROOT"], roots, rows)


def nanoseconds(value: int) -> str:
    return f"LTIME#{value}ns"


def test_arithmetic_of_durations_wraps_and_rounds() -> None:
    low, high = bounds("LINT")
    values = [low + 1, -1_500_000_001, -1, 0, 1, 999_999, 1_500_000, high // 2, high]
    factors = [-3, -1, 1, 2, 7, 32767]
    reals = [-1.5, 0.1, 0.5, 1.0, 2.5, 1e10]
    rows = list(itertools.product(values, values, factors))
    found = tabulated(
        {
            "P": ("LTIME", [nanoseconds(value) for value, _, _ in rows]),
            "Q": ("LTIME", [nanoseconds(value) for _, value, _ in rows]),
            "N": ("INT", [f"INT#{factor}" for _, _, factor in rows]),
        },
        {
            "SUM": ("LTIME", "P[I] + Q[I]"), "LESS": ("LTIME", "P[I] - Q[I]"),
            "TIMES": ("LTIME", "P[I] * N[I]"), "QUOT": ("LTIME", "P[I] / N[I]"),
            "MS": ("LINT", "TIME_TO_LINT(LTIME_TO_TIME(P[I]))"),
            "NS": ("LINT", "LTIME_TO_LINT(P[I])"),
            "SHORTER": ("BOOL", "P[I] < Q[I]"),
        },
    )  # fmt: skip
    texts = [str(row) for row in rows]
    check(found["SUM"], [wrapped(left + right, "LINT") for left, right, _ in rows], texts)
    check(found["LESS"], [wrapped(left - right, "LINT") for left, right, _ in rows], texts)
    check(found["TIMES"], [wrapped(left * factor, "LINT") for left, _, factor in rows], texts)
    check(found["QUOT"], [math.trunc(Fraction(left, factor)) for left, _, factor in rows], texts)
    check(found["MS"], [math.trunc(Fraction(left, 1_000_000)) for left, _, _ in rows], texts)
    check(found["NS"], [left for left, _, _ in rows], texts)
    check(found["SHORTER"], [left < right for left, right, _ in rows], texts)
    scaled = list(itertools.product(values, reals))
    found = tabulated(
        {
            "P": ("LTIME", [nanoseconds(value) for value, _ in scaled]),
            "R": ("LREAL", [spelt_real(factor) for _, factor in scaled]),
        },
        {"TIMES": ("LTIME", "P[I] * R[I]"), "QUOT": ("LTIME", "P[I] / R[I]")},
    )
    texts = [str(row) for row in scaled]
    check(
        found["TIMES"], [to_whole(float(left) * factor, "LINT") for left, factor in scaled], texts
    )
    quotients = [to_whole(float(left) / factor, "LINT") for left, factor in scaled]
    check(found["QUOT"], [*quotients], texts)


@pytest.mark.parametrize("kind", [*WIDTHS, "LREAL"])
def test_numbers_go_through_strings_and_come_back(kind: str) -> None:
    values = values_of(kind)
    column = [spelt(value, kind) for value in values]
    found = tabulated(
        {"P": (kind, column)},
        {
            "S": ("STRING[32]", f"{kind}_TO_STRING(P[I])"),
            "BACK": (kind, f"STRING_TO_{kind}({kind}_TO_STRING(P[I]))"),
            "WIDE": (kind, f"WSTRING_TO_{kind}({kind}_TO_WSTRING(P[I]))"),
        },
    )
    if kind in WIDTHS:
        check(found["S"], [str(value) for value in values], column)
    finite = [number for number, value in enumerate(values) if math.isfinite(value)]
    for name in ("BACK", "WIDE"):
        back, rows = ([items[number] for number in finite] for items in (found[name], column))
        check(back, [values[number] for number in finite], [str(row) for row in rows])
