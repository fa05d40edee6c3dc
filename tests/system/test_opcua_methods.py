"""Start, Stop and Restart by OPC UA clients: a real runtime obeys engineers, and nobody else."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.ua.uaerrors import UaError

from runtime.image.layout import Mode
from tests.support.newest import newest_outputs
from tests.support.opcua_peers import TaktServer, node_client
from tests.support.opcua_plant import Plant, running_plant

pytestmark = pytest.mark.system

PHRASE = "correct horse"
SOURCE = """
PROGRAM Main
VAR N : DINT; Q AT %QD0 : DINT; END_VAR VAR RETAIN R : DINT; END_VAR
N := N + 1; R := R + 1; Q := 7;
END_PROGRAM
"""
SECTION = """security = ["None"]
anonymous = true
[[opcua.user]]
name = "bob"
role = "operator"
password_env = "TAKT_TEST_SECRET"
[[opcua.user]]
name = "eve"
role = "engineer"
password_env = "TAKT_TEST_SECRET"
"""
METHODS = "ns=2;s=Resource/MethodSet"


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    monkeypatch.setenv("TAKT_TEST_SECRET", PHRASE)
    monkeypatch.delenv("TAKT_STATE", raising=False)
    with running_plant(tmp_path / "project", SOURCE, SECTION) as found:
        yield found


def audit(plant: Plant) -> list[tuple[str, ...]]:
    """Return user, order, kind of restart and outcome of what the audit log holds."""
    file = plant.folder / "outbox.commands.jsonl"
    if not file.exists():
        return []
    assert file.stat().st_mode & 0o777 == 0o600
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert all(record["source"] == "opcua" and record["time"] for record in records)
    keys = ("user", "order", "kind", "outcome")
    return [tuple(record[key] for key in keys if key in record) for record in records]


def client_of(server: TaktServer, user: str | None) -> Client:
    client = Client(server.endpoint)
    if user is not None:
        client.set_user(user)
        client.set_password(PHRASE)
    return client


async def outcome(client: Client, method: str, *arguments: object) -> str:
    """Call a method; return the name of its status."""
    node = client.get_node(METHODS)
    try:
        await node.call_method(client.get_node(f"{METHODS}/{method}").nodeid, *arguments)
    except UaError as error:
        return type(error).__name__
    return "Good"


def test_an_engineer_stops_and_starts_and_each_order_is_in_the_audit_log(plant: Plant) -> None:
    async def scenario(server: TaktServer) -> None:
        async with client_of(server, "eve") as client:
            count = client.get_node("ns=2;s=MAIN.N")
            assert await outcome(client, "Start") == "BadInvalidState"
            assert await outcome(client, "Stop") == "Good"
            assert plant.image.mode is Mode.STOPPED
            assert newest_outputs(plant.image).safe
            value = await count.read_data_value(raise_on_bad_status=False)
            assert value.Value is not None
            assert value.StatusCode.name == "UncertainNoCommunicationLastUsableValue"
            assert await outcome(client, "Stop") == "BadInvalidState"
            assert await outcome(client, "Start") == "Good"
            plant.await_mode(Mode.RUNNING)
            assert await count.read_value() >= value.Value.Value

    with plant.served() as server:
        asyncio.run(scenario(server))
    assert audit(plant) == [
        ("eve", "start", "refused"),
        ("eve", "stop", "asked"),
        ("eve", "stop", "done"),
        ("eve", "stop", "refused"),
        ("eve", "start", "asked"),
        ("eve", "start", "done"),
    ]


def test_node_opcua_restarts_warm_so_that_only_what_is_retained_stays(
    plant: Plant, tmp_path: Path
) -> None:
    def restart(kind: str) -> dict[str, object]:
        return {"call": [METHODS, f"{METHODS}/Restart", kind]}

    values = {"read": ["ns=2;s=MAIN.N", "ns=2;s=MAIN.R"]}
    steps = ({"browse": METHODS}, values, {"call": [METHODS, f"{METHODS}/Stop"]}, values)
    with plant.served() as server:
        login = {"user": "eve", "password": PHRASE}
        found = node_client(
            tmp_path, server.endpoint, *steps, restart("warm"), values, restart("red"), **login
        )["results"]
    assert [item["name"] for item in found[0]] == ["Start", "Stop", "Restart"]
    assert (found[2], found[4], found[6]) == ("Good", "Good", "BadInvalidArgument")
    (first, _), (stood, kept), (again, after) = (
        [row["value"] for row in rows] for rows in (found[1], found[3], found[5])
    )
    assert 0 < first <= stood == kept <= after
    assert again == after - kept, "both have counted the scans since, the one from nothing"
    assert audit(plant)[-2:] == [
        ("eve", "restart", "warm", "asked"), ("eve", "restart", "warm", "done"),
    ]  # fmt: skip


@pytest.mark.parametrize("user", [None, "bob"])
def test_who_is_no_engineer_is_denied_and_sees_it_before(plant: Plant, user: str | None) -> None:
    async def scenario(server: TaktServer) -> None:
        async with client_of(server, user) as client:
            rights = [ua.AttributeIds.Executable, ua.AttributeIds.UserExecutable]
            stop = client.get_node(f"{METHODS}/Stop")
            found = [(await stop.read_attribute(item)).Value.Value for item in rights]
            assert found == [True, False]
            assert await outcome(client, "Stop") == "BadUserAccessDenied"
            assert await outcome(client, "Restart", "cold") == "BadUserAccessDenied"

    with plant.served() as server:
        asyncio.run(scenario(server))
        said = [item for item in server.records() if "expected an engineer" in item["message"]]
        assert [item["user"] for item in said] == [user or "anonymous"] * 2
    assert plant.image.mode is Mode.RUNNING
    assert audit(plant) == []


def test_a_call_with_wrong_arguments_or_of_another_object_does_nothing(plant: Plant) -> None:
    async def scenario(server: TaktServer) -> None:
        async with client_of(server, "eve") as client:
            assert await outcome(client, "Restart") == "BadArgumentsMissing"
            assert await outcome(client, "Restart", "hot", "hot") == "BadTooManyArguments"
            assert await outcome(client, "Restart", 1) == "BadInvalidArgument"
            assert await outcome(client, "Stop", "now") == "BadTooManyArguments"
            main = client.get_node("ns=2;s=MAIN")
            with pytest.raises(UaError, match="BadMethodInvalid"):
                await main.call_method(client.get_node(f"{METHODS}/Stop").nodeid)

    with plant.served() as server:
        asyncio.run(scenario(server))
    assert plant.image.mode is Mode.RUNNING
    assert audit(plant) == []


def test_an_order_to_a_runtime_that_is_gone_is_refused_with_its_reason(plant: Plant) -> None:
    async def scenario(server: TaktServer) -> None:
        async with client_of(server, "eve") as client:
            plant.runtime.send_signal(signal.SIGKILL)
            plant.runtime.wait(10)
            assert await outcome(client, "Stop") == "BadInvalidState"

    with plant.served() as server:
        asyncio.run(scenario(server))
    assert audit(plant) == [("eve", "stop", "asked"), ("eve", "stop", "refused")]


def test_what_the_audit_log_cannot_take_is_not_done(plant: Plant) -> None:
    async def scenario(server: TaktServer) -> None:
        async with client_of(server, "eve") as client:
            assert await outcome(client, "Stop") == "BadResourceUnavailable"

    (plant.folder / "outbox.commands.jsonl").mkdir()
    with plant.served() as server:
        asyncio.run(scenario(server))
    assert plant.image.mode is Mode.RUNNING
