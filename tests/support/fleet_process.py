"""A runtime process of several PLCs, seen through their images, its log and `takt`."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from runtime.errors import ImageError
from runtime.image.layout import SectionKind
from runtime.image.segment import Image, attach_image
from runtime.image.statistics import TaskStatistics
from tests.support.newest import newest_frame
from tests.support.waiting import wait_until

PATIENCE_S = 60.0


def write_project(
    folder: Path, name: str, source: str, interval: str = "5ms", task: str = ""
) -> Path:
    """Write a project with one task that runs Main, and return its folder."""
    project = folder / name
    project.mkdir()
    (project / "main.st").write_text(source, encoding="utf-8")
    (project / "takt.toml").write_text(
        f'[project]\nname = "{name}"\n[[task]]\nname = "T"\ninterval = "{interval}"\n'
        f'programs = ["Main"]\n{task}[runtime]\nlock_memory = false\n[metrics]\nenabled = false\n',
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

    def takt(self, project: Path, *words: str, status: int = 0) -> str:
        """Run a command on a project; return what it prints."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "runtime", words[0], str(project), *words[1:]],
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            env=os.environ | {"TAKT_IMAGE_DIR": str(self.folder)},
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

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
    """Run `takt runtime` with some arguments to the end of the block."""
    runtime = Running(folder, *arguments)
    try:
        yield runtime
    finally:
        runtime.close()


def scans(image: Image) -> int:
    """Return how many scans the first task has done."""
    return TaskStatistics(image.section(SectionKind.TASK_STATISTICS)).scans


def counted(image: Image) -> object:
    """Return MAIN.N of the newest frame."""
    symbol = next(item for item in image.directory.symbols if item.path == "MAIN.N")
    return newest_frame(image).value(symbol)
