"""The gateway's process: one event loop, one TaskGroup, one image at a time.

It waits for an image that fits its `takt.toml`, serves it, and changes over when the runtime was
restarted. Until a new image is there the old one is served on, so that a runtime that is gone is
noticed by its silence and the devices get their safe values.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import uvloop
from prometheus_client import CollectorRegistry

from gateway.cloud.station import Station
from gateway.config import (
    ATTACH_RETRY_S,
    FLUSH_CHECK_S,
    FLUSH_S,
    IMAGE_CHECK_S,
    OTHER_GATEWAY_NS,
    STOP_S,
)
from gateway.field.drivers import Drivers
from gateway.field.mailbox import MailboxWriter
from gateway.field.outputs import OutputWatcher
from gateway.field.poller import DevicePoller
from gateway.field.promptness import ask_for_short_slices, freeze_objects
from gateway.serve.modbus import ModbusService
from gateway.serve.modbus_answers import Answers
from gateway.serve.opcua_process import keep_server
from gateway.tags import DeviceMap, device_maps, output_bytes
from gateway.web.cloud_metrics import CloudCollector
from gateway.web.metrics import GatewayView, build_registry
from gateway.web.otel_make import make_push
from gateway.web.server import MetricsServer
from runtime.errors import ImageError
from runtime.image.directory import device_entries, io_hash
from runtime.image.layout import SectionKind
from runtime.image.segment import Image, attach_image, image_path
from runtime.image.statistics import LinkStatistics
from runtime.project.load import FILE_NAME, Project
from runtime.project.servers import ServerSection

_LOG: Final = logging.getLogger("gateway.app")


class Session:
    """One attachment to an image: a poller for each device, and the watcher of the outputs."""

    def __init__(
        self,
        image: Image,
        devices: tuple[DeviceMap, ...],
        station: Station | None,
        group: asyncio.TaskGroup,
    ) -> None:
        """Start serving the image with tasks of the group; the station takes its samples."""
        self.image = image
        image.gateway_pid = os.getpid()
        self.beat()
        drivers = Drivers(time.monotonic_ns)
        self._pollers = [_poller(image, device, drivers) for device in devices]
        self._watcher = OutputWatcher(image, self._pollers, time.monotonic_ns)
        self._tasks = [group.create_task(poller.run()) for poller in self._pollers]
        self._tasks.append(group.create_task(self._watcher.run()))
        if station is not None:
            self._tasks.append(group.create_task(station.sampling(image).run()))

    @property
    def skipped(self) -> Mapping[str, int]:
        """Polls left out, by device."""
        return {poller.device.name: poller.skipped for poller in self._pollers}

    async def flush(self) -> None:
        """Let outputs that were published a moment ago reach the devices whose link is up."""
        self._watcher.step()
        for _ in range(round(FLUSH_S / FLUSH_CHECK_S)):
            if all(poller.settled for poller in self._pollers):
                return
            await asyncio.sleep(FLUSH_CHECK_S)

    @property
    def rival(self) -> int:
        """Process id of a gateway that has taken the image over, 0 while there is none."""
        pid = self.image.gateway_pid
        return 0 if pid == os.getpid() else pid

    def beat(self) -> None:
        """Show in the image that the gateway lives."""
        self.image.gateway_heartbeat_ns = time.monotonic_ns()

    async def end(self) -> None:
        """Close the links; the outputs stay at the devices as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=STOP_S)
        if not self.rival:
            self.image.gateway_pid = 0
        self.image.close()


def _poller(image: Image, device: DeviceMap, drivers: Drivers) -> DevicePoller:
    """Return the poller of a device."""
    clock = time.monotonic_ns
    return DevicePoller(
        device,
        drivers.driver(device),
        MailboxWriter(image.ring(SectionKind.INPUTS, device.number), len(device.inputs)),
        LinkStatistics(image.section(SectionKind.LINK_STATISTICS, device.number)),
        clock,
    )


