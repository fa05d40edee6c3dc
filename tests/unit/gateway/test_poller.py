"""The poller's rules, on a driver that is played and answers when the test lets it."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from gateway.errors import (
    PeerClosedError,
    PeerExceptionError,
    PeerRefusedError,
    PeerTimeoutError,
)
from gateway.field.clock import Clock
from gateway.field.mailbox import MailboxWriter
from gateway.field.poller import DevicePoller
from gateway.field.seam import Answer, ReadExchange, WriteExchange
from gateway.tags import device_maps
from runtime.image.layout import Link, LinkError, Quality, SectionKind
from runtime.image.payloads import Mailbox, decode_mailbox
from runtime.image.slots import SlotRing
from runtime.image.statistics import LinkStatistics
from tests.support.modbus_image import device_toml, io_toml, play_runtime, write_project
from tests.support.modbus_waiting import until

TOML = (
    device_toml("plc", 1502, poll="60min")
    + 'stale_after = "90min"\n'
    + io_toml("%IW0", "plc", "input", 0)
    + io_toml("%IW1", "plc", "input", 1)
    + io_toml("%QW0", "plc", "holding", 0)
    + io_toml("%QW1", "plc", "holding", 1)
)


@dataclass
class PlayedDriver:
    """A driver whose exchanges wait at a gate, and fail as the test says."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)
    connects: int = 0
    refuse_connect: bool = False
    fail: dict[str, Exception] = field(default_factory=dict)
    """By the text of the exchange."""

    async def connect(self) -> None:
        self.connects += 1
        if self.refuse_connect:
            raise PeerRefusedError("played")

    def close(self) -> None:
        self.asked.append("close")

    def reads(self, _group: int) -> Sequence[ReadExchange]:
        return [
            ReadExchange((number,), partial(self.exchange, f"read {number}", (70 + number,)))
            for number in (0, 1)
        ]

    def writes(self, changes: Mapping[int, int]) -> Sequence[WriteExchange]:
        return [
            WriteExchange((number,), partial(self.exchange, f"write {number}={value}"))
            for number, value in changes.items()
        ]

    async def exchange(self, text: str, values: tuple[int, ...] = ()) -> Answer:
        self.asked.append(text)
        sent_ns = time.monotonic_ns()
        await self.gate.wait()
        if text in self.fail:
            raise self.fail[text]
        return Answer(sent_ns, time.monotonic_ns(), values)


@dataclass
class Bench:
    """A poller on a played driver."""

    driver: PlayedDriver
    poller: DevicePoller
    ring: SlotRing
    statistics: LinkStatistics

    def mailbox(self) -> Mailbox:
        publication = self.ring.latest()
        assert publication is not None
        return decode_mailbox(publication.payload)

    async def turn(self) -> None:
        """Let the poller do all that it can without waiting."""
        for _ in range(20):
            await asyncio.sleep(0)


def set_up(folder: Path, clock: Clock = time.monotonic_ns) -> Bench:
    project = write_project(folder, TOML)
    image = play_runtime(folder / "plant.image", project).image
    ring = image.ring(SectionKind.INPUTS)
    statistics = LinkStatistics(image.section(SectionKind.LINK_STATISTICS))
    driver = PlayedDriver()
    mailbox = MailboxWriter(ring, 2)
    poller = DevicePoller(device_maps(project)[0], driver, mailbox, statistics, clock)
    return Bench(driver, poller, ring, statistics)


def run(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 20))


