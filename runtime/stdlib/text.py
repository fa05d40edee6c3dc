"""Functions of strings (6.6.2.5.6, table 34).

A body sees code units: `text[i]` for a string handed over, beside it its length; a string that it
gives is written to `out`, of `room` units, and its length returned. numba compiles it for
each type of strings, the interpreter calls it on bytes. Positions count from 1; what lies outside
of a string is cut off, never a fault.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runtime.stdlib.declare import Parameter

_CLAUSE: Final = "6.6.2.5.6"
Units = Any
"""Code units by index."""


@dataclass(frozen=True, slots=True)
class TextFunction:
    """A function with strings among its parameters or as its result.

    Parameters are of type TEXT, LINT or LREAL; the result is TEXT (as the arguments), the name of a
    type of strings, LINT or LREAL.
    """

    name: str
    clause: str
    parameters: tuple[Parameter, ...]
    result: str
    body: Callable[..., Any]
    capacity: Callable[[Sequence[int]], int] = sum
    """From the capacities of the strings handed over to the result's."""
    extensible: bool = False
    """Whether further strings may follow; the function is then applied again and again."""

    @property
    def gives_text(self) -> bool:
        """Whether the result is a string."""
        return self.result not in {"LINT", "LREAL"}


def put(out: Units, room: int, at: int, text: Units, start: int, end: int) -> int:
    """Copy text[start:end] to out[at:], as far as there is room; return where it ends."""
    count = min(end - start, room - at)
    for number in range(count):
        out[at + number] = text[start + number]
    return at + max(count, 0)


def within(number: int, limit: int) -> int:
    """Return a number moved into 0 … limit."""
    return min(max(number, 0), limit)


def length_of(_text: Units, length: int) -> int:
    """LEN: the number of code units."""
    return length


def left(out: Units, room: int, text: Units, length: int, count: int) -> int:
    """LEFT: the first `count` units."""
    return put(out, room, 0, text, 0, within(count, length))


def right(out: Units, room: int, text: Units, length: int, count: int) -> int:
    """RIGHT: the last `count` units."""
    return put(out, room, 0, text, length - within(count, length), length)


def middle(out: Units, room: int, text: Units, length: int, count: int, place: int) -> int:
    """MID: `count` units from `place` on."""
    start = within(place - 1, length)
    return put(out, room, 0, text, start, start + within(count, length - start))


def concatenate(
    out: Units, room: int, first: Units, first_length: int, second: Units, second_length: int
) -> int:
    """CONCAT: one after the other."""
    at = put(out, room, 0, first, 0, first_length)
    return put(out, room, at, second, 0, second_length)


def insert(  # noqa: PLR0913, PLR0917 - strings come with their lengths
    out: Units, room: int, text: Units, length: int, part: Units, part_length: int, place: int
) -> int:
    """INSERT: the part behind `place` units."""
    start = within(place, length)
    at = put(out, room, 0, text, 0, start)
    at = put(out, room, at, part, 0, part_length)
    return put(out, room, at, text, start, length)


def delete(out: Units, room: int, text: Units, length: int, count: int, place: int) -> int:
    """DELETE: without `count` units from `place` on."""
    start = within(place - 1, length)
    at = put(out, room, 0, text, 0, start)
    return put(out, room, at, text, start + within(count, length - start), length)


def replace(  # noqa: PLR0913, PLR0917 - strings come with their lengths
    out: Units,
    room: int,
    text: Units,
    length: int,
    part: Units,
    part_length: int,
    count: int,
    place: int,
) -> int:
    """REPLACE: the part in place of `count` units from `place` on."""
    start = within(place - 1, length)
    at = put(out, room, 0, text, 0, start)
    at = put(out, room, at, part, 0, part_length)
    return put(out, room, at, text, start + within(count, length - start), length)


def find(text: Units, length: int, part: Units, part_length: int) -> int:
    """FIND: the place where the part begins first, 0 where it is not in the text or empty."""
    if part_length == 0:
        return 0
    for start in range(length - part_length + 1):
        same = 0
        while same < part_length and text[start + same] == part[same]:
            same += 1
        if same == part_length:
            return start + 1
    return 0


def order(first: Units, first_length: int, second: Units, second_length: int) -> int:
    """Return -1, 0 or 1 as the first text is less than, equal to or greater than the second."""
    for number in range(min(first_length, second_length)):
        if first[number] != second[number]:
            return -1 if first[number] < second[number] else 1
    if first_length == second_length:
        return 0
    return -1 if first_length < second_length else 1


def select(  # noqa: PLR0913, PLR0917 - strings come with their lengths
    out: Units, room: int, chosen: int, first: Units, first_length: int, second: Units,
    second_length: int,
) -> int:  # fmt: skip
    """SEL: the first text, or the second where `chosen` is not 0."""
    if chosen:
        return put(out, room, 0, second, 0, second_length)
    return put(out, room, 0, first, 0, first_length)


def least(
    out: Units, room: int, first: Units, first_length: int, second: Units, second_length: int
) -> int:
    """MIN of two texts."""
    if order(second, second_length, first, first_length) < 0:
        return put(out, room, 0, second, 0, second_length)
    return put(out, room, 0, first, 0, first_length)


def greatest(
    out: Units, room: int, first: Units, first_length: int, second: Units, second_length: int
) -> int:
    """MAX of two texts."""
    if order(first, first_length, second, second_length) < 0:
        return put(out, room, 0, second, 0, second_length)
    return put(out, room, 0, first, 0, first_length)


def _function(
    name: str,
    parameters: str,
    body: Callable[..., Any],
    result: str = "TEXT",
    capacity: Callable[[Sequence[int]], int] = sum,
    *,
    extensible: bool = False,
) -> TextFunction:
    """Declare a function; `parameters` are names, those that begin with IN are strings."""
    declared = tuple(
        Parameter(item, "TEXT" if item.startswith("IN") else "LINT") for item in parameters.split()
    )
    return TextFunction(name, _CLAUSE, declared, result, body, capacity, extensible)


TEXT_FUNCTIONS: Final[dict[str, TextFunction]] = {
    item.name: item
    for item in (
        _function("LEN", "IN", length_of, "LINT"),
        _function("LEFT", "IN L", left),
        _function("RIGHT", "IN L", right),
        _function("MID", "IN L P", middle),
        _function("CONCAT", "IN1 IN2", concatenate, extensible=True),
        _function("INSERT", "IN1 IN2 P", insert),
        _function("DELETE", "IN L P", delete),
        _function("REPLACE", "IN1 IN2 L P", replace),
        _function("FIND", "IN1 IN2", find, "LINT"),
    )
}
ORDER: Final = _function("order", "IN1 IN2", order, "LINT")
SELECT: Final = _function("SEL", "G IN0 IN1", select, capacity=max)
LEAST: Final = _function("MIN", "IN1 IN2", least, capacity=max)
GREATEST: Final = _function("MAX", "IN1 IN2", greatest, capacity=max)
