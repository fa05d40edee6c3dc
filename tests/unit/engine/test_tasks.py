"""Several tasks: each on a private copy of the state, exchanged at its borders."""

from pathlib import Path

import pytest

from runtime.engine.scan import Ending
from runtime.image.layout import Mode
from tests.support.plants import MS, Plant
from tests.support.waiting import wait_until

PATIENCE_S = 30.0

TWO_TASKS = """
[[task]]
name = "Fast"
interval = "2ms"
priority = 1
programs = ["First"]
[[task]]
name = "Slow"
interval = "5ms"
priority = 2
programs = ["Second"]
"""

PAIR = """
TYPE Pair : STRUCT A : DINT; B : ARRAY [1..50] OF DINT; C : DINT; END_STRUCT; END_TYPE
VAR_GLOBAL P : Pair; Torn : DINT; Seen : DINT; Cells : ARRAY [0..1] OF DINT; END_VAR
PROGRAM First
VAR_EXTERNAL P : Pair; Cells : ARRAY [0..1] OF DINT; END_VAR
VAR N : DINT; I : INT; END_VAR
N := N + 1;
P.A := N;
FOR I := 1 TO 50 DO P.B[I] := N; END_FOR;
P.C := N;
I := 0;
Cells[I] := Cells[I] + 1;
END_PROGRAM
PROGRAM Second
VAR_EXTERNAL P : Pair; Torn : DINT; Seen : DINT; Cells : ARRAY [0..1] OF DINT; END_VAR
VAR I : INT; N : DINT; END_VAR
N := N + 1;
Seen := P.A;
FOR I := 1 TO 50 DO IF P.B[I] <> P.A THEN Torn := Torn + 1; END_IF; END_FOR;
IF P.C <> P.A THEN Torn := Torn + 1; END_IF;
I := 1;
Cells[I] := Cells[I] + 1;
END_PROGRAM
"""


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path / "plant", PAIR, TWO_TASKS)


def test_a_task_sees_what_another_had_committed_at_its_take(plant: Plant) -> None:
    plant.engine.step(3, 0, plant.task("Fast"))
    assert plant.value("SEEN") == 0
    plant.engine.step(1, 10 * MS, plant.task("Slow"))
    assert plant.value("SEEN") == 3
    plant.engine.step(1, 20 * MS, plant.task("Slow"))
    assert plant.value("SEEN") == 3


def test_neighbouring_elements_of_two_tasks_are_both_kept(plant: Plant) -> None:
    for number in range(4):
        for name in ("Fast", "Slow"):
            plant.engine.take(plant.task(name), number * MS)
        for name in ("Slow", "Fast"):
            plant.engine.body(plant.task(name))
        for name in ("Fast", "Slow"):
            plant.engine.commit(plant.task(name))
    assert plant.value("CELLS") == [4, 4]


def test_what_is_written_between_take_and_commit_stays_private(plant: Plant) -> None:
    fast = plant.task("Fast")
    plant.engine.take(fast, 0)
    plant.engine.body(fast)
    assert plant.value("FIRST.N") == 0
    plant.engine.commit(fast)
    assert plant.value("FIRST.N") == 1


def test_takes_and_commits_are_numbered_in_one_sequence(plant: Plant) -> None:
    plant.engine.step(3, 0, plant.task("Fast"))
    plant.engine.step(1, 10 * MS, plant.task("Slow"))
    assert plant.frame.sequence == 8
    assert plant.frame.task == plant.task("Slow")
    assert plant.outputs.task == plant.task("Slow")


def test_in_real_time_no_task_sees_half_a_structure(plant: Plant) -> None:
    with plant.running():
        wait_until(lambda: plant.statistics("Slow").scans >= 40, PATIENCE_S, "40 slow scans")
        wait_until(lambda: plant.statistics("Fast").scans >= 80, PATIENCE_S, "80 fast scans")
    assert plant.value("TORN") == 0
    assert plant.value("CELLS") == [
        plant.statistics("Fast").scans, plant.statistics("Slow").scans,
    ]  # fmt: skip
    assert plant.value("FIRST.N") == plant.statistics("Fast").scans
    assert set(plant.endings.values()) == {Ending.STOPPED}


def test_the_last_task_to_leave_publishes_the_safe_outputs(plant: Plant) -> None:
    with plant.running():
        wait_until(lambda: plant.statistics("Slow").scans >= 2, PATIENCE_S, "2 slow scans")
        before = plant.outputs.safe, plant.image.mode
    assert before == (False, Mode.RUNNING)
    assert (plant.outputs.safe, plant.image.mode) == (True, Mode.STOPPED)
