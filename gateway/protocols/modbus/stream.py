"""Bytes that came and are no whole frame yet: what the parsers of TCP and RTU share.

Once the borders between frames are lost nothing that follows can be believed, so a stream that was
broken refuses further bytes until someone knows where a frame begins.
"""

from gateway.errors import PeerProtocolError


class Stream:
    """Bytes of frames, in the order in which they came."""

    def __init__(self) -> None:
        """Begin between two frames."""
        self.content = bytearray()
        """What came and was not cut off."""
        self._broken = False

    @property
    def between_frames(self) -> bool:
        """Whether the next byte begins a frame."""
        return not (self.content or self._broken)

    def add(self, received: bytes) -> None:
        """Take bytes.

        Raises:
            PeerProtocolError: The stream is broken.
        """
        if self._broken:
            raise PeerProtocolError("bytes after a protocol error")
        self.content += received

    def cut(self, end: int) -> bytes:
        """Return the first bytes, and keep what follows them."""
        first = bytes(self.content[:end])
        del self.content[:end]
        return first

    def lose(self) -> int:
        """Break, and drop what is there; return how many bytes that was."""
        self._broken = True
        return len(self.cut(len(self.content)))

    def begin(self) -> bytes:
        """Begin between two frames; return what is there, nothing where the stream was broken."""
        was_broken, self._broken = self._broken, False
        left = self.cut(len(self.content))
        return b"" if was_broken else left
