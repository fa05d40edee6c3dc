"""Strings and rows of bits of a device: to variables at addresses, and from such to the device."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from runtime.artifact.paths import Paths
from runtime.artifact.program import Symbol
from runtime.image.commands import Commands
from runtime.image.segment import attach_image, image_path
from tests.support.gateway_processes import gateway, runtime_half
from tests.support.modbus_image import device_toml, io_toml, project_toml
from tests.support.modbus_peers import Plant, Tables, plant_thread
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

SOURCE = """
PROGRAM Main
VAR
  Order AT %IL1 : STRING[12];
  Label AT %QL2 : STRING[15] := 'none';
  Turned AT %QL4 : STRING[6];
  Note AT %MB3 : STRING[5];
  Doors AT %IX0.3 : ARRAY [1..10] OF BOOL;
  Lamps AT %QX0.6 : ARRAY [1..10] OF BOOL;
  N : INT;
END_VAR
FOR N := 1 TO 10 DO Lamps[N] := Doors[11 - N]; END_FOR;
Label := CONCAT('[', Order, Note, ']');
Turned := RIGHT(Order, 6);
END_PROGRAM
"""
HEAD = project_toml("rows")
CHANNELS = (
    io_toml("%IL1", "printer", "holding", 0, 'type = "string"\nlength = 12')
    + io_toml("%IX0.3", "printer", "discrete", 2, "count = 10")
    + io_toml("%QX0.6", "printer", "coil", 1, "count = 10")
    + io_toml("%QL2", "printer", "holding", 20, 'type = "string"\nlength = 15')
    + io_toml(
        "%QL4", "printer", "holding", 40, 'type = "string"\nlength = 6\nbyte_order = "little"'
    )
)


OPEN = (1, 0, 0, 1, 1, 0, 0, 0, 1, 0)


def registers(text: str, length: int) -> list[int]:
    """Return characters as a device has them, two a register."""
    packed = text.encode("latin-1").ljust(length + length % 2, b"\0")
    return [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.st").write_text(SOURCE)
    holding = registers("Batch-7", 12) + [0x2020] * 44
    discretes = [bool(bit) for bit in (1, 1, *OPEN, 1, 1, 1, 1)]
    tables = Tables([True] * 16, discretes, {0: holding})
    with plant_thread(tables) as plant:
        (folder / "takt.toml").write_text(HEAD + device_toml("printer", plant.port) + CHANNELS)
        with runtime_half(tmp_path, folder), gateway(tmp_path, "run", str(folder)):
            yield plant


def holds(plant: Plant, register: int, expected: list[int]) -> Callable[[], bool]:
    return lambda: plant.holding[register : register + len(expected)] == expected


@contextmanager
def commands(path: str) -> Iterator[tuple[Commands, Symbol]]:
    """Give what commands the running program, and the variable of a path."""
    with attach_image(image_path("rows")) as image:
        yield Commands(image), Paths(image.directory.symbols).find(path)


def test_bits_of_a_device_go_through_the_program_and_back_each_to_its_place(plant: Plant) -> None:
    def shows(*expected: int) -> Callable[[], bool]:
        return lambda: bool(plant.coils) and [plant.coil(n) for n in range(1, 11)] == [*expected]

    wait_until(shows(*reversed(OPEN)), 30, "the doors in the other order")
    assert plant.coil(0)
    assert all(plant.coil(n) for n in range(11, 16))  # nothing beyond the channel's count

    for path in ("Main.Lamps[1]", "Main.Doors[2]"):
        with commands(path) as (give, symbol):
            give.force(symbol, value=True)
    wait_until(shows(1, 1, 0, 0, 0, 1, 1, 0, 1, 1), 30, "a forced output, a forced input")


def test_a_string_of_a_device_goes_through_the_program_and_back_in_whole(plant: Plant) -> None:
    wait_until(holds(plant, 20, registers("[Batch-7]", 15)), 30, "what the program made of it")
    wait_until(holds(plant, 40, [0x7461, 0x6863, 0x372D]), 30, "characters in the other order")
    assert plant.holding[28:40] == [0x2020] * 12  # nothing beyond the channel's length

    with ModbusTcpClient("127.0.0.1", port=plant.port) as client:
        client.write_registers(0, registers("Batch-12 \xe9\xdf+more", 12)[:6])
    wait_until(holds(plant, 20, registers("[Batch-12 \xe9\xdf+]", 15)), 30, "the longest string")

    with ModbusTcpClient("127.0.0.1", port=plant.port) as client:
        client.write_registers(0, registers("A", 12))
    wait_until(holds(plant, 20, registers("[A]", 15)), 30, "a shorter string, padded with NUL")


def test_a_string_at_an_address_is_written_by_command(plant: Plant) -> None:
    wait_until(holds(plant, 20, registers("[Batch-7]", 15)), 30, "what the program made of it")
    for text, shown in (("!?!?!?", "[Batch-7!?!?!]"), ("!", "[Batch-7!]")):
        with commands("Main.Note") as (give, symbol):
            give.write(symbol, text)
        wait_until(holds(plant, 20, registers(shown, 15)), 30, f"the note {text}")
