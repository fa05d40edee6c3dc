"""Batches from an MQTT broker, for the consumer: acknowledged when they are safe.

A session that outlives the connection: the broker sends again what was not acknowledged.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.cloud.consumer import Delivery
from gateway.cloud.seam import UplinkError

_AT_LEAST_ONCE: Final = 1
_SESSION_S: Final = 7 * 86_400
_UNACKNOWLEDGED_MAX: Final = 256
"""Messages that the broker sends ahead of acknowledgements: they are in memory here."""


@contextlib.asynccontextmanager
async def mqtt_deliveries(
    host: str, port: int, user: str | None, password: str | None, topics: Sequence[str], name: str
) -> AsyncIterator[AsyncIterator[Delivery]]:
    """Connect and subscribe; yield the messages.

    Raises:
        UplinkError: The broker is not there, or refuses.
    """
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = _SESSION_S
    properties.ReceiveMaximum = _UNACKNOWLEDGED_MAX
    client = _Client(
        host,
        port,
        username=user,
        password=password,
        identifier=name,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=False,
        properties=properties,
    )
    client.leave_acknowledging_to_us()  # before it connects: the session's messages come at once
    try:
        async with client:
            await client.subscribe([(topic, _AT_LEAST_ONCE) for topic in topics])
            yield _messages(client)
    except aiomqtt.MqttError as error:
        raise UplinkError(f"MQTT: {error}") from error


class _Client(aiomqtt.Client):
    """A client that acknowledges a message when it is told to, not on its arrival."""

    def leave_acknowledging_to_us(self) -> None:
        """Acknowledge nothing from now on but by `acknowledge`."""
        self._client.manual_ack_set(on=True)

    async def acknowledge(self, message: aiomqtt.Message) -> None:
        """Tell the broker that a message is safe; after the connection it sends it again."""
        self._client.ack(message.mid, message.qos)


async def _messages(client: _Client) -> AsyncIterator[Delivery]:
    try:
        async for message in client.messages:
            lane = message.topic.value.rpartition("/")[2]
            done = partial(client.acknowledge, message)
            yield Delivery(lane, bytes(message.payload), done, message.topic.value)
    except aiomqtt.MqttError as error:
        raise UplinkError(f"MQTT: {error}") from error
