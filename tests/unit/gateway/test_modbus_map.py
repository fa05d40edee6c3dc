"""What the ranges of a Modbus server name: members, elements and bits; and what may be written."""

from pathlib import Path

import numpy as np
import pytest

from gateway.serve.modbus_map import RegisterTable, Value, WriteMap, server_values
from runtime.artifact.program import Symbol
from runtime.build import check_sources, symbols_of
from runtime.errors import HostError
from runtime.image.commands import Piece
from runtime.image.segment import Image
from runtime.project.servers import ModbusServer, ServerRange
from tests.support.modbus_image import play_runtime, write_project
from tests.support.programs import sources_of

SOURCE = """
TYPE MOTOR : STRUCT Speed : REAL; Temp : ARRAY [-1..1] OF INT; Flags : WORD; END_STRUCT; END_TYPE
TYPE MODE : (Off := 0, On := 4); END_TYPE
PROGRAM Main
VAR Gear : INT (-3..9); Kind : MODE; Motors : ARRAY [1..3] OF MOTOR; Label AT %QB3 : STRING[5];
  Doors AT %IX2.6 : ARRAY [0..3] OF BOOL; END_VAR
END_PROGRAM
CONFIGURATION Cell
  RESOURCE R ON PLC
    TASK T (INTERVAL := T#10ms, PRIORITY := 1);
    PROGRAM Main WITH T : Main;
  END_RESOURCE
  VAR_ACCESS
    Shown : R.Main.Motors[2] : MOTOR READ_ONLY;
    Offered : R.Main.Motors[3] : MOTOR READ_WRITE;
  END_VAR
END_CONFIGURATION
"""


@pytest.fixture(scope="module")
def symbols() -> dict[str, Symbol]:
    model = check_sources(sources_of(SOURCE)).model
    assert model is not None
    return {symbol.path: symbol for symbol in symbols_of(model)}


@pytest.fixture
def image(tmp_path: Path, symbols: dict[str, Symbol]) -> Image:
    project = write_project(tmp_path / "project", "")
    return play_runtime(tmp_path / "plant.image", project, tuple(symbols.values()), 512).image


def value(image: Image, table: str, variable: str, access: str = "read") -> Value:
    """Return the only value of a server with one range."""
    item = ServerRange.model_validate(
        {"table": table, "register": 7, "variable": variable, "access": access}
    )
    server = ModbusServer(name="cell", protocol="modbus-tcp", port=0, range=(item,))
    ((found,),) = server_values(server, image.directory).values()
    return found


def test_a_range_names_a_member_of_an_element(image: Image, symbols: dict[str, Symbol]) -> None:
    found = value(image, "input", "Main.Motors[3].Temp[0]")
    assert found.offset == symbols["OFFERED"].offset + 6
    assert (found.register, found.count, found.size) == (7, 1, 2)


def test_a_range_names_a_bit_of_a_word(image: Image, symbols: dict[str, Symbol]) -> None:
    found = value(image, "discrete", "Main.Motors[3].Flags.9")
    assert (found.offset, found.bit) == (symbols["OFFERED"].offset + 11, 1)


def test_a_string_at_an_address_is_its_characters_there_and_in_registers(image: Image) -> None:
    found = value(image, "holding", "Main.Label", "read-write")
    assert found.count == 3
    state = np.zeros(513, np.uint8)
    state[found.offset : found.offset + 5] = list(b"ab\0xy")

    table = RegisterTable([found])
    table.refresh(state)
    assert table.read(7, 3) == b"ab\0xy\0"

    assert WriteMap([found]).pieces(7, [0x4845, 0x4C4C, 0x4F21]) == [Piece(found.offset, b"HELLO")]


@pytest.mark.parametrize(
    ("variable", "fitting", "others"),
    [("Main.Gear", (0xFFFD, 9), (0xFFFC, 10, 0x8000)), ("Main.Kind", (0, 4), (1, 0xFFFF))],
)
def test_a_number_beyond_a_subrange_or_an_enumeration_is_not_written(
    image: Image, variable: str, fitting: tuple[int, ...], others: tuple[int, ...]
) -> None:
    found = value(image, "holding", variable, "read-write")
    for word in fitting:
        assert WriteMap([found]).pieces(7, [word]) == [
            Piece(found.offset, word.to_bytes(2, "little"))
        ]
    for word in others:
        with pytest.raises(ValueError, match="expected"):
            WriteMap([found]).pieces(7, [word])


def test_an_array_of_bits_at_an_address_is_a_row_of_coils(
    image: Image, symbols: dict[str, Symbol]
) -> None:
    at = symbols["MAIN.DOORS"].offset
    item = ServerRange.model_validate(
        {"table": "coil", "register": 7, "variable": "Main.Doors", "access": "read-write"}
    )
    server = ModbusServer(name="cell", protocol="modbus-tcp", port=0, range=(item,))
    found = server_values(server, image.directory)["coil"]
    assert [(one.register, one.offset, one.bit) for one in found] == [
        (7, at, 6), (8, at, 7), (9, at + 1, 0), (10, at + 1, 1),
    ]  # fmt: skip
    assert WriteMap(found).pieces(8, [1, 0]) == [
        Piece(at, b"\x80", 0x80),
        Piece(at + 1, b"\0", 1),
    ]
    with pytest.raises(HostError, match="expected a coil or discrete input for a bit"):
        value(image, "input", "Main.Doors")


def test_a_wrong_path_is_told_with_its_server_and_range(image: Image) -> None:
    expected = r"server cell: range\[0\]: variable .*has no member SPED; did you mean SPEED\?"
    with pytest.raises(HostError, match=expected):
        value(image, "input", "Main.Motors[3].Sped")


@pytest.mark.parametrize("variable", ["Shown.Speed", "Shown.Temp[1]", "Shown.Temp"])
def test_what_is_read_only_in_var_access_cannot_be_offered_for_writing(
    image: Image, variable: str
) -> None:
    with pytest.raises(HostError, match=r'READ_ONLY in VAR_ACCESS; expected access = "read"'):
        value(image, "holding", variable, "read-write")


def test_a_read_only_name_is_read_and_a_read_write_name_written(image: Image) -> None:
    assert not value(image, "holding", "Shown.Speed").is_writable
    assert value(image, "holding", "Offered.Speed", "read-write").is_writable


def test_all_ranges_that_do_not_fit_are_told_at_once(image: Image) -> None:
    rows = [(7, "Main.Nothing"), (10, "Main.Motors[3].Speed"), (10, "Main.Motors[3].Flags")]
    ranges = tuple(
        ServerRange.model_validate({"table": "input", "register": register, "variable": variable})
        for register, variable in rows
    )
    server = ModbusServer(name="cell", protocol="modbus-tcp", port=0, range=ranges)

    with pytest.raises(HostError) as caught:
        server_values(server, image.directory)

    first, second = str(caught.value).split("; range")
    assert first.startswith("server cell: range[0]: variable Main.Nothing: no such variable")
    assert second == "[2]: input 10: range[1] fills it already"
