"""`takt top` over made-up observations, and over a project that does not run."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from runtime.app.monitor import Observation
from runtime.artifact.abi import FaultKind
from runtime.cli.main import app
from runtime.cli.top_view import document, view
from runtime.errors import UsageError
from runtime.image.layout import Mode
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
    assert "task Control, every 10.00 ms" in text
    assert "1234 scans, 1 overruns, 0 skipped" in text
    assert "device plant, up" in text
    for row in ("lateness", "execution", "round trip", "reaction"):
        assert row in text


def test_a_second_look_shows_the_rate_and_what_came_between() -> None:
    first = observation()
    assert "1334 scans (100/s)" in drawn(later(first), first)
    execution = next(
        line for line in drawn(later(first), first).splitlines() if "execution" in line
    )
    assert execution.split()[-2:] == ["9.0", "9.0"]


def test_a_fault_is_named() -> None:
    seen = replace(observation(), mode=Mode.FAULTED, fault=FaultKind.INDEX)
    assert "FAULTED" in drawn(seen)
    assert "index-out-of-range" in drawn(seen)


def test_the_document_holds_times_in_ns() -> None:
    (task,) = json.loads(json.dumps(document(observation())))["tasks"]
    assert task["execution_ns"]["count"] == 1
    assert task["execution_ns"]["max"] == 2000
    assert document(None) == {}


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


def test_without_a_project_one_must_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["top"])
    assert isinstance(result.exception, UsageError)
    assert "none run here" in str(result.exception)
