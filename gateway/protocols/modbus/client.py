"""The client's side of one Modbus TCP connection: one request out, its response in, as states.

    IDLE --request--> WAITING --response--> IDLE        anything else --> BROKEN

One request is open at a time: simple devices serve no more, and a response that does not belong to
it shows that the two sides have lost step. From BROKEN only a new connection leads back, for a late
answer would be taken for the next one's. No socket and no clock here: the caller moves the bytes,
and calls `abandon` when it has waited long enough.
"""

import enum
from typing import Final

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.pdu import Request, Response, decode_response, encode_request
from gateway.protocols.modbus.tcp import Frame, FrameParser, encode_frame

_TRANSACTIONS: Final = 1 << 16


class ClientState(enum.Enum):
    """Where a connection stands."""

    IDLE = "idle"
    WAITING = "waiting"
    BROKEN = "broken"


class ClientConnection:
    """The state of one connection; make a new one for each TCP connection."""

    def __init__(self, unit: int, first_transaction: int = 1) -> None:
        """Start in IDLE.

        Args:
            unit: Address behind the TCP server, 0 to 255.
            first_transaction: Number of the first request.
        """
        self._unit = unit
        self._transaction = (first_transaction - 1) % _TRANSACTIONS
        self._parser = FrameParser()
        self._request: Request | None = None
        self._state = ClientState.IDLE

    @property
    def state(self) -> ClientState:
        """Where the connection stands."""
        return self._state

    def send(self, request: Request) -> bytes:
        """Open a request; return the bytes to send."""
        if self._state is not ClientState.IDLE:
            raise ValueError(f"a request while the connection is {self._state.value}")
        self._transaction = (self._transaction + 1) % _TRANSACTIONS
        self._request = request
        self._state = ClientState.WAITING
        return encode_frame(Frame(self._transaction, self._unit, encode_request(request)))

    def receive(self, received: bytes) -> Response | None:
        """Take bytes that arrived; return the response once it is complete.

        Raises:
            PeerProtocolError: The bytes are not the response; the connection is BROKEN.
        """
        try:
            return self._take(self._parser.feed(received))
        except PeerProtocolError:
            self._state = ClientState.BROKEN
            raise

    @property
    def partial(self) -> bool:
        """Whether a part of a response has arrived."""
        return self._parser.pending > 0

    def abandon(self) -> None:
        """Give the open request up: what still arrives could be taken for another's answer."""
        self._state = ClientState.BROKEN

    def _take(self, frames: list[Frame]) -> Response | None:
        if not frames and self._state is ClientState.WAITING:
            return None
        if len(frames) > 1:
            raise PeerProtocolError(f"{len(frames)} frames in the response to one request")
        if self._state is not ClientState.WAITING or self._request is None:
            raise PeerProtocolError("bytes that no request asked for")
        if self._parser.pending:
            raise PeerProtocolError(f"{self._parser.pending} bytes after the response")
        frame = frames[0]
        if frame.transaction != self._transaction:
            raise PeerProtocolError(
                f"transaction {frame.transaction}: expected {self._transaction}"
            )
        if frame.unit != self._unit:
            raise PeerProtocolError(f"unit {frame.unit}: expected {self._unit}")
        response = decode_response(frame.pdu, self._request)
        self._request = None
        self._state = ClientState.IDLE
        return response
