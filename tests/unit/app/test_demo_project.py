"""The demo works on a sound copy of the two-tank project that keeps apart from others."""

from pathlib import Path

import pytest

from runtime.app.demo_project import copy_project, set_value
from runtime.project.devices import ModbusTcpDevice

TEXT = """[project]  # the whole
name = "old"  # its name

[[device]]
name = "first"
port = 1

[[device]]
name = "second"
port = 2
"""


def test_the_copy_is_a_sound_project_with_a_name_and_ports_of_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    one, two = (copy_project(folder, folder.name, keep_ports=False) for folder in folders)
    assert (one.name, two.name) == ("two_tanks_one", "two_tanks_two")
    assert one.project.folder == folders[0]
    device = one.project.config.device[0]
    assert isinstance(device, ModbusTcpDevice)
    assert one.plant_port == device.port
    assert one.metrics_port == one.project.config.metrics.port
    assert one.plant_port != one.metrics_port


def test_kept_ports_are_those_of_the_project_file(tmp_path: Path) -> None:
    demo = copy_project(tmp_path, "x", keep_ports=True)
    assert (demo.plant_port, demo.metrics_port) == (15_020, 9464)


def test_a_value_is_replaced_in_the_first_table_of_that_name_only() -> None:
    changed = set_value(TEXT, "[[device]]", "port", "3")
    assert changed == TEXT.replace("port = 1", "port = 3")


def test_a_key_is_looked_for_in_its_own_table_only() -> None:
    changed = set_value(TEXT, "[project]", "name", '"new"')
    assert changed == TEXT.replace('"old"  # its name', '"new"')
    with pytest.raises(KeyError, match="port"):
        set_value(TEXT, "[project]", "port", "3")
