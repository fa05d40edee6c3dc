"""How far the wall clock may be off, as the kernel knows it from whoever disciplines it."""

import ctypes
import struct
from typing import Final

_TIMEX_BYTES: Final = 256
"""More than `struct timex` takes on any 64-bit Linux (208)."""
_MAX_ERROR: Final = 24
"""Offset of `maxerror` there, a long in microseconds."""
_MICROSECOND_NS: Final = 1000
_UNSYNCHRONIZED: Final = 5
"""What `adjtimex` returns (TIME_ERROR) when nobody disciplines the clock."""


def wall_error_ns() -> int | None:
    """Return the kernel's bound of the wall clock's error, None where nobody disciplines it.

    Times since 1970 of two machines differ by at most the sum of their bounds.
    """
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes 0: read only
    state = ctypes.CDLL(None).adjtimex(timex)
    if state < 0 or state == _UNSYNCHRONIZED:
        return None
    maximum: int = struct.unpack_from("<q", timex, _MAX_ERROR)[0]
    return maximum * _MICROSECOND_NS
