"""Our client over every transport, against pymodbus's and libmodbus's servers."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from runtime.image.layout import Link, LinkError, Quality, SectionKind
from runtime.image.statistics import LinkStatistics
from tests.support.certificates import make_certificates
from tests.support.libmodbus import libmodbus_server
from tests.support.modbus_gateway import gateway_on, start
from tests.support.modbus_image import PlayedRuntime, io_toml
from tests.support.modbus_peers import Plant, Tables, pymodbus_on
from tests.support.modbus_waiting import until
from tests.support.pty_pair import pty_pair

pytestmark = pytest.mark.system

TABLES = Tables(
    coils=[True, False] + [False] * 14,
    discretes=[False, True] + [False] * 14,
    holding={0: [0] * 4, 10: [0x4248, 0, 0xFF9C, 0x8001]},
    inputs={0: [7, 8]},
)
CHANNELS = (
    io_toml("%IX0.0", "plc", "coil", 0)
    + io_toml("%IX0.1", "plc", "discrete", 1)
    + io_toml("%ID1", "plc", "holding", 10, 'type = "float32"')
    + io_toml("%ID2", "plc", "holding", 12, 'type = "int16"\nscale = { factor = 0.5 }')
    + io_toml("%IX0.2", "plc", "holding", 13, "bit = 15")
    + io_toml("%IW1", "plc", "input", 1)
    + io_toml("%QX0.0", "plc", "coil", 3)
    + io_toml("%QW1", "plc", "holding", 1)
)
RAWS = [1, 1, 0x4248_0000, 0xC248_0000, 1, 8]
SERIAL = 'serial = "{}"\nbaud = 115200\nparity = "none"\n'


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario on the gateway's own event loop, with an end to it."""
    uvloop.run(asyncio.wait_for(scenario, 30))


def device(protocol: str, place: str, name: str = "plc", more: str = "") -> str:
    return (
        f'[[device]]\nname = "{name}"\nprotocol = "modbus-{protocol}"\npoll = "10ms"\n'
        f'timeout = "500ms"\n{place}{more}'
    )


@asynccontextmanager
async def plant_on(transport: str, folder: Path) -> AsyncIterator[tuple[Plant, str]]:
    """Serve the tables; return the plant, and the keys of a device that reaches it."""
    if transport in {"rtu", "ascii"}:
        with pty_pair() as line:
            async with pymodbus_on(transport, TABLES, line=line.far) as plant:
                more = "data_bits = 8\n" if transport == "ascii" else ""
                yield plant, SERIAL.format(line.near) + more
        return
    if transport == "tls":
        make_certificates(folder)
    async with pymodbus_on(transport, TABLES, folder=folder) as plant:
        keys = f'host = "127.0.0.1"\nport = {plant.port}\n'
        if transport == "tls":
            files = {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"}
            keys += "".join(f'{key} = "{folder / name}"\n' for key, name in files.items())
        yield plant, keys


@pytest.mark.parametrize("transport", ["tcp", "udp", "tls", "rtu-over-tcp", "rtu", "ascii"])
def test_inputs_and_outputs_pass_over_every_transport(tmp_path: Path, transport: str) -> None:
    async def scenario() -> None:
        async with plant_on(transport, tmp_path / "pki") as (plant, keys):
            project, runtime = start(tmp_path, device(transport, keys) + CHANNELS)
            runtime.publish(b"\x01\x00\x39\x30")
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().polls >= 3, "three polls")
                await until(lambda: len(plant.writes) >= 2, "both outputs")
                mailbox = runtime.mailbox()
            assert [sample.raw for sample in mailbox.samples] == RAWS
            assert {sample.quality for sample in mailbox.samples} == {Quality.GOOD}
            assert (mailbox.failures, mailbox.reconnects) == (0, 0)
            assert sorted(plant.writes) == [(5, 3, (1,)), (6, 1, (12345,))]

    run(scenario())


