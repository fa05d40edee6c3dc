"""The Sparkplug uplink against mosquitto, seen by a host that reads with Eclipse Tahu's library."""

import asyncio
import contextlib
import http.client
import json
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.brokers import Broker, free_port, mosquitto
from tests.support.cloud_plant import cloud_project
from tests.support.gateway_processes import (
    PATIENCE_S,
    Process,
    consumer,
    gateway,
    runtime_half,
)
from tests.support.modbus_image import device_toml, io_toml
from tests.support.modbus_peers import Plant, pymodbus_plant
from tests.support.sparkplug_host import Heard, Host, Tahu, host, tahu
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system
SOURCE = """
TYPE Motor : STRUCT Speed : REAL; Count : UDINT := 7; END_STRUCT; END_TYPE
FUNCTION_BLOCK Mixer
VAR_INPUT Run : BOOL; END_VAR
VAR Motors : ARRAY[1..2] OF Motor; END_VAR
IF Run THEN Motors[2].Speed := 2.5; END_IF;
END_FUNCTION_BLOCK
PROGRAM Main
VAR
  Level AT %IW0 : INT; Valve AT %QW0 : INT;
  SetPoint, Echo : REAL := 1.5; Mode : (Idle, Busy); Text : STRING := 'on'; Secret : INT := -4;
  Mix : Mixer;
END_VAR
Mix();
Echo := SetPoint;
END_PROGRAM
CONFIGURATION Plant
  RESOURCE R ON PLC
    TASK Fast (INTERVAL := T#10ms, PRIORITY := 1);
    PROGRAM Main WITH Fast : Main;
  END_RESOURCE
END_CONFIGURATION
"""
RULES = """
[[uplink.command]]
variable = "Main.SetPoint"
min = 0
max = 100
[[uplink.command]]
variable = "Main.Valve"
[[uplink.command]]
variable = "Main.Mix.Run"
"""


@pytest.fixture(autouse=True)
def _images_in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))


@pytest.fixture
def library() -> Iterator[Tahu]:
    with tahu() as reader:
        yield reader


@dataclass
class Site:
    """A project with a Modbus device, its broker, and where it all stands."""

    folder: Path
    project: Path
    broker: Broker
    device_port: int
    library: Tahu

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[Host, Process]]:
        """Run the gateway, and a host that listens since before."""
        async with host(self.broker.port, self.library) as listener:
            with gateway(self.folder, "run", str(self.project)) as process:
                yield listener, process

    def audit(self) -> list[dict[str, object]]:
        """Return the lines of the audit log."""
        log = self.project / "outbox.commands.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def pending(process: Process) -> int:
    """Return how many samples the uplink owes, by the gateway's metrics."""
    port = re.search(r"http://127.0.0.1:(\d+)/metrics", process.messages())
    assert port is not None
    connection = http.client.HTTPConnection("127.0.0.1", int(port[1]), timeout=PATIENCE_S)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(r'takt_uplink_pending_samples\{uplink="cloud"\} (\d+)', text)
    return int(found[1]) if found else 0


@pytest.fixture
def build(tmp_path: Path, library: Tahu) -> Iterator[Callable[[str], Site]]:
    """Return what starts a site with more lines in its uplink's section."""
    with contextlib.ExitStack() as stack:

        def make(more: str) -> Site:
            broker = stack.enter_context(
                mosquitto(tmp_path / "broker", "allow_anonymous true", "log_type all")
            )
            project, port = tmp_path / "project", free_port()
            project.mkdir()
            (project / "main.st").write_text(SOURCE)
            (project / "takt.toml").write_text(
                '[project]\nname = "plant"\n[metrics]\nport = 0\n'
                '[[publish]]\nvariables = ["Main.*"]\n'
                + device_toml("tank", port)
                + io_toml("%IW0", "tank", "holding", 0)
                + io_toml("%QW0", "tank", "holding", 1)
                + f'[[uplink]]\nname = "cloud"\nkind = "sparkplug"\nport = {broker.port}\n{more}'
            )
            runtime = stack.enter_context(runtime_half(tmp_path, project))
            wait_until(lambda: '"started"' in runtime.messages(), PATIENCE_S, "the program")
            return Site(tmp_path, project, broker, port, library)

        yield make


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run a test's conversation, bounded in time."""

    async def bounded() -> None:
        async with asyncio.timeout(80):
            await work()

    asyncio.run(bounded())


