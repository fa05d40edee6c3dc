"""A check is removed only where it cannot fail: what proves it, and what must not."""

import pytest

from runtime.artifact.abi import FaultKind
from runtime.build import check_sources
from runtime.codegen.proofs import proved
from runtime.model import program
from runtime.model.program import Model
from runtime.model.writes import parts_of
from tests.support.programs import program as text_of
from tests.support.programs import run, sources_of

ARRAY = "a : ARRAY [0..9] OF INT; i : INT; j : INT; n : INT; x : DINT; ok : BOOL;"
SHIFTED = """
j := 8; ok := TRUE;
WHILE ok DO
  IF j < 0 THEN ok := FALSE; ELSE a[j + 1] := a[j]; j := j - 1; END_IF;
END_WHILE;
a[j + 1] := 0;
"""
COUNTER = """
FUNCTION MOVED : INT
VAR_IN_OUT place : INT; END_VAR
place := place + 5;
MOVED := place;
END_FUNCTION
"""


def model_of(*texts: str) -> Model:
    model = check_sources(sources_of(*texts)).model
    assert model is not None
    return model


def checks_left(body: str, declarations: str = ARRAY, *more: str) -> int:
    """Return how many checks of indices, divisors and subranges stay in MAIN."""
    routine = proved(model_of(text_of(declarations, body), *more)).routines["MAIN"]
    kinds = program.Step | program.Operate | program.Assign
    return sum(isinstance(item, kinds) and item.site >= 0 for item in parts_of(routine.body))


@pytest.mark.parametrize(
    "body",
    [
        "FOR i := 0 TO 9 DO a[i] := i; END_FOR;",
        "FOR i := 9 TO 0 BY -1 DO a[i] := i; END_FOR;",
        "FOR i := 1 TO 9 DO a[i] := a[i - 1]; END_FOR;",
        "FOR i := 0 TO 9 DO IF a[i] = 3 THEN EXIT; END_IF; END_FOR;",
        "IF n >= 0 AND n < 10 THEN a[n] := 1; END_IF;",
        "IF n < 0 OR n > 9 THEN n := 0; END_IF; a[n] := 1;",
        "IF NOT (n >= 0 AND_THEN n <= 9) THEN RETURN; END_IF; a[LIMIT(0, n, 9)] := 1;",
        "IF n >= 0 AND_THEN n <= 9 AND_THEN a[n] > 3 THEN ok := TRUE; END_IF;",
        "n := 7; a[n] := 1;",
        "CASE n OF 0..4: a[n] := 1; 5: a[n + 4] := 2; END_CASE;",
        "i := 0; WHILE i < 10 DO a[i] := 1; i := i + 1; END_WHILE;",
        "i := 0; REPEAT a[i] := 1; i := i + 1; UNTIL i > 9 END_REPEAT;",
        SHIFTED,
        "FOR i := 0 TO 2 DO FOR j := 0 TO 2 DO a[i * 3 + j] := 1; END_FOR; END_FOR;",
        "IF n > 0 THEN a[n MOD 10] := 100 / n; END_IF;",
    ],
)
def test_a_check_that_cannot_fail_is_removed(body: str) -> None:
    assert checks_left(body) == 0
    run(text_of(ARRAY, body), cycles=2)


