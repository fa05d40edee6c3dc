"""The plant's process, spoken to by pymodbus's client."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pymodbus.client import ModbusTcpClient

from runtime.plant.rig import COUNTS_FULL
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

COMMAND = (sys.executable, "-m", "runtime.plant", "two_tanks", "--port")
UNIT = 1


@pytest.fixture
def plant() -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen([*COMMAND, "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())["port"]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def client(plant: tuple[subprocess.Popen[str], int]) -> Iterator[ModbusTcpClient]:
    with ModbusTcpClient("127.0.0.1", port=plant[1]) as connected:
        yield connected


def test_water_rises_once_the_pump_runs_and_the_valve_opens(client: ModbusTcpClient) -> None:
    assert client.read_input_registers(0, count=1, device_id=UNIT).registers == [0]
    assert not client.write_registers(0, [COUNTS_FULL, 0, 0], device_id=UNIT).isError()
    assert not client.write_coils(0, [True, False], device_id=UNIT).isError()

    def level() -> int:
        return int(client.read_input_registers(0, count=1, device_id=UNIT).registers[0])

    wait_until(lambda: level() > COUNTS_FULL // 50, 10, "water in the upper tank")
    bits = client.read_discrete_inputs(0, count=5, device_id=UNIT).bits[:5]
    assert bits == [True, True, False, True, False]


def test_what_is_written_is_read_back(client: ModbusTcpClient) -> None:
    client.write_register(1, 12_345, device_id=UNIT)
    client.write_coil(1, value=True, device_id=UNIT)
    assert client.read_holding_registers(0, count=3, device_id=UNIT).registers == [0, 12_345, 0]
    assert client.read_coils(0, count=3, device_id=UNIT).bits[:3] == [False, True, False]


def test_a_register_that_the_rig_lacks_is_refused(client: ModbusTcpClient) -> None:
    illegal_address = 2
    assert client.read_input_registers(0, count=8, device_id=UNIT).exception_code == illegal_address
    assert client.write_register(3, 1, device_id=UNIT).exception_code == illegal_address


def test_the_plant_ends_on_sigterm_with_status_0(
    plant: tuple[subprocess.Popen[str], int],
) -> None:
    process, _ = plant
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_a_port_in_use_is_reported_in_one_line(plant: tuple[subprocess.Popen[str], int]) -> None:
    second = subprocess.run(
        [*COMMAND, str(plant[1])], capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{plant[1]}; expected a free TCP port" in second.stderr
    assert "Traceback" not in second.stderr
