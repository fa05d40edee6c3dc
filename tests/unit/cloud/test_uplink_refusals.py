"""Samples that a peer refuses: kept and offered again, told and counted; the others go on."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.cloud.holds import Holds
from gateway.cloud.seam import RefusedError, UplinkError
from gateway.cloud.uplink import Uplink, UplinkSettings
from gateway.store.lanes import Group, Lane
from gateway.store.queue import Store
from tests.support.fake_peer import FakePeer
from tests.support.samples import ROOMY, StandingClocks, report, until

SECOND_NS = 10**9


@dataclass
class FussyPeer(FakePeer):
    """A peer that will not have batches with certain samples."""

    refused: set[int] = field(default_factory=set)
    offers: list[tuple[int, int]] = field(default_factory=list)
    """First number and number of batches of each group that was refused."""

    async def send(self, group: Group) -> Awaitable[None]:
        if any(batch.first <= n < batch.end for batch in group.batches for n in self.refused):
            self.offers.append((group.batches[0].first, len(group.batches)))
            raise RefusedError("not these")
        return await super().send(group)


@dataclass
class Rig:
    store: Store
    uplink: Uplink
    clocks: StandingClocks

    async def put(self, cycle: int) -> None:
        """Store one batch of five samples."""
        head = self.store.state().head
        self.store.put("run", [report(cycle, 5)])
        await until(lambda: self.store.state().head == head + 5, "the store")

    async def until_pending(self, samples: int) -> None:
        await until(lambda: self.store.state().pending["a"] == samples, "acknowledgements")


@asynccontextmanager
async def running(path: Path, peer: FakePeer) -> AsyncIterator[Rig]:
    clocks = StandingClocks()
    store = Store(path, ROOMY, clocks.clocks(), ["a"], project="plant", linger_s=0)
    settings = UplinkSettings("a", 10**9, 5.0)
    uplink = Uplink(settings, peer, store, lambda: clocks.monotonic_ns)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.run()), group.create_task(uplink.run())]
        try:
            await store.opened()
            yield Rig(store, uplink, clocks)
        finally:
            for task in tasks:
                task.cancel()


def test_a_refused_batch_is_narrowed_down_and_held_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    peer = FussyPeer(random.Random(0), up=False, refused={13})

    async def run() -> None:
        async with running(tmp_path / "o.db", peer) as rig:
            for cycle in range(5):
                await rig.put(cycle)
            peer.up = True
            await until(lambda: rig.uplink.counters.held[Lane.LIVE], "the hold")
            await rig.until_pending(15)
            assert rig.uplink.counters.refusals >= 2
            assert rig.uplink.counters.connections == 1  # a refusal is no failure of it

    asyncio.run(run())
    assert peer.account.received.ranges == ((1, 11),)
    assert peer.offers[-1] == (11, 1)
    (told,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert told.getMessage() == (
        "uplink a: the peer refuses samples 11 to 15: not these; they are kept, and offered again"
        " in 1 s"
    )


def test_new_samples_pass_a_batch_that_is_refused(tmp_path: Path) -> None:
    peer = FussyPeer(random.Random(0), refused={1})

    async def run() -> None:
        async with running(tmp_path / "o.db", peer) as rig:
            await rig.put(0)
            await until(lambda: rig.uplink.counters.held[Lane.LIVE], "the hold")
            rig.clocks.monotonic_ns += 3 * SECOND_NS
            await rig.put(1)  # behind: the refused batch and this one become backlog
            await until(lambda: rig.uplink.counters.splits == 1, "the split")
            await rig.put(2)
            await until(lambda: peer.lanes == [Lane.LIVE], "the newest batch")
            assert rig.uplink.counters.held == {Lane.LIVE: False, Lane.BACKLOG: True}
            await rig.until_pending(10)
            assert rig.store.state().losses == {}

    asyncio.run(run())


def test_a_batch_that_the_peer_takes_after_all_lets_its_lane_go_on(tmp_path: Path) -> None:
    peer = FussyPeer(random.Random(0), refused={3})

    async def run() -> None:
        async with running(tmp_path / "o.db", peer) as rig:
            for cycle in range(3):
                await rig.put(cycle)
            await until(lambda: rig.uplink.counters.held[Lane.LIVE], "the hold")
            offered = len(peer.offers)
            rig.clocks.monotonic_ns += SECOND_NS
            await rig.put(3)
            await until(lambda: len(peer.offers) > offered, "another offer")
            peer.refused = set()
            rig.clocks.monotonic_ns += 2 * SECOND_NS
            await rig.put(4)
            await rig.until_pending(0)
            assert not any(rig.uplink.counters.held.values())

    asyncio.run(run())
    assert peer.account.received.ranges == ((1, 26),)
    assert peer.account.duplicates == 0


def test_waits_of_a_held_lane_double_up_to_a_minute() -> None:
    held, now_ns, waits = Holds(), 0, []
    for _ in range(9):
        waits.append(held.refuse(Lane.LIVE, now_ns))
        assert held.wait_s(Lane.LIVE, now_ns) == waits[-1]
        assert held.wait_s(Lane.BACKLOG, now_ns) == 0
        now_ns += int(waits[-1] * SECOND_NS)
        assert held.wait_s(Lane.LIVE, now_ns) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_lane_that_becomes_backlog_waits_there() -> None:
    held = Holds()
    held.refuse(Lane.LIVE, 0)
    held.hand_over()
    assert Lane.LIVE not in held
    assert held.wait_s(Lane.BACKLOG, 0) == 1
    assert held.release(Lane.BACKLOG)
    assert not held.release(Lane.BACKLOG)


@dataclass
class BusyPeer(FakePeer):
    """A peer that asks to be left alone."""

    asked: list[float] = field(default_factory=list)

    async def send(self, group: Group) -> Awaitable[None]:
        if not self.asked:
            self.asked.append(asyncio.get_running_loop().time())
            raise UplinkError("too busy", 0.3)
        self.asked.append(asyncio.get_running_loop().time())
        return await super().send(group)


def test_a_peer_that_asks_for_time_gets_it(tmp_path: Path) -> None:
    peer = BusyPeer(random.Random(0))

    async def run() -> None:
        async with running(tmp_path / "o.db", peer) as rig:
            await rig.put(0)
            await rig.until_pending(0)

    asyncio.run(run())
    assert peer.asked[1] - peer.asked[0] >= 0.3