def test_a_write_waits_for_one_request_of_a_poll_at_most(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            bench.poller.command((1, 2), 0)
            bench.driver.gate.set()
            await bench.turn()
            task.cancel()
        assert bench.driver.asked == [
            "read 0", "write 0=1", "read 1", "write 1=2", "close",
        ]  # fmt: skip

    run(scenario())


def test_values_that_come_while_one_is_written_are_coalesced_to_the_newest(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        bench.poller.command((1, 0), 5)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            for value in (2, 3, 4):
                bench.poller.command((value, 0), 5)
            bench.driver.gate.set()
            await bench.turn()
            assert bench.poller.settled
            task.cancel()
        writes = [text for text in bench.driver.asked if text.startswith("write")]
        assert writes == ["write 0=1", "write 1=0", "write 0=4"]

    run(scenario())


def test_a_change_that_is_not_acknowledged_is_written_on_the_next_connection(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        bench.driver.gate.set()
        bench.poller.command((1, 2), 0)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            bench.driver.asked.clear()
            bench.driver.fail = {"write 0=9": PeerClosedError("played")}
            bench.poller.command((9, 2), 0)
            await bench.turn()
            assert bench.driver.asked == ["write 0=9", "close"]
            assert bench.mailbox().link is Link.DOWN
            bench.driver.fail = {}
            await until(lambda: bench.driver.connects >= 2, "another attempt")
            await bench.turn()
            task.cancel()
        assert bench.driver.asked[2:4] == ["write 0=9", "write 1=2"]

    run(scenario())


def test_a_refused_output_is_held_and_the_others_go_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        bench.driver.gate.set()
        bench.driver.fail = {"write 0=1": PeerExceptionError("played")}
        bench.poller.command((1, 2), 0)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            bench.poller.command((1, 3), 0)
            await bench.turn()
            assert bench.poller.settled
            assert bench.mailbox().error is LinkError.EXCEPTION
            task.cancel()
        writes = [text for text in bench.driver.asked if text.startswith("write")]
        assert writes == ["write 0=1", "write 1=2", "write 1=3"]
        assert bench.driver.connects == 1
        assert bench.statistics.writes == 2

    run(scenario())


def test_a_refused_read_marks_its_inputs_and_keeps_their_last_value(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        bench.driver.gate.set()
        bench.driver.fail = {"read 0": PeerExceptionError("played")}
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            task.cancel()
        bad, good = bench.mailbox().samples
        assert bad.quality is Quality.BAD
        assert (good.quality, good.raw) == (Quality.GOOD, 71)
        assert bench.mailbox().error is LinkError.EXCEPTION

    run(scenario())


def test_a_gateway_that_leaves_shows_the_link_down_and_keeps_the_samples(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        bench.driver.gate.set()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            assert bench.mailbox().link is Link.UP
            task.cancel()
        assert bench.mailbox().link is Link.DOWN
        assert [sample.quality for sample in bench.mailbox().samples] == [Quality.GOOD] * 2

    run(scenario())


def test_a_gateway_that_takes_over_goes_on_from_the_last_mailbox(tmp_path: Path) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        bench.driver.gate.set()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            task.cancel()
        left = bench.mailbox()

        MailboxWriter(bench.ring, 2).publish()

        assert bench.mailbox().samples == left.samples
        assert bench.mailbox().polls == left.polls == 1

    run(scenario())


def test_a_device_that_stays_away_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        bench.driver.refuse_connect = True
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await until(lambda: bench.driver.connects >= 3, "another attempt")
            task.cancel()
        assert bench.mailbox().error is LinkError.REFUSED
        assert bench.mailbox().failures >= 2

    run(scenario())
    assert [record.getMessage() for record in caplog.records] == ["device plc: no link: played"]


def test_each_loss_is_told_and_so_is_each_return_though_one_input_stays_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    late_ns = 0
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        nonlocal late_ns
        bench = set_up(tmp_path, lambda: time.monotonic_ns() + late_ns)
        bench.driver.gate.set()
        bench.driver.fail = {"read 0": PeerExceptionError("input 0: refused")}

        async def polled(number: int, link: Link) -> None:
            """Let the next poll come, an hour later, and the link be as it is then."""
            nonlocal late_ns
            late_ns += 3_700_000_000_000
            bench.poller.command((number, 0), 0)
            polls = bench.mailbox().polls
            await until(
                lambda: (
                    (link is Link.DOWN or bench.mailbox().polls > polls)
                    and bench.mailbox().link is link
                ),
                "the poll",
            )

        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            await until(lambda: bench.mailbox().link is Link.UP, "the link")
            for number in (1, 3):
                bench.driver.fail["read 1"] = PeerTimeoutError("no answer")
                await polled(number, Link.DOWN)
                del bench.driver.fail["read 1"]
                await until(lambda: bench.mailbox().link is Link.UP, "the link again")
                await polled(number + 1, Link.UP)
            task.cancel()

    run(scenario())
    told = [record.getMessage().removeprefix("device plc: ") for record in caplog.records]
    assert told == ["input 0: refused", "link up", *["link lost: no answer", "link up"] * 2]


def test_a_value_that_a_device_does_not_take_is_told_once_whatever_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        bench = set_up(tmp_path)
        bench.driver.gate.set()
        bench.driver.fail = {
            f"write {output}=1": PeerExceptionError(f"reads {output} after 1", "not taken")
            for output in (0, 1)
        }
        bench.poller.command((1, 1), 0)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.poller.run())
            await bench.turn()
            task.cancel()
        assert {"write 0=1", "write 1=1"} <= set(bench.driver.asked)

    run(scenario())
    assert [record.getMessage() for record in caplog.records] == ["device plc: reads 0 after 1"]
