"""One device's task: polls it on an absolute schedule, writes its changed outputs, keeps the link.

Exchanges go out one after another. Between any two reads one write may go, so a change of an output
waits for at most one request; and between any two writes one read, so neither starves. The outputs
of one scan form a batch; while it goes out, newer values replace each other, and the next batch
takes the newest. What the device has not acknowledged stays to be written.
"""

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Final

from gateway.config import (
    RECONNECT_FACTOR,
    RECONNECT_FIRST_S,
    RECONNECT_KNOWN_S,
    RECONNECT_MAX_S,
    REPORT_AGAIN_NS,
    WRITE_RETRY_NS,
)
from gateway.errors import PeerError, PeerExceptionError, PeerRefusedError
from gateway.field.clock import Backoff, Clock, Schedule
from gateway.field.fine_timer import FineTimer
from gateway.field.mailbox import MailboxWriter
from gateway.field.phase import Phase
from gateway.field.seam import (
    Answer,
    BurstDriver,
    Driver,
    ReadExchange,
    Subscriber,
    WriteExchange,
)
from gateway.flow.outputs import changes
from gateway.tags import DeviceMap
from runtime.image.layout import Link, LinkError
from runtime.image.statistics import LinkStatistics

_LOG: Final = logging.getLogger("gateway.field")


class _Poll:
    """One group of inputs: when it is due, and what of its current poll is still to be asked."""

    def __init__(self, group: int, period_ns: int, now_ns: int) -> None:
        self.group = group
        self.schedule = Schedule(now_ns, period_ns)
        self.phase = Phase(period_ns)
        self.reads: deque[ReadExchange] = deque()
        self.error = LinkError.NONE
        self.started_ns = 0


