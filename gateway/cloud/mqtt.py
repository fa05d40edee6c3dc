"""The peer MQTT, versions 5 and 3.1.1: batches as JSON, quality of service 1.

At least once and in order: what was not acknowledged when a connection ended is sent again, and a
consumer tells by the numbers in a batch what came twice.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import aiomqtt

from gateway.cloud.ending import first_of
from gateway.cloud.seam import UplinkError
from gateway.store.lanes import Group, Lane

_AT_LEAST_ONCE: Final = 1
_REFUSED: Final = 0x80
"""Reason codes of a broker from here on are refusals."""
VERSIONS: Final = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Where the broker is and how to speak to it."""

    host: str
    port: int
    version: str
    topic: str
    client_id: str
    user: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None
    timeout_s: float


def make_client(settings: MqttSettings) -> aiomqtt.Client:
    """Return a client with a clean session; it connects when it is entered."""
    return aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.user,
        password=settings.password,
        identifier=settings.client_id,
        protocol=VERSIONS[settings.version],
        clean_session=True if settings.version == "3.1.1" else None,
        timeout=settings.timeout_s,
        keepalive=20,
        tls_context=settings.tls,
    )


class MqttPeer:
    """One connection to a broker; reconnecting is the uplink's business."""

    def __init__(self, settings: MqttSettings) -> None:
        """Connect nothing yet."""
        self._settings = settings
        self._stack = contextlib.AsyncExitStack()
        self._client: aiomqtt.Client | None = None

    async def connect(self) -> None:
        """Connect with a clean session: the outbox remembers, the broker need not."""
        self._stack = contextlib.AsyncExitStack()
        with translated():
            self._client = await self._stack.enter_async_context(make_client(self._settings))
            self._client.pending_calls_threshold = _NO_WARNING_BELOW

    async def progress(self, stream: str, lane: Lane) -> int | None:
        """Tell nothing: a broker keeps no account."""
        del stream, lane
        return None

    async def send(self, group: Group) -> Awaitable[None]:
        """Hand all batches to the client, which keeps their order."""
        client = self._client
        assert client is not None
        topic = f"{self._settings.topic}/{group.lane.value}"
        published = asyncio.gather(
            *(client.publish(topic, item.payload, qos=_AT_LEAST_ONCE) for item in group.batches)
        )
        await asyncio.sleep(0)  # the publications begin, in their order
        return self._await_all(client, published)

    async def _await_all(
        self, client: aiomqtt.Client, published: asyncio.Future[list[None]]
    ) -> None:
        with translated():
            await first_of(published, _first(aiter(client.messages)))

    async def close(self) -> None:
        """Say goodbye, where the broker still listens."""
        self._client = None
        with contextlib.suppress(aiomqtt.MqttError, OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._stack.aclose()


_NO_WARNING_BELOW: Final = 10_000
"""Publications under way: the library warns of more, and a group has many."""


async def _first(messages: AsyncIterator[aiomqtt.Message]) -> None:
    """Wait for a message: none will come, but the library tells here that the connection ended."""
    await anext(messages)


def is_granted(granted: Iterable[object]) -> bool:
    """Return whether a broker lets us have all subscriptions of a request."""
    codes = [
        item if isinstance(item, int) else getattr(item, "value", _REFUSED) for item in granted
    ]
    return all(code < _REFUSED for code in codes)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the library's errors into those of an uplink."""
    try:
        yield
    except aiomqtt.MqttError as error:
        raise UplinkError(f"MQTT: {error}") from error
