"""Measure how late a thread wakes up here, and what each measure of the runtime gains.

The loop sleeps as the scan does (`clock_nanosleep` until an absolute time) but is Python: it adds
some µs to each figure, alike to all.
"""

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from runtime.app.doctor.checks import Wishes
from runtime.engine import realtime

INTERVAL_NS: Final = 1_000_000
_CLOCK_MONOTONIC: Final = 1
_TIMER_ABSTIME: Final = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


_libc: Final = ctypes.CDLL(None)
_libc.clock_nanosleep.argtypes = [
    ctypes.c_int, ctypes.c_int, ctypes.POINTER(_Timespec), ctypes.c_void_p,
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wakeups:
    """Lateness of a thread that sleeps to absolute times 1 ms apart."""

    setting: str
    lateness_ns: tuple[int, ...]
    """In order of size."""

    def percentile(self, percent: float) -> int:
        """Return the lateness in ns that `percent` of the wake-ups do not exceed."""
        last = len(self.lateness_ns) - 1
        return self.lateness_ns[min(last, int(len(self.lateness_ns) * percent / 100))]


def measure(seconds: float, wishes: Wishes) -> Iterator[Wakeups]:
    """Measure each setting for a share of the time; each keeps what the ones before it asked for.

    A setting that the host refuses says so in its name.
    """
    steps: list[tuple[str, Callable[[], realtime.Grant]]] = [
        ("timer slack of 1 ns", realtime.sharpen_timers)
    ]
    if wishes.cpu is not None:
        cpu = wishes.cpu
        steps.append((f"bound to processor {cpu}", lambda: realtime.pin_to(cpu)))
    if wishes.priority > 0:
        priority = wishes.priority
        steps.append((f"SCHED_FIFO {priority}", lambda: realtime.schedule_fifo(priority)))
    turns = len(steps) + 2
    count = max(10, int(seconds * 1e9 / INTERVAL_NS / turns))
    yield _in_a_thread("an ordinary thread", (), count)
    for number, (name, _) in enumerate(steps):
        asked = [ask for _, ask in steps[: number + 1]]
        yield _in_a_thread(f"+ {name}", asked, count)
    with contextlib.closing(realtime.AwakeProcessor()) as awake:
        refused = "" if awake.grant.granted else " (refused)"
        asked = [ask for _, ask in steps]
        yield _in_a_thread(f"+ kept out of deep sleep{refused}", asked, count)


def _in_a_thread(
    setting: str, requests: Sequence[Callable[[], realtime.Grant]], count: int
) -> Wakeups:
    """Measure in a thread of its own: what it asked for ends with it."""
    found: list[int] = []
    refused: list[str] = []

    def work() -> None:
        refused.extend(grant.detail for ask in requests if not (grant := ask()).granted)
        found.extend(_lateness(count))

    thread = threading.Thread(target=work, name="doctor")
    thread.start()
    thread.join()
    return Wakeups(setting + (" (refused)" if refused else ""), tuple(sorted(found)))


def _lateness(count: int) -> Iterator[int]:
    release = time.monotonic_ns() + INTERVAL_NS
    for _ in range(count):
        until = _Timespec(*divmod(release, 1_000_000_000))
        _libc.clock_nanosleep(_CLOCK_MONOTONIC, _TIMER_ABSTIME, ctypes.byref(until), None)
        woken = time.monotonic_ns()
        yield woken - release
        release += INTERVAL_NS * max(1, -(-(woken - release) // INTERVAL_NS))
