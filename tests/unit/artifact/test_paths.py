"""A path names a variable, a member, an element or a bit, or says what is wrong with it."""

import pytest

from runtime.artifact.paths import PathError, Paths, elementary_at, split_paths
from runtime.build import check_sources, symbols_of
from tests.support.programs import program, run, sources_of

TYPES = """
TYPE MOTOR : STRUCT
  SPEED : REAL; TEMP : ARRAY [-1..1] OF INT := [7, 8, 9]; FLAGS : WORD;
END_STRUCT; END_TYPE
FUNCTION_BLOCK PUMP VAR_OUTPUT M : MOTOR; END_VAR END_FUNCTION_BLOCK
"""
TEXT = TYPES + program(
    "MOTORS : ARRAY [1..3] OF MOTOR; GRID : ARRAY [1..2, 0..2] OF INT := [1, 2, 3, 4, 5, 6];"
    "P : PUMP; X : DINT := 5; R : REAL; S : STRING;"
    "RAW AT %IB2 : ARRAY [0..7] OF BYTE; NAME AT %IB2 : STRING[8];"
    "DOORS AT %QX1.5 : ARRAY [0..1, 1..3] OF BOOL;",
    "",
)


@pytest.fixture(scope="module")
def paths() -> Paths:
    model = check_sources(sources_of(TEXT)).model
    assert model is not None
    return Paths(symbols_of(model))


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("main.x", "MAIN.X"),
        ("MAIN.Motors[3].Speed", "MAIN.MOTORS[3].SPEED"),
        ("MAIN.grid[ 2 , 1 ]", "MAIN.GRID[2,1]"),
        ("MAIN.P.M.TEMP[-1]", "MAIN.P.M.TEMP[-1]"),
        ("MAIN.MOTORS[1].FLAGS.9", "MAIN.MOTORS[1].FLAGS.9"),
        ("MAIN.MOTORS[2]", "MAIN.MOTORS[2]"),
    ],
)
def test_a_path_is_found_in_any_case_and_spacing(paths: Paths, path: str, canonical: str) -> None:
    assert paths.find(path).path == canonical


@pytest.mark.parametrize(
    "path",
    [
        "MAIN.X", "MAIN.R", "MAIN.MOTORS[3].SPEED", "MAIN.MOTORS[2].TEMP[-1]", "MAIN.GRID[2,1]",
        "MAIN.P.M.TEMP[1]", "MAIN.MOTORS[1].FLAGS.9", "MAIN.S",
        "MAIN.RAW[0]", "MAIN.NAME",
        "MAIN.DOORS[0,1]", "MAIN.DOORS[1,3]",
    ],
)  # fmt: skip
def test_a_place_in_the_state_has_its_path(paths: Paths, path: str) -> None:
    symbol = paths.find(path)
    found = elementary_at(paths.symbols, symbol.offset, symbol.type.size, symbol.bit)
    assert found == symbol


def test_a_place_between_variables_has_no_path(paths: Paths) -> None:
    grid = paths.find("MAIN.GRID[1,1]")
    assert elementary_at(paths.symbols, grid.offset + 1, 2, -1) is None
    assert elementary_at(paths.symbols, 1 << 30, 4, -1) is None
    doors = paths.find("MAIN.DOORS")
    assert elementary_at(paths.symbols, doors.offset, 1, 4) is None
    assert elementary_at(paths.symbols, doors.offset, 1, -1) is None


def test_what_a_path_names_is_read_and_written() -> None:
    settings = {"MAIN.GRID[2,1]": 50, "main.motors[3].temp[0]": -4, "MAIN.MOTORS[2].FLAGS.9": True}
    watched = ["MAIN.GRID", "MAIN.MOTORS[3].TEMP", "MAIN.MOTORS[2].FLAGS", "MAIN.GRID[1,2]"]
    assert run(TEXT, inputs={1: settings}, watch=watched).last == {
        "MAIN.GRID": [[1, 2, 3], [4, 50, 6]],
        "MAIN.MOTORS[3].TEMP": [7, -4, 9],
        "MAIN.MOTORS[2].FLAGS": 512,
        "MAIN.GRID[1,2]": 3,
    }


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("MAIN.Y", "MAIN.Y: no such variable; did you mean MAIN.X?"),
        ("FURNACE", "FURNACE: no such variable; expected a path such as MAIN.MOTORS"),
        ("MAIN.MOTORS[1].SPED", "has no member SPED; did you mean SPEED?"),
        ("MAIN.MOTORS[1].Q", "has no member Q; it has SPEED, TEMP, FLAGS"),
        ("MAIN.MOTORS[4].SPEED", "index 4 of MAIN.MOTORS is outside 1..3"),
        ("MAIN.GRID[1]", "1 index for the 2 dimensions of MAIN.GRID"),
        ("MAIN.GRID[1,x]", "index 'x' is no whole number"),
        ("MAIN.X[1]", "MAIN.X is DINT, no array"),
        ("MAIN.X.32", "MAIN.X is DINT and has no bit 32; expected 0 to 31"),
        ("MAIN.R.0", "MAIN.R is REAL and has no bit 0"),
        ("MAIN.X.Y", "MAIN.X is DINT and has no member Y"),
        ("MAIN.GRID[1,2", "'[1,2' is no part of a path"),
        ("", "'' is no part of a path"),
        ("MAIN.", "'.' is no part of a path"),
    ],
)
def test_a_wrong_path_is_told_with_the_part_that_is_wrong(
    paths: Paths, path: str, text: str
) -> None:
    with pytest.raises(PathError) as caught:
        paths.find(path)
    assert text in str(caught.value)


def test_a_list_of_paths_is_cut_at_commas_outside_of_brackets() -> None:
    assert split_paths("MAIN.X, MAIN.GRID[1,2] ,GRID[ 0 , 1 ].A,") == [
        "MAIN.X",
        "MAIN.GRID[1,2]",
        "GRID[ 0 , 1 ].A",
    ]
