"""`takt top` over made-up observations, and over a project that does not run."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from runtime.app.monitor import Observation, TaskState
from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Site
from runtime.cli.main import app
from runtime.cli.top_view import document, microseconds, view
from runtime.errors import UsageError
from tests.support.observations import histogram, observation


def drawn(seen: Observation | None, before: Observation | None = None) -> str:
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    console.print(view("tank", seen, before))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def later(seen: Observation) -> Observation:
    """Return what is seen a second later: 100 scans more, each 9 µs long."""
    (task,) = seen.tasks
    more = histogram(2_000, *[9_000] * 100)
    return replace(
        seen,
        time_ns=seen.time_ns + 1_000_000_000,
        tasks=(replace(task, scans=task.scans + 100, execution=more),),
    )


def test_nothing_seen_says_what_to_do() -> None:
    assert "takt run" in drawn(None)


def test_a_look_shows_every_task_and_link_with_its_percentiles() -> None:
    text = drawn(observation())
    assert "task Control, every 10.00 ms, running: 1234 scans, 1 overruns, 0 skipped" in text
    assert "device plant, up" in text
    rows = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert rows == ["lateness", "jitter", "execution", "reaction", "round", "reaction"]


def test_a_second_look_shows_the_rate_and_what_came_between() -> None:
    first = observation()
    assert "1334 scans (100/s)" in drawn(later(first), first)
    execution = next(
        line for line in drawn(later(first), first).splitlines() if "execution" in line
    )
    assert execution.split()[-2:] == ["9.0", "9.0"]


def test_lost_edges_are_named_where_there_are_any() -> None:
    assert "edges lost" not in drawn(observation())
    (task,) = observation().tasks
    seen = replace(observation(), tasks=(replace(task, lost_edges=4),))
    assert "0 skipped, 4 edges lost" in drawn(seen)
    (entry,) = json.loads(json.dumps(document(seen)))["tasks"]
    assert entry["lost_edges"] == 4


FAULTED = {
    "state": TaskState.FAULTED,
    "fault": FaultKind.INDEX,
    "place": Site(FaultKind.INDEX, "main.st", 12),
}


def with_second_task(**changes: Any) -> Observation:
    """Return two tasks, of which the second is changed."""
    seen = observation()
    second = replace(seen.tasks[0], name="Slow", **changes)
    fault = second.fault
    return replace(seen, tasks=(*seen.tasks, second), fault=fault)


def test_the_task_that_faulted_is_named_with_kind_and_line() -> None:
    text = drawn(with_second_task(**FAULTED))
    assert "fault of task Slow: index-out-of-range at main.st:12" in text
    assert "task Control, every 10.00 ms, running: 1234 scans" in text
    assert "task Slow, every 10.00 ms, faulted (index-out-of-range): 1234 scans" in text


def test_a_fault_without_a_line_is_named_alone() -> None:
    changes = FAULTED | {"fault": FaultKind.WATCHDOG, "place": None}
    assert "fault of task Slow: watchdog\n" in drawn(with_second_task(**changes))


def test_a_task_that_anothers_fault_ended_is_stopped() -> None:
    text = drawn(with_second_task(state=TaskState.STOPPED))
    assert "task Slow, every 10.00 ms, stopped: 1234 scans" in text
    assert "fault" not in text


def test_a_runtime_without_a_sign_of_life_is_called_so() -> None:
    assert "RUNNING, no sign of life" in drawn(replace(observation(), runtime_alive=False))


def test_a_restarted_runtime_counts_from_its_own_start() -> None:
    before = replace(observation(), runtime_pid=12)
    assert "/s)" not in drawn(later(observation()), before)


def test_the_document_holds_times_in_ns() -> None:
    (task,) = json.loads(json.dumps(document(observation())))["tasks"]
    assert task["execution_ns"]["count"] == 1
    assert task["execution_ns"]["max"] == 2000
    assert (task["jitter_ns"]["max"], task["reaction_ns"]["max"]) == (10_000, 800_000)
    assert document(None) == {}


def test_the_document_names_the_fault_of_each_task() -> None:
    control, slow = json.loads(json.dumps(document(with_second_task(**FAULTED))))["tasks"]
    assert (control["state"], control["fault"], control["place"]) == ("running", "none", None)
    assert (slow["state"], slow["fault"]) == ("faulted", "index-out-of-range")
    assert slow["place"] == "main.st:12"


def test_a_project_that_does_not_run_ends_the_command_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    (tmp_path / "main.st").write_text("PROGRAM Main END_PROGRAM\n", encoding="utf-8")
    (tmp_path / "takt.toml").write_text(
        '[project]\nname = "quiet"\n[[task]]\nname = "T"\ninterval = "10ms"\nprograms = ["Main"]\n',
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["top", str(tmp_path), "--looks", "2", "--every", "0.1"])
    assert result.exit_code == 1
    assert "no runtime has scanned yet" in result.stdout


def test_all_projects_and_one_project_exclude_each_other(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["top", "--all", str(tmp_path)])
    assert isinstance(result.exception, UsageError)
    assert "expected one of the two" in str(result.exception)


def test_without_a_project_one_must_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["top"])
    assert isinstance(result.exception, UsageError)
    assert "none run here" in str(result.exception)


def test_times_of_seconds_do_not_run_into_each_other() -> None:
    assert [microseconds(nanoseconds) for nanoseconds in (7_791_270_000, 99_999_900)] == [
        "7791270",
        "99999.9",
    ]
