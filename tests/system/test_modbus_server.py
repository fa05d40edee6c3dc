"""Our Modbus server: asked by pymodbus, libmodbus and mbpoll, and by clients that misbehave."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient, AsyncModbusUdpClient
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse

from gateway.serve.modbus import ModbusService
from gateway.serve.modbus_answers import Answers
from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.texts import text_image, text_type
from runtime.image import layout
from runtime.image.layout import SectionKind
from tests.support.certificates import make_certificates
from tests.support.libmodbus import libmodbus_client
from tests.support.modbus_image import PlayedRuntime, play_runtime, write_project
from tests.support.modbus_waiting import until

pytestmark = pytest.mark.system

REAL = Elementary("REAL", Kind.REAL, 32)
INT = Elementary("INT", Kind.SIGNED, 16)
BOOL = Elementary("BOOL", Kind.BOOL, 8)
NAME = text_type(is_wide=False, capacity=5)
SYMBOLS = (
    Symbol("MAIN.LEVEL", 16, REAL),
    Symbol("MAIN.ROW", 20, Array(((0, 2),), INT)),
    Symbol("MAIN.ALARM", 26, BOOL),
    Symbol("MAIN.NAME", 28, NAME),
)
STATE_BYTES = 40
STATE = (
    bytes([0b101, 0, 0x34, 0x12, 0x78, 0x56, 0xBC, 0x9A]).ljust(16, b"\0")
    + bytes.fromhex("00004842")  # 50.0
    + bytes.fromhex("0100 FEFF 0300")
    + b"\x01\x00"
    + text_image(NAME, "TAKT")
)
SERVER = """
[[server]]
name = "cell"
protocol = "modbus-{protocol}"
port = 0
{more}
[[server.range]]
table = "holding"
register = 0
address = "%QW1"
count = 4
[[server.range]]
table = "input"
register = 0
variable = "Main.Level"
[[server.range]]
table = "input"
register = 2
variable = "Main.Row"
[[server.range]]
table = "input"
register = 100
variable = "Main.Name"
[[server.range]]
table = "coil"
register = 0
address = "%QX0.0"
count = 10
[[server.range]]
table = "discrete"
register = 2
variable = "Main.Alarm"
"""


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario on the gateway's own event loop, with an end to it."""
    uvloop.run(asyncio.wait_for(scenario, 30))


@asynccontextmanager
async def serving(
    folder: Path, protocol: str = "tcp", more: str = ""
) -> AsyncIterator[tuple[ModbusService, PlayedRuntime]]:
    """Serve a played runtime's image, with one frame in it."""
    project = write_project(folder / "project", SERVER.format(protocol=protocol, more=more))
    runtime = play_runtime(folder / "plant.image", project, SYMBOLS, STATE_BYTES)
    runtime.publish_frame((), STATE)
    (section,) = project.config.server
    answers = Answers(section, "plant", lambda: runtime.image, time.monotonic_ns)
    service = ModbusService(section, answers, project.folder, time.monotonic_ns)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service.run()), group.create_task(beat(runtime))]
        await until(lambda: service.port, "the server")
        yield service, runtime
        for task in tasks:
            task.cancel()


async def beat(runtime: PlayedRuntime) -> None:
    """Show the runtime's signs of life."""
    while True:
        runtime.beat()
        await asyncio.sleep(0.02)


