"""What a Modbus server answers: the newest scan frame for reads, commands for writes.

Each request is answered from one frame, so all of its values are of one scan. While no runtime
shows life the answer is exception 4 (server device failure): old values never pass for new.
"""

import logging
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.config import SERVER_WRITES_MAX
from gateway.flow.authority import silence_limit_ns
from gateway.protocols.modbus.pdu import ExceptionCode, Function, unpack_registers
from gateway.protocols.modbus.requests import (
    Identify,
    MaskWriteRegister,
    ReadBits,
    ReadRegisters,
    ReadWriteRegisters,
    Request,
    WriteCoil,
    WriteCoils,
    WriteRegister,
    WriteRegisters,
    function_of,
)
from gateway.protocols.modbus.responses import (
    BitsRead,
    BlockWritten,
    Identity,
    Refused,
    RegistersRead,
    Response,
)
from gateway.serve.modbus_map import BitTable, RegisterTable, WriteMap, server_values
from runtime.errors import HostError, ImageError
from runtime.image import layout
from runtime.image.commands import Commands
from runtime.image.layout import SectionKind
from runtime.image.segment import Image
from runtime.project.channels import BIT_TABLES, Table
from runtime.project.servers import ModbusServer

_LOG: Final = logging.getLogger("gateway.serve")
_TABLES: Final[dict[int, Table]] = {
    Function.READ_COILS: "coil",
    Function.READ_DISCRETE_INPUTS: "discrete",
    Function.READ_HOLDING_REGISTERS: "holding",
    Function.READ_INPUT_REGISTERS: "input",
}
_ONE: Final = 4
"""Code that asks for one object."""

_CONFORMITY: Final = 0x81
"""Basic identification, by stream and one by one."""


Write = (
    WriteCoil | WriteCoils | WriteRegister | WriteRegisters | MaskWriteRegister | ReadWriteRegisters
)
"""Requests that write."""


