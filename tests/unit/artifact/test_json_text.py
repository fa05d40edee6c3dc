"""Variables as text: whatever changes between two scans, the text is that of all values anew."""

import json
import random
from collections.abc import Sequence

import pytest

from runtime.artifact.json_text import JsonText
from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.scalars import enumeration
from runtime.datatypes.texts import text_type, write_text

E = ELEMENTARY
NAME = text_type("STRING", 7)
STATE = enumeration("STATE", E["INT"], (("IDLE", 0), ("RUNNING", 1)))
POINT = Structure("POINT", (Field("X", 0, E["REAL"]), Field("Y", 4, E["LREAL"])), 16, 8)
UNION = Structure(
    "UNION", (Field("WHOLE", 0, E["UDINT"]), Field("LOW", 0, E["SINT"])), 4, 4, is_union=True
)
EMPTY = Structure("EMPTY", (), 1, 1)
SYMBOLS = (
    Symbol("MAIN.FLAG", 64, E["BOOL"]),
    Symbol("%QX66.3", 66, E["BOOL"], 3),
    Symbol("MAIN.COUNT", 68, E["LINT"]),
    Symbol("MAIN.PATH", 80, Array(((0, 1), (1, 3)), POINT)),
    Symbol("MAIN.EMPTY", 176, EMPTY),
    Symbol("MAIN.BOTH", 180, UNION),
    Symbol("MAIN.TABLE", 184, Array(((0, 1), (1, 2)), E["INT"])),
    Symbol("MAIN.STATE", 192, STATE),
    Symbol("MAIN.DAY", 200, E["DATE"]),
    Symbol("MAIN.WAIT", 208, E["TIME"]),
    Symbol("ALIAS", 212, E["DWORD"]),
)
TEXT = Symbol("MAIN.NAME", 240, NAME)
SIZE = 320


def anew(symbols: Sequence[Symbol], state: bytearray) -> str:
    values = {item.path: item.read(state) for item in symbols}
    return json.dumps(values, separators=(",", ":"))


@pytest.mark.parametrize("seed", range(20))
def test_changes_at_any_place_are_written(seed: int) -> None:
    chance, state = random.Random(seed), bytearray(SIZE)
    state[64] = 0
    shown = chance.sample(SYMBOLS, chance.randint(1, len(SYMBOLS)))
    text = JsonText(shown)
    for _ in range(200):
        at = chance.choice(shown)
        place = at.offset + chance.randrange(at.type.size)
        state[place] = chance.randrange(2 if at.type is E["BOOL"] and at.bit < 0 else 256)
        assert text.of(state) == anew(shown, state)


def test_a_text_is_written_up_to_its_length() -> None:
    state, text = bytearray(SIZE), JsonText((TEXT,))
    for value in ("", 'a"b', "äöü", "long", "longest", ""):
        write_text(state, TEXT.offset, NAME, value)
        assert text.of(state) == anew((TEXT,), state)


def test_a_variable_that_is_asked_for_twice_is_written_once() -> None:
    first, second = SYMBOLS[0], SYMBOLS[2]
    assert JsonText((first, second, first)).of(bytearray(SIZE)) == anew(
        (first, second), bytearray(SIZE)
    )


def test_no_variables_are_an_empty_object() -> None:
    assert JsonText(()).of(bytearray(SIZE)) == "{}"
