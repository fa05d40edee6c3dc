"""What tasks take and commit: the sets that the compiler finds for them."""

from runtime.artifact.exchange import NOBODY, SEVERAL, Cells, Exchange
from runtime.artifact.program import CompiledProgram, TaskInfo
from runtime.build import compile_sources
from tests.support.programs import sources_of

TWO_TASKS = """
CONFIGURATION C
  VAR_GLOBAL {variables} END_VAR
  TASK A(INTERVAL := T#10ms, PRIORITY := 1);
  TASK B(INTERVAL := T#20ms, PRIORITY := 2);
  PROGRAM PA WITH A : First;
  PROGRAM PB WITH B : Second;
END_CONFIGURATION
{types}
PROGRAM First VAR_EXTERNAL {external} END_VAR VAR {own} END_VAR {first} END_PROGRAM
PROGRAM Second VAR_EXTERNAL {external} END_VAR VAR {own} END_VAR {second} END_PROGRAM
"""


def compiled(
    variables: str, first: str, second: str, types: str = "", own: str = "N : INT;"
) -> CompiledProgram:
    text = TWO_TASKS.format(
        variables=variables, external=variables, types=types, own=own, first=first, second=second
    )
    done = compile_sources(sources_of(text), "case")
    assert done.program is not None, [item.message for item in done.findings]
    return done.program


def place(program: CompiledProgram, path: str) -> tuple[int, int]:
    symbol = program.symbol(path)
    assert symbol is not None
    return symbol.offset, symbol.type.size


def takes(task: TaskInfo, offset: int) -> list[int]:
    """Return the owners of the takes that cover a byte."""
    return [
        item.owner for item in task.exchange.takes
        if item.offset <= offset < item.offset + item.size
    ]  # fmt: skip


def shares(task: TaskInfo, offset: int) -> list[Cells]:
    return [
        item for item in task.exchange.shared if item.offset <= offset < item.offset + item.size
    ]


def test_what_one_task_writes_is_its_own_and_taken_by_its_readers() -> None:
    program = compiled("X : INT;", "X := X + 1;", "N := X;")
    first, second = program.tasks
    offset, _ = place(program, "X")
    assert first.exchange.owns(offset)
    assert takes(first, offset) == []
    assert takes(second, offset) == [0]
    assert not second.exchange.owns(offset)


def test_a_program_instance_belongs_to_its_task() -> None:
    program = compiled("X : INT;", "X := N;", "N := X;")
    first, second = program.tasks
    assert first.exchange.owns(place(program, "PA.N")[0])
    assert second.exchange.owns(place(program, "PB.N")[0])
    assert not first.exchange.owns(place(program, "PB.N")[0])


def test_what_both_write_is_committed_by_cells() -> None:
    program = compiled("X : ARRAY [1..4] OF INT;", "X[N] := 1;", "X[N] := 2;", own="N : INT := 1;")
    offset, _ = place(program, "X")
    for task in program.tasks:
        assert shares(task, offset) == [Cells(offset, 2, 4)]
        assert not task.exchange.owns(offset)


def test_an_element_with_a_constant_index_is_all_that_is_touched() -> None:
    program = compiled("X : ARRAY [1..4] OF INT;", "X[1] := 1;", "X[2] := 2;")
    offset, _ = place(program, "X")
    first, second = program.tasks
    assert first.exchange.owns(offset)
    assert second.exchange.owns(offset + 2)
    assert not first.exchange.owns(offset + 2)


def test_a_structure_is_committed_by_its_members() -> None:
    program = compiled(
        "X : Pair;", "X.A := 1; X.S := 'one';", "X.A := 2; X.S := 'two';",
        types="TYPE Pair : STRUCT A : INT; S : STRING[20]; END_STRUCT; END_TYPE",
    )  # fmt: skip
    offset, _ = place(program, "X")
    shared = program.tasks[0].exchange.shared
    assert shared == (Cells(offset, 2, 1), Cells(offset + 4, 24, 1))


def test_what_nobody_writes_is_taken_when_a_command_changes_it() -> None:
    program = compiled("X : INT := 5;", "N := X;", "N := 2;")
    offset, _ = place(program, "X")
    assert takes(program.tasks[0], offset) == [NOBODY]
    assert takes(program.tasks[1], offset) == []


def test_inputs_are_taken_at_every_release() -> None:
    program = compiled("X AT %IW0 : INT;", "N := X;", "N := 2;")
    assert takes(program.tasks[0], place(program, "X")[0]) == [SEVERAL]


