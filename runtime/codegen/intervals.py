"""Intervals of whole numbers: what an expression's value lies in, what a condition tells.

Known values are those of whole variables (`loops.is_private`) by the routine itself; anything else
may hold any value of its type: members outlive a scan, and users write them. Arithmetic that may
leave its type may wrap to anywhere, so it gives the whole type.

    i in 0..63                    i + 1 in 1..64, i MOD 8 in 0..7, i AND 7 in 0..7
    i in -32768..62, i >= 0       i in 0..62
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Final, cast

from runtime.datatypes.elementary import BOOL, Elementary, Kind
from runtime.model import program
from runtime.model.loops import is_private
from runtime.model.program import Constant, Convert, Expression, Load, Operate, Place
from runtime.model.writes import parts_of

Interval = tuple[int, int]
"""Least and greatest value, both included."""
Known = Mapping[Place, Interval]
"""What is known of variables, by their places."""

_KINDS: Final = {Kind.SIGNED, Kind.UNSIGNED, Kind.BITS, Kind.ENUM}
_OPPOSITE: Final = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "<>", "<>": "="}
_MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}


def is_whole(data_type: object) -> bool:
    """Whether values of a type are whole numbers that intervals describe."""
    return isinstance(data_type, Elementary) and data_type.kind in _KINDS and data_type is not BOOL


def all_of(data_type: Elementary) -> Interval:
    """Return every value of a whole type, as its bits say: a subrange may hold more."""
    bits = data_type.bits
    if data_type.is_signed:
        return -(1 << bits - 1), (1 << bits - 1) - 1
    return 0, (1 << bits) - 1


def interval_of(node: Expression, known: Known) -> Interval | None:
    """Return what a value lies in; None for one that is no whole number."""
    if not is_whole(node.type):
        return None
    whole = all_of(node.type)
    found = _interval(node, known)
    if found is None or found[0] < whole[0] or found[1] > whole[1]:
        return whole
    return found


def _interval(node: Expression, known: Known) -> Interval | None:
    match node:
        case Constant(value=value):
            return int(cast("int", value)), int(cast("int", value))
        case Load(place=place):
            return known.get(place)
        case Convert(operand=operand):
            return interval_of(operand, known)
        case program.Negate(operand=operand):
            inner = interval_of(operand, known)
            return None if inner is None else (-inner[1], -inner[0])
        case Operate(operator=operator, left=left, right=right):
            one, other = interval_of(left, known), interval_of(right, known)
            return None if one is None or other is None else _combine(operator, one, other)
        case program.CallStandard(arguments=arguments):
            return _standard(node, [interval_of(item, known) for item in arguments])
    return None


def _combine(operator: str, left: Interval, right: Interval) -> Interval | None:
    match operator:
        case "+":
            return left[0] + right[0], left[1] + right[1]
        case "-":
            return left[0] - right[1], left[1] - right[0]
        case "*":
            products = [a * b for a in left for b in right]
            return min(products), max(products)
        case "/":
            return _quotient(left, right)
        case "MOD":
            return _remainder(left, right)
        case "AND":
            limits = [item[1] for item in (left, right) if item[0] >= 0]
            return (0, min(limits)) if limits else None
    return None


def _quotient(left: Interval, right: Interval) -> Interval | None:
    if right[0] <= 0:
        return None
    ends = [_truncated(a, b) for a in left for b in right]
    return min(ends), max(ends)


def _truncated(left: int, right: int) -> int:
    """Divide towards zero by a number above zero."""
    return left // right if left >= 0 else -(-left // right)


def _remainder(left: Interval, right: Interval) -> Interval | None:
    """Return what MOD gives: nearer to zero than either operand, with the sign of the left one."""
    if right[0] <= 0:
        return None
    limit = right[1] - 1
    return max(min(left[0], 0), -limit), min(max(left[1], 0), limit)


def _standard(node: program.CallStandard, values: list[Interval | None]) -> Interval | None:
    sound = [item for item in values if item is not None]
    if len(sound) != len(values):
        return None
    match node.function.name:
        case "MIN":
            return min(low for low, _ in sound), min(high for _, high in sound)
        case "MAX":
            return max(low for low, _ in sound), max(high for _, high in sound)
        case "LIMIT":
            least, value, greatest = sound
            low, high = max(least[0], value[0]), max(least[1], value[1])
            return min(low, greatest[0]), min(high, greatest[1])
    return None


# -- conditions -----------------------------------------------------------------------------------


def refined(node: Expression, known: Known, *, holds: bool) -> dict[Place, Interval] | None:
    """Return what is known where a condition holds, or does not; None where it never is so."""
    match node:
        case program.Invert(operand=operand):
            return refined(operand, known, holds=not holds)
        case (
            Operate(operator="AND", type=kind)
            | program.ShortCircuit(operator="AND_THEN", type=kind)
        ):
            return _both(node.left, node.right, known, holds=holds) if kind is BOOL else dict(known)
        case (
            Operate(operator="OR", type=kind) | program.ShortCircuit(operator="OR_ELSE", type=kind)
        ):
            if kind is not BOOL or holds:
                return dict(known)
            first = refined(node.left, known, holds=False)
            return None if first is None else refined(node.right, first, holds=False)
        case Operate(operator=operator) if operator in _OPPOSITE:
            test = operator if holds else _OPPOSITE[operator]
            first = _narrowed(node.left, test, node.right, known)
            return (
                None if first is None else _narrowed(node.right, _MIRRORED[test], node.left, first)
            )
    return dict(known)


def _both(
    left: Expression, right: Expression, known: Known, *, holds: bool
) -> dict[Place, Interval] | None:
    if not holds:
        return dict(known)
    first = refined(left, known, holds=True)
    return None if first is None else refined(right, first, holds=True)


def _narrowed(
    node: Expression, test: str, other: Expression, known: Known
) -> dict[Place, Interval] | None:
    """Narrow the variable that `node` is by `node test other`."""
    limit = interval_of(other, known)
    if limit is None or not is_whole(node.type):
        return dict(known)
    low, high = all_of(node.type)
    match test:
        case "<":
            high = min(high, limit[1] - 1)
        case "<=":
            high = min(high, limit[1])
        case ">":
            low = max(low, limit[0] + 1)
        case ">=":
            low = max(low, limit[0])
        case "=":
            low, high = max(low, limit[0]), min(high, limit[1])
    return narrowed_to(node, (low, high), known)


def narrowed_to(node: Expression, bounds: Interval, known: Known) -> dict[Place, Interval] | None:
    """Return what is known where an expression's value lies within bounds."""
    now = interval_of(node, known)
    if now is None:
        return dict(known)
    low, high = max(now[0], bounds[0]), min(now[1], bounds[1])
    if low > high:
        return None
    place = _variable(node)
    return dict(known) if place is None else {**known, place: (low, high)}


