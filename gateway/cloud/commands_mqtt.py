"""Commands over MQTT: from TOPIC/command, answered on TOPIC/answer, quality of service 1.

The session is clean: a broker keeps no commands for a gateway that is away.
"""

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import aiomqtt

from gateway.cloud.downlink import Answer, Incoming
from gateway.cloud.mqtt import MqttSettings, is_granted, make_client, translated
from gateway.cloud.seam import UplinkError

_AT_LEAST_ONCE: Final = 1


class MqttCommandLink:
    """One connection beside the uplink's own."""

    def __init__(self, settings: MqttSettings) -> None:
        """Take the uplink's settings; nothing is connected yet."""
        self._settings = replace(settings, client_id=f"{settings.client_id}-commands")
        self._stack = contextlib.AsyncExitStack()
        self._client: aiomqtt.Client | None = None

    async def connect(self) -> None:
        """Connect and subscribe."""
        topic = f"{self._settings.topic}/command"
        self._stack = contextlib.AsyncExitStack()
        with translated():
            client = await self._stack.enter_async_context(make_client(self._settings))
            granted = await client.subscribe(topic, qos=_AT_LEAST_ONCE)
        if not is_granted(granted):
            raise UplinkError(f"MQTT: the broker does not let us subscribe to {topic}")
        self._client = client

    async def listen(self, take: Callable[[Incoming], None]) -> None:
        """Hand over what arrives."""
        assert self._client is not None
        with translated():
            async for message in self._client.messages:
                payload = message.payload
                assert isinstance(payload, bytes | bytearray)
                take(Incoming(bytes(payload), is_retained=message.retain))

    async def answer(self, to: Incoming, answer: Answer) -> None:
        """Publish an answer for all who listen."""
        del to
        if self._client is None:
            raise UplinkError("MQTT: the connection has ended")
        with translated():
            topic = f"{self._settings.topic}/answer"
            await self._client.publish(topic, json.dumps(answer), qos=_AT_LEAST_ONCE)

    async def close(self) -> None:
        """Say goodbye, where the broker still listens."""
        self._client = None
        with contextlib.suppress(aiomqtt.MqttError, OSError, TimeoutError):
            await self._stack.aclose()
