"""The past of variables on disk: what HistoryRead tells outlives the gateway.

One SQLite file, write-ahead log. A row is a value as messages hold it, with its time and its
variable's path. Blocking; one thread at a time uses it. A loss of power costs the last seconds,
never the file: that is what history is worth, where the outbox owes every sample.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.store.sqlite import connect, lock, prepare, transaction, translated

_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE variable (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE)",
    """CREATE TABLE sample (number INTEGER PRIMARY KEY, variable INTEGER NOT NULL,
    ticks INTEGER NOT NULL, row BLOB NOT NULL)""",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A value that is kept; numbers rise in the order of keeping, and are not given twice."""

    number: int
    path: str
    ticks: int
    row: bytes


class HistoryFile:
    """An open file. Its methods raise StoreUnavailableError or StoreCorruptError of the disk."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; another process that has it open keeps this one out."""
        with contextlib.ExitStack() as stack, translated():
            stack.callback(os.close, lock(path))
            self._db = connect(path)
            stack.callback(self._db.close)
            self._db.execute("PRAGMA synchronous = NORMAL").fetchall()
            prepare(self._db, _VERSION, _SCHEMA)
            self._ids = {
                path: number for number, path in self._db.execute("SELECT id, path FROM variable")
            }
            self._closing = stack.pop_all()

    def load(self, oldest: int, newest: int) -> list[Sample]:
        """Return all samples in the order of keeping; forget those outside of these times.

        Args:
            oldest: Ticks before which the past is too long ago.
            newest: Ticks after which it is of a clock that was wrong: it has not been yet.
        """
        with translated():
            with transaction(self._db):
                self._db.execute(
                    "DELETE FROM sample WHERE ticks NOT BETWEEN ? AND ?", (oldest, newest)
                )
                self._db.execute(
                    "DELETE FROM variable WHERE id NOT IN (SELECT DISTINCT variable FROM sample)"
                )
            self._ids = {
                path: number for number, path in self._db.execute("SELECT id, path FROM variable")
            }
            rows = self._db.execute(
                "SELECT number, path, ticks, row FROM sample JOIN variable ON variable = id"
                " ORDER BY number"
            )
            return [Sample(*row) for row in rows]

    def change(self, new: Sequence[Sample], gone: Iterable[int]) -> None:
        """Keep some samples and forget others by their numbers, all or nothing."""
        with translated(), transaction(self._db):
            for path in {item.path for item in new} - self._ids.keys():
                cursor = self._db.execute("INSERT INTO variable (path) VALUES (?)", (path,))
                assert cursor.lastrowid is not None
                self._ids[path] = cursor.lastrowid
            self._db.executemany(
                "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?)",
                [(item.number, self._ids[item.path], item.ticks, item.row) for item in new],
            )
            self._db.executemany("DELETE FROM sample WHERE number = ?", [(n,) for n in gone])

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._closing.close()
