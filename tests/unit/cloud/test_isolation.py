"""A fault of ours in one uplink: it begins anew, and nothing else notices."""

import asyncio
import logging
import random
from collections.abc import Awaitable
from pathlib import Path

import pytest

from gateway.cloud import isolation
from gateway.cloud.isolation import isolate
from gateway.cloud.mqtt import MqttPeer
from gateway.cloud.station import Station
from gateway.cloud.uplink import Uplink, UplinkSettings
from gateway.store.counters import UplinkCounters
from gateway.store.lanes import Group
from gateway.store.queue import Store
from tests.support.cloud_plant import cloud_project
from tests.support.fake_peer import FakePeer
from tests.support.samples import ROOMY, StandingClocks, report, until


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "FAULT_WAIT_FIRST_S", 0.001)
    monkeypatch.setattr(isolation, "FAULT_WAIT_MAX_S", 0.002)


class FaultyPeer(FakePeer):
    """A peer whose code has a fault that shows in its first sends."""

    faults: int = 3

    async def send(self, group: Group) -> Awaitable[None]:
        if self.faults:
            self.faults -= 1
            raise ZeroDivisionError("a fault of ours")
        return await super().send(group)


def test_an_uplink_with_a_fault_begins_anew_and_the_other_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    peers = {"sound": FakePeer(random.Random(0)), "faulty": FaultyPeer(random.Random(0))}

    async def run() -> None:
        clocks = StandingClocks()
        store = Store(
            tmp_path / "o.db", ROOMY, clocks.clocks(), list(peers), project="plant", linger_s=0
        )
        uplinks = [
            Uplink(UplinkSettings(name, 10**9, 5.0), peer, store, lambda: clocks.monotonic_ns)
            for name, peer in peers.items()
        ]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(store.run())]
            tasks += [
                group.create_task(isolate(item.name, item.run, item.counters)) for item in uplinks
            ]
            for cycle in range(20):
                store.put("run", [report(cycle, 3)])
            await until(
                lambda: store.state().head == 61 and not any(store.state().pending.values())
            )
            for task in tasks:
                task.cancel()
        assert [item.counters.faults for item in uplinks] == [0, 3]

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    for peer in peers.values():
        assert (peer.account.missing.total, peer.account.received.total) == (0, 60)
        assert peer.account.duplicates == 0
    assert peers["sound"].connections == 1
    assert "ZeroDivisionError: a fault of ours at " in caplog.text
    assert "Traceback" not in caplog.text


def test_waits_grow_from_fault_to_fault_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(isolation, "FAULT_WAIT_MAX_S", 0.004)
    counters = UplinkCounters()

    async def fail() -> None:
        raise KeyError("lane")

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(isolate("up", fail, counters))
            await until(lambda: counters.faults >= 5)
            task.cancel()

    asyncio.run(run())
    waits = [text.rpartition(" in ")[2] for text in caplog.messages[:5]]
    assert waits == ["0.001 s", "0.002 s", "0.004 s", "0.004 s", "0.004 s"]


def test_a_station_outlives_a_fault_in_an_uplink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(_: MqttPeer) -> None:
        raise AttributeError("no such thing")

    monkeypatch.setattr(MqttPeer, "connect", connect)
    project = cloud_project(tmp_path / "project", '[[uplink]]\nname = "up"\nkind = "mqtt"\n')

    async def run() -> None:
        station = Station(project, lambda: None)
        async with asyncio.TaskGroup() as group:
            station.start(group)
            await until(lambda: station.view().uplinks["up"].faults >= 2)
            await station.stop()

    asyncio.run(run())
