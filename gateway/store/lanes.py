"""What an uplink sends at once: a group of batches of one of its two lanes."""

import enum
from dataclasses import dataclass

from gateway.flow.ranges import Range, RangeSet
from gateway.store.outbox import StoredBatch


class Lane(enum.Enum):
    """Live samples go first; the backlog follows at a configured rate."""

    LIVE = "live"
    BACKLOG = "backlog"


@dataclass(frozen=True, slots=True)
class Group:
    """Batches to be sent and acknowledged together."""

    uplink: str
    lane: Lane
    batches: tuple[StoredBatch, ...]
    done: Range
    """What the uplink no longer owes once they are acknowledged."""
    stream: str
    """Identity of the outbox that numbered them."""
    generation: int
    """Which file they came from: acknowledgements of another count for nothing."""

    @property
    def done_set(self) -> RangeSet:
        """The same as a set."""
        return RangeSet.of(self.done)

    @property
    def delivered(self) -> RangeSet:
        """The samples that are in it; `done` may span some that were dropped before."""
        return RangeSet.of(*((batch.first, batch.end) for batch in self.batches))

    @property
    def samples(self) -> int:
        """How many samples are to be sent."""
        return sum(batch.end - batch.first for batch in self.batches)
