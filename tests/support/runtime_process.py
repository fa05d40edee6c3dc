"""Start a runtime process around the hand-made program and watch it through its image."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runtime.app.threads import SCAN_THREAD
from runtime.errors import ImageError
from runtime.image.layout import Mode, SectionKind
from runtime.image.payloads import Frame, Outputs
from runtime.image.segment import Image, attach_image
from runtime.image.statistics import TaskStatistics
from tests.support.handmade import IO
from tests.support.newest import newest_frame, newest_outputs
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class RunningRuntime:
    """A runtime process, its image as a monitor sees it, and its log."""

    process: subprocess.Popen[bytes]
    image: Image
    log: Path

    @property
    def statistics(self) -> TaskStatistics:
        return TaskStatistics(self.image.section(SectionKind.TASK_STATISTICS))

    @property
    def outputs(self) -> Outputs:
        return newest_outputs(self.image)

    @property
    def frame(self) -> Frame:
        return newest_frame(self.image)

    def await_scans(self, more: int) -> None:
        """Wait until that many more scans are done."""
        goal = self.statistics.scans + more
        wait_until(lambda: self.statistics.scans >= goal, PATIENCE_S, f"{more} more scans")

    @property
    def scan_thread(self) -> Path:
        """The scan thread's folder in /proc."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return next(
            item
            for item in threads
            if (item / "comm").read_text(encoding="utf-8") == f"{SCAN_THREAD}\n"
        )

    @property
    def waits(self) -> int:
        """How often the scan thread gave up its processor by itself."""
        status = (self.scan_thread / "status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("voluntary"))

    def records(self, message: str) -> list[dict[str, object]]:
        """Return the log's records whose message begins so."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [
            record
            for record in map(json.loads, lines)
            if str(record["message"]).startswith(message)
        ]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def spawn(folder: Path, *options: str, toml: str = IO) -> subprocess.Popen[bytes]:
    """Start a runtime whose image and log (runtime.log) stand in a folder; do not wait for it."""
    with (folder / "runtime.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.runtime_host", "--name", "wall", *options],
            stdin=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env=os.environ | {"TAKT_IMAGE_DIR": str(folder)},
        )
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(toml.encode())
    return process


def image_file(folder: Path) -> Path:
    """Return where the image of a spawned runtime stands."""
    return folder / f"takt-{os.getuid()}-wall.image"


def await_running(process: subprocess.Popen[bytes], path: Path, log: Path) -> Image:
    """Return the image of a runtime once it is RUNNING; fail with its log where it ends before."""
    images: list[Image] = []

    def is_running() -> bool:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        if not images:
            with contextlib.suppress(ImageError):
                image = attach_image(path)
                if image.runtime_pid == process.pid:
                    images.append(image)
                else:
                    image.close()
        return bool(images) and images[0].mode is Mode.RUNNING

    try:
        wait_until(is_running, PATIENCE_S, "the mode RUNNING")
    except BaseException:
        for image in images:
            image.close()
        raise
    return images[0]


@contextlib.contextmanager
def running(folder: Path, *options: str, toml: str = IO) -> Iterator[RunningRuntime]:
    """Run a runtime process from its first scan to the end of the block."""
    process = spawn(folder, *options, toml=toml)
    log = folder / "runtime.log"
    try:
        with await_running(process, image_file(folder), log) as image:
            runtime = RunningRuntime(process, image, log)
            wait_until(lambda: runtime.statistics.scans > 0, PATIENCE_S, "the first scan")
            yield runtime
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)
