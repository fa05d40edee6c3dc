"""`takt io`: each channel with value, quality, age and round trip, for people and machines."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from gateway.field.mailbox import MailboxWriter
from runtime.app.channels import ChannelState, channel_states, kinds_of
from runtime.artifact.program import Area, Symbol
from runtime.cli.channels import document, io, table
from runtime.datatypes.derived import Array
from runtime.datatypes.elementary import ELEMENTARY
from runtime.image.layout import Link, LinkError, Quality, SectionKind
from runtime.image.segment import image_path
from runtime.project.load import Project
from tests.support.modbus_image import (
    PlayedRuntime,
    device_toml,
    io_toml,
    play_runtime,
    write_project,
)

TOML = (
    device_toml("plc", 1502)
    + io_toml("%ID1", "plc", "input", 3, 'type = "float32"')
    + io_toml("%IW0", "plc", "holding", 9, 'type = "int16"')
    + io_toml("%QX0.1", "plc", "coil", 4)
    + io_toml("%QW1", "plc", "holding", 30, 'type = "int16"')
)


def played(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, PlayedRuntime]:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(folder))
    project = write_project(folder / "project", TOML)
    return project, play_runtime(image_path("plant"), project)


def poll(runtime: PlayedRuntime) -> None:
    """Put two samples into the mailbox."""
    mailbox = MailboxWriter(runtime.image.ring(SectionKind.INPUTS), 2)
    mailbox.link, mailbox.round_trip_ns = Link.UP, 1_500_000
    mailbox.good([0, 1], [0x4248_0000, 0xFFFE], time.monotonic_ns() - 5_000_000)
    mailbox.bad([1])
    mailbox.publish()


def test_before_anything_is_known_channels_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, runtime = played(tmp_path, monkeypatch)

    states = channel_states(project, runtime.image, {})

    assert [state.value for state in states] == [None] * 4
    assert [state.quality for state in states] == [Quality.MISSING, Quality.MISSING, None, None]
    assert {state.link for state in states} == {Link.DOWN}


def test_values_are_those_of_their_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, runtime = played(tmp_path, monkeypatch)
    poll(runtime)
    runtime.publish(b"\x02\x00\xfd\xff")

    real, signed, coil, word = channel_states(project, runtime.image, {})

    assert (real.value, real.quality, real.place) == (50.0, Quality.GOOD, "input 3")
    assert (signed.value, signed.quality) == (-2, Quality.BAD)
    assert (coil.value, word.value) == (1, -3)
    assert real.age_ns >= 5_000_000
    assert (word.age_ns, word.round_trip_ns) == (-1, 1_500_000)


def test_a_channel_without_a_type_is_shown_as_its_variable_means_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    toml = device_toml("plc", 1502) + io_toml("%ID1", "plc", "input", 3)
    toml += io_toml("%IW0", "plc", "holding", 9) + io_toml("%IW1", "plc", "holding", 10)
    project = write_project(tmp_path / "project", toml)
    integers = Array(((0, 1),), ELEMENTARY["INT"])
    symbols = (Symbol("MAIN.ROW", 64, integers), Symbol("MAIN.LEVEL", 68, ELEMENTARY["REAL"]))
    runtime = play_runtime(image_path("plant"), project, symbols, 512)
    mailbox = MailboxWriter(runtime.image.ring(SectionKind.INPUTS), 3)
    mailbox.good([0, 1, 2], [0x4248_0000, 0xFFFE, 7], time.monotonic_ns())
    mailbox.publish()
    areas = replace(runtime.image.directory, input_area=Area(64, 16))

    states = channel_states(project, runtime.image, kinds_of(areas))

    assert [state.value for state in states] == [50.0, -2, 7]


def test_a_string_is_shown_as_its_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    toml = device_toml("plc", 1502)
    toml += io_toml("%IL0", "plc", "holding", 3, 'type = "string"\nlength = 10')
    project = write_project(tmp_path / "project", toml)
    runtime = play_runtime(image_path("plant"), project)
    mailbox = MailboxWriter(runtime.image.ring(SectionKind.INPUTS), 2)
    parts = [int.from_bytes(part, "little") for part in (b"PUMP [b]", b"7\0??????")]
    mailbox.good([0, 1], parts, time.monotonic_ns())
    mailbox.publish()

    states = channel_states(project, runtime.image, {})
    assert [state.value for state in states] == ["PUMP [b]", "7\0"]

    console = Console(width=100, record=True, force_terminal=False)
    console.print(table(states))
    text = console.export_text()
    assert "'PUMP [b]'" in text
    assert "'7'" in text


def test_the_quality_is_what_the_last_scan_made_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, runtime = played(tmp_path, monkeypatch)
    poll(runtime)
    runtime.publish_frame((Quality.STALE, Quality.BAD))

    assert channel_states(project, runtime.image, {})[0].quality is Quality.STALE


def test_the_table_marks_what_is_not_good() -> None:
    state = ChannelState(
        "%IW0", "plc", "holding 9", -2, Quality.BAD, 12_300_000, Link.UP, 1_500_000
    )
    console = Console(width=100, record=True, force_terminal=False)
    console.print(table([state]))
    text = console.export_text()

    assert "%IW0     plc (up)  holding 9  -2     BAD      12.3 ms  1.5 ms" in text


def test_a_device_that_is_not_reached_says_why() -> None:
    state = ChannelState(
        "%IW0", "plc", "input 9", None, Quality.MISSING, -1, Link.DOWN, 0, LinkError.TIMEOUT
    )
    console = Console(width=100, record=True, force_terminal=False)
    console.print(table([state]))

    assert "plc (down: timeout)  input 9  -" in console.export_text()
    assert document(state)["error"] == "TIMEOUT"


def test_a_document_is_json_even_of_numbers_that_are_none() -> None:
    state = ChannelState("%ID0", "plc", "input 0", float("nan"), None, -1, Link.DOWN, 0)

    found = json.loads(json.dumps(document(state), allow_nan=False))

    assert (found["value"], found["quality"], found["link"]) == ("nan", None, "DOWN")


def test_the_command_prints_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, runtime = played(tmp_path, monkeypatch)
    poll(runtime)

    io(tmp_path / "project", every=0.1, looks=1, as_json=True)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["address"] for line in lines] == ["%ID1", "%IW0", "%QX0.1", "%QW1"]
