"""The server's side of one Modbus connection: bytes in, questions out; answers in, bytes out.

It holds no tables: whoever serves them answers each `Question`. A frame that is sound but asks for
what does not exist comes as a `RequestError` to be refused with its code; bytes that are no frame
raise `PeerProtocolError`, after which the connection is to be closed.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.framing import MBAP, Framing
from gateway.protocols.modbus.lengths import request_length
from gateway.protocols.modbus.limits import READ_BITS_MAX, READ_REGISTERS_MAX
from gateway.protocols.modbus.pdu import RequestError
from gateway.protocols.modbus.requests import Request, decode_request
from gateway.protocols.modbus.responses import Refused, Response, encode_response


@dataclass(frozen=True, slots=True)
class Question:
    """What a client asks: a request, or why it cannot be one."""

    transaction: int
    unit: int
    request: Request | RequestError


class ServerConnection:
    """The state of one connection."""

    def __init__(self, framing: Framing = MBAP) -> None:
        """Begin between two frames."""
        self._framing = framing
        self._parser = framing.parser(request_length)

    @property
    def partial(self) -> bool:
        """Whether a part of a request has arrived."""
        return self._parser.pending > 0

    def receive(self, received: bytes) -> list[Question]:
        """Take bytes that arrived; return the questions that they complete.

        Raises:
            PeerProtocolError: The bytes are not Modbus.
        """
        return [question_of(frame) for frame in self._parser.feed(received)]

    def answer(self, question: Question, response: Response) -> bytes:
        """Return the bytes that answer a question."""
        pdu = encode_response(response)
        return self._framing.encode(Frame(question.transaction, question.unit, pdu))


@dataclass(frozen=True, slots=True)
class QuickRead:
    """A read that came as one whole MBAP frame: what nearly every segment is."""

    unit: int
    function: int
    address: int
    count: int
    head: bytes
    """What stands in the answer between its transaction and its bits or registers."""


_TRANSACTION_BYTES: Final = 2
_QUICK: Final = struct.Struct(">HHBBHH")
QUICK_BYTES: Final = _TRANSACTION_BYTES + _QUICK.size
"""Bytes of a read as a frame."""
_ANSWER: Final = struct.Struct(">HHBBB")
_READ_BYTES: Final = 6
_QUICK_READS_MAX: Final = 4096
"""Different reads that are remembered: clients ask the same ones again and again."""
_BIT_FUNCTIONS: Final = (1, 2)
_COUNTS_MAX: Final = {
    1: READ_BITS_MAX, 2: READ_BITS_MAX, 3: READ_REGISTERS_MAX, 4: READ_REGISTERS_MAX,
}  # fmt: skip


def quick_read(received: bytes) -> QuickRead | None:
    """Return the read that a segment is; None where it is anything else, or not sound."""
    return _quick_read(received[_TRANSACTION_BYTES:])


def quick_answer(received: bytes, quick: QuickRead, packed: bytes) -> bytes:
    """Return the bytes that answer a quick read with these bits or registers."""
    return received[:_TRANSACTION_BYTES] + quick.head + packed


@lru_cache(maxsize=_QUICK_READS_MAX)
def _quick_read(asked: bytes) -> QuickRead | None:
    """Return the read that a segment without its transaction is, if it is one."""
    if len(asked) != _QUICK.size:
        return None
    protocol, length, unit, function, address, count = _QUICK.unpack(asked)
    if length != _READ_BYTES or protocol != 0:
        return None
    if not 1 <= count <= _COUNTS_MAX.get(function, 0):
        return None
    size = -(-count // 8) if function in _BIT_FUNCTIONS else 2 * count
    head = _ANSWER.pack(0, 3 + size, unit, function, size)
    return QuickRead(unit, function, address, count, head)


def question_of(frame: Frame) -> Question:
    """Return what a frame asks."""
    try:
        return Question(frame.transaction, frame.unit, decode_request(frame.pdu))
    except RequestError as error:
        return Question(frame.transaction, frame.unit, error)


def refusal(error: RequestError) -> Refused:
    """Return the response that refuses a request."""
    return Refused(error.function, int(error.code))
