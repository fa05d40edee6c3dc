"""Where `takt cloud` puts what it receives: a file of SQLite, or a database of PostgreSQL.

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

_CREATE: Final = """CREATE TABLE IF NOT EXISTS sample (
    stream TEXT, seq INTEGER, project TEXT, run TEXT, task TEXT, cycle INTEGER, time_ns INTEGER,
    path TEXT, number REAL, text TEXT, quality INTEGER, PRIMARY KEY (stream, seq)) WITHOUT ROWID"""
_INSERT: Final = "INSERT OR IGNORE INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Sink(Protocol):
    """Keeps samples; `keep` returns when they are safe."""

    async def open(self) -> None:
        """Make the table where there is none."""

    async def keep(self, batches: Sequence[Batch]) -> None:
        """Write the samples of batches; those that are there stay as they are."""

    async def close(self) -> None:
        """Close it."""


class SqliteSink:
    """A file of SQLite, written by a thread of its own."""

    def __init__(self, path: Path) -> None:
        """Take the file; nothing is opened yet."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sink")
        self._database: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file."""
        with self._translated():
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def _open(self) -> None:
        database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode = WAL").fetchall()
        database.execute("PRAGMA synchronous = FULL")
        database.execute(_CREATE)
        self._database = database

    async def keep(self, batches: Sequence[Batch]) -> None:
        """Write in one transaction."""
        with self._translated():
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batches)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Name the file in an error; what was not kept is not acknowledged, and comes again."""
        try:
            yield
        except sqlite3.Error as error:
            raise UplinkError(f"{self._path}: {error}") from error

    def _write(self, batches: Sequence[Batch]) -> None:
        assert self._database is not None
        rows = [
            (
                batch.stream, row.seq, batch.project, row.run, row.task, row.cycle, row.time_ns,
                row.path, *split_value(row.value), row.quality,
            )
            for batch in batches
            for row in batch.rows
        ]  # fmt: skip
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(_INSERT, rows)
            self._database.execute("COMMIT")
        except sqlite3.Error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    async def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._thread.submit(self._database.close).result()
        self._thread.shutdown()


class PostgresqlSink:
    """A database of PostgreSQL, by its URL; the tables are those of the uplink."""

    def __init__(self, url: str) -> None:
        """Take the URL; nothing is connected yet."""
        self._url = url
        self._stack = contextlib.AsyncExitStack()

    async def open(self) -> None:
        """Connect and make the table."""
        import asyncpg

        from gateway.cloud.rows import COLUMNS, CREATE_SAMPLES

        self._columns = COLUMNS
        self._errors = asyncpg.PostgresError, asyncpg.InterfaceError
        try:
            self._connection = await asyncpg.connect(self._url)
            self._stack.push_async_callback(self._connection.close)
            await self._connection.execute(CREATE_SAMPLES.replace(":table", "takt_sample"))
        except self._errors as error:
            raise UplinkError(f"PostgreSQL: {error}") from error

    async def keep(self, batches: Sequence[Batch]) -> None:
        """Write in one transaction."""
        from gateway.cloud.rows import STAGE, UNSTAGE, records_of_batch

        records = [record for batch in batches for record in records_of_batch(batch)]
        try:
            async with self._connection.transaction():
                await self._connection.execute(STAGE.replace(":table", "takt_sample"))
                await self._connection.copy_records_to_table(
                    "takt_sample_staged", records=records, columns=self._columns
                )
                await self._connection.execute(UNSTAGE.replace(":table", "takt_sample"))
        except self._errors as error:
            raise UplinkError(f"PostgreSQL: {error}") from error

    async def close(self) -> None:
        """Close the connection."""
        await self._stack.aclose()
