"""`takt runtime PROJECT`: from ST sources to scans, or to a report of what is wrong with them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.errors import ImageError
from runtime.image.layout import Mode, SectionKind
from runtime.image.payloads import Frame, decode_frame
from runtime.image.segment import attach_image, image_path
from tests.support.runtime_process import PATIENCE_S, ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

PROGRAM = """PROGRAM Main
VAR
    cycles : DINT;
    pulse : TON;
    divisor : DINT := 1;
    quotient : DINT;
END_VAR
cycles := cycles + 1;
pulse(IN := TRUE, PT := T#50ms);
{extra}
quotient := 100 / divisor;
END_PROGRAM
"""
FAULT_LINE = 1 + PROGRAM.replace("{extra}", "").splitlines().index("quotient := 100 / divisor;")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))


def write_project(folder: Path, extra: str = "") -> Path:
    project = folder / "project"
    project.mkdir()
    (project / "main.st").write_text(PROGRAM.replace("{extra}", extra))
    (project / "takt.toml").write_text(
        '[project]\nname = "whole"\n[[task]]\nname = "Fast"\ninterval = "5ms"\n'
        'programs = ["Main"]\n'
    )
    return project


def start(project: Path) -> subprocess.Popen[bytes]:
    with (project / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "runtime", "runtime", str(project)],
            stderr=log,
            cwd=ROOT,
            env=dict(os.environ),
        )


def await_frame(process: subprocess.Popen[bytes], cycle: int) -> Frame:
    """Return a frame of that cycle or a later one, or the one of a fault."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(ImageError), attach_image(image_path("whole")) as image:
            newest = image.ring(SectionKind.FRAME).latest()
            frame = decode_frame(newest.payload) if newest else None
            if frame and (frame.cycle >= cycle or image.mode is Mode.FAULTED):
                return frame
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for cycle {cycle}; status {process.poll()}")


def records(project: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (project / "log").read_text().splitlines()]


def run_to(project: Path, cycle: int) -> Frame:
    process = start(project)
    try:
        frame = await_frame(process, cycle)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait(PATIENCE_S)
    return frame


def test_a_program_counts_its_cycles_and_its_timer_runs_on_release_times(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    process = start(project)
    try:
        frame = await_frame(process, 20)
        with attach_image(image_path("whole")) as image:
            symbols = {symbol.path: symbol for symbol in image.directory.symbols}
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    assert frame.value(symbols["MAIN.CYCLES"]) == frame.cycle
    assert frame.value(symbols["MAIN.PULSE"])["Q"] is True  # type: ignore[call-overload,index]


def test_the_second_start_of_a_project_is_warm(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    run_to(project, 1)
    run_to(project, 1)
    (built,) = (record for record in records(project) if record["message"] == "built")
    assert built["start"] == "warm"


def test_errors_are_shown_with_carets_and_end_with_status_1(tmp_path: Path) -> None:
    project = write_project(tmp_path, extra="cycles := nowhere; pulse.QQ := 1;")
    process = start(project)
    assert process.wait(PATIENCE_S) == 1
    report = (project / "log").read_text()
    assert report.count(": error ") == 2
    assert "^^^^^^^" in report
    assert "Traceback" not in report


def test_a_faulty_project_file_lists_its_faults_and_ends_with_status_1(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    file = project / "takt.toml"
    file.write_text(file.read_text().replace('"5ms"', '"5"') + "colour = 1\n")
    process = start(project)
    assert process.wait(PATIENCE_S) == 1
    assert "2 faults" in (project / "log").read_text()


def test_a_division_by_zero_stops_the_program_and_names_its_line(tmp_path: Path) -> None:
    project = write_project(tmp_path, extra="IF cycles = 10 THEN divisor := 0; END_IF;")
    process = start(project)
    try:
        frame = await_frame(process, 1000)
        assert frame.cycle == 10
        wait_until(
            lambda: any("fault" in str(item["message"]) for item in records(project)),
            PATIENCE_S,
            "the record of the fault",
        )
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 3
    (fault,) = (item for item in records(project) if str(item["message"]).startswith("fault"))
    assert fault["kind"] == "division-by-zero"
    assert str(fault["file"]).endswith("main.st")
    assert fault["line"] == FAULT_LINE
