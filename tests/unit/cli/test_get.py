"""`takt get`: variables of a running project on the terminal."""

import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from runtime.app.monitor import RUNTIME_SILENT_NS
from runtime.cli.main import app
from runtime.errors import TaktError
from runtime.image.segment import image_path
from tests.support.plants import Plant

SOURCE = """
TYPE Pair : STRUCT a : INT := 3; b : ARRAY [1..2] OF REAL; END_STRUCT; END_TYPE
PROGRAM Main VAR n : DINT; name : STRING := 'a "b"'; pair : Pair; END_VAR n := n + 1; END_PROGRAM
"""
TOML = '[[task]]\nname = "Main"\ninterval = "1ms"\nprograms = ["Main"]\n'


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    folder = tmp_path / "p"
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(folder))
    plant = Plant(folder, SOURCE, TOML)
    plant.image.runtime_heartbeat_ns = time.monotonic_ns()
    os.link(folder / "plant.image", image_path("plant"))
    return plant


def get(plant: Plant, *names: str) -> Result:
    return CliRunner().invoke(app, ["get", str(plant.project.folder), *names])


def test_variables_are_printed_as_json_a_line_each(plant: Plant) -> None:
    plant.engine.step(2, 0)
    done = get(plant, "main.N", "Main.Name", "Main.Pair", "Main.Pair.B[2]", "Main.N.1")
    assert done.stdout.splitlines() == [
        "MAIN.N = 2",
        'MAIN.NAME = "a \\"b\\""',
        'MAIN.PAIR = {"A": 3, "B": [0.0, 0.0]}',
        "MAIN.PAIR.B[2] = 0.0",
        "MAIN.N.1 = true",
    ]
    assert (done.exit_code, done.stderr) == (0, "")


def test_a_name_that_is_none_and_a_program_without_a_scan_are_told(plant: Plant) -> None:
    done = get(plant, "Main.N")
    assert str(done.exception) == "plant: its runtime has not scanned yet"
    plant.engine.step(1, 0)
    done = get(plant, "Main.M")
    assert isinstance(done.exception, TaktError)
    assert "Main.M" in str(done.exception)


def test_values_of_a_runtime_that_is_gone_are_told_to_be_old(plant: Plant) -> None:
    plant.engine.step(3, 0)
    plant.image.runtime_heartbeat_ns = time.monotonic_ns() - 2 * RUNTIME_SILENT_NS
    done = get(plant, "Main.N")
    assert done.stdout == "MAIN.N = 3\n"
    assert done.stderr == (
        "plant: its runtime shows no sign of life; these are of its last scan, cycle 3\n"
    )
