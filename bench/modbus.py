"""How many Modbus requests a second, beside pymodbus and libmodbus?

Requests read 125 registers over loopback. Ours goes through the driver: each answer is decoded to
raw words of the image. Peers in the same run, in turns: libmodbus's synchronous client (C), and
pymodbus's client; all of them against libmodbus's server, then each client against its own server,
then libmodbus's client against the servers. Goals: ten times pymodbus, with eight requests open
where pymodbus's client and server have one; half of libmodbus's client on one connection, ahead of
it on ten. And 100,000 registers a second polled at 100 ms on one core: 99 % of the polls start less
than 10 ms late. Needs Debian's libmodbus-dev and gcc.

Every contender is one process with one thread, and asks as many requests of as many registers. On
ten connections libmodbus asks one after the other, as its calls wait for the answer; ours has one
request open on each. Client and server share one processor, so that the work counts: on two of
them most of a round trip is the wake-up of an idle processor. The last rows show that too.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop
from modbus_servers import REGISTERS
from pymodbus.client import AsyncModbusTcpClient
from report import Goal, Report, Row, parse_options, percentile

from gateway.field.drivers import Drivers
from gateway.field.mailbox import MailboxWriter
from gateway.field.poller import DevicePoller
from gateway.field.promptness import ask_for_short_slices, freeze_objects
from gateway.field.seam import BurstDriver, ReadExchange, Took, WriteExchange
from gateway.tags import DeviceMap, device_maps
from runtime.image.layout import SectionKind
from runtime.image.statistics import LinkStatistics
from runtime.project.load import Project
from tests.support.libmodbus import PeerMissingError, build_peer, libmodbus_server
from tests.support.modbus_image import device_toml, io_toml, play_runtime, write_project

MANY: Final = 10
AHEAD: Final = 8
"""Reads on their way at once, as `open_requests` of a device allows; pymodbus has one."""
POLLED: Final = 10_000
PERIOD_S: Final = 0.1
LATE_GOAL_MS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Processors:
    """Where client and server run."""

    client: int
    server: int


# -- contenders: each returns requests a second -------------------------------------------------
@dataclass(frozen=True, slots=True)
class Turn:
    """How much one turn asks."""

    requests: int
    slow_requests: int
    """The same for pymodbus, which would take ten times as long."""


def device_of(
    folder: Path, port: int, registers: int, poll: str = "500ms", open_requests: int = 1
) -> tuple[Project, DeviceMap]:
    """Return a device with that many registers, one channel each."""
    channels = "".join(
        io_toml(f"%IW{number}", "plc", "holding", number) for number in range(registers)
    )
    ahead = f"open_requests = {open_requests}\n"
    project = write_project(folder, device_toml("plc", port, poll, "5s") + ahead + channels)
    return project, device_maps(project)[0]


@contextlib.asynccontextmanager
async def connected(device: DeviceMap) -> AsyncIterator[BurstDriver]:
    """Return a driver with its link up."""
    driver = Drivers(time.monotonic_ns).driver(device)
    assert isinstance(driver, BurstDriver)
    await driver.connect()
    try:
        yield driver
    finally:
        driver.close()


async def _ask(driver: BurstDriver, requests: int) -> None:
    reads = deque([*driver.reads(0)] * requests)
    await driver.read(reads, lambda _exchange, _answer: True)


def ours(device: DeviceMap, requests: int, connections: int) -> float:
    """Ask with our driver, over connections at the same time."""

    async def scenario() -> float:
        each = requests // connections
        async with contextlib.AsyncExitStack() as stack:
            drivers = [
                await stack.enter_async_context(connected(device)) for _ in range(connections)
            ]
            freeze_objects()  # as the gateway does
            begun = time.perf_counter()
            await asyncio.gather(*(_ask(driver, each) for driver in drivers))
            return each * connections / (time.perf_counter() - begun)

    return uvloop.run(scenario())


def pymodbus(port: int, requests: int, connections: int) -> float:
    """Ask with pymodbus's client, over connections at the same time."""

    async def ask(client: AsyncModbusTcpClient, count: int) -> None:
        for _ in range(count):
            await client.read_holding_registers(0, count=REGISTERS)

    async def scenario() -> float:
        each = requests // connections
        clients = [AsyncModbusTcpClient("127.0.0.1", port=port) for _ in range(connections)]
        for client in clients:
            await client.connect()
        begun = time.perf_counter()
        await asyncio.gather(*(ask(client, each) for client in clients))
        seconds = time.perf_counter() - begun
        for client in clients:
            client.close()
        return each * connections / seconds

    return asyncio.run(scenario())


