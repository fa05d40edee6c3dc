"""Checkpoints of the outbox's log beside its commits: a second connection in a thread of its own.

A checkpoint copies pages from the log to the file and waits for the disk, 100 ms and more; as part
of a commit it would hold live samples up for that long. SQLite lets a passive one run while another
connection appends. What is appended meanwhile is left to the writer: it is little, and copied
between two commits, so that the log can begin anew and stays small.
"""

import contextlib
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from gateway.config import OUTBOX_CHECKPOINT_BYTES
from gateway.store.sqlite import connect

_COMMIT_BYTES: Final = 8 * 4096
"""Pages that a commit writes beside payload, roughly."""
_BEHIND_MAX: Final = 8
"""Checkpoints' worth of commits that may pass during one; then they wait, so the log is bounded."""


class Checkpoints:
    """Begins a checkpoint after so many bytes of commits; belongs to the writer's thread."""

    def __init__(self, path: Path, writer: sqlite3.Connection) -> None:
        """Open the second connection; the writer makes no checkpoint by itself from here on.

        Raises:
            sqlite3.Error: The file cannot be opened.
        """
        self._writer = writer
        writer.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
        self._beside = connect(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._bytes = 0
        self._running: Future[None] | None = None

    def committed(self, payload_bytes: int) -> None:
        """Count what a commit wrote; begin a checkpoint, or finish one, where it is time."""
        self._bytes += payload_bytes + _COMMIT_BYTES
        if self._running is not None:
            if not self._running.done() and self._bytes < _BEHIND_MAX * OUTBOX_CHECKPOINT_BYTES:
                return
            self._running.result()
            self._running = None
            _copy_pages(self._writer)  # what was appended meanwhile: the log begins anew after it
        if self._bytes >= OUTBOX_CHECKPOINT_BYTES:
            self._bytes = 0
            self._running = self._thread.submit(_copy_pages, self._beside)

    def close(self) -> None:
        """Wait for a checkpoint that runs, and close the second connection."""
        self._thread.shutdown()
        with contextlib.suppress(sqlite3.Error):
            self._beside.close()


def _copy_pages(database: sqlite3.Connection) -> None:
    """Copy what the log holds so far, and wait for the disk.

    A disk that is full or fails is no error here: the log keeps what it has, commits tell of it.
    """
    with contextlib.suppress(sqlite3.Error):
        database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