class Gateway:
    """Keeps a session with the newest image of a project."""

    def __init__(self, project: Project) -> None:
        """Take a project that was loaded without faults.

        Raises:
            HostError: A library, a secret or a certificate of an uplink or a push is missing.
        """
        self._project = project
        self._session: Session | None = None
        self._station = Station(project, self._image) if project.config.uplink else None
        self._push = make_push(project)
        self._devices = device_maps(project)
        self._path = image_path(project.config.project.name)
        self._services = [self._service(section) for section in project.config.server]
        self._noted = ""

    def _service(self, section: ServerSection) -> ModbusService:
        """Return a server of the image; it answers by whichever image is served."""
        project = self._project
        clock = time.monotonic_ns
        answers = Answers(section, project.config.project.name, self._image, clock)
        return ModbusService(section, answers, project.folder, clock)

    def _image(self) -> Image | None:
        return self._session.image if self._session else None

    def view(self) -> GatewayView:
        """Return what a scrape needs."""
        session = self._session
        return GatewayView(
            image=session.image if session else None,
            now_ns=time.monotonic_ns(),
            skipped=session.skipped if session else {},
            servers={item.section.name: asdict(item.counters) for item in self._services},
        )

    def _registry(self) -> CollectorRegistry:
        station, push = self._station, self._push
        clouds = [CloudCollector(station.view)] if station is not None else []
        return build_registry(self.view, [*clouds, *([push] if push is not None else [])])

    async def run(self) -> None:
        """Serve the project until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with asyncio.TaskGroup() as group:
            if self._station is not None:
                self._station.start(group)
            tasks = [group.create_task(self._attend(group))]
            tasks += [group.create_task(service.run()) for service in self._services]
            metrics, registry = self._project.config.metrics, self._registry()
            if metrics.enabled:
                server = MetricsServer(registry, metrics.host, metrics.port)
                tasks.append(group.create_task(server.run()))
            if self._push is not None:
                tasks.append(group.create_task(self._push.run(registry)))
            opcua = self._project.config.opcua
            if opcua is not None and opcua.enabled:
                tasks.append(group.create_task(keep_server(self._project.folder)))
            await stop.wait()
            _LOG.info("stopping; the outputs stay as they are")
            if self._session is not None:
                await self._session.flush()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            if self._station is not None:
                await self._station.stop()

    async def _attend(self, group: asyncio.TaskGroup) -> None:
        """Serve the newest image; change over when there is a newer one."""
        try:
            while True:
                image = self._newer_image()
                if image is not None:
                    await self._end_session()
                    self._session = Session(image, self._devices, self._station, group)
                    freeze_objects()
                    for service in self._services:
                        service.look()
                    self._note(f"serving {self._path}", logging.INFO, image.runtime_pid)
                if self._session is not None and self._session.rival:
                    self._note(f"gateway {self._session.rival} has taken over", logging.WARNING)
                    await self._end_session()
                if self._session is not None:
                    self._session.beat()
                await asyncio.sleep(IMAGE_CHECK_S if self._session else ATTACH_RETRY_S)
        finally:
            await self._end_session()

    async def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.end()

    def _newer_image(self) -> Image | None:
        """Return an image to change over to, None where there is none that fits."""
        if self._session is not None and self._session.image.is_current():
            return None
        try:
            image = attach_image(self._path)
        except ImageError as error:
            self._note(f"waiting: {error}", logging.INFO)
            return None
        misfit = self._misfit(image)
        if misfit:
            self._note(misfit, logging.WARNING, image.runtime_pid)
            image.close()
            return None
        return image

    def _misfit(self, image: Image) -> str:
        """Return why the image cannot be served now; empty where it can."""
        found = image.directory
        expected = io_hash(device_entries(self._project), found.outputs.size)
        if found.io_hash != expected or found.outputs.size < output_bytes(self._devices):
            return (
                f"waiting: {self._path} has other devices, inputs or outputs than "
                f"{self._project.folder / FILE_NAME}; restart the half that was started "
                "before the file changed"
            )
        age_ns = time.monotonic_ns() - image.gateway_heartbeat_ns
        if age_ns < OTHER_GATEWAY_NS and _other_process(image.gateway_pid):
            return f"waiting: gateway {image.gateway_pid} serves {self._path}"
        return ""

    def _note(self, message: str, level: int, runtime_pid: int = 0) -> None:
        """Log a state of waiting once, however long it lasts."""
        if message != self._noted:
            self._noted = message
            _LOG.log(level, "%s", message, extra={"runtime_pid": runtime_pid})


def _other_process(pid: int) -> bool:
    """Return whether that process exists and is not this one."""
    if pid in {0, os.getpid()}:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def run(project: Project) -> None:
    """Run the gateway of a project until SIGTERM or SIGINT."""
    ask_for_short_slices()
    uvloop.run(Gateway(project).run())
