"""A compiled program as a file: it comes back as it was, and damage is told, not run."""

import dataclasses

import pytest

from runtime.artifact import cache
from runtime.artifact.program import CompiledProgram, dump, parse
from runtime.build import compile_sources
from runtime.errors import TaktError
from tests.support.programs import sources_of

TEXT = """
TYPE
  POINT : STRUCT X : INT; NAMES : ARRAY [1..2, 0..3] OF LREAL; END_STRUCT;
END_TYPE
VAR_GLOBAL G : DWORD := 16#CAFE; END_VAR
PROGRAM MAIN
VAR P : ARRAY [0..1] OF POINT; LAMP AT %QX0.3 : BOOL; T1 : TON; I, D : INT; END_VAR
VAR TAG AT %MB0 : STRING[9]; DOORS AT %IX0.3 : ARRAY [1..9] OF BOOL; END_VAR
T1(IN := TRUE, PT := T#1s);
P[I].X := 100 / D;
LAMP := T1.Q;
END_PROGRAM
"""


@pytest.fixture(scope="module")
def compiled() -> CompiledProgram:
    done = compile_sources(sources_of(TEXT), "example").program
    assert done is not None
    return done


def test_a_program_comes_back_as_it_was(compiled: CompiledProgram) -> None:
    assert parse(dump(compiled)) == compiled


def test_the_file_holds_the_same_bytes_each_time(compiled: CompiledProgram) -> None:
    assert dump(compiled) == dump(parse(dump(compiled)))


def test_symbols_are_found_in_any_case(compiled: CompiledProgram) -> None:
    symbol = compiled.symbol("main.lamp")
    assert symbol is not None
    assert (symbol.path, symbol.bit) == ("MAIN.LAMP", 3)
    assert compiled.symbol("MAIN.NOTHING") is None


def test_the_layout_hash_changes_with_a_name_and_not_with_code(compiled: CompiledProgram) -> None:
    first, *rest = compiled.symbols
    renamed = dataclasses.replace(first, path="OTHER")
    assert dataclasses.replace(compiled, symbols=(renamed, *rest)).layout_hash != (
        compiled.layout_hash
    )
    assert dataclasses.replace(compiled, object_code=b"").layout_hash == compiled.layout_hash


def test_another_file_is_no_program() -> None:
    for data in (b"", b"TAKT", b"\x7fELF" + bytes(100)):
        with pytest.raises(TaktError, match="not a compiled program"):
            parse(data)


def test_another_version_is_told(compiled: CompiledProgram) -> None:
    data = bytearray(dump(compiled))
    data[8] += 1
    with pytest.raises(TaktError, match="expected version"):
        parse(bytes(data))


def test_any_damaged_byte_is_found(compiled: CompiledProgram) -> None:
    data = dump(compiled)
    for at in range(0, len(data), max(1, len(data) // 300)):
        damaged = bytearray(data)
        damaged[at] ^= 0x20
        with pytest.raises(TaktError):
            parse(bytes(damaged))


def test_a_file_cut_off_anywhere_is_told(compiled: CompiledProgram) -> None:
    data = dump(compiled)
    for end in range(0, len(data) - 1, max(1, len(data) // 60)):
        with pytest.raises(TaktError):
            parse(data[:end])


def test_a_kept_entry_comes_back_and_a_damaged_one_does_not() -> None:
    key = cache.key_of("a test of the cache")
    assert cache.fetch(key) is None
    cache.keep(key, b"body")
    assert cache.fetch(key) == b"body"
    (cache.cache_folder() / key).write_bytes(b"half of it")
    assert cache.fetch(key) is None


def test_keys_tell_parts_apart() -> None:
    assert cache.key_of("ab", "c") != cache.key_of("a", "bc")


def test_an_unchanged_program_is_not_compiled_again() -> None:
    text = "PROGRAM MAIN VAR X : INT; END_VAR X := X + 4711; END_PROGRAM"
    first = compile_sources(sources_of(text), "kept")
    second = compile_sources(sources_of(text), "kept")
    assert (first.cached, second.cached) == (False, True)
    assert first.program == second.program
    assert not compile_sources(sources_of(text + "\n"), "kept").cached
