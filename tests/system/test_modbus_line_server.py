"""Our Modbus server on a serial line: asked by pymodbus and mbpoll, beside others that listen."""

import asyncio
import os
import shutil
import subprocess
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient

from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.rtu import encode_frame
from gateway.serve.modbus import ModbusService
from runtime.image.layout import COMMANDS_WRITTEN, SectionKind
from tests.support.modbus_image import PlayedRuntime
from tests.support.modbus_serving import run, serving
from tests.support.modbus_waiting import until
from tests.support.pty_pair import pty_pair

pytestmark = pytest.mark.system

UNIT, OTHER = 5, 9
LINE = 'serial = "{}"\nbaud = 115200\nparity = "none"\ndata_bits = 8\nunit = 5\n'
WRITABLE = """
[[server.range]]
table = "holding"
register = 60
variable = "Main.Row"
access = "read-write"
"""
ASK = encode_frame(Frame(0, UNIT, bytes.fromhex("03 0000 0002")))
ANSWER = encode_frame(Frame(0, UNIT, bytes.fromhex("03 04 1234 5678")))


@asynccontextmanager
async def on_a_line(
    folder: Path, protocol: str = "rtu"
) -> AsyncIterator[tuple[ModbusService, PlayedRuntime, str]]:
    """Serve on one end of a line; yield the other end too."""
    with pty_pair() as line:
        more = LINE.format(line.near) + WRITABLE
        async with serving(folder, protocol, more) as (service, runtime):
            yield service, runtime, line.far


@pytest.mark.parametrize("protocol", ["rtu", "ascii"])
def test_pymodbus_reads_and_writes_over_a_line(tmp_path: Path, protocol: str) -> None:
    async def scenario() -> None:
        async with on_a_line(tmp_path, protocol) as (service, runtime, far):
            framer = FramerType.RTU if protocol == "rtu" else FramerType.ASCII
            client = AsyncModbusSerialClient(far, framer=framer, baudrate=115_200, parity="N")
            await client.connect()
            try:
                words = await client.read_holding_registers(0, count=4, device_id=UNIT)
                assert words.registers == [0x1234, 0x5678, 0x9ABC, 0]
                coils = await client.read_coils(0, count=10, device_id=UNIT)
                assert coils.bits[:10] == [True, False, True] + [False] * 7
                missing = await client.read_input_registers(4, count=2, device_id=UNIT)
                assert missing.exception_code == 2
                done = await client.write_registers(60, [1, 2, 3], device_id=UNIT)
                assert not done.isError()
                both = await client.readwrite_registers(
                    read_address=60, read_count=3, write_address=61, values=[9], device_id=UNIT
                )
                assert both.registers == [1, 9, 3]
            finally:
                client.close()
            assert (service.counters.requests, service.counters.exceptions) == (5, 1)
            assert service.counters.garbage == 0
            assert commanded(runtime) == 2

    run(scenario())


def commanded(runtime: PlayedRuntime) -> int:
    """Return how many commands were given to the program."""
    queue = runtime.image.section(SectionKind.COMMANDS, 0)
    return int.from_bytes(queue[COMMANDS_WRITTEN : COMMANDS_WRITTEN + 8], "little")


def test_mbpoll_reads_over_a_line(tmp_path: Path) -> None:
    program = shutil.which("mbpoll")
    if program is None:
        pytest.fail("mbpoll is missing; expected the Debian package mbpoll (make packages)")
    line = ["-m", "rtu", "-b", "115200", "-P", "none"]
    options = [*line, "-a", str(UNIT), "-0", "-r", "0", "-c", "3", "-t", "4:hex", "-1"]

    async def scenario() -> None:
        async with on_a_line(tmp_path) as (_, _, far):
            done = await asyncio.to_thread(
                subprocess.run, [program, *options, far], capture_output=True, text=True,
                check=True, timeout=20,
            )  # fmt: skip
        assert [f"[{place}]: \t0x{word}" in done.stdout for place, word in enumerate(
            ("1234", "5678", "9ABC"))] == [True] * 3  # fmt: skip

    run(scenario())


@asynccontextmanager
async def listening(far: str) -> AsyncIterator[tuple[int, bytearray]]:
    """Open the other end by hand; yield its file, and what comes there."""
    file = os.open(far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(file)
    came = bytearray()
    loop = asyncio.get_running_loop()
    loop.add_reader(file, lambda: came.extend(os.read(file, 4096)))
    try:
        yield file, came
    finally:
        loop.remove_reader(file)
        os.close(file)


def frame(unit: int, pdu: str) -> bytes:
    return encode_frame(Frame(0, unit, bytes.fromhex(pdu)))


@pytest.mark.parametrize(
    "before",
    [
        frame(OTHER, "03 0000 0001") + frame(OTHER, "03 02 0007"),
        frame(OTHER, "03 0000 0003") + frame(OTHER, "03 06 0007 0008 0009"),
        frame(OTHER, "06 0000 0001") * 2,
        frame(OTHER, "83 02"),
        frame(UNIT, "03 04 1234 5678"),  # an echo of what we have said ourselves
    ],
    ids=["short", "long", "echo", "exception", "own"],
)
def test_what_others_exchange_is_passed_over(tmp_path: Path, before: bytes) -> None:
    async def scenario() -> None:
        async with on_a_line(tmp_path) as (service, _, far), listening(far) as (file, came):
            os.write(file, before + ASK)
            await until(lambda: bytes(came) == ANSWER, "the answer, alone")
            assert service.counters.garbage == 0

    run(scenario())


def test_what_is_for_all_is_done_and_not_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with on_a_line(tmp_path) as (_, runtime, far), listening(far) as (file, came):
            os.write(file, frame(0, "06 003C 0007"))
            await until(lambda: commanded(runtime) == 1, "the command")
            os.write(file, ASK)
            await until(lambda: bytes(came) == ANSWER, "the answer to what was asked then")

    run(scenario())


def test_noise_is_counted_and_the_next_request_is_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with on_a_line(tmp_path) as (service, _, far), listening(far) as (file, came):
            os.write(file, b"\x05\x03\x00")
            await until(lambda: service.counters.garbage == 1, "the count")
            os.write(file, ASK)
            await until(lambda: bytes(came) == ANSWER, "the answer")

    run(scenario())
