"""What the way to the clouds shows of itself: metrics, the dashboard over them, the waterfall."""

import io
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from rich.console import Console

from gateway.cli.latency import duration, paths, scrape, waterfall
from gateway.store.counters import (
    CloudView,
    CommandCounters,
    LeaseCounters,
    SamplingCounters,
    StoreState,
    UplinkCounters,
    UplinkState,
    flow_hops,
)
from gateway.store.lanes import Lane
from gateway.web.cloud_metrics import CloudCollector
from runtime.errors import HostError, UsageError
from runtime.image.statistics import TASK_TIMES
from tests.support.cloud_plant import cloud_project

ROOT = Path(__file__).parents[3]
MS = 1_000_000


def view() -> CloudView:
    """Return a gateway that has sent 1000 live samples over one uplink."""
    hops = flow_hops()
    for name, value in (("taken", 1), ("filtered", 2), ("stored", 10)):
        hops[name].add(value * MS, 1000)
    counters = UplinkCounters(state=UplinkState.UP, connections=1, bytes=5000, refusals=4)
    counters.held[Lane.BACKLOG] = True
    counters.samples[Lane.LIVE] = 1000
    for name, value in (("sent", 3), ("acknowledged", 20), ("total", 36)):
        counters.hops[Lane.LIVE, name].add(value * MS, 1000)
    state = StoreState(
        stream="s", head=1001, kept_bytes=0, waiting=0, pending={"nats": 0},
        losses={("nats", "size"): 7}, available=True, set_aside=0,
    )  # fmt: skip
    commands = {"nats": CommandCounters(is_listening=True, outcomes=Counter(applied=3, expired=1))}
    commands["nats"].latency.add(12 * MS, 3)
    return CloudView(
        SamplingCounters(frames=10), state, hops, {"nats": counters}, 5 * MS, commands,
        LeaseCounters(token=7, taken=2, lost=1), is_lease_held=True, outbox_bytes_max=1_000_000,
    )  # fmt: skip


def metrics() -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CloudCollector(view))
    return generate_latest(registry).decode()


def test_commands_are_counted_by_what_became_of_them() -> None:
    text = metrics()
    assert 'takt_commands_listening{uplink="nats"} 1.0' in text
    assert 'takt_commands_total{outcome="applied",uplink="nats"} 3.0' in text
    assert 'takt_commands_total{outcome="expired",uplink="nats"} 1.0' in text
    assert 'takt_command_seconds_bucket{le="0.02",uplink="nats"} 3.0' in text
    assert 'takt_command_seconds_bucket{le="0.01",uplink="nats"} 0.0' in text


def test_the_lease_is_told_where_there_is_one() -> None:
    text = metrics()
    for name, value in (("held", 1), ("token", 7), ("taken_total", 2), ("lost_total", 1)):
        assert f"takt_lease_{name} {value}.0" in text


def test_samples_that_a_peer_refuses_are_told() -> None:
    text = metrics()
    assert 'takt_uplink_refusals_total{uplink="nats"} 4.0' in text
    assert 'takt_uplink_held{lane="backlog",uplink="nats"} 1.0' in text
    assert 'takt_uplink_held{lane="live",uplink="nats"} 0.0' in text


def test_losses_and_hops_are_told_by_uplink_lane_and_reason() -> None:
    text = metrics()
    assert 'takt_samples_lost_total{reason="size",uplink="nats"} 7.0' in text
    assert 'takt_uplink_samples_total{lane="live",uplink="nats"} 1000.0' in text
    total = re.search(
        r'takt_uplink_hop_quantile_seconds\{hop="total",lane="live",quantile="0.99",'
        r'uplink="nats"\} (\S+)',
        text,
    )
    assert total is not None
    assert 0.036 <= float(total[1]) <= 0.036 * 1.032


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/takt-cloud.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"takt_\w+", target["expr"])
    }
    shown = set(re.findall(r"^(takt_\w+)", metrics(), re.MULTILINE))
    of_the_image = {f"takt_scan_{name}_seconds_bucket" for name in TASK_TIMES}
    assert asked - shown == of_the_image - {"takt_scan_execution_seconds_bucket"}


def test_the_dashboard_chooses_and_names_by_labels_that_its_metrics_have() -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/takt-cloud.json").read_text())
    labels: dict[str, set[str]] = {}
    for name, pairs in re.findall(r"^(takt_\w+)(?:\{(.*)\})? ", metrics(), re.MULTILINE):
        labels.setdefault(name, {"instance"}).update(re.findall(r'(\w+)="', pairs))
    looked_at = 0
    for target in (target for panel in dashboard["panels"] for target in panel["targets"]):
        selectors = re.findall(r"(takt_\w+)\{(.*?)\}", target["expr"])
        for name, selector in selectors:
            known = labels.get(name, {"instance", "task", "le"})
            assert set(re.findall(r'(\w+)[=!]~?"', selector)) <= known, target["expr"]
            looked_at += 1
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert shown <= labels.get(selectors[0][0], {"instance", "task"}), target
    assert looked_at > len(dashboard["panels"])


def test_no_two_panels_of_the_dashboard_lie_upon_each_other() -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/takt-cloud.json").read_text())
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)


def test_the_waterfall_begins_each_hop_where_the_last_one_ended() -> None:
    (way,) = paths(metrics())
    assert [name for name, _ in way.hops] == ["taken", "filtered", "stored", "sent", "acknowledged"]
    written = io.StringIO()
    Console(width=160, file=written).print(waterfall([way], 160))
    bars = [line for line in written.getvalue().splitlines() if "█" in line]
    begins = [line.index("█") for line in bars]
    assert begins == sorted(begins)
    assert len(bars) == 5


@pytest.mark.parametrize("uplink", ["plant", "plant-in-the-north-of-the-country"])
def test_the_waterfall_of_a_narrow_terminal_cuts_nothing(uplink: str) -> None:
    (way,) = paths(metrics())
    long = {"0.5": 0.0123, "0.99": 0.0234, "0.999": 0.0345, "0.9999": 0.0456}
    way = replace(way, uplink=uplink, total=long)
    written = io.StringIO()
    Console(width=80, file=written).print(waterfall([way], 80))
    text = written.getvalue()
    assert "…" not in text
    assert all(name in text for name, _ in way.hops)
    assert all(f"{value * 1000:.3g} ms" in text for value in long.values())
    assert max(map(len, text.splitlines())) <= 80


def test_without_samples_there_are_no_ways() -> None:
    assert paths("") == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0000125, "12.5 µs"), (0.0345, "34.5 ms"), (2.5, "2.5 s")]
)
def test_times_have_three_digits_and_a_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_gateway_that_is_not_there_is_told(tmp_path: Path) -> None:
    project = cloud_project(tmp_path, "")
    with pytest.raises(UsageError, match=r"metrics.port = 0: expected a fixed port"):
        scrape(project, None)
    with pytest.raises(UsageError, match="expected http://HOST"):
        scrape(project, "file:///etc/passwd")
    with pytest.raises(HostError, match="no gateway answers"):
        scrape(project, "http://127.0.0.1:1/metrics")
