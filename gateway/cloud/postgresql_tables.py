"""What the uplink and the sink of PostgreSQL both do upon an open connection."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import asyncpg

from gateway.cloud.rows import COLUMNS, STAGE, UNSTAGE, Record
from gateway.cloud.seam import UplinkError

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the library raises; the last of them after a connection that broke inside a COPY."""
_CLOSE_S: Final = 1.0


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise the library's errors as UplinkError."""
    try:
        yield
    except _ERRORS as error:
        raise UplinkError(f"PostgreSQL: {error}") from error


def named(statement: str, table: str) -> str:
    """Return a statement of `rows` for a table, whose name is a plain one."""
    return statement.replace(":table", table)


async def copy_staged(connection: Connection, table: str, records: Sequence[Record]) -> None:
    """Write rows inside a transaction; those that are there already stay as they are."""
    await connection.execute(named(STAGE, table))
    await connection.copy_records_to_table(f"{table}_staged", records=records, columns=COLUMNS)
    await connection.execute(named(UNSTAGE, table))


async def disconnect(connection: Connection) -> None:
    """Close a connection, where the server still listens; never raises."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await connection.close()
    except (*_ERRORS, OSError, TimeoutError):
        connection.terminate()