def test_a_device_that_tells_its_name_by_a_certificate_of_another_is_refused(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with plant_on("tls", tmp_path / "pki") as (_, keys):
            project, runtime = start(
                tmp_path, device("tls", keys, more='server_name = "pump.example"\n') + CHANNELS
            )
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().failures >= 2, "attempts that fail")
                assert runtime.mailbox().error is LinkError.REFUSED
                assert runtime.mailbox().polls == 0

    run(scenario())


def test_a_certificate_that_is_not_there_is_named_and_taken_once_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with plant_on("tls", tmp_path / "pki") as (_, keys):
            authority = tmp_path / "pki" / "ca.pem"
            content = authority.read_bytes()
            authority.unlink()
            project, runtime = start(tmp_path, device("tls", keys) + CHANNELS)
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().failures > 0, "an attempt that fails")
                assert runtime.mailbox().error is LinkError.REFUSED
                assert f"ca {authority}: No such file or directory" in caplog.text

                authority.write_bytes(content)
                await until(lambda: runtime.mailbox().polls > 0, "a poll")

    run(scenario())


def good(runtime: PlayedRuntime, number: int) -> bool:
    samples = runtime.mailbox(number).samples
    return bool(samples) and {sample.quality for sample in samples} == {Quality.GOOD}


def test_devices_on_one_line_take_turns_and_a_dead_one_stops_none(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pty_pair() as line, contextlib.ExitStack() as stack:
            stack.enter_context(libmodbus_server("rtu", line.far))
            place = SERIAL.format(line.near)
            project, runtime = start(
                tmp_path,
                device("rtu", place, "one", "unit = 1\n")
                + device("rtu", place, "same", "unit = 1\n")
                + device("rtu", place, "dead", "unit = 9\n").replace("500ms", "50ms")
                + io_toml("%IW0", "one", "holding", 5)
                + io_toml("%IW1", "same", "input", 5)
                + io_toml("%IW2", "dead", "input", 5),
            )
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox(2).failures >= 2, "the dead one's failures")
                await until(lambda: runtime.mailbox(0).polls >= 20, "polls of the first")
                await until(lambda: runtime.mailbox(1).polls >= 20, "polls of the second")
                assert good(runtime, 0)
                assert good(runtime, 1)
                assert runtime.mailbox(0).samples[0].raw == 5
                assert runtime.mailbox(1).samples[0].raw == 10
                assert runtime.mailbox(2).error is LinkError.TIMEOUT

    run(scenario())


def test_a_line_that_is_no_terminal_is_refused_and_said(tmp_path: Path) -> None:
    async def scenario() -> None:
        project, runtime = start(tmp_path, device("rtu", SERIAL.format("/dev/null")) + CHANNELS)
        async with gateway_on(runtime, project):
            await until(lambda: runtime.mailbox().error is LinkError.REFUSED, "the status")
            assert runtime.mailbox().link is not Link.UP

    run(scenario())


def test_libmodbus_is_read_and_written_in_few_requests(tmp_path: Path) -> None:
    async def scenario() -> None:
        with libmodbus_server() as server:
            keys = f'host = "127.0.0.1"\nport = {server.port}\n'
            inputs = "".join(io_toml(f"%IW{n}", "plc", "holding", 100 + n) for n in range(300))
            outputs = "".join(io_toml(f"%QW{n}", "plc", "holding", 600 + n) for n in range(8))
            counter = io_toml("%IW300", "plc", "input", 1)
            project, runtime = start(tmp_path, device("tcp", keys) + inputs + outputs + counter)
            runtime.publish(bytes(range(16)))
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().polls >= 5, "five polls")
                await until(lambda: runtime.mailbox().samples[300].raw == 1, "one write request")
            mailbox = runtime.mailbox()
            assert [sample.raw for sample in mailbox.samples[:300]] == list(range(100, 400))
            statistics = LinkStatistics(runtime.image.section(SectionKind.LINK_STATISTICS))
            assert statistics.writes == 1
            # 300 registers in three requests, the counter in one, the eight outputs in one
            assert statistics.round_trip.copy().count <= 4 * (mailbox.polls + 1) + 1
            assert time.monotonic_ns() > mailbox.samples[0].source_ns > 0

    run(scenario())
