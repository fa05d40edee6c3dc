"""The poller and our codec against pymodbus's server, and against a server that misbehaves."""

import asyncio
import logging
import socket
import time
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop

from gateway.protocols.modbus.requests import (
    Request,
    WriteCoil,
    WriteCoils,
)
from runtime.image.layout import Link, LinkError, Mode, Quality, SectionKind
from runtime.image.statistics import LinkStatistics
from tests.support.modbus_gateway import gateway_on, start
from tests.support.modbus_image import (
    PlayedRuntime,
    device_toml,
    io_toml,
)
from tests.support.modbus_peers import Behaviour, hostile_server, pymodbus_plant
from tests.support.modbus_waiting import until

pytestmark = pytest.mark.system


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario on the gateway's own event loop, with an end to it."""
    uvloop.run(asyncio.wait_for(scenario, 30))


def statistics(runtime: PlayedRuntime, number: int = 0) -> LinkStatistics:
    return LinkStatistics(runtime.image.section(SectionKind.LINK_STATISTICS, number))


# -- pymodbus -----------------------------------------------------------------------------------
def test_inputs_of_every_table_and_width_arrive_with_quality_and_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pymodbus_plant(
            coils=[False, True] + [False] * 14,
            discretes=[True] * 3 + [False] * 13,
            holding={0: [0xBEEF, 0x1122, 0x3344], 100: [1, 2, 3, 4]},
            inputs={5: [500]},
        ) as plant:
            project, runtime = start(
                tmp_path,
                device_toml("plc", plant.port)
                + io_toml("%IX0.0", "plc", "coil", 1)
                + io_toml("%IX0.1", "plc", "discrete", 2)
                + io_toml("%IX0.2", "plc", "discrete", 3)
                + io_toml("%IW1", "plc", "holding", 0)
                + io_toml("%ID1", "plc", "holding", 1)
                + io_toml("%ID2", "plc", "holding", 1, 'word_order = "little"')
                + io_toml("%IL2", "plc", "holding", 100)
                + io_toml("%IW12", "plc", "input", 5),
            )
            before_ns = time.monotonic_ns()
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().polls >= 3, "three polls")
            mailbox = runtime.mailbox()

            assert [sample.raw for sample in mailbox.samples] == [
                1, 1, 0, 0xBEEF, 0x1122_3344, 0x3344_1122, 0x0001_0002_0003_0004, 500,
            ]  # fmt: skip
            assert {sample.quality for sample in mailbox.samples} == {Quality.GOOD}
            for sample in mailbox.samples:
                assert before_ns < sample.source_ns < time.monotonic_ns()
            assert (mailbox.error, mailbox.failures) == (LinkError.NONE, 0)
            assert mailbox.round_trip_ns > 0
            assert statistics(runtime).round_trip.copy().count >= 15
            assert {access[0] for access in plant.accesses} == {1, 2, 3, 4}

    run(scenario())


OUTPUTS = (
    io_toml("%QX0.0", "plc", "coil", 0, "safe = true")
    + io_toml("%QX0.1", "plc", "coil", 1)
    + io_toml("%QW1", "plc", "holding", 3, "safe = 9")
    + io_toml("%QD1", "plc", "holding", 4)
)


def area(coils: int, word: int, double: int) -> bytes:
    return bytes((coils, 0)) + word.to_bytes(2, "little") + double.to_bytes(4, "little")


