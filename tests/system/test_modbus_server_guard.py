"""Our Modbus server against clients that misbehave: garbage, floods, drips, too many of them."""

import asyncio
import contextlib
import socket
import time
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from gateway.serve.modbus import ModbusService
from gateway.serve.modbus_answers import Answers
from tests.support.modbus_image import write_project
from tests.support.modbus_serving import SERVER, ask, run, serving
from tests.support.modbus_waiting import until

pytestmark = pytest.mark.system


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
    port = 0

    async def scenario() -> None:
        nonlocal port
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            text = SERVER.format(protocol="tcp", port=f"port = {port}\n", more="")
            project = write_project(tmp_path / "project", text)
            (section,) = project.config.server
            answers = Answers(section, "plant", lambda: None, time.monotonic_ns)
            service = ModbusService(section, answers, project.folder, time.monotonic_ns)
            task = asyncio.ensure_future(service.run())
            await until(lambda: caplog.messages, "the message")
            task.cancel()
            await asyncio.wait([task])

    run(scenario())
    assert caplog.messages[0] == (
        f"server cell: cannot listen on 127.0.0.1:{port} (Address already in use); "
        "the rest of the gateway goes on"
    )
