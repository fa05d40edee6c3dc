"""What a value has to do to be reported: deadband, swinging door, aggregation, scaling. Pure.

Each filter is a function of its state and one point; it returns the new state and what to report.
Times are CLOCK_MONOTONIC in ns, values in the unit that is reported.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one variable in one scan."""

    value: float
    time_ns: int
    number: int
    """Number of the scan's publication, by which the caller finds the rest again."""


def scale(value: float, factor: float, offset: float) -> float:
    """Return a number in the unit that is reported."""
    return value * factor + offset


def leaves_band(value: float, reported: float, band: float) -> bool:
    """Return whether a value is far enough from the one reported last; NaN and back always is."""
    if math.isnan(value) or math.isnan(reported):
        return math.isnan(value) != math.isnan(reported)
    return value != reported and not abs(value - reported) < band


@dataclass(frozen=True, slots=True)
class Door:
    """A line is being drawn from the point reported last; its slope lies between two bounds."""

    anchor: Point
    last: Point
    """Newest point that one line from the anchor explains, with all points between."""
    slope_min: float = -math.inf
    slope_max: float = math.inf


def swing(door: Door | None, point: Point, deviation: float) -> tuple[Door, tuple[Point, ...]]:
    """Follow one point; return the points to report, where the line has ended.

    A straight line from each reported point to the next is nowhere further than `deviation` from
    the values in between. Points that are not finite end a line and are reported.
    """
    if door is None:
        return Door(point, point), (point,)
    if not (math.isfinite(point.value) and math.isfinite(door.anchor.value)):
        if _is_same(point.value, door.last.value):
            return Door(door.anchor, point), ()
        kept = () if door.last is door.anchor else (door.last,)
        return Door(point, point), (*kept, point)
    span_ns = point.time_ns - door.anchor.time_ns
    if span_ns <= 0:
        return Door(door.anchor, point, door.slope_min, door.slope_max), ()
    slope = (point.value - door.anchor.value) / span_ns
    if not door.slope_min <= slope <= door.slope_max:
        following, _ = swing(Door(door.last, door.last), point, deviation)
        return following, (door.last,)
    least = (point.value - deviation - door.anchor.value) / span_ns
    greatest = (point.value + deviation - door.anchor.value) / span_ns
    bounds = max(door.slope_min, least), min(door.slope_max, greatest)
    return Door(door.anchor, point, *bounds), ()


def _is_same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@dataclass(frozen=True, slots=True)
class Window:
    """What the finite values of one interval come to, and its newest point."""

    number: int
    """Interval of CLOCK_MONOTONIC: its time divided by its length."""
    newest: Point
    first: float
    count: int = 0
    total: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf


def accumulate(
    window: Window | None, point: Point, interval_ns: int
) -> tuple[Window, Window | None]:
    """Follow one point; return the window that it has ended, if any.

    Intervals without a point have no window.
    """
    number = point.time_ns // interval_ns
    if window is None or window.number != number:
        return _with(Window(number, point, point.value), point), window
    return _with(window, point), None


def _with(window: Window, point: Point) -> Window:
    value = point.value
    if not math.isfinite(value):
        return Window(
            window.number, point, window.first,
            window.count, window.total, window.least, window.greatest,
        )  # fmt: skip
    return Window(
        window.number, point, window.first, window.count + 1, window.total + value,
        min(window.least, value), max(window.greatest, value),
    )  # fmt: skip


AGGREGATES: Final[dict[str, Callable[[Window], float]]] = {
    "mean": lambda window: window.total / window.count if window.count else math.nan,
    "min": lambda window: window.least if window.count else math.nan,
    "max": lambda window: window.greatest if window.count else math.nan,
    "first": lambda window: window.first,
    "last": lambda window: window.newest.value,
    "count": lambda window: window.count,
}
"""How each name of `aggregate` in `takt.toml` is had from a window."""
