"""A Sparkplug host application for tests: messages by aiomqtt, payloads by Eclipse Tahu."""

import asyncio
import base64
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import pytest

from tests.support.opcua_peers import NODE_FOLDER, require_node

PATIENCE_S = 30.0


class Tahu:
    """The library in a process of Node.js."""

    def __init__(self) -> None:
        if not (NODE_FOLDER / "node_modules" / "sparkplug-payload").is_dir():
            pytest.fail("sparkplug-payload is not installed: run `make peers`")
        self.process = subprocess.Popen(
            [require_node(), str(NODE_FOLDER / "sparkplug.js")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def read(self, topic: str, payload: bytes) -> dict[str, Any]:
        """Return a message as the library reads it."""
        return self._ask({"topic": topic, "payload": base64.b64encode(payload).decode()})

    def write(self, *metrics: dict[str, Any]) -> bytes:
        """Return a message of a host."""
        payload = {"timestamp": 1_700_000_000_000, "metrics": list(metrics)}
        return base64.b64decode(self._ask({"encode": payload})["payload"])


@contextlib.contextmanager
def tahu() -> Iterator[Tahu]:
    """Run the library to the end of the block."""
    reader = Tahu()
    try:
        yield reader
    finally:
        assert reader.process.stdin is not None
        assert reader.process.stdout is not None
        reader.process.stdin.close()
        reader.process.wait(PATIENCE_S)
        reader.process.stdout.close()


@dataclass
class Heard:
    """A message of the node, as the host has it."""

    kind: str
    device: str
    retain: bool
    qos: int
    body: dict[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        """The values by the names of the metrics."""
        return {item["name"]: item.get("value") for item in self.body.get("metrics", [])}

    def metric(self, name: str) -> dict[str, Any]:
        """Return a metric."""
        found: dict[str, Any] = next(item for item in self.body["metrics"] if item["name"] == name)
        return found


@dataclass
class Host:
    """Follows one node, and writes to it."""

    client: aiomqtt.Client
    library: Tahu
    root: str
    node: str
    heard: list[Heard] = field(default_factory=list)

    async def hear(self, kind: str, device: str = "") -> Heard:
        """Wait for the next message of a kind."""
        async with asyncio.timeout(PATIENCE_S):
            async for message in self.client.messages:
                _, _, found, _, *rest = message.topic.value.split("/")
                assert isinstance(message.payload, bytes)
                if found in {"NCMD", "DCMD"}:
                    continue
                body = self.library.read(message.topic.value, message.payload)
                heard = Heard(found, "".join(rest), message.retain, message.qos, body)
                self.heard.append(heard)
                if (found, heard.device) == (kind, device):
                    return heard
        raise AssertionError(f"no {kind} came")

    async def hear_until(self, kind: str, name: str, value: object, device: str = "") -> Heard:
        """Wait for a message of a kind that has a value."""
        while True:
            heard = await self.hear(kind, device)
            if heard.values.get(name) == value:
                return heard

    async def write(self, device: str, *metrics: dict[str, Any]) -> None:
        """Send an NCMD, or a DCMD to a device."""
        kind = f"DCMD/{self.node}/{device}" if device else f"NCMD/{self.node}"
        await self.client.publish(f"{self.root}/{kind}", self.library.write(*metrics), qos=0)

    async def rebirth(self) -> None:
        """Ask for a birth."""
        asked = {"name": "Node Control/Rebirth", "type": "Boolean", "value": True}
        await self.write("", asked)

    async def state(self, host: str, *, online: bool, timestamp: int) -> None:
        """Say as a primary host whether it listens."""
        payload = json.dumps({"online": online, "timestamp": timestamp})
        await self.client.publish(f"spBv1.0/STATE/{host}", payload, qos=1, retain=True)


@contextlib.asynccontextmanager
async def host(port: int, library: Tahu, node: str = "plant") -> AsyncIterator[Host]:
    """Connect a host that follows a node of the group "takt"."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        root = "spBv1.0/takt"
        await client.subscribe([(f"{root}/+/{node}", 1), (f"{root}/+/{node}/+", 1)])
        yield Host(client, library, root, node)
