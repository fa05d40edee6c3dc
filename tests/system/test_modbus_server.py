"""Our Modbus server: asked by pymodbus, libmodbus and mbpoll."""

import asyncio
import contextlib
import shutil
import ssl
import struct
import subprocess
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient, AsyncModbusUdpClient
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse

from runtime.image import layout
from runtime.image.layout import SectionKind
from tests.support.certificates import make_certificates
from tests.support.libmodbus import libmodbus_client
from tests.support.modbus_image import PlayedRuntime
from tests.support.modbus_serving import STATE, ask, run, serving

pytestmark = pytest.mark.system

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
            service.look()
            assert "Main.Nothing" in caplog.text  # before a client has asked
            for _ in range(2):
                answer = await ask(service.port, "0001 0000 0006 01 03 0000 0001")
                assert answer.endswith("83 04")

    run(scenario())
    told = [record.getMessage() for record in caplog.records if "Nothing" in record.getMessage()]
    assert len(told) == 1
    assert "server cell: range[0]: variable Main.Nothing: no such variable" in told[0]
