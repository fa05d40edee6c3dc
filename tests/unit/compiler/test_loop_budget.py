"""Wherever the loop budget ends, both engines stop at the same place with the same state."""

import struct
from collections.abc import Iterable
from typing import Final

import pytest

from runtime.app.simulate import CompiledStepper, Stepper, interpreted
from runtime.artifact import abi
from runtime.build import check_sources, compile_sources
from runtime.limits import LOOP_BUDGET
from tests.support.programs import sources_of

_CONTEXT: Final = struct.Struct("<qQqII")
VARIABLES: Final = """
VAR A, B, N, M, I, J : INT; GO : BOOL; T : ARRAY [0..9] OF INT; END_VAR
"""
BODIES: Final = {
    "a WHILE whose flag the body clears": """
        GO := TRUE;
        WHILE GO DO N := N + 1; IF N MOD 9 = 0 THEN GO := FALSE; END_IF; END_WHILE;""",
    "a WHILE with EXIT and CONTINUE": """
        WHILE N < 30 DO
            N := N + 1;
            IF N = 5 THEN CONTINUE; END_IF;
            IF N = 20 THEN EXIT; END_IF;
            A := A + N;
        END_WHILE;""",
    "a REPEAT that never ends": "REPEAT A := A + 1; UNTIL A < 0 END_REPEAT;",
    "a condition that calls": "WHILE BELOW(N, 12) DO N := N + 1; END_WHILE;",
    "a condition that may fail": "WHILE T[N] = 0 DO N := N + 1; A := N; END_WHILE;",
    "a fault in the middle of a turn": """
        REPEAT B := B + 1; T[N] := B; N := N + 1; UNTIL N > 20 END_REPEAT;""",
    "a RETURN from within": "WHILE TRUE DO N := N + 1; IF N > 14 THEN RETURN; END_IF; END_WHILE;",
    "loops inside of loops": """
        WHILE A < 4 DO
            B := 0;
            REPEAT
                B := B + 1;
                FOR I := 0 TO 2 DO N := N + I; END_FOR;
                FOR J := 0 TO 5 DO M := M + J; IF M MOD 7 = 3 THEN EXIT; END_IF; END_FOR;
            UNTIL B >= 3 END_REPEAT;
            A := A + 1;
        END_WHILE;
        FOR I := 0 TO 9 DO T[I] := I; END_FOR;""",
    "a FOR that its body hurries": """
        FOR N := 0 TO 40 DO A := A + N; IF A MOD 3 = 0 THEN N := N + 2; END_IF; END_FOR;
        WHILE M < 6 DO M := M + 1; END_WHILE;""",
    "a loop that calls a loop": """
        WHILE N < 6 DO
            M := M + SUM_TO(N);
            N := N + 1;
            A := 0;
            WHILE A < N DO A := A + 1; END_WHILE;
        END_WHILE;""",
}
STANDING_STILL: Final = {
    "a REPEAT that assigns the same again": "REPEAT A := 0; UNTIL A = 1 END_REPEAT;",
    "a WHILE that goes to and fro": "WHILE TRUE DO A := 1 - A; B := 3 - B; END_WHILE;",
    "one that stops after a while": """
        WHILE TRUE DO
            IF N < 9000 THEN N := N + 1; END_IF;
            M := SUM_TO(N MOD 7);
        END_WHILE;""",
    "one inside of another": """
        REPEAT N := N + 1; REPEAT A := 0; UNTIL N < 3 END_REPEAT; UNTIL FALSE END_REPEAT;""",
    "a jump back": "AGAIN: LD A\n ADD 0\n ST A\n JMP AGAIN\n",
    "jumps back to two places": """
        LD 0
        FIRST: ST A
        SECOND: LD GO
        STN GO
        LD GO
        JMPC SECOND
        LD 0
        JMP FIRST
    """,
}
"""Bodies of loops that come back to the memory that they had, and so would never end."""
FUNCTIONS: Final = """
FUNCTION BELOW : BOOL
VAR_INPUT X, LIMIT_OF_IT : INT; END_VAR
BELOW := X < LIMIT_OF_IT;
END_FUNCTION
FUNCTION SUM_TO : INT
VAR_INPUT X : INT; END_VAR
VAR K : INT; END_VAR
WHILE K < X DO K := K + 1; SUM_TO := SUM_TO + K; END_WHILE;
END_FUNCTION
"""


def scan(stepper: Stepper, initial: bytes, budget: int) -> tuple[int, bytes]:
    stepper.state[:] = initial
    _CONTEXT.pack_into(stepper.state, abi.NOW_NS, 0, 1, budget, abi.FaultKind.NONE, 0)
    return stepper.run_task(0), bytes(stepper.state)


def assert_alike(body: str, budgets: Iterable[int]) -> set[int]:
    """Run a scan for each budget in both engines; return how scans ended."""
    text = f"{FUNCTIONS}\nPROGRAM MAIN\n{VARIABLES}\n{body}\nEND_PROGRAM\n"
    program = compile_sources(sources_of(text), "case").program
    model = check_sources(sources_of(text)).model
    assert program is not None
    assert model is not None
    compiled, oracle = CompiledStepper(program), interpreted(model)
    ended = set()
    for budget in budgets:
        wanted = scan(oracle, program.initial_state, budget)
        assert scan(compiled, program.initial_state, budget) == wanted, f"{budget} turns"
        ended.add(wanted[0])
    return ended


@pytest.mark.parametrize("name", BODIES)
def test_a_budget_ends_a_scan_alike_in_both_engines(name: str) -> None:
    assert 1 in assert_alike(BODIES[name], range(80))


@pytest.mark.parametrize("name", STANDING_STILL)
def test_a_loop_that_stands_still_ends_as_if_it_had_turned(name: str) -> None:
    assert assert_alike(STANDING_STILL[name], range(LOOP_BUDGET, LOOP_BUDGET + 4)) == {1}
