"""How long from ST to code that runs, and does it grow in line with the program?

Times are seconds of the processor, ours and gcc's alike: both work on one thread and hardly wait:
the clock of an idle machine says the same; a loaded one does not spoil the comparison.

A program's own cache is cold: its text is new at each turn. The library's is warm: the blocks and
string functions that numba compiles are there from an earlier program. Peer: gcc -O2 on the C of
the same program, in turns; it reads no ST, so it does less.
Goals: a fifth of what other tool chains take, which is 3 to 29 s a program; how much of that falls
to which program is not known, so it is spread by lines, from 60 to 2,200. 10^4 lines checked in
less than 2 s; a line at the largest size at most 1.5 times its time at 10^3 lines.
"""

import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Final

from contenders import LEVELS, NAMES, PROGRAMS, build_c
from programs.generate import program_of
from report import Goal, Report, Row, parse_options

from runtime.build import check_sources, compile_sources
from runtime.engine.native import NativeCode
from runtime.source import Source, read_source

FEW_LINES: Final = 60
FEW_LINES_S: Final = 3.0 / 5
MANY_LINES: Final = 2200
MANY_LINES_S: Final = 29.0 / 5
CHECK_LINES: Final = 10_000
CHECK_GOAL_S: Final = 2.0
GROWTH_GOAL: Final = 1.5
C_SOURCES: Final = Path(__file__).parent / "c"


def goal_of(lines: int) -> float:
    """Return a fifth of what others take, between the smallest and the largest program."""
    share = max(0.0, (lines - FEW_LINES) / (MANY_LINES - FEW_LINES))
    return FEW_LINES_S + share * (MANY_LINES_S - FEW_LINES_S)


def compile_new(text: str, turn: int) -> float:
    """Return the seconds from a text that was never seen to mapped code."""
    source = Source("bench.st", f"{text}\n(* turn {turn} of process {os.getpid()} *)\n")
    began = time.process_time()
    done = compile_sources((source,), "bench")
    assert done.program is not None, done.findings[:1]
    assert not done.cached
    NativeCode(done.program.object_code)
    return time.process_time() - began


def build_with_gcc(name: str, folder: Path) -> float:
    """Return the seconds that gcc takes for the C of a program."""
    began = _seconds_of_children()
    build_c(C_SOURCES / f"{name}.c", folder / f"{name}.so", LEVELS["gcc -O2"])
    return _seconds_of_children() - began


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def programs(report: Report, folder: Path, rounds: int) -> list[Row]:
    """Measure the programs in turns with gcc."""
    rows = []
    for name in NAMES:
        text = read_source(PROGRAMS / f"{name}.st").text
        compile_new(text, -1)  # warms the library
        ours: list[float] = []
        peers: list[float] = []
        with report.window():
            for turn in range(rounds):
                ours.append(compile_new(text, turn))
                peers.append(build_with_gcc(name, folder))
        lines = text.count("\n")
        goal = Goal(value_below=round(goal_of(lines), 2))
        rows.append(Row(f"{name}, {lines} lines", "s", ours, "gcc -O2", peers, goal))
    return rows


def growth(report: Report, sizes: list[int], rounds: int) -> list[Row]:
    """Measure generated programs of rising size; the peer of each is the smallest, line by line."""
    rows: list[Row] = []
    smallest: list[float] = []
    for size in sizes:
        text = program_of(size)
        lines = text.count("\n")
        with report.window():
            times = [compile_new(text, turn) / lines * 1e6 for turn in range(rounds)]
        if not smallest:
            smallest = times
        goal = Goal(ratio_at_most=GROWTH_GOAL)
        rows.append(Row(f"a line of {lines}", "us", times, f"of {sizes[0]}", smallest, goal))
    return rows


def checking(report: Report, rounds: int) -> Row:
    """Measure how long a program of 10^4 lines is checked."""
    text, times = program_of(CHECK_LINES), []
    with report.window():
        for _ in range(rounds):
            began = time.process_time()
            assert check_sources((Source("bench.st", text),)).model is not None
            times.append(time.process_time() - began)
    return Row(f"checking {CHECK_LINES} lines", "s", times, goal=Goal(value_below=CHECK_GOAL_S))


def main() -> None:
    """Measure and report."""
    question = "How long from ST to code that runs? (program's cache cold, library's warm)"
    report = Report(question, parse_options(question))
    quick = report.options.quick
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TAKT_CACHE"] = str(Path(folder) / "cache")
        report.rows += programs(report, Path(folder), 1 if quick else 5)
        report.rows.append(checking(report, 1 if quick else 5))
        sizes = [1_000, 10_000] if quick else [1_000, 10_000, 100_000]
        report.rows += growth(report, sizes, 1 if quick else 2)
    if quick:
        report.notes.append("up to 10^4 lines; without --quick up to 10^5")
    report.finish()


if __name__ == "__main__":
    main()
