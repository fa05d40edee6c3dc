"""The lease in a key-value bucket of NATS: its revisions decide who was first."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig
from nats.js.errors import (
    BucketNotFoundError,
    KeyNotFoundError,
    KeyWrongLastSequenceError,
)
from nats.js.kv import KeyValue

from gateway.cloud.jetstream import JetStreamSettings, open_client, translated
from gateway.cloud.seam import UplinkError
from gateway.flow.lease import Entry, Seen, decode

if TYPE_CHECKING:
    from nats.aio.client import Client

_CLOSE_S: Final = 1.0


class NatsLeaseStore:
    """One connection beside those of the uplink."""

    def __init__(self, settings: JetStreamSettings, bucket: str, key: str) -> None:
        """Take the uplink's settings; nothing is connected yet."""
        self._settings, self._bucket, self._key = settings, bucket, key
        self._client: Client | None = None
        self._values: KeyValue | None = None

    async def connect(self) -> None:
        """Connect, and make the bucket where the server has none."""
        with translated():
            self._client = await open_client(self._settings, _ignore, _nothing)
            stream = self._client.jetstream(timeout=self._settings.timeout_s)
            try:
                self._values = await stream.key_value(self._bucket)
            except BucketNotFoundError:
                config = KeyValueConfig(bucket=self._bucket, history=1)
                self._values = await stream.create_key_value(config)

    async def look(self) -> Seen:
        """Return the newest entry."""
        with translated():
            try:
                found = await self._open.get(self._key)
            except KeyNotFoundError as error:
                deleted = error.entry
                return Seen(deleted.revision or 0 if deleted is not None else 0, None)
        entry = decode(found.value or b"")
        if entry is None:
            text = f"NATS: {self._key} in the bucket {self._bucket} is no lease; delete that key"
            raise UplinkError(text)
        return Seen(found.revision or 0, entry)

    async def write(self, entry: Entry, revision: int) -> int | None:
        """Replace what has a revision; 0 stands for nothing."""
        with translated():
            try:
                return await self._open.update(self._key, entry.encode(), last=revision)
            except KeyWrongLastSequenceError:
                return None

    async def close(self) -> None:
        """Close at once."""
        client, self._client, self._values = self._client, None, None
        if client is not None:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await client.close()

    @property
    def _open(self) -> KeyValue:
        if self._values is None:
            raise UplinkError("NATS: the connection has ended")
        return self._values


async def _ignore(error: Exception) -> None:
    """Say nothing: what concerns the lease is raised by its calls."""


async def _nothing() -> None:
    """Say nothing: the next call tells."""
