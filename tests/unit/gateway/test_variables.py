"""Which variables the texts of a publish rule name."""

import pytest

from gateway.flow.variables import select
from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY

WORD, REAL = ELEMENTARY["WORD"], ELEMENTARY["REAL"]
MOTOR = Structure("MOTOR", (Field("SPEED", 0, REAL), Field("FLAGS", 4, WORD)), 8, 4)
SYMBOLS = (
    Symbol("MAIN.MOTORS", 64, Array(((1, 2),), MOTOR)),
    Symbol("MAIN.GRID", 80, Array(((1, 2), (0, 1)), WORD)),
    Symbol("MAIN.DOORS", 90, Array(((1, 4),), ELEMENTARY["BOOL"], first_bit=6)),
)
SECOND = ["MAIN.MOTORS[2].SPEED", "MAIN.MOTORS[2].FLAGS"]


@pytest.mark.parametrize(
    ("texts", "paths"),
    [
        (["main.motors[2].*"], SECOND),
        (["main.motors[2]"], SECOND),
        (["Main.Grid[ 2, 1 ]"], ["MAIN.GRID[2,1]"]),
        (["Main.Motors[1].Flags.9"], ["MAIN.MOTORS[1].FLAGS.9"]),
        (["Main.Motors[2].*", "Main.Motors[2]"], SECOND),
        (["Main.Pump", "Main.Motors[3]", "Main.Motors[1].Speed.1"], []),
    ],
)
def test_a_rule_names_variables_by_pattern_or_by_path(texts: list[str], paths: list[str]) -> None:
    assert [variable.path for variable in select(SYMBOLS, texts)] == paths


def test_a_published_bit_is_read_by_itself() -> None:
    (bit,) = select(SYMBOLS, ["Main.Motors[1].Flags.9"])
    state = bytearray(96)
    state[64 + 5] = 0b10
    assert bit.is_bool
    assert bit.read(memoryview(state)) is True
    assert bit.read(memoryview(bytes(96))) is False


def test_the_bits_of_an_array_at_an_address_are_published_one_by_one() -> None:
    doors = list(select(SYMBOLS, ["Main.Doors"]))
    state = bytearray(96)
    state[90:92] = (0b0100_0000, 0b01)
    assert [item.path for item in doors] == [f"MAIN.DOORS[{n}]" for n in range(1, 5)]
    assert [item.read(memoryview(state)) for item in doors] == [True, False, True, False]
    assert all(item.is_bool and not item.code for item in doors)


def test_parts_of_what_var_access_shows_read_only_are_read_only() -> None:
    shown = Symbol("SHOWN", 64, Array(((1, 2),), MOTOR), direction="READ_ONLY")
    for texts in (["Shown*"], ["Shown"], ["Shown[1].Flags"], ["Shown[1].Flags.9"]):
        found = list(select([shown], texts))
        assert found
        assert all(variable.symbol.is_read_only for variable in found)
    assert not any(variable.symbol.is_read_only for variable in select(SYMBOLS, ["*"]))
