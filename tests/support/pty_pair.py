"""Two terminal devices joined like a serial cable: written to one, read from the other."""

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PtyPair:
    """The names of both ends."""

    near: str
    far: str


@contextlib.contextmanager
def pty_pair() -> Iterator[PtyPair]:
    """Make a pair, carried by the running event loop."""
    loop = asyncio.get_running_loop()
    ends = [pty.openpty() for _ in range(2)]
    masters = [master for master, _ in ends]
    for master, slave in ends:
        tty.setraw(slave)
        os.set_blocking(master, False)
    for source, sink in (masters, reversed(masters)):
        loop.add_reader(source, _carry, source, sink)
    try:
        yield PtyPair(*(os.ttyname(slave) for _, slave in ends))
    finally:
        for master, slave in ends:
            loop.remove_reader(master)
            os.close(master)
            os.close(slave)


def _carry(source: int, sink: int) -> None:
    with contextlib.suppress(BlockingIOError, OSError):
        os.write(sink, os.read(source, 4096))
