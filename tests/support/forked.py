"""A process of its own that does one thing without pause, until it is killed."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def endlessly(act: Callable[[], object]) -> Iterator[int]:
    """Do something over and over in a forked process, which a signal kills at the end."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(tell, b"!")
            while True:
                act()
        finally:
            os._exit(1)
    try:
        assert select.select([ready], [], [], 10)[0], "the process did not start"
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(tell)
