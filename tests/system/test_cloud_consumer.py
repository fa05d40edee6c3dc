"""`takt cloud` against real brokers: what it was told to keep is acknowledged when it is kept."""

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiomqtt
import nats
import pytest
from nats.js.api import StreamConfig

from gateway.flow.batches import Source, encode_batch
from tests.support.brokers import Broker, mosquitto, nats_server
from tests.support.gateway_processes import PATIENCE_S, consumer
from tests.support.samples import report
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system
STREAM = "00000000-0000-4000-8000-000000000001"
BATCHES = 20
SAMPLES = 5


def batches() -> list[bytes]:
    source = Source(STREAM, "plant", "run")
    return [encode_batch(source, 1 + n * SAMPLES, [report(n, SAMPLES)]) for n in range(BATCHES)]


def publish_by_mqtt(broker: Broker) -> None:
    async def publish() -> None:
        async with aiomqtt.Client(
            "127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5
        ) as client:
            for payload in batches():
                await client.publish("takt/plant/live", payload, qos=1)

    asyncio.run(publish())


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Let nobody write to a file of SQLite during the block."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def test_what_was_not_written_when_it_was_killed_comes_again_by_mqtt(tmp_path: Path) -> None:
    file = tmp_path / "received.db"
    with mosquitto(tmp_path / "mosquitto", "allow_anonymous true", "log_type all") as broker:
        url = f"mqtt://127.0.0.1:{broker.port}/takt/#"
        with consumer(tmp_path, url) as receiving:
            wait_until(lambda: "SUBACK to takt-cloud" in broker.log(), PATIENCE_S, "the consumer")
            with held(file):
                publish_by_mqtt(broker)
                wait_until(
                    lambda: broker.log().count("Sending PUBLISH to takt-cloud") >= BATCHES,
                    PATIENCE_S, "all messages on their way",
                )  # fmt: skip
                receiving.process.end(signal.SIGKILL)
                assert "Received PUBACK from takt-cloud" not in broker.log()
            assert receiving.samples() == 0
        with consumer(tmp_path, url) as receiving:
            wait_until(lambda: receiving.samples() == BATCHES * SAMPLES, PATIENCE_S, "all samples")
            wait_until(
                lambda: broker.log().count("Received PUBACK from takt-cloud") == BATCHES,
                PATIENCE_S, "the acknowledgements",
            )  # fmt: skip
            account = receiving.account()
    assert (account["first"], account["last"], account["missing"]) == (1, BATCHES * SAMPLES, 0)
    assert account["out_of_order"] == 0


def test_what_was_not_written_when_it_was_killed_is_still_owed_by_jetstream(tmp_path: Path) -> None:
    file = tmp_path / "received.db"

    async def pending(port: int) -> int:
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        try:
            found = await client.jetstream().consumer_info("TAKT", "takt-cloud")
        finally:
            await client.close()
        return found.num_ack_pending or 0

    async def publish(port: int) -> None:
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        stream = client.jetstream()
        for payload in batches():
            await stream.publish("takt.plant.live", payload)
        await client.close()

    async def make_stream(port: int) -> None:
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        await client.jetstream().add_stream(StreamConfig(name="TAKT", subjects=["takt.>"]))
        await client.close()

    with nats_server(tmp_path / "nats") as broker:
        asyncio.run(make_stream(broker.port))
        url = f"nats://127.0.0.1:{broker.port}/TAKT"
        with consumer(tmp_path, url) as receiving:
            receiving.await_connected()
            with held(file):
                asyncio.run(publish(broker.port))
                wait_until(
                    lambda: asyncio.run(pending(broker.port)) == BATCHES, PATIENCE_S, "messages"
                )
                receiving.process.end(signal.SIGKILL)
                assert asyncio.run(pending(broker.port)) == BATCHES
        assert receiving.samples() == 0


def test_a_stream_that_is_not_there_is_named(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as broker:
        url = f"nats://127.0.0.1:{broker.port}/TAKT"
        with consumer(tmp_path, url) as receiving:
            told = f"NATS: 127.0.0.1:{broker.port} has no stream TAKT; tried again until it works"
            wait_until(lambda: told in receiving.process.messages(), PATIENCE_S, "the reason")
