"""The sink of `takt cloud` in a database of PostgreSQL."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from gateway.cloud.postgresql_tables import (
    Connection,
    copy_staged,
    disconnect,
    named,
    translated,
)
from gateway.cloud.rows import CREATE_SAMPLES, records_of_batch
from gateway.flow.batches import Batch

_TABLE: Final = "takt_sample"


class PostgresqlSink:
    """A database of PostgreSQL, by its URL; the tables are those of the uplink."""

    def __init__(self, url: str) -> None:
        """Take the URL; nothing is connected yet."""
        self._url = url
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Connect and make the table."""
        if self._connection is not None:
            return
        with translated():
            self._connection = await asyncpg.connect(self._url)
            await self._connection.execute(named(CREATE_SAMPLES, _TABLE))

    async def keep(self, batches: Sequence[Batch]) -> None:
        """Write in one transaction."""
        connection = self._connection
        assert connection is not None
        records = [record for batch in batches for record in records_of_batch(batch)]
        with translated():
            async with connection.transaction():
                await copy_staged(connection, _TABLE, records)

    async def close(self) -> None:
        """Close the connection, where the server still listens."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await disconnect(connection)
