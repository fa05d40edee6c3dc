"""A consumer's account of a stream: what came, what is missing, what came twice. Pure."""

from dataclasses import dataclass, field

from gateway.flow.ranges import NOTHING, Range, RangeSet


@dataclass(slots=True)
class Account:
    """One stream: numbers have no gaps, so what is between two that came is missing."""

    received: RangeSet = field(default_factory=RangeSet)
    duplicates: int = 0
    """Samples that came once more."""
    out_of_order: int = 0
    """Batches that came first after a later one of their lane."""
    ends: dict[str, int] = field(default_factory=dict)
    """Number after the newest sample, by lane."""

    def take(self, lane: str, batch: Range) -> RangeSet:
        """Enter a batch; return what of it is new."""
        arrived = RangeSet.of(batch)
        fresh = arrived - self.received
        self.duplicates += arrived.total - fresh.total
        if fresh and batch[0] < self.ends.get(lane, 0):
            self.out_of_order += 1
        self.ends[lane] = max(self.ends.get(lane, 0), batch[1])
        self.received |= arrived
        return fresh

    @property
    def missing(self) -> RangeSet:
        """What is missing between the first and the newest sample."""
        ranges = self.received.ranges
        if not ranges:
            return NOTHING
        return RangeSet.of((ranges[0][0], ranges[-1][1])) - self.received

    def as_json(self) -> dict[str, object]:
        """Return the account as it is printed."""
        ranges = self.received.ranges
        return {
            "samples": self.received.total,
            "first": ranges[0][0] if ranges else None,
            "last": ranges[-1][1] - 1 if ranges else None,
            "missing": self.missing.total,
            "gaps": [[first, end - 1] for first, end in self.missing.ranges],
            "duplicates": self.duplicates,
            "out_of_order": self.out_of_order,
        }


class Ledger:
    """The accounts of all streams that a consumer hears of."""

    def __init__(self) -> None:
        """Begin empty."""
        self.accounts: dict[str, Account] = {}

    def take(self, stream: str, lane: str, batch: Range) -> RangeSet:
        """Enter a batch of a stream; return what of it is new."""
        return self.accounts.setdefault(stream, Account()).take(lane, batch)

    def as_json(self) -> dict[str, object]:
        """Return all accounts, by stream."""
        return {stream: account.as_json() for stream, account in self.accounts.items()}
