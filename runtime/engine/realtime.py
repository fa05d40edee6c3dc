"""Ask the machine for punctuality: priority, processor, locked memory, sharp timers.

Each request returns a `Grant` that says in plain words what was granted, or what was refused and
what would help. A refusal is never fatal: the scan runs less punctually, and says so once. All but
`lock_memory` concern the calling thread only, so that no other thread runs at its priority.
"""

import ctypes
import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MCL_CURRENT_FUTURE_ONFAULT: Final = 7
"""Lock what is resident now and whatever becomes so. Without ONFAULT the kernel would read in all
of LLVM at once: 0.14 to 0.33 s of the start for 230 MB that no scan touches; with it 6 ms."""
_PR_SET_NAME: Final = 15
_PR_SET_TIMERSLACK: Final = 29
_PR_GET_TIMERSLACK: Final = 30
_MADV_POPULATE_WRITE: Final = 23
_CAP_IPC_LOCK: Final = 14
_LATENCY_DEVICE: Final = Path("/dev/cpu_dma_latency")

_libc: Final = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Grant:
    """One request to the machine and its answer."""

    wish: str
    granted: bool
    detail: str = ""

    def __str__(self) -> str:
        """Return the statement."""
        answer = "granted" if self.granted else "refused"
        return f"{self.wish}: {answer}" + (f" ({self.detail})" if self.detail else "")


def name_thread(name: str) -> None:
    """Name the calling thread as `ps -L` and `/proc` show it; 15 letters at most."""
    _libc.prctl(_PR_SET_NAME, name.encode("ascii"), 0, 0, 0)


def schedule_fifo(priority: int) -> Grant:
    """Give the calling thread SCHED_FIFO; processes it forks start at normal priority."""
    wish = f"SCHED_FIFO priority {priority} for the scan thread"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except OSError as error:
        detail = f"{error.strerror}; expected CAP_SYS_NICE, or an rtprio limit of {priority}"
        return Grant(wish, granted=False, detail=detail)
    return Grant(wish, granted=True)


def pin_to(cpu: int) -> Grant:
    """Bind the calling thread to one processor."""
    wish = f"processor {cpu} for the scan thread"
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        allowed = ", ".join(str(number) for number in sorted(os.sched_getaffinity(0)))
        return Grant(wish, granted=False, detail=f"{error.strerror}; expected one of {allowed}")
    return Grant(wish, granted=True)


def sharpen_timers() -> Grant:
    """Set the calling thread's timer slack to 1 ns: the default lets wake-ups wait for 50 µs."""
    wish = "timer slack of 1 ns"
    if _libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0) != 0:
        return Grant(wish, granted=False, detail=os.strerror(ctypes.get_errno()))
    slack = _libc.prctl(_PR_GET_TIMERSLACK, 0, 0, 0, 0)
    detail = "real-time threads have none" if slack == 0 else ""
    return Grant(wish, granted=slack <= 1, detail=detail)


def lock_memory(regions: Sequence[tuple[int, int]]) -> Grant:
    """Keep what is in memory there, now and in future; where that is not allowed, the regions.

    `populate` brings in what a scan touches, code is there once it was mapped. A process that may
    lock a limited amount only must not lock its future: an allocation beyond the limit would fail.

    Args:
        regions: Address and bytes of what a scan touches.
    """
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    if unlimited or _has_capability(_CAP_IPC_LOCK):
        wish = "all memory locked"
        if _libc.mlockall(_MCL_CURRENT_FUTURE_ONFAULT) == 0:
            return Grant(wish, granted=True)
        return Grant(wish, granted=False, detail=os.strerror(ctypes.get_errno()))
    wish = "image and state locked in memory"
    for address, size in regions:
        if _libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(size)) != 0:
            reason = os.strerror(ctypes.get_errno())
            return Grant(
                wish, granted=False, detail=f"{reason}; expected CAP_IPC_LOCK or a memlock limit"
            )
    return Grant(wish, granted=True, detail="not the rest: expected CAP_IPC_LOCK")


def populate(regions: Sequence[tuple[int, int]]) -> None:
    """Map the pages of what a scan touches, so that the first scans meet no page fault."""
    for address, size in regions:
        start = address - address % resource.getpagesize()
        length = ctypes.c_size_t(address + size - start)
        _libc.madvise(ctypes.c_void_p(start), length, _MADV_POPULATE_WRITE)  # older kernels: no


def _has_capability(number: int) -> bool:
    status = Path("/proc/self/status").read_bytes().splitlines()
    line = next((text for text in status if text.startswith(b"CapEff:")), b"CapEff: 0")
    return bool(int(line.split()[1], 16) >> number & 1)


class AwakeProcessor:
    """Keeps the processors out of deep sleep, whose wake-up costs up to 200 µs, until closed."""

    def __init__(self) -> None:
        """Ask for it; `grant` holds the answer."""
        wish = "processors kept out of deep sleep"
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(_LATENCY_DEVICE, os.O_WRONLY | os.O_CLOEXEC)
            os.write(self._descriptor, bytes(4))
            self.grant = Grant(wish, granted=True)
        except OSError as error:
            detail = f"{_LATENCY_DEVICE}: {error.strerror}"
            self.grant = Grant(wish, granted=False, detail=detail)

    def close(self) -> None:
        """Let them sleep again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
