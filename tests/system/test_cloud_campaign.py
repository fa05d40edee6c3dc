"""Campaigns against the uplinks: brokers that come and go, a gateway that is killed, a full disk.

Whatever happens, in the end each peer has every number of the outbox: exactly once where it is
JetStream, PostgreSQL or an HTTP receiver that keeps its keys, at least once and in order where it
is MQTT or a receiver that keeps none. The counts are printed.
`make campaign` runs more and longer ones (TAKT_CAMPAIGN_SEEDS, TAKT_CAMPAIGN_EVENTS).
"""

import asyncio
import json
import os
import random
import resource
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from tests.support.brokers import Broker, mosquitto, nats_server, postgres
from tests.support.cloud_plant import VALUES, PlayedPlant, cloud_project, play_plant
from tests.support.gateway_processes import Process, consumer, gateway
from tests.support.waiting import wait_until
from tests.support.webhooks import receiver

pytestmark = pytest.mark.system
SEEDS = range(1, 1 + int(os.environ.get("TAKT_CAMPAIGN_SEEDS", "1")))
EVENTS = int(os.environ.get("TAKT_CAMPAIGN_EVENTS", "4"))
PATIENCE_S = 60.0
SETTLE_S = 0.4
"""Time between two events: long enough for a few hundred samples, short enough to overlap."""
QUIET_S = 2.5
"""Time without a write to the outbox after which a gateway has nothing left to do."""
SAMPLING_FIRST = 0.7
"""Chance that an event waits until the gateway takes scans; else it may hit the gateway's start."""
TOML = """
[[publish]]
variables = ["MAIN.*"]
on = "scan"
[[uplink]]
name = "up"
timeout = "1s"
backlog_rate = 20000
"""


@pytest.fixture(autouse=True)
def _images_in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    monkeypatch.delenv("TAKT_STATE", raising=False)


@dataclass
class Scene:
    """A plant, a gateway that may be killed at any moment, and its broker."""

    folder: Path
    project: Path
    broker: Broker
    dice: random.Random
    hard: bool
    """Whether the broker keeps what it acknowledged when it is killed."""
    running: Process | None = None
    _logged: int = 0
    """Characters that gateways before the present one logged."""
    _stack: ExitStack = field(default_factory=ExitStack)

    def start_gateway(self) -> None:
        log = self.folder / "run.log"
        self._logged = len(log.read_text()) if log.exists() else 0
        self._stack = ExitStack()
        self.running = self._stack.enter_context(gateway(self.folder, "run", str(self.project)))

    def end_gateway(self, number: signal.Signals) -> None:
        assert self.running is not None
        self.running.end(number)
        self._stack.close()

    def kill_gateway(self) -> None:
        self.end_gateway(signal.SIGKILL)
        self.start_gateway()

    def restart_gateway(self) -> None:
        self.end_gateway(signal.SIGTERM)
        self.start_gateway()

    def restart_broker(self) -> None:
        self.broker.stop(signal.SIGKILL if self.hard else signal.SIGTERM)
        self.pause()
        self.broker.start()

    def freeze_broker(self) -> None:
        self.broker.freeze()
        time.sleep(1.5)  # longer than the uplink's timeout
        self.broker.thaw()

    def fill_disk(self) -> None:
        assert self.running is not None
        pid = self.running.process.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        self.pause()
        resource.prlimit(
            pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        )

    def pause(self) -> None:
        time.sleep(self.dice.random() * SETTLE_S)

    @property
    def head(self) -> int:
        """Number that the next sample would get; the gateway has ended."""
        with closing(sqlite3.connect(self.project / "outbox.db")) as database:
            value: int = database.execute("SELECT value FROM meta WHERE key = 'head'").fetchone()[0]
            return value

    @property
    def losses(self) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.project / "outbox.db")) as database:
            return list(database.execute("SELECT * FROM loss"))

    def owed(self) -> int:
        """Return how many batches are left; the gateway has ended."""
        with closing(sqlite3.connect(self.project / "outbox.db")) as database:
            count: int = database.execute("SELECT count(*) FROM batch").fetchone()[0]
            return count

    def campaign(self, plant: PlayedPlant) -> None:
        """Let one thing happen after the other while the plant scans."""
        events: list[Callable[[], None]] = [
            self.kill_gateway, self.restart_broker, self.fill_disk, self.freeze_broker,
            self.restart_gateway, self.kill_gateway,
        ]  # fmt: skip
        self.start_gateway()
        with scanning(plant):
            for number in range(EVENTS):
                if self.dice.random() < SAMPLING_FIRST:
                    self.await_sampling()
                event = events[number] if number < len(events) else self.dice.choice(events)
                self.pause()
                event()
            self.await_sampling()
            self.pause()

    def await_sampling(self) -> None:
        """Wait until the present gateway takes scans."""
        text = f"publish: {1 + VALUES} variables"
        wait_until(lambda: text in self.said(), PATIENCE_S, "a gateway that samples")

    def said(self) -> str:
        """Return what the present gateway has logged."""
        return (self.folder / "run.log").read_text()[self._logged :]

    def settle(self) -> None:
        """Let the gateway send what it owes, and end it."""
        for _ in range(10):
            wait_until(self._idle, PATIENCE_S, "the gateway to be idle")
            self.end_gateway(signal.SIGTERM)
            if self.owed() == 0:
                return
            self.start_gateway()
        raise AssertionError(f"{self.owed()} batches are still owed")

    def _idle(self) -> bool:
        assert self.running is not None
        assert self.running.process.poll() is None, self.said()
        log = self.project / "outbox.db-wal"
        quiet_s = time.time() - log.stat().st_mtime if log.exists() else QUIET_S + 1
        return "uplink up: connected" in self.said() and quiet_s > QUIET_S