async def ask(port: int, request: str) -> str:
    """Send one frame and return the answer in hex, empty where the server closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(bytes.fromhex(request))
    answer = b""
    with contextlib.suppress(ConnectionError):
        answer = await reader.read(300)
    writer.close()
    return answer.hex(" ")


# -- other people's clients ---------------------------------------------------------------------
Client = AsyncModbusTcpClient | AsyncModbusUdpClient


def pymodbus_client(protocol: str, port: int) -> Client:
    match protocol:
        case "udp":
            return AsyncModbusUdpClient("127.0.0.1", port=port)
        case "rtu-over-tcp":
            return AsyncModbusTcpClient("127.0.0.1", port=port, framer=FramerType.RTU)
        case _:
            return AsyncModbusTcpClient("127.0.0.1", port=port)


@pytest.mark.parametrize("protocol", ["tcp", "udp", "rtu-over-tcp"])
def test_pymodbus_reads_every_table_over_every_transport(tmp_path: Path, protocol: str) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, protocol) as (service, _):
            client = pymodbus_client(protocol, service.port)
            await client.connect()
            try:
                words = await client.read_holding_registers(0, count=4)
                assert words.registers == [0x1234, 0x5678, 0x9ABC, 0]
                level = await client.read_input_registers(0, count=5)
                assert level.registers == [0x4248, 0, 1, 0xFFFE, 3]
                text = await client.read_input_registers(100, count=3)
                assert text.registers == [0x5441, 0x4B54, 0]
                coils = await client.read_coils(0, count=10)
                assert coils.bits[:10] == [True, False, True] + [False] * 7
                assert (await client.read_discrete_inputs(2)).bits[0]
                missing = await client.read_input_registers(4, count=2)
                assert missing.exception_code == 2
            finally:
                client.close()
            assert service.counters.requests == 6
            assert service.counters.exceptions == 1

    run(scenario())


def test_tls_serves_who_has_a_certificate_and_no_one_else(tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    make_certificates(pki)
    files = {"certificate": "server.pem", "key": "server.key", "ca": "ca.pem"}
    more = "".join(f'{key} = "{pki / name}"\n' for key, name in files.items())
    frame = bytes.fromhex("0001 0000 0006 01 03 0000 0001")

    async def asked(port: int, security: ssl.SSLContext) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=security)
        try:
            writer.write(frame)
            return await reader.read(100)
        finally:
            writer.transport.abort()

    async def scenario() -> None:
        async with serving(tmp_path, "tls", more) as (service, _):
            security = ssl.create_default_context(cafile=str(pki / "ca.pem"))
            refused = b""
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                refused = await asked(service.port, security)
            assert refused == b""
            security.load_cert_chain(pki / "client.pem", pki / "client.key")
            answer = await asked(service.port, security)
            assert answer == bytes.fromhex("0001 0000 0005 01 03 02 1234")

    run(scenario())


def test_pymodbus_learns_who_the_server_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (service, _):
            client = AsyncModbusTcpClient("127.0.0.1", port=service.port)
            await client.connect()
            found = await client.read_device_information(read_code=1, object_id=0)
            client.close()
            assert isinstance(found, ReadDeviceInformationResponse)
            assert found.information[0] == b"Takt"
            assert found.information[1] == b"plant"

    run(scenario())


def test_libmodbus_reads_every_table(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (service, _):
            told = await asyncio.to_thread(libmodbus_client, service.port)
        assert told == [
            f"holding 4: {0x1234} {0x5678} {0x9ABC} 0",
            f"input 2: {0x4248} 0",
            "coils 10: 1 0 1 0 0 0 0 0 0 0",
            "discretes -1:",
            "missing -1: Illegal data address",
        ]

    run(scenario())


def test_mbpoll_reads_a_real(tmp_path: Path) -> None:
    program = shutil.which("mbpoll")
    if program is None:
        pytest.fail("mbpoll is missing; expected the Debian package mbpoll (make packages)")
    options = ["-m", "tcp", "-a", "1", "-0", "-r", "0", "-c", "1", "-t", "3:float", "-B", "-1"]

    async def scenario() -> None:
        async with serving(tmp_path) as (service, _):
            command = [program, *options, "-p", str(service.port), "127.0.0.1"]
            done = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, check=True, timeout=10
            )
        assert "[0]: \t50" in done.stdout

    run(scenario())


# -- writes -------------------------------------------------------------------------------------
WRITABLE = """
[[server.range]]
table = "holding"
register = 50
variable = "Main.Level"
access = "read-write"
[[server.range]]
table = "holding"
register = 60
variable = "Main.Row"
access = "read-write"
[[server.range]]
table = "coil"
register = 30
variable = "Main.Alarm"
access = "read-write"
[[server.range]]
table = "coil"
register = 40
address = "%QX1.6"
count = 2
access = "read-write"
"""


def commands(runtime: PlayedRuntime) -> list[tuple[int, int, bytes]]:
    """Return the commands that wait: offset, mask and bytes of each."""
    queue = runtime.image.section(SectionKind.COMMANDS, 0)
    (written,) = struct.unpack_from("<Q", queue, layout.COMMANDS_WRITTEN)
    found = []
    for number in range(1, written + 1):
        slot = layout.COMMANDS_HEADER_BYTES + number % layout.COMMAND_SLOTS * layout.COMMAND_BYTES
        _, kind, mask, offset, size, *_ = layout.COMMAND.unpack_from(queue, slot)
        assert kind == layout.CommandKind.WRITE
        start = slot + layout.COMMAND_VALUE
        found.append((offset, mask, bytes(queue[start : start + size])))
    return found


def test_writes_become_commands_to_the_program(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, more=WRITABLE) as (service, runtime):
            client = AsyncModbusTcpClient("127.0.0.1", port=service.port)
            await client.connect()
            assert not (await client.write_registers(50, [0x41C8, 0])).isError()
            assert not (await client.write_register(61, 0xFFFF)).isError()
            assert not (await client.write_coil(30, value=True)).isError()
            assert not (await client.write_coils(40, [True, False])).isError()
            assert not (
                await client.mask_write_register(address=60, and_mask=0xFF00, or_mask=7)
            ).isError()
            client.close()
            assert commands(runtime) == [
                (16, 0xFF, struct.pack("<f", 25.0)),
                (22, 0xFF, b"\xff\xff"),
                (26, 1, b"\x01"),
                (1, 0x40, b"\x40"),
                (1, 0x80, b"\x00"),
                (20, 0xFF, b"\x07\x00"),
            ]

    run(scenario())


@pytest.mark.parametrize(
    ("address", "values", "code"),
    [
        (0, [1], 2),  # a range that is read only
        (50, [1], 2),  # half of a REAL
        (51, [1], 2),
        (50, [1, 2, 3], 2),  # beyond the range
        (7000, [1], 2),
    ],
)
def test_a_write_that_cannot_be_whole_changes_nothing(
    tmp_path: Path, address: int, values: list[int], code: int
) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, more=WRITABLE) as (service, runtime):
            client = AsyncModbusTcpClient("127.0.0.1", port=service.port)
            await client.connect()
            assert (await client.write_registers(address, values)).exception_code == code
            client.close()
            assert commands(runtime) == []

    run(scenario())


def test_a_program_that_takes_no_commands_is_busy(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, more=WRITABLE) as (service, _):
            client = AsyncModbusTcpClient("127.0.0.1", port=service.port)
            await client.connect()
            codes = [(await client.write_register(60, 1)).exception_code for _ in range(70)]
            client.close()
        assert codes == [0] * 64 + [6] * 6

    run(scenario())


# -- coherence ----------------------------------------------------------------------------------
def test_every_value_of_an_answer_is_of_one_scan(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (service, runtime):
            client = AsyncModbusTcpClient("127.0.0.1", port=service.port)
            await client.connect()
            for scan in range(200):
                word = scan.to_bytes(2, "little")
                runtime.publish_frame((), STATE[:2] + word * 4 + STATE[10:])
                words = (await client.read_holding_registers(0, count=4)).registers
                assert words == [scan] * 4
            client.close()

    run(scenario())


def test_a_silent_runtime_is_a_device_that_failed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (service, runtime):
            runtime.silent = True
            runtime.image.runtime_heartbeat_ns -= 2_000_000_000
            assert await ask(service.port, "0001 0000 0006 01 03 0000 0001") == (
                "00 01 00 00 00 03 01 83 04"
            )

    run(scenario())


def test_a_range_that_the_program_does_not_have_is_told_and_the_server_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    more = '[[server.range]]\ntable = "input"\nregister = 500\nvariable = "Main.Nothing"\n'

    async def scenario() -> None:
        async with serving(tmp_path, more=more) as (service, _):
            for _ in range(2):
                answer = await ask(service.port, "0001 0000 0006 01 03 0000 0001")
                assert answer.endswith("83 04")

    run(scenario())
    told = [record.getMessage() for record in caplog.records if "Nothing" in record.getMessage()]
    assert len(told) == 1
    assert "server cell: range[0]: variable Main.Nothing: the program has none" in told[0]


# -- clients that misbehave ---------------------------------------------------------------------
@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes.fromhex("0001 0001 0006 01 03 0000 0001"),
        bytes.fromhex("0001 0000 FFFF 01 03 0000 0001"),
        bytes.fromhex("0001 0000 0001 01 03 0000 0001"),
        bytes.fromhex("0001 0000 0003 01 03 00 00 00 01 00 00 00"),
    ],
)
def test_bytes_that_are_not_modbus_end_the_connection_and_disturb_no_other(
    tmp_path: Path, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (service, _):
            good = AsyncModbusTcpClient("127.0.0.1", port=service.port)
            await good.connect()
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
                writer.write(sent)
                with contextlib.suppress(ConnectionError):
                    while await reader.read(100):
                        pass
                writer.close()
                assert (await good.read_holding_registers(0, count=1)).registers == [0x1234]
            good.close()
            assert service.counters.garbage == 3

    run(scenario())
    told = [text for text in caplog.messages if "not Modbus" in text]
    assert len(told) == 1


def test_a_request_in_pieces_and_several_in_one_segment_are_answered(tmp_path: Path) -> None:
    frames = [bytes.fromhex(f"{number:04X} 0000 0006 01 03 0000 0001") for number in (1, 2, 3)]

    async def scenario() -> None:
        async with serving(tmp_path) as (service, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            for byte in frames[0]:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0)
            assert (await reader.readexactly(11))[:2] == b"\x00\x01"
            writer.write(frames[1] + frames[2])
            answers = await reader.readexactly(22)
            assert (answers[:2], answers[11:13]) == (b"\x00\x02", b"\x00\x03")
            writer.close()

    run(scenario())


def test_a_connection_too_many_is_turned_away(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, more="connections_max = 2") as (service, _):
            kept = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(2)]
            await until(lambda: service.counters.connections == 2, "two connections")
            assert await ask(service.port, "0001 0000 0006 01 03 0000 0001") == ""
            assert service.counters.turned_away == 1
            for _, writer in kept:
                writer.close()
            await until(lambda: not service.connections, "the end of both")
            assert await ask(service.port, "0001 0000 0006 01 03 0000 0001") != ""

    run(scenario())


def test_a_client_that_drips_bytes_is_closed_as_idle(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, more='idle_timeout = "200ms"') as (service, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            ended = asyncio.ensure_future(reader.read())
            for byte in bytes.fromhex("0001 0000 00FE 01 03").ljust(250, b"\0"):
                if ended.done():
                    break
                with contextlib.suppress(ConnectionError):
                    writer.write(bytes([byte]))
                await asyncio.sleep(0.02)
            with contextlib.suppress(ConnectionError):
                await ended
            writer.close()
            assert service.counters.idle == 1

    run(scenario())


def test_a_flood_is_slowed_to_its_rate_and_every_request_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, more="requests_per_second = 200") as (service, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            frame = bytes.fromhex("0001 0000 0006 01 03 0000 0001")
            begun = time.monotonic()
            for _ in range(10):
                writer.write(frame * 10)
                await reader.readexactly(110)
            assert time.monotonic() - begun > 0.3
            assert service.counters.requests == 100
            assert service.counters.slowed > 0
            writer.close()

    run(scenario())


def test_a_client_that_fetches_no_answers_is_not_read_from(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as (service, _):
            sock = socket.create_connection(("127.0.0.1", service.port))
            sock.settimeout(0)
            frame = bytes.fromhex("0001 0000 0006 01 01 0000 000A") * 1000
            loop = asyncio.get_running_loop()
            with contextlib.suppress(TimeoutError):
                while True:
                    await asyncio.wait_for(loop.sock_sendall(sock, frame), 0.5)
            before = service.counters.requests
            await asyncio.sleep(0.1)
            assert service.counters.requests == before
            assert await ask(service.port, "0001 0000 0006 01 03 0000 0001") != ""
            sock.close()

    run(scenario())


def test_a_unit_that_is_not_ours_gets_no_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path, more="unit = 3") as (service, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            writer.write(bytes.fromhex("0001 0000 0006 02 03 0000 0001"))
            writer.write(bytes.fromhex("0002 0000 0006 03 03 0000 0001"))
            assert (await reader.readexactly(11))[:2] == b"\x00\x02"
            writer.close()

    run(scenario())


def test_a_port_that_is_taken_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            text = SERVER.format(protocol="tcp", more="").replace("port = 0", f"port = {port}")
            project = write_project(tmp_path / "project", text)
            (section,) = project.config.server
            answers = Answers(section, "plant", lambda: None, time.monotonic_ns)
            service = ModbusService(section, answers, project.folder, time.monotonic_ns)
            task = asyncio.ensure_future(service.run())
            await until(lambda: caplog.messages, "the message")
            task.cancel()
            await asyncio.wait([task])

    run(scenario())
    assert "cannot listen on 127.0.0.1" in caplog.messages[0]
