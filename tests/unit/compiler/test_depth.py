"""Deep, long and large programs: what generators write compiles, what nobody writes is refused."""

import pytest

from runtime.limits import FRAME_BYTES_MAX, NESTING_MAX, OPERATORS_MAX, STATE_BYTES_MAX
from tests.support.programs import codes_of, evaluate, program, run

LEVELS = 500


def test_500_levels_of_parentheses_compute_in_both_engines() -> None:
    evaluate("X : DINT := 1;", f"X := {'(' * LEVELS}X{')' * LEVELS} + 1;", x=2)


def test_500_levels_of_operators_in_parentheses_compute_in_both_engines() -> None:
    evaluate("X : DINT := 1;", f"X := {'X + (' * LEVELS}X{')' * LEVELS};", x=LEVELS + 1)


def test_500_levels_of_if_run_in_both_engines() -> None:
    body = "IF X = 1 THEN " * LEVELS + "X := 2;" + "END_IF;" * LEVELS
    evaluate("X : DINT := 1;", body, x=2)


def test_500_levels_of_case_run_in_both_engines() -> None:
    body = "CASE X OF 1: " * LEVELS + "X := 2;" + "END_CASE;" * LEVELS
    evaluate("X : DINT := 1;", body, x=2)


def test_400_levels_of_calls_and_indices_run_in_both_engines() -> None:
    levels = 400
    evaluate("X : DINT := -1;", f"X := {'ABS(' * levels}X{')' * levels};", x=1)
    evaluate(
        "A : ARRAY [0..1] OF DINT; X : DINT := 7;", f"X := {'A[' * levels}X - 7{']' * levels};", x=0
    )


@pytest.mark.parametrize("operators", [1000, OPERATORS_MAX])
def test_long_chains_of_operators_compute_in_both_engines(operators: int) -> None:
    evaluate("X : DINT := 1;", f"X := X{' + X' * operators};", x=operators + 1)


def test_a_chain_of_elsif_is_no_nesting() -> None:
    branches = "".join(f"ELSIF X = {n} THEN Y := {n};\n" for n in range(1, 2000))
    evaluate("X : INT := 1999; Y : INT;", f"IF X = 0 THEN Y := 0;\n{branches}END_IF;", y=1999)


def test_functions_call_each_other_500_levels_deep() -> None:
    last = f"FUNCTION F{LEVELS} : INT F{LEVELS} := 7; END_FUNCTION\n"
    functions = "".join(
        f"FUNCTION F{n} : INT F{n} := F{n + 1}(); END_FUNCTION\n" for n in range(LEVELS)
    )
    assert run(functions + last + program("X : INT;", "X := F0();")).last == {"MAIN.X": 7}


DEEPER = NESTING_MAX + 1
TOO_DEEP = {
    "parentheses": program("X : INT;", f"X := {'(' * DEEPER}1{')' * DEEPER};"),
    "unclosed": program("X : INT;", "X := " + "(" * 100_000),
    "if": program("X : INT;", "IF X = 1 THEN " * DEEPER + "X := 1;" + "END_IF;" * DEEPER),
    "signs": program("X : INT;", f"X := {'-' * 100_000}X;"),
    "not": program("X : BOOL;", f"X := {'NOT ' * 100_000}X;"),
    "members": program("X : INT;", f"X := X{'.A' * 20_000};"),
    "indices": program("X : INT;", f"X := X{'[1]' * 20_000};"),
    "calls": program("X : INT;", f"X := {'ABS(' * 20_000}1{')' * 20_000};"),
    "arrays": program(f"X : {'ARRAY [1..1] OF ' * 20_000}INT;", ""),
    "structures": f"TYPE T1 : {'STRUCT A : ' * 20_000}INT;{' END_STRUCT;' * 20_000} END_TYPE\n",
    "lists": program(f"X : INT := {'[' * 20_000}1{']' * 20_000};", ""),
    "named values": program(f"X : INT := {'(A := ' * 20_000}1{')' * 20_000};", ""),
    "operators": program("X : INT;", f"X := X{' + X' * (OPERATORS_MAX + 1)};"),
}


@pytest.mark.parametrize("name", sorted(TOO_DEEP))
def test_what_nests_deeper_than_the_limit_is_refused(name: str) -> None:
    assert "ST1102" in codes_of(TOO_DEEP[name])


def test_comments_nest_without_limit() -> None:
    assert codes_of("(*" * 50_000 + "*)" * 50_000 + program("X : INT;", "X := 1;")) == []


