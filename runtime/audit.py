"""The audit log: what is commanded from outside and what came of it, in JSON.

The cloud, OPC UA clients and `takt put` command from outside, each from a process of its own. Lines
are appended and on disk before the call returns; none is ever changed. The file is opened for each
line, so that it may be moved away for keeping meanwhile. A file that is full becomes NAME.1, that
one NAME.2 and so on; the last one is deleted, so their size is bounded.
"""

import contextlib
import datetime as dt
import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from runtime.datatypes.values import Json

AUDIT_FILE_BYTES: Final = 64_000_000
"""Size from which the audit log begins a new file; one line at most goes beyond."""

AUDIT_FILES_KEPT: Final = 8
"""Files of the audit log beside the one that is written; the oldest is deleted for a ninth."""

COMMAND_TAIL_BYTES: Final = 64_000_000
"""End of the audit log that is read for ids: an hour at the full rate takes less."""

_OWNER_ONLY: Final = 0o600
_SECOND_NS: Final = 1_000_000_000


def stamped(record: Mapping[str, Json | None], wall_ns: int) -> dict[str, Json | None]:
    """Return a record with its time in front: as people read it, and in ns."""
    stamp = dt.datetime.fromtimestamp(wall_ns // _SECOND_NS, dt.UTC)
    text = f"{stamp:%Y-%m-%dT%H:%M:%S}.{wall_ns % _SECOND_NS // 1_000_000:03}Z"
    return {"time": text, "time_ns": wall_ns, **record}


class AuditLog:
    """One file; not to be used from two threads at a time, but from two processes.

    A line is one write to the file's end, so those of two processes never mix.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is opened yet."""
        self.path = path

    def append(self, record: Mapping[str, Json | None]) -> None:
        """Write a line and wait until the disk has it.

        Raises:
            OSError: The disk refuses.
        """
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        if self._is_full():
            self._turn()
        is_new = not self.path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, _OWNER_ONLY)
        try:
            os.fchmod(descriptor, _OWNER_ONLY)
            if not _ends_whole(descriptor):  # power was lost half-way through a line
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError(f"{self.path}: the disk took a part of a line")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(self.path.parent)

    def tail(self) -> Iterator[Mapping[str, Json]]:
        """Yield the newest records, oldest first; lines that are damaged are left out.

        Raises:
            OSError: A file is there and cannot be read.
        """
        left = COMMAND_TAIL_BYTES
        parts: list[tuple[Path, int]] = []
        for path in (self.path, *self._older()):
            if left <= 0 or not path.exists():
                break
            size = path.stat().st_size
            parts.append((path, max(0, size - left)))
            left -= size
        for path, first in reversed(parts):
            yield from _records(path, first)

    def _is_full(self) -> bool:
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size >= AUDIT_FILE_BYTES

    def _older(self) -> list[Path]:
        """Return the names of the older files, newest first, whether they are there or not."""
        return [
            self.path.with_name(f"{self.path.name}.{number + 1}")
            for number in range(AUDIT_FILES_KEPT)
        ]

    def _turn(self) -> None:
        """Rename every file to the next older name, as far as a name is free; the last one goes.

        The OPC UA server writes the same log from a process of its own: one of the two does it.
        """
        names = [self.path, *self._older()]
        with _folder(self.path.parent) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not self._is_full():
                return
            free = next((n for n, path in enumerate(names) if not path.exists()), AUDIT_FILES_KEPT)
            for number in range(free, 0, -1):
                names[number - 1].replace(names[number])
            os.fsync(descriptor)


def _records(path: Path, first: int) -> Iterator[Mapping[str, Json]]:
    """Yield the records of a file from a byte on."""
    with path.open("rb") as file:
        file.seek(first)
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def _ends_whole(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _sync_folder(folder: Path) -> None:
    """Let the name of a new file outlive a loss of power."""
    with _folder(folder) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def _folder(folder: Path) -> Iterator[int]:
    """Open a folder for the block."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
