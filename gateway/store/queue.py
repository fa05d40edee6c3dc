"""The outbox seen from the event loop: samples go in, groups come out, the disk blocks nobody.

One thread of its own does all that touches the file. Samples that arrive gather for `linger` and
are stored together. While the disk refuses them they wait in memory, up to a bound; then the oldest
are dropped and counted. A damaged file is set aside and a new one begun.
"""

import asyncio
import bisect
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path
from typing import Final, TypeVar

from gateway.config import (
    OUTBOX_FLUSH_S,
    OUTBOX_RECENT_BYTES,
    OUTBOX_RETRY_S,
    OUTBOX_WAITING_SAMPLES_MAX,
)
from gateway.flow.batches import Source
from gateway.flow.hops import FLOW_HOPS
from gateway.flow.ranges import Range
from gateway.flow.reports import Report
from gateway.store.counters import StoreState, flow_hops
from gateway.store.lanes import Group, Lane
from gateway.store.outbox import Caps, Clocks, Cursors, Outbox, StoredBatch
from gateway.store.sqlite import StoreCorruptError, StoreUnavailableError, set_aside

_LOG: Final = logging.getLogger("gateway.store")
Result = TypeVar("Result")


class Store:
    """The durable queue between the sampler and the uplinks. All methods belong to the loop."""

    def __init__(
        self,
        path: Path,
        caps: Caps,
        clocks: Clocks,
        uplinks: Sequence[str],
        *,
        project: str,
        linger_s: float,
    ) -> None:
        """Touch nothing yet; `run` opens the file.

        Args:
            path: The outbox's file; its folder is made where it is missing.
            caps: Bounds of what waits on disk.
            clocks: Time.
            uplinks: Names of those who send.
            project: Name that samples bear.
            linger_s: How long samples gather before they are stored together.
        """
        self._path, self._caps, self._clocks = path, caps, clocks
        self._uplinks = tuple(uplinks)
        self._project, self._linger_s = project, linger_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._outbox: Outbox | None = None
        self._generation = 0
        self._waiting: deque[tuple[str, Report]] = deque()
        self._waiting_samples = 0
        self._skipped = 0
        self._acknowledged: list[Group] = []
        self._cursors: dict[str, Cursors] = {}
        self._head = 0
        """Number after the newest sample that is known to be safe: the file's own runs ahead."""
        self._recent: list[StoredBatch] = []
        self._recent_bytes = 0
        self._arrived = asyncio.Event()
        self._opened = asyncio.Event()
        self._news = {name: asyncio.Event() for name in uplinks}
        self._available, self._set_aside, self._lost_in_corruption = False, 0, dict[str, int]()
        self.hops = flow_hops()

    # -- the sampler's side ---------------------------------------------------------------------

    def put(self, run: str, reports: Sequence[Report]) -> None:
        """Take the samples of a scan of one start of the runtime."""
        for report in reports:
            self._waiting.append((run, report))
            self._waiting_samples += report.samples
        while self._waiting_samples > OUTBOX_WAITING_SAMPLES_MAX:
            _, oldest = self._waiting.popleft()
            self._waiting_samples -= oldest.samples
            self._skipped += oldest.samples
        if self._waiting:
            self._arrived.set()

    # -- the uplinks' side ----------------------------------------------------------------------

    def news(self, uplink: str) -> asyncio.Event:
        """Return what is set when there is more to send; the uplink clears it."""
        return self._news[uplink]

    async def opened(self) -> None:
        """Wait until the outbox is open."""
        await self._opened.wait()

    def cursors(self, uplink: str) -> Cursors | None:
        """Return what an uplink owes, None while the outbox is not open."""
        return self._cursors.get(uplink)

    def is_behind(self, uplink: str, late_ns: int) -> bool:
        """Return whether the live lane of an uplink has waited for longer than that."""
        cursors = self._cursors.get(uplink)
        if cursors is None or cursors.live >= self._head:
            return False
        oldest = self._after(cursors.live)
        return oldest is None or self._clocks.monotonic() - oldest.stored_ns > late_ns

    async def next_group(self, uplink: str, lane: Lane, samples_max: int) -> Group | None:
        """Return what an uplink is to send next in a lane, None where there is nothing."""
        cursors = self._cursors.get(uplink)
        if cursors is None or self._outbox is None:
            return None
        if lane is Lane.LIVE:
            wanted = cursors.live, self._head
        else:
            wanted = next(iter(cursors.backlog.ranges), (0, 0))
        if wanted[0] >= wanted[1]:
            return None
        generation = self._generation
        batches = self._from_memory(wanted, samples_max)
        if batches is None:
            batches = await self._do(lambda outbox: outbox.read(wanted, samples_max)) or []
            if generation != self._generation:
                return None
        done = wanted[0], batches[-1].end if batches else wanted[1]
        group = Group(uplink, lane, tuple(batches), done, self._outbox.stream, generation)
        if not batches:  # dropped, or lost before it could be stored: nobody owes it any more
            self.acknowledge(group)
            return None
        return group

    def acknowledge(self, group: Group) -> None:
        """Note that an uplink's peer has a group, or all up to some point of it."""
        if group.generation != self._generation:
            return
        cursors = self._cursors[group.uplink]
        if group.done[0] <= cursors.live < group.done[1]:
            cursors.live = group.done[1]
        if cursors.backlog:
            cursors.backlog -= group.done_set
        self._acknowledged.append(group)

    async def has_until(self, uplink: str, lane: Lane, end: int) -> None:
        """Note that an uplink's peer has all that was sent in a lane before a number.

        Where that is more than the file holds, the file is an old copy: its numbers must not be
        given out a second time, so it is set aside as a damaged one is.
        """
        cursors, outbox = self._cursors.get(uplink), self._outbox
        if cursors is None or outbox is None:
            return
        if end > self._head:
            text = f"the peer of {uplink} has samples up to {end - 1}, the file to {self._head - 1}"
            await self._set_aside_file(outbox, StoreCorruptError(text))
            return
        first = cursors.live if lane is Lane.LIVE else cursors.backlog.first
        inside = lane is Lane.LIVE or any(a < end <= b for a, b in cursors.backlog.ranges)
        if first is not None and first < end and inside:
            self.acknowledge(Group(uplink, lane, (), (first, end), "", self._generation))

    async def split(self, uplink: str) -> None:
        """Turn all that an uplink owes into backlog; what comes next is live."""
        await self._do(lambda outbox: outbox.split(uplink))
        if self._outbox is not None:
            self._cursors[uplink] = self._outbox.cursors(uplink)

    # -- its task -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Open the file and store what comes, until cancelled; then store the rest and close."""
        try:
            while True:
                if self._outbox is None:
                    await self._open()
                await self._await_work()
                await self._write()
                if not self._available:
                    await asyncio.sleep(OUTBOX_RETRY_S)
        finally:
            await self._close()

    def state(self) -> StoreState:
        """Return how the outbox is doing."""
        outbox = self._outbox
        losses = outbox.losses if outbox is not None else {}
        return StoreState(
            stream=outbox.stream if outbox is not None else "",
            head=self._head,
            kept_bytes=outbox.kept_bytes if outbox is not None else 0,
            waiting=self._waiting_samples,
            pending={name: outbox.pending(name) for name in self._uplinks} if outbox else {},
            losses=losses,
            available=self._available,
            set_aside=self._set_aside,
        )

    async def _await_work(self) -> None:
        try:
            async with asyncio.timeout(OUTBOX_FLUSH_S):
                await self._arrived.wait()
        except TimeoutError:
            return
        if self._linger_s:
            await asyncio.sleep(self._linger_s)

    async def _write(self) -> None:
        """Store what waits; where nothing does, write down what was acknowledged."""
        self._arrived.clear()
        outbox = self._outbox
        if outbox is None:
            return
        if not self._waiting and not self._skipped:
            if self._acknowledged or outbox.dirty:
                await self._do(Outbox.flush)
            return
        taken, skipped = self._take_one_run(), self._skipped
        self._skipped = 0
        stored = await self._do(lambda outbox: _append(outbox, self._project, taken, skipped))
        if stored is None:
            self._waiting.extendleft(reversed(taken))
            self._waiting_samples += sum(report.samples for _, report in taken)
            self._skipped += skipped
        if self._waiting:
            self._arrived.set()
        if stored is None:
            return
        self._remember(stored)
        for event in self._news.values():
            event.set()

    def _take_one_run(self) -> list[tuple[str, Report]]:
        """Take the oldest samples that wait, of one start of the runtime: a batch has one."""
        run = self._waiting[0][0] if self._waiting else ""
        taken = list(takewhile(lambda item: item[0] == run, self._waiting))
        for _, report in taken:
            self._waiting.popleft()
            self._waiting_samples -= report.samples
        return taken

    def _remember(self, stored: Sequence[StoredBatch]) -> None:
        """Keep new batches at hand, and count how long their samples took so far."""
        taken, filtered, on_disk = (self.hops[hop] for hop in FLOW_HOPS)
        for batch in stored:
            self._recent.append(batch)
            self._head = batch.end
            self._recent_bytes += len(batch.payload)
            for mark in batch.marks:
                taken.add(mark.taken_ns - mark.end_ns, mark.samples)
                filtered.add(mark.filtered_ns - mark.taken_ns, mark.samples)
                on_disk.add(batch.stored_ns - mark.filtered_ns, mark.samples)
        drop = 0
        while self._recent_bytes > OUTBOX_RECENT_BYTES and drop < len(self._recent) - 1:
            self._recent_bytes -= len(self._recent[drop].payload)
            drop += 1
        del self._recent[:drop]

    def _after(self, number: int) -> StoredBatch | None:
        """Return the first recent batch from a number on; None where memory may lack an older."""
        if not self._recent or self._recent[0].first > number:
            return None
        place = bisect.bisect_left(self._recent, number, key=lambda batch: batch.first)
        return self._recent[place] if place < len(self._recent) else None

    def _from_memory(self, wanted: Range, samples_max: int) -> list[StoredBatch] | None:
        """Return the batches of a range as `Outbox.read` does; None where memory lacks some."""
        if not self._recent or self._recent[0].first > wanted[0]:
            return None
        place = bisect.bisect_left(self._recent, wanted[0], key=lambda batch: batch.first)
        batches: list[StoredBatch] = []
        samples = 0
        while place < len(self._recent) and self._recent[place].first < wanted[1]:
            batch = self._recent[place]
            samples += batch.end - batch.first
            if batches and samples > samples_max:
                break
            batches.append(batch)
            place += 1
        return batches

    # -- the file -------------------------------------------------------------------------------

    async def _do(self, work: Callable[[Outbox], Result]) -> Result | None:
        """Do something with the outbox in its thread; None where the disk refuses it.

        A damaged file is set aside, and the outbox is None until `run` has begun a new one.
        """
        outbox, acknowledged = self._outbox, self._acknowledged
        if outbox is None:
            return None
        self._acknowledged = []

        def in_thread() -> Result:
            _apply(outbox, acknowledged)
            return work(outbox)

        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._thread, in_thread)
        except StoreUnavailableError as error:
            self._note_refusal(error)
            return None
        except StoreCorruptError as error:
            if outbox is self._outbox:
                await self._set_aside_file(outbox, error)
            return None
        if not self._available:
            self._available = True
            _LOG.info("the outbox %s stores again", self._path)
        return result

    def _note_refusal(self, error: Exception) -> None:
        if self._available:
            _LOG.error(
                "the outbox %s refuses samples (%s); they wait in memory", self._path, error,
                extra={"waiting": self._waiting_samples},
            )  # fmt: skip
        self._available = False

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()

        def in_thread() -> Outbox:
            return Outbox(self._path, self._caps, self._clocks, self._uplinks)

        reported = False
        while True:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                outbox = await loop.run_in_executor(self._thread, in_thread)
                break
            except (StoreUnavailableError, OSError) as error:
                if not reported:
                    _LOG.error("the outbox %s cannot be opened (%s)", self._path, error)
                reported = True
                await asyncio.sleep(OUTBOX_RETRY_S)
            except StoreCorruptError as error:
                await self._set_aside_file(None, error)
        for name, samples in self._lost_in_corruption.items():
            outbox.count_loss(name, "corrupt", samples)
        self._lost_in_corruption = {}
        self._outbox, self._available = outbox, True
        self._generation += 1
        self._recent, self._recent_bytes, self._acknowledged = [], 0, []
        self._cursors = {name: outbox.cursors(name) for name in self._uplinks}
        self._head = outbox.head
        self._opened.set()
        extra = {"stream": outbox.stream, "next": outbox.head}
        _LOG.info("outbox %s: the next sample is %d", self._path, outbox.head, extra=extra)
        for event in self._news.values():
            event.set()

    async def _set_aside_file(self, outbox: Outbox | None, error: Exception) -> None:
        """Move a damaged file away, so that a new one can be begun; count what it owed."""
        self._outbox, self._cursors, self._available = None, {}, False
        self._opened.clear()
        self._generation += 1
        if outbox is not None:
            self._lost_in_corruption = {name: outbox.pending(name) for name in self._uplinks}
        await asyncio.get_running_loop().run_in_executor(
            self._thread, _move_away, outbox, self._path
        )
        self._set_aside += 1
        owed = sum(self._lost_in_corruption.values()) if outbox is not None else "an unknown number"
        _LOG.error(
            "the outbox %s is damaged (%s): it is set aside and a new one begun; %s of samples "
            "that were owed are lost", self._path, error, owed,
        )  # fmt: skip
        self._arrived.set()

    async def _close(self) -> None:
        """Store what is left and close; whatever the disk refuses now is lost with the process."""
        outbox, self._outbox = self._outbox, None
        acknowledged = self._acknowledged
        if outbox is not None:

            def in_thread() -> None:
                _apply(outbox, acknowledged)
                try:
                    while self._waiting or self._skipped:
                        taken, skipped = self._take_one_run(), self._skipped
                        self._skipped = 0
                        _append(outbox, self._project, taken, skipped)
                except (StoreUnavailableError, StoreCorruptError) as error:
                    _LOG.error("stopping: samples could not be stored (%s)", error)
                outbox.close()

            self._thread.submit(in_thread).result()
        self._thread.shutdown()


def _apply(outbox: Outbox, acknowledged: Sequence[Group]) -> None:
    for group in acknowledged:
        outbox.acknowledge(group.uplink, group.done, group.delivered)


def _append(
    outbox: Outbox, project: str, taken: Sequence[tuple[str, Report]], skipped: int
) -> list[StoredBatch]:
    """Store the reports of one start of the runtime."""
    run = taken[0][0] if taken else ""
    source = Source(outbox.stream, project, run)
    return outbox.append(source, [report for _, report in taken], skipped)


def _move_away(outbox: Outbox | None, path: Path) -> None:
    """Rename a file and its log to names that are free."""
    if outbox is not None:
        outbox.abandon()
    set_aside(path)