def test_numbers_of_any_length_are_read_or_refused() -> None:
    assert codes_of(program("X : LREAL;", f"X := {'9' * 20_000};")) == ["ST1201"]
    assert codes_of(program("X : LREAL;", f"X := LREAL#16#{'F' * 20_000};")) == ["ST1201"]
    assert codes_of(program("X : TIME;", f"X := T#{'9' * 20_000}s;")) == ["ST1201"]
    assert codes_of(program("X : LREAL;", f"X := {'9' * 20_000}.5;")) == []
    assert codes_of(program("X : LREAL;", f"X := 9.5{' * 18446744073709551615' * 100};")) == []
    assert codes_of(program("X : LREAL;", f"X := 1{' * 18446744073709551615' * 100} * 1.5;")) == []


def test_an_array_beyond_all_memory_is_refused() -> None:
    assert codes_of(program(f"X : ARRAY [1..{STATE_BYTES_MAX + 1}] OF BYTE;", "")) == ["ST2014"]
    assert codes_of(program("X : ARRAY [0..9223372036854775806] OF LREAL;", "")) == ["ST2014"]


def test_a_structure_that_doubles_itself_is_refused() -> None:
    types = "".join(f"T{n} : STRUCT A, B : T{n + 1}; END_STRUCT;\n" for n in range(60))
    assert "ST2014" in codes_of(f"TYPE {types} T60 : INT; END_TYPE\n" + program("X : T0;", ""))


def test_many_arrays_that_are_too_much_together_are_refused() -> None:
    declared = "".join(f"X{n} : ARRAY [1..50_000_000] OF BYTE;" for n in range(40))
    assert codes_of(program(declared, "")) == ["ST2014"]
    assert codes_of(f"VAR_GLOBAL {declared} END_VAR\n" + program("X : INT;", "")) == ["ST2014"]


def test_the_variables_of_a_function_are_bounded_by_the_stack() -> None:
    function = (
        "FUNCTION F : INT VAR A : ARRAY [1..{}] OF BYTE; END_VAR A[1] := 1; F := 2; END_FUNCTION\n"
    )
    caller = program("X : INT;", "X := F();")
    assert run(function.format(FRAME_BYTES_MAX - 2) + caller).last == {"MAIN.X": 2}
    assert codes_of(function.format(FRAME_BYTES_MAX + 1) + caller) == ["ST2014"]


def test_large_arrays_are_copied_without_the_stack() -> None:
    declared = "A, B : ARRAY [0..2_000_000] OF LINT; I : DINT := 1999999; X : LINT;"
    body = "A[I] := 5; B := A; A[I] := 6; B := B; X := B[I];"
    assert run(program(declared, body), watch=["MAIN.X"]).last == {"MAIN.X": 5}


def test_ten_thousand_lines_are_checked() -> None:
    lines = "\n".join(f"IF A[{n % 100}] > {n} THEN X := X + {n}; END_IF;" for n in range(10_000))
    assert codes_of(program("A : ARRAY [0..99] OF DINT; X : DINT;", lines)) == []


def test_nothing_at_all_is_no_program() -> None:
    assert codes_of("") == ["ST2012"]
    assert codes_of() == ["ST2012"]


def test_deep_loops_compile_without_an_explosion() -> None:
    counters = "".join(f"I{n} : INT; " for n in range(16))
    heads = "".join(f"FOR I{n} := 1 TO {2 if n < 4 else 1} DO " for n in range(16))
    text = program(f"{counters} X : INT;", f"{heads} X := X + 1; {'END_FOR;' * 16}")
    assert run(text).last["MAIN.X"] == 16


def test_deep_loops_of_functions_that_call_each_other_compile() -> None:
    def function(name: str, body: str) -> str:
        counters = "".join(f"I{n} : INT; " for n in range(5))
        heads = "".join(f"FOR I{n} := 1 TO 1 DO " for n in range(5))
        inside = f"{name} := {name} + {body};"
        head = f"FUNCTION {name} : INT VAR_INPUT A : INT; END_VAR VAR {counters} END_VAR"
        return f"{head} {heads} {inside} {'END_FOR;' * 5} END_FUNCTION\n"

    functions = function("F", "A") + function("G", "F(A)") + function("H", "G(A)")
    assert run(functions + program("X : INT;", "X := H(3);")).last["MAIN.X"] == 3


def test_hundreds_of_loops_in_each_other_compile() -> None:
    heads = "".join(f"WHILE X < {200 - n} DO X := X + 1; " for n in range(200))
    text = program("X : INT;", f"{heads} {'END_WHILE;' * 200}")
    assert run(text).last["MAIN.X"] == 200
