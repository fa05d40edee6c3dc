"""`takt cloud` between a broker and a sink that fail: what is acknowledged is kept."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gateway.cloud.consumer import Consumer, Delivery
from gateway.cloud.seam import UplinkError
from gateway.cloud.sinks import Sink, SqliteSink
from gateway.flow.batches import Batch, Source, encode_batch
from tests.support.samples import report, until

SAMPLES = 5


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cloud.consumer.RECONNECT_MAX_S", 0.01)


class Broker:
    """Delivers what is not acknowledged, anew with each connection."""

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.owed = dict(enumerate(payloads))
        self.connections = 0

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncIterator[Delivery]]:
        self.connections += 1
        yield self._deliveries()

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        for number, payload in list(self.owed.items()):

            async def acknowledge(done: int = number) -> None:
                self.owed.pop(done)

            yield Delivery("live", payload, acknowledge)
        await asyncio.Event().wait()


class FailingSink:
    """Refuses to open once and to keep twice; then it keeps."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.is_open = False
        self._opens, self._keeps = 0, 0

    async def open(self) -> None:
        self._opens += 1
        if self._opens == 1:
            raise ConnectionRefusedError("no database")
        self.is_open = True

    async def keep(self, batches: Sequence[Batch]) -> None:
        assert self.is_open
        self._keeps += 1
        if self._keeps <= 2:
            raise UplinkError("the disk is full")
        self.kept += [batch.first for batch in batches]

    async def close(self) -> None:
        self.is_open = False


def payloads(count: int) -> list[bytes]:
    source = Source("a stream", "plant", "run")
    return [encode_batch(source, 1 + n * SAMPLES, [report(n, SAMPLES)]) for n in range(count)]


def consume(broker: Broker, sink: Sink, done: Callable[[], object]) -> Consumer:
    async def run() -> Consumer:
        consumer = Consumer(broker.connect, sink)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(consumer.run())
            await until(done)
            task.cancel()
        return consumer

    return asyncio.run(run())


def test_what_a_sink_refused_is_kept_once_it_takes_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gateway.cloud")
    broker, sink = Broker([*payloads(200), b"no batch"]), FailingSink()
    consumer = consume(broker, sink, lambda: not broker.owed)
    assert sink.kept == [1 + n * SAMPLES for n in range(200)]
    account = json.loads(consumer.report())
    assert account["refused"] == 1
    assert account["streams"]["a stream"]["samples"] == 200 * SAMPLES
    assert account["streams"]["a stream"]["duplicates"] == 0
    assert broker.connections == 3
    assert not sink.is_open
    assert caplog.messages == [
        "no database; tried again until it works", "connected",
        "the disk is full; tried again until it works",
        "a message is left out: not a batch of samples: Expecting value: line 1 column 1 (char 0)",
    ]  # fmt: skip


def test_a_file_of_sqlite_that_fails_is_opened_anew(tmp_path: Path) -> None:
    file = tmp_path / "samples.db"
    broker, sink = Broker(payloads(3)), SqliteSink(file)
    open_first = sink.open

    async def open_and_break() -> None:
        await open_first()
        if broker.connections == 0:
            with closing(sqlite3.connect(file)) as database:
                database.execute("DROP TABLE sample")

    sink.open = open_and_break  # type: ignore[method-assign]
    consume(broker, sink, lambda: not broker.owed)
    assert broker.connections == 2
    with closing(sqlite3.connect(file)) as database:
        numbers = [number for (number,) in database.execute("SELECT seq FROM sample ORDER BY seq")]
    assert numbers == list(range(1, 1 + 3 * SAMPLES))
