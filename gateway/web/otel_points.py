"""Metric families of a scrape as data points of OpenTelemetry. Pure.

The same families, names and bucket bounds as on /metrics, so that the two can be laid side by side:
a Prometheus behind a collector gets the names of /metrics back. Units stand in their field as well.

Histograms have explicit buckets. The image's fine buckets are linear within an octave, those of an
exponential histogram are not: counts would have to be guessed across their borders. The quantiles,
exact to 3.2 %, go along as gauges, as they do on /metrics.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client.core import Metric as Family
from prometheus_client.samples import Sample

SCOPE: Final = InstrumentationScope("takt.gateway")
_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_UNITS: Final = {"seconds": "s", "bytes": "By"}
_UNKNOWN: Final = cast("float", None)
"""Least and greatest value are optional in the protocol, and left out: families have neither."""

Labels = tuple[tuple[str, str], ...]
_Totals = Mapping[tuple[str, Labels], tuple[int, float]]
"""By family and labels: since when a total counts, and what it was."""


class Points:
    """Turns one scrape after the other into data; remembers since when each total counts."""

    def __init__(self, attributes: Mapping[str, str], begun_ns: int) -> None:
        """Describe the resource by attributes.

        Args:
            attributes: Of the resource.
            begun_ns: Since 1970; totals of the first scrape count since then, later ones since the
                scrape before.
        """
        self._resource = Resource(dict(attributes))
        self._before_ns = begun_ns
        self._totals: dict[tuple[str, Labels], tuple[int, float]] = {}

    def data(self, families: Iterable[Family], now_ns: int) -> MetricsData:
        """Return the families as they are at a time since 1970."""
        before, self._totals = self._totals, {}
        metrics = [self._metric(family, before, now_ns) for family in families if family.samples]
        self._before_ns = now_ns
        scope = ScopeMetrics(SCOPE, metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])

    def _metric(self, family: Family, before: _Totals, now_ns: int) -> Metric:
        def since_ns(labels: Labels, total: float) -> int:
            """Return since when a total counts; one that has fallen began anew."""
            key = family.name, labels
            begun_ns, last = before.get(key, (self._before_ns, total))
            if total < last:
                begun_ns = self._before_ns
            self._totals[key] = begun_ns, total
            return begun_ns

        data: Sum | Gauge | Histogram
        if family.type == "histogram":
            points = [
                _histogram(group, since_ns(labels, _count(group)), now_ns)
                for labels, group in _by_labels(family.samples).items()
            ]
            data = Histogram(points, _CUMULATIVE)
        elif family.type == "counter":
            numbers = [
                _number(sample, since_ns(_labels(sample), sample.value), now_ns)
                for sample in family.samples
                if sample.name.endswith("_total")
            ]
            data = Sum(numbers, _CUMULATIVE, is_monotonic=True)
        else:
            data = Gauge([_number(sample, 0, now_ns) for sample in family.samples])
        unit = _UNITS.get(family.name.rpartition("_")[2], "")
        return Metric(family.name, family.documentation, unit, data)


def _labels(sample: Sample) -> Labels:
    return tuple(sorted((key, text) for key, text in sample.labels.items() if key != "le"))


def _by_labels(samples: Iterable[Sample]) -> dict[Labels, list[Sample]]:
    groups: dict[Labels, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(_labels(sample), []).append(sample)
    return groups


def _number(sample: Sample, since_ns: int, now_ns: int) -> NumberDataPoint:
    return NumberDataPoint(dict(sample.labels), since_ns, now_ns, float(sample.value))


def _count(group: Sequence[Sample]) -> float:
    return next((item.value for item in group if item.name.endswith("_count")), 0.0)


def _histogram(group: Sequence[Sample], since_ns: int, now_ns: int) -> HistogramDataPoint:
    """Return the buckets of one set of labels, each with its own count, not cumulated."""
    cumulated = [(item.labels["le"], item.value) for item in group if "le" in item.labels]
    counts = [int(count) for _, count in cumulated]
    return HistogramDataPoint(
        attributes=dict(_labels(group[0])),
        start_time_unix_nano=since_ns,
        time_unix_nano=now_ns,
        count=counts[-1],
        sum=next(item.value for item in group if item.name.endswith("_sum")),
        bucket_counts=[count - below for count, below in zip(counts, [0, *counts], strict=False)],
        explicit_bounds=[float(bound) for bound, _ in cumulated[:-1]],
        min=_UNKNOWN,
        max=_UNKNOWN,
    )
