"""`takt runtime` with several tasks: a thread each, their faults, an end while it compiles."""

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.image.layout import Mode, SectionKind
from runtime.image.segment import Image, image_path
from runtime.image.statistics import TaskStatistics
from tests.support.newest import newest_frame
from tests.support.runtime_process import PATIENCE_S, ROOT, await_running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

PROGRAM = """
VAR_GLOBAL Total AT %QD0 : UDINT; END_VAR
PROGRAM Fast VAR_EXTERNAL Total : UDINT; END_VAR VAR N : UDINT; END_VAR
N := N + 1;
Total := N;
END_PROGRAM
PROGRAM Slow VAR_EXTERNAL Total : UDINT; END_VAR VAR Seen, D : UDINT; END_VAR
Seen := Total;
IF Seen > 50 THEN Seen := Seen / D; END_IF;
END_PROGRAM
"""
TASKS = """
[project]
name = "tasks"
[[task]]
name = "Fast"
interval = "2ms"
watchdog = "1s"
programs = ["Fast"]
[[task]]
name = "Slow"
interval = "10ms"
priority = 2
stop = "task"
programs = ["Slow"]
"""


@contextlib.contextmanager
def started(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the runtime of a folder to the end of the block."""
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(folder))
    command = [sys.executable, "-m", "runtime", "runtime", str(folder), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, cwd=ROOT, env=dict(os.environ))
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def attached(process: subprocess.Popen[bytes], folder: Path) -> Image:
    """Return the image of the process once it runs."""
    return await_running(process, image_path("tasks"), folder / "log")


def write(folder: Path) -> None:
    (folder / "main.st").write_text(PROGRAM)
    (folder / "takt.toml").write_text(TASKS)


def records(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "log").read_text().splitlines()]


def test_each_task_is_a_thread_and_one_may_fault_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    with (
        started(tmp_path, monkeypatch) as process,
        attached(process, tmp_path) as image,
    ):
        fast, slow = (
            TaskStatistics(image.section(SectionKind.TASK_STATISTICS, number)) for number in (0, 1)
        )
        names = {
            (item / "comm").read_text().strip()
            for item in Path(f"/proc/{process.pid}/task").iterdir()
        }
        assert {"takt-scan-0", "takt-watch"} <= names
        wait_until(lambda: slow.fault != 0, PATIENCE_S, "the fault of the slow task")
        before = fast.scans
        wait_until(lambda: fast.scans > before + 20, PATIENCE_S, "20 more fast scans")
        modes = [image.mode]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 3
        modes.append(image.mode)
    assert modes == [Mode.RUNNING, Mode.STOPPED]
    (fault,) = (item for item in records(tmp_path) if str(item["message"]).startswith("fault"))
    assert (fault["task"], fault["kind"]) == ("Slow", "division-by-zero")
    stopped = [item["task"] for item in records(tmp_path) if "lateness_ns" in item]
    assert stopped == ["Fast", "Slow"]


def test_tasks_have_real_time_priorities_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    with (
        started(tmp_path, monkeypatch) as process,
        attached(process, tmp_path),
    ):
        wait_until(
            lambda: any(item["message"] == "started" for item in records(tmp_path)),
            PATIENCE_S, "the record of the start",
        )  # fmt: skip
        wishes = [str(item["message"]) for item in records(tmp_path)]
        for priority in (80, 79):
            assert sum(f"SCHED_FIFO priority {priority}" in wish for wish in wishes) == 1


def test_a_stop_while_the_runtime_compiles_ends_it_cleanly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    rungs = "\n".join(f"A[{n}] := A[{n + 1}] AND NOT A[{n + 2}];" for n in range(1, 3000))
    (tmp_path / "main.st").write_text(
        f"PROGRAM Fast VAR A : ARRAY [1..3100] OF BOOL; END_VAR\n{rungs}\nEND_PROGRAM\n"
        "PROGRAM Slow END_PROGRAM\n"
    )
    monkeypatch.setenv("TAKT_CACHE", str(tmp_path / "cache"))
    with started(tmp_path, monkeypatch) as process:

        def compiling() -> bool:
            status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            caught = next(int(line.split()[1], 16) for line in status if line[:6] == "SigCgt")
            return bool(caught >> signal.SIGTERM - 1 & 1)

        wait_until(compiling, PATIENCE_S, "the compiler at work")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert not image_path("tasks").exists()


def test_a_recorded_run_is_replayed_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    record = tmp_path / "run.rec"
    options = ("--record", str(record))
    with (
        started(tmp_path, monkeypatch, *options) as process,
        attached(process, tmp_path) as image,
    ):
        fast = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, 0))
        wait_until(lambda: fast.scans >= 300, PATIENCE_S, "300 scans, the slow task's fault")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 3
        scans = fast.scans
    command = [sys.executable, "-m", "runtime", "replay", str(record)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("states compared, all alike\n")
    assert int(done.stdout.split()[0]) > scans


def test_a_variable_is_put_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    with (
        started(tmp_path, monkeypatch) as process,
        attached(process, tmp_path) as image,
    ):
        fast = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, 0))
        wait_until(lambda: fast.scans > 0, PATIENCE_S, "the first scan")
        command = [sys.executable, "-m", "runtime", "put", str(tmp_path)]
        done = subprocess.run(
            [*command, "fast.n", "1000000"], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("task Fast, cycle ")
        cycle = int(done.stdout.split()[-1])
        symbol = next(item for item in image.directory.symbols if item.path == "FAST.N")
        frame = newest_frame(image)
        count = symbol.read(frame.state)
        assert isinstance(count, int)
        assert count >= 1_000_000
        assert cycle <= fast.scans + 1
        wrong = subprocess.run(
            [*command, "fast.n", "blue"], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert wrong.returncode == 2
        assert "FAST.N = blue: expected" in wrong.stderr
    given, applied = audited(tmp_path)
    assert given["outcome"] == "given"
    assert given["user"] == pwd.getpwuid(os.getuid()).pw_name
    assert (given["plc"], given["variable"], given["value"]) == ("tasks", "FAST.N", 1_000_000)
    assert (applied["outcome"], applied["task"], applied["cycle"]) == ("applied", "Fast", cycle)


def audited(folder: Path) -> list[dict[str, Any]]:
    """Return the records of the audit log."""
    lines = (folder / "outbox.commands.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_nothing_is_put_that_cannot_be_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    (tmp_path / "outbox.commands.jsonl").mkdir()
    with (
        started(tmp_path, monkeypatch) as process,
        attached(process, tmp_path) as image,
    ):
        fast = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, 0))
        wait_until(lambda: fast.scans > 0, PATIENCE_S, "the first scan")
        command = [sys.executable, "-m", "runtime", "put", str(tmp_path), "fast.n", "1000000"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 1
        assert "outbox.commands.jsonl: cannot be written: Is a directory" in done.stderr
        symbol = next(item for item in image.directory.symbols if item.path == "FAST.N")
        count = symbol.read(newest_frame(image).state)
        assert isinstance(count, int)
        assert count < 1_000_000


ACCESS = """
CONFIGURATION Cell
  RESOURCE R ON PLC
    TASK Fast (INTERVAL := T#2ms, PRIORITY := 1);
    PROGRAM Fast WITH Fast : Fast;
  END_RESOURCE
  VAR_ACCESS Shown : R.Fast.N : UDINT READ_ONLY; END_VAR
END_CONFIGURATION
"""


def test_a_read_only_name_is_not_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.st").write_text(PROGRAM + ACCESS)
    (tmp_path / "takt.toml").write_text('[project]\nname = "tasks"\n')
    with (
        started(tmp_path, monkeypatch) as process,
        attached(process, tmp_path),
    ):
        command = [sys.executable, "-m", "runtime", "put", str(tmp_path), "shown", "5"]
        for options in ([], ["--force"]):
            done = subprocess.run(
                [*command, *options], capture_output=True, text=True, cwd=ROOT, check=False
            )
            assert done.returncode == 1
            text = "SHOWN is READ_ONLY in VAR_ACCESS: expected what may be written to command"
            assert text in done.stderr
    orders = [(record["order"], record["outcome"]) for record in audited(tmp_path)]
    assert orders == [
        ("write", "given"), ("write", "refused"), ("force", "given"), ("force", "refused"),
    ]  # fmt: skip