class ServedImage:
    """The tables of one server over one image."""

    def __init__(self, server: ModbusServer, image: Image) -> None:
        """Lay the tables over the program that the image is of.

        Raises:
            HostError: A range names what the program does not have.
        """
        values = server_values(server, image.directory)
        self.image = image
        self._ring = image.ring(SectionKind.FRAME)
        self._bits = {key: BitTable(found) for key, found in values.items() if key in BIT_TABLES}
        self._registers = {
            key: RegisterTable(found) for key, found in values.items() if key not in BIT_TABLES
        }
        self._writes = {key: WriteMap(found) for key, found in values.items()}
        self._commands = Commands(image)
        self.silent_ns = silence_limit_ns(task.interval_ns for task in image.directory.tasks)
        """Silence of the runtime from which it counts as gone."""
        self._number = 0
        self._fresh: set[Table] = set()
        self._state: npt.NDArray[np.uint8] = np.zeros(image.directory.state_bytes + 1, np.uint8)

    def table(self, name: Table) -> BitTable | RegisterTable | None:
        """Return a table as the frame has it; None where the server has none such."""
        found = self._bits.get(name) or self._registers.get(name)
        if found is not None and name not in self._fresh:
            found.refresh(self._state)
            self._fresh.add(name)
        return found

    def write(self, request: Write) -> int:
        """Command what a request sets; return 0, or the exception code that refuses it."""
        table, address, entries = self._entries(request)
        if table not in self._writes:
            return ExceptionCode.ILLEGAL_DATA_ADDRESS
        try:
            pieces = self._writes[table].pieces(address, entries)
            if pieces is None:
                return ExceptionCode.ILLEGAL_DATA_ADDRESS
            self._commands.write_together(pieces, SERVER_WRITES_MAX)
        except ValueError:
            return ExceptionCode.ILLEGAL_DATA_VALUE
        except ImageError:  # more commands wait than the queue holds, or the runtime has gone
            return ExceptionCode.SERVER_DEVICE_BUSY
        return 0

    def _entries(self, request: Write) -> tuple[Table, int, Sequence[int]]:
        """Return table, first entry and the entries that a request sets."""
        match request:
            case WriteCoil():
                return "coil", request.address, (request.value,)
            case WriteCoils():
                return "coil", request.address, request.values
            case WriteRegister():
                return "holding", request.address, (request.value,)
            case WriteRegisters():
                return "holding", request.address, request.values
            case ReadWriteRegisters():
                return "holding", request.write_address, request.values
            case MaskWriteRegister():
                table = self.table("holding")
                packed = table.read(request.address, 1) if table is not None else None
                before = int.from_bytes(packed or b"", "big")
                mask = request.and_mask
                return "holding", request.address, (before & mask | request.or_mask & ~mask,)

    def renew(self) -> bool:
        """Take the newest frame; return whether there is one."""
        if self._ring.head != self._number:
            self._take()
        return self._number != 0

    def _take(self) -> None:
        publication = self._ring.latest()
        if publication is None:
            return
        payload = publication.payload
        inputs, state = layout.FRAME_HEADER.unpack_from(payload)[6:8]
        begin = layout.FRAME_HEADER.size + -(-inputs // 8) * 8
        self._state[:state] = np.frombuffer(payload, np.uint8, state, begin)
        self._number = publication.number
        self._fresh.clear()


class Answers:
    """Answers the requests that one server gets, whatever connection they came by."""

    def __init__(
        self,
        server: ModbusServer,
        project: str,
        image: Callable[[], Image | None],
        now: Callable[[], int],
    ) -> None:
        """Begin without an image.

        Args:
            server: Its section.
            project: Name of the project, told as the product's.
            image: Returns the present image.
            now: Returns CLOCK_MONOTONIC in ns.
        """
        self._server = server
        self._project = project
        self._image = image
        self._now = now
        self._served: ServedImage | None = None
        self._misfit: Image | None = None

    def answer(self, request: Request) -> Response:
        """Return the response to a request."""
        function = function_of(request)
        if isinstance(request, Identify):
            return self._identity(request)
        served = self._present()
        if served is None:
            return Refused(function, ExceptionCode.SERVER_DEVICE_FAILURE)
        if isinstance(request, ReadBits | ReadRegisters):
            return _read(served, request)
        if isinstance(request, ReadWriteRegisters):
            return _write_and_read(served, request)
        if isinstance(request, Write):
            code = served.write(request)
            return Refused(function, code) if code else _written(request)
        return Refused(function, ExceptionCode.ILLEGAL_FUNCTION)

    def look(self) -> None:
        """Take the present image now: the log tells what does not fit before a client asks."""
        self._present()

    def read(self, function: int, address: int, count: int) -> bytes | None:
        """Return bits or registers as bytes; None where the long way tells why not."""
        served = self._present()
        table = served.table(_TABLES[function]) if served is not None else None
        return table.read(address, count) if table is not None else None

    def _present(self) -> ServedImage | None:
        """Return the present image's tables; None while no runtime shows life."""
        image = self._image()
        if image is None or image is self._misfit:
            return None
        if self._served is None or self._served.image is not image:
            try:
                self._served = ServedImage(self._server, image)
            except HostError as error:
                _LOG.error("%s; its clients get exception 4", error)
                self._served, self._misfit = None, image
                return None
        if self._now() - image.runtime_heartbeat_ns > self._served.silent_ns:
            return None
        return self._served if self._served.renew() else None

    def _identity(self, request: Identify) -> Response:
        objects = (
            (0, b"Takt"),
            (1, self._project.encode()),
            (2, metadata.version("taktplc").encode()),
        )
        if request.code == _ONE:
            chosen = tuple(item for item in objects if item[0] == request.object_id)
            if not chosen:
                return Refused(function_of(request), ExceptionCode.ILLEGAL_DATA_ADDRESS)
            return Identity(request.code, _CONFORMITY, chosen)
        first = request.object_id if request.object_id < len(objects) else 0
        return Identity(request.code, _CONFORMITY, objects[first:])


def _written(request: Write) -> Response:
    if isinstance(request, WriteCoils | WriteRegisters):
        return BlockWritten(function_of(request), request.address, len(request.values))
    assert not isinstance(request, ReadWriteRegisters)
    return request


def _write_and_read(served: ServedImage, request: ReadWriteRegisters) -> Response:
    """Answer function 23: what is written shows already, the rest is of the newest scan."""
    function = function_of(request)
    table = served.table("holding")
    packed = table.read(request.address, request.count) if table is not None else None
    if packed is None:
        return Refused(function, ExceptionCode.ILLEGAL_DATA_ADDRESS)
    code = served.write(request)
    if code:
        return Refused(function, code)
    words = dict(enumerate(unpack_registers(packed), request.address))
    for register, word in enumerate(request.values, request.write_address):
        if register in words:
            words[register] = word
    return RegistersRead.of(function, tuple(words.values()))


def _read(served: ServedImage, request: ReadBits | ReadRegisters) -> Response:
    table = served.table(_TABLES[request.function])
    packed = table.read(request.address, request.count) if table is not None else None
    if packed is None:
        return Refused(request.function, ExceptionCode.ILLEGAL_DATA_ADDRESS)
    if isinstance(request, ReadBits):
        return BitsRead(request.function, packed, request.count)
    return RegistersRead(request.function, packed)
