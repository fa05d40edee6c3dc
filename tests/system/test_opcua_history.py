"""The past outlives the OPC UA server, whatever ends it; asyncua and node-opcua read it."""

import asyncio
import datetime as dt
import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncua import Client

from runtime.datatypes.elementary import ELEMENTARY
from tests.support.opcua_image import PlayedProgram, playing
from tests.support.opcua_peers import PATIENCE_S, TaktServer, node_client, takt_server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

SECTION = """security = ["None"]
anonymous = true
history = ["MAIN.COUNT"]
history_interval = "10ms"
history_samples = 8
history_age = "1h"
"""
COUNT = "ns=2;s=MAIN.COUNT"


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedProgram]:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    monkeypatch.delenv("TAKT_STATE", raising=False)
    program = PlayedProgram("past", {"MAIN.COUNT": ELEMENTARY["DINT"]})
    program.scan()
    with playing(program):
        yield program


async def kept(client: Client, since: dt.datetime) -> list[int]:
    rows = await client.get_node(COUNT).read_raw_history(since)
    values = [row.Value.Value for row in rows if row.Value is not None]
    return [int(value) for value in values if value is not None]  # None: nothing at the bound


async def scan_until_kept(
    plant: PlayedProgram, server: TaktServer, since: dt.datetime, counts: range
) -> list[int]:
    """Let the counter take each value until the history has it; return the history."""
    async with Client(server.endpoint) as client:
        found = await kept(client, since)
        for count in counts:
            plant.set("MAIN.COUNT", count)
            plant.scan()
            async with asyncio.timeout(PATIENCE_S):
                while not found or found[-1] != count:
                    await asyncio.sleep(0.01)
                    found = await kept(client, since)
        return found


def test_history_goes_on_after_an_orderly_end_and_stays_bounded(
    plant: PlayedProgram, tmp_path: Path
) -> None:
    since = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    folder = tmp_path / "project"
    folder.mkdir()
    with takt_server(folder, "past", SECTION) as server:
        before = asyncio.run(scan_until_kept(plant, server, since, range(1, 6)))
        assert before == [0, 1, 2, 3, 4, 5]
        assert server.end() == 0
    plant.scan()
    with takt_server(folder, "past", SECTION) as server:
        after = asyncio.run(scan_until_kept(plant, server, since, range(6, 7)))
        assert after == [0, 1, 2, 3, 4, 5, 5, 6], "the first one of each start is kept"
        after = asyncio.run(scan_until_kept(plant, server, since, range(7, 9)))
        assert after == [2, 3, 4, 5, 5, 6, 7, 8], "the oldest go"
        assert server.end() == 0
    plant.scan()
    with takt_server(folder, "past", SECTION) as server:
        now = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
        wanted = {"node": COUNT, "start": since.isoformat(), "end": now.isoformat()}
        (found,) = node_client(tmp_path, server.endpoint, {"history": wanted})["results"]
    rows = [row for row in found["values"] if row["value"] is not None]  # but for the bound
    values = [row["value"] for row in rows]
    # Where the machine is so busy that the played heart misses a second, a value stands once more.
    told = [value for value, _ in itertools.groupby(values)]
    assert told == list(range(told[0], 9)), "the newest ones, none left out"
    assert (len(values), values[-2:]) == (8, [8, 8]), "bounded; the first of this start is kept"
    times = [dt.datetime.fromisoformat(row["source"]) for row in rows]
    assert times == sorted(set(times))


def test_a_server_that_is_killed_has_lost_nothing_that_was_written(
    plant: PlayedProgram, tmp_path: Path
) -> None:
    since = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    folder = tmp_path / "project"
    folder.mkdir()
    log, last = folder / "history.db-wal", 1_000_002
    with takt_server(folder, "past", SECTION) as server:
        before = asyncio.run(scan_until_kept(plant, server, since, range(1_000_000, last + 1)))
        wait_until(lambda: last.to_bytes(4, "little") in log.read_bytes(), PATIENCE_S, "it on disk")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(PATIENCE_S)
    plant.scan()
    with takt_server(folder, "past", SECTION) as server:
        after = asyncio.run(scan_until_kept(plant, server, since, range(6, 7)))
    assert before == [0, 1_000_000, 1_000_001, last]
    assert after == [*before, last, 6]


def test_a_damaged_history_is_set_aside_and_the_server_serves_on(
    plant: PlayedProgram, tmp_path: Path
) -> None:
    since = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "history.db").write_bytes(b"not a database" * 300)
    with takt_server(folder, "past", SECTION) as server:
        assert asyncio.run(scan_until_kept(plant, server, since, range(1, 3))) == [0, 1, 2]
        said = [item["message"] for item in server.records() if item["level"] == "error"]
        assert len(said) == 1
        assert "set aside as history.db.damaged-1" in said[0]
    assert (folder / "history.db.damaged-1").is_file()
