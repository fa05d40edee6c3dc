"""Driver for Modbus TCP: asyncio around the sans-I/O codec, one request open at a time.

The connection has TCP_NODELAY, since a request waits for nothing. Two things are learned from the
device and kept: a read that was refused because of the gaps it spans is cut at them, and outputs
whose common write was refused are written one by one, so that one bad register spoils no other.
"""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, cast

from gateway.config import READ_GAP_BITS, READ_GAP_REGISTERS
from gateway.errors import (
    PeerClosedError,
    PeerError,
    PeerExceptionError,
    PeerProtocolError,
    PeerRefusedError,
    PeerTimeoutError,
)
from gateway.field.clock import Clock
from gateway.field.planner import Span, plan_reads, plan_writes
from gateway.field.seam import Answer, ReadExchange, WriteExchange
from gateway.flow.words import join_words, split_words
from gateway.protocols.modbus.client import ClientConnection, ClientState
from gateway.protocols.modbus.pdu import (
    BitsRead,
    ExceptionCode,
    Function,
    ReadBits,
    ReadRegisters,
    Refused,
    RegistersRead,
    Request,
    Response,
    WriteCoil,
    WriteCoils,
    WriteRegister,
    WriteRegisters,
)
from gateway.tags import Channel, DeviceMap
from runtime.project.channels import Table
from runtime.project.devices import ModbusTcpDevice

_READS: Final[dict[Table, Function]] = {
    "coil": Function.READ_COILS,
    "discrete": Function.READ_DISCRETE_INPUTS,
    "holding": Function.READ_HOLDING_REGISTERS,
    "input": Function.READ_INPUT_REGISTERS,
}
_BIT_TABLES: Final = frozenset({"coil", "discrete"})


class ModbusRefusedError(PeerExceptionError):
    """An exception response, with its code."""

    def __init__(self, refused: Refused, subject: str) -> None:
        self.code = refused.code
        super().__init__(f"{subject}: {refused}")


class _Wire(asyncio.Protocol):
    """One TCP connection: moves bytes between the transport and the codec."""

    def __init__(self, unit: int, clock: Clock) -> None:
        self._connection = ClientConnection(unit)
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[tuple[Response, int]] | None = None
        self._failure: PeerError | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        received_ns = self._clock()
        if self._failure is not None:
            return
        try:
            response = self._connection.receive(data)
        except PeerProtocolError as error:
            self._fail(error)
            return
        if response is not None and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result((response, received_ns))

    def connection_lost(self, exc: Exception | None) -> None:
        reason = f" ({exc})" if exc else ""
        self._fail(PeerClosedError(f"the device closed the connection{reason}"))

    async def exchange(self, request: Request, timeout_ns: int) -> tuple[Response, int, int]:
        """Return the response, and when the request went out and the response came in."""
        if self._failure is not None:
            raise self._failure
        assert self._transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        outgoing = self._connection.send(request)
        sent_ns = self._clock()
        self._transport.write(outgoing)
        try:
            async with asyncio.timeout(timeout_ns / 1e9):
                response, received_ns = await self._waiter
        except TimeoutError:
            part = "only a part of an answer" if self._connection.partial else "no answer"
            raise PeerTimeoutError(f"{part} in {timeout_ns / 1e6:g} ms") from None
        finally:
            self._waiter = None
            if self._connection.state is ClientState.WAITING:
                self._connection.abandon()
        return response, sent_ns, received_ns

    def close(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, error: PeerError) -> None:
        if self._failure is None:
            self._failure = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(self._failure)
        self.close()


