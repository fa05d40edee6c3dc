"""The demo's project: a copy of the two-tank project, on free ports and under a name of its own."""

import importlib.resources
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.app.ports import free_ports
from runtime.project.devices import ModbusTcpDevice
from runtime.project.load import FILE_NAME, Project, load_project

NAME: Final = "two_tanks"


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A sound project on disk, and the ports it uses."""

    project: Project
    plant_port: int
    metrics_port: int

    @property
    def name(self) -> str:
        """Name of the project, which names its process image too."""
        return self.project.config.project.name


def copy_project(folder: Path, suffix: str, *, keep_ports: bool) -> DemoProject:
    """Copy the two-tank project into an empty folder.

    Args:
        folder: Where its files go.
        suffix: Ends the project's name, so that two demos keep apart.
        keep_ports: Whether it uses the ports of the original, else free ones.
    """
    for item in (importlib.resources.files("iec_programs") / "plants" / NAME).iterdir():
        if item.is_file():
            (folder / item.name).write_bytes(item.read_bytes())
    file = folder / FILE_NAME
    text = set_value(file.read_text(), "[project]", "name", f'"{NAME}_{suffix}"')
    if not keep_ports:
        plant, metrics = free_ports(2)
        text = set_value(text, "[[device]]", "port", str(plant))
        text = set_value(text, "[metrics]", "port", str(metrics))
    file.write_text(text)
    project = load_project(folder)
    device = project.config.device[0]
    assert isinstance(device, ModbusTcpDevice)
    return DemoProject(project, device.port, project.config.metrics.port)


def set_value(text: str, table: str, key: str, value: str) -> str:
    """Replace a key's value in the first table of that header, keeping everything else.

    Raises:
        KeyError: The table has no such key.
    """
    lines, inside = text.splitlines(keepends=True), False
    for number, line in enumerate(lines):
        if line.startswith("["):
            inside = line.partition("#")[0].strip() == table
        elif inside and line.partition("=")[0].strip() == key:
            lines[number] = f"{key} = {value}\n"
            return "".join(lines)
    raise KeyError(f"{table} {key}")
