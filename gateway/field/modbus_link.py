"""Links: what carries a request to a Modbus device and its response back, one kind a transport.

A link has one request open at a time; the codec judges every byte that comes. TCP, TLS and RTU over
TCP are streams, so after anything out of step only a new connection helps. UDP loses datagrams:
a read is asked up to three times within the timeout, a write once, lest it be done twice.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, cast

from gateway.errors import (
    PeerClosedError,
    PeerError,
    PeerProtocolError,
    PeerRefusedError,
    PeerTimeoutError,
)
from gateway.field.clock import Clock
from gateway.field.reasons import reason_of
from gateway.protocols.modbus.client import ClientConnection
from gateway.protocols.modbus.framing import MBAP, Framing
from gateway.protocols.modbus.requests import ReadBits, ReadRegisters, Request
from gateway.protocols.modbus.responses import Response

UDP_ATTEMPTS: Final = 3
"""Datagrams of one read: two may be lost."""


class Exchange(NamedTuple):  # made for each request: takes half of a dataclass's time
    """A response, and when the request went out and it came in (CLOCK_MONOTONIC, ns)."""

    response: Response
    sent_ns: int
    received_ns: int


Asked = tuple[Request, bytes | None]
"""A request, and its encoding where the caller keeps it."""

Send = Callable[[bytes], None]
"""Sends bytes."""

Took = Callable[[Exchange], Asked | None]
"""Takes the response to a request; returns what to ask next, None at the end."""


class Link(Protocol):
    """One device's way to be asked. Every coroutine raises `PeerError` and ends by a timeout."""

    async def connect(self) -> None:
        """Make the connection."""

    async def exchange(self, request: Request, pdu: bytes | None = None) -> Exchange:
        """Return the response to a request; `pdu` is its encoding, where the caller keeps it."""

    async def converse(self, first: Asked, took: Took) -> None:
        """Ask one request after another, each as soon as the one before has its response.

        Nobody is woken up between them: what `took` returns goes out from inside the event of the
        bytes' arrival. That takes half of the processor time of as many exchanges.
        """

    def close(self) -> None:
        """Drop the connection at once, if there is one."""


async def exchange_over(link: Link, request: Request, pdu: bytes | None) -> Exchange:
    """Return the response to one request: a conversation that ends with it."""
    found: list[Exchange] = []
    await link.converse((request, pdu), found.append)
    return found[0]


async def converse_by_exchanges(link: Link, first: Asked, took: Took) -> None:
    """Hold a conversation over a link whose exchanges take more than sending and receiving."""
    asked: Asked | None = first
    while asked is not None:
        asked = took(await link.exchange(*asked))


class Wire:
    """What streams and datagrams share: the codec, and the conversation that is going on."""

    def __init__(self, connection: ClientConnection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._took: Took = _took_none
        self._send: Send = _send_none
        self._transaction = 0
        self._sent_ns = 0
        self._timeout_ns = 0
        self._is_watched = False
        self.failure: PeerError | None = None

    def received(self, data: bytes) -> None:
        """Take bytes that arrived."""
        received_ns = self._clock()
        response = self.connection.receive_expected(data)
        if response is not None:  # nearly always
            self._go_on(Exchange(response, self._sent_ns, received_ns))
            return
        if self.failure is not None:
            return
        try:
            replies = self.connection.receive(data)
        except PeerProtocolError as error:
            self.fail(error)
            return
        for reply in replies:
            self._replied(reply.transaction, Exchange(reply.response, self._sent_ns, received_ns))

    def _replied(self, _transaction: int, exchange: Exchange) -> None:
        """Take a reply that did not come in the usual form."""
        self._go_on(exchange)

    def fail(self, error: PeerError) -> None:
        """End the wire: what waits, and whoever asks later, gets the error."""
        if self.failure is None:
            self.failure = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self.failure)

    async def converse(self, send: "Send", first: Asked, took: Took, timeout_ns: int) -> None:
        """Send requests until there is no further one; each has `timeout_ns` for its response."""
        if self.failure is not None:
            raise self.failure
        waiter = self._begin(send, timeout_ns)
        self._took = took
        self._ask(first)
        try:
            await waiter
        except BaseException:
            self.connection.abandon(self._transaction)
            raise
        finally:
            self._waiter, self._took = None, _took_none

    def _begin(self, send: "Send", timeout_ns: int) -> "asyncio.Future[None]":
        """Begin a conversation, whose requests are late after a time; return what it ends with."""
        waiter = self._waiter = self._loop.create_future()
        self._send, self._timeout_ns, self._sent_ns = send, timeout_ns, self._clock()
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_later(timeout_ns / 1e9, self._look)
        return waiter

    def _ask(self, asked: Asked) -> None:
        self._transaction, outgoing = self.connection.send(*asked)
        self._sent_ns = self._clock()
        self._send(outgoing)

    def _go_on(self, exchange: Exchange) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        following = self._took(exchange)
        if following is None:
            waiter.set_result(None)
        else:
            self._ask(following)

    def _look(self) -> None:
        """End the conversation where a response is overdue, else look again when it would be."""
        self._is_watched = False
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        left_ns = self._sent_ns + self._timeout_ns - self._clock()
        if left_ns > 0:
            self._is_watched = True
            self._loop.call_later(left_ns / 1e9, self._look)
            return
        waiter.set_exception(PeerTimeoutError(self._overdue()))

    def _overdue(self) -> str:
        """Return what is told of a response that did not come in time."""
        part = "only a part of an answer" if self.connection.partial else "no answer"
        return f"{part} in {self._timeout_ns / 1e6:g} ms"


