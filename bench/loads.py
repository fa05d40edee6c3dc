"""What burdens the machine while something else is measured: a gateway, a compile, a disk.

    python bench/loads.py compile|disk FOLDER      (a worker; a dot for each piece of work)

Each load runs in processes of its own, of normal priority and on all processors, and counts its
work, so that a report can show that it was there.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.app import leash
from runtime.app.demo_project import copy_project, set_value
from runtime.app.launch import PYTHON, halves
from runtime.app.monitor import Monitor
from runtime.build import check_sources
from runtime.codegen.module import compile_model
from runtime.image.segment import image_path
from runtime.project.load import FILE_NAME
from runtime.source import Source

PLANT: Final = Path(__file__).parent / "programs" / "h_plant.st"
BLOCK: Final = bytes(1 << 20)
FILE_BLOCKS: Final = 32
"""The writer's file is overwritten from its start after so many blocks."""
PATIENCE_S: Final = 180.0
POLL: Final = '"1ms"'
"""Shorter than a poll of the demo's plant takes: the gateway polls without a pause."""


@dataclass(frozen=True, slots=True)
class Load:
    """A load at work."""

    unit: str
    """What it counts."""
    work: Callable[[], int]
    """How much it has done since its start."""


@contextlib.contextmanager
def idle(folder: Path) -> Iterator[Load]:
    """Do nothing."""
    del folder
    yield Load("", lambda: 0)


@contextlib.contextmanager
def gateway(folder: Path) -> Iterator[Load]:
    """Run the demo with its plant, its gateway polling as fast as the plant answers."""
    project = folder / "demo"
    project.mkdir(parents=True)
    demo = copy_project(project, f"load_{os.getpid()}", keep_ports=False)
    file = project / FILE_NAME
    text = set_value(file.read_text(encoding="utf-8"), "[[device]]", "poll", POLL)
    file.write_text(text, encoding="utf-8")
    plant = (*PYTHON, "runtime.plant", "two_tanks", "--port", str(demo.plant_port))
    commands = [plant, *(half.arguments for half in halves(project))]
    image = image_path(demo.name)
    monitor = Monitor(image, (), time.monotonic_ns)

    def polls() -> int:
        seen = monitor.observe()
        return seen.links[0].polls if seen else 0

    with contextlib.ExitStack() as stack:
        stack.callback(image.with_suffix(".lock").unlink, missing_ok=True)
        log = stack.enter_context((folder / "demo.log").open("ab"))
        for command in commands:
            stack.enter_context(_running(command, log.fileno()))
        stack.callback(monitor.close)
        load = Load("polls", polls)
        _await_work(load, folder / "demo.log")
        yield load


def compiling(folder: Path) -> contextlib.AbstractContextManager[Load]:
    """Compile 2,000 lines over and over, in a process for each processor."""
    return _workers(folder, "compile", "programs compiled", len(os.sched_getaffinity(0)))


def writing(folder: Path) -> contextlib.AbstractContextManager[Load]:
    """Write a file and make sure that it is on the disk, over and over, MiB by MiB."""
    return _workers(folder, "disk", "MiB written and synchronised", 1)


@contextlib.contextmanager
def _workers(folder: Path, kind: str, unit: str, count: int) -> Iterator[Load]:
    folder.mkdir(parents=True)
    tally, log = folder / "tally", folder / "log"
    with contextlib.ExitStack() as stack:
        out, err = (stack.enter_context(path.open("ab")) for path in (tally, log))
        for number in range(count):
            command = (sys.executable, __file__, kind, str(folder / str(number)))
            stack.enter_context(_running(command, err.fileno(), out.fileno()))
        load = Load(unit, lambda: tally.stat().st_size)
        _await_work(load, log)
        yield load


@contextlib.contextmanager
def _running(command: tuple[str, ...], errors: int, output: int | None = None) -> Iterator[None]:
    """Run a command that ends with this process, if not before."""
    leashed = (sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command)
    process = subprocess.Popen(leashed, stdout=errors if output is None else output, stderr=errors)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _await_work(load: Load, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while load.work() == 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"no {load.unit} within {PATIENCE_S:g} s:\n{log.read_text()}")
        time.sleep(0.05)


def _compile() -> Iterator[None]:
    sources = (Source(PLANT.name, PLANT.read_text(encoding="utf-8")),)
    while True:  # past the cache
        model = check_sources(sources).model
        assert model is not None
        compile_model(model)
        yield


def _write(folder: Path) -> Iterator[None]:
    folder.mkdir()
    with (folder / "file").open("wb", buffering=0) as file:
        while True:
            file.seek(0)
            for _ in range(FILE_BLOCKS):
                file.write(BLOCK)
                os.fsync(file.fileno())
                yield


def main() -> None:
    """Work until the end, telling of each piece of work."""
    kind, folder = sys.argv[1:]
    for _ in _compile() if kind == "compile" else _write(Path(folder)):
        os.write(sys.stdout.fileno(), b".")


if __name__ == "__main__":
    main()
