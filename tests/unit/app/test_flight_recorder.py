"""The report of a fault: its place, the values of the scan, what led to it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runtime.app.flight_recorder import FlightRecorder
from runtime.cli.main import app
from runtime.engine.scan import Ending
from runtime.errors import ProjectError
from runtime.image.commands import Commands
from tests.support.plants import MS, Plant

SOURCE = """
VAR_GLOBAL Sensor AT %IB0 : USINT; Total : DINT; END_VAR
PROGRAM Divider
VAR_EXTERNAL Sensor : USINT; Total : DINT; END_VAR
VAR Left : DINT := 6; Part : DINT; END_VAR
Left := Left - 1;
Total := Total + Sensor;
Part := 60 / Left;
END_PROGRAM
PROGRAM Idle VAR N : DINT; END_VAR N := N + 1; END_PROGRAM
"""
TOML = """
[recorder]
cycles = 4
variables = ["divider.left", "TOTAL"]
[[task]]
name = "Work"
interval = "1ms"
programs = ["Divider"]
[[task]]
name = "Idle"
interval = "1ms"
priority = 2
programs = ["Idle"]
"""
FAULT_LINE = 1 + SOURCE.splitlines().index("Part := 60 / Left;")


@pytest.fixture
def faulted(tmp_path: Path) -> tuple[FlightRecorder, Plant]:
    plant = Plant(tmp_path / "p", SOURCE, TOML)
    recorder = FlightRecorder(plant.project, plant.program, plant.engine)
    symbol = plant.program.symbol("TOTAL")
    assert symbol is not None
    ending = Ending.STOPPED
    for number in range(6):
        plant.engine.memory.poke(plant.program.inputs.offset, bytes([number]))
        if number == 4:
            Commands(plant.image).write(symbol, 100)
        plant.engine.step(1, number * MS, plant.task("Idle"))
        ending = plant.engine.step(1, number * MS, plant.task("Work"))
    assert ending is Ending.FAULTED
    return recorder, plant


def test_a_report_names_the_line_and_the_values_of_the_scan(
    faulted: tuple[FlightRecorder, Plant],
) -> None:
    recorder, _ = faulted
    (fault,) = recorder.fresh_faults()
    file = recorder.write(fault, wall_ns=5_000_000_000)
    assert file is not None
    assert file.name == "5-Work-6.json"
    report = json.loads(file.read_text())
    assert report["fault"] == {
        "kind": "division-by-zero", "task": "Work", "cycle": 6,
        "file": "plant.st", "line": FAULT_LINE, "source": "Part := 60 / Left;",
        "routine": "Divider", "instance": "DIVIDER", "cause": "", "limit": "",
        "calls": [{
            "routine": "Divider", "name": "", "file": "plant.st", "line": FAULT_LINE, "column": 0,
            "instance": "DIVIDER", "source": "Part := 60 / Left;",
        }],
    }  # fmt: skip
    assert report["named"] == {"DIVIDER.PART": 60, "DIVIDER.LEFT": 0}
    assert report["values"]["DIVIDER.LEFT"] == 0
    assert report["values"]["TOTAL"] == 109  # what the scan had made of it, though not committed


def test_a_report_tells_of_the_last_scans_in_their_order(
    faulted: tuple[FlightRecorder, Plant],
) -> None:
    recorder, _ = faulted
    (fault,) = recorder.fresh_faults()
    scans = json.loads(json.dumps(recorder.report(fault, 0)["scans"]))
    assert [(item["what"], item["task"], item["cycle"]) for item in scans] == [
        ("take", "Idle", 5), ("commit", "Idle", 5),
        ("command", "Work", 5), ("take", "Work", 5), ("commit", "Work", 5),
        ("take", "Idle", 6), ("commit", "Idle", 6),
        ("take", "Work", 6), ("commit", "Work", 6),
    ]  # fmt: skip
    assert scans[-1]["faulted"] is True
    assert scans[-1]["values"] == {"DIVIDER.LEFT": 0, "TOTAL": 109}
    assert scans[4]["values"] == {"DIVIDER.LEFT": 1, "TOTAL": 104}
    assert scans[5]["inputs"].startswith("05")


def test_a_commit_tells_the_variables_that_its_task_reads_or_writes(
    faulted: tuple[FlightRecorder, Plant],
) -> None:
    recorder, _ = faulted
    (fault,) = recorder.fresh_faults()
    scans = json.loads(json.dumps(recorder.report(fault, 0)["scans"]))
    idle = [item for item in scans if item["what"] == "commit" and item["task"] == "Idle"]
    assert [item["values"] for item in idle] == [{}, {}], "it knows of neither"


def test_each_fault_is_fresh_once(faulted: tuple[FlightRecorder, Plant]) -> None:
    recorder, _ = faulted
    assert len(recorder.fresh_faults()) == 1
    assert recorder.fresh_faults() == ()


def test_a_report_tells_commands_by_name(faulted: tuple[FlightRecorder, Plant]) -> None:
    recorder, _ = faulted
    (fault,) = recorder.fresh_faults()
    scans = json.loads(json.dumps(recorder.report(fault, 0)["scans"]))
    told = [item for item in scans if item["what"] == "command"]
    assert [(item["command"], item["path"], item["value"]) for item in told] == [
        ("write", "TOTAL", 100)
    ]


def test_what_a_task_does_not_exchange_is_told_as_committed(
    faulted: tuple[FlightRecorder, Plant],
) -> None:
    recorder, _ = faulted
    (fault,) = recorder.fresh_faults()
    values = json.loads(json.dumps(recorder.report(fault, 0)["values"]))
    assert (fault.task, values["IDLE.N"]) == ("Work", 6)


def test_the_folder_of_reports_is_made_with_those_above_it(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", SOURCE, TOML.replace("cycles", 'folder = "logs/faults"\ncycles'))
    recorder = FlightRecorder(plant.project, plant.program, plant.engine)
    assert plant.engine.step(6, 0, plant.task("Work")) is Ending.FAULTED
    (fault,) = recorder.fresh_faults()
    file = recorder.write(fault, wall_ns=0)
    assert file == plant.project.folder / "logs" / "faults" / "0-Work-6.json"


def test_a_report_is_printed_by_command(faulted: tuple[FlightRecorder, Plant]) -> None:
    recorder, _ = faulted
    (fault,) = recorder.fresh_faults()
    file = recorder.write(fault, wall_ns=0)
    done = CliRunner().invoke(app, ["report", str(file)])
    assert done.exit_code == 0
    assert f"division-by-zero in Divider at plant.st:{FAULT_LINE}" in done.output
    assert f"  plant.st:{FAULT_LINE}  Divider  Part := 60 / Left;\n" in done.output
    assert "instance DIVIDER, task Work, cycle 6" in done.output
    assert "  DIVIDER.LEFT = 0\n" in done.output
    assert "FAULTS  DIVIDER.LEFT = 0  TOTAL = 109" in done.output
    assert "  IDLE.N = " in done.output


INSIDE = """
FUNCTION Share : DINT VAR_INPUT Parts : DINT; END_VAR
Share := 60 / Parts;
END_FUNCTION
FUNCTION_BLOCK Part
VAR_INPUT Limit : DINT; END_VAR
VAR Turn : DINT; X : DINT; END_VAR
Turn := Turn + 1;
X := Share(Limit - Turn);
END_FUNCTION_BLOCK
PROGRAM Divider
VAR Parts : ARRAY [1..3] OF Part; N : DINT; Trouble : DINT := 3; END_VAR
FOR N := 1 TO 3 DO
Parts[N](Limit := N + 1 + Trouble);
END_FOR
N := Share(Trouble);
END_PROGRAM
PROGRAM Idle VAR Z : Part; END_VAR Z(Limit := 9); END_PROGRAM
"""


def test_tasks_tell_of_their_own_way_and_again_after_a_hot_restart(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", INSIDE, TOML.replace('["divider.left", "TOTAL"]', "[]"))
    for number in range(6):
        plant.engine.step(1, number * MS, plant.task("Work"))
    for number in range(12):
        plant.engine.step(1, number * MS, plant.task("Idle"))
    work, idle = plant.engine.faults
    assert (work.chain.instance, idle.chain.instance) == ("DIVIDER.PARTS[1]", "IDLE.Z")
    assert str(work.chain) == "Divider line 14 -> Parts[1] (Part) line 9 -> Share line 3"
    assert str(idle.chain) == "Idle line 18 -> Z (Part) line 9 -> Share line 3"
    state = bytearray(plant.program.initial_state)
    trouble = plant.program.symbol("DIVIDER.TROUBLE")
    assert trouble is not None
    state[trouble.offset : trouble.offset + 4] = bytes(4)
    engine = plant.engine.again(replace(plant.program, initial_state=bytes(state)), whole=False)
    assert engine.step(1, 20 * MS, plant.task("Work")) is Ending.FAULTED
    assert str(engine.faults[0].chain) == "Divider line 16 -> Share line 3"
    assert engine.faults[0].chain.instance == "DIVIDER"


def test_the_newest_report_of_a_project_is_printed(faulted: tuple[FlightRecorder, Plant]) -> None:
    recorder, plant = faulted
    folder = str(plant.project.folder)
    none_yet = CliRunner().invoke(app, ["report", folder])
    assert "no report of a fault is kept there" in str(none_yet.exception)
    (fault,) = recorder.fresh_faults()
    file = recorder.write(fault, wall_ns=0)
    done = CliRunner().invoke(app, ["report", folder])
    assert done.exit_code == 0
    assert str(file) in done.output


def test_an_unknown_variable_is_a_fault_of_the_project_file(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", SOURCE, TOML.replace("TOTAL", "NOWHERE.X"))
    with pytest.raises(ProjectError, match=r"recorder\.variables\[1\] = 'NOWHERE\.X'"):
        FlightRecorder(plant.project, plant.program, plant.engine)


def test_a_bit_is_recorded_by_its_path(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", SOURCE, TOML.replace('"TOTAL"', '"total.2"'))
    recorder = FlightRecorder(plant.project, plant.program, plant.engine)
    for number in range(6):
        plant.engine.memory.poke(plant.program.inputs.offset, bytes([number]))
        ending = plant.engine.step(1, number * MS, plant.task("Work"))
        if ending is Ending.FAULTED:
            break
    (fault,) = recorder.fresh_faults()
    values = recorder.report(fault, 0)["values"]
    scans = json.loads(json.dumps(recorder.report(fault, 0)["scans"]))
    assert isinstance(values, dict)
    assert scans[-1]["values"]["TOTAL.2"] is bool(values["TOTAL"] & 4)
