"""The way to the clouds as Prometheus metrics: samples, losses, lanes, times of every hop."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gateway.flow.hops import FLOW_HOPS, UPLINK_HOPS, HopHistogram
from gateway.store.counters import CloudView
from gateway.web.metrics import coarse_buckets

QUANTILES: Final = (0.5, 0.9, 0.99, 0.999, 0.9999)
_SECOND_NS: Final = 1e9


class CloudCollector(Collector):
    """Reads the counters when it is scraped."""

    def __init__(self, view: Callable[[], CloudView]) -> None:
        """Take a function that returns the present view."""
        self._view = view

    def describe(self) -> Iterator[Metric]:
        """Return nothing: which metrics there are depends on the uplinks."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return all metrics of the way to the clouds."""
        view = self._view()
        yield from _sampling(view)
        yield from _outbox(view)
        yield from _uplinks(view)
        yield from _commands(view)
        yield from _lease(view)
        yield from _hops(view)


def _single(family: type[CounterMetricFamily | GaugeMetricFamily], name: str, text: str,
            value: float) -> Metric:  # fmt: skip
    metric = family(name, text)
    metric.add_metric([], value)
    return metric


def _sampling(view: CloudView) -> Iterator[Metric]:
    sampling, counter = view.sampling, CounterMetricFamily
    yield _single(counter, "takt_frames_taken", "Scans that were sampled.", sampling.frames)
    yield _single(
        counter, "takt_frames_missed", "Scans overwritten before they were read.", sampling.missed
    )
    yield _single(counter, "takt_samples", "Samples that rules let pass.", sampling.samples)
    yield _single(
        counter, "takt_wall_clock_jumps", "How often the wall clock was set.", sampling.clock_jumps
    )
    if view.wall_error_ns is not None:
        yield _single(
            GaugeMetricFamily,
            "takt_wall_clock_error_bound_seconds",
            "How far source times may be off, by the kernel's account.",
            view.wall_error_ns / _SECOND_NS,
        )


def _outbox(view: CloudView) -> Iterator[Metric]:
    store, gauge = view.store, GaugeMetricFamily
    yield _single(
        gauge, "takt_outbox_available", "Whether the disk takes samples.", store.available
    )
    yield _single(gauge, "takt_outbox_bytes", "Payload on disk.", store.kept_bytes)
    yield _single(
        gauge, "takt_outbox_max_bytes", "Its cap, [outbox] size_max.", view.outbox_bytes_max
    )
    yield _single(
        gauge, "takt_outbox_waiting_samples", "Samples in memory, not stored yet.", store.waiting
    )
    yield _single(gauge, "takt_outbox_next_sample", "Number of the next sample.", store.head)
    yield _single(
        CounterMetricFamily, "takt_outbox_set_aside", "Damaged files set aside.", store.set_aside
    )
    lost = CounterMetricFamily(
        "takt_samples_lost", "Samples that an uplink never gets.", labels=["uplink", "reason"]
    )
    for (uplink, reason), samples in store.losses.items():
        lost.add_metric([uplink, reason], samples)
    pending = GaugeMetricFamily(
        "takt_uplink_pending_samples", "Stored, not acknowledged.", labels=["uplink"]
    )
    for uplink, samples in store.pending.items():
        pending.add_metric([uplink], samples)
    yield from (lost, pending)


