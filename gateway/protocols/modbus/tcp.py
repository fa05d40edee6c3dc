"""Modbus TCP framing: the MBAP header in front of a PDU, and an incremental parser.

    transaction u16 | protocol u16 = 0 | length u16 (unit and PDU) | unit u8 | PDU

TCP keeps no borders: a frame may come in pieces and several may come in one. The header is judged
as soon as it is there, so garbage is noticed at once and not after waiting for what it announces.
"""

import struct
from typing import Final

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.limits import LENGTH_MAX, LENGTH_MIN
from gateway.protocols.modbus.stream import Stream

_HEADER: Final = struct.Struct(">HHHB")
_BEFORE_UNIT: Final = 6
_PREFIX: Final = struct.Struct(">HHH")


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    return _HEADER.pack(frame.transaction, 0, 1 + len(frame.pdu), frame.unit) + frame.pdu


class FrameParser:
    """Bytes in, whole frames out. After an error it stays broken: the borders are lost."""

    def __init__(self) -> None:
        self._stream = Stream()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete; less than one frame's size."""
        return len(self._stream.content)

    def feed(self, received: bytes) -> list[Frame]:
        """Return the frames that these bytes complete.

        Raises:
            PeerProtocolError: The bytes are not Modbus TCP.
        """
        stream = self._stream
        if stream.between_frames and (frame := _only_frame(received)):
            return [frame]
        stream.add(received)
        frames = []
        while (end := self._frame_end()) and self.pending >= end:
            whole = stream.cut(end)
            transaction, _, _, unit = _HEADER.unpack_from(whole)
            frames.append(Frame(transaction, unit, whole[_HEADER.size :]))
        return frames

    def _frame_end(self) -> int:
        """Return the size of the frame at the start of the buffer, 0 where it is not known yet."""
        if self.pending < _BEFORE_UNIT:
            return 0
        _, protocol, length = _PREFIX.unpack_from(self._stream.content)
        if protocol != 0:
            self._stream.lose()
            raise PeerProtocolError(f"protocol identifier {protocol}: expected 0 (Modbus)")
        if not LENGTH_MIN <= length <= LENGTH_MAX:
            self._stream.lose()
            raise PeerProtocolError(f"length {length}: expected {LENGTH_MIN} to {LENGTH_MAX}")
        return _BEFORE_UNIT + int(length)


def _only_frame(received: bytes) -> Frame | None:
    """Return the frame that the bytes are, if they are exactly one: nearly always so."""
    if len(received) <= _HEADER.size:
        return None
    transaction, protocol, length, unit = _HEADER.unpack_from(received)
    if protocol != 0 or length + _BEFORE_UNIT != len(received) or length > LENGTH_MAX:
        return None
    return Frame(transaction, unit, received[_HEADER.size :])


def decode_datagram(received: bytes) -> Frame:
    """Return the frame of a datagram.

    Raises:
        PeerProtocolError: It is not exactly one frame.
    """
    frame = _only_frame(received)
    if frame is None:
        raise PeerProtocolError(f"a datagram of {len(received)} bytes that is not one frame")
    return frame
