"""The threads of a runtime: those that scan, and the main thread's wait for what they report."""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Final, Self

from runtime.engine import realtime
from runtime.engine.scan import Ending, ScanEngine

EXIT_STOPPED: Final = 0
SCAN_THREAD: Final = "takt-scan"
"""Name of the scan thread as the machine shows it."""
WATCH_THREAD: Final = "takt-watch"
"""Name of the watchdog's thread."""
PRIORITY_MAX: Final = 99
"""Highest priority of SCHED_FIFO."""
_NO_SIGNAL: Final = 0
"""The byte in the wake-up pipe of all that is not a signal."""


def scan_threads(engine: ScanEngine, wakeups: "Wakeups") -> "list[ScanThread]":
    """Return a thread for each task, not yet started."""
    several = len(engine.workers) > 1
    return [
        ScanThread(
            f"{SCAN_THREAD}-{number}" if several else SCAN_THREAD,
            worker.serve, settings.fifo_priority, settings.cpu, wakeups,
        )
        for number, (worker, settings) in enumerate(
            zip(engine.workers, engine.settings, strict=True)
        )
    ]  # fmt: skip


def watching_threads(engine: ScanEngine, wakeups: "Wakeups") -> "list[ScanThread]":
    """Return the watchdog's thread, more urgent than all tasks; none where no task wants it."""
    if engine.watchdog is None:
        return []
    top = max(item.fifo_priority for item in engine.settings)
    priority = min(top + 1, PRIORITY_MAX) if top else 0
    return [ScanThread(WATCH_THREAD, engine.watch, priority, None, wakeups)]


class ScanThread(threading.Thread):
    """A scan: prepares its own thread, then calls native code once."""

    def __init__(
        self,
        name: str,
        serve: Callable[[], Ending],
        fifo_priority: int,
        cpu: int | None,
        wakeups: "Wakeups",
    ) -> None:
        """Take what it runs and asks for; `wakeups` hears of its end."""
        super().__init__(name=name)
        self._serve, self._wakeups = serve, wakeups
        self._fifo_priority, self._cpu = fifo_priority, cpu
        self.grants: list[realtime.Grant] = []
        """Complete once `asked`."""
        self.asked = False
        """Whether all was asked of the machine that the thread asks for."""
        self.over = False
        """Whether the scan ended by itself or by request; set before `wakeups` hears of it."""
        self.ending: Ending | None = None

    def run(self) -> None:
        """Scan; every signal is another thread's business."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        realtime.name_thread(self.name)
        try:
            self.grants.append(realtime.sharpen_timers())
            if self._cpu is not None:
                self.grants.append(realtime.pin_to(self._cpu))
            if self._fifo_priority > 0:
                self.grants.append(realtime.schedule_fifo(self._fifo_priority))
            self.asked = True
            self.ending = self._serve()
        finally:
            self.over = True
            self._wakeups.wake()


class Wakeups:
    """Lets the main thread sleep until a signal, the end of a scan or an order comes.

    Signals come through a pipe, because any thread may be the one that receives them.
    """

    _SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

    def __enter__(self) -> Self:
        """Take the signals over."""
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _ignore) for number in self._SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        os.close(self._write)

    def wake(self) -> None:
        """Wake the waiting thread; any thread may."""
        os.write(self._write, bytes([_NO_SIGNAL]))

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for anything; return whether a signal came."""
        if not select.select([self._read], [], [], timeout_s)[0]:
            return False
        return any(byte != _NO_SIGNAL for byte in os.read(self._read, 64))


def _ignore(_number: int, _frame: object) -> None:
    """Leave it to the pipe."""


@contextlib.contextmanager
def leaving_on_a_signal() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the process with status 0, even while LLVM works for seconds."""
    with Wakeups() as wakeups:
        done = threading.Event()

        def leave() -> None:
            if wakeups.wait(None) and not done.is_set():
                os._exit(EXIT_STOPPED)

        thread = threading.Thread(target=leave, name="leave", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            wakeups.wake()
            thread.join()