def libmodbus(port: int, requests: int, connections: int) -> float:
    """Ask with libmodbus's client, over connections in turns."""
    arguments = ["bench", str(port), str(requests), str(REGISTERS), str(connections)]
    done = subprocess.run(
        [str(build_peer()), *arguments], capture_output=True, text=True, check=True
    )
    return requests / float(done.stdout)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server: its port and process."""

    port: int
    pid: int


@contextlib.contextmanager
def server(kind: str) -> Iterator[Serving]:
    """Run our server or pymodbus's."""
    folder = Path(__file__).parent
    command = [sys.executable, str(folder / "modbus_servers.py"), kind]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Serving(int(process.stdout.readline().split()[1]), process.pid)
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def placed(processors: Processors, servers: Sequence[Serving]) -> Iterator[None]:
    """Let clients (this process and what it starts) and servers run on given processors only."""
    before = os.sched_getaffinity(0)
    for serving in servers:
        os.sched_setaffinity(serving.pid, {processors.server})
    os.sched_setaffinity(0, {processors.client})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
        for serving in servers:
            os.sched_setaffinity(serving.pid, before)


# -- equality -----------------------------------------------------------------------------------
def check_equal(ports: dict[str, int], folder: Path) -> None:
    """Make sure that every client reads the same from every server."""
    expected = list(range(REGISTERS))
    for name, port in ports.items():
        _, device = device_of(folder / name, port, REGISTERS)

        async def read(device: DeviceMap = device) -> list[int]:
            async with connected(device) as driver:
                (exchange,) = driver.reads(0)
                return [int(raw) for raw in (await exchange.ask()).values]

        async def read_pymodbus(port: int = port) -> list[int]:
            client = AsyncModbusTcpClient("127.0.0.1", port=port)
            await client.connect()
            found = await client.read_holding_registers(0, count=REGISTERS)
            client.close()
            return list(found.registers)

        found = (uvloop.run(read()), asyncio.run(read_pymodbus()))
        assert found == (expected, expected), f"{name} reads otherwise"


# -- polling ------------------------------------------------------------------------------------
@dataclass
class WatchedDriver:
    """A driver that notes when polls begin."""

    inner: BurstDriver
    begun_ns: list[int] = field(default_factory=list)

    async def connect(self) -> None:
        """Make the connection."""
        await self.inner.connect()

    def close(self) -> None:
        """Drop the connection."""
        self.inner.close()

    def reads(self, group: int) -> list[ReadExchange]:
        """Note the time and return the exchanges."""
        self.begun_ns.append(time.monotonic_ns())
        return list(self.inner.reads(group))

    async def read(self, reads: deque[ReadExchange], took: Took) -> None:
        """Do reads in a row."""
        await self.inner.read(reads, took)

    def writes(self, changes: Mapping[int, int]) -> Sequence[WriteExchange]:
        """Return what the driver returns."""
        return self.inner.writes(changes)


def poll(folder: Path, port: int, seconds: float) -> tuple[list[float], float, int]:
    """Poll 10,000 registers every 100 ms on one core.

    Returns:
        How late each poll began in ms, registers a second, and polls that were left out.
    """
    project, device = device_of(folder, port, POLLED, "100ms")
    image = play_runtime(folder / "poll.image", project).image

    async def scenario() -> tuple[list[float], float, int]:
        inner = Drivers(time.monotonic_ns).driver(device)
        assert isinstance(inner, BurstDriver)
        driver = WatchedDriver(inner)
        mailbox = MailboxWriter(image.ring(SectionKind.INPUTS), POLLED)
        statistics = LinkStatistics(image.section(SectionKind.LINK_STATISTICS))
        freeze_objects()
        begun_ns = time.monotonic_ns()
        poller = DevicePoller(device, driver, mailbox, statistics, time.monotonic_ns)
        task = asyncio.ensure_future(poller.run())
        await asyncio.sleep(seconds)
        polls, took_s = mailbox.polls, (time.monotonic_ns() - begun_ns) / 1e9
        task.cancel()
        await asyncio.wait([task])
        period_ns = round(PERIOD_S * 1e9)
        late = [(begin - begun_ns) % period_ns / 1e6 for begin in driver.begun_ns[1:]]
        return late, polls * POLLED / took_s, poller.skipped

    ask_for_short_slices()  # as the gateway does
    try:
        return uvloop.run(scenario())
    finally:
        image.close()


# -- report -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Comparison:
    """A row: ours and a peer, each a function that returns requests a second."""

    name: str
    ours: Callable[[], float]
    peer: str
    theirs: Callable[[], float]
    goal: Goal | None
    apart: bool = False
    """Whether client and server have a processor each."""


