"""When tasks run: events, freewheeling, offsets; what ends them: faults, watchdogs, policies."""

from pathlib import Path

import pytest

from runtime.artifact.abi import FaultKind
from runtime.engine import plan
from runtime.engine.scan import Ending
from runtime.image.layout import Mode
from tests.support.plants import MS, Plant
from tests.support.waiting import wait_until

PATIENCE_S = 30.0


def task(name: str, *keys: str, program: str = "") -> str:
    lines = "\n".join(keys)
    return f'[[task]]\nname = "{name}"\n{lines}\nprograms = ["{program or name}"]\n'


SIGNAL = """
VAR_GLOBAL Go : BOOL; Runs : DINT; END_VAR
PROGRAM Source
VAR_EXTERNAL Go : BOOL; END_VAR
VAR N : DINT; END_VAR
N := N + 1;
Go := N MOD 4 = 2;
END_PROGRAM
PROGRAM Taker
VAR_EXTERNAL Runs : DINT; END_VAR
Runs := Runs + 1;
END_PROGRAM
"""
ON_EDGE = task("Source", 'interval = "2ms"') + task("Taker", 'single = "Go"', "priority = 2")


def test_an_event_task_is_released_by_the_commit_that_raises_its_variable(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", SIGNAL, ON_EDGE)
    with plant.running():
        wait_until(lambda: plant.statistics("Source").scans >= 41, PATIENCE_S, "41 scans")
    edges = (plant.statistics("Source").scans + 2) // 4
    runs = plant.value("RUNS")
    assert isinstance(runs, int)
    assert edges - 1 <= runs <= edges


def test_an_edge_while_one_is_pending_is_counted_as_lost(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", SIGNAL, ON_EDGE)
    plant.engine.step(12, 0, plant.task("Source"))  # edges in scans 2, 6 and 10
    assert plant.statistics("Taker").lost_edges == 2
    assert plant.statistics("Source").lost_edges == 0


def test_an_event_is_looked_for_in_the_inputs_every_base_cycle(tmp_path: Path) -> None:
    source = SIGNAL.replace("VAR_GLOBAL Go : BOOL;", "VAR_GLOBAL Go AT %IX0.0 : BOOL;").replace(
        "Go := N MOD 4 = 2;", ""
    )
    toml = '[runtime]\nbase = "1ms"\n' + task("Taker", 'single = "Go"')
    plant = Plant(tmp_path / "p", source, toml)
    with plant.running():
        assert plant.statistics("Taker").scans == 0
        plant.engine.memory.poke(plant.program.inputs.offset, b"\x01")
        wait_until(lambda: plant.statistics("Taker").scans == 1, PATIENCE_S, "the event's scan")


def test_a_freewheeling_task_runs_again_after_its_pause(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", SIGNAL, task("Source", 'pause = "1ms"'))
    with plant.running():
        wait_until(lambda: plant.statistics("Source").scans >= 20, PATIENCE_S, "20 scans")
    assert plant.statistics("Source").overruns == 0


def test_an_offset_moves_the_releases_of_a_task(tmp_path: Path) -> None:
    toml = task("Source", 'interval = "10ms"') + task(
        "Taker", 'interval = "20ms"', 'offset = "3ms"'
    )
    plant = Plant(tmp_path / "p", SIGNAL, toml)
    with plant.running():
        wait_until(lambda: plant.statistics("Source").scans >= 2, PATIENCE_S, "2 scans")
        wait_until(lambda: plant.statistics("Taker").scans >= 2, PATIENCE_S, "2 scans")
    releases = [plant.engine.memory.job_word(number, plan.JOB_RELEASE_NS) for number in range(2)]
    first, second = (release - plant.engine.memory.word(plan.PLC_ORIGIN_NS) for release in releases)
    assert first % (10 * MS) == 0
    assert second % (20 * MS) == 3 * MS


def test_a_program_without_a_task_runs_in_the_base_cycle(tmp_path: Path) -> None:
    source = (
        SIGNAL
        + """
    CONFIGURATION C
      TASK T(INTERVAL := T#4ms, PRIORITY := 3);
      PROGRAM A WITH T : Source;
      PROGRAM B : Taker;
    END_CONFIGURATION
    """
    )
    plant = Plant(tmp_path / "p", source, '[runtime]\nbase = "2ms"\n')
    assert [item.interval_ns for item in plant.engine.settings] == [4 * MS, 2 * MS]
    with plant.running():
        wait_until(lambda: plant.value("RUNS") != 0, PATIENCE_S, "a base cycle")


def test_iec_priorities_become_fifo_priorities_in_their_order(tmp_path: Path) -> None:
    toml = task("Source", 'interval = "2ms"', "priority = 30") + task(
        "Taker", 'interval = "2ms"', "priority = 7", "cpu = 0"
    )
    plant = Plant(tmp_path / "p", SIGNAL, toml)
    settings = {item.name: item for item in plant.engine.settings}
    assert settings["Taker"].fifo_priority == 80
    assert settings["Source"].fifo_priority == 79
    assert (settings["Taker"].cpu, settings["Source"].cpu) == (0, None)


def test_a_resource_s_tasks_run_on_its_processor(tmp_path: Path) -> None:
    source = (
        SIGNAL
        + """
    CONFIGURATION C
      RESOURCE Left ON CPU
        TASK T(INTERVAL := T#4ms, PRIORITY := 3);
        PROGRAM A WITH T : Source;
      END_RESOURCE
      RESOURCE Right ON CPU
        TASK U(INTERVAL := T#4ms, PRIORITY := 4);
        PROGRAM B WITH U : Taker;
      END_RESOURCE
    END_CONFIGURATION
    """
    )
    plant = Plant(tmp_path / "p", source, '[[resource]]\nname = "Right"\ncpu = 1\n')
    assert [item.cpu for item in plant.engine.settings] == [None, 1]


# -- faults ---------------------------------------------------------------------------------------

BROKEN = """
VAR_GLOBAL X AT %QB0 : USINT; Y AT %QB1 : USINT; N : DINT; END_VAR
PROGRAM Broken
VAR_EXTERNAL X : USINT; N : DINT; END_VAR
VAR D : DINT := 5; Q : DINT; END_VAR
N := N + 1;
X := 11;
D := D - 1;
Q := 10 / D;
END_PROGRAM
PROGRAM Sound
VAR_EXTERNAL Y : USINT; END_VAR
Y := 22;
END_PROGRAM
"""
DEVICE = """
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "127.0.0.1"
"""


def broken(folder: Path, stop: str) -> Plant:
    toml = task("Broken", 'interval = "2ms"', f'stop = "{stop}"') + task(
        "Sound", 'interval = "2ms"', "priority = 2"
    )
    return Plant(folder, BROKEN, toml)


def test_a_fault_stops_all_tasks_where_it_is_said_so(tmp_path: Path) -> None:
    plant = broken(tmp_path / "p", "all")
    with plant.running():
        wait_until(lambda: plant.image.mode is Mode.FAULTED, PATIENCE_S, "the fault")
        wait_until(lambda: len(plant.endings) == 2, PATIENCE_S, "the end of both tasks")
    assert set(plant.endings.values()) == {Ending.FAULTED}
    assert plant.outputs.safe
    assert plant.statistics("Broken").fault is FaultKind.ZERO_DIVISION
    assert plant.statistics("Sound").fault is FaultKind.NONE
    (fault,) = plant.engine.faults
    assert (fault.task, fault.cycle) == ("Broken", 5)


def test_a_fault_may_stop_its_task_alone_and_makes_its_outputs_safe(tmp_path: Path) -> None:
    plant = broken(tmp_path / "p", "task")
    with plant.running():
        wait_until(lambda: len(plant.endings) == 1, PATIENCE_S, "the end of the task")
        before = plant.statistics("Sound").scans
        wait_until(lambda: plant.statistics("Sound").scans > before + 5, PATIENCE_S, "5 more")
        outputs, mode = plant.outputs, plant.image.mode
    assert not outputs.safe
    assert outputs.area[:2] == bytes([0, 22])
    assert mode is Mode.RUNNING
    assert plant.endings == {"Broken": Ending.FAULTED, "Sound": Ending.STOPPED}


def test_a_scan_that_faults_commits_nothing(tmp_path: Path) -> None:
    plant = broken(tmp_path / "p", "task")
    assert plant.engine.step(10, 0, plant.task("Broken")) is Ending.FAULTED
    assert plant.value("N") == 4
    assert plant.value("N", plant.engine.memory.private(plant.task("Broken"))) == 5


ENDLESS = """
VAR_GLOBAL N : DINT; END_VAR
PROGRAM Slow
VAR_EXTERNAL N : DINT; END_VAR
VAR I : DINT; X : LREAL := 2.0; END_VAR
N := N + 1;
WHILE I < 1000000000 DO
  I := I + 1;
  X := SQRT(X + 1.0);
END_WHILE;
END_PROGRAM
"""


def test_the_watchdog_ends_a_loop_that_takes_too_long(tmp_path: Path) -> None:
    toml = task("Slow", 'interval = "1s"', 'watchdog = "5ms"')
    plant = Plant(tmp_path / "p", ENDLESS, toml)
    with plant.running():
        wait_until(lambda: plant.image.mode is Mode.FAULTED, PATIENCE_S, "the watchdog's fault")
    fault = plant.engine.fault
    assert fault is not None
    assert fault.kind is FaultKind.WATCHDOG
    assert plant.statistics("Slow").execution.copy().max_ns > 5 * MS


def test_a_fault_of_no_one_line_tells_the_time_that_was_exceeded(tmp_path: Path) -> None:
    turns = 200_000  # far more than 100 µs, far less than a look of the watchdog's thread
    toml = task("Slow", 'interval = "1s"', 'watchdog = "0.1ms"', "overruns = 1")
    plant = Plant(tmp_path / "p", ENDLESS.replace("1000000000", str(turns)), toml)
    plant.engine.watchdog = None
    with plant.running():
        wait_until(lambda: plant.image.mode is Mode.FAULTED, PATIENCE_S, "the watchdog's fault")
    assert str(plant.engine.fault) == "watchdog after more than 0.1 ms in cycle 1"


STUCK = """
VAR_GLOBAL I, N : DINT; X : LREAL := 2.0; END_VAR
FUNCTION_BLOCK Slowly
VAR_EXTERNAL X : LREAL; END_VAR
X := LN(EXP(SIN(X) + COS(X)) + EXP(SIN(X)));
END_FUNCTION_BLOCK
PROGRAM Slow
VAR_EXTERNAL I, N : DINT; X : LREAL; END_VAR
VAR Worker : Slowly; END_VAR
{}
END_PROGRAM
"""
SLOWLY = "X := LN(EXP(SIN(X) + COS(X)) + EXP(SIN(X)));"


@pytest.mark.parametrize(
    "body",
    [
        f"FOR I := 1 TO 19000000 DO {SLOWLY} END_FOR;",
        f"FOR I := 1 TO 19000000 DO {SLOWLY} IF X = 7.5 THEN EXIT; END_IF; END_FOR;",
        f"FOR N := 1 TO 4000 DO FOR I := N TO N + 4000 DO {SLOWLY} END_FOR; END_FOR;",
        f"WHILE X < 100.0 DO I := I + 1; {SLOWLY} END_WHILE;",
        "REPEAT I := I + 1; Worker(); UNTIL X > 100.0 END_REPEAT;",
        "again: LD I\nADD 1\nST I\nLD X\nSIN\nCOS\nLN\nEXP\nST X\nJMP again",
    ],
    ids=["counted", "left", "nested", "while", "block", "jump"],
)
def test_the_watchdog_ends_a_loop_in_the_middle(tmp_path: Path, body: str) -> None:
    toml = task("Slow", 'interval = "1s"', 'watchdog = "5ms"')
    plant = Plant(tmp_path / "p", STUCK.format(body), toml)
    with plant.running():
        wait_until(lambda: plant.image.mode is Mode.FAULTED, PATIENCE_S, "the watchdog's fault")
    assert plant.engine.fault is not None
    assert str(plant.engine.fault).startswith("watchdog in Slow at ")
    state = plant.engine.memory.private(plant.task("Slow"))
    turns, outer = plant.value("I", state), plant.value("N", state)
    assert isinstance(turns, int)
    assert isinstance(outer, int)
    assert 0 < turns < 19_000_000
    assert outer < 4000, "nothing but the watchdog ends it before"


def test_the_scan_after_too_many_overruns_in_a_row_is_the_watchdog_s_fault(tmp_path: Path) -> None:
    source = ENDLESS.replace("1000000000", "1000000")
    source = source.replace("VAR I : DINT;", "VAR_TEMP I : DINT; END_VAR VAR")
    toml = task("Slow", 'interval = "100us"', "overruns = 3")
    plant = Plant(tmp_path / "p", source, toml)
    with plant.running():
        wait_until(lambda: plant.image.mode is Mode.FAULTED, PATIENCE_S, "the watchdog's fault")
    assert plant.statistics("Slow").scans == 4
    assert plant.statistics("Slow").fault is FaultKind.WATCHDOG
    assert str(plant.engine.fault) == "watchdog after 3 overruns in a row in cycle 4"
