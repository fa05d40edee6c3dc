"""A Modbus server on a serial line: one of the units that a client there may ask.

Everyone on the line hears everything, so what others ask and answer is passed over. Unit 0 is for
all: it is carried out and not answered. After a request the line is silent for 3.5 characters
before the answer begins, which gives its sender the time to listen. What is no frame costs no
connection, as there is none: it is counted and dropped at the next silence.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from gateway.config import SERVER_RETRY_S
from gateway.errors import PeerProtocolError
from gateway.protocols.modbus import ascii_line
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.framing import ASCII, RTU
from gateway.protocols.modbus.lengths import request_length, response_length
from gateway.protocols.modbus.rtu import FrameParser, silent_interval_ns
from gateway.protocols.modbus.server import Question, ServerConnection, question_of
from gateway.terminal import TerminalSettings, open_terminal
from runtime.project.servers import ModbusServer

_READ_BYTES: Final = 4096
_BROADCAST: Final = 0


class Desk(Protocol):
    """What answers, counts and logs for every kind of server."""

    def answer(self, question: Question, connection: ServerConnection) -> bytes:
        """Return the bytes that answer a question; none for a unit that is another's."""

    def spoiled(self, peer: str, error: PeerProtocolError) -> None:
        """Count and log what is no Modbus."""


def line_settings(section: ModbusServer) -> TerminalSettings:
    """Return the settings of a server's line."""
    assert section.serial is not None
    bits = section.data_bits if section.protocol == "modbus-ascii" else 8
    return TerminalSettings(section.serial, section.baud, section.parity, section.stop_bits, bits)


class LineListener:
    """The line of one server, open until it is closed; a line that is gone is tried again."""

    def __init__(self, desk: Desk, section: ModbusServer) -> None:
        """Open the line.

        Raises:
            HostError: The section names no line, or no unit.
            OSError: The line cannot be opened.
        """
        self._desk = desk
        self._settings = line_settings(section)
        self._unit = section.unit or 0
        self._is_ascii = section.protocol == "modbus-ascii"
        self._codec = ServerConnection(ASCII if self._is_ascii else RTU)
        self._rtu = FrameParser(request_length, waits_for_silence=True, overheard=response_length)
        self._ascii = ascii_line.FrameParser()
        self._heard: list[Frame] = []
        self._silence_s = silent_interval_ns(section.baud) / 1e9
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._file = -1
        self._open()

    def close(self) -> None:
        """Leave the line."""
        if self._timer is not None:
            self._timer.cancel()
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
        self._file = -1

    def _open(self) -> None:
        self._file = open_terminal(self._settings)
        self._loop.add_reader(self._file, self._readable)

    def _open_again(self) -> None:
        try:
            self._open()
        except OSError:
            self._timer = self._loop.call_later(SERVER_RETRY_S, self._open_again)

    def _lose(self) -> None:
        """Close a line whose device is gone (an adapter that was pulled out); try it again."""
        self.close()
        self._timer = self._loop.call_later(SERVER_RETRY_S, self._open_again)

    def _readable(self) -> None:
        try:
            received = os.read(self._file, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._lose()
            return
        parser = self._ascii if self._is_ascii else self._rtu
        self._hear(partial(parser.feed, received))
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._silence_s, self._silent)

    def _hear(self, take: Callable[[], list[Frame]]) -> None:
        try:
            self._heard += take()
        except PeerProtocolError as error:
            self._desk.spoiled(self._settings.path, error)

    def _silent(self) -> None:
        """Do what is for all, and answer what was asked last, if it is ours.

        Whoever asked something else meanwhile waits for an answer to that.
        """
        if not self._is_ascii:
            self._hear(self._rtu.silence)
        heard, self._heard = self._heard, []
        for place, frame in enumerate(heard, 1):
            question = question_of(frame)
            if frame.unit == _BROADCAST:
                self._desk.answer(replace(question, unit=self._unit), self._codec)
            elif place == len(heard):
                self._send(self._desk.answer(question, self._codec))

    def _send(self, answer: bytes) -> None:
        try:
            os.write(self._file, answer)
        except OSError:
            self._lose()
