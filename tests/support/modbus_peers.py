"""Peers on loopback for the Modbus client: pymodbus's server, and a server that misbehaves."""

import asyncio
import contextlib
import enum
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer, ModbusTlsServer, ModbusUdpServer
from pymodbus.server.base import ModbusBaseServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.requests import (
    ReadBits,
    ReadRegisters,
    Request,
    WriteCoil,
    WriteCoils,
    WriteRegister,
    WriteRegisters,
    decode_request,
    function_of,
)
from gateway.protocols.modbus.responses import (
    BitsRead,
    BlockWritten,
    Refused,
    RegistersRead,
    Response,
    encode_response,
)
from gateway.protocols.modbus.tcp import FrameParser, encode_frame

COIL_FUNCTIONS = frozenset({1, 5, 15})
HOLDING_FUNCTIONS = frozenset({3, 6, 16})


@dataclass
class Plant:
    """A device behind pymodbus: what it was asked, and its tables as pymodbus keeps them."""

    port: int = 0
    accesses: list[tuple[int, int, int]] = field(default_factory=list)
    """Function, address, count of each access."""
    writes: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
    """Function, address, values of each write."""
    coils: list[int] = field(default_factory=list)
    """Sixteen coils an entry; pymodbus's own list from the first access on."""
    holding: list[int] = field(default_factory=list)

    def coil(self, number: int) -> bool:
        """Return one coil."""
        return bool(self.coils[number // 16] >> number % 16 & 1)

    async def note(
        self,
        function: int,
        _start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Keep what pymodbus is asked; it calls this before it reads or writes."""
        self.accesses.append((function, address, count))
        if values is not None:
            self.writes.append((function, address, tuple(int(value) for value in values)))
        if function in COIL_FUNCTIONS:
            self.coils = registers
        elif function in HOLDING_FUNCTIONS:
            self.holding = registers
        return None


@dataclass(frozen=True, slots=True)
class Tables:
    """What a device holds at first: bits from 0 on, registers by their first address."""

    coils: list[bool] | None = None
    discretes: list[bool] | None = None
    holding: dict[int, list[int]] | None = None
    inputs: dict[int, list[int]] | None = None

    def device(self, plant: Plant) -> SimDevice:
        """Return pymodbus's device."""

        def bits(values: list[bool] | None) -> list[SimData]:
            return [SimData(0, values=values or [False] * 16, datatype=DataType.BITS)]

        def words(blocks: dict[int, list[int]] | None) -> list[SimData]:
            return [
                SimData(address, values=values, datatype=DataType.REGISTERS)
                for address, values in (blocks or {0: [0] * 16}).items()
            ]

        tables = (bits(self.coils), bits(self.discretes), words(self.holding), words(self.inputs))
        return SimDevice(0, simdata=tables, action=plant.note)


@asynccontextmanager
async def pymodbus_plant(
    *,
    coils: list[bool] | None = None,
    discretes: list[bool] | None = None,
    holding: dict[int, list[int]] | None = None,
    inputs: dict[int, list[int]] | None = None,
    port: int = 0,
) -> AsyncIterator[Plant]:
    """Serve tables with pymodbus over TCP on a free loopback port."""
    plant = Plant()
    device = Tables(coils, discretes, holding, inputs).device(plant)
    async with _serving(plant, ModbusTcpServer(device, address=("127.0.0.1", port))):
        yield plant


@asynccontextmanager
async def pymodbus_on(
    transport: str, tables: Tables, *, line: str = "", folder: Path = Path()
) -> AsyncIterator[Plant]:
    """Serve tables with pymodbus over any transport.

    Args:
        transport: The end of a protocol's name: "tcp", "udp", "tls", "rtu", …
        tables: What the device holds.
        line: Terminal device of a serial transport.
        folder: Where the certificates for TLS are.
    """
    plant, address = Plant(), ("127.0.0.1", 0)
    device = tables.device(plant)
    server: ModbusBaseServer
    match transport:
        case "udp":
            server = ModbusUdpServer(device, address=address)
        case "tls":
            security = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            security.load_cert_chain(folder / "server.pem", folder / "server.key")
            security.load_verify_locations(folder / "ca.pem")
            security.verify_mode = ssl.CERT_REQUIRED
            server = ModbusTlsServer(
                device, framer=FramerType.SOCKET, address=address, sslctx=security
            )
        case "rtu-over-tcp":
            server = ModbusTcpServer(device, framer=FramerType.RTU, address=address)
        case "rtu" | "ascii":
            framer = FramerType.RTU if transport == "rtu" else FramerType.ASCII
            server = ModbusSerialServer(device, framer=framer, port=line, baudrate=115_200)
        case _:
            server = ModbusTcpServer(device, address=address)
    async with _serving(plant, server):
        yield plant


@contextmanager
def plant_thread(tables: Tables) -> Iterator[Plant]:
    """Serve tables with pymodbus over TCP on an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = pymodbus_on("tcp", tables)
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(5)
    finally:
        closing = server.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(closing, loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@asynccontextmanager
async def _serving(plant: Plant, server: ModbusBaseServer) -> AsyncIterator[None]:
    await server.serve_forever(background=True)
    try:
        transport = server.transport
        if sockets := getattr(transport, "sockets", ()):
            plant.port = sockets[0].getsockname()[1]
        elif name := getattr(transport, "get_extra_info", lambda _: None)("sockname"):
            plant.port = name[1]
        yield
    finally:
        server.close()


class Behaviour(enum.Enum):
    """What the hostile server does with a request."""

    ANSWER = "answer"
    EXCEPTION = "exception"
    GARBAGE = "garbage"
    HALF = "half a frame, then silence"
    NOTHING = "nothing"
    WRONG_TRANSACTION = "wrong transaction"
    WRONG_UNIT = "wrong unit"
    WRONG_FUNCTION = "wrong function"
    LENGTH_TOO_LONG = "a length that promises more"
    LENGTH_TOO_SHORT = "a length that promises less"
    WRONG_BYTE_COUNT = "wrong byte count"
    CLOSE = "close"


@dataclass
class HostileServer:
    """Serves zeros, or does to every request what `behaviour` says."""

    port: int = 0
    behaviour: Behaviour = Behaviour.ANSWER
    refuse: Callable[[Request], int] = lambda _: 0
    """Returns the exception code for a request, 0 to answer it."""
    connections: int = 0
    requests: list[Request] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the peer closes it."""
        self.connections += 1
        parser = FrameParser()
        with contextlib.suppress(ConnectionError):
            while received := await reader.read(1024):
                for frame in parser.feed(received):
                    reply = self.reply(frame)
                    if reply is None:
                        writer.close()
                        return
                    writer.write(reply)
        writer.close()

    def reply(self, frame: Frame) -> bytes | None:
        """Return the bytes for a request; None closes the connection."""
        request = decode_request(frame.pdu)
        self.requests.append(request)
        code = 2 if self.behaviour is Behaviour.EXCEPTION else self.refuse(request)
        pdu = bytes((frame.pdu[0] | 0x80, code)) if code else encode_response(respond(request))
        good = Frame(frame.transaction, frame.unit, pdu)
        twist = TWISTS.get(self.behaviour, encode_frame)
        return twist(good)


def lie(by: int) -> Callable[[Frame], bytes]:
    """Return a twist that makes the length in the header wrong."""

    def twist(frame: Frame) -> bytes:
        good = encode_frame(frame)
        return good[:5] + bytes((good[5] + by,)) + good[6:]

    return twist


def half(frame: Frame) -> bytes:
    """Return the first half of a frame."""
    good = encode_frame(frame)
    return good[: len(good) // 2]


TWISTS: dict[Behaviour, Callable[[Frame], bytes | None]] = {
    Behaviour.GARBAGE: lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    Behaviour.HALF: half,
    Behaviour.NOTHING: lambda _: b"",
    Behaviour.WRONG_TRANSACTION: lambda frame: encode_frame(
        replace(frame, transaction=frame.transaction ^ 0x100)
    ),
    Behaviour.WRONG_UNIT: lambda frame: encode_frame(replace(frame, unit=frame.unit ^ 1)),
    Behaviour.WRONG_FUNCTION: lambda frame: encode_frame(
        replace(frame, pdu=b"\x07" + frame.pdu[1:])
    ),
    Behaviour.LENGTH_TOO_LONG: lie(2),
    Behaviour.LENGTH_TOO_SHORT: lie(-1),
    Behaviour.WRONG_BYTE_COUNT: lambda frame: encode_frame(replace(frame, pdu=frame.pdu + b"\0\0")),
    Behaviour.CLOSE: lambda _: None,
}
"""What each behaviour makes of a good response."""


def respond(request: Request) -> Response:
    """Return what a device full of zeros answers; a register holds its own address."""
    match request:
        case ReadBits():
            return BitsRead.of(request.function, (False,) * request.count)
        case ReadRegisters():
            span = range(request.address, request.address + request.count)
            return RegistersRead.of(request.function, tuple(span))
        case WriteCoil() | WriteRegister():
            return request
        case WriteCoils() | WriteRegisters():
            return BlockWritten(function_of(request), request.address, len(request.values))
        case _:
            return Refused(function_of(request), 1)


class _Listener(Protocol):
    """A server of the tests: it is told its port and serves a connection at a time."""

    port: int

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, /
    ) -> None: ...


@asynccontextmanager
async def listening(listener: _Listener) -> AsyncIterator[None]:
    """Let a server listen on a free loopback port in the block."""
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def hostile_server() -> AsyncIterator[HostileServer]:
    """Run a hostile server on a free loopback port; it answers until told otherwise."""
    hostile = HostileServer()
    async with listening(hostile):
        yield hostile
