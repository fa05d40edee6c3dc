"""Commands from the cloud to a real runtime, by real brokers: applied, read back, audited."""

import asyncio
import contextlib
import datetime as dt
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiomqtt
import nats
import pytest
from nats.aio.client import Client as NatsClient
from nats.errors import NoRespondersError

from tests.support.brokers import Broker, mosquitto, nats_server
from tests.support.gateway_processes import PATIENCE_S, Process, gateway, runtime_half
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system
SOURCE = """
PROGRAM Main
VAR SetPoint, Echo : REAL := 1.5; Secret : INT; Mode : INT := 7; Pump : BOOL; END_VAR
Echo := SetPoint;
END_PROGRAM
CONFIGURATION Plant
  RESOURCE R ON PLC
    TASK Fast (INTERVAL := T#10ms, PRIORITY := 1);
    PROGRAM Main WITH Fast : Main;
  END_RESOURCE
  VAR_ACCESS ShownMode : R.Main.Mode : INT READ_ONLY; END_VAR
END_CONFIGURATION
"""
RULES = """
[[uplink.command]]
variable = "Main.SetPoint"
min = 0
max = 100
[[uplink.command]]
variable = "MAIN.PUMP"
confirm = true
[[uplink.command]]
variable = "ShownMode"
"""
Answer = dict[str, object]


@pytest.fixture(autouse=True)
def _images_in_a_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))


class Cloud(Protocol):
    """The far side: sends a message, returns the answer to it."""

    async def ask(self, message: Answer | bytes) -> Answer: ...


@dataclass
class MqttCloud:
    client: aiomqtt.Client

    async def ask(self, message: Answer | bytes) -> Answer:
        payload = message if isinstance(message, bytes) else json.dumps(message)
        await self.client.publish("takt/plant/command", payload, qos=1)
        return await self.next()

    async def next(self) -> Answer:
        async with asyncio.timeout(PATIENCE_S):
            answer = await anext(aiter(self.client.messages))
        assert isinstance(answer.payload, bytes)
        found: Answer = json.loads(answer.payload)
        return found


@dataclass
class NatsCloud:
    client: NatsClient

    async def ask(self, message: Answer | bytes) -> Answer:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        answer = await self.client.request("takt.plant.command", payload, timeout=PATIENCE_S)
        found: Answer = json.loads(answer.data)
        return found


@contextlib.asynccontextmanager
async def mqtt_cloud(port: int) -> AsyncIterator[MqttCloud]:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("takt/plant/answer", qos=1)
        yield MqttCloud(client)


@contextlib.asynccontextmanager
async def nats_cloud(port: int) -> AsyncIterator[NatsCloud]:
    client = await nats.connect(f"nats://127.0.0.1:{port}")
    try:
        yield NatsCloud(client)
    finally:
        await client.close()


@dataclass
class Site:
    """A running project, its broker and its folder."""

    folder: Path
    broker: Broker
    kind: str

    def talk(self, conversation: Callable[[Cloud], Awaitable[None]]) -> None:
        """Run a conversation with the project from the cloud."""

        async def run() -> None:
            cloud = mqtt_cloud if self.kind == "mqtt" else nats_cloud
            async with cloud(self.broker.port) as connected:
                await conversation(connected)

        asyncio.run(run())

    def audit(self) -> list[Answer]:
        text = (self.folder / "outbox.commands.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


def write_project(folder: Path, kind: str, port: int, rules: str = RULES) -> Path:
    folder.mkdir()
    (folder / "main.st").write_text(SOURCE)
    (folder / "takt.toml").write_text(
        '[project]\nname = "plant"\n[metrics]\nport = 0\n'
        f'[[uplink]]\nname = "cloud"\nkind = "{kind}"\nport = {port}\n{rules}'
    )
    return folder


@contextlib.contextmanager
def commanded(folder: Path, project: Path) -> Iterator[Process]:
    """Run the gateway until it takes commands for a program that runs."""
    with gateway(folder, "run", str(project)) as running:
        wait_until(lambda: "takes commands" in running.messages(), PATIENCE_S, "the down-link")
        wait_until(lambda: "serving" in running.messages(), PATIENCE_S, "the image")
        yield running


@pytest.fixture(params=["mqtt", "jetstream"])
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    kind: str = request.param
    start = mosquitto if kind == "mqtt" else nats_server
    with start(tmp_path / "broker") as broker:
        project = write_project(tmp_path / "project", kind, broker.port)
        with runtime_half(tmp_path, project) as runtime:
            wait_until(lambda: '"started"' in runtime.messages(), PATIENCE_S, "the program")
            with commanded(tmp_path, project):
                yield Site(project, broker, kind)


def command(command_id: str, variable: str, value: object, **more: object) -> Answer:
    return {"id": command_id, "variable": variable, "value": value, "ttl_ms": 20_000, **more}


def test_an_allowed_command_is_answered_with_cycle_and_value_read_back(site: Site) -> None:
    async def conversation(cloud: Cloud) -> None:
        first = await cloud.ask(command("a", "Main.SetPoint", 42, user="ada"))
        assert (first["outcome"], first["before"], first["after"]) == ("applied", 1.5, 42.0)
        second = await cloud.ask(command("b", "MAIN.SETPOINT", 43.5))
        assert (second["before"], second["after"]) == (42.0, 43.5)
        cycles = first["cycle"], second["cycle"]
        assert isinstance(cycles[0], int)
        assert isinstance(cycles[1], int)
        assert 0 < cycles[0] < cycles[1]

    site.talk(conversation)
    lines = site.audit()
    assert [line["outcome"] for line in lines] == ["given", "applied", "given", "applied"]
    assert (lines[1]["uplink"], lines[1]["user"], lines[1]["before"]) == ("cloud", "ada", 1.5)
    assert stat.S_IMODE((site.folder / "outbox.commands.jsonl").stat().st_mode) == 0o600


def test_everything_else_is_refused_with_its_reason_and_audited(site: Site) -> None:
    past = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)).isoformat()
    late = {"id": "f", "variable": "MAIN.SETPOINT", "value": 1, "expires": past}
    cases: list[tuple[Answer | bytes, str]] = [
        (command("a", "MAIN.SECRET", 1), "not-allowed"),
        (command("b", "SHOWNMODE", 1), "read-only"),
        (command("c", "MAIN.SETPOINT", 101), "value"),
        (command("d", "MAIN.SETPOINT", "much"), "value"),
        (command("a", "MAIN.SETPOINT", 1), "doubled"),
        (late, "expired"),
        (b"{", "malformed"),
        ({"id": "g", "variable": "MAIN.SETPOINT", "value": 1}, "malformed"),
        ({"id": "a", "token": "guessed"}, "token"),
    ]

    async def conversation(cloud: Cloud) -> None:
        for message, reason in cases:
            answer = await cloud.ask(message)
            assert answer["outcome"] == reason, (message, answer)
            assert answer["text"]
        last = await cloud.ask(command("z", "MAIN.SETPOINT", 2))
        assert last["before"] == 1.5  # nothing of it had an effect

    site.talk(conversation)
    assert [line["outcome"] for line in site.audit()][:9] == [reason for _, reason in cases]


