"""The peer PostgreSQL: samples as rows, written by COPY, exactly once.

A group is one transaction: its rows, and a row of progress for its lane. After a connection that
ended in the middle the row of progress tells whether the transaction took place. The key (stream,
seq) stands behind that: rows that are there already are left as they are.
"""

import asyncio
import contextlib
import ssl
import uuid
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from asyncpg.transaction import Transaction

from gateway.cloud.rows import (
    COLUMNS,
    CREATE_PROGRESS,
    CREATE_SAMPLES,
    READ_PROGRESS,
    STAGE,
    UNSTAGE,
    WRITE_PROGRESS,
    Record,
    records_of,
)
from gateway.cloud.seam import UplinkError
from gateway.store.lanes import Group, Lane


@dataclass(frozen=True, slots=True)
class PostgresqlSettings:
    """Where the server is and where the rows go."""

    host: str
    port: int
    database: str
    table: str
    user: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None
    timeout_s: float


class PostgresqlPeer:
    """One connection to a server; reconnecting is the uplink's business."""

    def __init__(self, settings: PostgresqlSettings) -> None:
        """Connect nothing yet."""
        self._settings = settings
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def connect(self) -> None:
        """Connect, and make the tables where there are none."""
        settings = self._settings
        with _translated():
            self._connection = await asyncpg.connect(
                host=settings.host,
                port=settings.port,
                user=settings.user,
                password=settings.password,
                database=settings.database,
                ssl=settings.tls if settings.tls is not None else False,
                timeout=settings.timeout_s,
                server_settings={"application_name": "takt"},
            )
            for statement in (CREATE_SAMPLES, CREATE_PROGRESS):
                await self._connection.execute(self._sql(statement))

    async def progress(self, stream: str, lane: Lane) -> int | None:
        """Read the lane's row of progress."""
        assert self._connection is not None
        with _translated():
            value = await self._connection.fetchval(
                self._sql(READ_PROGRESS), uuid.UUID(stream), lane.value
            )
        return int(value) if value is not None else None

    async def send(self, group: Group) -> Awaitable[None]:
        """Write the rows; the commit is what acknowledges them."""
        records: list[Record] = []
        for batch in group.batches:
            records += records_of(batch.payload)
            await asyncio.sleep(0)  # others have their turn between two batches
        with _translated():
            try:
                return self._commit(await self._write(group, records, staged=False))
            except asyncpg.UniqueViolationError:
                return self._commit(await self._write(group, records, staged=True))

    async def _write(self, group: Group, records: list[Record], *, staged: bool) -> Transaction:
        """Begin a transaction with the rows in it; `staged` leaves those that are there."""
        connection, table = self._connection, self._settings.table
        assert connection is not None
        transaction = connection.transaction()
        await transaction.start()
        try:
            if staged:
                await self._copy_staged(connection, records)
            else:
                await connection.copy_records_to_table(table, records=records, columns=COLUMNS)
            await connection.execute(
                self._sql(WRITE_PROGRESS),
                uuid.UUID(group.stream), group.lane.value, group.batches[-1].end,
            )  # fmt: skip
        except asyncpg.PostgresError:
            await transaction.rollback()
            raise
        return transaction

    async def _copy_staged(
        self, connection: "asyncpg.Connection[asyncpg.Record]", records: list[Record]
    ) -> None:
        await connection.execute(self._sql(STAGE))
        staged = f"{self._settings.table}_staged"
        await connection.copy_records_to_table(staged, records=records, columns=COLUMNS)
        await connection.execute(self._sql(UNSTAGE))

    def _sql(self, statement: str) -> str:
        """Put the table's name in; the project's schema allows plain names only."""
        return statement.replace(":table", self._settings.table)

    async def _commit(self, transaction: Transaction) -> None:
        with _translated():
            await transaction.commit()

    async def close(self) -> None:
        """Close, where the server still listens."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(1.0):
                await connection.close()
        except (*_ERRORS, OSError, TimeoutError):
            connection.terminate()


_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the library raises; the last of them after a connection that broke inside a COPY."""


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _ERRORS as error:
        raise UplinkError(f"PostgreSQL: {error}") from error
