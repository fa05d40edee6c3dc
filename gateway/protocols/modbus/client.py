"""The client's side of one Modbus connection: requests out, their responses in, as states.

    IDLE --request--> WAITING --response--> IDLE        anything else --> BROKEN

One request is open at a time unless `window` allows more: simple devices serve no more, and a
response that belongs to none shows that the two sides have lost step. From BROKEN only a new
connection leads back, for a late answer would be taken for the next one's. No socket and no clock
here: the caller moves the bytes, and calls `abandon` when it has waited long enough.

Datagrams come late, twice, damaged or not at all, so there what is no frame, or answers a question
that is no longer open, is dropped and counted (`is_datagram`): its transaction tells it apart.
"""

import enum
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.framing import MBAP, Framing
from gateway.protocols.modbus.lengths import response_length
from gateway.protocols.modbus.pdu import Function
from gateway.protocols.modbus.requests import ReadRegisters, Request, encode_request
from gateway.protocols.modbus.responses import RegistersRead, Response, decode_response
from gateway.protocols.modbus.tcp import decode_datagram, encode_frame

_TRANSACTIONS: Final = 1 << 16


class ClientState(enum.Enum):
    """Where a connection stands."""

    IDLE = "idle"
    WAITING = "waiting"
    BROKEN = "broken"


class Outgoing(NamedTuple):  # made for each request: takes half of a dataclass's time
    """A request on its way: the number that its reply will have, and the bytes to send."""

    transaction: int
    sent: bytes


class Reply(NamedTuple):
    """A response, and the number of the request that it answers."""

    transaction: int
    response: Response


_ANSWER_HEAD: Final = 9
"""Bytes of a read's answer before its registers: MBAP header, function, byte count."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A read of registers that is asked again and again: what never changes in both directions.

    Nearly every answer is one whole frame whose first nine bytes are known, so comparing those
    replaces taking it apart; any other goes the long way.
    """

    function: Function
    request_rest: bytes
    """The request behind its transaction."""
    answer_start: bytes
    """The answer's first bytes behind its transaction."""
    answer_bytes: int

    @classmethod
    def of(cls, unit: int, request: ReadRegisters, pdu: bytes) -> Self:
        """Return the shortcut of a request."""
        size = 2 * request.count
        start = encode_frame(Frame(0, unit, bytes((request.function, size)) + bytes(size)))
        rest = encode_frame(Frame(0, unit, pdu))[2:]
        return cls(request.function, rest, start[2:_ANSWER_HEAD], len(start))


