"""Sparkplug for `uplink.py`: a node of the load's variables, and what its messages cost bare."""

import time
from collections.abc import Awaitable, Sequence
from typing import Final

import aiomqtt
from uplink_chain import VALUES

from gateway.cloud.sparkplug import SparkplugPeer, SparkplugSettings
from gateway.cloud.sparkplug_program import MS_NS, report_of
from gateway.flow.batches import Row, decode_batch
from gateway.protocols.sparkplug.catalogue import NODE, Catalogue, Place
from gateway.protocols.sparkplug.datatypes import Datatype
from gateway.protocols.sparkplug.node import EdgeNode, NodeMessage, Present, Report
from gateway.store.lanes import Group, Lane

GROUP: Final = "bench"
CATALOGUE: Final = Catalogue(
    {
        path: Place(NODE, path, Datatype.DOUBLE)
        for path in (f"MAIN.AREA.LEVEL{n}" for n in range(VALUES))
    }
)


class LoadProgram:
    """The load as a program: always running, without devices."""

    def __init__(self) -> None:
        """Be new."""
        self._is_known = False

    def changed(self) -> Catalogue | None:
        """Return the catalogue once."""
        known, self._is_known = self._is_known, True
        return None if known else CATALOGUE

    def is_running(self) -> bool:
        """Run."""
        return True

    def present(self) -> Present:
        """Return nothing: births have nulls until data comes."""
        return Present()

    def is_linked(self, device: str) -> bool:
        """Return that every device lives; there is none."""
        del device
        return True


def make_node(port: int, name: str, timeout_s: float) -> SparkplugPeer:
    """Return the gateway's node."""
    settings = SparkplugSettings(
        brokers=(("127.0.0.1", port),), version="5", group=GROUP, node=name, client_id=name,
        user=None, password=None, tls=None, timeout_s=timeout_s,
    )  # fmt: skip
    return SparkplugPeer(settings, LoadProgram(), time.time_ns, lambda: 0)


class BarePublisher:
    """The client library alone: publishes the messages of batches, made before."""

    def __init__(self, port: int, name: str) -> None:
        """Connect nothing, know no message yet."""
        self._port, self._node = port, EdgeNode(GROUP, name)
        self._node.adopt(CATALOGUE)
        self._messages: dict[bytes, list[NodeMessage]] = {}
        self._client: aiomqtt.Client | None = None

    def prepare(self, payloads: Sequence[bytes]) -> None:
        """Make the messages of batches, one a scan, as the gateway's node does."""
        for payload in payloads:
            rows = decode_batch(payload).rows
            now_ms = time.time_ns() // MS_NS
            self._messages[payload] = [
                message
                for first in range(0, len(rows), VALUES)
                for message in self._node.data(
                    [_report(row) for row in rows[first : first + VALUES]], now_ms, historical=False
                )
            ]

    @property
    def bytes_per_sample(self) -> float:
        """Size of the messages over the samples in them."""
        sizes = [len(item.payload) for messages in self._messages.values() for item in messages]
        return sum(sizes) / (VALUES * len(sizes))

    async def connect(self) -> None:
        """Connect."""
        client = aiomqtt.Client("127.0.0.1", self._port, protocol=aiomqtt.ProtocolVersion.V5)
        self._client = await client.__aenter__()

    async def progress(self, stream: str, lane: Lane) -> int | None:
        """Tell nothing."""
        del stream, lane
        return None

    async def send(self, group: Group) -> Awaitable[None]:
        """Publish with quality of service 0."""
        assert self._client is not None
        for batch in group.batches:
            for message in self._messages[batch.payload]:
                await self._client.publish(message.topic, message.payload, qos=0)
        return _done()

    async def close(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            await client.__aexit__(None, None, None)


async def check_equal(port: int, bare: BarePublisher, group: Group) -> int:
    """Let a node and the publisher send a group; return how many messages arrived from each.

    Raises:
        SystemExit: What arrived is not the same.
    """
    async with aiomqtt.Client("127.0.0.1", port) as listener:
        await listener.subscribe(f"spBv1.0/{GROUP}/NDATA/+")
        sizes: dict[str, list[int]] = {"ours": [], "bare": []}
        node = make_node(port, "ours", 30.0)
        await node.connect()
        await node.ready()
        await bare.connect()
        for peer in (node, bare):
            await (await peer.send(group))
        async for message in listener.messages:
            assert isinstance(message.payload, bytes)
            sizes[message.topic.value.rpartition("/")[2]].append(len(message.payload))
            if all(len(found) == 2 * len(group.batches) for found in sizes.values()):
                break
        await node.close()
        await bare.close()
    if sizes["ours"] != sizes["bare"]:
        raise SystemExit(f"Sparkplug: messages differ: {sizes}")
    return len(sizes["ours"])


def _report(row: Row) -> Report:
    return report_of(row.path, row.value, row.time_ns // MS_NS, row.quality)


async def _done() -> None:
    """End at once: quality of service 0 has no acknowledgement."""
