"""Metrics: what a scrape reads from the image, and how the buckets add up."""

import asyncio
import logging
import socket
import time
from collections.abc import Coroutine
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from gateway.config import METRICS_REQUEST_BYTES_MAX
from gateway.field.mailbox import MailboxWriter
from gateway.web.metrics import BOUNDS_NS, GatewayView, build_registry, coarse_buckets
from gateway.web.server import MetricsServer
from runtime.artifact.abi import FaultKind
from runtime.image import layout
from runtime.image.layout import Link, LinkError, Mode, Quality, SectionKind
from runtime.image.segment import Image
from runtime.image.statistics import (
    Histogram,
    HistogramCopy,
    LinkStatistics,
    RetainCounts,
    RetainStatistics,
    TaskStatistics,
)
from tests.support.modbus_image import (
    PlayedRuntime,
    device_toml,
    io_toml,
    play_runtime,
    write_project,
)
from tests.support.modbus_waiting import until

TOML = (
    device_toml("near", 1502)
    + device_toml("far", 1503)
    + io_toml("%IW0", "near", "input", 0)
    + io_toml("%IW1", "far", "input", 1)
    + io_toml("%IW2", "far", "input", 2)
)


def histogram(*values_ns: int) -> HistogramCopy:
    memory = memoryview(bytearray(layout.HISTOGRAM_BYTES))
    found = Histogram(memory, 0)
    for value in values_ns:
        found.add(value)
    return found.copy()


# -- buckets ------------------------------------------------------------------------------------
def test_bounds_run_from_a_microsecond_to_a_second() -> None:
    assert BOUNDS_NS[:4] == (1_000, 2_000, 5_000, 10_000)
    assert BOUNDS_NS[-3:] == (200_000_000, 500_000_000, 1_000_000_000)


def test_buckets_are_cumulative_and_end_with_all_values() -> None:
    buckets = dict(coarse_buckets(histogram(500, 1_500, 30_000, 5_000_000_000)))

    assert buckets["1e-06"] == 1
    assert buckets["2e-06"] == 2
    assert buckets["2e-05"] == 2
    assert buckets["5e-05"] == 3
    assert buckets["1.0"] == 3
    assert buckets["+Inf"] == 4


def test_a_value_is_never_counted_below_its_bound() -> None:
    for bound in BOUNDS_NS:
        counts = dict(coarse_buckets(histogram(bound + 1)))
        assert counts[repr(bound / 1e9)] == 0


def test_bounds_hold_within_the_resolution_of_the_image() -> None:
    for bound in BOUNDS_NS:
        counts = dict(coarse_buckets(histogram(round(bound * 0.96))))
        assert counts[repr(bound / 1e9)] == 1


def test_an_empty_histogram_has_empty_buckets() -> None:
    assert {count for _, count in coarse_buckets(histogram())} == {0}
    assert np.all(histogram().buckets == 0)


# -- a scrape -----------------------------------------------------------------------------------
def set_up(folder: Path) -> PlayedRuntime:
    return play_runtime(folder / "plant.image", write_project(folder, TOML))


def registry(image: Image | None) -> CollectorRegistry:
    return build_registry(lambda: GatewayView(image, time.monotonic_ns(), {"far": 3}))


def test_without_an_image_a_scrape_says_so() -> None:
    found = registry(None)

    assert found.get_sample_value("takt_gateway_attached") == 0
    assert found.get_sample_value("takt_runtime_mode", {"mode": "running"}) is None


def test_the_runtime_is_shown_by_mode_and_age(tmp_path: Path) -> None:
    runtime = set_up(tmp_path)
    runtime.image.mode = Mode.FAULTED
    found = registry(runtime.image)

    assert found.get_sample_value("takt_gateway_attached") == 1
    assert found.get_sample_value("takt_runtime_mode", {"mode": "faulted"}) == 1
    assert found.get_sample_value("takt_runtime_mode", {"mode": "running"}) == 0
    age = found.get_sample_value("takt_runtime_heartbeat_age_seconds")
    assert age is not None
    assert 0 <= age < 60


def test_retained_values_are_shown_where_there_are_any(tmp_path: Path) -> None:
    runtime = set_up(tmp_path)
    assert registry(runtime.image).get_sample_value("takt_retain_commits_total") is None
    section = RetainStatistics(runtime.image.section(SectionKind.RETAIN_STATISTICS))
    counts = RetainCounts(7, 2, 9000, 1_500_000_000, failing=True, value_bytes=400)
    section.show(counts)
    assert section.read() == counts
    found = registry(runtime.image)
    assert found.get_sample_value("takt_retain_commits_total") == 7
    assert found.get_sample_value("takt_retain_failures_total") == 2
    assert found.get_sample_value("takt_retain_written_bytes_total") == 9000
    assert found.get_sample_value("takt_retain_failing") == 1
    assert found.get_sample_value("takt_retain_saved_timestamp_seconds") == 1.5