def device_of(site: Site, level: int) -> contextlib.AbstractAsyncContextManager[Plant]:
    """Serve the device: a register that the program reads, and one that it writes."""
    return pymodbus_plant(holding={0: [level, 0]}, port=site.device_port)


def assert_in_order(messages: list[Heard]) -> None:
    """Assert the order that the specification prescribes, over all that was heard."""
    expected = None
    born: set[str] = set()
    for message in messages:
        assert (message.qos, message.retain) == (0, False) or message.kind == "NDEATH"
        if message.kind == "NDEATH":
            assert "seq" not in message.body
            expected = None
            continue
        if message.kind == "NBIRTH":
            expected, born = 0, {""}
        assert message.body["seq"] == expected, (message.kind, message.body["seq"], expected)
        expected = (message.body["seq"] + 1) % 256
        if message.kind == "DBIRTH":
            born.add(message.device)
        assert message.device in born, (message.kind, message.device)
        if message.kind == "DDEATH":
            born.discard(message.device)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_host_follows_births_data_a_rebirth_and_the_death_of_a_killed_gateway(
    build: Callable[[str], Site], version: str
) -> None:
    site = build(f'version = "{version}"\n')

    async def work() -> None:
        async with device_of(site, 5), site.running() as (listener, process):
            birth = await listener.hear_until("NBIRTH", "MAIN.SECRET", -4)
            assert birth.metric("MAIN.SECRET")["type"] == "Int16"
            assert birth.metric("MAIN.SETPOINT") | {"timestamp": 0} == {
                "name": "MAIN.SETPOINT", "alias": birth.metric("MAIN.SETPOINT")["alias"],
                "type": "Float", "value": 1.5, "timestamp": 0,
            }  # fmt: skip
            assert (birth.values["MAIN.MODE"], birth.values["MAIN.TEXT"]) == ("IDLE", "on")
            assert birth.values["MAIN.MIX.MOTORS[1].COUNT"] == 7
            assert birth.values["Node Control/Rebirth"] is False
            assert "MAIN.LEVEL" not in birth.values
            device = await listener.hear("DBIRTH", "tank")
            assert set(device.values) == {"MAIN.LEVEL", "MAIN.VALVE"}
            if device.values["MAIN.LEVEL"] != 5:
                await listener.hear_until("DDATA", "MAIN.LEVEL", 5, "tank")
            await listener.write("", {"name": "MAIN.SETPOINT", "type": "Float", "value": 9})
            await asyncio.to_thread(
                wait_until, lambda: "would write MAIN.SETPOINT: refused" in process.messages(),
                PATIENCE_S, "the refusal of a write that no rule allows",
            )  # fmt: skip
            await listener.rebirth()
            again = await listener.hear("NBIRTH")
            assert again.values["MAIN.SETPOINT"] == 1.5
            assert (await listener.hear("DBIRTH", "tank")).values["MAIN.LEVEL"] == 5
            process.end(signal.SIGKILL)
            death = await listener.hear("NDEATH")
            assert death.values == {"bdSeq": again.values["bdSeq"]}
            assert_in_order(listener.heard)

    run(work)
    assert site.audit() == []


