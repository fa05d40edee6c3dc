"""SQLite as the gateway's files use it: settings, transactions, errors by whose fault they are."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNAVAILABLE: Final = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM,
}  # fmt: skip
_SETTINGS: Final = (
    "auto_vacuum = INCREMENTAL",  # before the first table: a drained outbox gives its disk back
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = OFF",  # Debian's is ON, which writes each batch once more when it is deleted
    "journal_size_limit = 67108864",
    "cache_size = -8192",
)


class StoreUnavailableError(Exception):
    """The disk is full or fails; nothing of the call was stored, it may be tried again."""


class StoreCorruptError(Exception):
    """The file is damaged, or holds something else."""


def connect(path: Path) -> sqlite3.Connection:
    """Open or make a file, in autocommit; any one thread at a time may use it.

    Raises:
        sqlite3.Error: It cannot be; see `translated`.
    """
    database = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    try:
        for setting in _SETTINGS:
            database.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        database.close()
        raise
    return database


def lock(path: Path) -> int:
    """Take a file for this process by a lock beside it; closing the result gives it back.

    Raises:
        StoreUnavailableError: Another process has it, or there is no place for the lock.
    """
    try:
        descriptor = os.open(
            path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise StoreUnavailableError(f"no lock beside it: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreUnavailableError("it is locked by another process") from error
    return descriptor


def set_aside(path: Path) -> Path:
    """Rename a damaged file and its log to names that are free; return the file's.

    Raises:
        OSError: They cannot be.
    """
    number = 1
    while path.with_name(f"{path.name}.damaged-{number}").exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(path.with_name(f"{path.name}.damaged-{number}{suffix}"))
    return path.with_name(f"{path.name}.damaged-{number}")


def prepare(
    database: sqlite3.Connection,
    version: int,
    schema: Sequence[str],
    fill: Callable[[], None] = lambda: None,
) -> None:
    """Make the tables of a new file; make sure of those of an old one.

    Args:
        database: The open file.
        version: Of the schema, kept in the file.
        schema: The statements that make the tables.
        fill: Writes the first rows, in the same transaction.

    Raises:
        StoreCorruptError: It is damaged, or of another version.
    """
    found = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not found and not tables:
        with transaction(database):
            for statement in schema:
                database.execute(statement)
            fill()
            database.execute(f"PRAGMA user_version = {version}")
    elif found != version:
        raise StoreCorruptError(f"its version is {found}: expected {version}")
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreCorruptError(verdict)


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block does, or nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise SQLite's errors as what they mean to the outbox.

    Raises:
        StoreUnavailableError: The disk is full or fails, or another process has the file.
        StoreCorruptError: The file is damaged.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _CORRUPT:
            raise StoreCorruptError(str(error)) from error
        if code in _UNAVAILABLE:
            raise StoreUnavailableError(str(error)) from error
        raise
