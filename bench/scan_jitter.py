"""How late does a 1 ms task start, beside cyclictest at the same priority and interval?

Peer: cyclictest (Debian package rt-tests), the measure of Linux's own wake-up, pinned to the same
processor. Turns: cyclictest, Takt sleeping, Takt with a spin of 100 us before the release.
Goals: p99.9 sleeping at most 1.2 times cyclictest's; with the spin below 5 us in quiet windows.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from demo_project import started, write_project
from report import Goal, Report, Row, Window, parse_options

from runtime.image.statistics import HistogramCopy

INTERVAL_US: Final = 1000
SPIN_US: Final = 100
SPIN_GOAL_US: Final = 5.0
PRIORITY: Final = 80
HISTOGRAM_US: Final = 20_000
SETTLE_S: Final = 0.3
PERCENTS: Final = (50.0, 99.0, 99.9)
CPU: Final = max(os.sched_getaffinity(0))


@dataclass(slots=True)
class Turns:
    """All turns of one contender: latenesses in us, and the window of each."""

    windows: list[Window] = field(default_factory=list)
    counts: list[dict[float, int]] = field(default_factory=list)
    """For each turn: how often each lateness occurred."""

    def values(self, percent: float, *, quiet: bool) -> list[float]:
        """Return the percentile of each turn."""
        return [_percentile(count, percent) for count in self._chosen(quiet=quiet)]

    def pooled(self, percent: float, *, quiet: bool) -> float:
        """Return the percentile over all turns."""
        total: dict[float, int] = {}
        for counts in self._chosen(quiet=quiet):
            for value, count in counts.items():
                total[value] = total.get(value, 0) + count
        return _percentile(total, percent)

    def _chosen(self, *, quiet: bool) -> list[dict[float, int]]:
        pairs = zip(self.windows, self.counts, strict=True)
        return [counts for window, counts in pairs if window.quiet or not quiet]


def _percentile(counts: dict[float, int], percent: float) -> float:
    total, passed = sum(counts.values()), 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= total * percent / 100:
            return value
    return 0.0


def cyclictest(report: Report, seconds: float, priority: int) -> tuple[Window, dict[float, int]]:
    """Return the latenesses in us that cyclictest counts, and the window that it ran in."""
    policy = ["--policy=fifo", f"-p{priority}"] if priority else ["--policy=other"]
    command = [
        "cyclictest", "-m", "-q", "-t1", f"-a{CPU}", f"-i{INTERVAL_US}", f"-h{HISTOGRAM_US}",
        f"-D{max(1, round(seconds))}", *policy,
    ]  # fmt: skip
    with report.window() as window:
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pairs = re.findall(r"^(\d{6})\s+(\d+)", text, flags=re.MULTILINE)
    # A lateness of 12.9 us counts in cyclictest's line 12: its upper end, as in our histogram.
    return window, {float(value) + 1: int(count) for value, count in pairs if int(count)}


def takt(
    report: Report, project: Path, cache: Path, seconds: float
) -> tuple[Window, dict[float, int]]:
    """Return the latenesses in us that the runtime counts, and the window that it ran in."""
    with started(project, cache) as runtime:
        time.sleep(SETTLE_S)
        with report.window() as window:
            before = runtime.statistics.lateness.copy()
            time.sleep(seconds)
            after = runtime.statistics.lateness.copy()
    return window, _counts(after.since(before))


def _counts(lateness: HistogramCopy) -> dict[float, int]:
    from runtime.image.layout import bucket_upper

    used = np.flatnonzero(lateness.buckets)
    return {bucket_upper(int(place)) / 1000: int(lateness.buckets[place]) for place in used}


def main() -> None:
    """Measure in turns and report."""
    question = "How late does a 1 ms task start? (lateness in us, beside cyclictest)"
    report = Report(question, parse_options(question))
    if shutil.which("cyclictest") is None:
        sys.exit("cyclictest is missing; expected the Debian package rt-tests")
    priority = PRIORITY if _may_use_fifo() else 0
    report.notes.append(
        f"SCHED_FIFO {priority}, processor {CPU}"
        if priority
        else f"normal priority (SCHED_FIFO is not permitted here), processor {CPU}"
    )
    rounds, seconds = (3, 2.0) if report.options.quick else (30, 2.0)
    with tempfile.TemporaryDirectory() as folder:
        contenders = _contenders(report, Path(folder), seconds, priority)
        turns = {name: Turns() for name in contenders}
        for _ in range(rounds):
            for name, measure in contenders.items():
                window, counts = measure()
                turns[name].windows.append(window)
                turns[name].counts.append(counts)
    _check_counts(report, turns)
    for quiet in (False, True):
        _add_rows(report, turns, quiet=quiet)
    report.finish()


def _contenders(
    report: Report, folder: Path, seconds: float, priority: int
) -> dict[str, Callable[[], tuple[Window, dict[float, int]]]]:
    section = f"realtime_priority = {priority}\ncpu = {CPU}\n"
    sleeping, spinning, cache = folder / "sleeping", folder / "spinning", folder / "cache"
    write_project(sleeping, "1ms", section)
    write_project(spinning, "1ms", f'{section}spin = "{SPIN_US}us"\n')
    for project in (sleeping, spinning):
        with started(project, cache):
            pass  # compiles
    return {
        "cyclictest": lambda: cyclictest(report, seconds, priority),
        "sleeping": lambda: takt(report, sleeping, cache, seconds),
        "spinning": lambda: takt(report, spinning, cache, seconds),
    }


def _may_use_fifo() -> bool:
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        os.sched_setscheduler(0, before, os.sched_param(0))
    except OSError:
        return False
    return True


def _check_counts(report: Report, turns: dict[str, Turns]) -> None:
    """Say that all contenders were woken equally often: else their percentiles do not compare."""
    totals = {
        name: sum(sum(count.values()) for count in turn.counts) for name, turn in turns.items()
    }
    report.notes.append("wake-ups: " + ", ".join(f"{name} {n}" for name, n in totals.items()))
    if max(totals.values()) > 1.1 * min(totals.values()):
        report.notes.append(
            "the contenders' wake-ups differ by more than a tenth: compare with care"
        )


def _add_rows(report: Report, turns: dict[str, Turns], *, quiet: bool) -> None:
    peer = turns["cyclictest"]
    where = "quiet windows" if quiet else "all windows"
    for name in ("sleeping", "spinning"):
        ours = turns[name]
        if not (ours.values(50, quiet=quiet) and peer.values(50, quiet=quiet)):
            report.notes.append(f"{name}: no {where}")
            continue
        reached = sum(value < SPIN_GOAL_US for value in ours.values(99.9, quiet=quiet))
        total = len(ours.values(99.9, quiet=quiet))
        report.notes.append(
            f"{name}, {where}: p99.9 below {SPIN_GOAL_US:g} us in {reached} of {total}"
        )
        for percent in PERCENTS:
            report.rows.append(
                Row(
                    name=f"{name} p{percent:g}, {where}",
                    unit="us",
                    values=ours.values(percent, quiet=quiet),
                    value=ours.pooled(percent, quiet=quiet),
                    peer="cyclictest",
                    peer_values=peer.values(percent, quiet=quiet),
                    peer_value=peer.pooled(percent, quiet=quiet),
                    goal=_goal(name, percent, quiet=quiet),
                    quiet=quiet,
                )
            )


def _goal(name: str, percent: float, *, quiet: bool) -> Goal | None:
    if percent != 99.9:
        return None
    if name == "sleeping":
        return Goal(ratio_at_most=1.2)
    return Goal(value_below=SPIN_GOAL_US) if quiet else None


if __name__ == "__main__":
    main()