def test_every_output_is_written_after_connecting_and_then_only_changes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pymodbus_plant() as plant:
            project, runtime = start(tmp_path, device_toml("plc", plant.port) + OUTPUTS)
            runtime.publish(area(0b10, 7, 0x0001_0002))
            async with gateway_on(runtime, project):
                await until(lambda: len(plant.writes) == 2, "all outputs")
                assert plant.writes == [(15, 0, (0, 1)), (16, 3, (7, 1, 2))]
                plant.writes.clear()

                runtime.publish(area(0b11, 7, 0x0001_0002))
                await until(lambda: plant.writes, "the changed coil")
                assert plant.writes == [(5, 0, (1,))]
                plant.writes.clear()

                runtime.publish(area(0b11, 8, 0x0001_0002))
                await until(lambda: plant.writes, "the changed register")
                assert plant.writes == [(6, 3, (8,))]

                await until(lambda: statistics(runtime).writes == 4, "four acknowledged")
                assert plant.coil(0)
                assert plant.coil(1)
                assert plant.holding[3:6] == [8, 1, 2]

    run(scenario())


def test_the_time_to_react_is_counted_for_changes_and_not_for_the_first_writing(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with pymodbus_plant() as plant:
            project, runtime = start(tmp_path, device_toml("plc", plant.port) + OUTPUTS)
            source_ns = time.monotonic_ns()
            runtime.publish(area(0, 0, 0), source_ns=source_ns)
            async with gateway_on(runtime, project):
                await until(lambda: statistics(runtime).writes == 2, "all outputs")
                assert statistics(runtime).reaction.copy().count == 0

                runtime.publish(area(1, 1, 1), source_ns=source_ns)
                await until(lambda: statistics(runtime).reaction.copy().count, "a reaction")
                reaction = statistics(runtime).reaction.copy()
                assert reaction.count == 1
                assert 0 < reaction.max_ns < time.monotonic_ns() - source_ns

    run(scenario())


def test_a_device_that_returns_gets_every_output_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pymodbus_plant() as plant:
            port = plant.port
            project, runtime = start(
                tmp_path, device_toml("plc", port) + OUTPUTS + io_toml("%IW0", "plc", "input", 0)
            )
            runtime.publish(area(0b10, 7, 3))
            server = gateway_on(runtime, project)
            await server.__aenter__()
            await until(lambda: len(plant.writes) == 2, "all outputs")
        try:
            await until(lambda: runtime.mailbox().link is not Link.UP, "the link to fall")
            runtime.publish(area(0b11, 8, 3))
            await until(lambda: runtime.mailbox().samples[0].quality is Quality.BAD, "bad input")
            assert runtime.mailbox().error in {LinkError.CLOSED, LinkError.REFUSED}
            async with pymodbus_plant(port=port) as again:
                await until(lambda: len(again.writes) == 2, "all outputs again")
                assert again.writes == [(15, 0, (1, 1)), (16, 3, (8, 0, 3))]
                await until(
                    lambda: runtime.mailbox().samples[0].quality is Quality.GOOD, "good input"
                )
                assert runtime.mailbox().reconnects == 1
        finally:
            await server.__aexit__(None, None, None)

    run(scenario())


def test_a_silent_runtime_leaves_the_safe_values_at_the_device(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with pymodbus_plant() as plant:
            project, runtime = start(tmp_path, device_toml("plc", plant.port) + OUTPUTS)
            runtime.publish(area(0b10, 7, 5))
            async with gateway_on(runtime, project):
                await until(lambda: plant.holding[3:6] == [7, 0, 5], "the program's values")
                runtime.silent = True
                await until(lambda: plant.holding[3:6] == [9, 0, 0], "the safe values")
                await until(lambda: plant.coil(0) and not plant.coil(1), "the safe coils")

                runtime.silent = False
                await until(lambda: plant.holding[3:6] == [7, 0, 5], "the program again")

    run(scenario())
    told = [record.getMessage() for record in caplog.records if "silent" in record.getMessage()]
    assert len(told) == 1


def test_a_runtime_that_stops_without_safe_values_is_helped_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pymodbus_plant() as plant:
            project, runtime = start(tmp_path, device_toml("plc", plant.port) + OUTPUTS)
            runtime.publish(area(0, 7, 5))
            async with gateway_on(runtime, project):
                await until(lambda: plant.holding[3:6] == [7, 0, 5], "the program's values")
                runtime.image.mode = Mode.STOPPED
                await until(lambda: plant.holding[3:6] == [9, 0, 0], "the safe values")

    run(scenario())


# -- a server that misbehaves -------------------------------------------------------------------
INPUTS = io_toml("%IW0", "plc", "holding", 3) + io_toml("%IW1", "plc", "input", 500)

FATAL = {
    Behaviour.GARBAGE: LinkError.PROTOCOL,
    Behaviour.HALF: LinkError.TIMEOUT,
    Behaviour.NOTHING: LinkError.TIMEOUT,
    Behaviour.WRONG_TRANSACTION: LinkError.PROTOCOL,
    Behaviour.WRONG_UNIT: LinkError.PROTOCOL,
    Behaviour.WRONG_FUNCTION: LinkError.PROTOCOL,
    Behaviour.LENGTH_TOO_LONG: LinkError.TIMEOUT,
    Behaviour.LENGTH_TOO_SHORT: LinkError.PROTOCOL,
    Behaviour.WRONG_BYTE_COUNT: LinkError.PROTOCOL,
    Behaviour.CLOSE: LinkError.CLOSED,
}


@pytest.mark.parametrize("behaviour", FATAL, ids=lambda behaviour: behaviour.value)
def test_a_device_out_of_step_has_a_clear_status_and_recovers(
    tmp_path: Path, behaviour: Behaviour
) -> None:
    async def scenario() -> None:
        async with hostile_server() as hostile:
            project, runtime = start(
                tmp_path, device_toml("plc", hostile.port, timeout="50ms") + INPUTS
            )
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().polls >= 2, "two good polls")
                hostile.behaviour = behaviour
                await until(lambda: runtime.mailbox().error is FATAL[behaviour], "the status")
                mailbox = runtime.mailbox()
                assert mailbox.link is not Link.UP
                assert {sample.quality for sample in mailbox.samples} == {Quality.BAD}
                assert [sample.raw for sample in mailbox.samples] == [3, 500]
                assert all(sample.source_ns > 0 for sample in mailbox.samples)
                assert mailbox.failures > 0
                await until(lambda: hostile.connections >= 3, "attempts to reconnect")

                hostile.behaviour = Behaviour.ANSWER
                await until(lambda: runtime.mailbox().link is Link.UP, "the link")
                await until(lambda: runtime.mailbox().error is LinkError.NONE, "a good poll")
                mailbox = runtime.mailbox()
                assert {sample.quality for sample in mailbox.samples} == {Quality.GOOD}
                assert mailbox.reconnects >= 1

    run(scenario())


def test_a_device_that_is_not_there_is_refused_and_its_inputs_are_bad(tmp_path: Path) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        project, runtime = start(tmp_path, device_toml("plc", port) + INPUTS)
        async with gateway_on(runtime, project):
            await until(lambda: runtime.mailbox().error is LinkError.REFUSED, "the status")
            await until(lambda: runtime.mailbox().failures >= 2, "another attempt")
        mailbox = runtime.mailbox()
        assert {sample.quality for sample in mailbox.samples} == {Quality.BAD}
        assert mailbox.link is Link.DOWN

    run(scenario())


def test_an_exception_spoils_the_inputs_of_its_request_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with hostile_server() as hostile:
            hostile.refuse = lambda request: 4 if getattr(request, "address", 0) == 500 else 0
            project, runtime = start(tmp_path, device_toml("plc", hostile.port) + INPUTS)
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().polls >= 3, "three polls")
                mailbox = runtime.mailbox()
                assert [sample.quality for sample in mailbox.samples] == [
                    Quality.GOOD,
                    Quality.BAD,
                ]
                assert mailbox.error is LinkError.EXCEPTION
                assert mailbox.link is Link.UP
                assert hostile.connections == 1
                assert "device plc: %IW1 (input 500): exception 4" in caplog.text

                hostile.refuse = lambda _: 0
                await until(lambda: runtime.mailbox().error is LinkError.NONE, "a good poll")
                assert runtime.mailbox().samples[1].quality is Quality.GOOD
                assert hostile.connections == 1

    run(scenario())


