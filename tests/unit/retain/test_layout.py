"""Kept values are packed without what is not kept, and written back to the same places only."""

import dataclasses
import random

import pytest

from runtime.retain.layout import Window, decode_layout, packing_of, through, windows
from tests.support.retained import initial, model_of, retaining, values

MIXED = """
TYPE PAIR : STRUCT A : LREAL; B : BOOL; END_STRUCT; END_TYPE
FUNCTION_BLOCK COUNTER
VAR RETAIN TOTAL : DINT := 5; NAMES : ARRAY [0..2] OF PAIR; END_VAR
VAR OTHER : ARRAY [0..99] OF LREAL; END_VAR
VAR PERSISTENT LAST : STRING[6] := 'abc'; END_VAR
END_FUNCTION_BLOCK
VAR_GLOBAL RETAIN G1 : INT := -1; G2 : BOOL := TRUE; END_VAR
VAR_GLOBAL G3 : INT; END_VAR
PROGRAM MAIN
VAR C : ARRAY [1..3] OF COUNTER; N : INT; END_VAR
VAR RETAIN BIT1 AT %MX1.3 : BOOL := TRUE; END_VAR
VAR RETAIN ROW AT %MX1.6 : ARRAY [0..3] OF BOOL := [TRUE, FALSE, TRUE, TRUE]; END_VAR
VAR RETAIN TAG AT %MB4 : STRING[5] := 'tag'; END_VAR
VAR PERSISTENT U : UDINT := 77; END_VAR
END_PROGRAM
"""


def test_packed_values_read_as_the_variables_do() -> None:
    program = model_of(MIXED)
    packing, packed = initial(program)
    found = values(packing.layout, packed)
    assert (found["G1"], found["G2"], found["U"], found["BIT1"]) == (-1, True, 77, True)
    assert (found["ROW"], found["TAG"]) == ([True, False, True, True], "tag")
    counters = [item for item in packing.layout.entries if item.path == "MAIN.C"]
    persistent, retained = sorted(counters, key=lambda item: not item.persistent)
    assert persistent.read(packed) == [{"LAST": "abc"}] * 3
    pair = {"A": 0.0, "B": False}
    assert retained.read(packed) == [{"TOTAL": 5, "NAMES": [pair] * 3}] * 3


def test_what_is_not_kept_takes_no_room() -> None:
    packing, packed = initial(model_of(MIXED))
    assert len(packed) == packing.layout.size < 300


def test_unpacking_touches_nothing_but_what_is_kept() -> None:
    rng = random.Random(3)
    program = model_of(MIXED)
    packing, packed = initial(program)
    noise = bytearray(rng.randbytes(len(program.initial_state)))
    filled = bytearray(noise)
    packing.unpack(packed, filled)
    assert packing.pack(filled)[:] == packing.pack(bytes(filled))
    restored = bytearray(filled)
    packing.unpack(packing.pack(noise), restored)
    assert restored == noise
    kept = sum(span.size for span in packing.exact) + len(packing.bits)
    assert 0 < sum(a != b for a, b in zip(noise, filled, strict=True)) <= kept


def test_a_located_bit_leaves_its_neighbours_alone() -> None:
    program = model_of("PROGRAM MAIN\nVAR RETAIN B AT %MX0.3 : BOOL; END_VAR\nEND_PROGRAM\n")
    packing = packing_of(program.retained)
    state = bytearray(b"\xff" * len(program.initial_state))
    packing.unpack(b"\0", state)
    assert state[program.memory[0]] == 0b1111_0111
    assert packing.pack(state) == b"\0"
    assert packing.pack(b"\xff" * len(program.initial_state)) == b"\1"


def test_a_layout_comes_back_from_a_file() -> None:
    layout = packing_of(model_of(MIXED).retained).layout
    assert decode_layout(layout.encode()) == layout
    assert layout.hash == packing_of(model_of(MIXED).retained).layout.hash
    assert layout.hash != packing_of(model_of(MIXED.replace("G1", "G4")).retained).layout.hash
    for broken in (b"", b"nonsense", layout.encode()[:-9]):
        with pytest.raises(ValueError, match="no layout"):
            decode_layout(broken)


def test_many_globals_are_one_copy() -> None:
    names = "; ".join(f"V{n} : INT" for n in range(1000))
    program = model_of(f"VAR_GLOBAL RETAIN {names}; END_VAR\nPROGRAM MAIN\nEND_PROGRAM\n")
    assert len(packing_of(program.retained).copied) == 1


def test_a_struct_with_padding_is_one_copy() -> None:
    before = "TYPE PAIR : STRUCT A : LREAL; B : BOOL; END_STRUCT; END_TYPE"
    packing = packing_of(retaining("P : ARRAY [1..100] OF PAIR;", before).retained)
    assert len(packing.copied) == 1
    assert len(packing.exact) == 100


def test_windows_cover_what_is_kept_and_show_the_same_values() -> None:
    text = """
    FUNCTION_BLOCK BIG
    VAR RETAIN A : DINT := 3; END_VAR
    VAR OTHER : ARRAY [0..9999] OF LREAL; END_VAR
    END_FUNCTION_BLOCK
    PROGRAM MAIN
    VAR B : ARRAY [1..4] OF BIG; END_VAR
    VAR RETAIN BIT1 AT %MX3.1 : BOOL; X, Y : INT; END_VAR
    END_PROGRAM
    """
    program = model_of(text)
    packing = packing_of(program.retained)
    seen = windows(packing)
    assert len(seen) == 5, "the bit and the first block stand together; X and Y after the last"
    assert sum(item.end - item.start for item in seen) < 300
    state = random.Random(5).randbytes(len(program.initial_state))
    shown = b"head" + b"".join(state[item.start : item.end] for item in seen)
    assert through(packing, seen, 4).pack(shown) == packing.pack(state)
    assert isinstance(seen[0], Window)


def test_a_thousand_instances_are_packed_as_a_few_are() -> None:
    text = """
    FUNCTION_BLOCK COUNTER
    VAR RETAIN A : INT; END_VAR
    VAR OTHER : ARRAY [0..9] OF LREAL; END_VAR
    VAR RETAIN B : LREAL; END_VAR
    END_FUNCTION_BLOCK
    PROGRAM MAIN
    VAR C : ARRAY [1..{count}] OF COUNTER; END_VAR
    END_PROGRAM
    """
    few, many = (model_of(text.format(count=count)) for count in (2, 1000))
    assert packing_of(few.retained).scattered is None
    packing = packing_of(many.retained)
    assert packing.scattered is not None
    state = random.Random(6).randbytes(len(many.initial_state))
    plain = dataclasses.replace(packing, scattered=None)
    assert packing.pack(state) == plain.pack(state)