def test_a_gateway_that_stops_tells_its_death_and_counts_its_connections_on(
    build: Callable[[str], Site],
) -> None:
    site = build('version = "3.1.1"\n')
    settings = site.project / "takt.toml"

    async def work() -> None:
        numbers = []
        for version in ("3.1.1", "5"):
            settings.write_text(settings.read_text().replace("3.1.1", version))
            async with site.running() as (listener, process):
                birth = await listener.hear("NBIRTH")
                process.process.send_signal(signal.SIGTERM)
                death = await listener.hear("NDEATH")
                assert death.values == {"bdSeq": birth.values["bdSeq"]}
                numbers.append(death.values["bdSeq"])
                if version == "5":  # it leaves with its will
                    assert (await listener.hear("NDEATH")).values == death.values
                await asyncio.to_thread(process.process.wait, PATIENCE_S)
        assert numbers == [0, 1]

    url = f"mqtt://127.0.0.1:{site.broker.port}/spBv1.0/#"
    with consumer(site.folder, url) as receiving:
        wait_until(lambda: "spBv1.0/# (QoS 1)" in site.broker.log(), PATIENCE_S, "takt cloud")
        run(work)
        receiving.process.end()
        last = json.loads(receiving.process.messages().splitlines()[-1])
    assert "as takt-plant-cloud (p2, c1, k20)" in site.broker.log()
    account = last["nodes"]["takt/plant"]
    assert (account["online"], account["missing"], last["refused"]) == (False, 0, 0)
    assert account["births"] >= 2
    assert account["deaths"] >= 3


def test_the_broker_sees_a_clean_session_with_the_death_as_its_will(
    build: Callable[[str], Site],
) -> None:
    site = build(f'version = "5"\nprimary_host = "scada"\n{RULES}')

    async def work() -> None:
        async with device_of(site, 5), site.running() as (listener, process):
            await listener.state("scada", online=True, timestamp=1)
            await listener.hear("DBIRTH", "tank")
            process.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.process.wait, PATIENCE_S)

    run(work)
    log = site.broker.log()
    node = "takt-plant-cloud"
    for line in (
        rf"New client connected from \S+ as {node} \(p5, c1, k20\)",
        r"Will message specified \(\d+ bytes\) \(r0, q1\)\.",
        rf"Received PUBLISH from {node} \(d0, q0, r0, m0, 'spBv1.0/takt/NDEATH/plant'",
        rf"Received DISCONNECT from {node}",
    ):
        assert re.search(line, log), line
    began = log.index(f"as {node} ")
    own = [line for line in log[began:].splitlines() if f"from {node}" in line]
    assert not any("PUBLISH" in line and "q0, r0" not in line for line in own)
    for topic in ("NCMD/plant", "DCMD/plant/tank"):
        assert re.search(rf"spBv1.0/takt/{topic} \(QoS 1\)", log), topic
    assert re.search(r"spBv1.0/STATE/scada \(QoS 1\)", log)
    subscribed = log.index("spBv1.0/takt/NCMD/plant (QoS 1)")
    assert subscribed < log.index("'spBv1.0/takt/NBIRTH/plant'")
    assert log.count(f"as {node} ") == 1


def test_a_device_dies_with_its_link_and_is_born_when_it_returns(
    build: Callable[[str], Site],
) -> None:
    site = build("")

    async def work() -> None:
        async with site.running() as (listener, _):
            async with device_of(site, 5):
                await listener.hear("DBIRTH", "tank")
            death = await listener.hear("DDEATH", "tank")
            assert death.body.get("metrics", []) == []
            async with device_of(site, 9):
                birth = await listener.hear("DBIRTH", "tank")
                if birth.values["MAIN.LEVEL"] != 9:
                    await listener.hear_until("DDATA", "MAIN.LEVEL", 9, "tank")
            assert_in_order(listener.heard)

    run(work)


