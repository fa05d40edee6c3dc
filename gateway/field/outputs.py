"""Watches the outputs in the image and hands each device what it should have.

A look at the head of the ring costs about a microsecond, so it is done every millisecond, the least
that the event loop's timers count in; whether anything changed is asked only after a new
publication. Publications that come faster are coalesced: the newest counts.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from gateway.config import OUTPUT_CHECK_S
from gateway.field.clock import Clock
from gateway.field.poller import DevicePoller
from gateway.flow.authority import Authority, RuntimeView, Watch, silence_limit_ns
from gateway.flow.outputs import read_outputs, safe_values
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
        limit_ns = silence_limit_ns(task.interval_ns for task in image.directory.tasks)
        self._watch = Watch(limit_ns, clock())
        self._authority = Authority.NOBODY
        self._number = 0
        self._newest: Outputs | None = None

    async def run(self) -> None:
        """Look at the image again and again, until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(OUTPUT_CHECK_S)

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
        self._newest = decode_outputs(publication.payload)
        return before is None or before.area != self._newest.area

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
