"""Write an ST program of a wanted size, of the kind that machines are controlled with.

    python bench/programs/generate.py LINES > FILE

It consists of stations, all alike but for drawn wiring and constants: rungs, timers, a counter, a
filter in a block of the project, a sequence, a loop over an array. It needs no inputs.
"""

import random
import sys
from collections.abc import Iterator
from typing import Final

SEED: Final = 20
HEAD: Final = """FUNCTION_BLOCK SMOOTH
VAR_INPUT x : REAL; tau : REAL; END_VAR
VAR_OUTPUT y : REAL; END_VAR
y := y + (x - y) / (tau + 1.0);
END_FUNCTION_BLOCK

PROGRAM bench
VAR
  turn : UDINT; total : DINT; level : REAL;"""
FOOT: Final = """END_PROGRAM

CONFIGURATION Config0
  RESOURCE Res0 ON PLC
    TASK Main(INTERVAL := T#10ms, PRIORITY := 0);
    PROGRAM Inst0 WITH Main : bench;
  END_RESOURCE
END_CONFIGURATION"""
LINES_OF_STATION: Final = 28


def declarations(number: int) -> Iterator[str]:
    """Yield the variables of a station."""
    yield f"  run{number} : BOOL; stop{number} : BOOL; jam{number} : BOOL; state{number} : INT;"
    yield f"  delay{number} : TON; parts{number} : CTU; smooth{number} : SMOOTH;"
    yield f"  row{number} : ARRAY [0..15] OF INT; i{number} : INT; sum{number} : DINT;"


def statements(number: int, stations: int, draw: random.Random) -> Iterator[str]:
    """Yield what a station does."""
    other, third = draw.randrange(stations), draw.randrange(stations)
    yield f"  (* station {number} *)"
    yield f"  run{number} := (turn / {draw.randrange(2, 9)}) MOD 2 = 0 AND NOT jam{other};"
    yield f"  stop{number} := run{third} AND (stop{number} OR state{other} = 2);"
    yield f"  jam{number} := (jam{number} OR run{other}) AND NOT (stop{number} OR run{third});"
    delay_ms, limit = draw.randrange(20, 300), draw.randrange(3, 90)
    yield f"  delay{number}(IN := run{number} AND NOT stop{number}, PT := T#{delay_ms}ms);"
    yield f"  parts{number}(CU := delay{number}.Q, R := jam{number}, PV := {limit});"
    yield f"  smooth{number}(x := INT_TO_REAL(parts{number}.CV), tau := {draw.randrange(1, 50)}.5);"
    yield f"  CASE state{number} OF"
    yield f"    0: IF run{number} THEN state{number} := 1; END_IF;"
    yield f"    1: IF delay{number}.Q THEN state{number} := 2; END_IF;"
    yield "    2:"
    yield f"      IF parts{number}.Q THEN"
    yield f"        state{number} := 0;"
    yield f"      ELSIF jam{number} THEN"
    yield f"        state{number} := 1;"
    yield "      END_IF;"
    yield "  ELSE"
    yield f"    state{number} := 0;"
    yield "  END_CASE;"
    yield f"  sum{number} := 0;"
    yield f"  FOR i{number} := 0 TO 14 DO"
    yield f"    row{number}[i{number}] := row{number}[i{number} + 1] + state{number};"
    yield f"    sum{number} := sum{number} + INT_TO_DINT(row{number}[i{number}]);"
    yield "  END_FOR;"
    yield f"  total := total + sum{number};"


def program_of(lines: int) -> str:
    """Return a program of about so many lines."""
    stations, draw = max(1, lines // LINES_OF_STATION), random.Random(SEED)  # noqa: S311 - constants of a program
    text = [HEAD]
    for number in range(stations):
        text += declarations(number)
    text += ["END_VAR", "  turn := turn + 1;"]
    for number in range(stations):
        text += statements(number, stations, draw)
    return "\n".join([*text, FOOT]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(program_of(int(sys.argv[1])))
