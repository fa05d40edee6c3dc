"""Modbus RTU framing (serial line V1.02, section 2.5.1): unit | PDU | CRC-16, low byte first.

On a line a frame ends by a silence of 3.5 characters, which neither TCP nor an operating system's
buffers keep. So its end is told from its start: function and byte count say how long it is. Only
where they do not (`request_length` knows no such function) the silence decides: `silence`.
"""

import struct
from collections.abc import Iterator
from typing import Final

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.lengths import LengthOf
from gateway.protocols.modbus.limits import RTU_BYTES_MAX, RTU_BYTES_MIN
from gateway.protocols.modbus.stream import Stream

_CRC: Final = struct.Struct("<H")
_POLYNOMIAL: Final = 0xA001
_FAST_BAUD: Final = 19_200
_FAST_SILENCE_NS: Final = 1_750_000
_BITS_A_CHARACTER: Final = 11
_SILENT_HALF_CHARACTERS: Final = 7


def _crc_row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_CRC_ROWS: Final = tuple(_crc_row(byte) for byte in range(256))


def crc16(covered: bytes) -> int:
    """Return the check sum of unit and PDU."""
    crc = 0xFFFF
    for byte in covered:
        crc = crc >> 8 ^ _CRC_ROWS[(crc ^ byte) & 0xFF]
    return crc


def silent_interval_ns(baud: int) -> int:
    """Return the silence in ns that ends a frame: 3.5 characters, 1.75 ms above 19,200 baud."""
    if baud > _FAST_BAUD:
        return _FAST_SILENCE_NS
    return _SILENT_HALF_CHARACTERS * _BITS_A_CHARACTER * 1_000_000_000 // (2 * baud)


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    covered = bytes((frame.unit,)) + frame.pdu
    return covered + _CRC.pack(crc16(covered))


class FrameParser:
    """Bytes in, whole frames out. After an error it is broken until the next `silence`."""

    def __init__(
        self,
        length_of: LengthOf,
        *,
        waits_for_silence: bool = False,
        overheard: LengthOf | None = None,
    ) -> None:
        """Begin between two frames.

        Args:
            length_of: Tells the length of a PDU from its start.
            waits_for_silence: Whether bytes that make no frame wait for `silence` to be judged, as
                on a line, rather than being an error at once.
            overheard: The same for frames that others exchange on the line: they are dropped.
        """
        self._length_of = length_of
        self._waits = waits_for_silence
        self._overheard = overheard
        self._stream = Stream()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._stream.content)

    def feed(self, received: bytes) -> list[Frame]:
        """Return the frames that these bytes complete.

        Raises:
            PeerProtocolError: The bytes are not Modbus RTU.
        """
        self._stream.add(received)
        frames = list(self._frames())
        if self.pending > RTU_BYTES_MAX:
            raise PeerProtocolError(f"{self._stream.lose()} bytes without a frame")
        return frames

    def silence(self) -> list[Frame]:
        """Take the silence that ends a frame; return the frame that it completes.

        Raises:
            PeerProtocolError: What was received before the silence is no frame.
        """
        received = self._stream.begin()
        if not received:
            return []
        frame = _checked(received)
        is_overheard = self._overheard and _frame_end(received, self._overheard) == len(received)
        return [] if is_overheard else [frame]

    def _frames(self) -> Iterator[Frame]:
        while True:
            try:
                frame = self._first(self._length_of)
            except PeerProtocolError:
                if self._pass_over():
                    continue
                if self._waits:
                    return
                self._stream.lose()
                raise
            if frame is None:
                return
            yield frame

    def _first(self, length_of: LengthOf) -> Frame | None:
        """Cut the frame off that is at the start, None where it is not there as a whole."""
        content = self._stream.content
        end = _frame_end(content, length_of)
        if not end or len(content) < end:
            return None
        frame = _checked(bytes(content[:end]))
        self._stream.cut(end)
        return frame

    def _pass_over(self) -> bool:
        """Drop the frame of others at the start; return whether there is one."""
        if self._overheard is None:
            return False
        try:
            return self._first(self._overheard) is not None
        except PeerProtocolError:
            return False


def _frame_end(content: bytes | bytearray, length_of: LengthOf) -> int:
    """Return the size of the frame that starts like this, 0 where it is not known yet."""
    length = length_of(bytes(content[1:]))
    return 1 + length + _CRC.size if length else 0


def _checked(received: bytes) -> Frame:
    if len(received) < RTU_BYTES_MIN:
        raise PeerProtocolError(f"{len(received)} bytes: expected a frame of {RTU_BYTES_MIN}")
    covered, found = received[: -_CRC.size], _CRC.unpack(received[-_CRC.size :])[0]
    expected = crc16(covered)
    if found != expected:
        raise PeerProtocolError(f"check sum 0x{found:04X}: expected 0x{expected:04X}")
    return Frame(0, covered[0], covered[1:])
