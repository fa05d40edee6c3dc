"""`takt scan modbus` finds what a device has, and prints what a project needs of it."""

import asyncio
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path

import pytest
import uvloop

from gateway.tags import Channel, device_maps
from tests.support.libmodbus import libmodbus_server
from tests.support.modbus_image import write_project
from tests.support.modbus_peers import Behaviour, Tables, hostile_server, pymodbus_on
from tests.support.pty_pair import pty_pair

pytestmark = pytest.mark.system


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario with an end to it."""
    uvloop.run(asyncio.wait_for(scenario, 60))


async def takt(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit status and what it said."""
    command = [sys.executable, "-P", "-m", "runtime", "scan", "modbus", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, timeout=50
    )
    return done.returncode, done.stdout, done.stderr


def test_what_is_found_is_a_sound_project(tmp_path: Path) -> None:
    tables = Tables(
        coils=[True] * 16, discretes=[False] * 16, holding={7: [70, 71], 40: [1]},
        inputs={0: [5] * 3},
    )  # fmt: skip

    async def scenario() -> None:
        async with pymodbus_on("tcp", tables) as plant:
            status, out, err = await takt(f"127.0.0.1:{plant.port}", "--last", "99")
        assert (status, err) == (0, "")
        for found in ("holding 7 to 8", "holding 40 to 40", "input 0 to 2", "coil 0 to 15"):
            assert f"[[io]]  # {found}" in out.splitlines()
        assert 'address = "%IW3"  # read 70 71\n' in out
        inputs = device_maps(write_project(tmp_path, out))[0].inputs
        channels = {(item.table, item.register) for item in inputs if isinstance(item, Channel)}
        assert {("holding", 7), ("holding", 8), ("holding", 40), ("input", 2)} <= channels
        assert not plant.writes

    run(scenario())


def test_a_serial_device_is_scanned_over_its_line() -> None:
    async def scenario() -> None:
        with pty_pair() as line, libmodbus_server("rtu", line.far):
            options = ("--last", "9", "--line", "115200/none", "--name", "meter")
            status, out, _ = await takt(line.near, *options)
        assert status == 0
        assert f'serial = "{line.near}"' in out
        assert "[[io]]  # holding 0 to 9" in out.splitlines()

    run(scenario())


def test_our_own_server_tells_who_it_is(tmp_path: Path) -> None:
    from tests.support.modbus_serving import serving

    async def scenario() -> None:
        async with serving(tmp_path) as (service, _):
            _, out, _ = await takt(f"127.0.0.1:{service.port}", "--last", "9")
        assert "# vendor: Takt" in out.splitlines()
        assert "[[io]]  # holding 0 to 3" in out.splitlines()

    run(scenario())


def test_a_device_that_is_not_there_is_one_line() -> None:
    async def scenario() -> None:
        async with hostile_server() as hostile:
            hostile.behaviour = Behaviour.CLOSE
            place = f"127.0.0.1:{hostile.port}"
            status, out, err = await takt(place)
        assert (status, out) == (1, "")
        assert err == f"error: {place}: the device closed the connection\n"
        status, _, err = await takt(place)
        assert (status, err) == (1, f"error: {place}: Connection refused\n")

    run(scenario())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("127.0.0.1:x",), "127.0.0.1:x: expected HOST, HOST:PORT or a serial line"),
        (("h", "--protocol", "profibus"), "--protocol profibus: expected one of tcp, udp"),
        (("/dev/x", "--line", "fast"), "--line fast: expected speed and parity"),
        (("h:70000",), "port = 70000: expected less than or equal to 65535"),
    ],
)
def test_what_cannot_be_meant_is_said(arguments: tuple[str, ...], told: str) -> None:
    async def scenario() -> None:
        status, _, err = await takt(*arguments)
        assert status == 2
        assert told in err

    run(scenario())