class ModbusTcpDriver:
    """`Driver` of a [[device]] with protocol "modbus-tcp"."""

    def __init__(self, device: DeviceMap, section: ModbusTcpDevice, clock: Clock) -> None:
        """Plan the reads; nothing is connected yet."""
        self._section = section
        self._inputs = device.inputs
        self._outputs = tuple(output.channel for output in device.outputs)
        self._clock = clock
        self._wire: _Wire | None = None
        self._spans = plan_reads(
            self._inputs, gap_bits=READ_GAP_BITS, gap_registers=READ_GAP_REGISTERS
        )
        self._alone: set[int] = set()

    async def connect(self) -> None:
        """Make the TCP connection, within the device's timeout."""
        section = self._section
        place = f"{section.host}:{section.port}"
        wire = _Wire(section.unit, self._clock)
        try:
            async with asyncio.timeout(section.timeout / 1e9):
                await asyncio.get_running_loop().create_connection(
                    lambda: wire, section.host, section.port
                )
        except TimeoutError:
            raise PeerTimeoutError(
                f"{place}: no connection in {section.timeout / 1e6:g} ms"
            ) from None
        except OSError as error:
            raise PeerRefusedError(f"{place}: {error.strerror or error}") from None
        self._wire = wire

    def close(self) -> None:
        """Drop the connection, if there is one."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    def reads(self) -> Sequence[ReadExchange]:
        """Return the exchanges that bring every input once."""
        return tuple(ReadExchange(span.members, partial(self._read, span)) for span in self._spans)

    def writes(self, changes: Mapping[int, int]) -> Sequence[WriteExchange]:
        """Return the exchanges that set these outputs to these raw values."""
        spans = plan_writes(self._outputs, changes, alone=self._alone)
        return tuple(
            WriteExchange(
                span.members,
                partial(self._write, span, write_request(self._outputs, span, changes)),
            )
            for span in spans
        )

    async def _read(self, span: Span) -> Answer:
        try:
            response, sent_ns, received_ns = await self._exchange(read_request(span), span)
        except ModbusRefusedError as error:
            if span.gaps and error.code == ExceptionCode.ILLEGAL_DATA_ADDRESS:
                self._cut(span)
            raise
        assert isinstance(response, BitsRead | RegistersRead)
        values = span_values(self._inputs, span, response.values)
        return Answer(sent_ns, received_ns, values)

    async def _write(self, span: Span, request: Request) -> Answer:
        try:
            _, sent_ns, received_ns = await self._exchange(request, span)
        except ModbusRefusedError:
            if len(span.members) > 1:
                self._alone.update(span.members)
            raise
        return Answer(sent_ns, received_ns)

    async def _exchange(self, request: Request, span: Span) -> tuple[Response, int, int]:
        if self._wire is None:
            raise PeerClosedError("no connection")
        response, sent_ns, received_ns = await self._wire.exchange(request, self._section.timeout)
        if isinstance(response, Refused):
            last = span.start + span.count - 1
            raise ModbusRefusedError(response, f"{span.table} {span.start} to {last}")
        return response, sent_ns, received_ns

    def _cut(self, refused: Span) -> None:
        """Replace a span by spans without gaps."""
        members = [self._inputs[number] for number in refused.members]
        pieces = tuple(
            Span(
                piece.table, piece.start, piece.count,
                tuple(refused.members[place] for place in piece.members), piece.gaps,
            )
            for piece in plan_reads(members, gap_bits=0, gap_registers=0)
        )  # fmt: skip
        place = self._spans.index(refused)
        self._spans = (*self._spans[:place], *pieces, *self._spans[place + 1 :])


def read_request(span: Span) -> Request:
    """Return the request that reads a span."""
    function = _READS[span.table]
    if span.table in _BIT_TABLES:
        return ReadBits(function, span.start, span.count)
    return ReadRegisters(function, span.start, span.count)


def span_values(
    channels: Sequence[Channel], span: Span, values: Sequence[bool] | Sequence[int]
) -> tuple[int, ...]:
    """Return the raw value of each member of a span from what was read."""
    found = []
    for number in span.members:
        channel = channels[number]
        place = channel.register - span.start
        words = values[place : place + channel.size]
        found.append(join_words([int(word) for word in words], big=channel.big_words))
    return tuple(found)


def write_request(channels: Sequence[Channel], span: Span, changes: Mapping[int, int]) -> Request:
    """Return the request that writes a span: the single form where it has one bit or register."""
    words = [0] * span.count
    for number in span.members:
        channel = channels[number]
        place = channel.register - span.start
        words[place : place + channel.size] = split_words(
            changes[number], channel.size, big=channel.big_words
        )
    if span.table in _BIT_TABLES:
        bits = tuple(bool(word) for word in words)
        return WriteCoil(span.start, bits[0]) if len(bits) == 1 else WriteCoils(span.start, bits)
    if len(words) == 1:
        return WriteRegister(span.start, words[0])
    return WriteRegisters(span.start, tuple(words))
