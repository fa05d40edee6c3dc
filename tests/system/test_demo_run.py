"""`takt run`: both halves under the supervisor, from the command line."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.app.demo_project import DemoProject, copy_project
from runtime.app.monitor import Monitor
from runtime.image.segment import image_path
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

TAKT = (sys.executable, "-m", "runtime")


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DemoProject:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    return copy_project(folder, "run", keep_ports=False)


@pytest.fixture
def running(demo: DemoProject) -> Iterator[subprocess.Popen[str]]:
    command = [*TAKT, "run", str(demo.project.folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_project_runs_until_sigterm_and_logs_lines_of_json(
    demo: DemoProject, running: subprocess.Popen[str]
) -> None:
    monitor = Monitor(image_path(demo.name), (), lambda: 0)
    wait_until(monitor.observe, 30, "the first scan")
    monitor.close()
    running.send_signal(signal.SIGTERM)
    _, log = running.communicate(timeout=30)
    assert running.returncode == 0, log
    entries = [json.loads(line) for line in log.splitlines()]
    stopped = [entry["child"] for entry in entries if entry["message"] == "stopped"
               and "child" in entry]  # fmt: skip
    assert stopped == ["runtime", "gateway"]


def test_a_project_runs_for_the_seconds_asked_for(demo: DemoProject) -> None:
    command = [*TAKT, "run", str(demo.project.folder), "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_program_that_does_not_compile_ends_the_whole_with_its_diagnostics(
    demo: DemoProject,
) -> None:
    (demo.project.folder / "main.st").write_text("PROGRAM Main\nx := 1;\nEND_PROGRAM\n")
    command = [*TAKT, "run", str(demo.project.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "main.st:2:1: error" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("main.st:2:1: error") == 1, "it is not tried again"


def test_the_faults_of_a_project_are_listed_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "takt.toml").write_text(
        '[project]\nname = "p"\nsources = ["main.st"]\ncolour = 1\n'
    )
    command = [*TAKT, "run", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "2 faults" in done.stderr
    assert "started" not in done.stderr
