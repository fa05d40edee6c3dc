"""`takt retain`: what was saved, out and in again, and a cold start."""

import contextlib
import io
import json
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from runtime.app.retain_tools import start_cold
from runtime.app.retention import Keeper
from runtime.cli.main import main
from runtime.project.load import load_project
from runtime.retain.disk import Lock
from tests.support.retain_project import image_of, loaded, write_project

SOURCE = """
TYPE MODE : (OFF, SLOW, FAST); END_TYPE
FUNCTION_BLOCK COUNTER
VAR RETAIN TOTAL : DINT := 7; END_VAR
VAR PERSISTENT SERIAL : STRING[8] := 'A-1'; END_VAR
VAR OTHER : LREAL; END_VAR
END_FUNCTION_BLOCK
PROGRAM Main
VAR C : ARRAY [1..2] OF COUNTER; END_VAR
VAR RETAIN M : MODE := SLOW; T : ARRAY [0..1, 0..1] OF INT; END_VAR
VAR PERSISTENT L : LREAL := 0.5; END_VAR
END_PROGRAM
"""
VALUES = {
    "MAIN.C": [{"TOTAL": 7, "SERIAL": "A-1"}] * 2,
    "MAIN.M": "SLOW",
    "MAIN.T": [[0, 0], [0, 0]],
    "MAIN.L": 0.5,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project that has run once."""
    project, program = loaded(tmp_path, SOURCE)
    with image_of(project, program, tmp_path) as image, Keeper(project, program, image):
        pass
    return project.folder


def takt(*words: object) -> tuple[object, str, str]:
    """Run a command; return its status and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    status: object = 0
    with (
        patch.object(sys, "argv", ["takt", *map(str, words)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), err.getvalue()


def exported(folder: Path) -> dict[str, object]:
    status, out, _ = takt("retain", "export", folder)
    assert status == 0
    values = json.loads(out)["values"]
    assert isinstance(values, dict)
    return values


def test_show_prints_names_values_and_the_time(folder: Path) -> None:
    status, out, _ = takt("retain", "show", folder)
    first, *lines = out.splitlines()
    assert status == 0
    assert first.startswith("saved 20")
    assert first.endswith("in cycle 0")
    assert 'MAIN.M = "SLOW"' in lines
    assert len(lines) == 4


def test_what_is_exported_can_be_imported(folder: Path, tmp_path: Path) -> None:
    assert exported(folder) == VALUES
    file = tmp_path / "values.json"
    assert takt("retain", "export", folder, "--output", file)[0] == 0
    content = json.loads(file.read_text())
    content["values"]["MAIN.C"][1] = {"TOTAL": -3, "SERIAL": "B-2"}
    content["values"]["MAIN.T"] = [[1, 2], [3, 4]]
    file.write_text(json.dumps(content))
    assert takt("retain", "import", folder, file)[:2] == (0, "4 variables set\n")
    first = {"TOTAL": 7, "SERIAL": "A-1"}
    assert exported(folder) == VALUES | {
        "MAIN.C": [first, {"TOTAL": -3, "SERIAL": "B-2"}],
        "MAIN.T": [[1, 2], [3, 4]],
    }


def test_values_can_be_given_before_the_first_run(tmp_path: Path) -> None:
    folder = write_project(tmp_path, SOURCE)
    file = tmp_path / "values.json"
    file.write_text('{"values": {"main.m": "fast", "Main.L": 2}}')
    assert takt("retain", "import", folder, file)[0] == 0
    assert exported(folder) == VALUES | {"MAIN.M": "FAST", "MAIN.L": 2.0}


def test_all_faults_of_an_import_are_told_and_nothing_is_changed(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "values.json"
    wrong = {
        "MAIN.L": 9.0,
        "MAIN.X": 1,
        "MAIN.M": "FASTER",
        "MAIN.T": [[1, 2]],
        "MAIN.C": [{"TOTAL": 2**40, "WEIGHT": 1}, 5],
    }
    file.write_text(json.dumps({"values": wrong}))
    status, _, err = takt("retain", "import", folder, file)
    assert status == 1
    assert "MAIN.X = 1: expected the name of a retained variable" in err
    assert "MAIN.M = 'FASTER': expected one of OFF, SLOW, FAST" in err
    assert "MAIN.T = a list of 1: expected a list of 2 elements" in err
    assert "MAIN.C[1].WEIGHT = 1: expected one of TOTAL, SERIAL" in err
    assert "MAIN.C[1].TOTAL = 1099511627776: expected a whole number" in err
    assert "MAIN.C[2] = 5: expected an object of TOTAL, SERIAL" in err
    assert exported(folder) == VALUES


@pytest.mark.parametrize("text", ["", "[1]", '{"values": 1}'])
def test_a_file_that_is_no_export_is_refused(folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "values.json").write_text(text)
    status, _, err = takt("retain", "import", folder, tmp_path / "values.json")
    assert status == 2
    assert "values.json: " in err
    assert takt("retain", "import", folder, tmp_path / "absent.json")[0] == 2


def test_the_values_of_one_plc_of_many_are_named_by_its_number(
    folder: Path, tmp_path: Path
) -> None:
    for slot in "ab":
        if (file := folder / "retain" / f"keep.{slot}").exists():
            file.rename(folder / "retain" / f"keep_3.{slot}")
    status, _, err = takt("retain", "show", folder)
    assert status == 2
    assert "project keep has retained values of 1 PLCs: expected --instance with a number" in err
    assert takt("retain", "show", folder, "--instance", "keep_3")[0] == 0
    file = tmp_path / "values.json"
    file.write_text('{"values": {"MAIN.L": 9}}')
    assert takt("retain", "import", folder, file, "--instance", 3)[1] == "1 variable set\n"
    assert "MAIN.L = 9.0" in takt("retain", "show", folder, "--instance", 3)[1].splitlines()
    assert takt("retain", "clear", folder, "--yes", "--instance", 3)[0] == 0
    assert takt("retain", "show", folder, "--instance", 3)[0] == 1


def test_clear_asks_nothing_while_the_project_runs(folder: Path) -> None:
    with Lock(folder / "retain", "keep"), patch.object(sys, "stdin", io.StringIO("y\n")) as typed:
        status, out, _ = takt("retain", "clear", folder)
        assert (status, out, typed.tell()) == (1, "", 0)
    assert exported(folder) == VALUES


def test_clear_forgets_everything_when_told_so(folder: Path) -> None:
    with patch.object(sys, "stdin", io.StringIO("n\n")):
        assert takt("retain", "clear", folder)[0] != 0
    assert exported(folder) == VALUES
    assert takt("retain", "clear", folder, "--yes")[0] == 0
    status, _, err = takt("retain", "show", folder)
    assert status == 1
    assert "no retained values; expected a project that has run" in err


def test_nothing_is_changed_under_a_running_project(folder: Path, tmp_path: Path) -> None:
    project, program = loaded(tmp_path, SOURCE)
    with image_of(project, program, tmp_path) as image, Keeper(project, program, image):
        status, _, err = takt("retain", "clear", folder, "--yes")
        assert (status, "stop the project first" in err) == (1, True)
        assert exported(folder) == VALUES


def test_a_cold_start_keeps_what_is_persistent(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    member = {"TOTAL": 1, "SERIAL": "B-2"}
    file.write_text(json.dumps({"values": {"MAIN.M": "FAST", "MAIN.L": 3, "MAIN.C": [member] * 2}}))
    assert takt("retain", "import", folder, file)[0] == 0
    start_cold(load_project(folder))
    project, program = loaded(tmp_path, SOURCE)
    with image_of(project, program, tmp_path) as image, Keeper(project, program, image):
        pass
    assert exported(folder) == VALUES | {
        "MAIN.L": 3.0, "MAIN.C": [{"TOTAL": 7, "SERIAL": "B-2"}] * 2,
    }  # fmt: skip


def test_a_cold_start_of_a_project_that_never_ran_changes_nothing(tmp_path: Path) -> None:
    folder = write_project(tmp_path, SOURCE)
    start_cold(load_project(folder))
    assert not (folder / "retain").exists()
