"""The gateway's device side for OPC UA servers, inside the test: pollers and a played runtime."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from gateway.field.drivers import Drivers
from gateway.field.mailbox import MailboxWriter
from gateway.field.outputs import OutputWatcher
from gateway.field.poller import DevicePoller
from gateway.tags import device_maps
from runtime.image.layout import Link, Quality, SectionKind
from runtime.image.payloads import Sample
from runtime.image.statistics import LinkStatistics
from tests.support.modbus_image import PlayedRuntime, play_runtime, write_project

PATIENCE_S = 20.0


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario on the gateway's own event loop, with an end to it."""
    uvloop.run(asyncio.wait_for(scenario, 90))


def opcua_toml(endpoint: str, *more: str, name: str = "plc", timeout: str = "500ms") -> str:
    """Return a [[device]] without security, unless `more` says otherwise."""
    lines = [f'endpoint = "{endpoint}"', f'timeout = "{timeout}"', *more]
    if not any(line.startswith("security") for line in more):
        lines.append('security = "None"')
    return f'[[device]]\nname = "{name}"\nprotocol = "opcua"\n' + "\n".join(lines) + "\n"


def node_toml(address: str, node: str, *more: str, device: str = "plc") -> str:
    """Return an [[io]]."""
    lines = [f'address = "{address}"', f'device = "{device}"', f'node = "{node}"', *more]
    return "[[io]]\n" + "\n".join(lines) + "\n"


class Rig:
    """A played runtime, and pollers that serve its devices."""

    def __init__(self, folder: Path, toml: str) -> None:
        """Write the project and create its image."""
        self.project = write_project(folder / "project", toml)
        self.runtime: PlayedRuntime = play_runtime(folder / "plant.image", self.project)

    def samples(self, number: int = 0) -> tuple[Sample, ...]:
        """Return the newest samples of a device."""
        return self.runtime.mailbox(number).samples

    def raws(self, number: int = 0) -> list[int]:
        """Return the newest raw values of a device."""
        return [item.raw for item in self.samples(number)]

    def qualities(self, number: int = 0) -> list[Quality]:
        """Return the newest qualities of a device."""
        return [item.quality for item in self.samples(number)]

    def is_up(self, number: int = 0) -> bool:
        """Return whether the link to a device is up."""
        return self.runtime.mailbox(number).link is Link.UP

    async def until(self, condition: Callable[[], object], what: str) -> float:
        """Wait for a condition; return how long that took in s."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() > began + PATIENCE_S:
                raise AssertionError(f"not in {PATIENCE_S:g} s: {what}: {self.samples()}")
            await asyncio.sleep(0.005)
        return time.monotonic() - began

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[list[DevicePoller]]:
        """Serve the devices during the block."""
        image, clock = self.runtime.image, time.monotonic_ns
        drivers = Drivers(clock)
        pollers = [
            DevicePoller(
                device,
                drivers.driver(device),
                MailboxWriter(image.ring(SectionKind.INPUTS, device.number), len(device.inputs)),
                LinkStatistics(image.section(SectionKind.LINK_STATISTICS, device.number)),
                clock,
            )
            for device in device_maps(self.project)
        ]
        watcher = OutputWatcher(image, pollers, clock)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(poller.run()) for poller in pollers]
            tasks += [group.create_task(watcher.run()), group.create_task(self._beat())]
            try:
                yield pollers
            finally:
                for task in tasks:
                    task.cancel()

    async def _beat(self) -> None:
        while True:
            self.runtime.beat()
            await asyncio.sleep(0.02)
