"""Commands over NATS: from SUBJECT.command, answered on SUBJECT.answer and to who asks.

Plain NATS, not JetStream: a command that nobody hears is gone, as it should be.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from gateway.cloud.downlink import Answer, Incoming
from gateway.cloud.jetstream import JetStreamSettings, open_client, translated
from gateway.cloud.seam import UplinkError

if TYPE_CHECKING:
    from nats.aio.client import Client

_LOG: Final = logging.getLogger("gateway.cloud")


class NatsCommandLink:
    """One connection beside the uplink's own."""

    def __init__(self, settings: JetStreamSettings) -> None:
        """Take the uplink's settings; nothing is connected yet."""
        self._settings = settings
        self._client: Client | None = None
        self._closed = asyncio.Event()
        self._take: Callable[[Incoming], None] | None = None
        self._reported = ""

    async def connect(self) -> None:
        """Connect and subscribe."""
        self._closed = closed = asyncio.Event()

        async def note_closed() -> None:
            closed.set()

        with translated():
            self._client = await open_client(self._settings, self._report, note_closed)
            await self._client.subscribe(f"{self._settings.subject}.command", cb=self._arrived)
            await self._client.flush()

    async def listen(self, take: Callable[[Incoming], None]) -> None:
        """Hand over what arrives."""
        self._take = take
        await self._closed.wait()
        raise UplinkError("NATS: the connection has ended")

    async def _arrived(self, message: Msg) -> None:
        if self._take is not None:
            self._take(Incoming(message.data, reply_to=message.reply))

    async def _report(self, error: Exception) -> None:
        """Log what the server says beside the calls, such as that it does not let us subscribe."""
        if self._client is not None and str(error) != self._reported:  # else `connect` raises it
            _LOG.warning("NATS, for commands: %s", error)
            self._reported = str(error)

    async def answer(self, to: Incoming, answer: Answer) -> None:
        """Publish an answer, to its asker too."""
        client = self._client
        if client is None:
            raise UplinkError("NATS: the connection has ended")
        payload = json.dumps(answer).encode()
        with translated():
            await client.publish(f"{self._settings.subject}.answer", payload)
            if to.reply_to:
                await client.publish(to.reply_to, payload)
            await client.flush()

    async def close(self) -> None:
        """Close at once."""
        client, self._client = self._client, None
        self._take = None
        if client is not None:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await client.close()
