"""Subscriptions (part 4, 5.13): when to sample, when to publish, what to keep for a client.

CREATED ─► at each publishing interval: news and a request to answer  ─► notification
no news for the keep-alive count ─► sign of life
no request to answer ─► late: sent when one comes
none for the lifetime count ─► deleted
"""

import asyncio
import struct
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from gateway.protocols.opcua.builtin import Status
from gateway.protocols.opcua.messages import Message, encode_response_header, type_id
from gateway.serve.opcua.frames import FrameSource
from gateway.serve.opcua.items import Board

if TYPE_CHECKING:
    from gateway.serve.opcua.foreign import Foreign

PUBLISHING_MS_MIN: Final = 10.0
PUBLISHING_MS_MAX: Final = 3_600_000.0
SAMPLING_MS_MIN: Final = 10.0
"""Shortest sampling interval: the scan's, but not below this."""
LIFETIME_MIN: Final = 10
LIFETIME_MAX: Final = 15_000
KEEP_ALIVE_MAX: Final = 3_000
UNACKNOWLEDGED_MAX: Final = 64
"""Notifications kept until they are acknowledged; the oldest goes when there are more."""
ROWS_MAX: Final = 20_000
"""Rows in one notification, where the client sets no limit: about half a megabyte."""
REQUESTS_MAX: Final = 100
"""Publish requests that one session may have open."""
SUBSCRIPTIONS_MAX: Final = 200
ITEMS_MAX: Final = 200_000
"""Monitored items of one session."""

_SLACK_S: Final = 0.005
"""How much early a slow sampling may be, so that it falls on a publishing."""

_MESSAGE: Final = struct.Struct("<Iqi")
"""sequence number, publish time, number of parts."""


