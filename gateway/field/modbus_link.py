"""Links: what carries a request to a Modbus device and its response back, one kind a transport.

A link has one request open at a time; the codec judges every byte that comes. TCP, TLS and RTU over
TCP are streams, so after anything out of step only a new connection helps. UDP loses datagrams:
a read is asked up to three times within the timeout, a write once, lest it be done twice.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import Final, Protocol, cast

from gateway.errors import (
    PeerClosedError,
    PeerError,
    PeerProtocolError,
    PeerRefusedError,
    PeerTimeoutError,
)
from gateway.field.clock import Clock
from gateway.protocols.modbus.client import ClientConnection
from gateway.protocols.modbus.framing import MBAP, Framing
from gateway.protocols.modbus.requests import ReadBits, ReadRegisters, Request
from gateway.protocols.modbus.responses import Response

UDP_ATTEMPTS: Final = 3
"""Datagrams of one read: two may be lost."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A response, and when the request went out and it came in (CLOCK_MONOTONIC, ns)."""

    response: Response
    sent_ns: int
    received_ns: int


class Link(Protocol):
    """One device's way to be asked. Every coroutine raises `PeerError` and ends by a timeout."""

    async def connect(self) -> None:
        """Make the connection."""

    async def exchange(self, request: Request, pdu: bytes | None = None) -> Exchange:
        """Return the response to a request; `pdu` is its encoding, where the caller keeps it."""

    def close(self) -> None:
        """Drop the connection at once, if there is one."""


class Wire:
    """What streams and datagrams share: the codec, and whoever waits for its response."""

    def __init__(self, connection: ClientConnection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[tuple[Response, int]] | None = None
        self.failure: PeerError | None = None

    def received(self, data: bytes) -> None:
        """Take bytes that arrived."""
        received_ns = self._clock()
        if self.failure is not None:
            return
        try:
            replies = self.connection.receive(data)
        except PeerProtocolError as error:
            self.fail(error)
            return
        waiter = self._waiter
        for reply in replies:
            if waiter is not None and not waiter.done():
                waiter.set_result((reply.response, received_ns))

    def fail(self, error: PeerError) -> None:
        """End the wire: what waits, and whoever asks later, gets the error."""
        if self.failure is None:
            self.failure = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self.failure)

    async def exchange(
        self, transport: "Sender", request: Request, pdu: bytes | None, timeout_ns: int
    ) -> Exchange:
        """Send a request and return its response."""
        if self.failure is not None:
            raise self.failure
        waiter = self._waiter = self._loop.create_future()
        outgoing = self.connection.send(request, pdu)
        sent_ns = self._clock()
        transport.send(outgoing.sent)
        timer = self._loop.call_later(timeout_ns / 1e9, self._expire, waiter, timeout_ns)
        try:
            response, received_ns = await waiter
        except BaseException:
            self.connection.abandon(outgoing.transaction)
            raise
        finally:
            timer.cancel()
            self._waiter = None
        return Exchange(response, sent_ns, received_ns)

    def _expire(self, waiter: "asyncio.Future[tuple[Response, int]]", timeout_ns: int) -> None:
        if not waiter.done():
            part = "only a part of an answer" if self.connection.partial else "no answer"
            waiter.set_exception(PeerTimeoutError(f"{part} in {timeout_ns / 1e6:g} ms"))


class Sender(Protocol):
    """Takes bytes to send."""

    def send(self, outgoing: bytes) -> None:
        """Send them."""


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

    def data_received(self, data: bytes) -> None:
        """Take a segment."""
        self.received(data)
        if self.failure is not None:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection."""
        reason = f" ({exc})" if exc else ""
        self.fail(PeerClosedError(f"the device closed the connection{reason}"))

    def send(self, outgoing: bytes) -> None:
        """Send bytes."""
        assert self._transport is not None
        self._transport.write(outgoing)

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
    security: ssl.SSLContext | None = None
    """Where not None the connection is TLS."""
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
        wire = StreamWire(ClientConnection(endpoint.unit, endpoint.framing), self._clock)
        name = (endpoint.server_name or host) if endpoint.security else None
        try:
            async with asyncio.timeout(endpoint.timeout_ns / 1e9):
                await asyncio.get_running_loop().create_connection(
                    lambda: wire, host, port, ssl=endpoint.security, server_hostname=name
                )
        except TimeoutError:
            limit = f"{endpoint.timeout_ns / 1e6:g} ms"
            raise PeerTimeoutError(f"{host}:{port}: no connection in {limit}") from None
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
            raise PeerRefusedError(f"{host}:{port}: {reason or error}") from None
        self._wire = wire

    async def exchange(self, request: Request, pdu: bytes | None = None) -> Exchange:
        """Return the response to a request."""
        wire = self._wire
        if wire is None:
            raise PeerClosedError("no connection")
        return await wire.exchange(wire, request, pdu, self._endpoint.timeout_ns)

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
        self.fail(PeerRefusedError(f"the device is not there ({exc})"))

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
            reason = getattr(error, "strerror", None) or error
            raise PeerRefusedError(f"{host}:{port}: {reason}") from None
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
                return await wire.exchange(wire, request, pdu, timeout_ns // attempts)
            except PeerTimeoutError:
                if last:
                    break
        raise PeerTimeoutError(f"no answer in {timeout_ns / 1e6:g} ms")

    def close(self) -> None:
        """Close the socket."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None
