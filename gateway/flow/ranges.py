"""Sets of sequence numbers as sorted, disjoint ranges: what is pending, kept, lost. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

Range = tuple[int, int]
"""First number, and the first one after the last: [first, end)."""


@dataclass(frozen=True, slots=True)
class RangeSet:
    """A set of whole numbers; build it by `of`, which sorts and joins."""

    ranges: tuple[Range, ...] = ()

    @staticmethod
    def of(*ranges: Range) -> "RangeSet":
        """Return the union of ranges; empty ones count for nothing."""
        return RangeSet(tuple(_joined(sorted(item for item in ranges if item[0] < item[1]))))

    @property
    def first(self) -> int | None:
        """The least number, None where the set is empty."""
        return self.ranges[0][0] if self.ranges else None

    @property
    def total(self) -> int:
        """How many numbers the set has."""
        return sum(end - first for first, end in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, number: int) -> bool:
        return any(first <= number < end for first, end in self.ranges)

    def __or__(self, other: "RangeSet") -> "RangeSet":
        return RangeSet.of(*self.ranges, *other.ranges)

    def __and__(self, other: "RangeSet") -> "RangeSet":
        return RangeSet.of(
            *(
                (max(mine[0], theirs[0]), min(mine[1], theirs[1]))
                for mine in self.ranges
                for theirs in other.ranges
            )
        )

    def __sub__(self, other: "RangeSet") -> "RangeSet":
        left = list(self.ranges)
        for first, end in other.ranges:
            left = [
                piece
                for mine in left
                for piece in ((mine[0], min(mine[1], first)), (max(mine[0], end), mine[1]))
                if piece[0] < piece[1]
            ]
        return RangeSet(tuple(left))


NOTHING: Final = RangeSet()
"""The empty set."""


def _joined(ordered: Iterable[Range]) -> Iterator[Range]:
    """Join ranges that touch or overlap."""
    current: Range | None = None
    for item in ordered:
        if current is not None and item[0] <= current[1]:
            current = current[0], max(current[1], item[1])
            continue
        if current is not None:
            yield current
        current = item
    if current is not None:
        yield current
