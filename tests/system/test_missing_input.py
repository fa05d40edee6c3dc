"""A device whose input is needed goes away: the program ends, other devices get safe values."""

import contextlib
import json
import re
from pathlib import Path

import pytest

from tests.support.gateway_processes import gateway, runtime_half
from tests.support.modbus_image import device_toml, io_toml, project_toml
from tests.support.modbus_peers import Tables, plant_thread
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

SOURCE = """
PROGRAM Main
VAR Level AT %IW0 : INT; Valve AT %QX0.0 : BOOL; END_VAR
Valve := Level > 3;
END_PROGRAM
"""
HEAD = project_toml("needs")
CHANNELS = io_toml("%IW0", "sensor", "holding", 0, 'substitute = "fault"') + io_toml(
    "%QX0.0", "actor", "coil", 0
)


def test_the_loss_of_a_needed_input_makes_outputs_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.st").write_text(SOURCE)
    with contextlib.ExitStack() as stack:
        actor = stack.enter_context(plant_thread(Tables([False] * 2, [], {0: [0]})))
        with plant_thread(Tables([], [], {0: [7]})) as sensor:
            devices = device_toml("sensor", sensor.port) + device_toml("actor", actor.port)
            (folder / "takt.toml").write_text(HEAD + devices + CHANNELS)
            runtime = stack.enter_context(runtime_half(tmp_path, folder))
            stack.enter_context(gateway(tmp_path, "run", str(folder)))
            wait_until(lambda: bool(actor.coils) and actor.coil(0), 30, "the valve to open")
        wait_until(lambda: not actor.coil(0), 30, "the valve to close")
        told = r"missing-input %IW0 of device sensor \((stale|bad)\)"
        wait_until(lambda: re.search(told, runtime.messages()) is not None, 30, "the record")
    (report,) = (folder / "faults").glob("*.json")
    fault = json.loads(report.read_text())["fault"]
    assert (fault["kind"], fault["task"], fault["file"]) == ("missing-input", "Main", None)
    assert fault["limit"].startswith("%IW0 of device sensor")
