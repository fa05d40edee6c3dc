"""Watches the outputs in the image and hands each device what it should have.

A look at the head of the ring costs about a microsecond, so it is done every millisecond, and right
after each scan that can be foretold; whether anything changed is asked only where something was
published. Publications that come faster are coalesced: the newest counts. What they tell of the
scans' times the pollers get too, so that polls are in step with scans.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from gateway.config import OUTPUT_CHECK_NS
from gateway.field.clock import Clock
from gateway.field.fine_timer import FineTimer
from gateway.field.poller import DevicePoller
from gateway.flow.authority import Authority, RuntimeView, Watch, silence_limit_ns
from gateway.flow.outputs import read_outputs, safe_values
from gateway.flow.releases import Releases
from runtime.image.layout import SectionKind
from runtime.image.payloads import Outputs, decode_outputs
from runtime.image.segment import Image

_LOG: Final = logging.getLogger("gateway.field")


class OutputWatcher:
    """Follows the OUTPUTS ring of an image; commands the pollers of its devices."""

    def __init__(self, image: Image, pollers: Sequence[DevicePoller], clock: Clock) -> None:
        self._image = image
        self._ring = image.ring(SectionKind.OUTPUTS)
        self._pollers = pollers
        self._clock = clock
        intervals_ns = [task.interval_ns for task in image.directory.tasks]
        self._releases = Releases(intervals_ns)
        limit_ns = silence_limit_ns(intervals_ns)
        self._watch = Watch(limit_ns, clock())
        self._authority = Authority.NOBODY
        self._number = 0
        self._newest: Outputs | None = None
        self._grid: tuple[int, int] | None = None

    async def run(self) -> None:
        """Look at the image again and again, until cancelled."""
        wake = asyncio.Event()
        timer = FineTimer(wake.set)
        try:
            while True:
                self.step()
                timer.set(self._releases.look_ns(self._clock(), OUTPUT_CHECK_NS))
                await wake.wait()
                wake.clear()
        finally:
            timer.close()

    def step(self) -> None:
        """Take one look, and command the devices where there is something new."""
        fresh = self._take()
        before = self._authority
        self._authority = self._judge()
        if self._authority is before and not fresh:
            return
        if self._authority is not before:
            self._report(before)
        if self._authority is Authority.PROGRAM:
            self._command_program()
        elif self._authority is Authority.GATEWAY:
            for poller in self._pollers:
                poller.command(safe_values(poller.device.outputs), 0)

    def _take(self) -> bool:
        """Take the newest publication; return whether its outputs differ from those before."""
        if self._ring.head == self._number:
            return False
        publication = self._ring.latest()
        if publication is None:
            return False
        before, self._number = self._newest, publication.number
        newest = self._newest = decode_outputs(publication.payload)
        self._note(newest)
        return before is None or before.area != newest.area

    def _note(self, newest: Outputs) -> None:
        """Note when a task has scanned; tell the pollers where that is news."""
        if newest.safe:
            return
        self._releases.note(newest.task, newest.release_ns, newest.end_ns)
        before, self._grid = self._grid, self._releases.grid
        if self._grid is not None and self._grid == before:  # it has held for two publications
            for poller in self._pollers:
                poller.align(self._grid)

    def _judge(self) -> Authority:
        newest = self._newest
        alive_ns = max(self._image.runtime_heartbeat_ns, newest.end_ns if newest else 0)
        view = RuntimeView(
            mode=self._image.mode,
            alive_ns=alive_ns,
            published=newest is not None,
            safe=newest is not None and newest.safe,
        )
        return self._watch.judge(view, self._clock())

    def _command_program(self) -> None:
        newest = self._newest
        assert newest is not None
        source_ns = 0 if newest.safe else max((time for _, time in newest.consumed), default=0)
        for poller in self._pollers:
            poller.command(read_outputs(newest.area, poller.device.outputs), source_ns)

    def _report(self, before: Authority) -> None:
        if not any(poller.device.outputs for poller in self._pollers):
            return  # there is nothing that anybody could write
        if self._authority is Authority.GATEWAY:
            _LOG.warning(
                "the runtime (pid %d, mode %s) is silent: safe values are written instead",
                self._image.runtime_pid, self._image.mode.name,
                extra={"authority": self._authority.value},
            )  # fmt: skip
        elif before is Authority.GATEWAY:
            _LOG.info(
                "the runtime speaks for the outputs again",
                extra={"authority": self._authority.value},
            )