def test_single_bits_of_one_byte_are_committed_bit_by_bit() -> None:
    program = compiled("X AT %QX0.0 : BOOL; Y AT %QX0.1 : BOOL;", "X := NOT X;", "Y := NOT Y;")
    offset, _ = place(program, "X")
    for task in program.tasks:
        assert shares(task, offset) == [Cells(offset, 0, 1)]


def test_an_array_of_bits_at_an_address_is_committed_bit_by_bit() -> None:
    program = compiled("X AT %QX0.6 : ARRAY [0..11] OF BOOL;", "X[N] := TRUE;", "X[N] := FALSE;")
    offset, size = place(program, "X")
    assert size == 3
    for task in program.tasks:
        assert shares(task, offset) == [Cells(offset, 0, 3)]


def test_a_string_at_an_address_is_one_cell() -> None:
    program = compiled("X AT %QB1 : STRING[6];", "X := 'one';", "X := 'two';")
    offset, _ = place(program, "X")
    for task in program.tasks:
        assert shares(task, offset) == [Cells(offset, 6, 1)]


def test_addresses_that_overlap_are_one_cell() -> None:
    program = compiled("X AT %QW0 : INT; Y AT %QB1 : USINT;", "X := 5;", "Y := 6;")
    offset, _ = place(program, "X")
    for task in program.tasks:
        assert shares(task, offset) == [Cells(offset, 2, 1)]


def test_calls_count_for_the_task_that_makes_them() -> None:
    types = """
    FUNCTION Bump : INT VAR_IN_OUT V : INT; END_VAR V := V + 1; Bump := V; END_FUNCTION
    FUNCTION_BLOCK Setter VAR_EXTERNAL Y : INT; END_VAR Y := 7; END_FUNCTION_BLOCK
    """
    program = compiled(
        "X : INT; Y : INT;", "N := Bump(X); F();", "N := X + Y;", types, "N : INT; F : Setter;"
    )
    first, second = program.tasks
    for name in ("X", "Y"):
        offset, _ = place(program, name)
        assert first.exchange.owns(offset) or shares(first, offset)
        assert takes(second, offset) or shares(second, offset)


def test_an_instance_in_a_global_is_touched_whole_by_who_calls_it() -> None:
    program = compiled("T : TON;", "T(IN := TRUE, PT := T#1s);", "N := SEL(T.Q, 1, 2);")
    offset, size = place(program, "T")
    first, second = program.tasks
    assert first.exchange.owns(offset)
    assert first.exchange.owns(offset + size - 1)
    outputs = {owner for at in range(offset, offset + size) for owner in takes(second, at)}
    assert outputs == {0}


def test_a_reference_leads_to_all_of_its_type_whose_address_is_taken() -> None:
    program = compiled(
        "R : REF_TO INT; X : INT; Y : DINT; Z : INT;",
        "R := REF(X); Y := Y + 1; Z := Z + 1;",
        "IF R <> NULL THEN R^ := 3; END_IF;",
    )
    second = program.tasks[1]
    assert second.exchange.owns(place(program, "X")[0])
    assert not shares(second, place(program, "Y")[0])
    assert not shares(second, place(program, "Z")[0])


def test_a_reference_into_a_program_opens_that_program() -> None:
    program = compiled("R : REF_TO INT;", "R := REF(N);", "IF R <> NULL THEN R^ := 3; END_IF;")
    offset, _ = place(program, "PA.N")
    assert shares(program.tasks[1], offset)
    assert shares(program.tasks[0], offset)


def test_an_in_out_of_a_block_reaches_what_is_given() -> None:
    types = """
    FUNCTION_BLOCK Counter VAR_IN_OUT V : INT; END_VAR V := V + 1; END_FUNCTION_BLOCK
    """
    program = compiled(
        "X : INT; Y : INT;", "C(V := X);", "C(V := Y);", types, own="N : INT; C : Counter;"
    )
    first, second = program.tasks
    assert first.exchange.owns(place(program, "X")[0])
    assert second.exchange.owns(place(program, "Y")[0])


def test_a_single_task_exchanges_nothing() -> None:
    done = compile_sources(sources_of("PROGRAM MAIN VAR X : INT; END_VAR X := 1; END_PROGRAM"), "x")
    assert done.program is not None
    (task,) = done.program.tasks
    assert task.exchange == Exchange()
