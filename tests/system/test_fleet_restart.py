"""Orders to single PLCs of a process: each restarts, stops and starts while the others run."""

from pathlib import Path

import pytest

from runtime.app.control import give
from runtime.artifact.abi import FaultKind
from runtime.errors import HostError
from runtime.image.commands import Commands
from runtime.image.layout import Mode, SectionKind
from runtime.image.orders import ALL, Restart, Switch
from runtime.image.payloads import Frame, decode_frame
from runtime.image.segment import Image, image_path
from runtime.image.statistics import TaskStatistics
from runtime.limits import LOOP_BUDGET
from tests.support.fleet_process import PATIENCE_S, running, scans, write_project
from tests.support.newest import newest_frame, newest_outputs
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

INTERVAL_NS = 5_000_000
SOURCE = """
PROGRAM Main
VAR N, D : DINT := 1; Q AT %QD0 : DINT := 7; END_VAR
VAR RETAIN R : DINT := 1; END_VAR
VAR PERSISTENT P : DINT := 1; END_VAR
N := N + 1; R := R + 1; P := P + 1; Q := N;
N := N / D * D;
END_PROGRAM
"""
"""Counters of each kind; D = 0 makes a scan fault when it has written all of them."""
STUCK = """
PROGRAM Main
VAR N, Loops : DINT; Stuck : BOOL; X : LREAL := 2.0; END_VAR
N := N + 1;
WHILE Stuck DO
  Loops := Loops + 1;
  X := LN(EXP(SIN(X) + COS(X)));
END_WHILE;
END_PROGRAM
"""
KEPT = {"cold": "P", "warm": "PR", "hot": "PRN"}


def put(image: Image, path: str, value: int, *, force: bool = False) -> None:
    symbol = next(item for item in image.directory.symbols if item.path == path)
    commands = Commands(image)
    (commands.force if force else commands.write)(symbol, value)


def value(image: Image, path: str, frame: Frame | None = None) -> int:
    symbol = next(item for item in image.directory.symbols if item.path == path)
    found = (frame or newest_frame(image)).value(symbol)
    assert isinstance(found, int)
    return found


def fault(image: Image) -> Frame:
    """Let a PLC divide by zero; return the frame of its last good scan."""
    put(image, "MAIN.D", 0)
    wait_until(lambda: image.mode is Mode.FAULTED, PATIENCE_S, "the fault")
    ring = image.ring(SectionKind.FRAME)
    found = ring.publication(ring.head - 1)
    assert found is not None
    return decode_frame(found.payload)


def await_scans(image: Image, more: int) -> None:
    goal = scans(image) + more
    wait_until(lambda: scans(image) >= goal, PATIENCE_S, f"{more} more scans")


def later_frame(image: Image, cycle: int) -> Frame:
    """Return a frame after a cycle, as soon as there is one."""
    wait_until(lambda: newest_frame(image).cycle > cycle, PATIENCE_S, "a scan")
    return newest_frame(image)


def skipped(image: Image) -> int:
    return TaskStatistics(image.section(SectionKind.TASK_STATISTICS)).skipped


def await_account(image: Image, before: Frame, skipped_before: int) -> None:
    """Wait until each release since a frame has had its scan or its count as a skipped one."""

    def is_complete() -> bool:
        frame, missed = newest_frame(image), skipped(image) - skipped_before
        releases, rest = divmod(frame.release_ns - before.release_ns, INTERVAL_NS)
        assert rest == 0, "releases stay on their grid"
        return releases == frame.cycle - before.cycle + missed

    wait_until(is_complete, PATIENCE_S, "as many scans as releases")


