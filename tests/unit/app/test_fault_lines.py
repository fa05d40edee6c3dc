"""What the lines on the way to a fault say, and the values of what they name."""

import pytest

from runtime.app.fault_lines import lines_of, named_values, told_links
from runtime.artifact.abi import FaultKind
from runtime.artifact.chains import NO_CHAIN, Chain, Link
from runtime.artifact.program import CompiledProgram, Site
from runtime.build import compile_sources
from tests.support.programs import sources_of

SOURCE = """VAR_GLOBAL Total : DINT := 9; Limits : ARRAY [1..2] OF INT := [4, 5]; END_VAR
FUNCTION_BLOCK Cell
VAR_INPUT Speed : INT := 7; N : INT := 1; END_VAR
VAR Name : STRING[20] := 'left'; END_VAR
END_FUNCTION_BLOCK
PROGRAM Line
VAR Cells : ARRAY [1..3] OF Cell := [3((Speed := 8))]; N : INT := 2; Big : ARRAY [1..500] OF INT; END_VAR
Cells[N](Speed := 1);
END_PROGRAM
"""  # noqa: E501
LINE = "LINE"
CELL = "LINE.CELLS[3]"


@pytest.fixture(scope="module")
def program() -> CompiledProgram:
    program = compile_sources(sources_of(SOURCE), "lines").program
    assert program is not None
    return program


def named(program: CompiledProgram, line: str, instance: str) -> dict[str, object]:
    told = [(Link("Line", "", "case.st", 1, 0, instance), line)]
    return dict(named_values(told, program.symbols, program.initial_state))


@pytest.mark.parametrize(
    ("line", "instance", "expected"),
    [
        ("N := 1 / n;", LINE, {"LINE.N": 2}),
        ("N := 1 / N;", CELL, {"LINE.CELLS[3].N": 1}),
        ("X := Total;", CELL, {"TOTAL": 9}),
        ("X := Cells[N].Speed;", LINE, {"LINE.CELLS[2].SPEED": 8, "LINE.N": 2}),
        ("X := Cells[2].Speed + Cells[ N ].N;", LINE, {
            "LINE.CELLS[2].SPEED": 8, "LINE.CELLS[2].N": 1, "LINE.N": 2,
        }),
        ("X := Limits[N];", LINE, {"LIMITS[2]": 5, "LINE.N": 2}),
        ("X := Limits[F(N)];", LINE, {"LIMITS": [4, 5], "LINE.N": 2}),
        ("X := Name;", CELL, {"LINE.CELLS[3].NAME": "left"}),
    ],
)  # fmt: skip
def test_names_in_a_line_are_those_of_its_instance_then_global(
    program: CompiledProgram, line: str, instance: str, expected: dict[str, object]
) -> None:
    assert named(program, line, instance) == expected


@pytest.mark.parametrize(
    "line",
    [
        "Cells[N9](F := 1);",
        "X := Nobody.N;",
        "// N",
        "(* N *) X := 'N';",
        "X := Big;",
        "X := INT#2;",
    ],
)
def test_what_has_no_short_value_is_left_out(program: CompiledProgram, line: str) -> None:
    assert named(program, line, LINE) == {}


def test_the_values_of_the_line_that_faulted_come_first(program: CompiledProgram) -> None:
    told = [
        (Link("Line", "", "case.st", 8, 0, LINE), "Cells[N](Speed := Total);"),
        (Link("Cell", "Cells[3]", "case.st", 4, 0, CELL), "X := Speed / N;"),
    ]
    values = named_values(told, program.symbols, program.initial_state)
    assert list(values) == ["LINE.CELLS[3].SPEED", "LINE.CELLS[3].N", "LINE.N", "TOTAL"]


def test_a_way_that_is_not_known_leaves_the_line_of_the_fault() -> None:
    site = Site(FaultKind.INDEX, "case.st", 8, "Line")
    line_of = lines_of({"case.st": SOURCE})
    ((link, line),) = told_links(NO_CHAIN, site, line_of)
    assert (link.title, link.place, line) == ("Line", "case.st:8", "Cells[N](Speed := 1);")
    assert list(told_links(NO_CHAIN, None, line_of)) == []


def test_a_source_that_has_become_shorter_has_no_such_line() -> None:
    chain = Chain((Link("Line", "", "case.st", 80),))
    assert [line for _, line in told_links(chain, None, lines_of({"case.st": "X"}))] == [""]
    assert [line for _, line in told_links(chain, None, lines_of({}))] == [""]