def _took_none(_: Exchange) -> None:
    """Take a response that nobody waits for any more."""


def _send_none(_: bytes) -> None:
    """Send nothing, as there is no conversation."""


class StreamWire(Wire, asyncio.Protocol):
    """A connection of bytes without borders."""

    def __init__(self, connection: ClientConnection, clock: Clock) -> None:
        super().__init__(connection, clock)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; a request waits for nothing, so it goes out at once."""
        self._transport = cast("asyncio.Transport", transport)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    data_received = Wire.received

    def fail(self, error: PeerError) -> None:
        """End the wire and its connection."""
        super().fail(error)
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection."""
        reason = f" ({exc})" if exc else ""
        self.fail(PeerClosedError(f"the device closed the connection{reason}"))

    @property
    def send(self) -> Send:
        """What sends bytes."""
        assert self._transport is not None
        return self._transport.write

    def close(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a device is, and how it is spoken to."""

    host: str
    port: int
    unit: int
    timeout_ns: int
    framing: Framing = MBAP
    security: Callable[[], ssl.SSLContext] | None = None
    """Where not None the connection is TLS; raises `PeerRefusedError` without its files."""
    server_name: str | None = None
    """Name on the device's certificate; None takes `host`."""


class StreamLink:
    """TCP or TLS."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._wire: StreamWire | None = None

    async def connect(self) -> None:
        """Make the connection, within the timeout."""
        endpoint = self._endpoint
        host, port = endpoint.host, endpoint.port
        wire = self._make_wire()
        security = endpoint.security() if endpoint.security is not None else None
        name = (endpoint.server_name or host) if security is not None else None
        try:
            async with asyncio.timeout(endpoint.timeout_ns / 1e9):
                await asyncio.get_running_loop().create_connection(
                    lambda: wire, host, port, ssl=security, server_hostname=name
                )
        except TimeoutError:
            limit = f"{endpoint.timeout_ns / 1e6:g} ms"
            raise PeerTimeoutError(f"{host}:{port}: no connection in {limit}") from None
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "verify_message", None) or reason_of(error)
            raise PeerRefusedError(f"{host}:{port}: {reason}") from None
        self._wire = wire

    def _make_wire(self) -> StreamWire:
        """Return what a new connection goes over."""
        connection = ClientConnection(self._endpoint.unit, self._endpoint.framing)
        return StreamWire(connection, self._clock)

    async def exchange(self, request: Request, pdu: bytes | None = None) -> Exchange:
        """Return the response to a request."""
        return await exchange_over(self, request, pdu)

    async def converse(self, first: Asked, took: Took) -> None:
        """Ask one request after another."""
        wire = self._wire
        if wire is None:
            raise PeerClosedError("no connection")
        await wire.converse(wire.send, first, took, self._endpoint.timeout_ns)

    def close(self) -> None:
        """Drop the connection."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None


class DatagramWire(Wire, asyncio.DatagramProtocol):
    """A connected datagram socket."""

    def __init__(self, connection: ClientConnection, clock: Clock) -> None:
        super().__init__(connection, clock)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        """Take a datagram; the socket is connected, so it is the device's."""
        self.received(data)

    def error_received(self, exc: Exception) -> None:
        """Take what the network says, such as that no one listens there."""
        self.fail(PeerRefusedError(f"the device is not there ({reason_of(exc)})"))

    def send(self, outgoing: bytes) -> None:
        """Send a datagram."""
        assert self._transport is not None
        self._transport.sendto(outgoing)

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.abort()


class DatagramLink:
    """UDP: the frames of TCP, one a datagram."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._wire: DatagramWire | None = None

    async def connect(self) -> None:
        """Make the socket; whether someone is there shows with the first answer."""
        host, port, unit = self._endpoint.host, self._endpoint.port, self._endpoint.unit
        wire = DatagramWire(ClientConnection(unit, is_datagram=True), self._clock)
        try:
            await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: wire, remote_addr=(host, port)
            )
        except (OSError, UnicodeError) as error:
            raise PeerRefusedError(f"{host}:{port}: {reason_of(error)}") from None
        self._wire = wire

    async def exchange(self, request: Request, pdu: bytes | None = None) -> Exchange:
        """Return the response to a request."""
        wire = self._wire
        if wire is None:
            raise PeerClosedError("no connection")
        timeout_ns = self._endpoint.timeout_ns
        attempts = UDP_ATTEMPTS if isinstance(request, ReadBits | ReadRegisters) else 1
        for last in (attempt == attempts for attempt in range(1, attempts + 1)):
            try:
                return await self._try(wire, (request, pdu), timeout_ns // attempts)
            except PeerTimeoutError:
                if last:
                    break
        raise PeerTimeoutError(f"no answer in {timeout_ns / 1e6:g} ms")

    async def converse(self, first: Asked, took: Took) -> None:
        """Ask one request after another, each with its own attempts."""
        await converse_by_exchanges(self, first, took)

    async def _try(self, wire: DatagramWire, asked: Asked, timeout_ns: int) -> Exchange:
        found: list[Exchange] = []
        await wire.converse(wire.send, asked, found.append, timeout_ns)
        return found[0]

    def close(self) -> None:
        """Close the socket."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None
