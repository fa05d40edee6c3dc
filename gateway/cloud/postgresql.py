"""The peer PostgreSQL: samples as rows, written by COPY, exactly once.

A group is one transaction: its rows, and a row of progress for its lane. After a connection that
ended in the middle the row of progress tells whether the transaction took place. The key (stream,
seq) stands behind that: rows that are there already are left as they are.
"""

import asyncio
import ssl
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field

import asyncpg
from asyncpg.transaction import Transaction

from gateway.cloud.postgresql_tables import (
    Connection,
    copy_staged,
    disconnect,
    named,
    translated,
)
from gateway.cloud.rows import (
    COLUMNS,
    CREATE_PROGRESS,
    CREATE_SAMPLES,
    READ_PROGRESS,
    WRITE_PROGRESS,
    Record,
    records_of,
)
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
        self._connection: Connection | None = None

    async def connect(self) -> None:
        """Connect, and make the tables where there are none."""
        settings = self._settings
        with translated():
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
        with translated():
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
        with translated():
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
                await copy_staged(connection, table, records)
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

    def _sql(self, statement: str) -> str:
        """Put the table's name in; the project's schema allows plain names only."""
        return named(statement, self._settings.table)

    async def _commit(self, transaction: Transaction) -> None:
        with translated():
            await transaction.commit()

    async def close(self) -> None:
        """Close, where the server still listens."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await disconnect(connection)
