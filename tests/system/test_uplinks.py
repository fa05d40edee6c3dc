"""Samples reach real brokers and databases, through the gateway's own process."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.support.brokers import Postgres, mosquitto, nats_server, postgres
from tests.support.cloud_plant import PlayedPlant, cloud_project, play_plant
from tests.support.gateway_processes import PATIENCE_S, consumer, gateway, runtime_half
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system
PUBLISH = '[[publish]]\nvariables = ["MAIN.*"]\non = "scan"\n'


@pytest.fixture(autouse=True)
def _images_in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))


def play(plant: PlayedPlant, scans: int) -> None:
    """Publish scans at a pace that the gateway follows."""
    for _ in range(scans // 20):
        plant.scan(20)
        os.sched_yield()


def test_jetstream_has_every_sample_once(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as broker:
        toml = f'[[uplink]]\nname = "nats"\nkind = "jetstream"\nport = {broker.port}\n'
        project = cloud_project(tmp_path / "project", PUBLISH + toml)
        plant = play_plant(project)
        with gateway(tmp_path, "run", str(project.folder)) as running:
            wait_until(lambda: "uplink nats: connected" in running.messages(), 20, "the uplink")
            wait_until(lambda: "9 variables" in running.messages(), 20, "the variables")
            play(plant, 200)
            with consumer(tmp_path, f"nats://127.0.0.1:{broker.port}/TAKT") as receiving:
                wait_until(lambda: receiving.samples() >= 200 * 9, PATIENCE_S, "all samples")
                account = receiving.account()
    assert account == {
        "samples": 1800, "first": 1, "last": 1800, "missing": 0, "gaps": [], "duplicates": 0,
        "out_of_order": 0,
    }  # fmt: skip


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_mqtt_has_every_sample_in_order(tmp_path: Path, version: str) -> None:
    with mosquitto(tmp_path / "mosquitto") as broker:
        toml = (
            f'[[uplink]]\nname = "mqtt"\nkind = "mqtt"\nport = {broker.port}\n'
            f'version = "{version}"\n'
        )
        project = cloud_project(tmp_path / "project", PUBLISH + toml)
        plant = play_plant(project)
        url = f"mqtt://127.0.0.1:{broker.port}/takt/plant"
        with (
            consumer(tmp_path, url) as receiving,
            gateway(tmp_path, "run", str(project.folder)) as running,
        ):
            wait_until(lambda: "uplink mqtt: connected" in running.messages(), 20, "the uplink")
            wait_until(lambda: "9 variables" in running.messages(), 20, "the variables")
            wait_until(lambda: " as takt-cloud" in broker.log(), 20, "the consumer")
            play(plant, 200)
            wait_until(lambda: receiving.samples() >= 200 * 9, PATIENCE_S, "all samples")
            account = receiving.account()
    assert account["missing"] == 0
    assert account["samples"] == 1800
    assert account["out_of_order"] == 0


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


def query(server: Postgres, statement: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(server.url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_postgresql_has_every_sample_with_its_scan(tmp_path: Path, database: Postgres) -> None:
    project_folder = tmp_path / "project"
    project_folder.mkdir()
    secret = project_folder / "secret"
    secret.write_text(database.password + "\n")
    secret.chmod(0o600)
    toml = (
        f'[[uplink]]\nname = "sql"\nkind = "postgresql"\nport = {database.port}\n'
        'user = "takt"\npassword_file = "secret"\ndatabase = "postgres"\ntable = "plain"\n'
    )
    project = cloud_project(project_folder, PUBLISH + toml)
    plant = play_plant(project)
    with gateway(tmp_path, "run", str(project.folder)) as running:
        wait_until(lambda: "uplink sql: connected" in running.messages(), 20, "the uplink")
        wait_until(lambda: "9 variables" in running.messages(), 20, "the variables")
        play(plant, 200)
        count = "SELECT count(*) FROM plain"
        wait_until(lambda: query(database, count) == [(1800,)], PATIENCE_S, "all rows")
        assert running.end() == 0
        assert database.password not in running.messages()
    rows = query(database, "SELECT min(seq), max(seq), count(DISTINCT (stream, seq)) FROM plain")
    assert rows == [(1, 1800, 1800)]
    counts = query(database, "SELECT number = cycle FROM plain WHERE path = 'MAIN.COUNT'")
    assert counts == [(True,)] * 200


def test_a_broker_that_is_away_gets_everything_when_it_returns(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as broker:
        toml = f'[[uplink]]\nname = "nats"\nkind = "jetstream"\nport = {broker.port}\n'
        project = cloud_project(tmp_path / "project", PUBLISH + toml)
        plant = play_plant(project)
        with gateway(tmp_path, "run", str(project.folder)) as running:
            wait_until(lambda: "uplink nats: connected" in running.messages(), 20, "the uplink")
            wait_until(lambda: "9 variables" in running.messages(), 20, "the variables")
            broker.stop(signal.SIGKILL)
            play(plant, 200)
            broker.start()
            play(plant, 200)
            with consumer(tmp_path, f"nats://127.0.0.1:{broker.port}/TAKT") as receiving:
                wait_until(lambda: receiving.samples() >= 400 * 9, PATIENCE_S, "all samples")
                account = receiving.account()
    assert (account["missing"], account["duplicates"], account["samples"]) == (0, 0, 3600)


def test_full_rate_capture_of_a_real_runtime_misses_no_scan(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as broker:
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "main.st").write_text(
            "PROGRAM Main VAR Count : LINT; END_VAR Count := Count + 1; END_PROGRAM\n"
        )
        (folder / "takt.toml").write_text(
            '[project]\nname = "fast"\n[[task]]\nname = "Fast"\ninterval = "1ms"\n'
            'programs = ["Main"]\n[metrics]\nport = 0\n'
            '[[publish]]\nvariables = ["Main.Count"]\non = "scan"\n'
            f'[[uplink]]\nname = "nats"\nkind = "jetstream"\nport = {broker.port}\n'
        )
        with (
            gateway(tmp_path, "run", str(folder)) as running,
            runtime_half(tmp_path, folder),
            consumer(tmp_path, f"nats://127.0.0.1:{broker.port}/TAKT") as receiving,
        ):
            wait_until(lambda: "1 variables" in running.messages(), PATIENCE_S, "the variables")
            wait_until(lambda: receiving.samples() >= 2000, PATIENCE_S, "two seconds of scans")
            receiving.account()
    with closing(sqlite3.connect(receiving.file)) as database:
        rows = list(database.execute("SELECT cycle, number FROM sample ORDER BY seq"))
    cycles = [cycle for cycle, _ in rows]
    assert cycles == list(range(cycles[0], cycles[0] + len(cycles)))
    assert all(cycle == number for cycle, number in rows)