class DevicePoller:
    """Serves one device until it is cancelled; a device that fails delays no other."""

    def __init__(
        self,
        device: DeviceMap,
        driver: Driver,
        mailbox: MailboxWriter,
        statistics: LinkStatistics,
        clock: Clock,
    ) -> None:
        self.device = device
        self._driver = driver
        self._mailbox = mailbox
        self._statistics = statistics
        self._clock = clock
        self._backoff = Backoff(
            first_s=RECONNECT_FIRST_S, factor=RECONNECT_FACTOR, cap_s=RECONNECT_MAX_S
        )
        self._polls = [
            _Poll(number, group.period_ns, clock()) for number, group in enumerate(device.groups)
        ]
        self._wanted: tuple[int, ...] | None = None
        self._wanted_source_ns = 0
        self._wake = asyncio.Event()
        self._timer: FineTimer | None = None
        self._acknowledged: list[int | None] = [None] * len(device.outputs)
        self._held: dict[int, int] = {}
        self._writes: deque[WriteExchange] = deque()
        self._batch: tuple[int, ...] = ()
        self._batch_source_ns = 0
        self._was_up = False
        self._up_is_news = True
        self._reported: dict[str, int] = {}
        self._subscriber = driver if isinstance(driver, Subscriber) else None
        if self._subscriber is not None:
            self._subscriber.on_arrival(self._wake.set)

    @property
    def skipped(self) -> int:
        """Polls left out because an earlier one took too long, or the link was down."""
        return sum(poll.schedule.skipped for poll in self._polls)

    @property
    def settled(self) -> bool:
        """Whether there is no output left to write that can be written now."""
        return self._mailbox.link is not Link.UP or not self._fresh()

    def command(self, wanted: tuple[int, ...], source_ns: int) -> None:
        """Set the newest raw value of every output.

        Args:
            wanted: The values, in the order of the device's outputs.
            source_ns: Newest source time of the inputs that they were computed from; 0 where the
                time to react is not to be measured.
        """
        if wanted != self._wanted:
            self._wanted = wanted
            self._wanted_source_ns = source_ns
            self._wake.set()

    def align(self, grid: tuple[int, int]) -> None:
        """Get the polls into step with scans: a release of theirs and their interval, in ns."""
        now_ns = self._clock()
        for poll in self._polls:
            first_ns = poll.phase.first_ns(grid, self.device.number, now_ns)
            if first_ns is not None:
                poll.schedule.due_ns = first_ns

    async def run(self) -> None:
        """Connect, serve, and connect again, until cancelled."""
        timer = self._timer = FineTimer(self._wake.set)
        try:
            while True:
                self._set_link(Link.CONNECTING)
                try:
                    await self._driver.connect()
                    await self._serve()
                except PeerError as error:
                    self._lose(error)
                finally:
                    self._driver.close()
                await asyncio.sleep(self._backoff.take())
        finally:
            timer.close()
            self._set_link(Link.DOWN)

    # -- link -----------------------------------------------------------------------------------
    def _set_link(self, link: Link) -> None:
        self._mailbox.link = link
        self._mailbox.publish()

    def _lose(self, error: PeerError) -> None:
        mailbox = self._mailbox
        what = "link lost" if mailbox.link is Link.UP else "no link"
        mailbox.all_bad()
        mailbox.failures += 1
        mailbox.error = error.link_error
        self._set_link(Link.DOWN)
        # A refusal says why, and another reason is news: the user may have mended the first.
        kind = str(error) if isinstance(error, PeerRefusedError) else error.link_error.name
        if self._report(error, kind, f"{what}: {error}"):
            self._up_is_news = True

    def _refused(self, error: PeerExceptionError) -> None:
        self._mailbox.failures += 1
        level = logging.INFO if error.is_settled else logging.WARNING
        self._report(error, error.kind, str(error), level)
        self._note_up()

    def _report(
        self, error: PeerError, kind: str, message: str, level: int = logging.WARNING
    ) -> bool:
        """Log a fault, once for each kind until the device was without it for a while."""
        is_known = kind in self._reported
        self._reported[kind] = self._clock()
        if is_known:
            return False
        extra = {"device": self.device.name, "link_error": error.link_error.name.lower()}
        _LOG.log(level, "device %s: %s", self.device.name, message, extra=extra)
        return True

    def _answered(self, answer: Answer) -> None:
        self._statistics.round_trip.add(answer.received_ns - answer.sent_ns)
        self._note_up()

    def _note_up(self) -> None:
        if self._mailbox.link is Link.UP:
            return
        if self._was_up:
            self._mailbox.reconnects += 1
        self._was_up = True
        self._set_link(Link.UP)
        if self._up_is_news:
            self._up_is_news = False
            _LOG.info("device %s: link up", self.device.name, extra={"device": self.device.name})

    # -- the work of a connection ---------------------------------------------------------------
    async def _serve(self) -> None:
        """Serve one connection; ends by a `PeerError` or by being cancelled."""
        self._begin_connection()
        while True:
            self._wake.clear()  # whoever wakes us: all that may have changed is looked for here
            self._begin_polls()
            self._take_arrivals()
            self._begin_batch()
            poll = self._urgent()
            if not self._writes and poll is None:
                await self._wait()
            if self._writes:
                await self._write(self._writes.popleft())
            if poll is not None:
                await self._read(poll)

    def _begin_connection(self) -> None:
        """Forget what was agreed on an earlier connection: every output is written once."""
        for poll in self._polls:
            poll.reads.clear()
        self._writes.clear()
        self._held.clear()
        self._acknowledged = [None] * len(self.device.outputs)

    async def _wait(self) -> None:
        """Wait for a change of an output, the next poll, or the end of a hold."""
        assert self._timer is not None
        due_ns = [poll.schedule.due_ns for poll in self._polls]
        self._timer.set(min([*due_ns, *self._held.values()]))
        await self._wake.wait()

    # -- inputs ---------------------------------------------------------------------------------
    def _begin_polls(self) -> None:
        now_ns = self._clock()
        for poll in self._polls:
            if poll.reads or not poll.schedule.take(now_ns):
                continue
            poll.error = LinkError.NONE
            poll.started_ns = now_ns
            poll.reads.extend(self._driver.reads(poll.group))
            if not poll.reads:
                self._end_poll()

    def _take_arrivals(self) -> None:
        """Take what the device has told by itself."""
        if self._subscriber is None:
            return
        arrived = self._subscriber.arrivals()
        for arrival in arrived:
            self._mailbox.take(arrival)
        if arrived:
            self._note_up()
            self._mailbox.publish()

    def _urgent(self) -> _Poll | None:
        """Return the poll to go on with: the one whose next release comes first."""
        pending = [poll for poll in self._polls if poll.reads]
        return min(pending, key=lambda poll: poll.schedule.due_ns, default=None)

    async def _read(self, poll: _Poll) -> None:
        """Do one read of a poll, or as many as nothing else wants to come between."""
        if isinstance(self._driver, BurstDriver):
            await self._driver.read(poll.reads, partial(self._took, poll))
            return
        exchange = poll.reads.popleft()
        try:
            answer: Answer | PeerExceptionError = await exchange.ask()
        except PeerExceptionError as error:
            answer = error
        self._took(poll, exchange, answer)

    def _took(
        self, poll: _Poll, exchange: ReadExchange, answer: Answer | PeerExceptionError
    ) -> bool:
        """Take the answer to a read; return whether the next one may follow at once."""
        mailbox = self._mailbox
        if isinstance(answer, PeerExceptionError):
            mailbox.bad(exchange.inputs)
            poll.error = answer.link_error
            self._refused(answer)
        else:
            mailbox.good(exchange.inputs, answer.values, answer.received_ns)
            mailbox.round_trip_ns = answer.received_ns - poll.started_ns
            self._answered(answer)
        if not poll.reads:
            poll.schedule.due_ns += poll.phase.shift_ns(poll.schedule.taken_ns, self._clock())
            self._end_poll()
        wants_other = self._wake.is_set() or self._writes or len(self._polls) > 1
        return not wants_other

    def _end_poll(self) -> None:
        mailbox = self._mailbox
        mailbox.polls += 1
        held = LinkError.EXCEPTION if self._held else LinkError.NONE
        mailbox.error = max(held, *(each.error for each in self._polls))
        if mailbox.link is Link.UP:
            self._backoff.reset(RECONNECT_KNOWN_S)
        if self._reported:
            since_ns = self._clock() - REPORT_AGAIN_NS
            self._reported = {kind: at for kind, at in self._reported.items() if at >= since_ns}
        mailbox.publish()

    # -- outputs --------------------------------------------------------------------------------
    def _begin_batch(self) -> None:
        if self._writes or self._wanted is None:
            return
        now_ns = self._clock()
        self._held = {number: end for number, end in self._held.items() if end > now_ns}
        fresh = self._fresh()
        if not fresh:
            return
        first = any(self._acknowledged[number] is None for number in fresh)
        self._batch = self._wanted
        self._batch_source_ns = 0 if first else self._wanted_source_ns
        self._writes.extend(self._driver.writes(fresh))

    def _fresh(self) -> dict[int, int]:
        wanted = self._wanted
        return {} if wanted is None else changes(wanted, self._acknowledged, self._held)

    async def _write(self, exchange: WriteExchange) -> None:
        try:
            answer = await exchange.ask()
        except PeerExceptionError as error:
            until_ns = self._clock() + WRITE_RETRY_NS
            self._held.update(dict.fromkeys(exchange.outputs, until_ns))
            self._batch_source_ns = 0
            self._refused(error)
            return
        for number in exchange.outputs:
            self._acknowledged[number] = self._batch[number]
        self._statistics.count_write()
        self._answered(answer)
        if not self._writes and self._batch_source_ns:
            self._statistics.reaction.add(answer.received_ns - self._batch_source_ns)