def comparisons(
    devices: Mapping[str, DeviceMap], ports: Mapping[str, int], turn: Turn
) -> list[Comparison]:
    """Return the rows of throughput."""
    c, own, py = ports["libmodbus"], ports["ours"], ports["pymodbus"]
    n, slow = turn.requests, turn.slow_requests
    return [
        Comparison(
            "client, 1 connection", lambda: ours(devices["libmodbus"], n, 1),
            "libmodbus client", lambda: libmodbus(c, n, 1), Goal(ratio_at_least=0.5),
        ),
        Comparison(
            f"client, {MANY} connections", lambda: ours(devices["libmodbus"], n, MANY),
            "libmodbus client", lambda: libmodbus(c, n, MANY), Goal(ratio_at_least=1.0),
        ),
        Comparison(
            "client, same server", lambda: ours(devices["libmodbus"], n, 1),
            "pymodbus client", lambda: pymodbus(c, slow, 1), None,
        ),
        Comparison(
            "client and server", lambda: ours(devices["ours"], n, 1),
            "pymodbus both", lambda: pymodbus(py, slow, 1), None,
        ),
        Comparison(
            f"client and server, {AHEAD} open requests", lambda: ours(devices["ahead"], n, 1),
            "pymodbus both", lambda: pymodbus(py, slow, 1), Goal(ratio_at_least=10.0),
        ),
        Comparison(
            f"client and server, {MANY} connections", lambda: ours(devices["ours"], n, MANY),
            "pymodbus both", lambda: pymodbus(py, slow, MANY), None,
        ),
        Comparison(
            "server, C client", lambda: libmodbus(own, n, 1),
            "pymodbus server", lambda: libmodbus(py, slow, 1), None,
        ),
        Comparison(
            f"server, C client, {MANY} connections", lambda: libmodbus(own, n, MANY),
            "libmodbus server", lambda: libmodbus(c, n, MANY), None,
        ),
        Comparison(
            "client, 1 connection, 2 processors", lambda: ours(devices["libmodbus"], n, 1),
            "libmodbus client", lambda: libmodbus(c, n, 1), None, apart=True,
        ),
        Comparison(
            f"client, {MANY} connections, 2 processors",
            lambda: ours(devices["libmodbus"], n, MANY),
            "libmodbus client", lambda: libmodbus(c, n, MANY), None, apart=True,
        ),
    ]  # fmt: skip


def compare(report: Report, item: Comparison, rounds: int) -> None:
    """Measure a row in turns, and add it."""
    mine, others = [], []
    for _ in range(rounds):
        with report.window():
            mine.append(item.ours())
        with report.window():
            others.append(item.theirs())
    report.rows.append(Row(item.name, "req/s", mine, item.peer, others, item.goal))
    if item.name == "client and server":
        tags = [value * REGISTERS for value in mine]
        other_tags = [value * REGISTERS for value in others]
        report.rows.append(Row("the same", "tags/s", tags, item.peer, other_tags))


def main() -> None:
    """Measure in turns and report."""
    question = "How many Modbus requests of 125 registers a second?"
    report = Report(question, parse_options(question))
    try:
        build_peer()
    except PeerMissingError as error:
        sys.exit(str(error))
    quick = report.options.quick
    rounds, turn = (3, Turn(5_000, 500)) if quick else (10, Turn(20_000, 2_000))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        peer = stack.enter_context(libmodbus_server())
        servers = {
            "libmodbus": Serving(peer.port, peer.process.pid),
            "ours": stack.enter_context(server("ours")),
            "pymodbus": stack.enter_context(server("pymodbus")),
        }
        ports = {name: serving.port for name, serving in servers.items()}
        check_equal(ports, folder)
        report.notes.append("equal: each client reads the same registers from each server")
        last, first = max(os.sched_getaffinity(0)), min(os.sched_getaffinity(0))
        together, apart = Processors(last, last), Processors(last, first)
        devices = {
            name: device_of(folder / name, port, REGISTERS)[1] for name, port in ports.items()
        }
        devices["ahead"] = device_of(
            folder / "ahead", ports["ours"], REGISTERS, open_requests=AHEAD
        )[1]
        for item in comparisons(devices, ports, turn):
            with placed(apart if item.apart else together, list(servers.values())):
                compare(report, item, rounds)
        with report.window(), placed(together, list(servers.values())):
            late, rate, skipped = poll(folder / "poll", ports["libmodbus"], 5 if quick else 30)
    report.notes.append(f"polled {rate:.0f} registers a second; {skipped} polls left out")
    goal = Goal(value_below=LATE_GOAL_MS)
    report.rows.append(
        Row("start of polls, p99", "ms late", late, goal=goal, value=percentile(late, 99))
    )
    report.finish()


if __name__ == "__main__":
    main()
