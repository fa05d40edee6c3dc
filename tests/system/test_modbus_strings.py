"""Strings of a device: to a variable of the program, and from one into the device's registers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from tests.support.gateway_processes import gateway, runtime_half
from tests.support.modbus_image import device_toml, io_toml
from tests.support.modbus_peers import Plant, Tables, plant_thread
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

SOURCE = """
PROGRAM Main
VAR
  Order AT %IL1 : STRING[12];
  Label AT %QL2 : STRING[15] := 'none';
  Turned AT %QL4 : STRING[6];
END_VAR
Label := CONCAT('[', Order, ']');
Turned := RIGHT(Order, 6);
END_PROGRAM
"""
HEAD = """
[project]
name = "strings"
[metrics]
enabled = false
[[task]]
name = "Main"
interval = "5ms"
programs = ["Main"]
"""
CHANNELS = (
    io_toml("%IL1", "printer", "holding", 0, 'type = "string"\nlength = 12')
    + io_toml("%QL2", "printer", "holding", 20, 'type = "string"\nlength = 15')
    + io_toml(
        "%QL4", "printer", "holding", 40, 'type = "string"\nlength = 6\nbyte_order = "little"'
    )
)


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
    with plant_thread(Tables(holding={0: holding})) as plant:
        (folder / "takt.toml").write_text(HEAD + device_toml("printer", plant.port) + CHANNELS)
        with runtime_half(tmp_path, folder), gateway(tmp_path, "run", str(folder)):
            yield plant


def holds(plant: Plant, register: int, expected: list[int]) -> Callable[[], bool]:
    return lambda: plant.holding[register : register + len(expected)] == expected


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