def test_scans_are_shown_by_task(tmp_path: Path) -> None:
    runtime = set_up(tmp_path)
    section = runtime.image.section(SectionKind.TASK_STATISTICS)
    section[layout.TASK_SCANS] = 9
    section[layout.TASK_OVERRUNS] = 2
    section[layout.TASK_SKIPPED] = 4
    TaskStatistics(section).lateness.add(3_000)
    found = registry(runtime.image)
    task = {"task": "Main"}

    assert found.get_sample_value("takt_scans_total", task) == 9
    assert found.get_sample_value("takt_scan_overruns_total", task) == 2
    assert found.get_sample_value("takt_scans_skipped_total", task) == 4
    assert found.get_sample_value("takt_scan_lateness_seconds_count", task) == 1
    assert found.get_sample_value("takt_scan_lateness_seconds_sum", task) == 3e-6
    assert found.get_sample_value("takt_scan_lateness_seconds_bucket", task | {"le": "5e-06"}) == 1
    assert found.get_sample_value("takt_scan_execution_seconds_count", task) == 0


SECOND_TASK = '[[task]]\nname = "Slow"\ninterval = "100ms"\nprograms = ["Main"]\n'


def test_quantiles_and_the_maximum_are_shown_for_each_task(tmp_path: Path) -> None:
    project = write_project(tmp_path, TOML + SECOND_TASK)
    image = play_runtime(tmp_path / "plant.image", project).image
    slow = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, 1))
    for microseconds in range(1, 10_001):
        slow.execution.add(microseconds * 1000)
    slow.jitter.add(40_000)
    slow.reaction.add(7_000_000)
    found = registry(image)

    for name, milliseconds in (("0.5", 5.0), ("0.9", 9.0), ("0.999", 9.99), ("0.9999", 9.999)):
        labels = {"task": "Slow", "quantile": name}
        seconds = found.get_sample_value("takt_scan_execution_quantile_seconds", labels)
        assert seconds == pytest.approx(milliseconds / 1000, rel=0.033)
    task = {"task": "Slow"}
    assert found.get_sample_value("takt_scan_execution_max_seconds", task) == 0.01
    assert found.get_sample_value("takt_scan_lateness_max_seconds", task) is None
    assert found.get_sample_value("takt_scan_jitter_max_seconds", task) == 4e-5
    assert found.get_sample_value("takt_scan_reaction_max_seconds", task) == 0.007
    main = {"task": "Main", "quantile": "0.5"}
    assert found.get_sample_value("takt_scan_execution_quantile_seconds", main) is None


def test_lost_edges_are_counted_for_the_event_task_that_lost_them(tmp_path: Path) -> None:
    project = write_project(tmp_path, TOML + SECOND_TASK)
    image = play_runtime(tmp_path / "plant.image", project).image
    image.section(SectionKind.TASK_STATISTICS, 1)[layout.TASK_LOST_EDGES] = 7
    found = registry(image)
    assert found.get_sample_value("takt_task_edges_lost_total", {"task": "Slow"}) == 7
    assert found.get_sample_value("takt_task_edges_lost_total", {"task": "Main"}) == 0


def test_the_fault_of_each_task_is_shown_by_its_kind(tmp_path: Path) -> None:
    project = write_project(tmp_path, TOML + SECOND_TASK)
    image = play_runtime(tmp_path / "plant.image", project).image
    section = image.section(SectionKind.TASK_STATISTICS, 1)
    section[layout.TASK_FAULT_KIND] = FaultKind.ZERO_DIVISION
    found = registry(image)

    for task, kind, expected in (
        ("Main", "none", 1), ("Main", "division-by-zero", 0),
        ("Slow", "none", 0), ("Slow", "division-by-zero", 1), ("Slow", "watchdog", 0),
    ):  # fmt: skip
        labels = {"task": task, "kind": kind}
        assert found.get_sample_value("takt_task_fault", labels) == expected


