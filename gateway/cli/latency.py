"""`takt latency`: how long samples take from the end of their scan to the cloud, hop by hop."""

import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from rich import box
from rich.table import Table
from rich.text import Text

from runtime.errors import HostError, UsageError
from runtime.project.load import Project

_TIMEOUT_S: Final = 5.0
_BAR_MAX: Final = 40
_BAR_MIN: Final = 8
"""Characters of the waterfall."""
_BESIDE: Final = 72
"""Characters that the other columns take, with an uplink's name of six."""
_FLOW: Final = ("taken", "filtered", "stored")
_UPLINK: Final = ("sent", "acknowledged")
_QUANTILES: Final = ("0.5", "0.99", "0.999", "0.9999")
Quantiles = dict[str, float]
"""Seconds by quantile."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way to a cloud: an uplink's lane, its hops in their order, and the whole."""

    uplink: str
    lane: str
    hops: tuple[tuple[str, Quantiles], ...]
    total: Quantiles
    samples: int


def scrape(project: Project, url: str | None) -> str:
    """Return the metrics of a project's gateway.

    Raises:
        UsageError: The project names no port.
        HostError: No gateway answers there.
    """
    metrics = project.config.metrics
    if url is None and (not metrics.enabled or not metrics.port):
        raise UsageError("metrics.port = 0: expected a fixed port, or --url")
    where = url or f"http://{metrics.host}:{metrics.port}/metrics"
    if not where.startswith(("http://", "https://")):
        raise UsageError(f"--url {where!r}: expected http://HOST:PORT/metrics")
    try:
        with urllib.request.urlopen(where, timeout=_TIMEOUT_S) as answer:  # noqa: S310  as above
            text: str = answer.read().decode()
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        cause = getattr(cause, "strerror", None) or cause
        raise HostError(f"{where}: no gateway answers ({cause}); expected one that runs") from None
    return text


def paths(text: str) -> list[Path]:
    """Return the ways to the clouds that metrics tell of; those without a sample are left out."""
    quantiles: dict[tuple[str, str, str], Quantiles] = {}
    samples: dict[tuple[str, str], int] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels
            if sample.name in {"takt_hop_quantile_seconds", "takt_uplink_hop_quantile_seconds"}:
                key = labels.get("uplink", ""), labels.get("lane", ""), labels["hop"]
                quantiles.setdefault(key, {})[labels["quantile"]] = sample.value
            elif sample.name == "takt_uplink_samples_total":
                samples[labels["uplink"], labels["lane"]] = int(sample.value)
    return list(_paths(quantiles, samples))


def _paths(
    quantiles: dict[tuple[str, str, str], Quantiles], samples: dict[tuple[str, str], int]
) -> Iterator[Path]:
    for (uplink, lane), count in samples.items():
        total = quantiles.get((uplink, lane, "total"))
        if not count or total is None:
            continue
        keys = [("", "", hop) for hop in _FLOW] + [(uplink, lane, hop) for hop in _UPLINK]
        hops = tuple((key[2], quantiles[key]) for key in keys if key in quantiles)
        yield Path(uplink, lane, hops, total, count)


def waterfall(ways: Sequence[Path], width: int) -> Table:
    """Return a table: for each hop its quantiles, and a bar from where to where it takes.

    Args:
        ways: What to show.
        width: Characters of the terminal; below 80 the table is wider than that.
    """
    cells = max(_BAR_MIN, min(_BAR_MAX, width - _BESIDE))
    table = Table(
        title="From the end of a scan to the cloud",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("uplink", overflow="fold", min_width=6)
    for name in ("lane", "hop"):
        table.add_column(name, no_wrap=True)
    for quantile in _QUANTILES:
        table.add_column(f"p{float(quantile) * 100:g}", justify="right", no_wrap=True)
    table.add_column("median", no_wrap=True)
    for way in ways:
        whole = sum(hop["0.5"] for _, hop in way.hops) or 1.0
        begin = 0.0
        for number, (name, hop) in enumerate(way.hops):
            bar = _bar(begin / whole, (begin + hop["0.5"]) / whole, cells)
            first = (way.uplink, way.lane) if number == 0 else ("", "")
            table.add_row(*first, name, *_times(hop), bar)
            begin += hop["0.5"]
        table.add_row("", "", "total", *_times(way.total), f"n = {way.samples}")
        table.add_section()
    return table


def _bar(begin: float, end: float, cells: int) -> Text:
    first = min(round(begin * cells), cells - 1)
    return Text(" " * first + "█" * max(1, round(end * cells) - first))


def _times(hop: Quantiles) -> Iterator[str]:
    for quantile in _QUANTILES:
        yield duration(hop[quantile])


def duration(seconds: float) -> str:
    """Return a time as people read it: three digits and a unit."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 1000:  # noqa: PLR2004  where the next unit begins
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"
