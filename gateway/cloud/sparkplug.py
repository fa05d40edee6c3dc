"""The peer Sparkplug B 3.0: an edge node whose metrics are the published variables.

Sparkplug prescribes quality of service 0, so an acknowledgement here means that the broker's
connection has taken the bytes. The backlog lane is sent as historical values.

    connect ─► NCMD, DCMD, STATE subscribed ─► primary host online ─► births ─► data, deaths …
"""

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

import aiomqtt

from gateway.cloud.commands_sparkplug import CommandInbox, incoming_of
from gateway.cloud.ending import first_of, stop_if_cancelled
from gateway.cloud.mqtt import translated
from gateway.cloud.seam import UplinkError
from gateway.cloud.sparkplug_client import NodeClient, make_node_client, subscribe
from gateway.cloud.sparkplug_program import MS_NS, report_of
from gateway.config import SPARKPLUG_CHECK_S
from gateway.flow.batches import Row, decode_batch
from gateway.protocols.sparkplug.catalogue import NODE, Catalogue
from gateway.protocols.sparkplug.node import EdgeNode, NodeMessage, Present, Report
from gateway.protocols.sparkplug.payload import decode_payload
from gateway.protocols.sparkplug.state import PrimaryHost
from gateway.protocols.sparkplug.wire import PayloadError
from gateway.store.lanes import Group, Lane

_LOG: Final = logging.getLogger("gateway.cloud")
_GOODBYE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class SparkplugSettings:
    """Where the brokers are and who the node is."""

    brokers: tuple[tuple[str, int], ...]
    """Host and port; one after the other is tried."""
    version: str
    group: str
    node: str
    client_id: str
    user: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None
    timeout_s: float
    primary_host: str | None = None
    takes_commands: bool = False
    command_ttl_ms: int = 5000


class Program(Protocol):
    """What there is to report (`sparkplug_program.ProgramView`)."""

    def changed(self) -> Catalogue | None:
        """Return the catalogue, where it is another than at the last call."""

    def is_running(self) -> bool:
        """Return whether a program runs."""

    def present(self) -> Present:
        """Return the values of now."""

    def is_linked(self, device: str) -> bool:
        """Return whether a device lives."""