@pytest.mark.parametrize(
    "body",
    [
        "FOR i := 0 TO 10 DO a[i] := 1; END_FOR;",
        "FOR i := 0 TO 9 DO a[i + 1] := 1; END_FOR;",
        "FOR i := 0 TO n DO a[i] := 1; END_FOR;",
        "FOR i := 0 TO 9 DO i := i + n; a[i] := 1; END_FOR;",
        "FOR i := 0 TO 9 DO a[MOVED(place := i)] := 1; END_FOR;",
        "FOR i := 0 TO 9 DO n := MOVED(place := i); a[i] := 1; END_FOR;",
        "FOR i := 0 TO 9 BY n DO a[i] := 1; END_FOR; a[i] := 2;",
        "FOR i := 9 TO 0 BY -1 DO a[i - 1] := 1; END_FOR;",
        "FOR i := 0 TO 9 DO ; END_FOR; a[i] := 1;",
        "FOR i := 0 TO 9 DO i.%X3 := TRUE; a[i] := 1; END_FOR;",
        "a[n] := 1;",
        "IF n < 10 THEN a[n] := 1; END_IF;",
        "IF n >= 0 OR n < 10 THEN a[n] := 1; END_IF;",
        "IF n >= 0 AND n < 10 THEN n := n + 1; a[n] := 1; END_IF;",
        "n := 9; IF ok THEN n := 10; END_IF; a[n] := 1;",
        "n := 32767; n := n + 1; a[n] := 1;",
        "i := 0; WHILE ok DO a[i] := 1; i := i + 1; END_WHILE;",
        "i := 0; WHILE i < 10 DO i := i + 1; a[i] := 1; END_WHILE;",
        "WHILE i < 10 DO i := i + 3; IF ok THEN CONTINUE; END_IF; i := 0; END_WHILE; a[i] := 1;",
        "i := 0; WHILE TRUE DO i := 10; EXIT; END_WHILE; a[i] := 1;",
        "a[n MOD 10] := 1;",
        "x := 100 / n;",
        "IF n <> 0 THEN x := 100 / (n - 1); END_IF;",
        "CASE n OF 0..10: a[n] := 1; END_CASE;",
        "n := 3; n := MOVED(place := n); a[n] := 1;",
    ],
)
def test_a_check_that_may_fail_stays(body: str) -> None:
    assert checks_left(body, ARRAY, COUNTER) >= 1


def test_a_write_through_a_reference_is_not_overlooked() -> None:
    declared = ARRAY + " r : REF_TO INT;"
    body = "r := REF(i); FOR i := 0 TO 9 DO r^ := 12; a[i] := 1; END_FOR;"
    assert checks_left(body, declared) >= 1
    assert run(text_of(declared, body), cycles=1).fault.kind == FaultKind.INDEX


def test_a_block_that_writes_a_global_is_not_overlooked() -> None:
    block = """
FUNCTION_BLOCK JUMP
VAR_EXTERNAL g : INT; END_VAR
g := 77;
END_FUNCTION_BLOCK
CONFIGURATION C
VAR_GLOBAL g : INT; END_VAR
TASK T(INTERVAL := T#10ms, PRIORITY := 0);
PROGRAM P WITH T : MAIN;
END_CONFIGURATION
"""
    body = "FOR g := 0 TO 9 DO b(); a[g] := 1; END_FOR;"
    text = text_of(ARRAY + " b : JUMP; END_VAR VAR_EXTERNAL g : INT;", body)
    assert checks_left_in(text, block) == 1


def checks_left_in(*texts: str) -> int:
    routine = proved(model_of(*texts)).routines["MAIN"]
    return sum(isinstance(item, program.Step) and item.site >= 0 for item in parts_of(routine.body))


def test_a_subrange_is_checked_where_a_value_may_leave_it() -> None:
    declared = "s : INT (0..9); n : INT;"
    assert checks_left("s := 4; s := s;", declared) == 0
    assert checks_left("s := n;", declared) == 1
    assert checks_left("s := n; s := s + 1;", declared) == 2


def test_a_stored_variable_is_not_trusted_at_the_begin_of_a_scan() -> None:
    assert checks_left("a[n] := 1; n := 3;") == 1


def test_an_index_that_wraps_is_checked() -> None:
    declared = "a : ARRAY [0..300] OF INT; b : USINT; s : SINT;"
    assert checks_left("FOR b := 0 TO 200 DO a[b + 100] := 1; END_FOR;", declared) == 0
    assert checks_left("FOR s := 100 TO 127 DO a[s + 1] := 1; END_FOR;", declared) >= 1


def counted(body: str, declarations: str = ARRAY, *more: str) -> list[tuple[bool, int, bool]]:
    routine = model_of(text_of(declarations, body), *more).routines["MAIN"]
    return [
        (item.is_counted, item.inner_turns, item.is_prepaid)
        for item in parts_of(routine.body)
        if isinstance(item, program.For)
    ]


def test_a_loop_inside_is_charged_with_the_one_around() -> None:
    body = "FOR i := 0 TO 3 DO FOR j := 0 TO 4 DO n := n + 1; END_FOR; END_FOR;"
    assert counted(body) == [(True, 5, False), (True, 0, True)]