def test_commands_pass_the_desk_and_show_in_the_data(build: Callable[[str], Site]) -> None:
    site = build(RULES)

    def order(name: str, kind: str, value: object) -> dict[str, object]:
        return {"name": name, "type": kind, "value": value}

    async def work() -> None:
        async with device_of(site, 5) as plant, site.running() as (listener, process):
            birth = await listener.hear_until("NBIRTH", "MAIN.ECHO", 1.5)
            await listener.hear("DBIRTH", "tank")
            await asyncio.to_thread(
                wait_until, lambda: "takes commands" in process.messages(), PATIENCE_S, "the link"
            )
            await listener.write("", order("MAIN.SETPOINT", "Float", 42.5))
            await listener.hear_until("NDATA", "MAIN.ECHO", 42.5)
            by_alias = {"alias": birth.metric("MAIN.SETPOINT")["alias"], "type": "Float"}
            await listener.write("", {**by_alias, "value": 7.25})
            await listener.hear_until("NDATA", "MAIN.ECHO", 7.25)
            await listener.write("tank", order("MAIN.VALVE", "Int16", -3))
            await listener.hear_until("DDATA", "MAIN.VALVE", -3, "tank")
            await asyncio.to_thread(
                wait_until, lambda: plant.writes[-1:] == [(6, 1, (65533,))], PATIENCE_S, "the write"
            )
            for device, asked in (
                ("", order("MAIN.SETPOINT", "Float", 101)),
                ("", order("MAIN.SECRET", "Int16", 1)),
                ("tank", order("MAIN.SETPOINT", "Float", 1)),
                ("", order("MAIN.VALVE", "Int16", 1)),
                ("", order("MAIN.SETPOINT", "Float", None)),
                ("tank", order("MAIN.VALVE", "Int32", 70_000)),
            ):
                await listener.write(device, asked)
            await asyncio.to_thread(
                wait_until, lambda: len(site.audit()) == 12, PATIENCE_S, "the audit log"
            )
            await listener.rebirth()
            assert (await listener.hear("NBIRTH")).values["MAIN.SETPOINT"] == 7.25
            assert_in_order(listener.heard)

    run(work)
    outcomes = [str(line["outcome"]) for line in site.audit()]
    assert outcomes[:6] == ["given", "applied"] * 3
    assert outcomes[6:] == [
        "value", "not-allowed", "not-allowed", "not-allowed", "value", "value",
    ]  # fmt: skip


def test_a_node_waits_for_its_primary_host_and_tells_the_past_as_history(
    build: Callable[[str], Site],
) -> None:
    site = build(f'primary_host = "scada"\n{RULES}')

    async def work() -> None:
        async with device_of(site, 5) as plant, site.running() as (listener, process):
            await asyncio.to_thread(
                wait_until, lambda: "waiting for the primary host" in process.messages(),
                PATIENCE_S, "the wait",
            )  # fmt: skip
            await listener.state("other", online=True, timestamp=5)
            await listener.state("scada", online=False, timestamp=10)
            await listener.state("scada", online=True, timestamp=9)
            assert plant.holding is not None
            await asyncio.to_thread(
                wait_until, lambda: "state is left out" in process.messages(), PATIENCE_S, "it"
            )
            await listener.state("scada", online=True, timestamp=10)
            first = await listener.hear("NBIRTH")
            assert listener.heard == [first]
            await listener.hear("DBIRTH", "tank")
            await listener.state("scada", online=False, timestamp=9)
            await listener.rebirth()
            await listener.hear("NBIRTH")
            await listener.hear("DBIRTH", "tank")
            await listener.state("scada", online=False, timestamp=10)
            death = await listener.hear("NDEATH")
            assert death.values == {"bdSeq": first.values["bdSeq"]}
            plant.holding[0] = 77
            await asyncio.to_thread(
                wait_until, lambda: pending(process) > 0, PATIENCE_S, "a sample in the outbox"
            )
            await listener.state("scada", online=True, timestamp=11)
            again = await listener.hear("NBIRTH")
            assert again.values["bdSeq"] == first.values["bdSeq"] + 1
            birth = await listener.hear("DBIRTH", "tank")
            assert birth.values["MAIN.LEVEL"] == 77
            past = await listener.hear_until("DDATA", "MAIN.LEVEL", 77, "tank")
            assert past.metric("MAIN.LEVEL")["isHistorical"] is True
            past_ms = past.metric("MAIN.LEVEL")["timestamp"]
            assert past_ms < birth.metric("MAIN.LEVEL")["timestamp"]
            assert_in_order(listener.heard)

    run(work)


