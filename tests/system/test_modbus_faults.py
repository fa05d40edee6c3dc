"""Devices and networks that fail: dead, stopped, killed, slow, lossy; and what stays as it was."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop

from gateway.config import RECONNECT_KNOWN_S
from runtime.image.layout import Link, LinkError, Quality
from runtime.project.devices import DeviceBase
from tests.support.faulty_proxy import Faults, faulty_tcp, faulty_udp
from tests.support.libmodbus import libmodbus_server
from tests.support.modbus_gateway import gateway_on, start
from tests.support.modbus_image import PlayedRuntime, device_toml, io_toml
from tests.support.modbus_peers import Behaviour, Tables, hostile_server, pymodbus_on
from tests.support.modbus_waiting import until

pytestmark = pytest.mark.system

SEEDS = [1, 2]


def run(scenario: Coroutine[None, None, None]) -> None:
    """Run a scenario on the gateway's own event loop, with an end to it."""
    uvloop.run(asyncio.wait_for(scenario, 60))


def udp_device(port: int) -> str:
    return device_toml("plc", port, timeout="150ms").replace("modbus-tcp", "modbus-udp")


def test_ninety_nine_dead_devices_cost_the_living_one_no_poll(tmp_path: Path) -> None:
    async def scenario() -> None:
        with contextlib.ExitStack() as stack:
            closed = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            for _ in range(4):  # from the second on, attempts to connect get no answer at all
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)  # noqa: FBT003 - the name that sockets have for it
                waiting.connect_ex(full.getsockname())
            living = stack.enter_context(libmodbus_server())
            async with hostile_server() as silent:
                silent.behaviour = Behaviour.NOTHING
                ports = [silent.port, full.getsockname()[1], closed.getsockname()[1]]
                closed.close()
                text = "".join(
                    device_toml(f"dead{number}", ports[number % 3], "20ms", "2s")
                    + io_toml(f"%IW{number}", f"dead{number}", "holding", 1)
                    for number in range(99)
                )
                text += device_toml("living", living.port, "20ms")
                text += io_toml("%IW99", "living", "holding", 77)
                project, runtime = start(tmp_path, text)
                async with gateway_on(runtime, project) as pollers:
                    # one after another, 66 timeouts of 2 s would take more than two minutes
                    await until(lambda: runtime.mailbox(99).polls >= 50, "50 polls")
                    assert runtime.mailbox(99).samples[0].raw == 77
                    assert runtime.mailbox(99).failures == 0
                    assert [runtime.mailbox(number).polls for number in range(99)] == [0] * 99
                    assert pollers[99].skipped < 50
                    for number in range(99):
                        assert runtime.mailbox(number).link is not Link.UP

    run(scenario())


def test_a_device_that_was_alive_is_asked_again_within_two_seconds() -> None:
    timeout_s = DeviceBase.model_fields["timeout"].default / 1e9

    # the worst case: it returns just after an attempt began that will not be answered
    assert timeout_s + RECONNECT_KNOWN_S < 2


@pytest.mark.parametrize(("stop", "error"), [("stop", LinkError.TIMEOUT), ("kill", None)])
def test_a_peer_that_is_stopped_or_killed_is_served_again_when_it_returns(
    tmp_path: Path, stop: str, error: LinkError | None
) -> None:
    async def scenario() -> None:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(libmodbus_server())
            text = device_toml("plc", server.port) + io_toml("%IW0", "plc", "holding", 5)
            text += io_toml("%QW0", "plc", "holding", 9) + io_toml("%IW1", "plc", "holding", 9)
            project, runtime = start(tmp_path, text)
            runtime.publish(b"\x2a\x00")
            async with gateway_on(runtime, project):
                await until(lambda: runtime.mailbox().link is Link.UP, "the link")
                if stop == "stop":
                    server.process.send_signal(signal.SIGSTOP)
                else:
                    server.process.kill()
                    server.process.wait()
                await until(lambda: runtime.mailbox().link is not Link.UP, "the link to fall")
                await until(lambda: bad(runtime), "bad inputs")
                if error is not None:
                    assert runtime.mailbox().error is error
                runtime.publish(b"\x2b\x00")
                if stop == "stop":
                    server.process.send_signal(signal.SIGCONT)
                else:
                    stack.enter_context(libmodbus_server("tcp", str(server.port)))
                await until(lambda: runtime.mailbox().samples[1].raw == 0x2B, "the new output")
                assert runtime.mailbox().samples[0].quality is Quality.GOOD
                assert runtime.mailbox().reconnects >= 1

    run(scenario())


def bad(runtime: PlayedRuntime) -> bool:
    return all(sample.quality is Quality.BAD for sample in runtime.mailbox().samples)


@pytest.mark.parametrize("seed", SEEDS)
def test_over_a_link_that_splits_delays_and_cuts_no_write_is_lost_or_doubled(
    tmp_path: Path, seed: int
) -> None:
    faults = Faults(seed, delay_s=0.002, split=0.3, cut=0.03)

    async def scenario() -> None:
        tables = Tables(inputs={0: [7]})
        async with pymodbus_on("tcp", tables) as plant, faulty_tcp(plant.port, faults) as port:
            text = device_toml("plc", port) + io_toml("%QW0", "plc", "holding", 3)
            text += io_toml("%IW0", "plc", "input", 0)
            project, runtime = start(tmp_path, text)
            async with gateway_on(runtime, project):
                for value in range(1, 41):
                    runtime.publish(value.to_bytes(2, "little"))
                    polls = runtime.mailbox().polls
                    await until(lambda polls=polls: runtime.mailbox().polls > polls, "a poll")  # type: ignore[misc]
                await until(lambda: plant.writes and plant.writes[-1][2] == (40,), "the last")
                written = [values[0] for _, _, values in plant.writes]
                assert faults.cuts > 0
                assert written == sorted(written)
                doubled = sum(left == right for left, right in pairwise(written))
                # after a cut all is written again, since no one knows what has arrived
                assert doubled <= faults.cuts
                assert len(plant.writes) >= 20
                assert runtime.mailbox().samples[0].raw == 7

    run(scenario())


@pytest.mark.parametrize("seed", SEEDS)
def test_datagrams_lost_doubled_and_reordered_give_no_wrong_value(
    tmp_path: Path, seed: int
) -> None:
    faults = Faults(seed, lose=0.1, double=0.1, reorder=0.1)

    async def scenario() -> None:
        tables = Tables(inputs={0: list(range(400))}, holding={0: list(range(1000, 1050))})
        async with pymodbus_on("udp", tables) as plant, faulty_udp(plant.port, faults) as port:
            channels = [("input", 3), ("input", 250), ("holding", 9)]
            text = udp_device(port) + "gap_max = 0\n"
            text += "".join(
                io_toml(f"%IW{number}", "plc", table, register)
                for number, (table, register) in enumerate(channels)
            )
            project, runtime = start(tmp_path, text)
            wrong: list[list[int]] = []
            async with gateway_on(runtime, project):
                while runtime.mailbox().polls < 30:
                    samples = runtime.mailbox().samples
                    raws = [sample.raw for sample in samples if sample.source_ns]
                    if not set(raws) <= {3, 250, 1009}:
                        wrong.append(raws)
                    await asyncio.sleep(0.005)
            assert wrong == []
            assert faults.lost > 0
            assert [sample.raw for sample in runtime.mailbox().samples] == [3, 250, 1009]

    run(scenario())
