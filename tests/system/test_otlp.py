"""The metrics of a running project at a real receiver of OTLP, encrypted, beside /metrics."""

import secrets
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.brokers import free_port, mosquitto
from tests.support.certificates import make_certificates
from tests.support.gateway_processes import PATIENCE_S, gateway, runtime_half
from tests.support.otlp_collector import Collector, collector
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system
SOURCE = "PROGRAM Main\nVAR Count : DINT; END_VAR\nCount := Count + 1;\nEND_PROGRAM\n"
TOML = """
[project]
name = "plant"
[[task]]
name = "Main"
interval = "10ms"
programs = ["Main"]
[metrics]
port = {metrics}
[[publish]]
variables = ["*"]
[[uplink]]
name = "cloud"
kind = "mqtt"
port = {broker}
[opentelemetry]
endpoint = "{collector}"
interval = "1s"
tls = {{ ca = "ca.pem" }}
[[opentelemetry.header]]
name = "Authorization"
value_file = "token"
"""
SECRET = f"Bearer {secrets.token_hex(8)}"


def write_project(folder: Path, **values: object) -> Path:
    (folder / "main.st").write_text(SOURCE)
    (folder / "takt.toml").write_text(TOML.format(**values))
    (folder / "token").write_text(SECRET + "\n")
    (folder / "token").chmod(0o600)
    return folder


def acknowledged(found: Collector) -> int:
    """Return how many samples the collector knows to be acknowledged."""
    if not found.requests or "takt_uplink_hop_seconds" not in found.metrics():
        return 0
    points = found.metrics()["takt_uplink_hop_seconds"].histogram.data_points
    return sum(
        point.count
        for point in points
        if {"hop": "total", "lane": "live"}.items()
        <= {item.key: item.value.string_value for item in point.attributes}.items()
    )


def test_hops_tasks_and_links_reach_a_collector_under_the_names_of_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    project, port = tmp_path / "project", free_port()
    with mosquitto(tmp_path / "broker") as broker:
        make_certificates(project)
        with collector(project) as found:
            write_project(project, metrics=port, broker=broker.port, collector=found.url)
            with runtime_half(tmp_path, project), gateway(tmp_path, "run", str(project)) as running:
                wait_until(lambda: acknowledged(found) > 10, PATIENCE_S, "samples at the collector")
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                    text = answer.read().decode()
                assert running.end() == 0
            metrics, headers = found.metrics(), found.headers
    shown = {family.name for family in text_string_to_metric_families(text) if family.samples}
    assert set(metrics) <= shown
    assert {"takt_scan_lateness_seconds", "takt_scans", "takt_hop_seconds"} <= set(metrics)
    (lateness,) = metrics["takt_scan_lateness_seconds"].histogram.data_points
    (scans,) = metrics["takt_scans"].sum.data_points
    assert lateness.count == sum(lateness.bucket_counts) > 10
    assert abs(scans.as_double - lateness.count) <= 1
    assert headers[0]["authorization"] == SECRET
    assert SECRET not in running.messages() + text
    assert 'takt_otlp_pushes_total{outcome="failed"} 0.0' in text
