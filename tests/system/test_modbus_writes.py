"""What Modbus clients write reaches a running program whole, and nothing that is not offered."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from tests.support.gateway_processes import Process, gateway, runtime_half
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

SOURCE = """
PROGRAM Main
VAR
  Near : INT; Between : LREAL; Far : INT; Torn : DINT; Writes : DINT; Before : INT;
  Row : ARRAY [0..3] OF INT; Name : STRING[9]; Shout : STRING[9]; Ready : BOOL; Limit : INT := 70;
  Start AT %MX8.3 : BOOL;
END_VAR
IF Near <> Far THEN Torn := Torn + 1; END_IF;
IF Near <> Before THEN Writes := Writes + 1; END_IF;
Before := Near;
Shout := CONCAT(Name, '!');
END_PROGRAM
CONFIGURATION Cell
  RESOURCE R ON PLC
    TASK T (INTERVAL := T#1ms, PRIORITY := 1);
    PROGRAM Main WITH T : Main;
  END_RESOURCE
  VAR_ACCESS Bound : R.Main.Limit : INT READ_ONLY; END_VAR
END_CONFIGURATION
"""
SERVER = '[[server]]\nname = "cell"\nprotocol = "modbus-tcp"\nport = 0\n'
OFFERED = (
    ("holding", 0, "Main.Near"),
    ("holding", 1, "Main.Far"),
    ("holding", 10, "Main.Row"),
    ("holding", 20, "Main.Name"),
    ("coil", 0, "Main.Ready"),
    ("coil", 1, "Main.Start"),
)
SHOWN = (
    ("holding", 40, "Bound"),
    ("input", 0, "Main.Torn"),
    ("input", 2, "Main.Writes"),
    ("input", 10, "Main.Shout"),
)


def range_toml(table: str, register: int, variable: str, access: str) -> str:
    return (
        f'[[server.range]]\ntable = "{table}"\nregister = {register}\n'
        f'variable = "{variable}"\naccess = "{access}"\n'
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.st").write_text(SOURCE)
    ranges = [range_toml(*item, "read-write") for item in OFFERED]
    ranges += [range_toml(*item, "read") for item in SHOWN]
    head = '[project]\nname = "writes"\n[metrics]\nenabled = false\n'
    (folder / "takt.toml").write_text(head + SERVER + "".join(ranges))
    return folder


@pytest.fixture
def running(project: Path, tmp_path: Path) -> Iterator[Process]:
    with runtime_half(tmp_path, project), gateway(tmp_path, "run", str(project)) as process:
        yield process


def port_of(process: Process) -> int:
    """Return the port that the server listens at, once it serves an image."""
    pattern = re.compile(r"modbus-tcp on 127\.0\.0\.1:(\d+)")
    wait_until(lambda: pattern.search(process.messages()), 30, "the server")
    wait_until(lambda: '"serving ' in process.messages(), 30, "an image that is served")
    found = pattern.search(process.messages())
    assert found is not None
    return int(found[1])


@contextmanager
def client_of(process: Process) -> Iterator[ModbusTcpClient]:
    """Connect pymodbus's client to the server."""
    with ModbusTcpClient("127.0.0.1", port=port_of(process)) as client:
        yield client


@pytest.fixture
def client(running: Process) -> Iterator[ModbusTcpClient]:
    with client_of(running) as client:
        await_answer(lambda: not client.read_input_registers(0, count=4).isError(), "a scan")
        yield client


def await_answer(condition: Callable[[], object], what: str) -> None:
    """Wait for a scan that shows something."""
    wait_until(condition, 30, what)


def inputs(client: ModbusTcpClient, register: int, count: int) -> list[int]:
    return list(client.read_input_registers(register, count=count).registers)


def shows(client: ModbusTcpClient, register: int, expected: list[int]) -> bool:
    return inputs(client, register, len(expected)) == expected


def holding(client: ModbusTcpClient, register: int, count: int) -> list[int]:
    return list(client.read_holding_registers(register, count=count).registers)


def test_values_of_one_request_take_effect_at_one_scan(client: ModbusTcpClient) -> None:
    for number in range(1, 201):
        assert not client.write_registers(0, [number, number]).isError()
        await_answer(partial(shows, client, 2, [0, number]), "the scan that took it")
    assert inputs(client, 0, 2) == [0, 0]


def test_the_program_computes_with_what_was_written(client: ModbusTcpClient) -> None:
    assert not client.write_registers(20, [0x4142, 0x4300, 0, 0, 0]).isError()
    await_answer(lambda: inputs(client, 10, 5) == [0x4142, 0x4321, 0, 0, 0], "the string")
    row = [1, 0xFFFF, 3, 4]
    assert not client.write_registers(10, row).isError()
    await_answer(lambda: holding(client, 10, 4) == row, "the array")
    assert not client.write_coils(0, [True, True]).isError()
    await_answer(lambda: client.read_coils(0, count=2).bits[:2] == [True, True], "both bits")


def test_function_23_writes_before_it_reads(client: ModbusTcpClient) -> None:
    done = client.readwrite_registers(
        read_address=10, read_count=4, write_address=11, values=[7, 8]
    )
    assert done.registers == [0, 7, 8, 0]
    await_answer(lambda: holding(client, 10, 4) == [0, 7, 8, 0], "the scan that took it")


def test_function_23_that_is_refused_writes_nothing(client: ModbusTcpClient) -> None:
    for read_at, write_at in ((500, 11), (10, 40)):
        refused = client.readwrite_registers(
            read_address=read_at, read_count=1, write_address=write_at, values=[9]
        )
        assert refused.exception_code == 2
    assert not client.write_register(0, 1).isError()
    await_answer(lambda: inputs(client, 2, 2) == [0, 1], "a later write")
    assert (holding(client, 11, 1), holding(client, 40, 1)) == ([0], [70])


def test_what_is_read_only_refuses_every_way_to_write(client: ModbusTcpClient) -> None:
    tries = [
        client.write_register(40, 1),
        client.write_registers(40, [1]),
        client.mask_write_register(address=40, and_mask=0, or_mask=1),
    ]
    assert [answer.exception_code for answer in tries] == [2, 2, 2]
    assert holding(client, 40, 1) == [70]


def test_a_read_only_name_that_is_offered_for_writing_is_told_and_nothing_is_served(
    project: Path, tmp_path: Path
) -> None:
    """The file has changed since the runtime took it; one that begins refuses such a file."""
    toml = project / "takt.toml"

    with runtime_half(tmp_path, project):
        with gateway(tmp_path, "run", str(project)) as process, client_of(process) as client:
            await_answer(lambda: not client.read_input_registers(0, count=4).isError(), "a scan")
        toml.write_text(toml.read_text() + range_toml("holding", 41, "Bound", "read-write"))
        logs = tmp_path / "later"
        logs.mkdir()
        with gateway(logs, "run", str(project)) as process, client_of(process) as client:
            assert client.write_register(41, 1).exception_code == 4
            told = "range[10]: variable Bound: READ_ONLY in VAR_ACCESS"
            await_answer(lambda: told in process.messages(), "the line of the log")