def test_links_are_shown_by_device(tmp_path: Path) -> None:
    runtime = set_up(tmp_path)
    statistics = LinkStatistics(runtime.image.section(SectionKind.LINK_STATISTICS, 1))
    statistics.reaction.add(2_000_000)
    statistics.round_trip.add(1_000_000)
    statistics.count_write()
    mailbox = MailboxWriter(runtime.image.ring(SectionKind.INPUTS, 1), 2)
    mailbox.link, mailbox.error = Link.UP, LinkError.EXCEPTION
    mailbox.polls, mailbox.failures, mailbox.reconnects = 10, 2, 1
    mailbox.round_trip_ns = 5_000_000
    mailbox.publish()
    found = registry(runtime.image)
    far = {"device": "far"}

    assert found.get_sample_value("takt_link_state", far) == 2
    assert found.get_sample_value("takt_link_error", far) == 5
    assert found.get_sample_value("takt_polls_total", far) == 10
    assert found.get_sample_value("takt_polls_skipped_total", far) == 3
    assert found.get_sample_value("takt_link_failures_total", far) == 2
    assert found.get_sample_value("takt_reconnects_total", far) == 1
    assert found.get_sample_value("takt_poll_round_trip_seconds", far) == 0.005
    assert found.get_sample_value("takt_reaction_seconds_count", far) == 1
    assert found.get_sample_value("takt_link_round_trip_seconds_sum", far) == 0.001
    assert found.get_sample_value("takt_link_writes_total", far) == 1
    assert found.get_sample_value("takt_link_state", {"device": "near"}) is None


def quality_counts(image: Image) -> dict[tuple[str, str], float]:
    found = registry(image)
    return {
        (device, quality.name): value
        for device in ("near", "far")
        for quality in Quality
        if (
            value := found.get_sample_value(
                "takt_inputs", {"device": device, "quality": quality.name.lower()}
            )
        )
    }


def test_inputs_are_counted_by_the_quality_that_the_last_scan_saw(tmp_path: Path) -> None:
    runtime = set_up(tmp_path)
    runtime.publish_frame((Quality.GOOD, Quality.STALE, Quality.BAD))

    assert quality_counts(runtime.image) == {
        ("near", "GOOD"): 1, ("far", "STALE"): 1, ("far", "BAD"): 1,
    }  # fmt: skip


def test_before_the_first_scan_inputs_are_counted_as_polled(tmp_path: Path) -> None:
    runtime = set_up(tmp_path)
    for number, inputs in ((0, 1), (1, 2)):
        mailbox = MailboxWriter(runtime.image.ring(SectionKind.INPUTS, number), inputs)
        mailbox.good([0], [1], 1)
        mailbox.publish()

    assert quality_counts(runtime.image) == {
        ("near", "GOOD"): 1, ("far", "GOOD"): 1, ("far", "MISSING"): 1,
    }  # fmt: skip


# -- the server ---------------------------------------------------------------------------------
def run(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 20))


def bound_port(caplog: pytest.LogCaptureFixture) -> int:
    return int(next(vars(record)["port"] for record in caplog.records if "port" in vars(record)))


async def request(port: int, head: bytes) -> tuple[str, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    status, _, rest = answer.partition(b"\r\n")
    return status.decode(), rest.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200 OK"),
        (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (b"nonsense\r\n\r\n", "400 Bad Request"),
        (b"x" * (METRICS_REQUEST_BYTES_MAX + 100), "431 Request Header Fields Too Large"),
    ],
)
def test_a_request_gets_its_status(
    head: bytes, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(MetricsServer(registry(None), "127.0.0.1", 0).run())
            await until(lambda: caplog.records, "the server")
            found, body = await request(bound_port(caplog), head)
            task.cancel()
        assert found == f"HTTP/1.1 {status}"
        if status == "200 OK":
            families = {family.name for family in text_string_to_metric_families(body.decode())}
            assert {"takt_gateway_attached", "process_cpu_seconds"} <= families

    run(scenario())


def test_a_peer_that_sends_half_a_request_and_leaves_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(MetricsServer(registry(None), "127.0.0.1", 0).run())
            await until(lambda: caplog.records, "the server")
            _, writer = await asyncio.open_connection("127.0.0.1", bound_port(caplog))
            writer.write(b"GET /met")
            writer.close()
            await writer.wait_closed()
            found, _ = await request(bound_port(caplog), b"GET /metrics HTTP/1.1\r\n\r\n")
            assert found == "HTTP/1.1 200 OK"
            task.cancel()

    run(scenario())


def test_a_port_that_is_taken_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            async with asyncio.TaskGroup() as group:
                task = group.create_task(MetricsServer(registry(None), "127.0.0.1", port).run())
                await until(lambda: caplog.records, "the report")
                task.cancel()
        assert f"cannot listen on 127.0.0.1:{port}" in caplog.records[0].getMessage()
        assert len(caplog.records) == 1

    run(scenario())
