"""A NaN in memory is the one NaN, whatever made it: both engines leave the same bytes."""

import struct

import pytest

from runtime.app.simulate import CompiledStepper
from runtime.build import compile_sources
from runtime.datatypes.elementary import Kind
from runtime.stdlib.declare import StandardBlock
from runtime.stdlib.library import BLOCKS
from tests.support.programs import evaluate, program, run, sources_of

THE_NAN = {"LREAL": struct.pack("<Q", 0x7FF8 << 48), "REAL": struct.pack("<I", 0x7FC0 << 16)}
INFINITE = "BIG : LREAL := 1.0E308; ZERO, MINUS : LREAL; SMALL : REAL; NOUGHT : REAL;"
SOURCES = (
    "ZERO / ZERO",
    "-(ZERO / ZERO)",
    "BIG * 10.0 - BIG * 10.0",
    "ZERO * (BIG * 10.0)",
    "SQRT(MINUS - 1.0)",
    "LN(MINUS - 1.0)",
    "ACOS(BIG)",
    "SIN(BIG * 10.0)",
    "(MINUS - 1.0) ** 0.5",
    "ABS(-(ZERO / ZERO))",
    "MAX(ZERO / ZERO, ZERO / ZERO)",
    "LIMIT(ZERO / ZERO, ZERO / ZERO, ZERO / ZERO)",
    "SEL(TRUE, ZERO, -(ZERO / ZERO))",
    "REAL_TO_LREAL(NOUGHT / NOUGHT)",
)


def reals_of(block: StandardBlock) -> list[str]:
    return [name for name, (kind, _) in block.inputs.items() if kind.kind is Kind.REAL]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", ["LREAL", "REAL"])
def test_every_operation_leaves_the_one_nan(source: str, kind: str) -> None:
    value = source if kind == "LREAL" else f"LREAL_TO_REAL({source})"
    text = f"PROGRAM MAIN\nVAR X : {kind}; {INFINITE} END_VAR\nX := {value};\nEND_PROGRAM\n"
    assert run(text).last["MAIN.X"] == "NaN"
    done = compile_sources(sources_of(text), "case").program
    assert done is not None
    stepper = CompiledStepper(done)
    stepper.run_task(0)
    place = done.symbols[0].offset
    size = len(THE_NAN[kind])
    assert bytes(stepper.state[place : place + size]) == THE_NAN[kind]


def test_nan_goes_through_calls_copies_and_members_alike() -> None:
    text = """
TYPE PAIR : STRUCT A : LREAL; B : REAL; END_STRUCT; END_TYPE
FUNCTION HALF : LREAL
VAR_INPUT X : LREAL; END_VAR
VAR_OUTPUT ROOT : REAL; END_VAR
VAR_IN_OUT LEFT : LREAL; END_VAR
HALF := -X / 2.0;
ROOT := LREAL_TO_REAL(SQRT(X));
LEFT := LEFT - X;
END_FUNCTION
FUNCTION SUMS : ARRAY [1..3] OF LREAL
VAR_INPUT X : LREAL; END_VAR
VAR I : INT; END_VAR
FOR I := 1 TO 3 DO SUMS[I] := -X; END_FOR;
END_FUNCTION
FUNCTION_BLOCK KEEPER
VAR_INPUT IN : REAL; END_VAR
VAR_OUTPUT OUT : REAL; END_VAR
OUT := -IN;
END_FUNCTION_BLOCK
PROGRAM MAIN
VAR
  Z, H, L : LREAL; R : REAL; P, Q : PAIR; S : ARRAY [1..3] OF LREAL; K : KEEPER; M : REF_TO LREAL;
END_VAR
L := Z / Z;
H := HALF(X := -(Z / Z), ROOT => R, LEFT := L);
P.A := -L;
P.B := -R;
Q := P;
S := SUMS(Z / Z);
K(IN := -(R));
M := REF(L);
M^ := -M^;
END_PROGRAM
"""
    values = run(text, cycles=2).last
    assert values["MAIN.S"] == ["NaN"] * 3
    assert values["MAIN.Q"] == {"A": "NaN", "B": "NaN"}


def test_a_sum_in_a_loop_is_mended_behind_it() -> None:
    evaluate(
        "Z, S, T : LREAL; A : ARRAY [1..4] OF LREAL; I, N : INT;",
        "A[2] := Z / Z;\n"
        "FOR I := 1 TO 4 DO S := S - A[I]; T := -S; A[I] := -S; END_FOR;\n"
        "WHILE N < 3 DO N := N + 1; S := -S; IF N = 2 THEN EXIT; END_IF; END_WHILE;",
        s="NaN", t="NaN", a=[-0.0, "NaN", "NaN", "NaN"],
    )  # fmt: skip


@pytest.mark.parametrize("block", [block for block in BLOCKS.values() if reals_of(block)])
def test_blocks_in_python_keep_the_one_nan(block: StandardBlock) -> None:
    given = [f"{name} := -(Z / Z)" for name in reals_of(block)]
    given += ["RUN := N > 1"] if "RUN" in block.inputs else []
    text = program(f"B : {block.name}; Z : REAL; N : INT;", f"N := N + 1;\nB({', '.join(given)});")
    run(text, cycles=4)
