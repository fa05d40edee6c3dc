"""What one scan has to report, and when each of its samples passed which hop. Pure data."""

from dataclasses import dataclass
from typing import NamedTuple

from runtime.datatypes.values import Json


class Stamp(NamedTuple):
    """Which scan a sample is of, and when that one ended and was taken.

    Times in ns: `time_ns` since 1970, the others CLOCK_MONOTONIC.
    """

    task: str
    cycle: int
    time_ns: int
    end_ns: int
    taken_ns: int


@dataclass(frozen=True, slots=True)
class Report:
    """The samples of one scan: a value each for some variables."""

    stamp: Stamp
    filtered_ns: int
    """CLOCK_MONOTONIC when the filters had let them pass."""
    values: dict[str, Json]
    qualities: dict[str, int]
    """Those that are not GOOD, as `Quality` numbers them."""

    @property
    def samples(self) -> int:
        """How many samples it has."""
        return len(self.values)


class Mark(NamedTuple):
    """The times of a number of samples on their way: hops up to the outbox, CLOCK_MONOTONIC, ns."""

    samples: int
    end_ns: int
    taken_ns: int
    filtered_ns: int
