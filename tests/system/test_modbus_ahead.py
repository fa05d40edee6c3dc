"""Several reads on their way: answers in any order, refusals, silence, writes in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.requests import (
    ReadRegisters,
    Request,
    decode_request,
)
from gateway.protocols.modbus.responses import encode_response
from gateway.protocols.modbus.tcp import FrameParser, encode_frame
from runtime.errors import ProjectError
from runtime.image.layout import LinkError, Quality
from tests.support.libmodbus import libmodbus_server
from tests.support.modbus_gateway import gateway_on, start
from tests.support.modbus_image import device_toml, io_toml
from tests.support.modbus_peers import Behaviour, hostile_server, listening, pymodbus_plant, respond
from tests.support.modbus_waiting import until

pytestmark = pytest.mark.system

REGISTERS = 1000
OPEN = 4


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario with an end to it."""
    uvloop.run(asyncio.wait_for(scenario, 30))


def device(port: int, more: str = "", open_requests: int = OPEN, count: int = REGISTERS) -> str:
    """Return a device whose registers take eight reads."""
    inputs = io_toml("%IW0", "plc", "holding", 0, f"count = {count}")
    return device_toml("plc", port) + f"open_requests = {open_requests}\n" + inputs + more


@dataclass
class BackwardsServer:
    """Answers what is open backwards, once nothing more comes; registers hold their number."""

    port: int = 0
    most_open: int = 0
    written_among: list[int] = field(default_factory=list)
    """How many requests were open when a write came, itself included."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser, frames = FrameParser(), list[Frame]()
        with contextlib.suppress(ConnectionError):
            while True:
                try:
                    received = await asyncio.wait_for(reader.read(4096), 0.01 if frames else None)
                except TimeoutError:
                    self._note(frames)
                    writer.write(b"".join(map(_answer, reversed(frames))))
                    frames = []
                    continue
                if not received:
                    break
                frames += parser.feed(received)
        writer.close()

    def _note(self, frames: list[Frame]) -> None:
        self.most_open = max(self.most_open, len(frames))
        requests: list[Request] = [decode_request(frame.pdu) for frame in frames]
        if not all(isinstance(request, ReadRegisters) for request in requests):
            self.written_among.append(len(requests))


def _answer(frame: Frame) -> bytes:
    pdu = encode_response(respond(decode_request(frame.pdu)))
    return encode_frame(Frame(frame.transaction, frame.unit, pdu))


@asynccontextmanager
async def backwards_server() -> AsyncIterator[BackwardsServer]:
    backwards = BackwardsServer()
    async with listening(backwards):
        yield backwards


def test_answers_in_any_order_reach_the_inputs_they_belong_to(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backwards_server() as plant:
            project, runtime = start(tmp_path, device(plant.port))
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().polls >= 3, "three polls")
            mailbox = runtime.mailbox()
            assert [sample.raw for sample in mailbox.samples] == list(range(REGISTERS))
            assert {sample.quality for sample in mailbox.samples} == {Quality.GOOD}
            assert (mailbox.failures, plant.most_open) == (0, OPEN)

    run(scenario())


def test_a_device_that_serves_one_request_at_a_time_is_told_by_its_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with pymodbus_plant(holding={0: [1] * REGISTERS}) as plant:
            project, runtime = start(tmp_path, device(plant.port))
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().error is LinkError.TIMEOUT, "a timeout")
        assert "open requests; a device may serve one: open_requests" in caplog.text

    run(scenario())


def test_libmodbus_serves_several_open_reads(tmp_path: Path) -> None:
    async def scenario() -> None:
        with libmodbus_server() as plant:
            project, runtime = start(tmp_path, device(plant.port, count=500))
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().polls >= 3, "three polls")
            assert {sample.quality for sample in runtime.mailbox().samples} == {Quality.GOOD}
            assert runtime.mailbox().failures == 0

    run(scenario())


def test_only_what_the_device_does_not_have_is_bad_in_the_end(tmp_path: Path) -> None:
    absent = {130, 611}

    def refuse(request: Request) -> int:
        assert isinstance(request, ReadRegisters)
        asked = range(request.address, request.address + request.count)
        return 2 if absent & set(asked) else 0

    async def scenario() -> None:
        async with hostile_server() as hostile:
            hostile.refuse = refuse
            project, runtime = start(tmp_path, device(hostile.port))
            async with gateway_on(runtime, project):
                await until(
                    lambda: (
                        {
                            number
                            for number, sample in enumerate(runtime.mailbox().samples)
                            if sample.quality is not Quality.GOOD
                        }
                        == absent
                    ),
                    "all but two",
                )
            assert hostile.connections == 1

    run(scenario())


def test_silence_ends_the_connection_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with hostile_server() as hostile:
            hostile.behaviour = Behaviour.NOTHING
            project, runtime = start(tmp_path, device(hostile.port))
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().error is LinkError.TIMEOUT, "a timeout")
                assert {item.quality for item in runtime.mailbox().samples} == {Quality.BAD}
                hostile.behaviour = Behaviour.ANSWER
                await until(lambda: runtime.mailbox().polls >= 2, "polls")
            assert {item.quality for item in runtime.mailbox().samples} == {Quality.GOOD}
            assert hostile.connections >= 2

    run(scenario())


def test_a_write_goes_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backwards_server() as plant:
            output = io_toml("%QW0", "plc", "holding", 2000)
            project, runtime = start(tmp_path, device(plant.port, output))
            async with gateway_on(runtime, project):
                for value in (5, 6, 7):
                    runtime.publish(value.to_bytes(8, "little"))
                    wanted = len(plant.written_among) + 1
                    await until(lambda: len(plant.written_among) >= wanted, "a write")  # noqa: B023
            assert set(plant.written_among) == {1}
            assert runtime.mailbox().failures == 0

    run(scenario())


def test_more_open_requests_than_devices_serve_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"device\[0\]\.open_requests = 17: expected"):
        start(tmp_path, device(1502, open_requests=17))
