"""A compiled program by PLCopen's model: sections, block types, tasks; constants stay."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncua import Client, Node, ua
from asyncua.ua.uaerrors import UaError

from tests.support.opcua_peers import TaktServer, node_client
from tests.support.opcua_plant import running_plant

pytestmark = pytest.mark.system

SOURCE = """
TYPE Settings : STRUCT Gain : REAL; END_STRUCT END_TYPE
VAR_GLOBAL Total : DINT; END_VAR
VAR_GLOBAL CONSTANT Most : INT := 9; END_VAR
FUNCTION_BLOCK Base VAR_INPUT Enable : BOOL; END_VAR END_FUNCTION_BLOCK
FUNCTION_BLOCK Motor EXTENDS Base
VAR_INPUT Speed : REAL; END_VAR VAR_OUTPUT Ready : BOOL; END_VAR VAR_IN_OUT Count : INT; END_VAR
VAR_EXTERNAL Total : DINT; END_VAR
VAR Setup : Settings; Delay : TON; END_VAR VAR CONSTANT Top : REAL := 50.0; END_VAR
Delay(IN := Enable, PT := T#1s); Count := Count + 1; Total := Total + 1;
END_FUNCTION_BLOCK
PROGRAM Main
VAR_INPUT Wish : REAL; END_VAR VAR_OUTPUT Done : BOOL; END_VAR
VAR Drive : Motor; Drives : ARRAY [1..2] OF Motor; N : INT; END_VAR
VAR CONSTANT Fixed : INT := 3; END_VAR
Drive(Enable := TRUE, Speed := Wish, Count := N);
END_PROGRAM
"""
SECTION = """security = ["None"]
anonymous = true
write = ["*"]
[[opcua.user]]
name = "bob"
role = "operator"
password_env = "TAKT_TEST_SECRET"
"""
PHRASE = "correct horse"
INPUT, OUTPUT, IN_OUT, LOCAL, EXTERNAL, WITH = (f"ns=4;i={number}" for number in range(4001, 4007))
COMPONENT = "ns=0;i=47"


def node(path: str) -> str:
    return f"ns=2;s={path}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaktServer]:
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAKT_IMAGE_DIR", str(folder))
        patch.setenv("TAKT_TEST_SECRET", PHRASE)
        with (
            running_plant(folder / "project", SOURCE, SECTION) as plant,
            plant.served() as running,
        ):
            yield running


def test_node_opcua_finds_each_variable_by_the_section_that_declares_it(
    server: TaktServer, tmp_path: Path
) -> None:
    paths = ("Resource/Programs", "MAIN", "MAIN.DRIVE", "MAIN.DRIVES[2]", "MAIN.DRIVE.SETUP")
    steps = [{"browse": node(path)} for path in (*paths, "Types/Motor")]
    found = node_client(tmp_path, server.endpoint, *steps)["results"]
    programs, main, drive, second, setup, kind = (
        {item["name"]: (item["reference"], item["type"]) for item in rows} for rows in found
    )
    assert programs == {"MAIN": (COMPONENT, node("Types/Main"))}
    value, timer = "ns=0;i=63", node("Types/TON")
    assert main == {
        "WISH": (INPUT, value), "DONE": (OUTPUT, value), "DRIVE": (LOCAL, node("Types/Motor")),
        "DRIVES": (LOCAL, "ns=0;i=58"), "N": (LOCAL, value), "FIXED": (LOCAL, value),
    }  # fmt: skip
    assert drive == second == {
        "ENABLE": (INPUT, value), "SPEED": (INPUT, value), "READY": (OUTPUT, value),
        "SETUP": (LOCAL, node("Types/Settings")), "DELAY": (LOCAL, timer), "TOP": (LOCAL, value),
        "TOTAL": (EXTERNAL, value),
    }  # fmt: skip
    assert setup == {"GAIN": (COMPONENT, value)}
    assert kind == {name: entry for name, entry in drive.items() if name != "TOTAL"} | {
        "COUNT": (IN_OUT, value)
    }


def test_block_types_stand_under_those_of_the_model_and_under_what_they_extend(
    server: TaktServer,
) -> None:
    async def bases(client: Client, path: str) -> list[str]:
        found, at = list[str](), client.get_node(node(path))
        while True:
            (above,) = await at.get_references(
                ua.ObjectIds.HasSubtype, ua.BrowseDirection.Inverse
            ) or [None]
            if above is None or len(found) == 3:
                return found
            found.append(above.BrowseName.Name)
            at = client.get_node(above.NodeId)

    async def scenario() -> None:
        async with Client(server.endpoint) as client:
            motor = await bases(client, "Types/Motor")
            assert motor == ["Base", "CtrlFunctionBlockType", "CtrlProgramOrganizationUnitType"]
            main = await bases(client, "Types/Main")
            assert main[:2] == ["CtrlProgramType", "CtrlProgramOrganizationUnitType"]
            assert (await bases(client, "Types/Settings"))[0] == "BaseObjectType"

    asyncio.run(scenario())


def test_a_program_refers_to_its_task_and_a_task_tells_its_priority(server: TaktServer) -> None:
    async def scenario() -> None:
        async with Client(server.endpoint) as client:
            main = client.get_node(node("MAIN"))
            (task,) = await main.get_references(ua.NodeId.from_string(WITH))
            assert task.BrowseName.Name == "Main"
            place = client.get_node(task.NodeId)
            assert await (await place.get_child("4:Priority")).read_value() == 1
            assert await (await place.get_child("4:Interval")).read_value() == "T#10ms"
            methods = client.get_node(node("Resource/MethodSet"))
            assert await methods.get_child("4:Stop")

    asyncio.run(scenario())


CONSTANTS = ("MOST", "MAIN.FIXED", "MAIN.DRIVE.TOP", "MAIN.DRIVES[1].TOP")


def test_an_operator_cannot_write_a_constant_whatever_the_patterns_say(
    server: TaktServer, tmp_path: Path
) -> None:
    async def rights(client: Client, path: str) -> set[ua.AccessLevel]:
        found: set[ua.AccessLevel] = await client.get_node(node(path)).get_access_level()
        return found

    async def refused(target: Node) -> str:
        try:
            await target.write_value(await target.read_data_value())
        except UaError as error:
            return type(error).__name__
        return "Good"

    async def scenario() -> None:
        client = Client(server.endpoint)
        client.set_user("bob")
        client.set_password(PHRASE)
        async with client:
            for path in CONSTANTS:
                assert await rights(client, path) == {ua.AccessLevel.CurrentRead}
                target = client.get_node(node(path))
                before = await target.read_value()
                assert await refused(target) == "BadNotWritable"
                assert await target.read_value() == before
            written = client.get_node(node("MAIN.WISH"))
            assert ua.AccessLevel.CurrentWrite in await rights(client, "MAIN.WISH")
            await written.write_value(2.5, ua.VariantType.Float)
            assert await written.read_value() == 2.5

    asyncio.run(scenario())
    values = [
        {"node": node("MOST"), "type": "Int16", "value": 1},
        {"node": node("MAIN.DRIVE.TOP"), "type": "Float", "value": 1},
    ]
    (found,) = node_client(
        tmp_path, server.endpoint, {"write": values}, user="bob", password=PHRASE
    )["results"]
    assert found == ["BadNotWritable", "BadNotWritable"]