class Answerer(Protocol):
    """The connection that a session has at the moment."""

    def send(self, request_id: int, body: bytes) -> None:
        """Send a response."""


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A request that waits for something to tell."""

    request_id: int
    handle: int
    results: tuple[int, ...]
    """What became of the acknowledgements that it brought."""
    expires_ns: int
    """CLOCK_MONOTONIC; 0 where it waits for ever."""


@dataclass(slots=True)
class Terms:
    """What server and client agreed on."""

    interval_ms: float
    lifetime: int
    keep_alive: int
    rows_max: int
    priority: int = 0


def revise(interval_ms: float, lifetime: int, keep_alive: int, rows_max: int) -> Terms:
    """Return what the server agrees to of what a client asks for."""
    # A NaN fails every comparison and would pass through min and max.
    asked_ms = interval_ms if interval_ms == interval_ms else 0.0  # noqa: PLR0124
    alive = min(max(keep_alive, 1), KEEP_ALIVE_MAX)
    return Terms(
        interval_ms=min(max(asked_ms, PUBLISHING_MS_MIN), PUBLISHING_MS_MAX),
        lifetime=min(max(lifetime, 3 * alive, LIFETIME_MIN), LIFETIME_MAX),
        keep_alive=alive,
        rows_max=min(rows_max or ROWS_MAX, ROWS_MAX),
    )


class Subscription:
    """One subscription of one session."""

    def __init__(
        self, number: int, terms: Terms, queue: "PublishQueue", source: FrameSource, wall: "Ticks"
    ) -> None:
        """Begin without items."""
        self.number = number
        self.terms = terms
        self.queue = queue
        self.enabled = True
        self.board = Board()
        self.foreign: dict[int, Foreign] = {}
        self.kept: OrderedDict[int, bytes] = OrderedDict()
        self._source = source
        self._wall = wall
        self._sequence = 1
        self._silent = 0
        self._unserved = 0
        self._started = False
        self._ended = False
        self._due_s: dict[float, float] = {}
        self._status_change: int | None = None

    @property
    def items(self) -> int:
        """Number of its monitored items."""
        return len(self.board.items) + len(self.foreign)

    async def run(self) -> None:
        """Sample and publish until cancelled, or until the client has gone."""
        loop = asyncio.get_running_loop()
        publish_s = loop.time()
        while not self._ended:
            now_s = loop.time()
            publishing = now_s >= publish_s
            self._sample(now_s, publishing=publishing)
            interval_s = self.terms.interval_ms / 1e3
            if publishing:
                self._publish()
                publish_s += (int((now_s - publish_s) / interval_s) + 1) * interval_s
            fast = (due_s for item, due_s in self._due_s.items() if item < self.terms.interval_ms)
            await asyncio.sleep(max(min([publish_s, *fast]) - loop.time(), 0))

    def hasten(self) -> None:
        """Let every item be sampled at once: some are new, and have never been."""
        self._due_s.clear()

    def _sample(self, now_s: float, *, publishing: bool) -> None:
        """Look at the newest scan with the items whose turn it is.

        Items that are sampled as seldom as is published, or less, are looked at right before.
        """
        intervals = self.board.intervals_ms
        self._due_s = {item: self._due_s.get(item, now_s) for item in intervals}
        for interval_ms, due_s in self._due_s.items():
            is_fast = interval_ms < self.terms.interval_ms
            if now_s < due_s - (0 if is_fast else _SLACK_S) or not (is_fast or publishing):
                continue
            self.board.sample(self._source.snapshot(), interval_ms, self._wall())
            interval_s = interval_ms / 1e3
            periods = max(int((now_s - due_s) / interval_s), 0) + 1
            self._due_s[interval_ms] = due_s + periods * interval_s

    # -- publishing -----------------------------------------------------------------------------
    def _has_news(self) -> bool:
        if self._status_change is not None:
            return True
        return self.enabled and (
            self.board.rows > 0 or any(item.waiting for item in self.foreign.values())
        )

    def _publish(self) -> None:
        """Do what the publishing interval asks for."""
        news = self._has_news()
        if not news:
            self._silent += 1
        if not news and self._started and self._silent < self.terms.keep_alive:
            return
        if not self.serve():
            self._unserved += 1
            if self._unserved >= self.terms.lifetime:
                self._ended = True
                self.queue.drop(self)

    def serve(self) -> bool:
        """Send what there is, or a sign of life; return False while there is no request for it."""
        while True:
            request = self.queue.take()
            if request is None:
                self.queue.wait(self)
                return False
            more = self._send(request)
            self._silent = self._unserved = 0
            self._started = True
            if not more:
                return True

    def _send(self, request: PublishRequest) -> bool:
        """Answer a request; return whether there is more to send."""
        now = self._wall()
        body = self._notification(now)
        sequence = self._sequence
        message = _MESSAGE.pack(sequence, now, len(body)) + b"".join(body)
        available = list(self.kept)
        if body:
            self._sequence = sequence % 0xFFFFFFFF + 1
            self.kept[sequence] = message
            available.append(sequence)
            if len(self.kept) > UNACKNOWLEDGED_MAX:
                self.kept.popitem(last=False)
        more = self._has_news()
        numbers = struct.pack(f"<Ii{len(available)}I", self.number, len(available), *available)
        results = struct.pack(
            f"<i{len(request.results)}Ii", len(request.results), *request.results, -1
        )
        self.queue.answer(
            request,
            encode_response_header(Message.PUBLISH_RESPONSE, request.handle, now)
            + numbers + bytes((more,)) + message + results,
        )  # fmt: skip
        return more

    def _notification(self, now: int) -> list[bytes]:
        if self._status_change is not None:
            status, self._status_change = self._status_change, None
            return [_part(Message.STATUS_CHANGE, struct.pack("<IB", status, 0))]
        if not self.enabled:
            return []
        count, rows = self.board.take(self.terms.rows_max, now)
        pieces = [rows]
        for item in self.foreign.values():
            while item.waiting and count < self.terms.rows_max:
                pieces.append(item.waiting.popleft())
                count += 1
        if not count:
            return []
        body = struct.pack("<i", count) + b"".join(pieces) + struct.pack("<i", -1)
        return [_part(Message.DATA_CHANGES, body)]

    def acknowledge(self, sequence: int) -> int:
        """Forget a notification that arrived; return the status of the acknowledgement."""
        if self.kept.pop(sequence, None) is None:
            return Status.BAD_SEQUENCE_NUMBER_UNKNOWN
        return Status.GOOD

    def end(self, status: int | None = None) -> None:
        """Stop; with a status, tell the client why if it has a request open."""
        self._ended = True
        for item in self.foreign.values():
            item.close()
        request = self.queue.take() if status is not None else None
        if request is not None:
            self._status_change = status
            self._send(request)


def _part(kind: int, body: bytes) -> bytes:
    return type_id(kind) + b"\x01" + struct.pack("<i", len(body)) + body


Ticks = Callable[[], int]
"""Returns the time in ticks."""


@dataclass(slots=True)
class PublishQueue:
    """The Publish requests of one session, and the subscriptions that are late."""

    clock: Callable[[], int]
    ticks: Ticks
    drop: Callable[[Subscription], None]
    """Called with a subscription whose client has been silent for too long."""
    answerer: Answerer | None = None
    requests: deque[PublishRequest] = field(default_factory=deque)
    late: dict[int, Subscription] = field(default_factory=dict)

    def take(self) -> PublishRequest | None:
        """Return the oldest request that has not run out of time."""
        while self.requests:
            request = self.requests.popleft()
            if not request.expires_ns or self.clock() < request.expires_ns:
                return request
            self._refuse(request, Status.BAD_TIMEOUT)
        return None

    def put(self, request: PublishRequest) -> None:
        """Take a request; it serves a late subscription at once."""
        self.requests.append(request)
        if len(self.requests) > REQUESTS_MAX:
            self._refuse(self.requests.popleft(), Status.BAD_TOO_MANY_PUBLISH_REQUESTS)
        while self.late and self.requests:
            number = min(self.late, key=lambda item: -self.late[item].terms.priority)
            self.late.pop(number).serve()

    def wait(self, subscription: Subscription) -> None:
        """Let a subscription have the next request."""
        self.late[subscription.number] = subscription

    def answer(self, request: PublishRequest, body: bytes) -> None:
        """Send the answer to a request."""
        if self.answerer is not None:
            self.answerer.send(request.request_id, body)

    def _refuse(self, request: PublishRequest, status: int) -> None:
        self.answer(
            request,
            encode_response_header(Message.SERVICE_FAULT, request.handle, self.ticks(), status),
        )

    def fail(self, status: int) -> None:
        """Refuse all requests: there is no subscription that they could serve."""
        while self.requests:
            self._refuse(self.requests.popleft(), status)

    def attach(self, answerer: Answerer) -> None:
        """Go on over another connection; requests of the old one are void."""
        if self.answerer is not answerer:
            self.requests.clear()
        self.answerer = answerer
