"""Pushing metrics to a collector: the same numbers as on /metrics, and nobody waits for it."""

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as CollectorOfMetrics

from gateway.web.otel_make import make_push
from gateway.web.otel_points import Points
from gateway.web.otel_push import MetricsPush
from runtime.errors import HostError, ProjectError
from tests.support.cloud_plant import cloud_project
from tests.support.modbus_waiting import until
from tests.support.otlp_collector import PATIENCE_S, Collector, collector

SECOND = 1_000_000_000
SECRET = secrets.token_hex(8)


def make(folder: Path, url: str, more: str = "", section: str = "") -> MetricsPush:
    """Return the push of a project."""
    toml = f'[opentelemetry]\nendpoint = "{url}"\ninterval = "1s"\n{section}\n{more}'
    push = make_push(cloud_project(folder, toml))
    assert push is not None
    return push


class Flag(CollectorOfMetrics):
    """A metric whose value is a BOOL, as some of ours are."""

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("takt_outbox_available", "Available.")
        family.add_metric([], value=True)
        yield family


def plain_registry() -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    Counter("takt_frames_taken", "Scans.", registry=registry).inc(7)
    Gauge("takt_outbox_bytes", "Payload.", ["disk"], registry=registry).labels("a").set(12.5)
    registry.register(Flag())
    hops = Histogram("takt_hop_seconds", "Hops.", buckets=(0.001, 0.01), registry=registry)
    for value in (0.0005, 0.002, 0.003, 5.0):
        hops.observe(value)
    return registry


def run_push(
    push: MetricsPush, registry: CollectorRegistry, conversation: Callable[[], Awaitable[None]]
) -> None:
    """Push while a conversation lasts."""

    async def run() -> None:
        task = asyncio.create_task(push.run(registry))
        try:
            await asyncio.wait_for(conversation(), PATIENCE_S)
        finally:
            task.cancel()
            async with asyncio.timeout(1.0):  # nothing keeps a gateway from stopping
                await asyncio.wait([task])

    asyncio.run(run())


def outcomes(push: MetricsPush) -> dict[str, float]:
    (family,) = push.collect()
    return {sample.labels["outcome"]: sample.value for sample in family.samples}


async def counted(push: MetricsPush, outcome: str, pushes: int) -> None:
    await until(lambda: outcomes(push)[outcome] >= pushes, f"{pushes} of {outcome}")


# -- what arrives -------------------------------------------------------------------------------
def test_a_collector_gets_the_numbers_of_metrics(tmp_path: Path) -> None:
    with collector() as found:
        push = make(tmp_path, found.url, '[opentelemetry.attributes]\nsite = "north"\n')
        run_push(push, plain_registry(), lambda: until(lambda: found.requests, "a push"))
    metrics = found.metrics()
    taken, hop = metrics["takt_frames_taken"].sum, metrics["takt_hop_seconds"]
    assert taken.is_monotonic
    assert (
        taken.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    )
    assert [point.as_double for point in taken.data_points] == [7]
    (kept,) = metrics["takt_outbox_bytes"].gauge.data_points
    assert (kept.as_double, kept.attributes[0].key, metrics["takt_outbox_bytes"].unit) == (
        12.5, "disk", "By",
    )  # fmt: skip
    assert metrics["takt_outbox_available"].gauge.data_points[0].as_double == 1
    (point,) = hop.histogram.data_points
    assert (hop.unit, hop.description) == ("s", "Hops.")
    assert (list(point.explicit_bounds), list(point.bucket_counts)) == ([0.001, 0.01], [1, 2, 1])
    assert (point.count, point.sum) == (4, pytest.approx(5.0055))
    assert not point.HasField("min")
    assert 0 < point.start_time_unix_nano <= point.time_unix_nano
    resource = found.resource()
    assert resource["service.instance.id"] == f"plant@{os.uname().nodename}"
    assert (resource["service.name"], resource["site"]) == ("takt", "north")


