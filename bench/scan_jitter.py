"""How late does a task of 1 ms or 10 ms start, idle and under load, beside cyclictest?

Peer: cyclictest (Debian package rt-tests), the measure of Linux's own wake-up, with the same
priority, interval and processor, under the same load (`loads.py`: a gateway that polls without a
pause, a compile on every processor, a disk that is written and synchronised).

Three run **at the same time**: the task in the middle of the interval, a cyclictest at one quarter
and another at three. Each is done within a few microseconds, so none meets another or finds the
processor still awake, and all meet the same stalls of the host. The peer's percentiles are those
of both cyclictests together. What this machine can resolve is in the notes: the p99.9 of each of
the two, which are the same program, and how far the ratio moves where the turns are resampled. A
few stalls of the host, or a period of its own that meets one of the three phases for seconds,
decide a p99.9 (0.3 and 0.8 ms for two cyclictests in the same 100 s).

A spinning runtime has turns of its own. Runtimes stand still (SIGSTOP) in the turns of others.
Goal: p99.9 at most 1.2 times cyclictest's, for cases with wake-ups enough; 10 ms has them in a full
run only. The spin hides the kernel's wake-up, as p50 and p99 show, but not the host's stalls.
"""

import argparse
import contextlib
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import loads
import numpy as np
from cyclictest import PEER, Counts, cyclictest, parsed, percentile
from demo_project import Started, started, write_project
from report import Goal, Report, Row, Window, parse_options

from runtime.artifact.cache import cache_folder
from runtime.image.layout import bucket_upper
from runtime.image.statistics import HistogramCopy

SPIN_US: Final = 100
RATIO_GOAL: Final = 1.2
PRIORITY: Final = 80
SETTLE_S: Final = 0.3
PERCENTS: Final = (50.0, 99.0, 99.9)
GOAL_PERCENT: Final = 99.9
WAKE_UPS_MIN: Final = 10_000
"""With fewer, a handful of wake-ups would decide the p99.9: such a row has no goal."""
CPU: Final = max(os.sched_getaffinity(0))
LOADS: Final = {
    "idle": loads.idle,
    "gateway": loads.gateway,
    "compile": loads.compiling,
    "disk": loads.writing,
}

PATIENCE_S: Final = 10
RESAMPLINGS: Final = 400
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """What the task and the two cyclictests counted in the same seconds."""

    ours: Counts
    sides: tuple[Counts, Counts]


@dataclass(frozen=True, slots=True)
class Task:
    """What is measured: a task of an interval, and how long a turn of it lasts."""

    interval_ms: int
    quick_s: int
    full_s: int