class ClientConnection:
    """The state of one connection; make a new one for each."""

    def __init__(
        self,
        unit: int,
        framing: Framing = MBAP,
        *,
        window: int = 1,
        is_datagram: bool = False,
        first_transaction: int = 1,
    ) -> None:
        """Start in IDLE.

        Args:
            unit: Address behind the server, 0 to 255.
            framing: How frames look.
            window: Requests that may be open at a time; more than 1 asks for transactions.
            is_datagram: Whether `receive` gets datagrams, of which some answer nothing any more.
            first_transaction: Number of the first request.
        """
        if window > 1 and not framing.has_transactions:
            raise ValueError(f"window {window}: expected 1 where frames have no transaction")
        self._unit = unit
        self._framing = framing
        self._window = window
        self._is_datagram = is_datagram
        self._transaction = (first_transaction - 1) % _TRANSACTIONS
        self._parser = framing.parser(response_length)
        self._open: dict[int, Request] = {}
        self._shortcuts: dict[bytes, Shortcut] = {}
        self._expected: Shortcut | None = None
        """The one open request, while nothing of its answer has arrived."""
        self._ahead: dict[int, Shortcut] = {}
        """With a window, the open requests that have a shortcut."""
        self._has_shortcuts = framing is MBAP
        self._broken = False
        self.dropped = 0
        """Datagrams that were no frame, or answered nothing any more."""

    @property
    def state(self) -> ClientState:
        """Where the connection stands."""
        if self._broken:
            return ClientState.BROKEN
        return ClientState.WAITING if self._open else ClientState.IDLE

    def send(self, request: Request, pdu: bytes | None = None) -> Outgoing:
        """Open a request; return its number and the bytes to send.

        Args:
            request: What is asked.
            pdu: Its encoding, where the caller keeps it because it asks again and again.
        """
        if self._broken or len(self._open) >= self._window:
            raise ValueError(f"a request while the connection is {self.state.value}")
        transaction = 0
        if self._framing.has_transactions:
            transaction = self._transaction = (self._transaction + 1) % _TRANSACTIONS
        self._open[transaction] = request
        shortcut = None if pdu is None else self._shortcuts.get(pdu)
        if shortcut is None:
            return self._send_whole(transaction, request, pdu)
        self._expect(transaction, shortcut)
        return Outgoing(transaction, transaction.to_bytes(2, "big") + shortcut.request_rest)

    def _send_whole(self, transaction: int, request: Request, pdu: bytes | None) -> Outgoing:
        self._expected = None
        if pdu is None:
            pdu = encode_request(request)
        elif self._has_shortcuts and isinstance(request, ReadRegisters):
            shortcut = self._shortcuts[pdu] = Shortcut.of(self._unit, request, pdu)
            self._expect(transaction, shortcut)
        return Outgoing(transaction, self._framing.encode(Frame(transaction, self._unit, pdu)))

    def _expect(self, transaction: int, shortcut: Shortcut) -> None:
        if self._window == 1:
            self._expected = shortcut
        else:
            self._ahead[transaction] = shortcut

    def receive_expected(self, received: bytes) -> RegistersRead | None:
        """Take bytes that are the answer to the only open request, whole and alone, and a read.

        Nearly all are. None where they are anything else; then `receive` is to take them.
        """
        expected = self._expected
        if (
            expected is None
            or len(received) != expected.answer_bytes
            or not received.startswith(expected.answer_start, 2)
            or received[0] << 8 | received[1] != self._transaction
        ):
            return None
        self._expected = None
        self._open.clear()
        return RegistersRead(expected.function, received[_ANSWER_HEAD:])

    def receive(self, received: bytes) -> list[Reply]:
        """Take bytes that arrived; return the replies that they complete.

        Raises:
            PeerProtocolError: The bytes answer nothing that was asked; the connection is BROKEN.
        """
        response = self.receive_expected(received)
        if response is not None:
            return [Reply(self._transaction, response)]
        self._expected = None
        replies: list[Reply] = []
        rest = self._take_expected(received, replies) if self._ahead else received
        if not rest and replies:
            return replies
        try:
            return [*replies, *self._take(self._frames(rest))]
        except PeerProtocolError:
            self._broken = True
            raise

    def _take_expected(self, received: bytes, replies: list[Reply]) -> bytes:
        """Take answers to open reads, whole and one behind the other; return what is behind them.

        Args:
            received: Bytes that arrived.
            replies: Gets what they answer.
        """
        if self._parser.pending:
            return received
        at, size = 0, len(received)
        while at + _ANSWER_HEAD < size:
            transaction = received[at] << 8 | received[at + 1]
            shortcut = self._ahead.get(transaction)
            if shortcut is None or not received.startswith(shortcut.answer_start, at + 2):
                break
            end = at + shortcut.answer_bytes
            if end > size:
                break
            del self._ahead[transaction], self._open[transaction]
            read = RegistersRead(shortcut.function, received[at + _ANSWER_HEAD : end])
            replies.append(Reply(transaction, read))
            at = end
        return received[at:]

    @property
    def partial(self) -> bool:
        """Whether a part of a response has arrived."""
        return self._parser.pending > 0

    def abandon(self, transaction: int) -> None:
        """Give an open request up: what still arrives could be taken for another's answer."""
        self._open.pop(transaction, None)
        self._expected = None
        self._broken = not self._is_datagram

    def _frames(self, received: bytes) -> list[Frame]:
        if not self._is_datagram:
            return self._parser.feed(received)
        try:
            return [decode_datagram(received)]
        except PeerProtocolError:
            self.dropped += 1
            return []

    def _take(self, frames: list[Frame]) -> list[Reply]:
        replies = []
        for frame in frames:
            request = self._open.get(frame.transaction)
            if request is None and self._is_datagram:
                self.dropped += 1
                continue
            if request is None:
                raise PeerProtocolError(self._misfit(frame.transaction))
            if frame.unit != self._unit:
                raise PeerProtocolError(f"unit {frame.unit}: expected {self._unit}")
            response = decode_response(frame.pdu, request)
            del self._open[frame.transaction]
            self._ahead.pop(frame.transaction, None)
            replies.append(Reply(frame.transaction, response))
        if self._parser.pending and not self._open:
            raise PeerProtocolError(f"{self._parser.pending} bytes that no request asked for")
        return replies

    def _misfit(self, transaction: int) -> str:
        if not self._open:
            return "a frame that no request asked for"
        expected = " or ".join(str(number) for number in self._open)
        return f"transaction {transaction}: expected {expected}"
