"""Commands by NCMD and DCMD: they come by the node's own connection, and pass the same desk.

Sparkplug has no answer to a command: what it did is seen in the data of its metric, and in the
audit log.
"""

import asyncio
import json
import math
from collections.abc import Callable
from typing import Final

from gateway.cloud.downlink import Answer, Incoming
from gateway.cloud.seam import UplinkError
from gateway.config import COMMAND_QUEUE
from gateway.flow.variables import real_json
from gateway.protocols.sparkplug.commands import Order

_ENDED: Final = "the connection has ended"


def incoming_of(order: Order, command_id: str, ttl_ms: int, *, is_retained: bool) -> Incoming:
    """Return an order as the message that a down-link takes."""
    value = order.value
    if isinstance(value, float) and not math.isfinite(value):
        value = real_json(value)
    message = {"id": command_id, "variable": order.path, "value": value, "ttl_ms": ttl_ms}
    return Incoming(json.dumps(message).encode(), is_retained=is_retained)


class CommandInbox:
    """Commands of one connection after the other; those that nobody listens for are not kept."""

    def __init__(self) -> None:
        """Begin without a connection, and without a listener."""
        self._opened = asyncio.Event()
        self._waiting: asyncio.Queue[Incoming | None] = asyncio.Queue()
        self._is_heard = False

    @property
    def waiting(self) -> int:
        """How many commands wait."""
        return self._waiting.qsize()

    def open(self) -> None:
        """Begin with a connection."""
        self._waiting = asyncio.Queue()
        self._opened.set()

    def close(self) -> None:
        """End with it."""
        self._opened.clear()
        self._waiting.put_nowait(None)

    def put(self, incoming: Incoming) -> bool:
        """Hand a command over; return False where it is dropped: too many wait, or nobody does."""
        if not self._is_heard or self.waiting >= COMMAND_QUEUE:
            return False
        self._waiting.put_nowait(incoming)
        return True

    async def attend(self) -> None:
        """Wait for a connection, and listen to it from now on."""
        await self._opened.wait()
        self._waiting, self._is_heard = asyncio.Queue(), True

    def leave(self) -> None:
        """Listen no more."""
        self._is_heard = False

    async def next(self) -> Incoming:
        """Wait for a command.

        Raises:
            UplinkError: The connection has ended.
        """
        found = await self._waiting.get() if self._opened.is_set() else None
        if found is None:
            raise UplinkError(_ENDED)
        return found


class SparkplugCommandLink:
    """The down-link's view of the node's connection."""

    def __init__(self, inbox: CommandInbox) -> None:
        """Take where the node puts its commands."""
        self._inbox = inbox

    async def connect(self) -> None:
        """Wait for the node's connection."""
        await self._inbox.attend()

    async def listen(self, take: Callable[[Incoming], None]) -> None:
        """Hand over what arrives."""
        while True:
            take(await self._inbox.next())

    async def answer(self, to: Incoming, answer: Answer) -> None:
        """Say nothing: the data of the metric tells."""

    async def close(self) -> None:
        """Leave the connection to the node."""
        self._inbox.leave()