TASKS: Final = (Task(1, 4, 10), Task(10, 4, 25))
"""Turns of 10 ms are longer, so that a percentile of 99.9 rests on more than a few wake-ups."""
QUARTERS: Final = (1, 3)
"""Where in the interval the cyclictests wake up."""


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the comparison: a task, how it waits, and the load beside it."""

    load: str
    interval_ms: int
    spin: bool = False

    def __str__(self) -> str:
        """Return how the report calls it."""
        waits = f", {SPIN_US} us spin" if self.spin else ""
        return f"{self.interval_ms} ms {self.load}{waits}"


@dataclass(slots=True)
class Turns:
    """All turns of one contender: the latenesses and the window of each."""

    windows: list[Window] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)

    def values(self, percent: float, *, quiet: bool) -> list[float]:
        """Return the percentile of each turn."""
        return [percentile(count, percent) for count in self._chosen(quiet=quiet)]

    def pooled(self, percent: float, *, quiet: bool) -> float:
        """Return the percentile over all turns."""
        return percentile(merged(self._chosen(quiet=quiet)), percent)

    @property
    def wake_ups(self) -> int:
        """How many latenesses there are."""
        return self.wake_ups_in(quiet=False)

    def wake_ups_in(self, *, quiet: bool) -> int:
        """How many latenesses there are, in quiet windows only or in all."""
        return sum(sum(counts.values()) for counts in self._chosen(quiet=quiet))

    def _chosen(self, *, quiet: bool) -> list[Counts]:
        pairs = zip(self.windows, self.counts, strict=True)
        return [counts for window, counts in pairs if window.quiet or not quiet]


# -- contenders ---------------------------------------------------------------------------------
def merged(all_counts: Iterable[Counts]) -> Counts:
    """Return the counts of several."""
    total: Counts = {}
    for counts in all_counts:
        for value, count in counts.items():
            total[value] = total.get(value, 0) + count
    return total


def together(runtime: Started, task: Task, seconds: int, priority: int) -> Turn:
    """Return the latenesses of the runtime and of both cyclictests in the same seconds.

    Raises:
        CalledProcessError: A cyclictest failed.
    """
    runtime.process.send_signal(signal.SIGCONT)
    try:
        # They align to the second after their own start, so they are started early in this one.
        _sleep_until(math.floor(time.monotonic()) + 1 + SETTLE_S)
        begin = math.floor(time.monotonic()) + 1
        with contextlib.ExitStack() as stack:
            first, second = (
                stack.enter_context(
                    cyclictest(
                        task.interval_ms, seconds, priority, CPU, task.interval_ms * 250 * quarter
                    )
                )
                for quarter in QUARTERS
            )
            _sleep_until(begin)
            before = runtime.statistics.lateness.copy()
            _sleep_until(begin + seconds)
            after = runtime.statistics.lateness.copy()
            sides = _ended(first, seconds), _ended(second, seconds)
    finally:
        runtime.process.send_signal(signal.SIGSTOP)
    return Turn(_counts(after.since(before)), sides)


def _ended(process: "subprocess.Popen[str]", seconds: int) -> Counts:
    text, _ = process.communicate(timeout=seconds + PATIENCE_S)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, PEER, text)
    return parsed(text)


def _sleep_until(second: float) -> None:
    time.sleep(max(0.0, second - time.monotonic()))


def _counts(lateness: HistogramCopy) -> Counts:
    used = np.flatnonzero(lateness.buckets)
    return {bucket_upper(int(place)) / 1000: int(lateness.buckets[place]) for place in used}


@contextlib.contextmanager
def standing_still(project: Path) -> Iterator[Started]:
    """Start a runtime and stop its process, so that nobody else's turn feels it."""
    with started(project, cache_folder()) as runtime:
        runtime.process.send_signal(signal.SIGSTOP)
        try:
            yield runtime
        finally:
            runtime.process.send_signal(signal.SIGCONT)


Runtimes = dict[tuple[int, bool], Started]
"""The runtimes by the interval of their task and whether it spins."""


def start_runtimes(stack: contextlib.ExitStack, folder: Path, priority: int) -> Runtimes:
    """Start all runtimes, one after another."""
    section = f"realtime_priority = {priority}\ncpu = {CPU}\n"
    found = {}
    for interval_ms, spins in ((1, False), (1, True), (10, False)):
        name = f"bench_jitter_{interval_ms}_{'spinning' if spins else 'sleeping'}"
        spin = f'spin = "{SPIN_US}us"\n' if spins else ""
        write_project(folder / name, f"{interval_ms}ms", section + spin, f"{name}_{os.getpid()}")
        runtime = stack.enter_context(standing_still(folder / name))
        found[interval_ms, spins] = runtime
    return found


# -- measurement --------------------------------------------------------------------------------
@dataclass(slots=True)
class Measurement:
    """Everything that is known of the cases: ours and the peer's turns."""

    report: Report
    runtimes: Runtimes
    priority: int
    ours: dict[Case, Turns] = field(default_factory=dict)
    peers: dict[Case, Turns] = field(default_factory=dict)
    sides: dict[Case, list[tuple[Counts, Counts]]] = field(default_factory=dict)

    def under(self, load: str, rounds: int) -> None:
        """Measure all cases of a load, in turns."""
        for _ in range(rounds):
            for task in TASKS:
                self._turns(load, task)

    def _turns(self, load: str, task: Task) -> None:
        seconds = task.quick_s if self.report.options.quick else task.full_s
        interval = task.interval_ms
        for spins in (False, True) if load == "idle" else (False,):
            if (interval, spins) in self.runtimes:
                runtime = self.runtimes[interval, spins]
                case = Case(load, interval, spins)
                with self.report.window() as window:
                    turn = together(runtime, task, seconds, self.priority)
                _keep(self.peers, case, window, merged(turn.sides))
                _keep(self.ours, case, window, turn.ours)
                self.sides.setdefault(case, []).append(turn.sides)


def _keep(turns: dict[Case, Turns], case: Case, window: Window, counts: Counts) -> None:
    kept = turns.setdefault(case, Turns())
    kept.windows.append(window)
    kept.counts.append(counts)


def may_use_fifo() -> bool:
    """Whether this process may have real-time priority."""
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        os.sched_setscheduler(0, before, os.sched_param(0))
    except OSError:
        return False
    return True


