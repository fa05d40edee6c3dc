"""The processes of `bench/opcua.py`: servers and clients, ours and plain asyncua, one role each.

    python bench/opcua_roles.py server asyncua COUNT PERIOD_S
    python bench/opcua_roles.py client ours|asyncua read|write|notify ENDPOINT COUNT SECONDS

A server prints its port; a client prints values, processor seconds and the worst age as JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from asyncua import Client, Server, ua

from gateway.field.opcua_connection import Login, OpcUaConnection
from gateway.protocols.opcua.builtin import ticks_of
from gateway.protocols.opcua.messages import Message
from gateway.protocols.opcua.node_id import parse_node
from gateway.protocols.opcua.services import (
    Item,
    decode_created_items,
    decode_created_subscription,
    decode_published,
    decode_read_results,
    encode_create_items,
    encode_create_subscription,
    encode_publish,
    encode_read,
    encode_write,
)
from runtime.project.devices import OpcUaDevice

BATCH = 1000
FOLDER = 100
DOUBLE = 11


def name_of(number: int) -> str:
    """Return the NodeId of a value, the same at both servers."""
    return f"ns=2;s=MAIN.V{number}"


async def serve_asyncua(count: int, period_s: float) -> None:
    """Serve Doubles by plain asyncua; from a line on stdin on, change all in each period."""
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/bench")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:bench")
    nodes = []
    folder = server.nodes.objects
    for number in range(count):
        if number % FOLDER == 0:  # asyncua compares a node with all others of its folder
            folder = await server.nodes.objects.add_folder(2, f"F{number}")
        node = ua.NodeId(f"MAIN.V{number}", 2)
        nodes.append(
            await folder.add_variable(node, f"V{number}", float(number), ua.VariantType.Double)
        )
    for node in nodes:
        await node.set_writable()
    await server.start()
    print(json.dumps({"port": server.bserver.port}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)  # changes begin when the benchmark says so
    value = 0.0
    while True:
        began = time.monotonic()
        if period_s:
            value += 1.0
            for node in nodes:
                stamped = ua.DataValue(
                    ua.Variant(value, ua.VariantType.Double),
                    SourceTimestamp=ua.win_epoch_to_datetime(ticks_of(time.time_ns())),
                )
                await server.write_attribute_value(node.nodeid, stamped)
        await asyncio.sleep(max((period_s or 1.0) - (time.monotonic() - began), 0))


class OurClient:
    """The gateway's connection and codec."""

    def __init__(self, endpoint: str, count: int) -> None:
        """Connect nothing yet."""
        section = OpcUaDevice.model_validate(
            {"name": "bench", "protocol": "opcua", "endpoint": endpoint, "security": "None",
             "timeout": "30s"}
        )  # fmt: skip
        self.connection = OpcUaConnection(Login(section, Path(), "bench"), time.monotonic_ns)
        self.nodes = [parse_node(name_of(number)).encode() for number in range(count)]
        self.reads = [encode_read(self.nodes[at : at + BATCH]) for at in range(0, count, BATCH)]
        self.sum = 0.0
        self.age_ms = 0.0

    async def read(self) -> int:
        """Read all values once; return their number."""
        count, total = 0, 0.0
        for parameters in self.reads:
            answer = await self.connection.ask(Message.READ_REQUEST, parameters, "read")
            values = decode_read_results(answer.cursor)
            total += float(values["raw"].view("<f8").sum())
            count += len(values)
        self.sum = total
        return count

    async def write(self) -> int:
        """Write all values once; return their number."""
        for at in range(0, len(self.nodes), BATCH):
            nodes = self.nodes[at : at + BATCH]
            raw = int(np.float64(time.monotonic()).view("<u8"))
            parameters = encode_write(nodes, [DOUBLE] * len(nodes), [raw] * len(nodes))
            await self.connection.ask(Message.WRITE_REQUEST, parameters, "write")
        return len(self.nodes)

    async def subscribe(self, interval_ms: float) -> None:
        """Let the server tell all values."""
        ask = self.connection.ask
        wanted = encode_create_subscription(interval_ms, 10_000, 10)
        answer = await ask(Message.CREATE_SUBSCRIPTION_REQUEST, wanted, "subscription")
        self.number = decode_created_subscription(answer.cursor).number
        for at in range(0, len(self.nodes), BATCH):
            items = [Item(node, interval_ms) for node in self.nodes[at : at + BATCH]]
            wanted = encode_create_items(self.number, items, at)
            created = await ask(Message.CREATE_ITEMS_REQUEST, wanted, "items")
            assert not any(decode_created_items(created.cursor))

    async def notify(self) -> int:
        """Take one message; return its values."""
        future = self.connection.post(Message.PUBLISH_REQUEST, encode_publish([]), 0)
        answer = self.connection.answered(await future, time.monotonic_ns(), "publish")
        values = decode_published(answer.cursor).values
        if len(values):
            oldest = int(values["source"].min())
            self.age_ms = max(self.age_ms, (ticks_of(time.time_ns()) - oldest) / 1e4)
        return len(values)