def test_a_read_refused_for_its_gap_is_cut_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with pymodbus_plant(holding={0: [10], 5: [15]}) as plant:
            project, runtime = start(
                tmp_path,
                device_toml("plc", plant.port)
                + io_toml("%IW0", "plc", "holding", 5)
                + io_toml("%IW1", "plc", "holding", 0),
            )
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().polls >= 3, "three polls")
            mailbox = runtime.mailbox()
            assert [sample.raw for sample in mailbox.samples] == [15, 10]
            assert {sample.quality for sample in mailbox.samples} == {Quality.GOOD}
            assert mailbox.failures == 1

    run(scenario())
    (told,) = [record for record in caplog.records if "exception 2" in record.getMessage()]
    assert told.levelno == logging.INFO
    assert told.getMessage().endswith("it is read in parts from now on")


def test_one_bad_output_spoils_no_other_of_its_request(tmp_path: Path) -> None:
    def refuse(request: Request) -> int:
        is_bad = isinstance(request, WriteCoil) and request.address == 1
        return 2 if is_bad or isinstance(request, WriteCoils) else 0

    async def scenario() -> None:
        async with hostile_server() as hostile:
            hostile.refuse = refuse
            project, runtime = start(
                tmp_path,
                device_toml("plc", hostile.port)
                + io_toml("%QX0.0", "plc", "coil", 0)
                + io_toml("%QX0.1", "plc", "coil", 1),
            )
            runtime.publish(b"\x03")
            async with gateway_on(runtime, project):
                good = WriteCoil(0, value=True)
                await until(lambda: good in hostile.requests, "the good output alone")
                assert runtime.mailbox().error is LinkError.EXCEPTION
                assert hostile.connections == 1

    run(scenario())


