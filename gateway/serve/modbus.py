"""Modbus servers: sockets around the sans-I/O codec, and the policy for clients.

- A connection beyond `connections_max` is closed at once.
- One that completes no request for `idle_timeout` is closed, be it silent or dripping bytes.
- One that sends what is no Modbus is closed; a request for what is not there gets its exception.
- One that asks faster than `requests_per_second` is read from no faster than that.
- One that does not fetch its answers is not read from until it does.

All of it is counted; the log has the first of its kind from a client, and then no more than one
every ten seconds.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from gateway.config import (
    REPORT_AGAIN_NS,
    REPORTED_CLIENTS_MAX,
    SERVER_BURST_NS,
    SERVER_RETRY_S,
)
from gateway.errors import PeerProtocolError, listening_reason
from gateway.protocols.modbus.framing import MBAP, RTU
from gateway.protocols.modbus.pdu import RequestError
from gateway.protocols.modbus.responses import Refused
from gateway.protocols.modbus.server import (
    QUICK_BYTES,
    Question,
    ServerConnection,
    quick_answer,
    quick_read,
    refusal,
)
from gateway.protocols.modbus.tcp import decode_datagram
from gateway.serve.modbus_answers import Answers
from gateway.serve.modbus_line import LineListener
from runtime.errors import HostError
from runtime.project.servers import LINE_PROTOCOLS, ModbusServer

_LOG: Final = logging.getLogger("gateway.serve")
_CHECKS_A_TIMEOUT: Final = 4
"""Looks for idle connections in the time that they may be idle."""


@dataclass(slots=True)
class Counters:
    """What a server has seen."""

    connections: int = 0
    """Connections that were taken."""
    turned_away: int = 0
    """Connections beyond the greatest number."""
    requests: int = 0
    """Requests that were answered."""
    exceptions: int = 0
    """Those of them that were answered with an exception."""
    garbage: int = 0
    """Connections that ended, and datagrams that were dropped, because they were not Modbus."""
    idle: int = 0
    """Connections that ended because no request came."""
    slowed: int = 0
    """Times that a connection was made to wait for its rate."""


Listener = asyncio.Server | asyncio.DatagramTransport | LineListener
"""What takes requests until it is closed."""


class ModbusService:
    """One server: its listener, connections and counters."""

    def __init__(
        self, section: ModbusServer, answers: Answers, folder: Path, clock: Callable[[], int]
    ) -> None:
        """Bind nothing yet.

        Args:
            section: Its section of `takt.toml`.
            answers: What answers requests.
            folder: The project's: files are relative to it.
            clock: Returns CLOCK_MONOTONIC in ns.

        Raises:
            HostError: A certificate or key cannot be read.
        """
        self.section = section
        self.counters = Counters()
        self.clock = clock
        self.connections: set[Connection] = set()
        self.port = 0
        """Where it listens; 0 before, and on a line."""
        self.is_listening = False
        self._answers = answers
        self._unit = section.unit
        self._reported: dict[tuple[str, str], int] = {}
        is_secure = section.protocol == "modbus-tls"
        self._security = server_security(section, folder) if is_secure else None

    def look(self) -> None:
        """Lay the ranges over an image that has just come, and log what does not fit."""
        self._answers.look()

    async def run(self) -> None:
        """Serve until cancelled; an address that is taken is reported once and tried again."""
        listener = await self._bind()
        self.is_listening = True
        try:
            _LOG.info("server %s: %s on %s", self.section.name, self.section.protocol, self._place)
            while True:
                await asyncio.sleep(self.section.idle_timeout / 1e9 / _CHECKS_A_TIMEOUT)
                self._close_idle()
        finally:
            listener.close()
            for connection in tuple(self.connections):
                connection.abort()

    @property
    def _place(self) -> str:
        section = self.section
        if section.protocol in LINE_PROTOCOLS:
            return str(section.serial)
        return f"{section.host}:{self.port or section.port}"

    def spoiled(self, peer: str, error: PeerProtocolError) -> None:
        """Count and log what is no Modbus."""
        self.counters.garbage += 1
        self.report(peer, f"sent what is not Modbus: {error}")

    def answer(self, question: Question, connection: ServerConnection) -> bytes:
        """Return the bytes that answer a question; none for a unit that is another's."""
        request = question.request
        if self._unit is not None and question.unit != self._unit:
            return b""
        self.counters.requests += 1
        if isinstance(request, RequestError):
            self.counters.exceptions += 1
            return connection.answer(question, refusal(request))
        response = self._answers.answer(request)
        if isinstance(response, Refused):
            self.counters.exceptions += 1
        return connection.answer(question, response)

    def quick_answers(self, received: bytes) -> list[bytes]:
        """Return the answers to a segment of nothing but sound reads of what there is, else []."""
        if len(received) % QUICK_BYTES:
            return []
        answers = []
        for at in range(0, len(received), QUICK_BYTES):
            answer = self._quick_answer(received[at : at + QUICK_BYTES])
            if answer is None:
                return []
            answers.append(answer)
        self.counters.requests += len(answers)
        return answers

    def _quick_answer(self, received: bytes) -> bytes | None:
        quick = quick_read(received)
        if quick is None or (self._unit is not None and self._unit != quick.unit):
            return None
        packed = self._answers.read(quick.function, quick.address, quick.count)
        if packed is None:
            return None
        return quick_answer(received, quick, packed)

    def report(self, peer: str, deed: str) -> None:
        """Log what a client did, once in a while."""
        now_ns = self.clock()
        if now_ns - self._reported.get((peer, deed), now_ns - REPORT_AGAIN_NS) < REPORT_AGAIN_NS:
            return
        if len(self._reported) >= REPORTED_CLIENTS_MAX:
            self._reported.clear()
        self._reported[peer, deed] = now_ns
        name, extra = self.section.name, {"server": self.section.name, "peer": peer}
        _LOG.warning("server %s: client %s %s", name, peer, deed, extra=extra)

    def _close_idle(self) -> None:
        limit_ns = self.clock() - self.section.idle_timeout
        for connection in [each for each in self.connections if each.asked_ns < limit_ns]:
            self.counters.idle += 1
            self.report(connection.peer, "asked nothing for too long")
            connection.abort()

    async def _bind(self) -> Listener:
        reported = False
        while True:
            try:
                return await self._listen()
            except OSError as error:
                if not reported:
                    _LOG.error(
                        "server %s: cannot listen on %s (%s); the rest of the gateway goes on",
                        self.section.name, self._place, listening_reason(error),
                    )  # fmt: skip
                reported = True
            await asyncio.sleep(SERVER_RETRY_S)

    async def _listen(self) -> Listener:
        section, loop = self.section, asyncio.get_running_loop()
        if section.protocol in LINE_PROTOCOLS:
            return LineListener(self, section)
        if section.protocol == "modbus-udp":
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(section.host, section.port)
            )
            self.port = transport.get_extra_info("sockname")[1]
            return transport
        listener = await loop.create_server(
            lambda: Connection(self), section.host, section.port, ssl=self._security
        )
        self.port = listener.sockets[0].getsockname()[1]
        return listener


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, service: ModbusService) -> None:
        self._service = service
        self._is_mbap = service.section.protocol != "modbus-rtu-over-tcp"
        self._codec = ServerConnection(MBAP if self._is_mbap else RTU)
        self._may_be_quick = self._is_mbap
        """Whether a segment begins a frame, and may be a read that is answered in short."""
        self._transport: asyncio.Transport | None = None
        self._rate = service.section.requests_per_second
        self._paid_ns = 0
        self._may_write = True
        self._may_ask = True
        self.peer = ""
        self.asked_ns = service.clock()
        """When the last complete request came."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or turn it away."""
        service = self._service
        self._transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if name else "?"
        if len(service.connections) >= service.section.connections_max:
            service.counters.turned_away += 1
            service.report(self.peer, "was turned away: too many connections")
            self.abort()
            return
        service.connections.add(self)
        service.counters.connections += 1
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Answer the requests that a segment completes."""
        service, codec = self._service, self._codec
        if self._may_be_quick and (quick := service.quick_answers(data)):
            self._reply(b"".join(quick), len(quick))
            return
        try:
            questions = codec.receive(data)
            self._may_be_quick = self._is_mbap and not codec.partial
        except PeerProtocolError as error:
            service.spoiled(self.peer, error)
            self.abort()
            return
        if questions:
            reply = b"".join(service.answer(each, codec) for each in questions)
            self._reply(reply, len(questions))

    def _reply(self, reply: bytes, requests: int) -> None:
        if self._transport is None:
            return
        self.asked_ns = self._service.clock()
        self._transport.write(reply)
        if self._rate is not None:
            self._pay(requests * 1_000_000_000 // self._rate)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget the connection."""
        self._service.connections.discard(self)
        self._transport = None

    def pause_writing(self) -> None:
        """Stop reading from a client that does not fetch its answers."""
        self._may_write = False
        self._turn()

    def resume_writing(self) -> None:
        """Go on."""
        self._may_write = True
        self._turn()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _pay(self, price_ns: int) -> None:
        """Note the price of requests; a client that is too far ahead has to wait."""
        now_ns = self._service.clock()
        self._paid_ns = max(self._paid_ns, now_ns) + price_ns
        ahead_ns = self._paid_ns - now_ns - max(SERVER_BURST_NS, price_ns)
        if ahead_ns > 0 and self._may_ask:
            self._service.counters.slowed += 1
            self._may_ask = False
            self._turn()
            asyncio.get_running_loop().call_later(ahead_ns / 1e9, self._ask_again)

    def _ask_again(self) -> None:
        self._may_ask = True
        self._turn()

    def _turn(self) -> None:
        """Read or do not, as the client's rate and its answers say."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._may_ask and self._may_write:
            transport.resume_reading()
        else:
            transport.pause_reading()


class _Datagrams(asyncio.DatagramProtocol):
    """All clients of a UDP server; there are no connections, so no limits of them."""

    def __init__(self, service: ModbusService) -> None:
        self._service = service
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        service, codec = self._service, ServerConnection()
        try:
            decode_datagram(data)
        except PeerProtocolError as error:
            service.spoiled(addr[0], error)
            return
        for question in codec.receive(data):
            reply = service.answer(question, codec)
            if reply and self._transport is not None:
                self._transport.sendto(reply, addr)


def server_security(section: ModbusServer, folder: Path) -> ssl.SSLContext:
    """Return the server's side of TLS: at least 1.2; with `ca` clients need a certificate.

    Raises:
        HostError: A certificate or key is missing or cannot be read.
    """
    assert section.certificate is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    key = str(folder / section.key) if section.key is not None else None
    try:
        context.load_cert_chain(str(folder / section.certificate), key)
        if section.ca is not None:
            context.load_verify_locations(str(folder / section.ca))
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or str(error)
        raise HostError(f"server {section.name}: ca, certificate or key: {reason}") from None
    return context