@pytest.mark.parametrize(
    "body",
    [
        "FOR i := 0 TO 9 DO i := i + 1; END_FOR;",
        "FOR i := 0 TO 9 DO IF ok THEN EXIT; END_IF; END_FOR;",
        "FOR i := 0 TO 9 DO IF ok THEN RETURN; END_IF; END_FOR;",
        "FOR i := 0 TO 9 BY n DO j := 1; END_FOR;",
        "FOR i := 0 TO 9 DO n := MOVED(place := i); END_FOR;",
    ],
)
def test_a_loop_that_may_end_otherwise_is_charged_turn_by_turn(body: str) -> None:
    assert counted(body, ARRAY, COUNTER) == [(False, 0, False)]


def test_a_loop_inside_that_a_turn_may_skip_is_charged_by_itself() -> None:
    body = "FOR i := 0 TO 3 DO IF ok THEN FOR j := 0 TO 4 DO n := 1; END_FOR; END_IF; END_FOR;"
    assert counted(body) == [(True, 0, False), (True, 0, False)]
    body = "FOR i := 0 TO 3 DO IF ok THEN CONTINUE; END_IF;"
    body += " FOR j := 0 TO 4 DO n := 1; END_FOR; END_FOR;"
    assert counted(body) == [(True, 0, False), (True, 0, False)]


def test_both_engines_end_a_counted_loop_beyond_the_budget_alike() -> None:
    body = "FOR i := 0 TO 999 DO FOR j := 0 TO 999 DO n := n + 1; END_FOR; END_FOR;"
    assert run(text_of(ARRAY, body), cycles=1).fault.kind == FaultKind.WATCHDOG


@pytest.mark.parametrize(
    "loop",
    [
        "FOR s := 100 TO 127 DO n := n + 1; END_FOR;",
        "FOR s := -128 TO 127 BY 100 DO n := n + 1; END_FOR;",
        "FOR s := 127 TO -128 BY -50 DO n := n + 1; END_FOR;",
        "FOR u := 250 TO 255 BY 4 DO n := n + 1; END_FOR;",
        "FOR s := 5 TO 4 DO n := n + 1; END_FOR;",
        "FOR s := 1 TO m DO n := n + s; END_FOR;",
        "FOR s := m TO -m BY -3 DO n := n + s; END_FOR;",
    ],
)
def test_the_variable_of_a_counted_loop_ends_alike_in_both_engines(loop: str) -> None:
    run(text_of("s : SINT; u : USINT; n : INT; m : SINT := 127;", loop), cycles=2)


def test_a_fault_leaves_the_loop_variable_at_its_turn() -> None:
    body = "FOR i := 0 TO 20 DO a[i] := 1; END_FOR;"
    assert run(text_of(ARRAY, body), cycles=1).fault.kind == FaultKind.INDEX


MATRIX = """
a : ARRAY [0..12, 0..12] OF LREAL; b : ARRAY [0..12, 0..12] OF LREAL;
c : ARRAY [0..12, 0..12] OF LREAL; i : INT; j : INT; k : INT; s : LREAL; t : REAL;
"""
FILL = """
FOR i := 0 TO 12 DO FOR j := 0 TO 12 DO
  a[i, j] := INT_TO_LREAL((i * 7 + j * 3) MOD 11) / 11.0;
  b[i, j] := INT_TO_LREAL((i * 5 + j * 13) MOD 17) / 17.0;
END_FOR; END_FOR;
"""


@pytest.mark.parametrize(
    "loop",
    [
        "s := 0.0; FOR k := 0 TO 12 DO s := s + a[i, k] * b[k, j]; END_FOR; c[i, j] := s;",
        "s := 1.0; FOR k := 12 TO 0 BY -1 DO s := s / (a[k, j] + 1.5); END_FOR; c[j, i] := s;",
        "s := s + 1.0; FOR k := 0 TO 3 DO s := s + a[i, k]; END_FOR; c[i, j] := s;",
        "s := 0.0; FOR k := 0 TO 12 DO s := s + c[i, k]; END_FOR; c[i, j] := s;",
        "s := 0.0; FOR k := 0 TO 12 DO s := s + a[i, k]; END_FOR; c[i, 3] := s;",
        "s := 0.0; FOR k := 1 TO 2 DO s := s + a[i, k] / (s - s); END_FOR; c[i, j] := s;",
    ],
)
def test_turns_side_by_side_give_the_same_bits(loop: str) -> None:
    body = f"{FILL} FOR i := 0 TO 12 DO FOR j := 0 TO 12 DO {loop} END_FOR; END_FOR;"
    run(text_of(MATRIX, body), cycles=2)
