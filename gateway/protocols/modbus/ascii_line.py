"""Modbus ASCII framing (serial line V1.02, section 2.5.2): `:` unit and PDU and LRC in hex CR LF.

A colon begins a frame wherever it stands; what precedes it is noise of the line.
"""

from typing import Final

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.limits import ASCII_CHARACTERS_MAX

_BYTES_MIN: Final = 3


def lrc(covered: bytes) -> int:
    """Return the check sum of unit and PDU: their sum's complement to 256."""
    return -sum(covered) & 0xFF


def encode_frame(frame: Frame) -> bytes:
    """Return the characters of a frame."""
    covered = bytes((frame.unit,)) + frame.pdu
    text = (covered + bytes((lrc(covered),))).hex().upper()
    return f":{text}\r\n".encode("ascii")


class FrameParser:
    """Characters in, whole frames out. An error costs the line that it stands in, no other."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Characters of a frame that is not complete."""
        return len(self._buffer)

    def feed(self, received: bytes) -> list[Frame]:
        """Return the frames that these characters complete.

        Raises:
            PeerProtocolError: A line is no frame.
        """
        self._buffer += received
        frames = []
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[: end + 1])
            del self._buffer[: end + 1]
            frames.append(_decode_line(line))
        begin = self._buffer.rfind(b":")
        del self._buffer[: begin if begin >= 0 else len(self._buffer)]
        if len(self._buffer) > ASCII_CHARACTERS_MAX:
            self._buffer.clear()
            raise PeerProtocolError(f"more than {ASCII_CHARACTERS_MAX} characters in a line")
        return frames


def _decode_line(line: bytes) -> Frame:
    digits = line[line.rfind(b":") + 1 :]
    if b":" not in line or not digits.endswith(b"\r\n"):
        raise PeerProtocolError(f"a line of {len(line)} characters that is no frame")
    try:
        covered = bytes.fromhex(digits[:-2].decode("ascii"))
    except ValueError:
        raise PeerProtocolError("characters that are not pairs of hexadecimal digits") from None
    if len(covered) < _BYTES_MIN or len(digits) != 2 * len(covered) + 2:
        raise PeerProtocolError(f"a line of {len(line)} characters that is no frame")
    if lrc(covered[:-1]) != covered[-1]:
        raise PeerProtocolError(
            f"check sum 0x{covered[-1]:02X}: expected 0x{lrc(covered[:-1]):02X}"
        )
    return Frame(0, covered[0], covered[1:-1])
