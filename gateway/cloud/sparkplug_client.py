"""The MQTT client of a Sparkplug node: clean sessions, its death as will, both versions."""

from typing import TYPE_CHECKING, Final

import aiomqtt
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.cloud.mqtt import VERSIONS, is_granted, translated
from gateway.cloud.seam import UplinkError
from gateway.protocols.sparkplug.node import NodeMessage

if TYPE_CHECKING:
    from gateway.cloud.sparkplug import SparkplugSettings

_AT_LEAST_ONCE: Final = 1
_KEEPALIVE_S: Final = 20
_WITH_WILL: Final = 4
"""Reason code of MQTT 5: the client goes, and wishes that the will is published."""


class NodeClient(aiomqtt.Client):
    """A client that can go in a way that the specification asks for with MQTT 5."""

    async def leave_with_will(self) -> None:
        """Disconnect, and let the broker publish the will too."""
        self._client.disconnect(
            reasoncode=ReasonCode(PacketTypes.DISCONNECT, identifier=_WITH_WILL)
        )
        await self._wait_for(self._disconnected, timeout=None)


def make_node_client(
    settings: "SparkplugSettings", host: str, port: int, will: NodeMessage
) -> NodeClient:
    """Return a client; it connects when it is entered."""
    properties = None
    if settings.version == "5":
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
    return NodeClient(
        host,
        port,
        username=settings.user,
        password=settings.password,
        identifier=settings.client_id,
        protocol=VERSIONS[settings.version],
        clean_session=True if properties is None else None,
        clean_start=MQTT_CLEAN_START_FIRST_ONLY if properties is None else True,
        properties=properties,
        will=aiomqtt.Will(will.topic, will.payload, qos=_AT_LEAST_ONCE, retain=False),
        timeout=settings.timeout_s,
        keepalive=_KEEPALIVE_S,
        tls_context=settings.tls,
    )


async def subscribe(client: aiomqtt.Client, topic: str) -> None:
    """Subscribe with quality of service 1.

    Raises:
        UplinkError: The broker refuses.
    """
    with translated():
        granted = await client.subscribe(topic, qos=_AT_LEAST_ONCE)
    if not is_granted(granted):
        raise UplinkError(f"MQTT: the broker does not let us subscribe to {topic}")
