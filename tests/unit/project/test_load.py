"""A takt.toml is loaded, or refused with all of its faults: path, value, expectation."""

from pathlib import Path

import pytest

from runtime.errors import ProjectError
from runtime.project.config import RecorderSection, ResourceSection, RuntimeSection, TaskSection
from runtime.project.load import load_project
from runtime.project.section import Section
from tests.support.runtime_process import ROOT

SOUND = """
[project]
name = "plant"
sources = ["*.st"]

[[task]]
name = "Fast"
interval = "10ms"
programs = ["MAIN"]

[[device]]
name = "rig"
protocol = "modbus-tcp"
host = "127.0.0.1"

[[io]]
address = "%IW0"
device = "rig"
table = "input"
register = 0

[[io]]
address = "%QX0.0"
device = "rig"
table = "coil"
register = 0
"""


def folder_of(tmp_path: Path, text: str) -> Path:
    """Write a project's file and one source; return their folder."""
    (tmp_path / "takt.toml").write_text(text, encoding="utf-8")
    (tmp_path / "main.st").write_text("PROGRAM MAIN END_PROGRAM", encoding="utf-8")
    return tmp_path


def faults_of(tmp_path: Path, text: str) -> list[str]:
    """Return the faults of a project's file as `path = value: expected …`."""
    with pytest.raises(ProjectError) as caught:
        load_project(folder_of(tmp_path, text))
    return [str(fault) for fault in caught.value.faults]


def changed(old: str, new: str) -> str:
    """Return the sound file with one change."""
    assert old in SOUND
    return SOUND.replace(old, new, 1)


def test_a_sound_file_is_loaded_with_its_sources(tmp_path: Path) -> None:
    project = load_project(folder_of(tmp_path, SOUND))
    assert project.config.task[0].interval == 10_000_000
    assert [str(entry.address) for entry in project.config.io] == ["%IW0", "%QX0.0"]
    assert [path.name for path in project.sources] == ["main.st"]
    assert load_project(tmp_path / "takt.toml") == project


def test_four_faults_list_four(tmp_path: Path) -> None:
    text = SOUND.replace('interval = "10ms"', 'interval = "10"').replace(
        "[project]", "[project]\nnmae = 1"
    )
    text = text.replace('device = "rig"\ntable = "coil"', 'device = "rigg"\ntable = "coil"')
    text = text.replace("%QX0.0", "%IX1.7")
    faults = faults_of(tmp_path, text)
    assert len(faults) == 4
    assert sorted(fault.split(" = ", 1)[0] for fault in faults) == [
        "io[1].address", "io[1].device", "project.nmae", "task[0].interval",
    ]  # fmt: skip


CASES = {
    "unknown key": (
        'name = "rig"',
        'name = "rig"\ncolour = 1',
        "device[0].colour = 1",
        "known keys",
    ),
    "unknown table": ("[project]", "[projects]\nx = 1\n[project]", "projects", "known keys"),
    "misspelt key": ("[project]", "[projct]\nx = 1\n[project]", "projct", "did you mean project?"),
    "wrong type": ("register = 0", 'register = "0"', "io[0].register = '0'", "integer"),
    "boolean for a number": ("register = 0", "register = true", "io[0].register = True", "integer"),
    "no unit": ('interval = "10ms"', 'interval = "10"', "task[0].interval = '10'", "unit"),
    "below the bound": ('interval = "10ms"', 'interval = "10us"', "task[0].interval", "0.1 ms"),
    "missing key": ('host = "127.0.0.1"', "", "device[0].host = (absent)", "required"),
    "no address": ("%IW0", "%IW", "io[0].address = '%IW'", "an address such as"),
    "unknown device": ('device = "rig"', 'device = "rog"', "io[0].device = 'rog'", "(rig)"),
    "a name with a blank": ('name = "Fast"', 'name = "F t"', "task[0].name = 'F t'", "letters"),
    "overlap": ("%QX0.0", "%IX1.7", "io[1].address = %IX1.7", "io[0] leaves free"),
    "a bit of a register": (
        'table = "coil"',
        'table = "holding"',
        "io[1].table = 'holding'",
        "coil",
    ),
    "an input table for an output": ("%IW0", "%QW4", "io[0].table = 'input'", "holding"),
    "memory": ("%IW0", "%MW0", "io[0].address = %MW0", "%I"),
    "beyond the area": ("%IW0", "%IW40000", "io[0].address = %IW40000", "65536 bytes"),
    "beyond the table": ("register = 0", "register = 65536", "io[0].register = 65536", "65535"),
    "no such source": ('["*.st"]', '["*.iec"]', "project.sources[0] = '*.iec'", "ST files in"),
    "a source outside": ('["*.st"]', '["../*.st"]', "project.sources[0]", "inside the project"),
    "an unknown protocol": ('"modbus-tcp"', '"profibus"', "device[0].protocol", "modbus-tcp"),
    "no protocol": ('protocol = "modbus-tcp"', "", "device[0].protocol = (absent)", "required"),
    "a key of another protocol": (
        'host = "127.0.0.1"',
        'host = "x"\nbaud = 9600',
        "device[0].baud = 9600",
        "known keys (address_base",
    ),
    "no programs": ('["MAIN"]', "[]", "task[0].programs = []", "expected a list of at least 1"),
    "a name that is too long": (
        '"Fast"',
        f'"{"x" * 65}"',
        "task[0].name",
        "expected a text of at most 64 characters",
    ),
    "a pause of a cyclic task": (
        '"10ms"',
        '"10ms"\npause = "5ms"',
        "task[0].pause = 5ms",
        "only a freewheeling one",
    ),
    "an empty path": (
        'interval = "10ms"',
        'single = ""',
        "task[0].single = ''",
        "at least 1 character",
    ),
    "a port too high": (
        'host = "127.0.0.1"',
        'host = "x"\nport = 70000',
        "device[0].port = 70000",
        "65535",
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_fault_names_path_value_and_expectation(name: str, tmp_path: Path) -> None:
    old, new, place, expectation = CASES[name]
    faults = faults_of(tmp_path, changed(old, new))
    assert len(faults) == 1, faults
    assert faults[0].startswith(place)
    assert expectation in faults[0]


def test_two_tasks_of_one_name_are_a_fault(tmp_path: Path) -> None:
    text = SOUND + '\n[[task]]\nname = "Fast"\ninterval = "1s"\nprograms = ["MAIN"]\n'
    assert faults_of(tmp_path, text) == [
        "task[1].name = 'Fast': expected a name that no other task has"
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"[project", "valid TOML"), (b"\xff\xfe", "UTF-8 text"), (b"", "required")],
)
def test_a_file_that_is_no_toml_is_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "takt.toml").write_bytes(content)
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path)
    assert expected in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"takt\.toml"):
        load_project(tmp_path)
    with pytest.raises(ProjectError, match="nowhere"):
        load_project(tmp_path / "nowhere")


@pytest.mark.parametrize("section", [TaskSection, RuntimeSection, RecorderSection, ResourceSection])
def test_every_key_of_tasks_is_explained_to_users(section: type[Section]) -> None:
    page = (ROOT / "runtime" / "doc" / "tasks.md").read_text(encoding="utf-8")
    assert [key for key in section.model_fields if f"`{key}`" not in page] == []