def test_a_node_goes_to_the_next_broker_where_the_primary_host_is(
    tmp_path: Path, library: Tahu
) -> None:
    async def work(first: Broker, second: Broker) -> None:
        async with (
            host(first.port, library) as here,
            host(second.port, library) as there,
        ):
            await there.state("scada", online=True, timestamp=5)
            with gateway(tmp_path, "run", str(project.folder)):
                birth = await there.hear("NBIRTH")
                await here.state("scada", online=True, timestamp=7)
                await there.state("scada", online=False, timestamp=5)
                assert (await there.hear("NDEATH")).values == {"bdSeq": birth.values["bdSeq"]}
                again = await here.hear("NBIRTH")
                assert again.values["bdSeq"] == birth.values["bdSeq"] + 1
                assert [item.kind for item in here.heard[-1:]] == ["NBIRTH"]

    with mosquitto(tmp_path / "a") as first, mosquitto(tmp_path / "b") as second:
        toml = (
            f'[[uplink]]\nname = "spb"\nkind = "sparkplug"\nport = {first.port}\n'
            f'primary_host = "scada"\nother_brokers = ["127.0.0.1:{second.port}"]\n'
            'timeout = "500ms"\n'
        )
        project = cloud_project(tmp_path / "project", toml)
        run(lambda: work(first, second))


def test_structures_and_instances_are_templates_where_they_are_asked_for(
    build: Callable[[str], Site],
) -> None:
    site = build(f"templates = true\n{RULES}")

    async def work() -> None:
        async with device_of(site, 5), site.running() as (listener, process):
            birth = await listener.hear_until("NBIRTH", "MAIN.ECHO", 1.5)
            motor, mixer = birth.metric("_types_/Motor"), birth.metric("_types_/Mixer")
            assert (motor["type"], motor["value"]["isDefinition"]) == ("Template", True)
            assert motor["value"]["templateRef"] == ""  # as the library shows what is absent
            assert [item["name"] for item in mixer["value"]["metrics"]] == [
                "RUN", "MOTORS[1]", "MOTORS[2]",
            ]  # fmt: skip
            mix = birth.metric("MAIN.MIX")["value"]
            assert (mix["templateRef"], mix["isDefinition"]) == ("_types_/Mixer", False)
            run_input, _, second = mix["metrics"]
            assert (run_input["name"], run_input["value"]) == ("RUN", False)
            assert second["value"]["templateRef"] == "_types_/Motor"
            assert [item["value"] for item in second["value"]["metrics"]] == [0, 7]
            await asyncio.to_thread(
                wait_until, lambda: "takes commands" in process.messages(), PATIENCE_S, "the link"
            )
            member = {"name": "RUN", "type": "Boolean", "value": True}
            asked = {"templateRef": "_types_/Mixer", "isDefinition": False, "metrics": [member]}
            await listener.write("", {"name": "MAIN.MIX", "type": "Template", "value": asked})
            changed: dict[str, Any] = {}
            while changed.get("RUN") is not True:
                found = (await listener.hear("NDATA")).values.get("MAIN.MIX", {"metrics": []})
                changed = {item["name"]: item["value"] for item in found["metrics"]}
            assert "MOTORS[1]" not in changed
            (speed,) = changed["MOTORS[2]"]["metrics"]
            assert (speed["name"], speed["value"]) == ("SPEED", 2.5)
            assert_in_order(listener.heard)

    run(work)
