"""The device side of a gateway on a played runtime: pollers, the watcher of the outputs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.field.drivers import Drivers
from gateway.field.mailbox import MailboxWriter
from gateway.field.outputs import OutputWatcher
from gateway.field.poller import DevicePoller
from gateway.tags import device_maps
from runtime.image.layout import SectionKind
from runtime.image.statistics import LinkStatistics
from runtime.project.load import Project
from tests.support.modbus_image import PlayedRuntime, play_runtime, write_project


def start(folder: Path, toml: str) -> tuple[Project, PlayedRuntime]:
    """Write a project and create its image."""
    project = write_project(folder / "project", toml)
    return project, play_runtime(folder / "plant.image", project)


@asynccontextmanager
async def gateway_on(runtime: PlayedRuntime, project: Project) -> AsyncIterator[list[DevicePoller]]:
    """Serve an image with a poller for each device and the watcher of the outputs."""
    image, clock = runtime.image, time.monotonic_ns
    drivers = Drivers(clock)
    pollers = [
        DevicePoller(
            device,
            drivers.driver(device),
            MailboxWriter(image.ring(SectionKind.INPUTS, device.number), len(device.inputs)),
            LinkStatistics(image.section(SectionKind.LINK_STATISTICS, device.number)),
            clock,
        )
        for device in device_maps(project)
    ]
    watcher = OutputWatcher(image, pollers, clock)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(poller.run()) for poller in pollers]
        tasks += [group.create_task(watcher.run()), group.create_task(_beat(runtime))]
        yield pollers
        for task in tasks:
            task.cancel()


async def _beat(runtime: PlayedRuntime) -> None:
    """Show the runtime's signs of life."""
    while True:
        runtime.beat()
        await asyncio.sleep(0.02)