def test_a_total_that_falls_counts_since_the_push_before() -> None:
    def family(total: float) -> CounterMetricFamily:
        found = CounterMetricFamily("takt_scans", "Scans.", labels=["task"])
        found.add_metric(["Main"], total)
        return found

    points = Points({}, 1 * SECOND)
    begun = []
    for moment, total in ((2, 10), (3, 12), (4, 1), (5, 2)):
        data = points.data([family(total)], moment * SECOND)
        (point,) = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
        begun.append(point.start_time_unix_nano // SECOND)
    assert begun == [1, 1, 3, 3]


# -- a collector that is not well ---------------------------------------------------------------
def test_a_collector_that_does_not_answer_holds_up_nobody(tmp_path: Path) -> None:
    with collector() as found:
        found.answers.clear()
        push = make(tmp_path, found.url, section='timeout = "60s"')
        run_push(push, plain_registry(), lambda: counted(push, "skipped", 1))
        assert outcomes(push)["sent"] == 0
        assert len(found.headers) == 1


def test_what_a_collector_refuses_is_told_once_and_its_return_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def conversation() -> None:
        await counted(push, "failed", 2)
        found.status = 200
        await counted(push, "sent", 1)
        await until(lambda: "takes metrics again" in caplog.text, "the news")

    with collector() as found, caplog.at_level(logging.INFO):
        found.status = 401
        push = make(tmp_path, found.url)
        run_push(push, plain_registry(), conversation)
    assert caplog.text.count("HTTP 401 Unauthorized") == 1


def test_a_redirection_is_a_refusal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with collector() as found:
        found.status = 302
        push = make(tmp_path, found.url)
        run_push(push, plain_registry(), lambda: counted(push, "failed", 1))
    assert "HTTP 302" in caplog.text


def test_a_collector_that_is_not_there_is_named_with_the_cause(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with collector() as found:
        url = found.url
    push = make(tmp_path, url, section='timeout = "100ms"')
    run_push(push, plain_registry(), lambda: counted(push, "failed", 1))
    assert f"OpenTelemetry: {url}: Connection refused" in caplog.text


# -- secrets ------------------------------------------------------------------------------------
HEADER = '[[opentelemetry.header]]\nname = "Authorization"\n'


def secret_file(folder: Path, content: str = SECRET + "\n") -> str:
    folder.mkdir(exist_ok=True)
    path = folder / "token"
    path.write_text(content)
    path.chmod(0o600)
    return HEADER + 'value_file = "token"\n'


def test_headers_come_from_private_files_and_show_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def conversation(found: Collector) -> None:
        await until(lambda: found.requests, "a push")
        found.status = 403
        await counted(push, "failed", 1)

    with collector() as found, caplog.at_level(logging.DEBUG):
        push = make(tmp_path / "p", found.url, secret_file(tmp_path / "p"))
        run_push(push, plain_registry(), lambda: conversation(found))
    assert found.headers[0]["authorization"] == SECRET
    assert SECRET not in caplog.text
    assert SECRET not in repr(vars(push))


@pytest.mark.parametrize(
    "content",
    ["", " \n", "grüße\n", f" {SECRET}\n", f"{SECRET}\x01\n"],
    ids=["nothing", "blank", "not ASCII", "space before", "control letter"],
)
def test_a_header_that_is_none_is_refused_without_telling_it(tmp_path: Path, content: str) -> None:
    header = secret_file(tmp_path / "p", content)
    with pytest.raises(HostError, match="header Authorization: expected one line") as caught:
        make(tmp_path / "p", "http://127.0.0.1:1/v1/metrics", header)
    assert SECRET not in str(caught.value)


def test_a_header_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    header = secret_file(tmp_path / "p")
    (tmp_path / "p" / "token").chmod(0o644)
    with pytest.raises(HostError, match="mode 0644 lets others read a secret"):
        make(tmp_path / "p", "http://127.0.0.1:1/v1/metrics", header)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:word@host/v1/metrics",
        "http://host/v1/metrics?key=word",
        "grpc://host",
        "host:4318",
        "http://host:port/",
    ],
)
def test_an_endpoint_has_no_place_for_a_secret(tmp_path: Path, url: str) -> None:
    expected = r"opentelemetry.endpoint.*expected a URL such as"
    with pytest.raises(ProjectError, match=expected) as caught:
        cloud_project(tmp_path, f'[opentelemetry]\nendpoint = "{url}"\n')
    assert "word" not in str(caught.value)


def test_a_header_has_one_source(tmp_path: Path) -> None:
    toml = '[opentelemetry]\nendpoint = "http://h/"\n' + HEADER
    for more in ("", 'value = "a"\nvalue_env = "B"\n'):
        with pytest.raises(ProjectError, match="value, value_file or value_env, one of them"):
            cloud_project(tmp_path, toml + more)


def test_without_the_section_nothing_is_pushed(tmp_path: Path) -> None:
    assert make_push(cloud_project(tmp_path, "")) is None
