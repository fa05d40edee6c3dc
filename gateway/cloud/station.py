"""Everything between the image and the clouds of one project: sampling, outbox, uplinks."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.cloud.desk import CommandDesk, Times
from gateway.cloud.isolation import isolate
from gateway.cloud.make import make_downlinks, make_lease, make_uplinks
from gateway.cloud.sampling import Sampling, SamplingClocks
from gateway.cloud.wall_clock import wall_error_ns
from gateway.flow.commands import Moment
from gateway.store.counters import CloudView, SamplingCounters, UplinkCounters
from gateway.store.outbox import Caps, Clocks
from gateway.store.queue import Store
from runtime.audit import AuditLog
from runtime.image.segment import Image
from runtime.project.load import Project
from runtime.project.places import audit_path, outbox_path

_LOG: Final = logging.getLogger("gateway.cloud")
_SECOND_NS: Final = 1e9
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Station:
    """Outlives the images: samples of one start of the runtime after the other pass through."""

    def __init__(self, project: Project, image: Callable[[], Image | None]) -> None:
        """Prepare the uplinks; nothing is opened or connected yet.

        Args:
            project: With at least one uplink.
            image: Returns the image that is served, for commands and births.

        Raises:
            HostError: A library, a secret or a certificate is missing.
        """
        config = project.config
        outbox = config.outbox
        self._sections, self._bytes_max = config.publish, outbox.size_max
        self._store = Store(
            outbox_path(project),
            Caps(outbox.size_max, outbox.age_max),
            system_clocks(),
            [section.name for section in config.uplink],
            project=config.project.name,
            linger_s=outbox.linger / _SECOND_NS,
        )
        self._uplinks = make_uplinks(project, self._store, time.monotonic_ns, image)
        self._lease = make_lease(project, lambda: _path(image()))
        audit = AuditLog(audit_path(project))
        self._desk = CommandDesk(image, audit, system_times(), self._lease)
        self._downlinks = make_downlinks(project, self._desk, self._uplinks)
        self._counters = SamplingCounters()
        self._leasing: list[asyncio.Task[None]] = []
        self._commanding: list[asyncio.Task[None]] = []
        self._sending: list[asyncio.Task[None]] = []
        self._storing: list[asyncio.Task[None]] = []

    def start(self, group: asyncio.TaskGroup) -> None:
        """Open the outbox and connect, with tasks of the group."""
        self._storing = [group.create_task(self._store.run())]
        self._sending = [
            group.create_task(isolate(uplink.name, uplink.run, uplink.counters))
            for uplink in self._uplinks
        ]
        if self._downlinks:
            self._commanding = [group.create_task(self._command())]
            if self._lease is not None:
                counters = self._by_name()[self._lease.uplink]
                running = isolate(self._lease.uplink, self._lease.run, counters)
                self._leasing = [group.create_task(running)]

    def sampling(self, image: Image) -> Sampling:
        """Return what samples an image; it is the caller's to run."""
        clocks = SamplingClocks(time.monotonic_ns, time.time_ns)
        return Sampling(image, self._sections, self._store, self._counters, clocks)

    async def stop(self) -> None:
        """End the uplinks, then store what is left; call it when sampling has ended."""
        for tasks in (self._commanding, self._leasing, self._sending, self._storing):
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def _command(self) -> None:
        """Take commands of all down-links, once the ids of the last hour are known."""
        try:
            await self._desk.restore()
        except OSError as error:
            _LOG.error("the audit log cannot be read, no command is taken: %s", error)
            return
        counters = self._by_name()
        async with asyncio.TaskGroup() as group:
            for downlink in self._downlinks:
                group.create_task(isolate(downlink.name, downlink.run, counters[downlink.name]))

    def _by_name(self) -> dict[str, UplinkCounters]:
        return {uplink.name: uplink.counters for uplink in self._uplinks}

    def view(self) -> CloudView:
        """Return what a scrape needs."""
        return CloudView(
            sampling=self._counters,
            store=self._store.state(),
            hops=self._store.hops,
            uplinks=self._by_name(),
            wall_error_ns=wall_error_ns(),
            commands={item.name: item.counters for item in self._downlinks},
            outbox_bytes_max=self._bytes_max,
            lease=self._lease.counters if self._lease is not None else None,
            is_lease_held=self._lease is not None and self._lease.is_held,
        )


def _path(image: Image | None) -> Path | None:
    return image.path if image is not None else None


def system_times() -> Times:
    """Return what commands are timed by, and their tokens."""
    return Times(
        now=lambda: Moment(time.monotonic_ns(), time.time_ns()),
        make_token=lambda: secrets.token_urlsafe(16),
    )


def system_clocks() -> Clocks:
    """Return the machine's clocks."""
    return Clocks(
        monotonic=time.monotonic_ns,
        boottime=lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        boot_id=_BOOT_ID.read_text(encoding="ascii").strip(),
    )
