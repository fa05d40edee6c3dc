"""A link with several requests open: a long way to the device counts once for all of them.

    asks(0), asks(1), … --> on their way, `window` at most --> took(each, as it is answered)

The answers' transactions tell which requests they belong to, so they may come in any order. What is
written goes alone: only reads are asked ahead.
"""

from collections.abc import Callable

from gateway.errors import PeerClosedError
from gateway.field.clock import Clock
from gateway.field.modbus_link import Asked, Endpoint, Exchange, Send, StreamLink, StreamWire, Took
from gateway.protocols.modbus.client import ClientConnection

Asks = Callable[[int], Asked | None]
"""Returns the request behind so many that are open, None where there is none."""

TookOne = Callable[[Asked, Exchange], bool]
"""Takes the response to a request; returns whether to send further ones."""


class AheadWire(StreamWire):
    """A connection of bytes on which several requests are open."""

    def __init__(self, endpoint: Endpoint, window: int, clock: Clock) -> None:
        """Allow so many open requests."""
        super().__init__(ClientConnection(endpoint.unit, endpoint.framing, window=window), clock)
        self._window = window
        self._flight: dict[int, tuple[Asked, int]] = {}
        """By transaction: what was asked, and when; the oldest first."""
        self._asks: Asks = _asks_none
        self._took_one: TookOne = _took_none
        self._goes_on = False

    def data_received(self, data: bytes) -> None:
        """Take bytes that arrived, with the answers in them, and fill the window again."""
        super().received(data)
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        self._fill()
        if not self._flight:
            waiter.set_result(None)

    def _replied(self, transaction: int, exchange: Exchange) -> None:
        asked, sent_ns = self._flight.pop(transaction)
        if self._waiter is not None and not self._waiter.done():
            goes_on = self._took_one(asked, exchange._replace(sent_ns=sent_ns))
            self._goes_on = self._goes_on and goes_on

    def _fill(self) -> None:
        outgoing = []
        while self._goes_on and len(self._flight) < self._window:
            asked = self._asks(len(self._flight))
            if asked is None:
                break
            transaction, sent = self.connection.send(*asked)
            self._flight[transaction] = asked, self._clock()
            outgoing.append(sent)
        if outgoing:
            self._send(b"".join(outgoing))
        if self._flight:
            _, self._sent_ns = next(iter(self._flight.values()))

    def _overdue(self) -> str:
        told = super()._overdue()
        if len(self._flight) > 1:
            told += f" to {len(self._flight)} open requests; a device may serve one: open_requests"
        return told

    async def converse(self, send: Send, first: Asked, took: Took, timeout_ns: int) -> None:
        """Send requests one after another, as links do that allow one at a time."""
        following: Asked | None = first

        def asks(_open: int) -> Asked | None:
            nonlocal following
            asked, following = following, None
            return asked

        def took_one(_asked: Asked, exchange: Exchange) -> bool:
            nonlocal following
            following = took(exchange)
            return following is not None

        await self.converse_ahead(send, asks, took_one, timeout_ns)

    async def converse_ahead(
        self, send: Send, asks: Asks, took_one: TookOne, timeout_ns: int
    ) -> None:
        """Send requests, `window` at a time, until there is no further one and all are answered."""
        if self.failure is not None:
            raise self.failure
        waiter = self._begin(send, timeout_ns)
        self._asks, self._took_one, self._goes_on = asks, took_one, True
        self._fill()
        if not self._flight:
            return
        try:
            await waiter
        except BaseException:
            for transaction in self._flight:
                self.connection.abandon(transaction)
            raise
        finally:
            self._flight.clear()
            self._waiter, self._asks, self._took_one = None, _asks_none, _took_none


class AheadLink(StreamLink):
    """TCP or TLS with several reads on their way."""

    def __init__(self, endpoint: Endpoint, window: int, clock: Clock) -> None:
        """Allow so many open requests."""
        super().__init__(endpoint, clock)
        self._window = window
        self._ahead: AheadWire | None = None

    def _make_wire(self) -> StreamWire:
        self._ahead = AheadWire(self._endpoint, self._window, self._clock)
        return self._ahead

    async def converse_ahead(self, asks: Asks, took_one: TookOne) -> None:
        """Ask requests, several at a time; each has the device's timeout for its response.

        Raises:
            PeerError: There is no connection, or it has failed.
        """
        wire = self._ahead
        if wire is None or self._wire is None:
            raise PeerClosedError("no connection")
        await wire.converse_ahead(wire.send, asks, took_one, self._endpoint.timeout_ns)


def _asks_none(_open: int) -> None:
    """Ask nothing, as there is no conversation."""


def _took_none(_asked: Asked, _exchange: Exchange) -> bool:
    """Take a response that nobody waits for any more."""
    return False
