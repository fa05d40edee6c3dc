"""Faults that users make: the right line, one finding for one fault, and what helps."""

import pytest

from runtime.diagnostics.diagnostic import Severity
from tests.support.programs import findings_of, sources_of

HEAD = "PROGRAM MAIN\nVAR x, level : INT; b : BOOL; s : STRING; r : REAL; t : TON; END_VAR\n"
TAIL = "\nb := TRUE;\nEND_PROGRAM\n"
FAULTS = {
    "missing semicolon": ("x := 1\nlevel := 2;", 3, "expected ';' after the statement at the end"),
    "wrong END": ("IF b THEN\n  x := 1;\nEND_WHILE;\nx := 2;", 5, "expected END_IF to close IF"),
    "near spelling": ("levle := 2;", 3, "did you mean level?"),
    "unknown function": ("x := LIMTI(1, x, 5);", 3, "did you mean LIMIT?"),
    "wrong argument": ("t(INN := TRUE);", 3, "its inputs are IN, PT"),
    "wrong output": ("t(IN := b, X => b);", 3, "its outputs are Q, ET"),
    "type mismatch": ("x := r;", 3, "REAL_TO_INT"),
    "joined strings": ("s := s + 'x';", 3, "CONCAT"),
    "vendor's memory": ("x := __NEW(INT);", 3, "is not supported: memory is laid out"),
    "vendor's jump": ("x := 1;\nJMP done;", 4, "JMP is not supported"),
    "missing THEN": ("IF x > 3\n  x := 0;\nEND_IF;", 3, "expected THEN after the condition"),
    "missing DO": ("FOR x := 1 TO 3\n  level := 0;\nEND_FOR;", 3, "expected DO after the limits"),
    "missing DO of WHILE": ("WHILE b\n  b := FALSE;\nEND_WHILE;", 3, "expected DO"),
    "misspelt THEN": ("IF b THAN x := 1; END_IF;", 3, "expected THEN"),
    "assigned with =": ("x = 1;", 3, "'=' compares; ':=' assigns"),
    "compared with ==": ("b := x == 1;", 3, "'=' alone compares"),
    "open string": ("s := 'abc;\nx := 1;", 3, "close it with '"),
    "open comment": ("(* set x\nx := 1;", 3, "close it with *)"),
    "open parenthesis": ("x := (x + 1;", 3, "expected ) to close the parenthesis"),
    "number as condition": ("IF x THEN b := TRUE; END_IF;", 3, "compare it, such as x <> 0"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_fault_gives_one_finding_on_its_line(name: str, ends: str) -> None:
    body, line, text = FAULTS[name]
    whole = (HEAD + body + TAIL).replace("\n", ends)
    errors = [item for item in findings_of(whole) if item.severity is Severity.ERROR]
    assert len(errors) == 1, errors
    (found,) = errors
    assert text in f"{found.message} {found.help}"
    assert sources_of(whole)[0].position(found.span.start).line == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("PROGRAM MAIN\nVAR x : INT; END_VAR\nx := 1;\n", 4),
        ("PROGRAM A\nVAR x : INT; END_VAR\nx := 1;\nPROGRAM B\nEND_PROGRAM\n", 4),
    ],
)
def test_a_missing_end_of_a_program_is_found_where_it_should_stand(text: str, line: int) -> None:
    (found,) = findings_of(text)
    assert found.message.startswith("expected END_PROGRAM to close PROGRAM")
    assert sources_of(text)[0].position(found.span.start).line == line


def test_a_member_of_unknown_type_is_reported_where_it_is_declared_alone() -> None:
    text = (
        "TYPE T : STRUCT A : NOSUCH; B : INT; END_STRUCT END_TYPE\n"
        "PROGRAM MAIN\nVAR X : T; END_VAR\nX.A := 1;\nX.B := X.A + 2;\nEND_PROGRAM\n"
    )
    (found,) = findings_of(text)
    assert found.code == "ST2002"


def test_a_misspelt_type_is_told_what_it_may_be() -> None:
    (found,) = findings_of("PROGRAM MAIN\nVAR x : ITN; END_VAR\nx := 1;\nEND_PROGRAM\n")
    assert (found.code, found.help) == ("ST2002", "did you mean INT?")
