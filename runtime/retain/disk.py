"""Two files, A and B, that a store writes in turn; what a store asks of a disk.

Until `sync` returns nothing is promised: after a loss of power any part of what was written since
may be there, in any order. The files are for their owner only (0600).
"""

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from runtime.errors import HostError

SLOTS: Final = ("a", "b")


class Disk(Protocol):
    """Two byte strings by number, 0 and 1. Every method may raise OSError."""

    def read(self, slot: int) -> bytes:
        """Return all of a slot, empty where there is none."""
        ...

    def clear(self, slot: int) -> None:
        """Make a slot empty."""
        ...

    def write(self, slot: int, offset: int, part: bytes) -> None:
        """Write at an offset."""
        ...

    def sync(self, slot: int) -> None:
        """Return when what was written to a slot will outlive a loss of power."""
        ...

    def set_aside(self, slot: int) -> str:
        """Keep a slot's content for people to look at; return where it is."""
        ...


class FileDisk:
    """The slots as files `NAME.a` and `NAME.b` of a folder, which is made when first written."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open nothing yet."""
        self.paths: Final = tuple(folder / f"{name}.{slot}" for slot in SLOTS)
        self._folder = folder
        self._open: dict[int, int] = {}

    def read(self, slot: int) -> bytes:
        """Return all of a file, empty where there is none."""
        try:
            return self.paths[slot].read_bytes()
        except FileNotFoundError:
            return b""

    def clear(self, slot: int) -> None:
        """Make a file empty."""
        os.ftruncate(self._descriptor(slot), 0)

    def write(self, slot: int, offset: int, part: bytes) -> None:
        """Write at an offset, all of it."""
        descriptor, view = self._descriptor(slot), memoryview(part)
        while view:
            done = os.pwrite(descriptor, view, offset)
            view, offset = view[done:], offset + done

    def sync(self, slot: int) -> None:
        """Wait for the disk."""
        os.fdatasync(self._descriptor(slot))

    def set_aside(self, slot: int) -> str:
        """Rename a file to `NAME.a.damaged`; an earlier one gives way."""
        self._close(slot)
        kept = self.paths[slot].with_name(f"{self.paths[slot].name}.damaged")
        self.paths[slot].replace(kept)
        return str(kept)

    def remove(self, slot: int) -> None:
        """Remove a file for good."""
        self._close(slot)
        self.paths[slot].unlink(missing_ok=True)
        if self._folder.is_dir():
            _sync_folder(self._folder)

    def close(self) -> None:
        """Release the files."""
        for slot in list(self._open):
            self._close(slot)

    def _descriptor(self, slot: int) -> int:
        if slot not in self._open:
            if not self._folder.is_dir():
                self._folder.mkdir(mode=0o700, parents=True)
                _sync_folder(self._folder.parent)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.paths[slot], flags, 0o600)
            self._open[slot] = descriptor
            os.fchmod(descriptor, 0o600)
            _sync_folder(self._folder)
        return self._open[slot]

    def _close(self, slot: int) -> None:
        descriptor = self._open.pop(slot, None)
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lock:
    """Keeps two writers of one store apart; a process that dies gives it back."""

    def __init__(self, folder: Path, name: str) -> None:
        """Take nothing yet."""
        self._path = folder / f"{name}.lock"
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            HostError: Another process has it.
            OSError: The folder cannot be written.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self._path, flags, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise HostError(
                f"{self._path}: held by a running Takt; expected none: stop the project first"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        os.close(self._descriptor)
