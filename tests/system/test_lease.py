"""Two gateways of one project: the one that was frozen past its lease commands no more."""

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nats
import pytest

from gateway.cloud.carry_out import present_value
from gateway.flow.command_rules import find_single
from gateway.flow.lease import Entry, decode
from runtime.datatypes.values import Json
from runtime.image.segment import attach_image
from tests.support.brokers import Broker, nats_server
from tests.support.gateway_processes import PATIENCE_S, Process, gateway, runtime_half
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system
SOURCE = "PROGRAM Main\nVAR SetPoint : REAL := 1.5; END_VAR\nEND_PROGRAM\n"
TOML = """
[project]
name = "plant"
[[task]]
name = "Fast"
interval = "10ms"
programs = ["Main"]
[metrics]
port = 0
[lease]
uplink = "cloud"
ttl = "1s"
[[uplink]]
name = "cloud"
kind = "jetstream"
port = {port}
[[uplink.command]]
variable = "Main.SetPoint"
"""
Answer = dict[str, object]


@dataclass
class Side:
    """One gateway, its project's folder and the folder of its image."""

    name: str
    images: Path
    project: Path
    process: Process

    def logged(self, text: str) -> bool:
        return text in self.process.messages()

    def listens(self) -> bool:
        """Return whether it took commands after its last taking of the lease."""
        return "takes commands" in self.process.messages().rpartition("lease: ours")[2]

    def audit(self) -> list[tuple[object, object]]:
        """Return id and outcome of each line of its log of commands."""
        log = self.project / "outbox.commands.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        records = [json.loads(line) for line in lines]
        return [(record["id"], record["outcome"]) for record in records]

    def set_point(self) -> Json:
        """Return the value in the newest scan of its runtime."""
        (path,) = self.images.glob("*.image")
        image = attach_image(path)
        try:
            symbol = find_single(image.directory.symbols, "MAIN.SETPOINT")
            return present_value(image, symbol, image.runtime_heartbeat_ns)
        finally:
            image.close()


@dataclass
class Pair:
    """Two gateways and their broker."""

    broker: Broker
    first: Side
    second: Side

    def ask(self, command_id: str, value: float) -> Answer:
        """Send a command, return the first answer."""

        async def run() -> Answer:
            client = await nats.connect(f"nats://127.0.0.1:{self.broker.port}")
            try:
                command = {"id": command_id, "variable": "MAIN.SETPOINT", "value": value,
                           "ttl_ms": 20_000}  # fmt: skip
                payload = json.dumps(command).encode()
                answer = await client.request("takt.plant.command", payload, timeout=PATIENCE_S)
                found: Answer = json.loads(answer.data)
                return found
            finally:
                await client.close()

        return asyncio.run(run())

    def entry(self) -> Entry:
        """Return the lease as it stands in the bucket."""

        async def run() -> bytes:
            client = await nats.connect(f"nats://127.0.0.1:{self.broker.port}")
            try:
                bucket = await client.jetstream().key_value("TAKT_LEASE")
                return (await bucket.get("plant")).value or b""
            finally:
                await client.close()

        found = decode(asyncio.run(run()))
        assert found is not None
        return found


def has_started(runtime: Process) -> bool:
    return '"started"' in runtime.messages()


@pytest.fixture(params=["own image", "one image"])
def pair(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pair]:
    """Run two gateways: upon a runtime each, as on two machines, or upon the same one."""
    with ExitStack() as stack:
        broker = stack.enter_context(nats_server(tmp_path / "broker"))
        sides: list[Side] = []
        for name in ("first", "second"):
            folder = tmp_path / name
            project = folder / "project"
            project.mkdir(parents=True)
            (project / "main.st").write_text(SOURCE)
            (project / "takt.toml").write_text(TOML.format(port=broker.port))
            images = sides[0].images if sides and request.param == "one image" else folder
            monkeypatch.setenv("TAKT_IMAGE_DIR", str(images))
            if images == folder:
                runtime = stack.enter_context(runtime_half(folder, project))
                wait_until(partial(has_started, runtime), PATIENCE_S, "the program")
            process = stack.enter_context(gateway(folder, "run", str(project)))
            sides.append(Side(name, images, project, process))
            if name == "first":
                wait_until(lambda: sides[0].logged("takes commands"), PATIENCE_S, "the first")
        yield Pair(broker, *sides)


def test_a_gateway_frozen_past_its_lease_writes_nothing_until_it_holds_it_again(pair: Pair) -> None:
    first, second = pair.first, pair.second
    assert pair.ask("a", 10)["outcome"] == "applied"
    assert pair.entry().token == 1
    assert not second.logged("takes commands")

    first.process.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: second.logged("takes commands"), PATIENCE_S, "the second")
    assert pair.ask("b", 20)["outcome"] == "applied"  # and it waits at the first one's socket too
    assert pair.entry().token == 2
    first.process.process.send_signal(signal.SIGCONT)
    wait_until(lambda: ("b", "superseded") in first.audit(), PATIENCE_S, "the first one's refusal")

    assert first.audit() == [("a", "given"), ("a", "applied"), ("b", "superseded")]
    assert second.audit() == [("b", "given"), ("b", "applied")]
    assert second.set_point() == 20.0
    if first.images != second.images:
        assert first.set_point() == 10.0
    assert pair.ask("c", 30)["outcome"] == "applied"
    assert second.audit()[-1] == ("c", "applied")

    assert second.process.end() == 0  # it gives the lease back
    wait_until(lambda: first.logged("ours, token 3"), PATIENCE_S, "the first, again")
    wait_until(first.listens, PATIENCE_S, "its down-link")
    assert pair.ask("d", 40)["outcome"] == "applied"
    assert first.set_point() == 40.0