def main() -> None:
    """Measure in turns and report."""
    question = "How late does a task start? (lateness in us, beside cyclictest)"
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--load", action="append", choices=LOADS, help="under this load only")
    report = Report(question, parse_options(question, own))
    chosen: list[str] = own.parse_known_args()[0].load or list(LOADS)
    if shutil.which(PEER) is None:
        sys.exit(f"{PEER} is missing; expected the Debian package rt-tests (make packages)")
    priority = PRIORITY if may_use_fifo() else 0
    policy = f"SCHED_FIFO {priority}" if priority else "normal priority (no right to SCHED_FIFO)"
    report.notes.append(f"{policy}, processor {CPU}")
    rounds = 4 if report.options.quick else 12
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runtimes = start_runtimes(stack, folder, priority)
        measurement = Measurement(report, runtimes, priority)
        for name in chosen:
            with LOADS[name](folder / f"load_{name}") as burden:
                began, done = time.monotonic(), burden.work()
                measurement.under(name, rounds)
                rate = (burden.work() - done) / (time.monotonic() - began)
            if burden.unit:
                report.notes.append(f"load {name}: {rate:.1f} {burden.unit} a second")
    _compare_wake_ups(measurement)
    _say_what_is_resolved(measurement)
    for quiet in (False, True):
        _add_rows(measurement, quiet=quiet)
    report.finish()


# -- report -------------------------------------------------------------------------------------
def _compare_wake_ups(measurement: Measurement) -> None:
    """Say where contenders were not woken equally often: their percentiles do not compare."""
    notes, alike = measurement.report.notes, True
    for case, turns in measurement.ours.items():
        ours, theirs = turns.wake_ups, measurement.peers[case].wake_ups / len(QUARTERS)
        if max(ours, theirs) > 1.1 * min(ours, theirs):
            alike = False
            notes.append(f"{case}: {ours} wake-ups beside {theirs:.0f}: compare with care")
    if alike:
        notes.append("equal: each three were woken equally often, within a tenth")


def _say_what_is_resolved(measurement: Measurement) -> None:
    """Say how the two cyclictests differ, and how firm the ratio is."""
    for case, turns in measurement.sides.items():
        low, high = sorted(
            percentile(merged(side), GOAL_PERCENT) for side in zip(*turns, strict=True)
        )
        least, most = _ratios(measurement.ours[case].counts, measurement.peers[case].counts)
        measurement.report.notes.append(
            f"{case}: p{GOAL_PERCENT:g} of the two cyclictests {low:g} and {high:g} us; "
            f"ratio {least:.2f} to {most:.2f} in 90 % of resamplings"
        )


def _ratios(ours: list[Counts], peers: list[Counts]) -> tuple[float, float]:
    """Return the 5th and 95th percentile of the ratio, over resamplings of the turns."""
    generator = np.random.default_rng(SEED)
    found = []
    for _ in range(RESAMPLINGS):
        turns = generator.integers(len(ours), size=len(ours))
        mine, theirs = (
            percentile(merged(side[turn] for turn in turns), GOAL_PERCENT) for side in (ours, peers)
        )
        found.append(mine / theirs if theirs else math.nan)
    found.sort()
    return found[RESAMPLINGS // 20], found[-1 - RESAMPLINGS // 20]


def _add_rows(measurement: Measurement, *, quiet: bool) -> None:
    report, where = measurement.report, "quiet" if quiet else "all"
    for case, ours in measurement.ours.items():
        peer = measurement.peers[case]
        if not (ours.values(50, quiet=quiet) and peer.values(50, quiet=quiet)):
            report.notes.append(f"{case}: no {where} windows")
            continue
        for percent in PERCENTS:
            report.rows.append(
                Row(
                    name=f"{case} p{percent:g}, {where}",
                    unit="us",
                    values=ours.values(percent, quiet=quiet),
                    value=ours.pooled(percent, quiet=quiet),
                    peer=PEER,
                    peer_values=peer.values(percent, quiet=quiet),
                    peer_value=peer.pooled(percent, quiet=quiet),
                    goal=_goal(ours, percent, quiet=quiet),
                    quiet=quiet,
                )
            )


def _goal(ours: Turns, percent: float, *, quiet: bool) -> Goal | None:
    if percent != GOAL_PERCENT or ours.wake_ups_in(quiet=quiet) < WAKE_UPS_MIN:
        return None
    return Goal(ratio_at_most=RATIO_GOAL)


if __name__ == "__main__":
    main()
