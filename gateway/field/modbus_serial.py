"""Serial lines: RTU and ASCII on a terminal device, shared by all devices that hang on it.

A line carries one request at a time, so the devices on it take turns, first come first served; one
that does not answer costs the others its timeout, and after that waits as any dead device does.
Before each request the line is silent for 3.5 characters, and what then still lies in the buffers
is thrown away: an answer that comes too late is not taken for the next one's.
"""

import asyncio
import errno
import os
import termios
from typing import Final

from gateway.errors import PeerClosedError, PeerRefusedError
from gateway.field.clock import Clock
from gateway.field.modbus_link import Asked, Exchange, Took, Wire, converse_by_exchanges
from gateway.protocols.modbus.client import ClientConnection
from gateway.protocols.modbus.framing import ASCII, RTU, Framing
from gateway.protocols.modbus.requests import Request
from gateway.protocols.modbus.rtu import silent_interval_ns
from gateway.terminal import TerminalSettings, open_terminal
from runtime.project.devices import ModbusAsciiDevice, SerialDevice

_READ_BYTES: Final = 4096


class SerialLine:
    """One terminal device, open while at least one of its users is connected."""

    def __init__(self, section: SerialDevice, clock: Clock) -> None:
        """Take the settings of the first device on the line; nothing is opened yet."""
        self._section = section
        self._clock = clock
        self._users = 0
        self._file = -1
        self._wire: Wire | None = None
        self._quiet_from_ns = 0
        self._silence_ns = silent_interval_ns(section.baud)
        self.turn = asyncio.Lock()

    def join(self) -> None:
        """Open the line for one more user.

        Raises:
            PeerRefusedError: It cannot be opened, or is no terminal.
        """
        if self._file < 0:
            self._open()
        self._users += 1

    def leave(self) -> None:
        """Close the line after its last user."""
        self._users -= 1
        if self._users == 0:
            self._shut()

    async def exchange(
        self, connection: ClientConnection, request: Request, pdu: bytes | None, timeout_ns: int
    ) -> Exchange:
        """Ask one device, once it is its turn and the line has been silent."""
        async with self.turn:
            wait_ns = self._quiet_from_ns + self._silence_ns - self._clock()
            if wait_ns > 0:
                await asyncio.sleep(wait_ns / 1e9)
            if self._file < 0:
                raise PeerClosedError(f"{self._section.serial}: the line is closed")
            termios.tcflush(self._file, termios.TCIFLUSH)
            wire = self._wire = Wire(connection, self._clock)
            found: list[Exchange] = []
            try:
                await wire.converse(self.send, (request, pdu), found.append, timeout_ns)
                return found[0]
            finally:
                self._wire = None
                self._quiet_from_ns = self._clock()

    def send(self, outgoing: bytes) -> None:
        """Write a frame; the driver's buffer is larger than any."""
        try:
            sent = os.write(self._file, outgoing)
        except OSError as error:
            self._lose(error)
            return
        if sent != len(outgoing) and self._wire is not None:
            self._wire.fail(PeerClosedError(f"{self._section.serial}: the line takes no bytes"))

    def _open(self) -> None:
        section = self._section
        bits = section.data_bits if isinstance(section, ModbusAsciiDevice) else 8
        settings = TerminalSettings(
            section.serial, section.baud, section.parity, section.stop_bits, bits
        )
        try:
            self._file = open_terminal(settings)
        except OSError as error:
            raise PeerRefusedError(f"{section.serial}: {error.strerror}") from None
        asyncio.get_running_loop().add_reader(self._file, self._readable)

    def _readable(self) -> None:
        try:
            received = os.read(self._file, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        if not received:
            self._lose(OSError(errno.EIO, "end of file"))
        elif self._wire is not None:
            self._wire.received(received)

    def _lose(self, error: OSError) -> None:
        """Close a line whose device is gone (an adapter that was pulled out)."""
        if self._wire is not None:
            self._wire.fail(PeerClosedError(f"{self._section.serial}: {error.strerror}"))
        self._shut()

    def _shut(self) -> None:
        if self._file >= 0:
            asyncio.get_running_loop().remove_reader(self._file)
            os.close(self._file)
        self._file = -1


class SerialLink:
    """One device on a serial line."""

    def __init__(self, line: SerialLine, section: SerialDevice) -> None:
        self._line = line
        self._section = section
        self._framing: Framing = ASCII if isinstance(section, ModbusAsciiDevice) else RTU
        self._is_joined = False

    async def connect(self) -> None:
        """Open the line, where no other device has."""
        if not self._is_joined:
            self._line.join()
            self._is_joined = True

    async def exchange(self, request: Request, pdu: bytes | None = None) -> Exchange:
        """Return the response to a request."""
        connection = ClientConnection(self._section.unit, self._framing)
        return await self._line.exchange(connection, request, pdu, self._section.timeout)

    async def converse(self, first: Asked, took: Took) -> None:
        """Ask one request after another; between them others on the line have their turn."""
        await converse_by_exchanges(self, first, took)

    def close(self) -> None:
        """Leave the line."""
        if self._is_joined:
            self._is_joined = False
            self._line.leave()
