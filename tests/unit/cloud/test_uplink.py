"""One uplink against a peer that fails as the test likes: nothing lost, order kept, lanes apart."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.cloud import uplink as uplinks
from gateway.cloud.seam import UplinkError
from gateway.cloud.uplink import Uplink, UplinkSettings
from gateway.flow.rate import RateLimit
from gateway.store import outbox
from gateway.store.counters import UplinkState
from gateway.store.lanes import Group, Lane
from gateway.store.queue import Store
from tests.support.fake_peer import FakePeer
from tests.support.samples import ROOMY, StandingClocks, report, until

SEEDS = [1, 2, 3]


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplinks, "RECONNECT_FIRST_S", 0.001)
    monkeypatch.setattr(uplinks, "RECONNECT_MAX_S", 0.002)


@dataclass
class Rig:
    store: Store
    uplink: Uplink
    peer: FakePeer
    clocks: StandingClocks

    async def until_sent(self, head: int) -> None:
        await until(lambda: self.store.state().head >= head and not self.store.state().pending["a"])


@asynccontextmanager
async def running(path: Path, peer: FakePeer, rate: int = 10**9) -> AsyncIterator[Rig]:
    clocks = StandingClocks()
    store = Store(path, ROOMY, clocks.clocks(), ["a"], project="plant", linger_s=0)
    uplink = Uplink(UplinkSettings("a", rate, 5.0), peer, store, lambda: clocks.monotonic_ns)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.run()), group.create_task(uplink.run())]
        try:
            yield Rig(store, uplink, peer, clocks)
        finally:
            for task in tasks:
                task.cancel()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tells_progress", [True, False])
def test_a_peer_that_fails_at_random_gets_everything_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, *, tells_progress: bool
) -> None:
    # As many batches, so as many throws of the dice, however slowly the disk takes them.
    monkeypatch.setattr(outbox, "OUTBOX_BATCH_SAMPLES", 3)
    peer = FakePeer(random.Random(seed), failing=0.2, tells_progress=tells_progress)

    async def run() -> None:
        async with running(tmp_path / "o.db", peer) as rig:
            for cycle in range(100):
                rig.store.put("run", [report(cycle, 3)])
                await asyncio.sleep(0.001)
            await rig.until_sent(301)

    asyncio.run(run())
    account = peer.account
    assert (account.missing.total, account.received.total) == (0, 300)
    assert account.out_of_order == 0
    assert peer.connections > 1
    if tells_progress:
        assert account.duplicates == 0


def test_a_live_lane_that_fell_behind_leaves_the_old_to_the_backlog(tmp_path: Path) -> None:
    peer = FakePeer(random.Random(0), up=False)

    async def run() -> None:
        async with running(tmp_path / "o.db", peer) as rig:
            for cycle in range(10):
                rig.store.put("run", [report(cycle, 5)])
                await asyncio.sleep(0.005)
            await until(lambda: rig.store.state().head >= 51)
            rig.clocks.monotonic_ns += 3 * 10**9
            peer.up = True
            await rig.until_sent(51)
            assert set(peer.lanes) == {Lane.BACKLOG}
            rig.store.put("run", [report(11, 5)])
            await rig.until_sent(56)
            assert peer.lanes[-1] is Lane.LIVE
            assert rig.uplink.counters.splits == 1
            assert rig.uplink.counters.samples == {Lane.LIVE: 5, Lane.BACKLOG: 50}

    asyncio.run(run())


def test_live_samples_pass_a_backlog_that_its_rate_holds_back(tmp_path: Path) -> None:
    peer = FakePeer(random.Random(0), up=False)

    async def run() -> None:
        async with running(tmp_path / "o.db", peer, rate=100) as rig:
            for cycle in range(20):
                rig.store.put("run", [report(cycle, 100)])
                await asyncio.sleep(0.005)
            await until(lambda: rig.store.state().head >= 2001)
            rig.clocks.monotonic_ns += 3 * 10**9
            peer.up = True
            await until(lambda: Lane.BACKLOG in peer.lanes)
            rig.store.put("run", [report(99, 7)])
            await until(lambda: Lane.LIVE in peer.lanes)
            assert rig.uplink.counters.samples[Lane.BACKLOG] < 2000

    asyncio.run(run())


def test_the_rate_bounds_the_mean_and_saves_up_no_more_than_a_burst() -> None:
    limit = RateLimit(rate=1000, burst_s=0.05)
    now_ns, passed = 0, 0
    while now_ns < 2 * 10**9:
        if limit.wait_s(now_ns) == 0:
            limit.take(limit.burst)
            passed += limit.burst
        now_ns += 10**6
    assert 2000 <= passed <= 2000 + 2 * limit.burst
    now_ns += 10**12
    at_once = 0
    while limit.wait_s(now_ns) == 0:
        limit.take(limit.burst)
        at_once += limit.burst
    assert at_once <= 2 * limit.burst


def test_hops_count_every_sample(tmp_path: Path) -> None:
    peer = FakePeer(random.Random(0))

    async def run() -> None:
        async with running(tmp_path / "o.db", peer) as rig:
            rig.store.put("run", [report(1, 4), report(2, 3)])
            await rig.until_sent(8)
            hops = rig.uplink.counters.hops
            assert {hop: hops[Lane.LIVE, hop].copy().count for hop in
                    ("sent", "acknowledged", "total")} == {
                "sent": 7, "acknowledged": 7, "total": 7,
            }  # fmt: skip
            assert [rig.store.hops[hop].copy().count for hop in rig.store.hops] == [7, 7, 7]

    asyncio.run(run())


class SwallowingPeer(FakePeer):
    """A peer whose library turns a cancellation into an error of its own, as nats-py does."""

    async def send(self, group: Group) -> Awaitable[None]:
        del group
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise UplinkError("too many stalled messages") from None
        raise AssertionError("it was cancelled long ago")


def test_an_uplink_stops_though_a_library_swallows_the_cancellation(tmp_path: Path) -> None:
    peer = SwallowingPeer(random.Random(0))

    async def run() -> None:
        async with asyncio.timeout(10), running(tmp_path / "o.db", peer) as rig:
            rig.store.put("run", [report(1)])
            await until(lambda: rig.store.state().head == 2)
            await asyncio.sleep(0.05)

    asyncio.run(run())


def test_a_peer_that_is_there_and_takes_nothing_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="gateway.cloud")
    peer = FakePeer(random.Random(0), failing=1.0)

    async def run() -> None:
        async with running(tmp_path / "o.db", peer) as rig:
            rig.store.put("run", [report(1)])
            await until(lambda: peer.connections > 4)
            peer.failing = 0.0
            await rig.until_sent(2)

    asyncio.run(run())
    told = [item.getMessage() for item in caplog.records if item.name == "gateway.cloud"]
    assert told == ["uplink a: connected", "uplink a: cut", "uplink a: connected"]


@dataclass
class SittingPeer(FakePeer):
    """A peer that has to be there while there is nothing to send; its readiness takes a while."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    cut: asyncio.Event = field(default_factory=asyncio.Event)

    async def ready(self) -> None:
        await self.open.wait()

    async def ended(self) -> None:
        await self.cut.wait()
        self.cut.clear()
        raise UplinkError("the connection ended")


def test_samples_wait_until_a_peer_with_a_session_is_ready(tmp_path: Path) -> None:
    async def run() -> None:
        peer = SittingPeer(random.Random(0))
        async with asyncio.timeout(30), running(tmp_path / "o.db", peer) as rig:
            rig.store.put("run", [report(1, 3)])
            await until(lambda: rig.store.state().pending.get("a") == 3)
            assert rig.uplink.counters.connections == 0
            assert peer.account.received.total == 0
            peer.open.set()
            await rig.until_sent(4)
            assert rig.uplink.counters.state is UplinkState.UP

    asyncio.run(run())


def test_a_session_that_ends_is_made_anew_though_nothing_waits(tmp_path: Path) -> None:
    async def run() -> None:
        peer = SittingPeer(random.Random(0))
        peer.open.set()
        async with asyncio.timeout(30), running(tmp_path / "o.db", peer) as rig:
            await until(lambda: rig.uplink.counters.connections == 1)
            peer.cut.set()
            await until(lambda: rig.uplink.counters.connections == 2)
            peer.cut.set()
            await until(lambda: rig.uplink.counters.connections == 3)

    asyncio.run(run())
