"""Nothing is started where the project or its ports are at fault."""

import socket
from pathlib import Path

import pytest

from runtime.app.launch import halves, run_project
from runtime.app.ports import free_ports, require_free
from runtime.errors import HostError, ProjectError

PROJECT = """[project]
name = "p"
sources = ["*.st"]
[[task]]
name = "T"
interval = "10ms"
programs = ["Main"]
[metrics]
port = {port}
"""


def test_a_project_with_faults_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "takt.toml").write_text("[project]\nname = 5\n")
    with pytest.raises(ProjectError, match=r"project\.name = 5"):
        run_project(tmp_path, 1.0)


def test_a_metrics_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "main.st").write_text("PROGRAM Main\nEND_PROGRAM\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "takt.toml").write_text(PROJECT.format(port=port))
        with pytest.raises(HostError, match=rf"metrics\.port = 127\.0\.0\.1:{port}.*free TCP port"):
            run_project(tmp_path, 1.0)


def test_free_ports_differ_and_are_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        require_free("a port", "127.0.0.1", port)


def test_the_gateway_starts_before_the_runtime_so_that_it_stops_after_it() -> None:
    assert [command.name for command in halves(Path("p"))] == ["gateway", "runtime"]


def test_the_record_is_the_runtimes_business() -> None:
    gateway, runtime = halves(Path("p"), record=Path("run.rec"))
    assert "--record" not in gateway.arguments
    assert runtime.arguments[-2:] == ("--record", "run.rec")
