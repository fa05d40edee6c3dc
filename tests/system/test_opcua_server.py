"""The OPC UA server against clients that nobody here wrote: node-opcua and asyncua."""

import asyncio
import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua

from gateway.tags import device_maps, node_channels
from runtime.datatypes.derived import Array, DataType, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.scalars import enumeration
from runtime.datatypes.texts import text_type
from runtime.image.layout import Mode
from tests.support.modbus_image import write_project
from tests.support.opcua_image import PlayedProgram, playing
from tests.support.opcua_peers import TaktServer, node_client, takt_server
from tests.support.runtime_process import ROOT

pytestmark = pytest.mark.system

REAL, INT, BOOL = ELEMENTARY["REAL"], ELEMENTARY["INT"], ELEMENTARY["BOOL"]
MOTOR = Structure("Motor", (Field("SPEED", 0, REAL), Field("ON", 4, BOOL)), 8, 4)
MODE = enumeration("Mode", INT, (("IDLE", 0), ("RUN", 1)))
VARIABLES: dict[str, DataType] = {
    "MAIN.LEVEL": REAL,
    "MAIN.COUNT": ELEMENTARY["DINT"],
    "MAIN.FLAG": BOOL,
    "MAIN.DELAY": ELEMENTARY["TIME"],
    "MAIN.DAY": ELEMENTARY["DATE"],
    "MAIN.NAME": text_type("STRING", 20),
    "MAIN.MODE": MODE,
    "MAIN.TABLE": Array(((1, 4),), INT),
    "MAIN.MOTOR": MOTOR,
    "MAIN.PUMPS": Array(((0, 1),), MOTOR),
    "TOTAL": ELEMENTARY["ULINT"],
}
SECTION = """security = ["None"]
anonymous = true
write = ["MAIN.LEVEL"]
history = ["MAIN.COUNT"]
history_interval = "10ms"
"""


def node(path: str) -> str:
    return f"ns=2;s={path}"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedProgram]:
    folder = tmp_path_factory.mktemp("opcua-image")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAKT_IMAGE_DIR", str(folder))
        program = PlayedProgram("served", VARIABLES)
        program.set("MAIN.LEVEL", 12.5)
        program.set("MAIN.COUNT", -7)
        program.set("MAIN.FLAG", value=True)
        program.set("MAIN.DELAY", 1_500_000_000)
        program.set("MAIN.DAY", 86_400 * 10**9)
        program.set("MAIN.NAME", "Grüße")
        program.set("MAIN.MODE", 1)
        program.set("MAIN.TABLE#2", 33)
        program.set("TOTAL", 2**63)
        program.scan()
        with playing(program):
            yield program


@pytest.fixture(scope="module")
def server(plant: PlayedProgram, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaktServer]:
    del plant
    with takt_server(tmp_path_factory.mktemp("served"), "served", SECTION) as running:
        yield running


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all of node-opcua's clients: a key takes seconds to make."""
    return tmp_path_factory.mktemp("node-certificates")


def test_node_opcua_reads_every_kind_of_value(server: TaktServer, certificates: Path) -> None:
    paths = ("LEVEL", "COUNT", "FLAG", "DELAY", "DAY", "NAME", "MODE", "TABLE", "TABLE[3]")
    nodes = [node(f"MAIN.{path}") for path in paths]
    nodes += [node("MAIN.MOTOR.ON"), node("MAIN.PUMPS[1].SPEED"), node("TOTAL"), node("NOTHING")]
    (rows,) = node_client(certificates, server.endpoint, {"read": nodes})["results"]
    found = [(row["type"], row["value"], row["status"]) for row in rows]
    assert found == [
        ("Float", 12.5, "Good"),
        ("Int32", -7, "Good"),
        ("Boolean", True, "Good"),
        ("Double", 1500, "Good"),
        ("DateTime", "1970-01-02T00:00:00.000Z", "Good"),
        ("String", "Grüße", "Good"),
        ("Int32", 1, "Good"),
        ("Int16", [0, 0, 33, 0], "Good"),
        ("Int16", 33, "Good"),
        ("Boolean", False, "Good"),
        ("Float", 0, "Good"),
        ("UInt64", [2**31, 0], "Good"),
        ("Null", None, "BadNodeIdUnknown"),
    ]


def test_node_opcua_browses_the_plcopen_hierarchy(server: TaktServer, certificates: Path) -> None:
    steps = [
        {"browse": "ns=3;i=5001"},
        {"browse": node("Resource")},
        {"browse": node("Resource/Programs")},
        {"browse": node("MAIN")},
        {"browse": node("MAIN.PUMPS[1]")},
        {"browse": node("MAIN.TABLE")},
        {"browse": node("Resource/GlobalVars")},
    ]
    found = node_client(certificates, server.endpoint, *steps)["results"]
    names = [[item["name"] for item in result] for result in found]
    assert names[0] == ["served"]
    assert found[0][0]["type"] == "ns=4;i=1001"
    assert {"MethodSet", "Tasks", "Programs", "GlobalVars"} <= set(names[1])
    assert (names[2], found[2][0]["type"]) == (["MAIN"], "ns=4;i=1004")
    assert names[3] == [path.removeprefix("MAIN.") for path in VARIABLES if "." in path]
    assert names[4] == ["SPEED", "ON"]
    assert names[5] == ["[1]", "[2]", "[3]", "[4]"]
    assert names[6] == ["TOTAL"]


