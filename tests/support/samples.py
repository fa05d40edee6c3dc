"""Reports and outboxes for tests: made-up scans, clocks that stand until they are moved."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.flow.batches import Source
from gateway.flow.reports import Report, Stamp
from gateway.store.outbox import Caps, Clocks, Outbox

SOURCE = Source("", "plant", "run")
ROOMY = Caps(size_max=10**9, age_max_ns=10**18)


def report(cycle: int, samples: int = 1) -> Report:
    """Return a scan's report of that many samples."""
    values = {f"MAIN.V{number}": cycle + number / 8 for number in range(samples)}
    return Report(Stamp("Main", cycle, cycle, cycle, cycle + 1), cycle + 2, dict(values), {})


@dataclass
class StandingClocks:
    """Clocks that the test moves."""

    monotonic_ns: int = 1000
    boottime_ns: int = 1000
    boot: str = "this boot"

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.monotonic_ns, lambda: self.boottime_ns, self.boot)


@dataclass
class OutboxRig:
    """One file, opened as often as a test likes."""

    path: Path
    uplinks: Sequence[str] = ("a",)
    caps: Caps = ROOMY
    clocks: StandingClocks = field(default_factory=StandingClocks)

    def open(self) -> Outbox:
        return Outbox(self.path, self.caps, self.clocks.clocks(), self.uplinks)


def ranges_of(outbox: Outbox) -> list[tuple[int, int]]:
    """Return the batches on disk."""
    return [(batch.first, batch.end) for batch in outbox.read((0, 1 << 62), 1 << 62)]


async def until(condition: Callable[[], object], what: str = "a condition") -> None:
    """Wait until a condition holds, on the event loop."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.002)
    raise AssertionError(f"waited 20 s in vain for {what}")
