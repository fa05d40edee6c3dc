"""`takt put`: how a value on the command line is understood; who takes no commands."""

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runtime.app.monitor import RUNTIME_SILENT_NS
from runtime.artifact.program import Symbol
from runtime.cli.main import app
from runtime.cli.put import parse_value, why_standing
from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.scalars import enumeration, subrange
from runtime.engine.scan import Ending
from runtime.errors import UsageError
from runtime.image.commands import Commands
from runtime.image.layout import Mode
from tests.support.plants import Plant


def variable(kind: str) -> Symbol:
    return Symbol("MAIN.X", 64, ELEMENTARY[kind])


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("BOOL", "true", True), ("BOOL", "TRUE", True), ("BOOL", "False", False),
        ("INT", "-7", -7), ("LREAL", "2.5", 2.5), ("LREAL", "3", 3),
    ],
)  # fmt: skip
def test_a_value_is_read_as_json_or_as_st_writes_it(kind: str, text: str, expected: object) -> None:
    assert parse_value(variable(kind), text) == expected


@pytest.mark.parametrize(
    ("kind", "text"), [("BOOL", "yes"), ("INT", "TRUE"), ("INT", "40000"), ("LREAL", "much")]
)
def test_a_value_that_does_not_fit_is_refused_by_name(kind: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"MAIN.X = {text}: expected"):
        parse_value(variable(kind), text)


def test_values_outside_of_a_subrange_or_an_enumeration_are_refused() -> None:
    level = Symbol("MAIN.X", 64, subrange(ELEMENTARY["INT"], 1, 9))
    assert parse_value(level, "9") == 9
    with pytest.raises(UsageError, match=r"MAIN\.X = 10: expected a whole number from 1 to 9"):
        parse_value(level, "10")
    mode = Symbol("MAIN.X", 64, enumeration("MODE", ELEMENTARY["INT"], (("OFF", 0), ("ON", 4))))
    assert parse_value(mode, "on") == parse_value(mode, "4") == 4
    with pytest.raises(UsageError, match=r"MAIN\.X = 1: expected one of OFF, ON"):
        parse_value(mode, "1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-5",), "no process image"),
        (("-1e3", "--force"), "no process image"),
        (("5", "--forse"), "unexpected extra argument"),
        (("--forse",), "--forse: expected a value"),
        (("--release",), "no process image"),
    ],
)
def test_a_negative_value_is_no_option(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    (tmp_path / "main.st").write_text("PROGRAM Main END_PROGRAM", encoding="utf-8")
    (tmp_path / "takt.toml").write_text('[project]\nname = "minus"\n', encoding="utf-8")
    done = CliRunner().invoke(app, ["put", str(tmp_path), "MAIN.X", *words])
    assert done.exit_code != 0
    assert said in f"{done.stderr} {done.exception}"


SOURCE = """
PROGRAM Work VAR N : DINT; Divisor : DINT := 1; END_VAR N := 10 / Divisor; END_PROGRAM
PROGRAM Idle VAR N : DINT; END_VAR N := N + 1; END_PROGRAM
"""
TOML = """
[[task]]
name = "Work"
interval = "1ms"
stop = "task"
programs = ["Work"]
[[task]]
name = "Idle"
interval = "1ms"
priority = 2
programs = ["Idle"]
"""


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    plant = Plant(tmp_path / "p", SOURCE, TOML)
    plant.image.runtime_heartbeat_ns = time.monotonic_ns()
    plant.image.mode = Mode.RUNNING
    return plant


def test_a_task_that_runs_takes_commands(plant: Plant) -> None:
    plant.engine.step(1, 0, plant.task("Work"))
    assert why_standing(plant.image, plant.task("Work")) is None


def test_a_command_to_a_task_that_has_faulted_is_refused_at_once(plant: Plant) -> None:
    divisor = plant.program.symbol("WORK.DIVISOR")
    assert divisor is not None
    Commands(plant.image).write(divisor, 0)
    assert plant.engine.step(1, 0, plant.task("Work")) is Ending.FAULTED
    told = why_standing(plant.image, plant.task("Work"))
    assert told == "plant: task Work has faulted; expected a running one (`takt restart`)"
    assert why_standing(plant.image, plant.task("Idle")) is None


def test_a_command_to_a_program_that_stands_is_refused_at_once(plant: Plant) -> None:
    plant.image.mode = Mode.STOPPED
    assert why_standing(plant.image, 0) is None, "it may be about to begin"
    plant.engine.step(1, 0, 0)
    plant.image.mode = Mode.STOPPED
    assert why_standing(plant.image, 0) == "plant is STOPPED: expected RUNNING (`takt start`)"
    plant.image.mode = Mode.FAULTED
    assert why_standing(plant.image, 0) == "plant is FAULTED: expected RUNNING (`takt restart`)"


def test_a_runtime_without_a_sign_of_life_is_told(plant: Plant) -> None:
    plant.image.runtime_heartbeat_ns = time.monotonic_ns() - 2 * RUNTIME_SILENT_NS
    told = why_standing(plant.image, 0)
    assert told is not None
    assert told.endswith("has not begun to scan yet")
    plant.engine.step(1, 0, 0)
    plant.image.runtime_heartbeat_ns = time.monotonic_ns() - 2 * RUNTIME_SILENT_NS
    told = why_standing(plant.image, 0)
    assert told is not None
    assert told.endswith("shows no sign of life")
