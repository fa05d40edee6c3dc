"""The tree of variables that OPC UA clients see: what of it they may write."""

from pathlib import Path

import pytest

from gateway.serve.opcua.variables import Choice, all_variables, program_tree
from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array
from runtime.datatypes.elementary import ELEMENTARY
from runtime.image.directory import Directory
from tests.support.modbus_image import play_runtime, write_project

ROW = Array(((1, 2),), ELEMENTARY["INT"])


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    symbols = (
        Symbol("MAIN.ROW", 64, ROW),
        Symbol("SHOWN", 64, ROW, direction="READ_ONLY"),
        Symbol("OFFERED", 64, ROW, direction="READ_WRITE"),
    )
    project = write_project(tmp_path / "project", "")
    return play_runtime(tmp_path / "plant.image", project, symbols, 128).image.directory


def test_a_read_only_name_and_its_elements_are_not_writable_whatever_the_patterns_say(
    directory: Directory,
) -> None:
    found = all_variables(program_tree(directory, Choice(write=("*",))))
    writable = {item.path: item.writable for item in found}
    assert [path for path, may in writable.items() if not may] == ["SHOWN", "SHOWN[1]", "SHOWN[2]"]
    assert {"MAIN.ROW[1]", "OFFERED[2]"} <= writable.keys()


def test_patterns_that_choose_nothing_are_told_with_their_key(directory: Directory) -> None:
    choice = Choice(
        expose=("*", "NIX.*"), write=("main.row", "SHOWN*"), history=("MAIN.ROW[1]", "MAIN.ROV")
    )
    found = list(all_variables(program_tree(directory, choice)))

    assert list(choice.idle(found)) == [
        ("expose", "NIX.*"),
        ("write", "SHOWN*"),
        ("history", "MAIN.ROV"),
    ]
