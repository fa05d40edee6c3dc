"""`takt cloud` where its ends are not what they should be."""

import asyncio
import contextlib
import importlib.util
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.cloud.consumer import Consumer, Delivery, mqtt_topics, parse_source
from gateway.cloud.seam import UplinkError
from gateway.cloud.sinks import SqliteSink
from gateway.flow.batches import decode_batch
from runtime.errors import HostError, UsageError
from tests.support.modbus_waiting import until

BATCH = (
    b'{"stream":"s","seq":1,"count":1,"project":"p","run":"r",'
    b'"frames":[{"task":"T","cycle":1,"time":1,"values":{"A":1}}]}'
)


@pytest.mark.parametrize(
    ("topic", "topics"),
    [
        ("takt/plant", ["takt/plant/live", "takt/plant/backlog"]),
        ("takt/plant/live", ["takt/plant/live"]),
        ("takt/#", ["takt/#"]),
        ("takt/+/live", ["takt/+/live"]),
        ("spBv1.0/takt/NDATA/plant", ["spBv1.0/takt/NDATA/plant"]),
    ],
)
def test_the_topic_of_the_project_stands_for_its_lanes(topic: str, topics: list[str]) -> None:
    assert mqtt_topics(topic) == topics


@pytest.mark.parametrize(
    "url", ["mqtt://me:sesame@host:port/x", "http://me:sesame@host/x", "mqtt://me:sesame@host"]
)
def test_a_source_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match="expected mqtt://HOST:PORT/TOPIC") as caught:
        parse_source(url, "name")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "sink", "library", "extra"),
    [
        ("mqtt://host/x", "x.db", "aiomqtt", "mqtt"),
        ("nats://host/x", "x.db", "nats", "jetstream"),
        ("nats://host/x", "postgresql://host/x", "asyncpg", "postgresql"),
    ],
)
def test_a_library_that_is_not_installed_is_told(
    source: str,
    sink: str,
    library: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == library else found(name)
    )
    monkeypatch.setattr("sys.argv", ["gateway", "cloud", source, "--to", sink])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert f"needs the library {library}; install taktplc[{extra}]" in capsys.readouterr().err


class Nobody(contextlib.AbstractAsyncContextManager[AsyncIterator[Delivery]]):
    """A broker that lets nobody in."""

    async def __aenter__(self) -> AsyncIterator[Delivery]:
        raise UplinkError("MQTT: not authorized")

    async def __aexit__(self, *_: object) -> None:
        pass


def test_a_broker_that_refuses_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.cloud.consumer.RECONNECT_MAX_S", 0.01)
    tries = 0

    def source() -> contextlib.AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        nonlocal tries
        tries += 1
        return Nobody()

    async def run() -> None:
        consumer = Consumer(source, SqliteSink(tmp_path / "samples.db"))
        await consumer.open()
        task = asyncio.create_task(consumer.run())
        await until(lambda: tries > 3, "four tries")
        task.cancel()
        await asyncio.wait([task])

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert caplog.text.count("not authorized; tried again until it works") == 1


def test_a_sink_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    consumer = Consumer(Nobody, SqliteSink(tmp_path / "absent" / "x.db"))
    with pytest.raises(HostError, match=r"sink cannot be opened: .*x\.db: unable to open"):
        asyncio.run(consumer.open())


def test_a_sink_that_refused_takes_the_same_batch_later(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"

    async def run() -> None:
        sink = SqliteSink(path)
        await sink.open()
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("ALTER TABLE sample RENAME TO away")
            with pytest.raises(UplinkError, match="no such table"):
                await sink.keep([decode_batch(BATCH)])
            other.execute("ALTER TABLE away RENAME TO sample")
            await sink.keep([decode_batch(BATCH)])
            assert other.execute("SELECT count(*) FROM sample").fetchone() == (1,)
        await sink.close()

    asyncio.run(run())


@pytest.mark.parametrize(("command", "name"), [("cloud", "takt"), ("run", "python -m gateway")])
def test_usage_names_the_command_that_was_typed(
    command: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gateway", command, "--help"])
    with pytest.raises(SystemExit):
        main()
    assert f"Usage: {name} {command}" in capsys.readouterr().out
