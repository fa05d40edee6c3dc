"""`takt restart` of a real runtime: after a fault and while it runs, with one task and several."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.app.retention import disk_of
from runtime.datatypes.values import Json
from runtime.image.commands import Commands
from runtime.image.layout import CommandStatus, Mode, SectionKind
from runtime.image.payloads import Frame, decode_frame
from runtime.image.segment import Image, image_path
from runtime.image.statistics import TaskStatistics
from runtime.project.load import load_project
from runtime.retain.store import recover
from tests.support.newest import newest_frame, newest_outputs
from tests.support.runtime_process import PATIENCE_S, ROOT, await_running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

ALONE = """
PROGRAM Main
VAR N, D : DINT := 1; Q AT %QD0 : DINT := 7; END_VAR
VAR RETAIN R : DINT := 1; END_VAR
VAR PERSISTENT P : DINT := 1; END_VAR
N := N + 1; R := R + 1; P := P + 1; Q := N;
N := N / D * D;
END_PROGRAM
"""
"""Counters of each kind; D = 0 makes a scan fault when it has written all of them."""
TOGETHER = """
VAR_GLOBAL Total : DINT; END_VAR
PROGRAM Main VAR_EXTERNAL Total : DINT; END_VAR
VAR N, D : DINT := 1; END_VAR VAR RETAIN R : DINT := 1; END_VAR
VAR PERSISTENT P : DINT := 1; END_VAR
N := N + 1; R := R + 1; P := P + 1; Total := N;
N := N / D * D;
END_PROGRAM
PROGRAM Slow VAR_EXTERNAL Total : DINT; END_VAR VAR Seen, Scans : DINT; END_VAR
Seen := Total; Scans := Scans + 1;
END_PROGRAM
"""
FAST = '[[task]]\nname = "Fast"\ninterval = "2ms"\nprograms = ["Main"]\n'
SLOW = '[[task]]\nname = "Slow"\ninterval = "5ms"\npriority = 2\nprograms = ["Slow"]\n'
START = {"MAIN.N": 1, "MAIN.R": 1, "MAIN.P": 1}
COUNTED = tuple(START)


@dataclass(slots=True)
class Running:
    """A runtime process as a monitor sees it."""

    folder: Path
    process: subprocess.Popen[bytes]
    image: Image

    def takt(self, *words: str) -> str:
        """Run a command on the project; return what it prints."""
        command = [sys.executable, "-P", "-m", "runtime", words[0], str(self.folder), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *words: str) -> str:
        """Run a command that the runtime refuses; return its reason."""
        command = [sys.executable, "-P", "-m", "runtime", words[0], str(self.folder), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 1, done.stdout
        return done.stderr.rstrip().partition(".control: ")[2]

    def values(self, number: int = 0) -> dict[str, Json]:
        """Return all variables of a frame, the newest without a number."""
        ring = self.image.ring(SectionKind.FRAME)
        found = ring.publication(number) if number else ring.latest()
        assert found is not None
        frame = decode_frame(found.payload)
        return {item.path: frame.value(item) for item in self.image.directory.symbols}

    @property
    def scans(self) -> int:
        return TaskStatistics(self.image.section(SectionKind.TASK_STATISTICS, 0)).scans

    def put(self, path: str, value: int) -> None:
        symbol = next(item for item in self.image.directory.symbols if item.path == path)
        Commands(self.image).write(symbol, value)

    def await_scans(self, more: int) -> None:
        goal = self.scans + more
        wait_until(lambda: self.scans >= goal, PATIENCE_S, f"{more} more scans")

    def fault(self) -> dict[str, Json]:
        """Let the program divide by zero; return the values of the last scan that committed."""
        self.put("MAIN.D", 0)
        wait_until(lambda: self.image.mode is Mode.FAULTED, PATIENCE_S, "the fault")
        return self.values(self.image.ring(SectionKind.FRAME).head - 1)

    def last_frame(self) -> Frame:
        """Return the last frame of the first task."""
        ring = self.image.ring(SectionKind.FRAME)
        for number in range(ring.head, 0, -1):
            found = ring.publication(number)
            assert found is not None
            frame = decode_frame(found.payload)
            if frame.task == 0:
                return frame
        raise AssertionError("no scan of the first task")

    def begun_with(self, cycle: int) -> dict[str, int]:
        """Return the counters that a restart after a cycle of the first task began with."""
        found: list[Frame] = []

        def is_there() -> bool:
            frame = newest_frame(self.image)
            if frame.task == 0 and frame.cycle > cycle:
                found.append(frame)
            return bool(found)

        wait_until(is_there, PATIENCE_S, "a scan of the first task")
        symbols = [item for item in self.image.directory.symbols if item.path in COUNTED]
        return {
            item.path: number - (found[0].cycle - cycle)
            for item in symbols
            if isinstance(number := found[0].value(item), int)
        }


@contextmanager
def running(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str, source: str = ALONE, tasks: str
) -> Iterator[Running]:
    """Run the runtime of a project named `again` to the end of the block."""
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(folder))
    monkeypatch.delenv("TAKT_STATE", raising=False)
    (folder / "main.st").write_text(source)
    (folder / "takt.toml").write_text(
        f'[project]\nname = "again"\n[retain]\ninterval = "60min"\n{tasks}'
    )
    command = [sys.executable, "-P", "-m", "runtime", "runtime", str(folder), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, cwd=ROOT, env=dict(os.environ))
    try:
        run = Running(folder, process, await_running(process, image_path("again"), folder / "log"))
        run.await_scans(20)
        yield run
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def counted(values: dict[str, Json]) -> dict[str, int]:
    found = {path: values[path] for path in COUNTED}
    return {path: value for path, value in found.items() if isinstance(value, int)}


def expected(kind: str, last: dict[str, int]) -> dict[str, int]:
    """Return the counters that a restart begins with."""
    kept = {"cold": {"MAIN.P"}, "warm": {"MAIN.P", "MAIN.R"}, "hot": set(COUNTED)}[kind]
    return {path: (last if path in kept else START)[path] for path in COUNTED}


@pytest.mark.parametrize(
    ("kind", "source"),
    [("cold", TOGETHER), ("warm", ALONE), ("hot", ALONE)],
    ids=["cold, several tasks", "warm", "hot"],
)
def test_a_restart_after_a_fault_keeps_what_its_kind_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, source: str
) -> None:
    tasks = FAST if source is ALONE else FAST + SLOW
    with running(tmp_path, monkeypatch, source=source, tasks=tasks) as run:
        run.fault()
        assert newest_outputs(run.image).safe
        ring = run.image.ring(SectionKind.FRAME)
        before, scans, faulted = ring.head, run.scans, run.last_frame()
        last = counted(run.values(before - 1 if source is ALONE else before))
        said = run.takt("restart", f"--{kind}")
        assert said.startswith(f"{kind} restart: it was FAULTED and stood ")
        assert run.begun_with(faulted.cycle) == expected(kind, last)
        wait_until(lambda: run.image.mode is Mode.RUNNING, PATIENCE_S, "the mode RUNNING")
        run.await_scans(20)
        assert run.scans > scans
        assert run.image.is_current(), "the image stays"
        assert TaskStatistics(run.image.section(SectionKind.TASK_STATISTICS, 0)).fault == 0
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(PATIENCE_S) == 0, "the fault is past"


def test_a_hot_restart_keeps_the_cause_of_a_fault_and_a_warm_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, monkeypatch, source=TOGETHER, tasks=FAST + SLOW) as run:
        run.fault()
        last = counted(run.values())
        cycle = run.last_frame().cycle
        run.takt("restart", "--hot")
        wait_until(lambda: run.last_frame().cycle > cycle, PATIENCE_S, "a scan more")
        wait_until(lambda: run.image.mode is Mode.FAULTED, PATIENCE_S, "the fault again")
        assert run.last_frame().cycle == cycle + 1
        assert counted(run.values()) == last, "nothing of a scan that faults is committed"
        assert run.values()["MAIN.D"] == 0
        run.takt("restart")
        run.await_scans(20)
        assert run.image.mode is Mode.RUNNING
        assert run.values()["MAIN.D"] == 1


def test_a_hot_restart_while_it_runs_loses_no_scan_and_holds_the_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, monkeypatch, source=ALONE, tasks=FAST) as run:
        outputs = run.image.ring(SectionKind.OUTPUTS)
        first = outputs.head
        assert "it was RUNNING" in run.takt("restart", "--hot")
        run.await_scans(5)
        frame = newest_frame(run.image)
        values = run.values()
        assert values["MAIN.N"] == frame.cycle + 1, "each scan has counted once"
        assert values["MAIN.P"] == frame.cycle + 1
        assert outputs.head > first
        assert not newest_outputs(run.image).safe
        records = [json.loads(line) for line in (run.folder / "log").read_text().splitlines()]
        assert [item["restarted"] for item in records if "restarted" in item] == ["hot"]


def test_a_cold_restart_is_on_disk_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, monkeypatch, source=ALONE, tasks=FAST) as run:
        run.takt("restart", "--cold")
        run.process.kill()
        run.process.wait(PATIENCE_S)
    commit = recover(disk_of(load_project(tmp_path))).commit
    assert commit is not None
    kept = {item.path: item.read(commit.values) for item in commit.layout.entries}
    assert kept["MAIN.R"] == 1
    assert isinstance(kept["MAIN.P"], int)
    assert kept["MAIN.P"] > 20


def test_forced_variables_stay_so_over_a_hot_restart_and_are_free_after_a_warm_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, monkeypatch, source=TOGETHER, tasks=FAST + SLOW) as run:
        run.takt("put", "main.p", "5000", "--force")
        run.takt("restart", "--hot")
        run.await_scans(5)
        assert run.values()["MAIN.P"] == 5000
        run.takt("restart", "--warm")
        run.await_scans(5)
        freed = run.values()["MAIN.P"]
        assert isinstance(freed, int)
        assert freed > 5000


def test_what_was_commanded_while_it_stood_is_refused_at_the_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, monkeypatch, source=ALONE, tasks=FAST) as run:
        run.fault()
        symbols = {item.path: item for item in run.image.directory.symbols}
        commands = Commands(run.image)
        ticket = commands.write(symbols["MAIN.P"], 100_000)
        run.takt("restart", "--hot")
        answer = commands.answer(ticket)
        assert answer is not None
        assert answer.status is CommandStatus.REFUSED
        run.await_scans(5)
        value = run.values()["MAIN.P"]
        assert isinstance(value, int)
        assert value < 100_000
        assert run.takt("put", "main.p", "200000").startswith("task Fast, cycle ")


def test_each_restart_has_a_record_of_its_own_that_is_replayed_with_what_is_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "run.rec"
    options = ("--record", str(record))
    with running(tmp_path, monkeypatch, *options, source=TOGETHER, tasks=FAST + SLOW) as run:
        run.await_scans(200)
        run.takt("put", "main.p", "5000", "--force")
        run.takt("restart", "--hot")
        run.await_scans(200)
        assert run.values()["MAIN.P"] == 5000
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(PATIENCE_S) == 0
    for file in (record, tmp_path / "run-2.rec"):
        command = [sys.executable, "-P", "-m", "runtime", "replay", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("states compared, all alike\n")


def test_a_stop_makes_the_outputs_safe_and_a_start_goes_on_with_every_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, monkeypatch, source=TOGETHER, tasks=FAST + SLOW) as run:
        assert run.refused("start") == "it is RUNNING: expected STOPPED to start it"
        assert run.takt("stop").startswith("stopped: it was RUNNING")
        assert run.image.mode is Mode.STOPPED
        assert newest_outputs(run.image).safe
        scans, last, cycle = run.scans, counted(run.values()), run.last_frame().cycle
        ticket = Commands(run.image).write(
            next(item for item in run.image.directory.symbols if item.path == "MAIN.P"), 100_000
        )
        beat = run.image.runtime_heartbeat_ns
        wait_until(lambda: run.image.runtime_heartbeat_ns > beat, PATIENCE_S, "a heartbeat")
        assert run.scans == scans
        assert run.refused("stop") == "it is STOPPED: expected READY or RUNNING to stop it"
        assert run.takt("start").startswith("started: it stood ")
        assert run.begun_with(cycle) == last
        answer = Commands(run.image).answer(ticket)
        assert answer is not None
        assert answer.status is CommandStatus.REFUSED
        wait_until(lambda: run.image.mode is Mode.RUNNING, PATIENCE_S, "the mode RUNNING")
        run.await_scans(20)
        assert not newest_outputs(run.image).safe


@pytest.mark.parametrize("kind", ["cold", "warm"])
def test_a_stopped_plc_is_restarted_as_the_kind_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with running(tmp_path, monkeypatch, source=ALONE, tasks=FAST) as run:
        run.takt("stop")
        last, cycle = counted(run.values()), run.last_frame().cycle
        assert run.takt("restart", f"--{kind}").startswith(f"{kind} restart: it was STOPPED")
        assert run.begun_with(cycle) == expected(kind, last)
        run.await_scans(5)


def test_what_is_stopped_ends_with_its_process_and_what_has_faulted_is_not_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, monkeypatch, source=ALONE, tasks=FAST) as run:
        run.fault()
        assert run.refused("stop") == "it is FAULTED: expected a restart instead of a stop"
        run.takt("restart")
        run.takt("stop")
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(PATIENCE_S) == 0


def test_a_project_that_does_not_run_cannot_be_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    (tmp_path / "main.st").write_text(ALONE)
    (tmp_path / "takt.toml").write_text(f'[project]\nname = "again"\n{FAST}')
    command = [sys.executable, "-P", "-m", "runtime", "restart", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert "no runtime takes orders" in done.stderr
