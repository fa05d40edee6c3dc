"""`takt cloud`: receive batches from MQTT or JetStream, keep the samples, account for every number.

A broker is told only when a batch is safe in the sink. JetStream keeps the place by a durable name,
an MQTT broker by a session of that name.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gateway.cloud.libraries import require
from gateway.cloud.seam import UplinkError
from gateway.cloud.sinks import Sink, SqliteSink
from gateway.config import RECONNECT_MAX_S
from gateway.flow.batches import Batch, BatchError, decode_batch
from gateway.flow.ledger import Ledger
from gateway.flow.sparkplug_ledger import NodeLedger, is_sparkplug
from gateway.store.lanes import Lane
from runtime.errors import HostError, UsageError

_LOG: Final = logging.getLogger("gateway.cloud")
_GATHER: Final = 64
"""Messages that one transaction of the sink takes, at most."""
_FORM: Final = "mqtt://HOST:PORT/TOPIC or nats://HOST:PORT/STREAM"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message: which lane, what it holds, and how to acknowledge it."""

    lane: str
    payload: bytes
    acknowledge: Callable[[], Awaitable[None]]
    topic: str = ""
    """Of MQTT."""


Source = Callable[[], contextlib.AbstractAsyncContextManager[AsyncIterator[Delivery]]]
"""Connects; the iterator ends or raises `UplinkError` when the connection does."""


class Consumer:
    """Receives until cancelled; reconnects as long as it takes."""

    def __init__(self, source: Source, sink: Sink) -> None:
        """Take both ends; nothing is connected yet."""
        self._source, self._sink = source, sink
        self.ledger, self.nodes = Ledger(), NodeLedger()
        self._noted: set[str] = set()
        self.refused = 0
        """Messages that were no batches, and none of a Sparkplug node."""

    async def open(self) -> None:
        """Open the sink once before `run`, so that one that was never there is told at once.

        Raises:
            HostError: It cannot be opened.
        """
        try:
            await self._sink.open()
        except (UplinkError, OSError) as error:
            await self._sink.close()
            raise HostError(f"the sink cannot be opened: {error}") from None

    async def run(self) -> None:
        """Receive and keep; after a failure of either end, begin anew with both."""
        while True:
            try:
                await self._sink.open()
                async with self._source() as deliveries:
                    self._note("connected", logging.INFO)
                    await self._receive(deliveries)
            except* (UplinkError, OSError, TimeoutError) as failed:
                self._note(f"{_first(failed) or 'no answer in time'}; tried again until it works")
            finally:
                await self._sink.close()
            await asyncio.sleep(RECONNECT_MAX_S / 10)

    def _note(self, text: str, level: int = logging.WARNING) -> None:
        """Tell what has changed, once until something is kept again."""
        if text not in self._noted:
            _LOG.log(level, "%s", text)
        self._noted.add(text)

    async def _receive(self, deliveries: AsyncIterator[Delivery]) -> None:
        """Keep what comes, as many messages together as there are."""
        queue: asyncio.Queue[Delivery | None] = asyncio.Queue(_GATHER)

        async def fill() -> UplinkError | OSError | None:
            ended = None
            try:
                async for delivery in deliveries:
                    await queue.put(delivery)
            except (UplinkError, OSError) as error:
                ended = error
            await queue.put(None)
            return ended

        async with asyncio.TaskGroup() as group:
            filling = group.create_task(fill())
            while (first := await queue.get()) is not None:
                gathered = [first]
                while not queue.empty() and len(gathered) < _GATHER:
                    more = queue.get_nowait()
                    if more is None:
                        await queue.put(None)
                        break
                    gathered.append(more)
                await self._keep(gathered)
            error = await filling
        if error is not None:
            raise error

    async def _keep(self, deliveries: list[Delivery]) -> None:
        """Keep what is in messages, then account for it and acknowledge them."""
        batches: list[tuple[str, Batch]] = []
        refused: list[BatchError] = []
        of_nodes = [delivery for delivery in deliveries if is_sparkplug(delivery.topic)]
        for delivery in deliveries:
            if is_sparkplug(delivery.topic):
                continue
            try:
                batches.append((delivery.lane, decode_batch(delivery.payload)))
            except BatchError as error:
                refused.append(error)
        await self._sink.keep([batch for _, batch in batches])
        self._noted.clear()
        self.refused += len(refused)
        for reason in refused:
            _LOG.warning("a message is left out: %s", reason)
        for lane, batch in batches:
            self.ledger.take(batch.stream, lane, (batch.first, batch.end))
        for delivery in of_nodes:
            self._account(delivery)
        for delivery in deliveries:
            await delivery.acknowledge()

    def _account(self, delivery: Delivery) -> None:
        """Enter a message of a Sparkplug node; its values have no numbers to be kept by."""
        if not self.nodes.take(delivery.topic, delivery.payload):
            self.refused += 1
            _LOG.warning("a message of %s is left out: not Sparkplug B", delivery.topic)

    def report(self) -> str:
        """Return the accounts as one line of JSON."""
        accounts = {"streams": self.ledger.as_json(), "refused": self.refused}
        nodes = {"nodes": self.nodes.as_json()} if self.nodes.accounts else {}
        return json.dumps(accounts | nodes)


def _first(failed: BaseException) -> str:
    """Return the text of the first error of a group."""
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return str(failed)


def parse_source(url: str, name: str) -> Source:
    """Return what connects to the broker of a URL.

    Args:
        url: mqtt://[user:password@]host[:port]/topic or nats://…/stream.
        name: Under which the broker keeps the consumer's place.

    Raises:
        UsageError: It is neither.
        HostError: The library for it is not installed.
    """
    parts = urlsplit(url)
    path = parts.path.lstrip("/") + ("#" if url.endswith("#") else "")
    if parts.scheme not in {"mqtt", "nats"} or not _has_host(parts) or not path:
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()  # no password
        raise UsageError(f"source {shown!r}: expected {_FORM}")
    if parts.scheme == "mqtt":
        require("aiomqtt", "a source of MQTT")
        from gateway.cloud.consume_mqtt import mqtt_deliveries

        return lambda: mqtt_deliveries(*_address(parts, 1883), mqtt_topics(path), name)
    require("nats", "a source of JetStream")
    from gateway.cloud.consume_jetstream import jetstream_deliveries

    return lambda: jetstream_deliveries(*_address(parts, 4222), path, name)


def mqtt_topics(topic: str) -> list[str]:
    """Return what to subscribe to for a topic of `takt.toml`: its lanes, not its commands.

    A lane's own topic, a pattern and one of Sparkplug stay as they are.
    """
    is_whole = topic.endswith(tuple(f"/{lane.value}" for lane in Lane)) or is_sparkplug(topic)
    if is_whole or not {"+", "#"}.isdisjoint(topic):
        return [topic]
    return [f"{topic}/{lane.value}" for lane in Lane]


def _has_host(parts: SplitResult) -> bool:
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _address(parts: SplitResult, port: int) -> tuple[str, int, str | None, str | None]:
    assert parts.hostname is not None
    return parts.hostname, parts.port or port, parts.username, parts.password


def parse_sink(target: str) -> Sink:
    """Return the sink of a URL of PostgreSQL, or of the name of a file.

    Raises:
        HostError: The library for it is not installed.
    """
    if target.startswith(("postgresql://", "postgres://")):
        require("asyncpg", "a sink of PostgreSQL")
        from gateway.cloud.postgresql_sink import PostgresqlSink

        return PostgresqlSink(target)
    return SqliteSink(Path(target))
