"""The peer NATS JetStream: exactly once, by message ids and by what the stream holds already.

A batch is one message; its id is the outbox's identity and the number of its first sample, so the
server drops what comes twice within the stream's window. Beyond the window the newest message of
each lane's subject tells how far that lane has come.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import nats
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import PubAck, StreamConfig
from nats.js.errors import APIError, NotFoundError

from gateway.cloud.ending import first_of
from gateway.cloud.seam import UplinkError
from gateway.config import JETSTREAM_WINDOW_S
from gateway.store.lanes import Group, Lane

if TYPE_CHECKING:
    from nats.aio.client import Client

MESSAGE_ID: Final = "Nats-Msg-Id"
STREAM: Final = "Takt-Stream"
"""Header with the identity of the outbox."""
NEXT: Final = "Takt-Next"
"""Header with the number after the message's last sample."""


@dataclass(frozen=True, slots=True)
class JetStreamSettings:
    """Where the server is and what it keeps."""

    server: str
    """nats://host:port"""
    stream: str
    subject: str
    user: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None
    timeout_s: float


async def open_client(
    settings: JetStreamSettings,
    note_error: Callable[[Exception], Awaitable[None]],
    note_closed: Callable[[], Awaitable[None]],
) -> "Client":
    """Connect to the server; the library reconnects nothing by itself."""
    return await nats.connect(
        settings.server,
        user=settings.user,
        password=settings.password,
        tls=settings.tls,
        allow_reconnect=False,
        connect_timeout=max(1, round(settings.timeout_s)),
        error_cb=note_error,
        closed_cb=note_closed,
        ping_interval=10,
        max_outstanding_pings=2,
    )


class JetStreamPeer:
    """One connection to a NATS server with JetStream; reconnecting is the uplink's business."""

    def __init__(self, settings: JetStreamSettings) -> None:
        """Connect nothing yet."""
        self._settings = settings
        self._client: Client | None = None
        self._closed = asyncio.Event()
        self._stream: JetStreamContext | None = None

    async def connect(self) -> None:
        """Connect, and make the stream where the server has none."""
        settings = self._settings
        self._closed = closed = asyncio.Event()

        async def note_closed() -> None:
            closed.set()

        with translated():
            self._client = await open_client(settings, _ignore, note_closed)
            self._stream = self._client.jetstream(
                timeout=settings.timeout_s, publish_async_max_pending=_PENDING_MAX
            )
            await self._make_stream(self._stream)

    async def _make_stream(self, stream: JetStreamContext) -> None:
        settings = self._settings
        subjects = [f"{settings.subject}.{lane.value}" for lane in Lane]
        try:
            info = await stream.stream_info(settings.stream)
        except NotFoundError:
            config = StreamConfig(
                name=settings.stream, subjects=subjects, duplicate_window=JETSTREAM_WINDOW_S
            )
            await stream.add_stream(config)
            return
        config = info.config
        missing = [name for name in subjects if not _covers(config.subjects or [], name)]
        if missing:
            config.subjects = [*(config.subjects or []), *missing]
            await stream.update_stream(config)

    async def progress(self, stream: str, lane: Lane) -> int | None:
        """Ask for the newest message of the lane."""
        assert self._stream is not None
        subject = f"{self._settings.subject}.{lane.value}"
        with translated():
            try:
                message = await self._stream.get_last_msg(self._settings.stream, subject)
            except NotFoundError:
                return None
        headers = message.headers or {}
        if headers.get(STREAM) != stream:
            return None
        return int(headers[NEXT])

    async def send(self, group: Group) -> Awaitable[None]:
        """Publish the batches one after the other, without waiting in between."""
        assert self._stream is not None
        subject = f"{self._settings.subject}.{group.lane.value}"
        acknowledgements: list[asyncio.Future[PubAck]] = []
        with translated():
            for batch in group.batches:
                headers = {
                    MESSAGE_ID: f"{group.stream}:{batch.first}",
                    STREAM: group.stream,
                    NEXT: str(batch.end),
                }
                acknowledgements.append(
                    await self._stream.publish_async(subject, batch.payload, headers=headers)
                )
        return self._await_all(acknowledgements)

    async def _await_all(self, acknowledgements: Sequence[asyncio.Future[PubAck]]) -> None:
        """Wait for all acknowledgements; the library forgets them when the connection ends."""
        with translated():
            await first_of(asyncio.gather(*acknowledgements), self._closed.wait())

    async def close(self) -> None:
        """Close at once; what was not acknowledged is the uplink's to send again."""
        client, self._client, self._stream = self._client, None, None
        if client is not None:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await client.close()


_PENDING_MAX: Final = 4_000


def _covers(subjects: list[str], wanted: str) -> bool:
    """Return whether a stream's subjects take a subject, wildcards included."""
    return any(_matches(pattern.split("."), wanted.split(".")) for pattern in subjects)


def _matches(pattern: list[str], subject: list[str]) -> bool:
    if pattern[:1] == [">"]:
        return bool(subject)
    if not pattern or not subject:
        return pattern == subject
    return pattern[0] in {"*", subject[0]} and _matches(pattern[1:], subject[1:])


async def _ignore(_: Exception) -> None:
    """Drop the library's reports of background errors: the call that fails tells them too."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the library's errors into those of an uplink."""
    try:
        yield
    except APIError as error:
        raise UplinkError(f"JetStream refuses: {error.description}") from error
    except NatsError as error:
        raise UplinkError(f"NATS: {error}") from error
