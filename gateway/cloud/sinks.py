"""Where `takt cloud` puts what it receives: a file of SQLite; PostgreSQL is `postgresql_sink`.

Both key their rows by (stream, seq), so that what comes twice stands there once.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol

from gateway.cloud.seam import UplinkError
from gateway.flow.batches import Batch
from gateway.flow.values import split_value
from gateway.store.sqlite import transaction

_CREATE: Final = """CREATE TABLE IF NOT EXISTS sample (
    stream TEXT, seq INTEGER, project TEXT, run TEXT, task TEXT, cycle INTEGER, time_ns INTEGER,
    path TEXT, number REAL, text TEXT, quality INTEGER, PRIMARY KEY (stream, seq)) WITHOUT ROWID"""
_INSERT: Final = "INSERT OR IGNORE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Sink(Protocol):
    """Keeps samples; `keep` returns when they are safe.

    After an error it is closed and opened anew. `open` and `keep` may raise `UplinkError`,
    `OSError` or `TimeoutError`.
    """

    async def open(self) -> None:
        """Connect, where that is to be done, and make the table where there is none."""

    async def keep(self, batches: Sequence[Batch]) -> None:
        """Write the samples of batches; those that are there stay as they are."""

    async def close(self) -> None:
        """Close it, whatever its state; never raises."""


class SqliteSink:
    """A file of SQLite, touched by a thread of its own only."""

    def __init__(self, path: Path) -> None:
        """Take the file; nothing is opened yet."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sink")
        self._database: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def _open(self) -> None:
        if self._database is not None:
            return
        with self._translated():
            self._database = sqlite3.connect(self._path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL").fetchall()
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(_CREATE)

    async def keep(self, batches: Sequence[Batch]) -> None:
        """Write in one transaction."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batches)

    def _write(self, batches: Sequence[Batch]) -> None:
        assert self._database is not None
        with self._translated(), transaction(self._database):
            for batch in batches:
                self._database.executemany(
                    _INSERT,
                    [
                        (
                            batch.stream, row.seq, batch.project, row.run, row.task, row.cycle,
                            row.time_ns, row.path, *split_value(row.value), row.quality,
                        )
                        for row in batch.rows
                    ],
                )  # fmt: skip

    async def close(self) -> None:
        """Close the file, behind a write that may still be under way."""
        self._thread.submit(self._close).result()

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with contextlib.suppress(sqlite3.Error):
                database.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UplinkError(f"{self._path}: {error}") from error
