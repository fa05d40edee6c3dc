"""Values move to another layout where nothing of them is lost; all else starts as declared."""

import pytest

from runtime.retain.migrate import migrate, persistent_part
from tests.support.retained import initial, migrated, model_of, values


def test_names_decide_and_not_places() -> None:
    found, report = migrated("A : INT := 1; B : DINT := 2;", "B : DINT := 9; A : INT := 8;")
    assert found == {"A": 1, "B": 2}
    assert (report.kept, report.new, report.dropped, report.reset) == (2, [], [], [])


def test_new_ones_start_as_declared_and_gone_ones_are_said() -> None:
    found, report = migrated("A : INT := 1; GONE : INT;", "A : INT; FRESH : INT := 5;")
    assert found == {"A": 1, "FRESH": 5}
    assert (report.new, report.dropped) == (["MAIN.FRESH"], ["MAIN.GONE"])


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("INT := -7", "LINT", -7),
        ("LINT := -7", "SINT", -7),
        ("INT := 200", "USINT", 200),
        ("INT := 3", "LREAL", 3.0),
        ("REAL := 0.5", "LREAL", 0.5),
        ("LREAL := 0.5", "REAL", 0.5),
        ("LREAL := 4.0", "INT", 4),
        ("WORD := 16#FF", "UINT", 255),
        ("BYTE := 16#FF", "LWORD", 255),
        ("TIME := T#3s", "LTIME", 3_000_000_000),
        ("STRING[9] := 'grün'", "STRING[4]", "grün"),
        ("STRING := 'abc'", "WSTRING", "abc"),
        ('WSTRING := "abc"', "STRING", "abc"),
        ("USTRING[9] := U#'ä😀'", "WSTRING[3]", "ä😀"),
        ('WSTRING := "${1F600}"', "USTRING[1]", "😀"),
        ("CHAR := 'ä'", "UCHAR", "ä"),
        ("INT := 5", "INT (0..5)", 5),
        ("DATE := D#2024-02-29", "LDATE", "2024-02-29"),
    ],
)
def test_a_value_that_the_new_type_holds_is_kept(old: str, new: str, value: object) -> None:
    found, report = migrated(f"A : {old};", f"A : {new};")
    assert found["A"] == value
    assert report.reset == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("INT := -7", "UINT := 1"),
        ("DINT := 40000", "INT := 1"),
        ("LREAL := 0.1", "REAL := 1.0"),
        ("LREAL := 4.5", "INT := 1"),
        ("LREAL := 1.0E300", "LINT := 1"),
        ("DINT := 16777217", "REAL := 1.0"),
        ("REAL := 1.0", "DWORD := 1"),
        ("BOOL := TRUE", "INT := 1"),
        ("INT := 1", "BOOL := TRUE"),
        ("TIME := T#3s", "LINT := 1"),
        ("STRING[9] := 'green'", "STRING[4] := 'x'"),
        ('WSTRING := "$20AC"', "STRING := 'x'"),
        ("USTRING := U#'ä😀'", 'WSTRING[2] := "x"'),
        ("USTRING := U#'€'", "STRING := 'x'"),
        ("UCHAR := U#'€'", "CHAR := 'x'"),
        ("STRING := '1'", "INT := 1"),
        ("INT := 6", "INT (0..5) := 1"),
        ("INT", "ARRAY [0..1] OF INT := [2(1)]"),
        ("ARRAY [0..1] OF INT", "ARRAY [0..1, 0..1] OF INT := [4(1)]"),
    ],
)
def test_a_value_that_would_suffer_starts_as_declared(old: str, new: str) -> None:
    found, report = migrated(f"A : {old};", f"A : {new};")
    fresh, _ = migrated("OTHER : INT;", f"A : {new};")
    assert found == fresh
    assert report.reset == ["MAIN.A"]
    assert report.kept == 0


def test_elements_keep_their_indices() -> None:
    found, report = migrated("A : ARRAY [1..4] OF INT := [1, 2, 3, 4];", "A : ARRAY [3..6] OF INT;")
    assert found == {"A": [3, 4, 0, 0]}
    assert report.reset == []
    two = "A : ARRAY [0..1, 0..2] OF INT := [1, 2, 3, 4, 5, 6];"
    found, _ = migrated(two, "A : ARRAY [0..2, 1..2] OF DINT;")
    assert found == {"A": [[2, 3], [5, 6], [0, 0]]}


BLOCK = """
FUNCTION_BLOCK {name}
VAR RETAIN {members} END_VAR
VAR OTHER : LREAL; END_VAR
END_FUNCTION_BLOCK
PROGRAM MAIN
VAR B : ARRAY [1..2] OF {name}; END_VAR
END_PROGRAM
"""


def test_members_of_instances_are_found_by_name() -> None:
    old = model_of(BLOCK.format(name="OLD", members="A : INT := 1; B : INT := 2; C : INT := 3;"))
    new = model_of(BLOCK.format(name="NEW1", members="D : INT := 9; C : DINT; A : INT;"))
    old_packing, old_values = initial(old)
    new_packing, new_values = initial(new)
    done, report = migrate(old_packing.layout, old_values, new_packing.layout, new_values)
    assert values(new_packing.layout, done) == {"B": [{"D": 9, "C": 3, "A": 1}] * 2}
    assert (report.new, report.dropped) == (["MAIN.B[].D"], ["MAIN.B[].B"])


def test_an_enumeration_moves_by_the_name_of_its_value() -> None:
    def program(values_: str, start: str) -> str:
        return (
            f"TYPE MODE : ({values_}); END_TYPE\n"
            f"PROGRAM MAIN\nVAR RETAIN M : MODE := {start}; END_VAR\nEND_PROGRAM\n"
        )

    old_packing, old_values = initial(model_of(program("OFF, SLOW, FAST", "FAST")))
    for text, value, reset in (
        ("OFF, SLOW, FASTER, FAST", "FAST", []),
        ("OFF, SLOW", "OFF", ["MAIN.M"]),
    ):
        new_packing, new_values = initial(model_of(program(text, "OFF")))
        done, report = migrate(old_packing.layout, old_values, new_packing.layout, new_values)
        assert values(new_packing.layout, done) == {"M": value}
        assert report.reset == reset


def test_a_member_may_become_persistent() -> None:
    text = "PROGRAM MAIN\nVAR {word} A : INT := {value}; END_VAR\nEND_PROGRAM\n"
    old_packing, old_values = initial(model_of(text.format(word="RETAIN", value=4)))
    new_packing, new_values = initial(model_of(text.format(word="PERSISTENT", value=1)))
    done, report = migrate(old_packing.layout, old_values, new_packing.layout, new_values)
    assert values(new_packing.layout, done) == {"A": 4}
    assert report.kept == 1


def test_a_cold_start_keeps_what_is_persistent() -> None:
    text = """
    PROGRAM MAIN
    VAR RETAIN A : INT := 1; END_VAR
    VAR PERSISTENT B : INT := 2; END_VAR
    VAR RETAIN C : INT := 3; END_VAR
    VAR PERSISTENT D : LREAL := 4.0; END_VAR
    END_PROGRAM
    """
    packing, packed = initial(model_of(text))
    assert values(*persistent_part(packing.layout, packed)) == {"B": 2, "D": 4.0}
