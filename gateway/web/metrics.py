"""What `/metrics` shows: the image, read at the moment of the scrape, as Prometheus metrics.

Nothing is counted twice: the histograms of the image have buckets of 3 %, and a scrape adds them up
to the coarser ones below. A bucket that straddles a bound counts above it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from runtime.artifact.abi import FaultKind
from runtime.image.layout import BUCKETS, Mode, Quality, SectionKind, bucket_upper
from runtime.image.payloads import Mailbox, decode_frame, decode_mailbox
from runtime.image.segment import Image
from runtime.image.statistics import HistogramCopy, LinkStatistics, RetainStatistics, TaskStatistics

BOUNDS_NS: Final = (
    *(factor * 10**exponent for exponent in range(3, 9) for factor in (1, 2, 5)),
    1_000_000_000,
)
"""Bucket bounds: 1, 2, 5, 10, … from 1 µs to 1 s."""

QUANTILES: Final = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Shown beside the buckets: those double from bound to bound, these are exact to 3 %."""

_ENDS: Final = np.searchsorted(
    np.array([bucket_upper(bucket) for bucket in range(BUCKETS)], dtype=np.int64),
    np.array(BOUNDS_NS, dtype=np.int64),
    side="right",
)
"""For each bound, how many of the image's buckets lie wholly below it."""

_TASK_TIMES: Final = {
    "lateness": "Release of a scan to its start",
    "jitter": "Change of the lateness from one scan to the next",
    "execution": "Start of a scan to its end",
    "reaction": "Newest input sample, or the edge of an event task, to the end of the commit",
}
_SECOND_NS: Final = 1e9


@dataclass(frozen=True, slots=True)
class GatewayView:
    """What the gateway knows beside the image, at the moment of a scrape."""

    image: Image | None
    """The image that is served, None while there is none."""
    now_ns: int
    """CLOCK_MONOTONIC."""
    skipped: Mapping[str, int]
    """Polls left out, by device."""
    servers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Counters of each server, by its name and theirs."""


class ImageCollector(Collector):
    """Reads the image when it is scraped; between scrapes it costs nothing."""

    def __init__(self, view: Callable[[], GatewayView]) -> None:
        """Take a function that returns the present view."""
        self._view = view

    def describe(self) -> Iterator[Metric]:
        """Return nothing: which metrics there are depends on the image."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return all metrics of the present image."""
        view = self._view()
        attached = GaugeMetricFamily(
            "takt_gateway_attached", "Whether the gateway serves a process image (1) or waits (0)."
        )
        attached.add_metric([], float(view.image is not None))
        yield attached
        yield from _server_metrics(view.servers)
        if view.image is not None:
            yield from _runtime_metrics(view.image, view.now_ns)
            yield from _task_metrics(view.image)
            yield from _retain_metrics(view.image)
            yield from _link_statistics(view.image)
            yield from _mailbox_metrics(view.image, view.skipped)
            yield _input_quality(view.image)


