"""What the compiler tells of units: which variable stands in which section, what is constant."""

import pytest

from runtime.artifact.program import CompiledProgram
from runtime.artifact.units import Member, Unit, decode_unit, encode_unit
from runtime.build import compile_sources
from runtime.image.directory import Directory, TaskEntry, decode, encode
from tests.support.programs import sources_of

TEXT = """
VAR_GLOBAL Total : DINT; END_VAR
VAR_GLOBAL CONSTANT Most : INT := 9; END_VAR
FUNCTION_BLOCK Base VAR_INPUT Enable : BOOL; END_VAR VAR Kept : INT; END_VAR END_FUNCTION_BLOCK
FUNCTION_BLOCK Motor EXTENDS Base
VAR_INPUT Speed : REAL; END_VAR VAR_OUTPUT Ready : BOOL; END_VAR VAR_IN_OUT Count : INT; END_VAR
VAR_EXTERNAL Total : DINT; END_VAR
VAR CONSTANT Top : REAL := 50.0; END_VAR VAR_TEMP Passing : INT; END_VAR
Count := Count + 1; Total := Total + 1;
END_FUNCTION_BLOCK
FUNCTION_BLOCK Unused VAR X : INT; END_VAR END_FUNCTION_BLOCK
PROGRAM Main
VAR Motors : ARRAY [1..2] OF Motor; N : INT; END_VAR VAR CONSTANT Fixed : INT := 3; END_VAR
Motors[1](Count := N);
END_PROGRAM
"""


@pytest.fixture(scope="module")
def compiled() -> CompiledProgram:
    done = compile_sources(sources_of(TEXT), "units").program
    assert done is not None
    return done


def unit(compiled: CompiledProgram, name: str) -> Unit:
    return next(item for item in compiled.units if item.name == name)


def test_units_are_the_programs_and_what_they_have_with_its_bases(
    compiled: CompiledProgram,
) -> None:
    found = [(item.name, item.kind, item.base) for item in compiled.units]
    assert found == [
        ("Base", "FUNCTION_BLOCK", ""),
        ("Main", "PROGRAM", ""),
        ("Motor", "FUNCTION_BLOCK", "Base"),
    ]


def test_a_member_knows_its_section_and_whether_it_is_constant(compiled: CompiledProgram) -> None:
    motor = unit(compiled, "Motor")
    assert motor.member("ENABLE") == Member("ENABLE", "VAR_INPUT", "BOOL"), "inherited"
    assert motor.member("READY") == Member("READY", "VAR_OUTPUT", "BOOL")
    assert motor.member("COUNT") == Member("COUNT", "VAR_IN_OUT", "INT")
    assert motor.member("TOTAL") == Member("TOTAL", "VAR_EXTERNAL", "DINT")
    assert motor.member("TOP") == Member("TOP", "VAR", "REAL", constant=True)
    assert motor.member("PASSING") is None, "it has no place between calls"


def test_constants_in_the_symbol_table_are_not_to_be_written(compiled: CompiledProgram) -> None:
    sealed = {item.path: item.sealed_by for item in compiled.symbols if item.is_read_only}
    assert sealed == {"MOST": "CONSTANT", "MAIN.FIXED": "CONSTANT"}


def test_units_and_tasks_come_back_from_the_directory(compiled: CompiledProgram) -> None:
    assert tuple(decode_unit(encode_unit(item)) for item in compiled.units) == compiled.units
    directory = Directory(
        project="units",
        tasks=(TaskEntry("Fast", 10, (), 2, "MAIN.GO", (("MAIN", "Main"),)),),
        devices=(),
        outputs=compiled.outputs,
        state_bytes=compiled.state_size,
        symbols=compiled.symbols,
        sites=compiled.sites,
        input_area=compiled.inputs,
        memory_area=compiled.memory,
        units=compiled.units,
    )
    found = decode(encode(directory))
    assert (found.units, found.tasks) == (directory.units, directory.tasks)
