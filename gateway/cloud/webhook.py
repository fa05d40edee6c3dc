"""The peer HTTP: batches of JSON, POSTed to a URL; whoever answers with 2xx has them.

    ndjson   all batches that are ready in one request, a line each: a long way costs no throughput
    json     one batch a request, for receivers that want just that

At least once, and in order: the next request waits for the answer to the last one. A receiver that
keeps what it has taken has each batch exactly once: by `Idempotency-Key` where a request is a
batch, by `stream` and `seq` of each line otherwise. A batch keeps both for ever, whatever lane it
goes by; requests of several lines are cut anew when they are sent again.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp
from yarl import URL

from gateway.cloud.seam import UplinkError
from gateway.cloud.webhook_answers import Answer, judge, secrets_of, shown
from gateway.config import HTTP_RESPONSE_BYTES
from gateway.store.lanes import Group, Lane
from gateway.store.outbox import StoredBatch
from runtime.errors import HostError

_TOO_LARGE: Final = 413
_GOODBYE_S: Final = 1.0
_SECOND_NS: Final = 1e9


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where the receiver is and how it wants its batches."""

    url: str
    project: str
    tls: ssl.SSLContext | None
    headers: Callable[[], Mapping[str, str]]
    """Reads who we are, secrets included, anew for each connection: tokens change. May block, and
    raise HostError."""
    wall_clock: Callable[[], int]
    """In ns since 1970."""
    one_by_one: bool = False
    """Send a batch a request."""
    requests: int = 1
    """Requests open at once."""
    body_max: int = 1_000_000


@dataclass(frozen=True, slots=True)
class _Request:
    """Batches that share a request."""

    first: int
    end: int
    body: bytes
    batches: int


class WebhookPeer:
    """One session with a receiver; what follows a failure is the uplink's business."""

    def __init__(self, settings: WebhookSettings) -> None:
        """Connect nothing yet."""
        self._settings, self._url = settings, URL(settings.url)
        self._body_max = settings.body_max
        self._session: aiohttp.ClientSession | None = None
        self._secrets: tuple[str, ...] = ()
        self._taken: dict[Lane, tuple[str, int]] = {}
        """By lane: stream and number after what was acknowledged last."""

    async def connect(self) -> None:
        """See whether anybody is there, and who; the session connects again when it sends."""
        settings, url = self._settings, self._url
        try:
            headers = await asyncio.to_thread(settings.headers)
        except HostError as error:
            raise UplinkError(str(error)) from None
        self._secrets = secrets_of(headers)
        tls = settings.tls if url.scheme == "https" else None
        _, writer = await asyncio.open_connection(url.host, url.port, ssl=tls)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=settings.requests, ssl=tls or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={**headers, "User-Agent": "takt", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )

    async def progress(self, stream: str, lane: Lane) -> int | None:
        """Tell how much of a group was acknowledged before it failed; HTTP itself cannot tell."""
        taken, end = self._taken.get(lane, ("", 0))
        return end if taken == stream else None

    async def send(self, group: Group) -> Awaitable[None]:
        """Cut a group into requests; they begin when their end is awaited."""
        return self._deliver(group, self._cut(group.batches))

    def _cut(self, batches: Sequence[StoredBatch]) -> list[_Request]:
        if self._settings.one_by_one:
            return [_Request(item.first, item.end, item.payload, 1) for item in batches]
        return list(_lines(batches, self._body_max))

    async def _deliver(self, group: Group, requests: Sequence[_Request]) -> None:
        """Send requests, as many at once as may be; none is left open when this ends."""
        at_once = self._settings.requests
        for place in range(0, len(requests), at_once):
            wave = requests[place : place + at_once]
            posts = (self._post(group, request) for request in wave)
            failures = await asyncio.gather(*posts, return_exceptions=True)
            for request, failure in zip(wave, failures, strict=True):
                if failure is not None:
                    raise failure
                self._taken[group.lane] = group.stream, request.end

    async def _post(self, group: Group, request: _Request) -> None:
        session = self._session
        assert session is not None
        settings = self._settings
        headers = {
            "Content-Type": "application/json" if settings.one_by_one else "application/x-ndjson",
            "Idempotency-Key": f'"{group.stream}/{request.first}-{request.end - 1}"',
            "Takt-Project": settings.project,
            "Takt-Stream": group.stream,
            "Takt-Lane": group.lane.value,
            "Takt-Seq": str(request.first),
            "Takt-Next": str(request.end),
        }
        with self._translated():
            async with session.post(
                self._url, data=request.body, headers=headers, allow_redirects=False
            ) as response:
                answer = Answer(
                    response.status,
                    response.reason or "",
                    response.headers.get("Retry-After", ""),
                    await _excerpt(response),
                )
        if answer.status == _TOO_LARGE and request.batches > 1:
            self._body_max = len(request.body) // 2
            text = f"HTTP 413: {len(request.body)} bytes are too many; sending half as many"
            raise UplinkError(text)
        now = datetime.fromtimestamp(settings.wall_clock() / _SECOND_NS, UTC)
        error = judge(answer, self._secrets, now)
        if error is not None:
            raise error

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the library's errors into those of an uplink."""
        try:
            yield
        except aiohttp.ClientResponseError as error:
            said = shown(error.message, self._secrets)
            raise UplinkError(f"HTTP: what came is no answer: {said}") from error
        except aiohttp.ClientError as error:
            said = shown(str(error), self._secrets)
            raise UplinkError(f"HTTP: {said or 'the connection ended'}") from error

    async def close(self) -> None:
        """End the session and its connections."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await session.close()


def _lines(batches: Sequence[StoredBatch], body_max: int) -> Iterator[_Request]:
    """Yield requests of at most that many bytes, or of one batch that has more."""
    together: list[StoredBatch] = []
    size = 0
    for batch in batches:
        if together and size + len(batch.payload) + 1 > body_max:
            yield _joined(together)
            together, size = [], 0
        together.append(batch)
        size += len(batch.payload) + 1
    if together:
        yield _joined(together)


def _joined(batches: Sequence[StoredBatch]) -> _Request:
    body = b"\n".join([*(batch.payload for batch in batches), b""])
    return _Request(batches[0].first, batches[-1].end, body, len(batches))


async def _excerpt(response: aiohttp.ClientResponse) -> bytes:
    """Read a response to its end, which shows that it is whole; of a long one, its beginning."""
    found = bytearray()
    async for piece in response.content.iter_any():
        found += piece
        if len(found) > HTTP_RESPONSE_BYTES:
            break
    return bytes(found)