def test_a_dead_device_delays_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with hostile_server() as dead, hostile_server() as alive:
            dead.behaviour = Behaviour.NOTHING
            project, runtime = start(
                tmp_path,
                device_toml("dead", dead.port, timeout="2s")
                + device_toml("alive", alive.port)
                + io_toml("%IW0", "dead", "holding", 3)
                + io_toml("%IW1", "alive", "holding", 4),
            )
            async with gateway_on(runtime, project):
                await until(lambda: dead.requests, "a request that is not answered")
                await until(lambda: runtime.mailbox(1).polls >= 20, "polls of the other")
                assert runtime.mailbox(0).polls == 0
                assert dead.connections == 1

    run(scenario())


def test_outputs_go_out_between_the_reads_of_a_poll(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with hostile_server() as hostile:
            spread = "".join(
                io_toml(f"%IW{number}", "plc", "input", 200 * number) for number in range(40)
            )
            project, runtime = start(
                tmp_path,
                device_toml("plc", hostile.port, poll="1ms")
                + spread
                + "".join(io_toml(f"%QX0.{bit}", "plc", "coil", 2 * bit) for bit in range(4)),
            )
            runtime.publish(b"\x00")
            async with gateway_on(runtime, project) as pollers:
                await until(lambda: statistics(runtime).writes == 4, "all outputs")
                await until(lambda: runtime.mailbox().polls >= 1, "a poll")
                hostile.requests.clear()
                runtime.publish(b"\x0f")
                await until(lambda: statistics(runtime).writes == 8, "the changed outputs")
                places = [
                    place
                    for place, request in enumerate(hostile.requests)
                    if isinstance(request, WriteCoil)
                ]
                assert [right - left for left, right in pairwise(places)] == [
                    2, 2, 2,
                ]  # fmt: skip
                await until(lambda: pollers[0].skipped > 0, "polls that are skipped, not made up")

    run(scenario())