def _variable(node: Expression) -> Place | None:
    """Return the variable whose value an expression has, widened perhaps."""
    if isinstance(node, Load) and is_private(node.place) and is_whole(node.type):
        return node.place
    if isinstance(node, Convert) and is_whole(node.operand.type) and is_whole(node.type):
        inner, outer = all_of(node.operand.type), all_of(node.type)
        if outer[0] <= inner[0] and inner[1] <= outer[1]:
            return _variable(node.operand)
    return None


def joined(one: Known | None, other: Known | None) -> dict[Place, Interval] | None:
    """Return what is known where two ways meet; None stands for a way that is never taken."""
    if one is None or other is None:
        kept = other if one is None else one
        return None if kept is None else dict(kept)
    return {
        place: (min(low, other[place][0]), max(high, other[place][1]))
        for place, (low, high) in one.items()
        if place in other
    }


def within(one: Known, other: Known) -> bool:
    """Whether all that `other` says holds by what `one` says."""
    return all(
        place in one and one[place][0] >= low and one[place][1] <= high
        for place, (low, high) in other.items()
    )


def tested_values(nodes: object) -> list[int]:
    """Return the constants that expressions compare with, and their neighbours, in order."""
    values: set[int] = set()
    for node in parts_of(nodes):
        if isinstance(node, Operate) and node.operator in _OPPOSITE:
            for side in (node.left, node.right):
                found = interval_of(side, {})
                if found is not None and found[0] == found[1]:
                    values |= {found[0] - 1, found[0], found[0] + 1}
    return sorted(values)


def widened(before: Known, after: Known, stops: list[int]) -> dict[Place, Interval]:
    """Return `before` with the bounds that `after` leaves moved on: they may go on moving.

    Args:
        before: What was known at first.
        after: What is known after a turn.
        stops: Values at which a bound may come to rest, in order; else it is given up.
    """
    result: dict[Place, Interval] = {}
    for place, (low, high) in before.items():
        if place not in after or not isinstance(place.type, Elementary):
            continue
        least, greatest = all_of(place.type)
        new_low, new_high = after[place]
        below, above = bisect_right(stops, new_low) - 1, bisect_left(stops, new_high)
        next_low = stops[below] if below >= 0 else least
        next_high = stops[above] if above < len(stops) else greatest
        bounds = next_low if new_low < low else low, next_high if new_high > high else high
        if bounds != (least, greatest):
            result[place] = bounds
    return result