class AsyncuaClient:
    """Plain asyncua, used as its documentation shows."""

    def __init__(self, endpoint: str, count: int) -> None:
        """Connect nothing yet."""
        self.client = Client(endpoint, timeout=60)
        self.nodes = [self.client.get_node(name_of(number)) for number in range(count)]
        self.told = 0
        self.sum = 0.0
        self.age_ms = 0.0

    async def read(self) -> int:
        """Read all values once; return their number."""
        total = 0.0
        for at in range(0, len(self.nodes), BATCH):
            total += sum(await self.client.read_values(self.nodes[at : at + BATCH]))
        self.sum = total
        return len(self.nodes)

    async def write(self) -> int:
        """Write all values once; return their number."""
        value = ua.DataValue(ua.Variant(time.monotonic(), ua.VariantType.Double))
        for at in range(0, len(self.nodes), BATCH):
            nodes = self.nodes[at : at + BATCH]
            await self.client.write_values(nodes, [value] * len(nodes))
        return len(self.nodes)

    def datachange_notification(self, _node: Any, _value: float, _data: Any) -> None:
        """Count a value that was told."""
        self.told += 1

    async def subscribe(self, interval_ms: float) -> None:
        """Let the server tell all values."""
        subscription = await self.client.create_subscription(
            interval_ms, self, queue_maxsize=1_000_000
        )
        for at in range(0, len(self.nodes), BATCH):
            await subscription.subscribe_data_change(self.nodes[at : at + BATCH])

    async def notify(self) -> int:
        """Wait a moment; return the values that were told meanwhile."""
        before = self.told
        await asyncio.sleep(0.05)
        return self.told - before


async def turns(step: Callable[[], Awaitable[int]], seconds: float) -> tuple[int, float]:
    """Repeat a step for a time; return the values and the processor seconds that it took."""
    await step()
    values, cpu, end = 0, time.process_time(), time.monotonic() + seconds
    while time.monotonic() < end:
        values += await step()
    return values, time.process_time() - cpu


async def run_client(kind: str, what: str, endpoint: str, count: int, seconds: float) -> None:
    """Measure one client and print what came of it."""
    client: OurClient | AsyncuaClient
    if kind == "ours":
        client = OurClient(endpoint, count)
        await client.connection.open()
    else:
        client = AsyncuaClient(endpoint, count)
        await client.client.connect()
    if what == "notify":
        await client.subscribe(100.0 if count < BATCH * 10 else 500.0)
        await asyncio.sleep(1.0)
        await client.notify()
        client.age_ms = 0.0
    step = {"read": client.read, "write": client.write, "notify": client.notify}[what]
    values, cpu = await turns(step, seconds)
    report = {"values": values, "cpu": cpu, "sum": client.sum, "age_ms": client.age_ms}
    print(json.dumps(report), flush=True)
    if isinstance(client, OurClient):
        client.connection.close()
    else:
        await client.client.disconnect()


def main() -> None:
    """Play the role that the arguments say."""
    import logging

    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    role, kind, *rest = sys.argv[1:]
    if role == "server":
        uvloop.run(serve_asyncua(int(rest[0]), float(rest[1])))
    else:
        uvloop.run(run_client(kind, rest[0], rest[1], int(rest[2]), float(rest[3])))


if __name__ == "__main__":
    main()
