"""A timer of the kernel in the event loop, exact to tens of microseconds; its own count in ms.

It stands on CLOCK_MONOTONIC, the time base of the image, and wakes the loop as any file does.
"""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_CLOCK_MONOTONIC: Final = 1
_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | os.O_CLOEXEC
_ABSOLUTE: Final = 1
_TIMES: Final = struct.Struct("=qqqq")
"""struct itimerspec: period, and first expiry, each in s and ns."""
_SECOND_NS: Final = 1_000_000_000
_READ_BYTES: Final = 8


class FineTimer:
    """One alarm; close it in the loop in which it was made."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Begin without an alarm.

        Args:
            wake: Is called in the running loop when the time has come.

        Raises:
            OSError: The process has no more files.
        """
        self._file = int(_LIBC.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC))
        if self._file < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._expired)

    def set(self, at_ns: int) -> None:
        """Ask to be woken at a time of CLOCK_MONOTONIC, at once where it is past.

        An alarm that was set before is forgotten.
        """
        seconds, rest = divmod(max(at_ns, 1), _SECOND_NS)
        _LIBC.timerfd_settime(self._file, _ABSOLUTE, _TIMES.pack(0, 0, seconds, rest), None)

    def close(self) -> None:
        """Forget the alarm."""
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _expired(self) -> None:
        try:
            os.read(self._file, _READ_BYTES)
        except BlockingIOError:  # set anew since it had expired
            return
        self._wake()
