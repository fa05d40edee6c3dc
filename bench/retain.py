"""What do 100,000 retained variables, saved every 100 ms, add to a scan of 1 ms?

Peer: the same program without RETAIN, in turns. Both are run by the engine's own machine code, one
scan a call, from a native loop that holds no lock of the interpreter, as the scan thread does; the
time of each scan is from its release to the end of its publications. Meanwhile, and only in the
turns of the retained program, the saver works in a thread of this process, as in the runtime.
Goal: p99.9 of the scan time grows by less than 20 us.
"""

import ctypes
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numba
import numpy as np
import numpy.typing as npt
from report import Goal, Report, Row, Window, parse_options, percentile

from runtime.app.directory import directory_of
from runtime.app.retention import FrameReader, Saving
from runtime.artifact.program import Symbol
from runtime.build import build_project
from runtime.datatypes.values import Json
from runtime.engine import native, plan, realtime
from runtime.engine.intrinsics import clock_ns, sleep_until
from runtime.engine.scan import EXECUTE, ScanEngine, executive_object
from runtime.errors import HostError
from runtime.image.layout import SectionKind
from runtime.image.segment import create_image
from runtime.project.load import load_project
from runtime.retain.disk import FileDisk
from runtime.retain.layout import packing_of
from runtime.retain.store import Store, recover

VARIABLES: Final = 100_000
CHANGED: Final = 1000
"""Variables that each scan changes."""
INTERVAL_NS: Final = 1_000_000
SAVE_S: Final = 0.1
GOAL_US: Final = 20.0
PRIORITY: Final = 80

SOURCE: Final = f"""
PROGRAM Main
VAR {{word}} A : ARRAY [0..{VARIABLES - 1}] OF DINT; END_VAR
VAR I, AT0 : DINT; END_VAR
FOR I := AT0 TO AT0 + {CHANGED - 1} DO A[I] := A[I] + I; END_FOR;
AT0 := (AT0 + {CHANGED}) MOD {VARIABLES};
END_PROGRAM
"""
TOML: Final = """
[project]
name = "bench_retain"
[[task]]
name = "Main"
interval = "1ms"
programs = ["Main"]
"""

Times = npt.NDArray[np.int64]


@dataclass(slots=True)
class Contender:
    """One program on an engine and an image of its own."""

    engine: ScanEngine
    variables: Symbol
    saving: Saving | None
    scan: Callable[[Times], int]
    """Fills an array with the times of as many scans, in ns."""
    turns: list[Times] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)

    @property
    def values(self) -> Json:
        """The values of the 100,000 variables."""
        return self.variables.read(self.engine.state)

    def us(self, percent: float, *, quiet: bool) -> list[float]:
        """Return a percentile of each turn."""
        pairs = zip(self.windows, self.turns, strict=True)
        chosen = [times for window, times in pairs if window.quiet or not quiet]
        return [percentile(times.tolist(), percent) / 1000 for times in chosen]

    def pooled(self, percent: float) -> float:
        """Return a percentile over all turns."""
        return percentile(np.concatenate(self.turns).tolist(), percent) / 1000


def native_loop(engine: ScanEngine, code: native.NativeCode) -> Callable[[Times], int]:
    """Return a native function that runs scans at the interval and times each."""
    word = ctypes.c_int64
    execute = ctypes.CFUNCTYPE(word, word, word, word, word)(code.address(EXECUTE))
    job = engine.memory.jobs[0]

    def scans(times: Times) -> int:
        release = clock_ns() + INTERVAL_NS
        for number in range(len(times)):
            sleep_until(release)
            start = clock_ns()
            execute(job, plan.STEP, 1, start)
            times[number] = clock_ns() - start
            release += INTERVAL_NS
        return 0

    compiled: Callable[[Times], int] = numba.njit(nogil=True)(scans)
    return compiled


def contender(folder: Path, word: str, code: native.NativeCode) -> Contender:
    """Build the program with or without RETAIN and make it ready."""
    project_folder = folder / (word or "plain")
    project_folder.mkdir()
    (project_folder / "takt.toml").write_text(TOML, encoding="utf-8")
    (project_folder / "main.st").write_text(SOURCE.format(word=word), encoding="utf-8")
    project = load_project(project_folder)
    program = build_project(project).program
    assert program is not None
    path = project_folder / "image"
    image = create_image(path, directory_of(project, program), program.layout_hash, 1)
    engine = ScanEngine(program, project, image)
    realtime.populate(engine.regions)
    saving = None
    if word:
        packing = packing_of(program.retained)
        assert packing.layout.size == 4 * VARIABLES
        disk = FileDisk(project_folder / "retain", "bench")
        reader = FrameReader(image.ring(SectionKind.FRAME), 0, packing)
        store = Store(disk, packing.layout, recover(disk))
        saving = Saving(store, reader, time.time_ns, {"plc": "bench"})
    variables = program.symbol("MAIN.A")
    assert variables is not None
    return Contender(engine, variables, saving, native_loop(engine, code))


def turn(one: Contender, report: Report, scans: int) -> None:
    """Run a contender for some scans, its saver beside it."""
    times = np.zeros(scans, np.int64)
    end = threading.Event()
    saver = threading.Thread(target=_save_until, args=(one.saving, end))
    scanner = threading.Thread(target=_scan, args=(one, times))
    with report.window() as window:
        saver.start()
        scanner.start()
        scanner.join()
        end.set()
        saver.join()
    one.windows.append(window)
    one.turns.append(times)


def _save_until(saving: Saving | None, end: threading.Event) -> None:
    while saving is not None and not end.wait(SAVE_S):
        saving.save()


def _scan(one: Contender, times: Times) -> None:
    realtime.sharpen_timers()
    realtime.schedule_fifo(PRIORITY)
    one.scan(times)


def main() -> None:
    """Measure in turns and report."""
    question = f"What do {VARIABLES} retained variables add to a scan? (us)"
    report = Report(question, parse_options(question))
    rounds, scans = (12, 400) if report.options.quick else (80, 800)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TAKT_BENCH_DIR")) as folder:
        code = native.NativeCode(executive_object())
        plain, kept = (contender(Path(folder), word, code) for word in ("", "RETAIN"))
        for one in (plain, kept):  # compiles the loop, touches all memory
            one.scan(np.zeros(50, np.int64))
        for _ in range(rounds):
            for one in (plain, kept):
                turn(one, report, scans)
        same = plain.values == kept.values
        _report(report, plain, kept, same=same)
    report.finish()


def _report(report: Report, plain: Contender, kept: Contender, *, same: bool) -> None:
    assert kept.saving is not None
    store = kept.saving.store
    if not same:
        raise HostError("the two programs computed different values")
    scans = sum(len(times) for times in kept.turns)
    each = store.written_bytes / max(store.commits, 1)
    report.notes += [
        f"both programs computed the same values; each scan changes {CHANGED}",
        f"{store.commits} commits in {scans} scans, {each:.0f} bytes each",
    ]
    for name, percent in (("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9)):
        added = [
            a - b
            for a, b in zip(
                kept.us(percent, quiet=False), plain.us(percent, quiet=False), strict=True
            )
        ]
        goal = Goal(value_below=GOAL_US) if percent == 99.9 else None
        pooled = kept.pooled(percent) - plain.pooled(percent)
        report.rows += [
            Row(f"scan {name}", "us", kept.us(percent, quiet=False), "no retain",
                plain.us(percent, quiet=False), value=kept.pooled(percent),
                peer_value=plain.pooled(percent)),
            Row(f"added {name}", "us", added, goal=goal, value=pooled),
        ]  # fmt: skip


if __name__ == "__main__":
    main()