def test_each_kind_of_restart_keeps_its_values_and_moves_no_other_plc(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", SOURCE)
    with running(tmp_path, str(project), "--instances", "4", "--pools", "1") as runtime:
        images = [runtime.image(f"press_{number}") for number in range(1, 5)]
        await_scans(images[3], 20)
        other, skipped_before = newest_frame(images[3]), skipped(images[3])
        for number, kind in enumerate(KEPT, 1):
            image = images[number - 1]
            last = fault(image)
            faulted = newest_frame(image).cycle
            said = runtime.takt(project, "restart", f"--{kind}", "--instance", f"press_{number}")
            assert said.startswith(f"{kind} restart: it was FAULTED and stood ")
            first = later_frame(image, faulted)
            for name in "NRP":
                begun = value(image, f"MAIN.{name}", first) - (first.cycle - faulted)
                kept = value(image, f"MAIN.{name}", last) if name in KEPT[kind] else 1
                assert begun == kept, f"{name} over a {kind} restart"
            await_scans(image, 20)
            assert image.mode is Mode.RUNNING
        await_account(images[3], other, skipped_before)
        for number in range(1, 4):
            assert len(runtime.records(f"press_{number}: fault:")) == 1
        assert runtime.end() == 0, "the faults are past"


def test_a_hot_restart_goes_on_with_the_state_and_what_is_forced(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", SOURCE)
    with running(tmp_path, str(project), "--instances", "2", "--pools", "1") as runtime:
        image = runtime.image("press_2")
        put(image, "MAIN.P", 5000, force=True)
        wait_until(lambda: value(image, "MAIN.P") == 5000, PATIENCE_S, "the force")
        outputs = image.ring(SectionKind.OUTPUTS).head
        assert "it was RUNNING" in runtime.takt(project, "restart", "--hot", "--instance", "2")
        await_scans(image, 10)
        frame = newest_frame(image)
        assert value(image, "MAIN.N", frame) == frame.cycle + 1, "each scan has counted once"
        assert value(image, "MAIN.P", frame) == 5000
        assert image.ring(SectionKind.OUTPUTS).head > outputs
        assert not newest_outputs(image).safe
        runtime.takt(project, "restart", "--instance", "2")
        await_scans(image, 10)
        assert value(image, "MAIN.P") > 5000, "a warm restart frees it"
        assert runtime.end() == 0


def test_a_pool_whose_plcs_have_all_faulted_takes_them_back(tmp_path: Path) -> None:
    good = write_project(tmp_path, "good", SOURCE)
    bad = write_project(tmp_path, "bad", SOURCE)
    with running(tmp_path, str(good), str(bad), "--pools", "2") as runtime:
        image = runtime.image("bad")
        fault(image)
        assert newest_outputs(image).safe
        assert "it was FAULTED" in runtime.takt(bad, "restart")
        await_scans(image, 20)
        assert not newest_outputs(image).safe
        assert runtime.end() == 0, "the fault is past"


def test_the_watchdog_still_watches_a_plc_that_was_restarted(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", STUCK, task='watchdog = "3ms"\n')
    with running(tmp_path, str(project), "--instances", "2", "--pools", "1") as runtime:
        image, other = runtime.image("press_1"), runtime.image("press_2")
        for _ in range(2):
            put(image, "MAIN.STUCK", 1)
            wait_until(lambda: image.mode is Mode.FAULTED, PATIENCE_S, "the watchdog's fault")
            statistics = TaskStatistics(image.section(SectionKind.TASK_STATISTICS))
            assert statistics.fault is FaultKind.WATCHDOG
            assert 0 < value(image, "MAIN.LOOPS") < LOOP_BUDGET, "not the budget ends it"
            await_scans(other, 20)
            assert "it was FAULTED" in runtime.takt(project, "restart", "--instance", "press_1")
            await_scans(image, 20)
        assert len(runtime.records("press_1: fault: watchdog")) == 2
        assert runtime.end() == 0, "the faults are past"


def test_all_are_stopped_and_started_together(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", SOURCE)
    with running(tmp_path, str(project), "--instances", "10", "--pools", "2") as runtime:
        images = [runtime.image(f"press_{number}") for number in range(1, 11)]
        said = runtime.takt(project, "stop", "--instance", "all")
        assert said == "stopped: they were 10 RUNNING; `takt start` lets them go on\n"
        stopped = [newest_frame(image) for image in images]
        assert {image.mode for image in images} == {Mode.STOPPED}
        assert all(newest_outputs(image).safe for image in images)
        assert runtime.takt(project, "start", "--instance", "3").startswith("started: it stood")
        await_scans(images[2], 10)
        assert newest_frame(images[3]).cycle == stopped[3].cycle, "the others still stand"
        said = runtime.takt(project, "start", "--instance", "all")
        assert said.startswith("started: 9 PLCs stood at most ")
        for image in images:
            await_scans(image, 5)
            frame = newest_frame(image)
            assert value(image, "MAIN.N", frame) == frame.cycle + 1, "it goes on where it stood"
        said = runtime.takt(project, "restart", "--cold", "--instance", "all")
        assert said.startswith("cold restart of 10 PLCs: they were 10 RUNNING and stood at most ")
        assert runtime.end() == 0


def test_an_order_that_names_no_plc_or_none_that_runs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    project = write_project(tmp_path, "press", SOURCE)
    with running(tmp_path, str(project), "--instances", "3") as runtime:
        runtime.image("press_3")
        with pytest.raises(HostError, match="it runs as 3 PLCs: expected one of press_1"):
            give(image_path("press"), Restart.WARM)
        with pytest.raises(HostError, match="press_4 does not run here"):
            give(image_path("press"), Restart.WARM, "press_4")
        with pytest.raises(HostError, match="it is RUNNING: expected STOPPED to start it"):
            give(image_path("press"), Switch.START, ALL)
