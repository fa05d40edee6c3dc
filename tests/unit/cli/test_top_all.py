"""`takt top --all`: a line for each running project, over images that the test writes."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from runtime.app.monitor import Observation, TaskState
from runtime.app.watch import Look, Watch, plc_report
from runtime.artifact.abi import FaultKind
from runtime.cli.main import app
from runtime.cli.top_all import document_all, view_all
from runtime.image.layout import Mode
from runtime.image.segment import image_path
from tests.support.modbus_image import PlayedRuntime, play_runtime, write_project
from tests.support.observations import histogram, observation


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the images of these tests apart from others."""
    images = tmp_path / "images"
    images.mkdir()
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(images))
    return tmp_path


def drawn(look: Look, before: Look | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=160, force_terminal=False)
    console.print(view_all(look, before))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def look_at(*seen: Observation, waiting: int = 0) -> Look:
    return Look(tuple(plc_report(item) for item in seen), waiting)


def play(folder: Path, name: str) -> PlayedRuntime:
    """Return the image of a project, without a scan yet."""
    return play_runtime(image_path(name), write_project(folder / name, "", name))


def test_a_line_shows_mode_cycle_rate_overruns_and_times_of_all_tasks() -> None:
    seen = observation()
    (task,) = seen.tasks
    second = replace(
        task, name="Slow", lateness=histogram(90_000), execution=histogram(4_000, 5_000)
    )
    seen = replace(seen, tasks=(task, second))
    later = replace(
        seen,
        time_ns=seen.time_ns + 2_000_000_000,
        cycle=1434,
        tasks=(replace(task, scans=1434), second),
    )
    *_, line = drawn(look_at(later), look_at(seen))
    assert line.split() == [
        "tank", "RUNNING", "1434", "100", "2", "90.0", "90.0", "10.0", "4.0", "5.0", "800.0",
    ]  # fmt: skip


def test_a_project_that_reacts_to_nothing_has_no_reaction_time() -> None:
    (task,) = observation().tasks
    seen = replace(observation(), tasks=(replace(task, reaction=histogram()),))
    *_, line = drawn(look_at(seen))
    assert line.split()[-1] == "-"


def test_the_first_look_has_no_rate() -> None:
    *_, line = drawn(look_at(observation()))
    assert line.split()[:4] == ["tank", "RUNNING", "1234", "-"]


def test_a_restarted_runtime_has_no_rate_at_its_first_look() -> None:
    before = look_at(replace(observation(), runtime_pid=12, time_ns=1))
    *_, line = drawn(look_at(observation()), before)
    assert line.split()[3] == "-"


def test_the_head_counts_the_modes_and_those_that_wait() -> None:
    silent = replace(observation(), project="b", runtime_alive=False)
    head, *_ = drawn(look_at(observation(), silent, waiting=3))
    assert head.startswith("2 PLCs: 1 RUNNING, 1 SILENT (3 more without a scan yet)")


def test_the_task_that_faulted_is_named_below_its_project() -> None:
    (task,) = observation().tasks
    faulted = replace(task, state=TaskState.FAULTED, fault=FaultKind.WATCHDOG)
    seen = replace(observation(), mode=Mode.FAULTED, fault=FaultKind.WATCHDOG, tasks=(faulted,))
    *_, line, fault = drawn(look_at(seen))
    assert "FAULTED" in line
    assert fault == "  fault of task Control: watchdog"


def test_long_names_keep_the_columns_apart() -> None:
    names = ("a", "a_much_longer_name_of_a_project")
    _, title, *lines = drawn(look_at(*(replace(observation(), project=name) for name in names)))
    assert {line.index("RUNNING") + len("RUNNING") for line in lines} == {
        title.index("mode") + len("mode")
    }


def test_the_document_holds_every_project() -> None:
    entry = json.loads(json.dumps(document_all(look_at(observation(), waiting=1))))
    (plc,) = entry["plcs"]
    assert entry["waiting"] == 1
    assert (plc["project"], plc["mode"], plc["alive"], plc["scans"]) == (
        "tank", "RUNNING", True, 1234,
    )  # fmt: skip
    assert plc["lateness_ns"]["max"] == 70_000
    assert (plc["jitter_ns"]["max"], plc["reaction_ns"]["max"]) == (10_000, 800_000)


def test_images_that_come_and_go_are_followed(folder: Path) -> None:
    watch = Watch(lambda: 1)
    first = play(folder, "first")
    assert (watch.look().plcs, watch.look().waiting) == ((), 1)
    first.publish_frame(())
    play(folder, "second").publish_frame(())
    assert [plc.seen.project for plc in watch.look().plcs] == ["first", "second"]
    image_path("first").unlink()
    assert [plc.seen.project for plc in watch.look().plcs] == ["second"]
    watch.close()


def test_instances_stand_in_the_order_of_their_numbers(folder: Path) -> None:
    for number in (10, 9, 1):
        play(folder, f"press_{number}").publish_frame(())
    look = Watch(lambda: 1).look()
    assert [plc.seen.project for plc in look.plcs] == ["press_1", "press_9", "press_10"]


def test_a_file_that_is_no_image_harms_nothing(folder: Path) -> None:
    image_path("broken").write_bytes(b"nonsense")
    play(folder, "sound").publish_frame(())
    look = Watch(lambda: 1).look()
    assert [plc.seen.project for plc in look.plcs] == ["sound"]
    assert look.waiting == 1


def test_the_command_prints_a_line_for_each_image(folder: Path) -> None:
    for name in ("one", "two"):
        play(folder, name).publish_frame(())
    result = CliRunner().invoke(app, ["top", "--all", "--looks", "1"])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[2:]] == ["one", "two"]
    result = CliRunner().invoke(app, ["top", "--all", "--looks", "1", "--json"])
    assert [plc["project"] for plc in json.loads(result.stdout)["plcs"]] == ["one", "two"]


def test_where_nothing_runs_the_command_ends_with_1(folder: Path) -> None:
    assert folder.exists()
    result = CliRunner().invoke(app, ["top", "--all", "--looks", "1"])
    assert result.exit_code == 1
    assert "no runtime scans here" in result.stdout