@contextmanager
def scanning(plant: PlayedPlant) -> Iterator[None]:
    """Publish a frame every few milliseconds to the end of the block."""
    ended = threading.Event()

    def scan() -> None:
        while not ended.wait(0.004):
            plant.scan()

    thread = threading.Thread(target=scan)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def scene(folder: Path, broker: Broker, toml: str, seed: int, *, hard: bool) -> Scene:
    project = cloud_project(folder / "project", TOML + toml)
    return Scene(folder, project.folder, broker, random.Random(seed), hard)


def tell(kind: str, seed: int, found: object) -> None:
    sys.stdout.write(f"campaign {kind}, seed {seed}, {EVENTS} events: {json.dumps(found)}\n")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(600)
def test_jetstream_has_every_number_exactly_once(tmp_path: Path, seed: int) -> None:
    with nats_server(tmp_path / "nats") as broker:
        toml = f'kind = "jetstream"\nport = {broker.port}\n'
        stage = scene(tmp_path, broker, toml, seed, hard=True)
        plant = play_plant(cloud_project(stage.project, TOML + toml))
        stage.campaign(plant)
        stage.settle()
        head = stage.head
        with consumer(tmp_path, f"nats://127.0.0.1:{broker.port}/TAKT") as receiving:
            wait_until(lambda: receiving.samples() >= head - 1, PATIENCE_S, "all samples")
            account = receiving.account()
    tell("jetstream", seed, account)
    assert head > 1
    assert stage.losses == []
    assert account == {
        "samples": head - 1, "first": 1, "last": head - 1, "missing": 0, "gaps": [],
        "duplicates": 0, "out_of_order": 0,
    }  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(600)
def test_mqtt_has_every_number_in_order(tmp_path: Path, seed: int) -> None:
    with mosquitto(tmp_path / "mosquitto") as broker:
        toml = f'kind = "mqtt"\nport = {broker.port}\n'
        stage = scene(tmp_path, broker, toml, seed, hard=False)
        plant = play_plant(cloud_project(stage.project, TOML + toml))
        with consumer(tmp_path, f"mqtt://127.0.0.1:{broker.port}/takt/#") as receiving:
            wait_until(lambda: " as takt-cloud" in broker.log(), 20, "the consumer")
            stage.campaign(plant)
            stage.settle()
            head = stage.head
            wait_until(lambda: receiving.samples() >= head - 1, PATIENCE_S, "all samples")
            account = receiving.account()
    tell("mqtt", seed, account)
    assert head > 1
    assert stage.losses == []
    assert (account["samples"], account["missing"], account["last"]) == (head - 1, 0, head - 1)
    assert account["out_of_order"] == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(600)
def test_postgresql_has_every_number_exactly_once(tmp_path: Path, seed: int) -> None:
    with postgres() as server:
        (tmp_path / "project").mkdir()
        secret = tmp_path / "project" / "secret"
        secret.write_text(server.password)
        secret.chmod(0o600)
        toml = (
            f'kind = "postgresql"\nport = {server.port}\nuser = "takt"\n'
            'password_file = "secret"\ndatabase = "postgres"\n'
        )
        stage = scene(tmp_path, server.broker, toml, seed, hard=True)
        plant = play_plant(cloud_project(stage.project, TOML + toml))
        stage.campaign(plant)
        stage.settle()

        async def ask() -> tuple[int, int, int, int]:
            connection = await asyncpg.connect(server.url)
            row = await connection.fetchrow(
                "SELECT count(*), count(DISTINCT seq), min(seq), max(seq) FROM takt_sample"
            )
            await connection.close()
            assert row is not None
            return tuple(row)

        found = asyncio.run(ask())
    tell("postgresql", seed, found)
    last = stage.head - 1
    assert stage.losses == []
    assert found == (last, last, 1, last)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(600)
def test_http_has_every_number_in_order_and_by_its_keys_exactly_once(
    tmp_path: Path, seed: int
) -> None:
    with receiver(tmp_path / "receiver") as up:
        toml = f'kind = "http"\nurl = "{up.url}"\nformat = "json"\n'
        stage = scene(tmp_path, up.broker, toml, seed, hard=True)
        plant = play_plant(cloud_project(stage.project, TOML + toml))
        stage.campaign(plant)
        stage.settle()
        account, once = up.account(), up.account(by_key=True)
    tell("http", seed, account.as_json())
    head = stage.head
    assert head > 1
    assert stage.losses == []
    assert account.received.ranges == ((1, head),)
    assert account.out_of_order == 0
    assert once.duplicates == 0
