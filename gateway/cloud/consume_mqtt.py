"""Batches from an MQTT broker, for the consumer: a session that outlives the connection."""

import contextlib
from collections.abc import AsyncIterator

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.cloud.consumer import Delivery
from gateway.cloud.seam import UplinkError

_SESSION_S = 7 * 86_400


@contextlib.asynccontextmanager
async def mqtt_deliveries(
    host: str, port: int, user: str | None, password: str | None, topic: str, name: str
) -> AsyncIterator[AsyncIterator[Delivery]]:
    """Connect and subscribe; yield the messages.

    Raises:
        UplinkError: The broker is not there, or refuses.
    """
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = _SESSION_S
    try:
        async with aiomqtt.Client(
            host,
            port,
            username=user,
            password=password,
            identifier=name,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=properties,
        ) as client:
            await client.subscribe(topic, qos=1)
            yield _messages(client)
    except aiomqtt.MqttError as error:
        raise UplinkError(f"MQTT: {error}") from error


async def _messages(client: aiomqtt.Client) -> AsyncIterator[Delivery]:
    try:
        async for message in client.messages:
            lane = message.topic.value.rpartition("/")[2]
            yield Delivery(lane, bytes(message.payload), _nothing)
    except aiomqtt.MqttError as error:
        raise UplinkError(f"MQTT: {error}") from error


async def _nothing() -> None:
    """Do nothing: the client has acknowledged already."""