def _uplinks(view: CloudView) -> Iterator[Metric]:
    labels = ["uplink"]
    state = GaugeMetricFamily(
        "takt_uplink_state", "Connection: 0 down, 1 connecting, 2 up.", labels=labels
    )
    connections = CounterMetricFamily("takt_uplink_connections", "Connections.", labels=labels)
    failures = CounterMetricFamily("takt_uplink_failures", "Failures.", labels=labels)
    faults = CounterMetricFamily(
        "takt_uplink_faults", "Faults of the gateway that an uplink survived.", labels=labels
    )
    refusals = CounterMetricFamily(
        "takt_uplink_refusals", "Samples refused by the peer, to be offered again.", labels=labels
    )
    held = GaugeMetricFamily(
        "takt_uplink_held",
        "Whether a lane waits behind samples that the peer refuses.",
        labels=["uplink", "lane"],
    )
    splits = CounterMetricFamily(
        "takt_uplink_splits", "How often the live lane fell behind.", labels=labels
    )
    payload = CounterMetricFamily(
        "takt_uplink_bytes", "Payload that was acknowledged.", labels=labels
    )
    samples = CounterMetricFamily(
        "takt_uplink_samples", "Samples that were acknowledged.", labels=["uplink", "lane"]
    )
    for name, counters in view.uplinks.items():
        state.add_metric([name], counters.state)
        connections.add_metric([name], counters.connections)
        failures.add_metric([name], counters.failures)
        faults.add_metric([name], counters.faults)
        refusals.add_metric([name], counters.refusals)
        splits.add_metric([name], counters.splits)
        payload.add_metric([name], counters.bytes)
        for lane, count in counters.samples.items():
            samples.add_metric([name, lane.value], count)
            held.add_metric([name, lane.value], counters.held[lane])
    yield from (state, connections, failures, faults, refusals, held, splits, payload, samples)


def _commands(view: CloudView) -> Iterator[Metric]:
    """Yield what became of the commands, for uplinks that bring any."""
    if not view.commands:
        return
    listening = GaugeMetricFamily(
        "takt_commands_listening", "Whether commands can arrive.", labels=["uplink"]
    )
    counts = CounterMetricFamily(
        "takt_commands", "Commands by what became of them.", labels=["uplink", "outcome"]
    )
    latency = _HopFamilies(
        "takt_command",
        "Commands that were applied: message arrived to value read back and written down.",
        ["uplink"],
    )
    for name, counters in view.commands.items():
        latency.add([name], counters.latency)
        listening.add_metric([name], counters.is_listening)
        for outcome, count in sorted(counters.outcomes.items()):
            counts.add_metric([name, outcome], count)
    yield from (listening, counts, latency.histogram, latency.quantiles)


def _lease(view: CloudView) -> Iterator[Metric]:
    """Yield who may command, for projects with a lease."""
    if view.lease is None:
        return
    gauge, counter = GaugeMetricFamily, CounterMetricFamily
    yield _single(gauge, "takt_lease_held", "Whether commands may be taken.", view.is_lease_held)
    yield _single(gauge, "takt_lease_token", "Token of the last taking.", view.lease.token)
    yield _single(counter, "takt_lease_taken", "How often it was taken.", view.lease.taken)
    yield _single(counter, "takt_lease_lost", "How often another took it.", view.lease.lost)


def _hops(view: CloudView) -> Iterator[Metric]:
    """Yield each hop as a histogram, and its quantiles from the fine buckets."""
    flow = _HopFamilies(
        "takt_hop", "Scan end to taken, taken to filtered, filtered to stored.", ["hop"]
    )
    for hop in FLOW_HOPS:
        flow.add([hop], view.hops[hop])
    uplink = _HopFamilies(
        "takt_uplink_hop",
        "Stored to sent, sent to acknowledged; total: scan end to acknowledged.",
        ["uplink", "lane", "hop"],
    )
    for name, counters in view.uplinks.items():
        for (lane, hop), histogram in counters.hops.items():
            assert hop in UPLINK_HOPS
            uplink.add([name, lane.value, hop], histogram)
    yield from (flow.histogram, flow.quantiles, uplink.histogram, uplink.quantiles)


class _HopFamilies:
    """The two families that show one kind of hop."""

    def __init__(self, name: str, text: str, labels: list[str]) -> None:
        self.histogram = HistogramMetricFamily(f"{name}_seconds", text, labels=labels)
        self.quantiles = GaugeMetricFamily(
            f"{name}_quantile_seconds",
            f"{text} At most 3.2 % above the true value.",
            labels=[*labels, "quantile"],
        )

    def add(self, labels: list[str], histogram: HopHistogram) -> None:
        copy = histogram.copy()
        if not copy.count:
            return
        self.histogram.add_metric(labels, coarse_buckets(copy), copy.sum_ns / _SECOND_NS)
        for quantile in QUANTILES:
            value_ns = copy.percentile(100 * quantile)
            self.quantiles.add_metric([*labels, f"{quantile:g}"], value_ns / _SECOND_NS)