def test_a_write_without_the_right_to_it_is_refused(server: TaktServer, certificates: Path) -> None:
    values = [
        {"node": node("MAIN.LEVEL"), "type": "Float", "value": 1},
        {"node": node("MAIN.COUNT"), "type": "Int32", "value": 1},
    ]
    stop = [node("Resource/MethodSet"), node("Resource/MethodSet/Stop")]
    written, called = node_client(certificates, server.endpoint, {"write": values}, {"call": stop})[
        "results"
    ]
    assert written == ["BadUserAccessDenied", "BadNotWritable"]
    assert called == "BadUserAccessDenied"


def test_node_opcua_is_told_changes_with_the_time_of_the_scan(
    plant: PlayedProgram, server: TaktServer, certificates: Path
) -> None:
    async def scans() -> Any:
        wanted = {"nodes": [node("MAIN.COUNT"), node("MAIN.NAME")], "sampling": 20}
        wanted |= {"publishing": 50, "seconds": 1.5}
        client = asyncio.to_thread(node_client, certificates, server.endpoint, {"monitor": wanted})
        async with asyncio.TaskGroup() as group:
            report = group.create_task(client)
            for count in range(10_000):
                if report.done():
                    break
                plant.set("MAIN.COUNT", count)
                plant.scan()
                await asyncio.sleep(0.02)
        return report.result()["results"][0]

    changes = asyncio.run(scans())
    counts = [row["value"] for row in changes[node("MAIN.COUNT")]]
    assert len(counts) > 10
    assert counts == sorted(set(counts))
    times = [dt.datetime.fromisoformat(row["source"]) for row in changes[node("MAIN.COUNT")]]
    per_scan = (times[-1] - times[0]) / (counts[-1] - counts[0])
    assert dt.timedelta(milliseconds=15) < per_scan < dt.timedelta(milliseconds=100)
    assert [row["value"] for row in changes[node("MAIN.NAME")]] == ["Grüße"]


def test_history_gives_what_was_scanned(plant: PlayedProgram, server: TaktServer) -> None:
    before = dt.datetime.now(dt.UTC)

    async def scans() -> list[int]:
        async with Client(server.endpoint) as client:
            found: list[int] = []
            for count in range(1000, 1100):
                plant.set("MAIN.COUNT", count)
                plant.scan()
                await asyncio.sleep(0.02)
                past = await client.get_node(node("MAIN.COUNT")).read_raw_history(before)
                found = [int(row.Value.Value) for row in past if row.Value is not None]
                if len([item for item in found if item >= 1000]) > 5:
                    break
            return [item for item in found if item >= 1000]

    found = asyncio.run(scans())
    assert len(found) > 5
    assert found == sorted(found)


def test_asyncua_reads_a_part_of_an_array(server: TaktServer) -> None:
    async def read() -> ua.DataValue:
        async with Client(server.endpoint) as client:
            item = ua.ReadValueId(ua.NodeId("MAIN.TABLE", 2), ua.AttributeIds.Value, "1:2")
            parameters = ua.ReadParameters(NodesToRead=[item])
            return (await client.uaclient.read(parameters))[0]

    assert asyncio.run(read()).Value.Value == [0, 33]


def test_values_are_uncertain_while_the_runtime_is_silent(
    plant: PlayedProgram, server: TaktServer
) -> None:
    async def statuses(good: bool) -> None:  # noqa: FBT001
        async with Client(server.endpoint) as client:
            for _ in range(500):
                value = await client.get_node(node("MAIN.LEVEL")).read_data_value(
                    raise_on_bad_status=False
                )
                if value.StatusCode.is_good() == good:
                    return
                await asyncio.sleep(0.02)
            pytest.fail(f"the status stayed {value.StatusCode.name}")

    plant.beating = False
    asyncio.run(statuses(good=False))
    plant.beating = True
    asyncio.run(statuses(good=True))
    plant.image.mode = Mode.FAULTED
    asyncio.run(statuses(good=False))
    plant.image.mode = Mode.RUNNING
    asyncio.run(statuses(good=True))


def test_a_scan_prints_an_address_map_that_a_project_can_take(
    server: TaktServer, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "gateway", "scan", "opcua", server.endpoint]
    done = subprocess.run(
        [*command, "--security", "None", "--name", "plc", "--pki", str(tmp_path / "pki")],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "# Takt served" in done.stdout
    assert "# MAIN.NAME" not in done.stdout
    assert "Priority" not in done.stdout, "properties are no channels"
    project = write_project(tmp_path / "project", done.stdout)
    (device,) = device_maps(project)
    nodes = {item.node: (item.width, item.type_name) for item in node_channels(device.inputs)}
    assert nodes[node("MAIN.LEVEL")] == (32, "float32")
    assert nodes[node("MAIN.TABLE[3]")] == (16, "int16")
    assert nodes[node("MAIN.FLAG")] == (1, "bool")
    assert nodes[node("TOTAL")] == (64, "uint64")


def test_a_scan_of_nothing_ends_with_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "scan", "opcua", "opc.tcp://127.0.0.1:1", "--pki",
         str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.startswith("error: opc.tcp://127.0.0.1:1")
    assert len(done.stderr.splitlines()) == 1
