"""The whole way of `uplink.py`: scan frames to sampler, outbox and uplinks, in this process."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from uplink_load import Load, make_load

from gateway.cloud.sampling import Sampling, SamplingClocks
from gateway.cloud.seam import Peer
from gateway.cloud.station import system_clocks
from gateway.cloud.uplink import Uplink, UplinkSettings
from gateway.store.counters import SamplingCounters
from gateway.store.outbox import Caps
from gateway.store.queue import Store
from runtime.project.uplinks import PublishSection

VALUES: Final = 500
RULE: Final = PublishSection.model_validate({"variables": ["MAIN.*"], "on": "scan"})
AHEAD_SAMPLES: Final = 60_000
"""Samples between the scan and the acknowledgement that the load allows itself."""
ROOMY: Final = Caps(10**10, 10**18)


@dataclass
class Chain:
    """The whole way, running."""

    load: Load
    sampling: Sampling
    store: Store
    uplinks: tuple[Uplink, ...]
    counters: SamplingCounters

    @property
    def uplink(self) -> Uplink:
        """The one there is, or the first."""
        return self.uplinks[0]

    @property
    def acknowledged(self) -> int:
        """Samples that have arrived at all peers."""
        return min(sum(uplink.counters.samples.values()) for uplink in self.uplinks)

    async def push(self, samples: int) -> None:
        """Push that many samples through, as fast as they are acknowledged."""
        goal = self.counters.samples + samples
        while self.counters.samples < goal:
            ahead = self.counters.samples - self.acknowledged
            if ahead < AHEAD_SAMPLES:
                self.load.scan(10)
                self.sampling.step()
            await asyncio.sleep(0 if ahead < AHEAD_SAMPLES else 0.001)
        await self.arrived()

    async def pace(self, samples_per_s: int, seconds: float) -> None:
        """Push samples at a steady rate."""
        began, scans = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = round(passed * samples_per_s / VALUES)
            self.load.scan(due - scans)
            scans = due
            self.sampling.step()
            await asyncio.sleep(0.002)
        await self.arrived()

    async def arrived(self) -> None:
        """Wait until all that was sampled is acknowledged."""
        await until(lambda: self.acknowledged >= self.counters.samples)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, looking every millisecond: what is measured knows nothing of it."""
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110  as it says
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def chain(folder: Path, peers: Mapping[str, Peer], rate: int = 10**9) -> AsyncIterator[Chain]:
    """Run the whole way to some peers, by name."""
    load = make_load(folder / "bench.image", VALUES)
    store = Store(folder / "outbox.db", ROOMY, system_clocks(), list(peers), project="bench",
                  linger_s=0.01)  # fmt: skip
    uplinks = tuple(
        Uplink(UplinkSettings(name, rate, 30.0), peer, store, time.monotonic_ns)
        for name, peer in peers.items()
    )
    counters = SamplingCounters()
    clocks = SamplingClocks(time.monotonic_ns, time.time_ns)
    sampling = Sampling(load.image, [RULE], store, counters, clocks)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.run())]
        tasks += [group.create_task(uplink.run()) for uplink in uplinks]
        try:
            yield Chain(load, sampling, store, uplinks, counters)
        finally:
            for task in tasks:
                task.cancel()
    load.image.close()
    (folder / "outbox.db").unlink()
