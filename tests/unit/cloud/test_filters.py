"""Filters keep what they promise, for any values."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.filters import (
    AGGREGATES,
    Door,
    Point,
    Window,
    accumulate,
    leaves_band,
    scale,
    swing,
)

VALUES = st.floats(-1e6, 1e6)
SERIES = st.lists(VALUES, min_size=1, max_size=60)
STEPS_NS = st.lists(st.integers(1, 10**9), min_size=60, max_size=60)


def points(values: list[float], steps_ns: list[int]) -> list[Point]:
    """Return a series of points at growing times."""
    times, now = [], 0
    for step in steps_ns:
        now += step
        times.append(now)
    return [Point(value, times[n], n) for n, value in enumerate(values)]


def swung(series: list[Point], deviation: float) -> list[Point]:
    """Return what a swinging door reports of a series, and the end of its last line."""
    door: Door | None = None
    reported: list[Point] = []
    for point in series:
        door, some = swing(door, point, deviation)
        reported += some
    assert door is not None
    return reported if reported[-1] == series[-1] else [*reported, series[-1]]


@given(SERIES, STEPS_NS, st.floats(1e-3, 1e5))
def test_lines_between_reported_points_stay_within_the_deviation(
    values: list[float], steps_ns: list[int], deviation: float
) -> None:
    series = points(values, steps_ns)
    reported = swung(series, deviation)
    for start, end in pairwise(reported):
        for point in series[start.number : end.number + 1]:
            share = (point.time_ns - start.time_ns) / (end.time_ns - start.time_ns)
            line = start.value + share * (end.value - start.value)
            assert abs(line - point.value) <= deviation * (1 + 1e-6) + 1e-6


@given(SERIES, STEPS_NS, st.floats(1e-3, 1e5))
def test_a_swinging_door_reports_points_of_the_series_in_their_order(
    values: list[float], steps_ns: list[int], deviation: float
) -> None:
    series = points(values, steps_ns)
    numbers = [point.number for point in swung(series, deviation)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0


def test_a_straight_line_is_reported_by_its_ends() -> None:
    series = points([float(n) for n in range(50)], [10] * 60)
    assert [point.number for point in swung(series, 0.01)] == [0, 49]


@given(st.lists(st.sampled_from([1.0, 2.0, math.nan, math.inf, -math.inf]), max_size=30))
def test_a_door_reports_each_change_to_and_from_what_is_not_finite(values: list[float]) -> None:
    series = points([0.0, *values], [7] * 60)
    numbers = {point.number for point in swung(series, 10.0)}
    for before, point in pairwise(series):
        if not math.isfinite(point.value) and str(point.value) != str(before.value):
            assert point.number in numbers


@given(VALUES, VALUES, st.floats(0, 1e6))
def test_a_deadband_passes_just_what_is_as_far_as_the_band(
    value: float, reported: float, band: float
) -> None:
    assert leaves_band(value, reported, band) == (
        value != reported and abs(value - reported) >= band
    )


def test_a_deadband_passes_the_step_to_not_a_number_and_back_once() -> None:
    assert leaves_band(math.nan, 1.0, 100.0)
    assert not leaves_band(math.nan, math.nan, 100.0)
    assert leaves_band(1.0, math.nan, 100.0)


@given(SERIES, STEPS_NS, st.integers(1, 10**9))
def test_aggregates_are_those_of_the_values_in_each_interval(
    values: list[float], steps_ns: list[int], interval_ns: int
) -> None:
    series = points(values, steps_ns)
    window: Window | None = None
    ended: list[Window] = []
    for point in series:
        window, some = accumulate(window, point, interval_ns)
        ended += [some] if some is not None else []
    assert window is not None
    expected: dict[int, list[float]] = {}
    for point in series:
        expected.setdefault(point.time_ns // interval_ns, []).append(point.value)
    assert [item.number for item in (*ended, window)] == list(expected)
    for item, inside in zip((*ended, window), expected.values(), strict=True):
        assert AGGREGATES["min"](item) == min(inside)
        assert AGGREGATES["max"](item) == max(inside)
        assert AGGREGATES["first"](item) == inside[0]
        assert AGGREGATES["last"](item) == inside[-1]
        assert AGGREGATES["count"](item) == len(inside)
        assert math.isclose(
            AGGREGATES["mean"](item), sum(inside) / len(inside), rel_tol=1e-9, abs_tol=1e-6
        )


def test_a_value_that_is_not_a_number_counts_in_no_mean() -> None:
    window, _ = accumulate(None, Point(2.0, 1, 0), 100)
    window, _ = accumulate(window, Point(math.nan, 2, 1), 100)
    window, _ = accumulate(window, Point(4.0, 3, 2), 100)
    assert AGGREGATES["mean"](window) == 3.0
    assert AGGREGATES["count"](window) == 2


@given(VALUES, VALUES, VALUES)
def test_scaling_is_a_factor_and_an_offset(value: float, factor: float, offset: float) -> None:
    assert scale(value, factor, offset) == value * factor + offset
