"""A real runtime and our OPC UA server beside it, of one project that the test writes."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime.image.layout import Mode
from runtime.image.segment import Image, image_path
from tests.support.opcua_peers import TaktServer
from tests.support.runtime_process import ROOT, await_running
from tests.support.waiting import wait_until

PATIENCE_S = 60.0
NAME = "served_plant"


@dataclass(frozen=True, slots=True)
class Plant:
    """A project that runs, with its image as a monitor sees it."""

    folder: Path
    runtime: subprocess.Popen[bytes]
    image: Image

    def await_mode(self, mode: Mode) -> None:
        """Wait until the runtime shows it."""
        wait_until(lambda: self.image.mode is mode, PATIENCE_S, f"the mode {mode.name}")

    @contextlib.contextmanager
    def served(self) -> Iterator[TaktServer]:
        """Serve it in the block."""
        server = TaktServer(self.folder)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait(PATIENCE_S)


def write_plant(folder: Path, source: str, section: str) -> None:
    """Write a project with one task; `section` is the inside of [opcua] and what follows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.st").write_text(source)
    (folder / "takt.toml").write_text(
        f'[project]\nname = "{NAME}"\n[[task]]\nname = "Main"\ninterval = "10ms"\n'
        f'programs = ["Main"]\n[opcua]\nport = 0\n{section}'
    )


@contextlib.contextmanager
def running_plant(folder: Path, source: str, section: str) -> Iterator[Plant]:
    """Run the runtime of such a project in the block; its image stands in TAKT_IMAGE_DIR."""
    write_plant(folder, source, section)
    command = [sys.executable, "-P", "-m", "runtime", "runtime", str(folder)]
    log = folder / "runtime.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, cwd=ROOT, env=os.environ.copy())
    try:
        yield Plant(folder, process, await_running(process, image_path(NAME), log))
    finally:
        process.kill()
        process.wait(PATIENCE_S)