def build_registry(
    view: Callable[[], GatewayView], others: Iterable[Collector] = ()
) -> CollectorRegistry:
    """Return a registry with the image's metrics, those of other collectors and of the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ImageCollector(view))
    for other in others:
        registry.register(other)
    ProcessCollector(registry=registry)
    return registry


def coarse_buckets(copy: HistogramCopy) -> list[tuple[str, float]]:
    """Return cumulative counts at `BOUNDS_NS` and +Inf, as Prometheus wants them."""
    cumulated = np.concatenate(([0], np.cumsum(copy.buckets, dtype=np.uint64)))
    counts = [
        (repr(bound / _SECOND_NS), float(cumulated[end]))
        for bound, end in zip(BOUNDS_NS, _ENDS, strict=True)
    ]
    return [*counts, ("+Inf", float(cumulated[-1]))]


def _add_histogram(family: HistogramMetricFamily, label: str, copy: HistogramCopy) -> None:
    family.add_metric([label], coarse_buckets(copy), copy.sum_ns / _SECOND_NS)


def _server_metrics(servers: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    if not servers:
        return
    events = CounterMetricFamily(
        "takt_modbus_server_events",
        "Connections, requests and misdeeds of the clients of a Modbus server.",
        labels=["server", "event"],
    )
    for name, counters in servers.items():
        for event, count in counters.items():
            events.add_metric([name, event], count)
    yield events


def _runtime_metrics(image: Image, now_ns: int) -> Iterator[Metric]:
    mode = GaugeMetricFamily(
        "takt_runtime_mode", "Mode of the runtime: 1 for the present one.", labels=["mode"]
    )
    present = image.mode
    for each in Mode:
        mode.add_metric([each.name.lower()], float(each is present))
    yield mode
    age = GaugeMetricFamily(
        "takt_runtime_heartbeat_age_seconds", "Time since the runtime's last sign of life."
    )
    age.add_metric([], max(now_ns - image.runtime_heartbeat_ns, 0) / _SECOND_NS)
    yield age


def _task_metrics(image: Image) -> Iterator[Metric]:
    labels = ["task"]
    times = {name: _Timing(f"takt_scan_{name}", text) for name, text in _TASK_TIMES.items()}
    scans = CounterMetricFamily("takt_scans", "Completed scans.", labels=labels)
    overruns = CounterMetricFamily(
        "takt_scan_overruns", "Scans that ended after the next release.", labels=labels
    )
    skipped = CounterMetricFamily(
        "takt_scans_skipped", "Releases skipped because of overruns.", labels=labels
    )
    lost = CounterMetricFamily(
        "takt_task_edges_lost",
        "Edges of an event task's variable that came while one was pending.",
        labels=labels,
    )
    fault = GaugeMetricFamily(
        "takt_task_fault",
        "Why a task has ended: 1 for the present kind, none while it runs.",
        labels=["task", "kind"],
    )
    for number, task in enumerate(image.directory.tasks):
        statistics = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, number))
        for name, copy in statistics.times().items():
            times[name].add(task.name, copy)
        scans.add_metric([task.name], statistics.scans)
        overruns.add_metric([task.name], statistics.overruns)
        skipped.add_metric([task.name], statistics.skipped)
        lost.add_metric([task.name], statistics.lost_edges)
        present = statistics.fault
        for kind in FaultKind:
            fault.add_metric([task.name, kind.label], float(kind is present))
    yield from (family for timing in times.values() for family in timing.families)
    yield from (scans, overruns, skipped, lost, fault)


class _Timing:
    """A time of scans, by task: its buckets, its quantiles and its maximum since the start."""

    def __init__(self, name: str, text: str) -> None:
        """Name the families after what is measured."""
        self._buckets = HistogramMetricFamily(f"{name}_seconds", f"{text}.", labels=["task"])
        self._quantiles = GaugeMetricFamily(
            f"{name}_quantile_seconds", f"{text}: quantiles of all scans since the start.",
            labels=["task", "quantile"],
        )  # fmt: skip
        self._max = GaugeMetricFamily(
            f"{name}_max_seconds", f"{text}: the greatest since the start.", labels=["task"]
        )

    @property
    def families(self) -> tuple[Metric, ...]:
        """What a scrape shows."""
        return self._buckets, self._quantiles, self._max

    def add(self, task: str, copy: HistogramCopy) -> None:
        """Add the times of a task; one that has not scanned has buckets only."""
        _add_histogram(self._buckets, task, copy)
        if copy.count == 0:
            return
        for quantile in QUANTILES:
            seconds = copy.percentile(100 * quantile) / _SECOND_NS
            self._quantiles.add_metric([task, repr(quantile)], seconds)
        self._max.add_metric([task], copy.max_ns / _SECOND_NS)


def _retain_metrics(image: Image) -> Iterator[Metric]:
    """Yield nothing for a program that keeps nothing."""
    counts = RetainStatistics(image.section(SectionKind.RETAIN_STATISTICS)).read()
    if counts.value_bytes == 0:
        return
    for name, text, value in (
        ("takt_retain_commits", "Commits of retained values.", counts.commits),
        ("takt_retain_failures", "Commits that the disk refused.", counts.failures),
        ("takt_retain_written_bytes", "Bytes written for them.", counts.written_bytes),
    ):
        counter = CounterMetricFamily(name, text)
        counter.add_metric([], value)
        yield counter
    failing = GaugeMetricFamily(
        "takt_retain_failing", "Whether retained values cannot be saved at present (1)."
    )
    failing.add_metric([], float(counts.failing))
    yield failing
    saved = GaugeMetricFamily(
        "takt_retain_saved_timestamp_seconds", "When a retained value was saved last."
    )
    saved.add_metric([], counts.saved_ns / _SECOND_NS)
    yield saved


def _link_statistics(image: Image) -> Iterator[Metric]:
    labels = ["device"]
    round_trip = HistogramMetricFamily(
        "takt_link_round_trip_seconds", "Request sent to response complete.", labels=labels
    )
    reaction = HistogramMetricFamily(
        "takt_reaction_seconds",
        "Newest input sample that a scan used to that scan's outputs acknowledged.",
        labels=labels,
    )
    writes = CounterMetricFamily(
        "takt_link_writes", "Write requests that the device acknowledged.", labels=labels
    )
    for number, device in enumerate(image.directory.devices):
        statistics = LinkStatistics(image.section(SectionKind.LINK_STATISTICS, number))
        _add_histogram(round_trip, device.name, statistics.round_trip.copy())
        _add_histogram(reaction, device.name, statistics.reaction.copy())
        writes.add_metric([device.name], statistics.writes)
    yield from (round_trip, reaction, writes)


def _mailboxes(image: Image) -> Iterator[tuple[str, Mailbox]]:
    for number, device in enumerate(image.directory.devices):
        publication = image.ring(SectionKind.INPUTS, number).latest()
        if publication is not None:
            yield device.name, decode_mailbox(publication.payload)


def _mailbox_metrics(image: Image, skipped: Mapping[str, int]) -> Iterator[Metric]:
    labels = ["device"]
    state = GaugeMetricFamily(
        "takt_link_state", "Link to a device: 0 down, 1 connecting, 2 up.", labels=labels
    )
    error = GaugeMetricFamily(
        "takt_link_error",
        "Last error: 0 none, 1 refused, 2 timeout, 3 closed, 4 protocol, 5 exception.",
        labels=labels,
    )
    poll = GaugeMetricFamily(
        "takt_poll_round_trip_seconds", "Duration of the last poll of all inputs.", labels=labels
    )
    polls = CounterMetricFamily("takt_polls", "Completed polls.", labels=labels)
    left_out = CounterMetricFamily(
        "takt_polls_skipped", "Polls left out: one took too long, or no link.", labels=labels
    )
    failures = CounterMetricFamily(
        "takt_link_failures", "Exchanges and connections that failed.", labels=labels
    )
    reconnects = CounterMetricFamily("takt_reconnects", "Links made again.", labels=labels)
    for name, mailbox in _mailboxes(image):
        state.add_metric([name], mailbox.link)
        error.add_metric([name], mailbox.error)
        poll.add_metric([name], mailbox.round_trip_ns / _SECOND_NS)
        polls.add_metric([name], mailbox.polls)
        left_out.add_metric([name], skipped.get(name, 0))
        failures.add_metric([name], mailbox.failures)
        reconnects.add_metric([name], mailbox.reconnects)
    yield from (state, error, poll, polls, left_out, failures, reconnects)


def _input_quality(image: Image) -> Metric:
    """Count the inputs as the last scan saw them (stale ones marked), or before it as polled."""
    family = GaugeMetricFamily(
        "takt_inputs", "Inputs of a device by their quality.", labels=["device", "quality"]
    )
    frame = image.ring(SectionKind.FRAME).latest()
    qualities = list(decode_frame(frame.payload).qualities) if frame is not None else []
    if not qualities:
        qualities = [
            sample.quality for _, mailbox in _mailboxes(image) for sample in mailbox.samples
        ]
    first = 0
    for device in image.directory.devices:
        counts = Counter(qualities[first : first + len(device.inputs)])
        first += len(device.inputs)
        for quality in Quality:
            family.add_metric([device.name, quality.name.lower()], counts[quality])
    return family
