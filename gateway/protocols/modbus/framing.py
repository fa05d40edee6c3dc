"""The framings of Modbus: how a unit's PDU is wrapped, and found again in a stream of bytes.

MBAP   transaction, length, unit, PDU          TCP, TLS, UDP
RTU    unit, PDU, check sum                    serial lines, and TCP to serial device servers
ASCII  colon, hexadecimal digits, CR LF        serial lines
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.protocols.modbus import ascii_line, rtu, tcp
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.lengths import LengthOf


class Parser(Protocol):
    """Bytes in, whole frames out."""

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete."""

    def feed(self, received: bytes) -> list[Frame]:
        """Return the frames that these bytes complete; raise `PeerProtocolError` on others."""


@dataclass(frozen=True, slots=True)
class Framing:
    """One way to wrap a PDU."""

    has_transactions: bool
    """Whether a frame carries its transaction's number, so that answers can be told apart."""
    encode: Callable[[Frame], bytes]
    parser: Callable[[LengthOf], Parser]
    """Makes the parser of one connection, given what tells the length of a PDU."""


MBAP: Final = Framing(
    has_transactions=True, encode=tcp.encode_frame, parser=lambda _: tcp.FrameParser()
)
RTU: Final = Framing(has_transactions=False, encode=rtu.encode_frame, parser=rtu.FrameParser)
ASCII: Final = Framing(
    has_transactions=False,
    encode=ascii_line.encode_frame,
    parser=lambda _: ascii_line.FrameParser(),
)
