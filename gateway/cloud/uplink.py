"""One uplink at work: two lanes out of the store, one peer, retries, and times of every hop.

    live lane     what is new, first
    backlog lane  what an outage or a slow peer left behind, at a configured rate

A group is sent, then acknowledged, then the next one follows; a group may hold many messages, so
that a long way to the peer costs latency, not throughput. When the connection fails, what was not
acknowledged is sent again, unless the peer says that it has it. A live lane that falls behind is
handed to the backlog lane: new samples do not wait behind old ones. Nor do they behind samples that
the peer refuses: those are narrowed down to one batch, kept, counted, told, and offered again.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.cloud.ending import first_of, stop_if_cancelled
from gateway.cloud.holds import Holds
from gateway.cloud.seam import Peer, RefusedError, SessionPeer, UplinkError
from gateway.config import (
    RECONNECT_FACTOR,
    RECONNECT_FIRST_S,
    RECONNECT_MAX_S,
    UPLINK_BACKLOG_S,
    UPLINK_GROUP_SAMPLES,
    UPLINK_HOLD_MAX_S,
    UPLINK_IDLE_S,
    UPLINK_LATE_NS,
    UPLINK_RANGES_MAX,
    UPLINK_RETRY_AFTER_MAX_S,
)
from gateway.flow.hops import UPLINK_HOPS
from gateway.flow.rate import RateLimit
from gateway.store.counters import UplinkCounters, UplinkState
from gateway.store.lanes import Group, Lane
from gateway.store.queue import Store

_SECOND_NS: Final = 1e9
_LOG: Final = logging.getLogger("gateway.cloud")


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """How an uplink behaves."""

    name: str
    backlog_rate: int
    """Samples a second."""
    timeout_s: float


class Uplink:
    """Sends what the store holds for it, until cancelled."""

    def __init__(
        self, settings: UplinkSettings, peer: Peer, store: Store, clock: Callable[[], int]
    ) -> None:
        """Take the peer; nothing is connected yet. The clock is CLOCK_MONOTONIC in ns."""
        self.name = settings.name
        self.counters = UplinkCounters()
        self._settings, self._peer, self._store, self._clock = settings, peer, store, clock
        self._rate = RateLimit(settings.backlog_rate, UPLINK_BACKLOG_S)
        self._group_samples = UPLINK_GROUP_SAMPLES
        self._holds = Holds()
        self._last_error = ""
        self._is_doubtful = False
        """Whether the peer was there last and did not take what it was sent. That it is there again
        is no end of what is wrong, and told when it takes something."""
        self._last_refusal, self._refusal_ns = "", 0
        """What was logged of refusals, and when."""

    @property
    def peer(self) -> Peer:
        """The far end."""
        return self._peer

    async def run(self) -> None:
        """Connect, send, and connect again after a failure."""
        wait_s = RECONNECT_FIRST_S
        while True:
            acknowledged_before, away_s = sum(self.counters.samples.values()), 0.0
            try:
                await self._serve()
            except (UplinkError, OSError, TimeoutError) as error:
                # A group that is cut is sent again whole: where links break often, small ones pass.
                self._group_samples = max(1, self._group_samples // 4)
                self._note(error)
                if isinstance(error, UplinkError):
                    away_s = min(error.retry_after_s, UPLINK_RETRY_AFTER_MAX_S)
            finally:
                self.counters.state = UplinkState.DOWN
                await self._peer.close()
            stop_if_cancelled()
            if sum(self.counters.samples.values()) > acknowledged_before:
                wait_s = RECONNECT_FIRST_S
            await asyncio.sleep(max(wait_s, away_s))
            wait_s = min(wait_s * RECONNECT_FACTOR, RECONNECT_MAX_S)

    async def _serve(self) -> None:
        """Serve one connection until it fails."""
        await self._store.opened()
        counters = self.counters
        counters.state = UplinkState.CONNECTING
        async with asyncio.timeout(self._settings.timeout_s):
            await self._peer.connect()
            await self._ask_progress()
        peer = self._peer
        if isinstance(peer, SessionPeer):
            await peer.ready()
        counters.state = UplinkState.UP
        counters.connections += 1
        if not self._is_doubtful:
            self._tell_connected()
        if isinstance(peer, SessionPeer):
            await first_of(self._pump(), peer.ended())
        else:
            await self._pump()

    async def _pump(self) -> None:
        """Send group after group."""
        while True:
            stop_if_cancelled()
            group, wait_s = await self._next()
            if group is None:
                await self._await_news(wait_s)
                continue
            try:
                await self._send(group)
            except RefusedError as error:
                self._hold(group, error)
                await self._ask_progress()  # what came before it in the group may be there

    async def _ask_progress(self) -> None:
        """Skip what the peer has, though its acknowledgement never came."""
        stream = self._store.state().stream
        for lane in Lane:
            end = await self._peer.progress(stream, lane)
            if end is not None:
                await self._store.has_until(self.name, lane, end)

    async def _next(self) -> tuple[Group | None, float]:
        """Return what to send now, or how long to wait at most."""
        name, store, now_ns = self.name, self._store, self._clock()
        await self._split_where_late()
        wait_s = self._holds.wait_s(Lane.LIVE, now_ns)
        if wait_s == 0:
            group = await store.next_group(name, Lane.LIVE, self._most(Lane.LIVE))
            if group is not None:
                return group, 0.0
        wait_s = min(wait_s or UPLINK_IDLE_S, UPLINK_IDLE_S)
        cursors = store.cursors(name)
        if cursors is None or not cursors.backlog:
            return None, wait_s
        backlog_s = max(self._rate.wait_s(now_ns), self._holds.wait_s(Lane.BACKLOG, now_ns))
        if backlog_s > 0:
            return None, min(wait_s, backlog_s)
        group = await store.next_group(
            name, Lane.BACKLOG, min(self._rate.burst, self._most(Lane.BACKLOG))
        )
        if group is not None:
            self._rate.take(group.samples)
        return group, 0.0

    async def _split_where_late(self) -> None:
        """Hand a live lane that fell behind to the backlog."""
        name, store = self.name, self._store
        cursors = store.cursors(name)
        splittable = cursors is not None and len(cursors.backlog.ranges) < UPLINK_RANGES_MAX
        if splittable and store.is_behind(name, UPLINK_LATE_NS):
            self.counters.splits += 1
            await store.split(name)
            self._holds.hand_over()
            self._tell_held()

    def _most(self, lane: Lane) -> int:
        """Return how many samples to send at once: of a lane that is held, the batch refused."""
        return 1 if lane in self._holds else self._group_samples

    async def _await_news(self, wait_s: float) -> None:
        news = self._store.news(self.name)
        try:
            async with asyncio.timeout(wait_s):
                await news.wait()
        except TimeoutError:
            return
        news.clear()

    async def _send(self, group: Group) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                acknowledged = await self._peer.send(group)
                sent_ns = self._clock()
                await acknowledged
        except RefusedError:
            raise
        except (UplinkError, OSError, TimeoutError):
            self._is_doubtful = True
            raise
        done_ns = self._clock()
        if self._is_doubtful:
            self._is_doubtful = False
            self._tell_connected()
        self._store.acknowledge(group)
        if self._holds.release(group.lane):
            self._tell_held()
            _LOG.info(
                "uplink %s: the peer takes the samples that it refused", self.name,
                extra={"uplink": self.name, "lane": group.lane.value},
            )  # fmt: skip
        self._group_samples = min(2 * self._group_samples, UPLINK_GROUP_SAMPLES)
        counters = self.counters
        counters.samples[group.lane] += group.samples
        counters.batches += len(group.batches)
        counters.bytes += sum(len(batch.payload) for batch in group.batches)
        self._count_hops(group, sent_ns, done_ns)

    def _count_hops(self, group: Group, sent_ns: int, done_ns: int) -> None:
        sent, acknowledged, total = (self.counters.hops[group.lane, hop] for hop in UPLINK_HOPS)
        for batch in group.batches:
            samples = batch.end - batch.first
            if batch.stored_ns:
                sent.add(sent_ns - batch.stored_ns, samples)
            acknowledged.add(done_ns - sent_ns, samples)
            for mark in batch.marks:
                total.add(done_ns - mark.end_ns, mark.samples)

    def _hold(self, group: Group, error: RefusedError) -> None:
        """Keep samples that were refused: narrow them down to a batch, then let their lane wait."""
        now_ns = self._clock()
        self.counters.refusals += 1
        if len(group.batches) > 1:
            self._group_samples = max(1, min(self._group_samples, group.samples) // 4)
            return
        wait_s = self._holds.refuse(group.lane, now_ns)
        self._tell_held()
        is_due = now_ns - self._refusal_ns >= UPLINK_HOLD_MAX_S * _SECOND_NS
        if str(error) != self._last_refusal or is_due:
            self._last_refusal, self._refusal_ns = str(error), now_ns
            _LOG.error(
                "uplink %s: the peer refuses samples %d to %d: %s; they are kept, and offered again"
                " in %g s", self.name, group.done[0], group.done[1] - 1, error, wait_s,
                extra={"uplink": self.name, "lane": group.lane.value},
            )  # fmt: skip

    def _tell_held(self) -> None:
        self.counters.held = {lane: lane in self._holds for lane in Lane}

    def _tell_connected(self) -> None:
        self._last_error = ""
        _LOG.info("uplink %s: connected", self.name, extra={"uplink": self.name})

    def _note(self, error: Exception) -> None:
        """Count a failure; log it once, however often it is repeated."""
        self.counters.failures += 1
        text = str(error) or ("no answer in time" if isinstance(error, TimeoutError) else "failed")
        if text != self._last_error:
            _LOG.warning("uplink %s: %s", self.name, text, extra={"uplink": self.name})
        self._last_error = text
