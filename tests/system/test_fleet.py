"""Many PLCs in one process, from outside: each with its own image, time, values and faults."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.artifact.abi import FaultKind
from runtime.errors import ImageError
from runtime.image.layout import Mode, SectionKind
from runtime.image.segment import Image, attach_image
from runtime.image.statistics import TaskStatistics
from tests.support.newest import newest_frame, newest_outputs
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

PATIENCE_S = 60.0
COUNTER = """
PROGRAM Main
VAR n : DINT; out AT %QD0 : DINT; END_VAR
n := n + 1; out := n;
END_PROGRAM
"""
FAULTY = """
PROGRAM Main
VAR n, x : DINT; out AT %QD0 : DINT; END_VAR
n := n + 1; out := n;
IF n = 5 THEN x := n / x; END_IF;
END_PROGRAM
"""


def write_project(folder: Path, name: str, source: str, interval: str = "5ms") -> Path:
    project = folder / name
    project.mkdir()
    (project / "main.st").write_text(source, encoding="utf-8")
    (project / "takt.toml").write_text(
        f'[project]\nname = "{name}"\n[[task]]\nname = "T"\ninterval = "{interval}"\n'
        'programs = ["Main"]\n[runtime]\nlock_memory = false\n[metrics]\nenabled = false\n',
        encoding="utf-8",
    )
    return project


class Running:
    """A runtime process of several PLCs."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder, self.log = folder, folder / "runtime.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "runtime", "runtime", *arguments],
                stderr=log,
                env=os.environ | {"TAKT_IMAGE_DIR": str(folder)},
            )
        self._images = contextlib.ExitStack()

    def image(self, name: str) -> Image:
        """Return the image of a PLC once it has scanned."""
        found: list[Image] = []

        def scanned() -> bool:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            with contextlib.suppress(ImageError):
                image = attach_image(self.folder / f"takt-{os.getuid()}-{name}.image")
                if image.ring(SectionKind.FRAME).latest() is not None:
                    found.append(self._images.enter_context(image))
                    return True
                image.close()
            return False

        wait_until(scanned, PATIENCE_S, f"a scan of {name}")
        return found[0]

    def records(self, message: str) -> list[dict[str, object]]:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [item for item in map(json.loads, lines) if message in str(item["message"])]

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        self._images.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Running]:
    runtime = Running(folder, *arguments)
    try:
        yield runtime
    finally:
        runtime.close()


def scans(image: Image) -> int:
    return TaskStatistics(image.section(SectionKind.TASK_STATISTICS)).scans


def counted(image: Image) -> object:
    symbol = next(item for item in image.directory.symbols if item.path == "MAIN.N")
    return newest_frame(image).value(symbol)


def test_instances_have_an_image_time_and_values_each(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", COUNTER)
    with running(tmp_path, str(project), "--instances", "5", "--pools", "2") as runtime:
        images = [runtime.image(f"press_{number}") for number in range(1, 6)]
        wait_until(lambda: min(map(scans, images)) > 20, PATIENCE_S, "20 scans of each")
        assert {image.mode for image in images} == {Mode.RUNNING}
        assert {image.directory.project for image in images} == {
            f"press_{number}" for number in range(1, 6)
        }
        assert runtime.end() == 0
        assert {image.mode for image in images} == {Mode.STOPPED}
        assert all(counted(image) == scans(image) for image in images)
        assert all(newest_outputs(image).safe for image in images)
    assert list(tmp_path.glob("*.image")) == []
    (stopped,) = runtime.records("stopped")
    assert stopped["plcs"] == 5


def test_a_plc_that_faults_stops_alone(tmp_path: Path) -> None:
    good = write_project(tmp_path, "good", COUNTER)
    bad = write_project(tmp_path, "bad", FAULTY)
    with running(tmp_path, str(good), str(bad), "--pools", "1") as runtime:
        healthy, faulted = runtime.image("good"), runtime.image("bad")
        wait_until(lambda: faulted.mode is Mode.FAULTED, PATIENCE_S, "the mode FAULTED")
        wait_until(lambda: runtime.records("fault:"), PATIENCE_S, "the record of the fault")
        before = scans(healthy)
        wait_until(lambda: scans(healthy) > before + 20, PATIENCE_S, "more scans of the other")
        assert newest_frame(faulted).fault is FaultKind.ZERO_DIVISION
        assert newest_outputs(faulted).safe
        assert not newest_outputs(healthy).safe
        assert runtime.end() == 3
    (fault,) = runtime.records("fault:")
    assert (fault["plc"], fault["cycle"], fault["line"]) == ("bad", 5, 5)


def test_a_project_that_runs_already_is_refused(tmp_path: Path) -> None:
    project = write_project(tmp_path, "press", COUNTER)
    with running(tmp_path, str(project), "--instances", "2") as runtime:
        runtime.image("press_2")
        second = subprocess.run(
            [sys.executable, "-P", "-m", "runtime", "runtime", str(project)],
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            env=os.environ | {"TAKT_IMAGE_DIR": str(tmp_path)},
        )  # fmt: skip
        assert second.returncode == 1
        assert "held by another runtime" in second.stderr
