"""One uplink at work: two lanes out of the store, one peer, retries, and times of every hop.

    live lane     what is new, first
    backlog lane  what an outage or a slow peer left behind, at a configured rate

A group is sent, then acknowledged, then the next one follows; a group may hold many messages, so
that a long way to the peer costs latency, not throughput. When the connection fails, what was not
acknowledged is sent again, unless the peer says that it has it. A live lane that falls behind is
handed to the backlog lane: new samples do not wait behind old ones.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.cloud.ending import first_of, stop_if_cancelled
from gateway.cloud.seam import Peer, SessionPeer, UplinkError
from gateway.config import (
    RECONNECT_FACTOR,
    RECONNECT_FIRST_S,
    RECONNECT_MAX_S,
    UPLINK_BACKLOG_S,
    UPLINK_GROUP_SAMPLES,
    UPLINK_IDLE_S,
    UPLINK_LATE_NS,
    UPLINK_RANGES_MAX,
)
from gateway.flow.hops import UPLINK_HOPS
from gateway.flow.rate import RateLimit
from gateway.store.counters import UplinkCounters, UplinkState
from gateway.store.lanes import Group, Lane
from gateway.store.queue import Store

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
        self._last_error = ""

    @property
    def peer(self) -> Peer:
        """The far end."""
        return self._peer

    async def run(self) -> None:
        """Connect, send, and connect again after a failure."""
        wait_s = RECONNECT_FIRST_S
        while True:
            acknowledged_before = sum(self.counters.samples.values())
            try:
                await self._serve()
            except (UplinkError, OSError, TimeoutError) as error:
                # A group that is cut is sent again whole: where links break often, small ones pass.
                self._group_samples = max(1, self._group_samples // 4)
                self._note(error)
            finally:
                self.counters.state = UplinkState.DOWN
                await self._peer.close()
            stop_if_cancelled()
            if sum(self.counters.samples.values()) > acknowledged_before:
                wait_s = RECONNECT_FIRST_S
            await asyncio.sleep(wait_s)
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
        self._last_error = ""
        _LOG.info("uplink %s: connected", self.name, extra={"uplink": self.name})
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
            else:
                await self._send(group)

    async def _ask_progress(self) -> None:
        """Skip what the peer has, though its acknowledgement never came."""
        stream = self._store.state().stream
        for lane in Lane:
            end = await self._peer.progress(stream, lane)
            if end is not None:
                await self._store.has_until(self.name, lane, end)

    async def _next(self) -> tuple[Group | None, float]:
        """Return what to send now, or how long to wait at most."""
        name, store = self.name, self._store
        cursors = store.cursors(name)
        splittable = cursors is not None and len(cursors.backlog.ranges) < UPLINK_RANGES_MAX
        if splittable and store.is_behind(name, UPLINK_LATE_NS):
            self.counters.splits += 1
            await store.split(name)
        group = await store.next_group(name, Lane.LIVE, self._group_samples)
        if group is not None:
            return group, 0.0
        cursors = store.cursors(name)
        if cursors is None or not cursors.backlog:
            return None, UPLINK_IDLE_S
        wait_s = self._rate.wait_s(self._clock())
        if wait_s > 0:
            return None, wait_s
        group = await store.next_group(
            name, Lane.BACKLOG, min(self._rate.burst, self._group_samples)
        )
        if group is not None:
            self._rate.take(group.samples)
        return group, 0.0

    async def _await_news(self, wait_s: float) -> None:
        news = self._store.news(self.name)
        try:
            async with asyncio.timeout(wait_s):
                await news.wait()
        except TimeoutError:
            return
        news.clear()

    async def _send(self, group: Group) -> None:
        async with asyncio.timeout(self._settings.timeout_s):
            acknowledged = await self._peer.send(group)
            sent_ns = self._clock()
            await acknowledged
        done_ns = self._clock()
        self._store.acknowledge(group)
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

    def _note(self, error: Exception) -> None:
        """Count a failure; log it once, however often it is repeated."""
        self.counters.failures += 1
        text = str(error) or ("no answer in time" if isinstance(error, TimeoutError) else "failed")
        if text != self._last_error:
            _LOG.warning("uplink %s: %s", self.name, text, extra={"uplink": self.name})
        self._last_error = text
