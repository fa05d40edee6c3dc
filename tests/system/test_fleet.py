"""Many PLCs in one process, from outside: each with its own image, time, values and faults."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.artifact.abi import FaultKind
from runtime.image.layout import Mode
from tests.support.fleet_process import PATIENCE_S, counted, running, scans, write_project
from tests.support.newest import newest_frame, newest_outputs
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

COUNTER = """
PROGRAM Main
VAR n : DINT; out AT %QD0 : DINT; END_VAR
n := n + 1; out := n;
END_PROGRAM
"""
FAULTY = """
FUNCTION Share : DINT VAR_INPUT Parts : DINT; END_VAR
Share := 100 / Parts;
END_FUNCTION
PROGRAM Main
VAR n, x : DINT; out AT %QD0 : DINT; END_VAR
n := n + 1; out := n;
IF n = 5 THEN x := Share(Parts := x); END_IF;
END_PROGRAM
"""


def test_instances_have_an_image_time_and_values_each(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", COUNTER)
    with running(tmp_path, str(project), "--instances", "5", "--pools", "2") as runtime:
        images = [runtime.image(f"press_{number}") for number in range(1, 6)]
        wait_until(lambda: min(map(scans, images)) > 20, PATIENCE_S, "20 scans of each")
        assert {image.mode for image in images} == {Mode.RUNNING}
        assert {image.directory.project for image in images} == {
            f"press_{number}" for number in range(1, 6)
        }
        assert runtime.end() == 0
        assert {image.mode for image in images} == {Mode.STOPPED}
        assert all(counted(image) == scans(image) for image in images)
        assert all(newest_outputs(image).safe for image in images)
    assert list(tmp_path.glob("*.image")) == []
    (stopped,) = runtime.records("stopped")
    assert stopped["plcs"] == 5


def test_one_of_several_plcs_is_commanded_by_its_number(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", COUNTER)
    with running(tmp_path, str(project), "--instances", "3") as runtime:
        images = [runtime.image(f"press_{number}") for number in range(1, 4)]
        wait_until(lambda: min(map(scans, images)) > 0, PATIENCE_S, "a scan of each")
        nobody = runtime.takt(project, "put", "Main.n", "1000000", status=2)
        assert "project press runs as 3 PLCs: expected --instance" in nobody
        runtime.takt(project, "put", "Main.n", "1000000", "--instance", "2")
        assert [int(str(counted(image))) > 1_000_000 for image in images] == [False, True, False]
        look = runtime.takt(project, "top", "--instance", "press_3", "--looks", "1", "--json")
        assert json.loads(look)["image"] == str(images[2].path)
        assert runtime.end() == 0


def test_a_plc_that_faults_stops_alone(tmp_path: Path) -> None:
    good = write_project(tmp_path, "good", COUNTER)
    bad = write_project(tmp_path, "bad", FAULTY)
    with running(tmp_path, str(good), str(bad), "--pools", "1") as runtime:
        healthy, faulted = runtime.image("good"), runtime.image("bad")
        wait_until(lambda: faulted.mode is Mode.FAULTED, PATIENCE_S, "the mode FAULTED")
        wait_until(lambda: runtime.records("fault:"), PATIENCE_S, "the record of the fault")
        before = scans(healthy)
        wait_until(lambda: scans(healthy) > before + 20, PATIENCE_S, "more scans of the other")
        assert newest_frame(faulted).fault is FaultKind.ZERO_DIVISION
        assert newest_outputs(faulted).safe
        assert not newest_outputs(healthy).safe
        assert runtime.end() == 3
    (fault,) = runtime.records("fault:")
    assert (fault["plc"], fault["cycle"], fault["line"]) == ("bad", 5, 3)
    assert fault["calls"] == "Main line 8 -> Share line 3"
    (report,) = (bad / "faults").glob("*-bad-T-5.json")
    told = json.loads(report.read_text())
    assert (told["project"], told["values"]["MAIN.N"]) == ("bad", 5)
    assert [entry["what"] for entry in told["scans"]] == ["take", "commit"] * 5


def test_a_project_that_runs_already_is_refused(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", COUNTER)
    with running(tmp_path, str(project), "--instances", "2") as runtime:
        runtime.image("press_2")
        second = subprocess.run(
            [sys.executable, "-P", "-m", "runtime", "runtime", str(project)],
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            env=os.environ | {"TAKT_IMAGE_DIR": str(tmp_path)},
        )  # fmt: skip
        assert second.returncode == 1
        assert "held by another runtime" in second.stderr
