"""How many PLCs does one core carry without an overrun, and what does each cost?

Each number runs as one process with one pool bound to one processor: the expected one for the whole
time, then more and more for a short one; the greatest without an overrun is confirmed. Peer: a
process of its own for a single PLC, measured in the same run: what each costs where every one has
a process.
Goals: 500 instances of `h_plant` and 2,000 of a 20-line program at 10 ms, below 1 MB each. OpenPLC
needs a process of 15 to 57 MB and 44 to 78 us of processor time a scan for such a program.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from report import Goal, Report, Row, parse_options

from runtime.errors import ImageError
from runtime.image.layout import SectionKind
from runtime.image.segment import Image, attach_image, image_path
from runtime.image.statistics import TaskStatistics

PROGRAMS: Final = Path(__file__).parent / "programs"
CPU: Final = max(os.sched_getaffinity(0))
PATIENCE_S: Final = 180.0
SETTLE_S: Final = 2.0
CONFIRM_S: Final = 60.0
TRIAL_S: Final = 5.0
GROWTH: Final = 1.25
"""From one candidate to the next."""
CONFIRMATIONS: Final = 3
"""Numbers that are run for the whole time at most, each half of the last: a host that takes the
processor away for longer than an interval confirms none."""


@dataclass(frozen=True, slots=True)
class Case:
    """A program, its interval, and how many instances are run first."""

    source: str
    program: str
    interval: str
    plcs: int
    is_goal: bool = True
    """Whether so many are expected to run without an overrun."""


CASES: Final = (
    Case("h_plant.st", "bench", "10ms", 500),
    Case("lines20.st", "Main", "10ms", 2000),
    Case("lines20.st", "Main", "250us", 100, is_goal=False),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a number of PLCs did in a time."""

    plcs: int
    overruns: int
    scans: int
    cpu_us_a_scan: float
    mib_each: float
    """Memory of the process that is not shared with others, for each PLC."""


def write_project(folder: Path, case: Case) -> Path:
    """Write the project of a case and return its folder."""
    name = f"bench_{Path(case.source).stem}_{case.interval}"
    project = folder / name
    project.mkdir()
    text = (PROGRAMS / case.source).read_text(encoding="utf-8").split("CONFIGURATION")[0]
    (project / "main.st").write_text(text, encoding="utf-8")
    (project / "takt.toml").write_text(
        f'[project]\nname = "{name}"\n[[task]]\nname = "T"\ninterval = "{case.interval}"\n'
        f'programs = ["{case.program}"]\n[runtime]\ncpu = {CPU}\n[metrics]\nenabled = false\n',
        encoding="utf-8",
    )
    return project


@contextlib.contextmanager
def running(project: Path, plcs: int) -> Iterator[tuple[int, list[Image]]]:
    """Run a number of PLCs of a project; yield the process id and their images."""
    arguments = [sys.executable, "-P", "-m", "runtime", "runtime", str(project)]
    if plcs > 1:
        arguments += ["--instances", str(plcs), "--pools", "1"]
    with (project / "runtime.log").open("wb") as log:
        process = subprocess.Popen(arguments, stderr=log)
    with contextlib.ExitStack() as stack:
        stack.callback(process.wait, PATIENCE_S)
        stack.callback(process.send_signal, signal.SIGTERM)
        names = [project.name] if plcs == 1 else [f"{project.name}_{n + 1}" for n in range(plcs)]
        images = [stack.enter_context(_await_image(process, project, name)) for name in names]
        yield process.pid, images


def _await_image(process: subprocess.Popen[bytes], project: Path, name: str) -> Image:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(ImageError):
            image = attach_image(image_path(name))
            if image.runtime_pid == process.pid and statistics(image).scans > 0:
                return image
            image.close()
        time.sleep(0.05)
    log = (project / "runtime.log").read_text(encoding="utf-8")
    raise RuntimeError(f"{name} did not come up:\n{log}")


def statistics(image: Image) -> TaskStatistics:
    """Return the statistics of a PLC's task."""
    return TaskStatistics(image.section(SectionKind.TASK_STATISTICS))


def measure(project: Path, plcs: int, seconds: float) -> Found:
    """Run PLCs for a time and return what they did in it."""
    with running(project, plcs) as (pid, images):
        time.sleep(SETTLE_S)
        views = [statistics(image) for image in images]
        before = [(view.scans, view.overruns) for view in views]
        cpu_before = scan_cpu_s(pid)
        time.sleep(seconds)
        cpu = scan_cpu_s(pid) - cpu_before
        scans = sum(view.scans - then for view, (then, _) in zip(views, before, strict=True))
        overruns = sum(view.overruns - then for view, (_, then) in zip(views, before, strict=True))
        return Found(plcs, overruns, scans, cpu * 1e6 / scans, memory_mib(pid) / plcs)


def scan_cpu_s(pid: int) -> float:
    """Return the processor time of the threads that scan."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        if (thread / "comm").read_text(encoding="utf-8").startswith(("takt-pool", "takt-scan")):
            fields = (thread / "schedstat").read_text(encoding="ascii").split()
            total += int(fields[0])
    return total / 1e9


def memory_mib(pid: int) -> float:
    """Return the memory that would be free again if the process ended; images count once."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return kib["Pss"] / 1024


def greatest(project: Path, first: Found) -> int:
    """Return the greatest number of PLCs without an overrun, confirmed; 0 where none was.

    Args:
        project: What they run.
        first: What a number did that is tried already.
    """
    found = best = first
    while found.overruns == 0:
        best = found
        found = measure(project, int(found.plcs * GROWTH), TRIAL_S)
    plcs = best.plcs
    for _ in range(CONFIRMATIONS):
        if measure(project, plcs, CONFIRM_S).overruns == 0:
            return plcs
        plcs = max(1, plcs // 2)
    return 0


def main() -> None:
    """Measure each case and report."""
    question = "How many PLCs does one core carry without an overrun?"
    report = Report(question, parse_options(question))
    quick = report.options.quick
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            project = write_project(Path(folder), case)
            with report.window():
                alone = measure(project, 1, TRIAL_S)
            with report.window():
                found = measure(project, case.plcs, TRIAL_S if quick else CONFIRM_S)
            report.rows += rows(case, found, alone)
            if not quick:
                with report.window():
                    most = greatest(project, found)
                name = f"{case.source} at {case.interval}: most without overrun"
                report.rows.append(Row(name, "PLCs", [most]))
    report.finish()


def rows(case: Case, found: Found, alone: Found) -> list[Row]:
    """Return the rows of one number of PLCs beside a process for each."""
    label = f"{case.source} at {case.interval}, {found.plcs}"
    none, small = (Goal(value_below=1), Goal(value_below=1)) if case.is_goal else (None, None)
    late = 1e6 * found.overruns / found.scans
    return [
        Row(f"{label}: overruns", "", [found.overruns], goal=none),
        Row(f"{label}: overruns in a million scans", "", [late]),
        Row(
            f"{label}: processor a scan", "us", [found.cpu_us_a_scan],
            "process each", [alone.cpu_us_a_scan],
        ),
        Row(
            f"{label}: memory each", "MiB", [found.mib_each],
            "process each", [alone.mib_each], small,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
