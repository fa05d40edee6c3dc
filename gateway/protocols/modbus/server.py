"""The server's side of one Modbus connection: bytes in, questions out; answers in, bytes out.

It holds no tables: whoever serves them answers each `Question`. A frame that is sound but asks for
what does not exist comes as a `RequestError` to be refused with its code; bytes that are no frame
raise `PeerProtocolError`, after which the connection is to be closed.
"""

from dataclasses import dataclass

from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.framing import MBAP, Framing
from gateway.protocols.modbus.lengths import request_length
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
        return [_question(frame) for frame in self._parser.feed(received)]

    def answer(self, question: Question, response: Response) -> bytes:
        """Return the bytes that answer a question."""
        pdu = encode_response(response)
        return self._framing.encode(Frame(question.transaction, question.unit, pdu))


def _question(frame: Frame) -> Question:
    try:
        return Question(frame.transaction, frame.unit, decode_request(frame.pdu))
    except RequestError as error:
        return Question(frame.transaction, frame.unit, error)


def refusal(error: RequestError) -> Refused:
    """Return the response that refuses a request."""
    return Refused(error.function, int(error.code))
