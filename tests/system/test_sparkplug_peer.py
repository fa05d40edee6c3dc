"""A Sparkplug node's connection to mosquitto, with a program that the test makes up."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from gateway.cloud.seam import UplinkError
from gateway.cloud.sparkplug import SparkplugPeer, SparkplugSettings
from gateway.protocols.sparkplug.catalogue import Catalogue, Place
from gateway.protocols.sparkplug.datatypes import Datatype, QualityCode
from gateway.protocols.sparkplug.node import Present, Report
from tests.support.brokers import Broker, mosquitto
from tests.support.sparkplug_reader import Payload, read

pytestmark = pytest.mark.system
NOW_MS = 1_700_000_000_000
SMALL = Catalogue({"A": Place("", "A", Datatype.INT16)})
LARGE = Catalogue(
    {"A": Place("", "A", Datatype.INT16), "T": Place("tank", "T", Datatype.BOOLEAN)},
    devices=("tank",),
)


@dataclass
class MadeUp:
    """A program that runs, stops, and is another one, as the test says."""

    catalogue: Catalogue | None = SMALL
    running: bool = True
    links: set[str] = field(default_factory=set)

    def changed(self) -> Catalogue | None:
        found, self.catalogue = self.catalogue, None
        return found

    def is_running(self) -> bool:
        return self.running

    def present(self) -> Present:
        return Present((Report("A", 7, NOW_MS),), self.running)

    def is_linked(self, device: str) -> bool:
        return device in self.links


@dataclass
class Ears:
    """A host that only listens."""

    client: aiomqtt.Client

    async def next(self) -> tuple[str, Any]:
        """Return kind and device, and the payload, of the next message of the node."""
        async with asyncio.timeout(20):
            message = await anext(aiter(self.client.messages))
        parts = message.topic.value.split("/")
        assert isinstance(message.payload, bytes)
        return "/".join([parts[2], *parts[4:]]), read(message.payload)

    async def ask_birth(self) -> None:
        """Ask for a birth."""
        asked = Payload(timestamp=1)
        asked.metrics.add(name="Node Control/Rebirth", boolean_value=True)
        await self.client.publish("spBv1.0/g/NCMD/n", asked.SerializeToString())


def settings(broker: Broker) -> SparkplugSettings:
    return SparkplugSettings(
        brokers=(("127.0.0.1", broker.port),), version="3.1.1", group="g", node="n",
        client_id="node", user=None, password=None, tls=None, timeout_s=10, takes_commands=True,
    )  # fmt: skip


@asynccontextmanager
async def alive(
    broker: Broker, program: MadeUp
) -> AsyncIterator[tuple[Ears, asyncio.Future[None]]]:
    """Run a node until the end of the block; yield a host, and what waits for the node's end."""
    numbers = itertools.count()
    peer = SparkplugPeer(
        settings(broker), program, lambda: NOW_MS * 1_000_000, lambda: next(numbers)
    )
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(aiomqtt.Client("127.0.0.1", broker.port))
        for kind in ("NBIRTH/n", "NDATA/n", "NDEATH/n", "DBIRTH/n/+", "DDEATH/n/+"):
            await client.subscribe(f"spBv1.0/g/{kind}", qos=1)
        await peer.connect()
        await peer.ready()
        ended = asyncio.ensure_future(peer.ended())
        yield Ears(client), ended
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)
        await peer.close()


def converse(folder: Path, talk: Callable[[Broker], Awaitable[None]]) -> None:
    """Run a test's conversation with a broker of its own."""

    async def bounded(broker: Broker) -> None:
        async with asyncio.timeout(60):
            await talk(broker)

    with mosquitto(folder / "broker") as broker:
        asyncio.run(bounded(broker))


def quality(payload: Any) -> int:
    (metric,) = [item for item in payload.metrics if item.name == "A"]
    found = metric.properties.values
    return int(found[0].int_value) if found else QualityCode.GOOD


def test_a_program_that_stops_leaves_stale_values_until_it_runs_again(tmp_path: Path) -> None:
    async def talk(broker: Broker) -> None:
        program = MadeUp()
        async with alive(broker, program) as (host, _):
            kind, payload = await host.next()
            assert (kind, quality(payload)) == ("NBIRTH", QualityCode.GOOD)
            for running, expected in ((False, QualityCode.STALE), (True, QualityCode.GOOD)):
                program.running = running
                kind, payload = await host.next()
                assert (kind, payload.seq, quality(payload)) == ("NBIRTH", 0, expected)

    converse(tmp_path, talk)


def test_another_program_is_born_with_its_devices(tmp_path: Path) -> None:
    async def talk(broker: Broker) -> None:
        program = MadeUp()
        async with alive(broker, program) as (host, _):
            assert (await host.next())[0] == "NBIRTH"
            program.links = {"tank"}
            program.catalogue = LARGE
            assert [(await host.next())[0] for _ in range(2)] == ["NBIRTH", "DBIRTH/tank"]
            program.links = set()
            kind, payload = await host.next()
            assert (kind, payload.seq) == ("DDEATH/tank", 2)

    converse(tmp_path, talk)


def test_a_flood_of_requests_for_births_is_answered_by_few(tmp_path: Path) -> None:
    async def talk(broker: Broker) -> None:
        program = MadeUp()
        async with alive(broker, program) as (host, _):
            assert (await host.next())[0] == "NBIRTH"
            for _ in range(200):
                await host.ask_birth()
            program.links = {"tank"}
            program.catalogue = LARGE  # its births come after all that were asked for
            births = 0
            while (kind := (await host.next())[0]) != "DBIRTH/tank":
                assert kind == "NBIRTH"
                births += 1
            assert 1 <= births < 100

    converse(tmp_path, talk)


def test_the_end_of_a_connection_is_told_while_there_is_nothing_to_send(tmp_path: Path) -> None:
    async def talk(broker: Broker) -> None:
        numbers = itertools.count()
        peer = SparkplugPeer(settings(broker), MadeUp(), lambda: NOW_MS, lambda: next(numbers))
        for _ in range(2):
            await peer.connect()
            await peer.ready()
            ended = asyncio.ensure_future(peer.ended())
            await asyncio.to_thread(broker.stop)
            (found,) = await asyncio.gather(ended, return_exceptions=True)
            assert isinstance(found, UplinkError)
            await peer.close()
            await asyncio.to_thread(broker.start)

    converse(tmp_path, talk)