class SparkplugPeer:
    """One connection of the edge node; reconnecting is the uplink's business."""

    def __init__(
        self,
        settings: SparkplugSettings,
        program: Program,
        wall_clock: Callable[[], int],
        next_bdseq: Callable[[], int],
    ) -> None:
        """Connect nothing yet; the clock gives ns since 1970, `next_bdseq` may wait for a disk."""
        self._settings, self._program, self._wall_clock = settings, program, wall_clock
        self._next_bdseq = next_bdseq
        self._node = EdgeNode(settings.group, settings.node, program.present)
        self.inbox = CommandInbox()
        self._hosts = [PrimaryHost(settings.primary_host or "") for _ in settings.brokers]
        self._attempts = 0
        self._turn = asyncio.Lock()
        """Whoever makes messages holds it until they are sent: numbers go out in their order."""
        self._born = self._was_running = self._birth_due = False
        self._birth_s = 0.0
        """When the node was born last, by the loop's clock."""
        self._subscribed: set[str] = set()
        self._stack = contextlib.AsyncExitStack()
        self._client: NodeClient | None = None

    @property
    def _host(self) -> PrimaryHost:
        return self._hosts[(self._attempts - 1) % len(self._hosts)]

    # -- the connection -------------------------------------------------------------------------
    async def connect(self) -> None:
        """Connect with the death as will, subscribe to commands and to the primary host."""
        settings = self._settings
        host, port = settings.brokers[self._attempts % len(settings.brokers)]
        self._attempts += 1
        self._host.forget()
        self._stack, self._subscribed = contextlib.AsyncExitStack(), set()
        self._born = False
        bdseq = await asyncio.to_thread(self._next_bdseq)
        will = self._node.connecting(bdseq, self._now_ms())
        with translated():
            client = await self._stack.enter_async_context(
                make_node_client(settings, host, port, will)
            )
        self._client = client
        await self._subscribe(self._node.topic("NCMD"))
        if settings.primary_host is not None:
            await self._subscribe(self._host.topic)

    async def ready(self) -> None:
        """Wait for the primary host, where there is one; then be born."""
        settings = self._settings
        if settings.primary_host is not None:
            await self._await_host()
        self._adopt()
        await self._subscribe_devices()
        async with self._turn:
            self._follow_links()
            await self._publish(self._births())
        self._born = True
        self.inbox.open()

    async def ended(self) -> None:
        """Follow what comes in and what goes on here, until the connection ends."""
        await first_of(self._listen(), self._supervise())

    async def progress(self, stream: str, lane: Lane) -> int | None:
        """Tell nothing: a broker keeps no account."""
        del stream, lane
        return None

    async def send(self, group: Group) -> Awaitable[None]:
        """Publish the scans of the batches, one message each for the node and every device."""
        historical = group.lane is Lane.BACKLOG
        async with self._turn:
            for batch in group.batches:
                for scan in _scans(decode_batch(batch.payload).rows):
                    messages = self._node.data(scan, self._now_ms(), historical=historical)
                    await self._publish(messages)
            await self._publish(self._node.settle(self._now_ms()))
        return _done()

    async def close(self) -> None:
        """Die in order, where the broker still listens."""
        client, self._client = self._client, None
        self.inbox.close()
        with contextlib.suppress(aiomqtt.MqttError, OSError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                if client is not None and self._born:
                    death = self._node.death(self._now_ms())
                    await client.publish(death.topic, death.payload, qos=0)
                    if self._settings.version == "5":
                        await client.leave_with_will()
                await self._stack.aclose()

    # -- what comes in --------------------------------------------------------------------------
    async def _await_host(self) -> None:
        """Wait for the primary host; where there are other brokers, not for long."""
        settings, host = self._settings, self._host
        _LOG.info("Sparkplug: waiting for the primary host %s", host.host_id)
        try:
            async with asyncio.timeout(settings.timeout_s if len(settings.brokers) > 1 else None):
                async for message in self._messages():
                    await self._take(message)
                    if host.is_online:
                        return
        except TimeoutError:
            raise UplinkError(f"the primary host {host.host_id} is not online here") from None

    async def _listen(self) -> None:
        """Follow commands and the primary host."""
        async for message in self._messages():
            await self._take(message)

    async def _messages(self) -> AsyncIterator[aiomqtt.Message]:
        """Yield what arrives, until the connection ends."""
        assert self._client is not None
        with translated():
            async for message in self._client.messages:
                yield message

    async def _take(self, message: aiomqtt.Message) -> None:
        topic, payload = message.topic.value, message.payload
        assert isinstance(payload, bytes | bytearray)
        if topic == self._host.topic:
            self._hear_host(topic, bytes(payload))
            return
        node = self._node
        devices = {node.topic("DCMD", item): item for item in node.devices}
        device = {**devices, node.topic("NCMD"): NODE}.get(topic)
        if device is None:  # of a program of before
            return
        try:
            metrics = decode_payload(bytes(payload)).metrics
        except PayloadError as error:
            _LOG.warning("Sparkplug: a command is left out: %s", error)
            return
        request = node.request(metrics, device)
        if request.rebirth and self._born and not message.retain:
            await self._rebirth()
        for order in request.orders:
            ttl_ms = self._settings.command_ttl_ms
            command = incoming_of(order, secrets.token_hex(8), ttl_ms, is_retained=message.retain)
            if not self.inbox.put(command):
                _LOG.warning("Sparkplug: a command would write %s: refused", order.path)

    async def _rebirth(self) -> None:
        """Be born at once, or together with further requests where the last birth was just now."""
        _LOG.info("Sparkplug: a host asks for a birth")
        if asyncio.get_running_loop().time() < self._birth_s + SPARKPLUG_CHECK_S:
            self._birth_due = True
            return
        async with self._turn:
            await self._publish(self._births())

    def _hear_host(self, topic: str, payload: bytes) -> None:
        host = self._host
        if not host.take(topic, payload):
            _LOG.warning("Sparkplug: the primary host's state is left out: %r", payload[:80])
        elif self._born and not host.is_online:
            raise UplinkError(f"the primary host {host.host_id} is offline")

    # -- what goes on here ----------------------------------------------------------------------
    async def _supervise(self) -> None:
        """Look from time to time for a new program, for one that stopped, and at the links."""
        while True:
            await asyncio.sleep(SPARKPLUG_CHECK_S)
            if self._adopt():
                await self._subscribe_devices()
                async with self._turn:
                    self._follow_links()
                    await self._publish(self._births())
                continue
            async with self._turn:
                if self._birth_due or self._program.is_running() != self._was_running:
                    await self._publish(self._births())
                await self._publish(self._follow_links())

    def _adopt(self) -> bool:
        """Take over the catalogue of a new program; return whether there is one."""
        catalogue = self._program.changed()
        if catalogue is not None:
            self._node.adopt(catalogue)
        return catalogue is not None

    def _births(self) -> list[NodeMessage]:
        self._was_running, self._birth_due = self._program.is_running(), False
        self._birth_s = asyncio.get_running_loop().time()
        return self._node.births(self._now_ms())

    def _follow_links(self) -> list[NodeMessage]:
        now_ms = self._now_ms()
        return [
            message
            for device in self._node.devices
            for message in self._node.link(device, now_ms, up=self._program.is_linked(device))
        ]

    async def _subscribe_devices(self) -> None:
        if self._settings.takes_commands:
            for device in self._node.devices:
                await self._subscribe(self._node.topic("DCMD", device))

    async def _subscribe(self, topic: str) -> None:
        if self._client is None:
            raise UplinkError("the connection has ended")
        if topic not in self._subscribed:
            await subscribe(self._client, topic)
            self._subscribed.add(topic)

    async def _publish(self, messages: Iterable[NodeMessage]) -> None:
        client = self._client
        with translated():
            for message in messages:
                if client is None:
                    raise UplinkError("the connection has ended")
                await client.publish(message.topic, message.payload, qos=0, retain=False)
                stop_if_cancelled()

    def _now_ms(self) -> int:
        return self._wall_clock() // MS_NS


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
        scan.append(report_of(row.path, row.value, row.time_ns // MS_NS, row.quality))
    if scan:
        yield scan


async def _done() -> None:
    """End at once: quality of service 0 has no acknowledgement."""
