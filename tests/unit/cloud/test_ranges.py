"""Sets of ranges behave as sets of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.ranges import RangeSet

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def numbers(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for first, end in ranges for number in range(first, end)}


def members(ranges: RangeSet) -> set[int]:
    return numbers(list(ranges.ranges))


@given(RANGES, RANGES)
def test_union_difference_and_intersection_are_those_of_the_numbers(
    mine: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> None:
    one, other = RangeSet.of(*mine), RangeSet.of(*theirs)
    assert members(one | other) == numbers(mine) | numbers(theirs)
    assert members(one - other) == numbers(mine) - numbers(theirs)
    assert members(one & other) == numbers(mine) & numbers(theirs)


@given(RANGES)
def test_ranges_are_sorted_apart_and_not_empty(ranges: list[tuple[int, int]]) -> None:
    flat = [end for item in RangeSet.of(*ranges).ranges for end in item]
    assert flat == sorted(set(flat))


@given(RANGES)
def test_total_first_and_membership_agree_with_the_numbers(ranges: list[tuple[int, int]]) -> None:
    found, expected = RangeSet.of(*ranges), numbers(ranges)
    assert found.total == len(expected)
    assert found.first == min(expected, default=None)
    assert bool(found) == bool(expected)
    assert all((number in found) == (number in expected) for number in range(42))
