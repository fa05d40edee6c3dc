"""The peer Sparkplug B 3.0: an edge node whose metrics are the published variables.

Sparkplug prescribes quality of service 0, so an acknowledgement here means that the broker's
connection has taken the bytes. The backlog lane is sent as historical values.
"""

import asyncio
import contextlib
import logging
import math
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import aiomqtt

from gateway.cloud.seam import UplinkError
from gateway.flow.batches import Row, decode_batch
from gateway.protocols.sparkplug.node import EdgeNode, NodeMessage, Report
from gateway.protocols.sparkplug.payload import (
    PayloadError,
    QualityCode,
    Value,
    decode_command,
)
from gateway.store.lanes import Group, Lane
from runtime.image.layout import Quality

_LOG: Final = logging.getLogger("gateway.cloud")
_MS_NS: Final = 1_000_000
_QUALITIES: Final = {
    Quality.GOOD: QualityCode.GOOD,
    Quality.UNCERTAIN: QualityCode.STALE,
    Quality.STALE: QualityCode.STALE,
    Quality.BAD: QualityCode.BAD,
    Quality.MISSING: QualityCode.BAD,
}


@dataclass(frozen=True, slots=True)
class SparkplugSettings:
    """Where the broker is and who the node is."""

    host: str
    port: int
    group: str
    node: str
    client_id: str
    user: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None
    timeout_s: float


class SparkplugPeer:
    """One connection of the edge node; reconnecting is the uplink's business."""

    def __init__(self, settings: SparkplugSettings, wall_clock: Callable[[], int]) -> None:
        """Connect nothing yet; the clock gives ns since 1970."""
        self._settings, self._wall_clock = settings, wall_clock
        self._node = EdgeNode(settings.group, settings.node)
        self._stack = contextlib.AsyncExitStack()
        self._client: aiomqtt.Client | None = None
        self._listening: asyncio.Future[None] | None = None

    async def connect(self) -> None:
        """Connect with the death as will, subscribe to commands, be born."""
        settings = self._settings
        self._stack = contextlib.AsyncExitStack()
        will = self._node.connecting(self._now_ms())
        with _translated():
            client = await self._stack.enter_async_context(
                aiomqtt.Client(
                    settings.host,
                    settings.port,
                    username=settings.user,
                    password=settings.password,
                    identifier=settings.client_id,
                    protocol=aiomqtt.ProtocolVersion.V311,
                    clean_session=True,
                    will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=False),
                    timeout=settings.timeout_s,
                    keepalive=20,
                    tls_context=settings.tls,
                )
            )
            await client.subscribe(self._node.topic("NCMD"), qos=1)
        self._client = client
        self._listening = asyncio.ensure_future(self._listen(client))
        await self._publish([self._node.birth(self._now_ms())])

    async def progress(self, stream: str, lane: Lane) -> int | None:
        """Tell nothing: a broker keeps no account."""
        del stream, lane
        return None

    async def send(self, group: Group) -> Awaitable[None]:
        """Publish the scans of the batches, one message each."""
        for batch in group.batches:
            for scan in _scans(decode_batch(batch.payload).rows):
                historical = group.lane is Lane.BACKLOG
                await self._publish(self._node.data(scan, self._now_ms(), historical=historical))
        return _done()

    async def close(self) -> None:
        """Die in order, where the broker still listens."""
        client, self._client = self._client, None
        listening, self._listening = self._listening, None
        with contextlib.suppress(aiomqtt.MqttError, OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                if client is not None:
                    death = self._node.death(self._now_ms())
                    await client.publish(death.topic, death.payload, qos=0)
                if listening is not None:
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
                await self._stack.aclose()

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Follow commands until the connection ends."""
        with contextlib.suppress(aiomqtt.MqttError):
            async for message in client.messages:
                await self._command(bytes(message.payload))

    async def _command(self, payload: bytes) -> None:
        try:
            command = decode_command(payload)
        except PayloadError as error:
            _LOG.warning("Sparkplug: a command is left out: %s", error)
            return
        for name in self._node.refused(command):
            _LOG.warning("Sparkplug: a command would write %s: refused", name)
        if self._node.asks_rebirth(command):
            _LOG.info("Sparkplug: a host asks for a birth")
            with contextlib.suppress(UplinkError):
                await self._publish([self._node.birth(self._now_ms())])

    async def _publish(self, messages: Iterable[NodeMessage]) -> None:
        client = self._client
        with _translated():
            for message in messages:
                if client is None:
                    raise UplinkError("the connection has ended")
                await client.publish(message.topic, message.payload, qos=0, retain=False)

    def _now_ms(self) -> int:
        return self._wall_clock() // _MS_NS


def _scans(rows: Iterable[Row]) -> Iterator[list[Report]]:
    """Yield the samples of each scan."""
    scan: list[Report] = []
    of: tuple[str, str, int] | None = None
    for row in rows:
        key = row.run, row.task, row.cycle
        if scan and key != of:
            yield scan
            scan = []
        of = key
        quality = _QUALITIES.get(Quality(row.quality), QualityCode.BAD)
        scan.append(Report(row.path, _value(row), row.time_ns // _MS_NS, quality))
    if scan:
        yield scan


def _value(row: Row) -> Value:
    value = row.value
    if isinstance(value, list | dict):
        return str(value)
    return value if not isinstance(value, float) or math.isfinite(value) else math.nan


async def _done() -> None:
    """End at once: quality of service 0 has no acknowledgement."""


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except aiomqtt.MqttError as error:
        raise UplinkError(f"MQTT: {error}") from error