def test_two_steps_apply_a_command_when_its_token_comes_back_once(site: Site) -> None:
    async def conversation(cloud: Cloud) -> None:
        asked = await cloud.ask(command("a", "MAIN.PUMP", value=True))
        assert (asked["outcome"], asked["before"]) == ("asked", False)
        wrong = await cloud.ask({"id": "a", "token": "wrong"})
        assert wrong["outcome"] == "token"
        done = await cloud.ask({"id": "a", "token": asked["token"], "user": "bob"})
        assert (done["outcome"], done["before"], done["after"]) == ("applied", False, True)
        again = await cloud.ask({"id": "a", "token": asked["token"]})
        assert again["outcome"] == "token"

    site.talk(conversation)
    lines = site.audit()
    assert [line["outcome"] for line in lines] == ["asked", "token", "given", "applied", "token"]
    assert lines[3]["confirmed_by"] == "bob"
    assert all("token" not in line for line in lines)


def test_a_command_comes_once_although_the_gateway_was_killed(tmp_path: Path) -> None:
    with nats_server(tmp_path / "broker") as broker:
        project = write_project(tmp_path / "project", "jetstream", broker.port)
        site = Site(project, broker, "jetstream")
        outcomes: list[object] = []

        async def conversation(cloud: Cloud) -> None:
            answer = await cloud.ask(command("same", "MAIN.SETPOINT", 5))
            outcomes.append(answer["outcome"])

        with runtime_half(tmp_path, project) as runtime:
            wait_until(lambda: '"started"' in runtime.messages(), PATIENCE_S, "the program")
            for number in range(2):
                folder = tmp_path / str(number)
                folder.mkdir()
                with commanded(folder, project):  # its end is SIGKILL
                    site.talk(conversation)
    assert outcomes == ["applied", "doubled"]


def test_a_message_that_the_broker_kept_is_no_command(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        project = write_project(tmp_path / "project", "mqtt", broker.port)

        async def keep() -> None:
            async with mqtt_cloud(broker.port) as cloud:
                old = json.dumps(command("old", "MAIN.SETPOINT", 9))
                await cloud.client.publish("takt/plant/command", old, qos=1, retain=True)

        asyncio.run(keep())
        with (
            runtime_half(tmp_path, project),
            commanded(tmp_path, project),
        ):
            log = project / "outbox.commands.jsonl"
            wait_until(log.exists, PATIENCE_S, "the audit log")
            wait_until(lambda: log.read_text().endswith("\n"), PATIENCE_S, "its line")
            (line,) = Site(project, broker, "mqtt").audit()
    assert (line["id"], line["outcome"]) == ("old", "retained")


def test_commands_come_again_when_the_broker_does(site: Site) -> None:
    log = site.folder.parent / "run.log"
    site.broker.stop()
    site.broker.start()
    wait_until(lambda: log.read_text().count("takes commands") > 1, PATIENCE_S, "the down-link")

    async def conversation(cloud: Cloud) -> None:
        answer = await cloud.ask(command("a", "MAIN.SETPOINT", 7))
        assert answer["outcome"] == "applied"

    site.talk(conversation)
    words = [line for line in log.read_text().splitlines() if "for commands" in line]
    assert len(words) <= 2  # its going, however often it was looked for


def test_without_rules_nobody_listens(tmp_path: Path) -> None:
    with nats_server(tmp_path / "broker") as broker:
        project = write_project(tmp_path / "project", "jetstream", broker.port, rules="")

        async def conversation(cloud: Cloud) -> None:
            with pytest.raises(NoRespondersError):
                await cloud.ask(command("a", "MAIN.SETPOINT", 5))

        with gateway(tmp_path, "run", str(project)) as running:
            wait_until(lambda: "cloud: connected" in running.messages(), PATIENCE_S, "the uplink")
            Site(project, broker, "jetstream").talk(conversation)
