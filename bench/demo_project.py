"""The demo's control program as a project for benchmarks: other interval, no devices needed.

It is built and started as any project is: `python -m runtime runtime FOLDER`.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.errors import ImageError
from runtime.image.layout import SectionKind
from runtime.image.payloads import Frame, decode_frame
from runtime.image.segment import Image, attach_image, image_path
from runtime.image.statistics import TaskStatistics
from runtime.project.load import load_project

SOURCE: Final = Path(__file__).parents[1] / "iec_programs" / "plants" / "two_tanks"
NAME: Final = "bench_two_tanks"
PATIENCE_S: Final = 180.0


def write_project(folder: Path, interval: str, runtime: str = "", name: str = NAME) -> None:
    """Copy the demo's program into a folder, with an interval and a [runtime] section of its own.

    Args:
        folder: Must not exist.
        interval: As in `takt.toml`, such as "1ms".
        runtime: Lines of the [runtime] section.
        name: Of the project; two that run at the same time need two names.
    """
    folder.mkdir()
    for source in SOURCE.glob("*.st"):
        shutil.copy(source, folder)
    text = (SOURCE / "takt.toml").read_text(encoding="utf-8")
    text = re.sub(r'^name = "two_tanks"$', f'name = "{name}"', text, count=1, flags=re.MULTILINE)
    text = re.sub(r'^interval = ".*"$', f'interval = "{interval}"', text, flags=re.MULTILINE)
    (folder / "takt.toml").write_text(f"{text}\n[runtime]\n{runtime}\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Started:
    """A runtime process at work."""

    process: subprocess.Popen[bytes]
    image: Image
    first_scan_s: float
    """From just before the process was started to the release of its first scan."""

    @property
    def statistics(self) -> TaskStatistics:
        """The statistics of its task."""
        return TaskStatistics(self.image.section(SectionKind.TASK_STATISTICS))


@contextlib.contextmanager
def started(project: Path, cache: Path) -> Iterator[Started]:
    """Run a project's runtime from its first scan to the end of the block.

    Args:
        project: From `write_project`.
        cache: Folder of compiled code; an empty one makes the start a cold one.

    Raises:
        RuntimeError: It ended or did not come up within `PATIENCE_S`; with its log.
    """
    environment = os.environ | {"TAKT_CACHE": str(cache)}
    log = project / "runtime.log"
    began_ns = time.monotonic_ns()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "runtime", "runtime", str(project)],
            stderr=sink,
            env=environment,
        )
    path = image_path(load_project(project).config.project.name)
    try:
        image, frame = _await_first_frame(process, path, log)
        program_time_ns = int.from_bytes(frame.state[:8], "little")
        first_release_ns = frame.release_ns - program_time_ns
        yield Started(process, image, (first_release_ns - began_ns) / 1e9)
        image.close()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        path.with_suffix(".lock").unlink(missing_ok=True)


def _await_first_frame(
    process: subprocess.Popen[bytes], path: Path, log: Path
) -> tuple[Image, Frame]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(ImageError):
            image = attach_image(path)
            newest = image.ring(SectionKind.FRAME).latest()
            if image.runtime_pid == process.pid and newest is not None:
                return image, decode_frame(newest.payload)
            image.close()
        time.sleep(0.002)
    raise RuntimeError(f"the runtime did not come up:\n{log.read_text(encoding='utf-8')}")
