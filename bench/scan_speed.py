"""How fast does a scan run beside the same logic written by hand in C and built by gcc?

Peer: `c/*.c` at -O2 and at -O3 -march=native, the faster of both for each program. Every safety
check of ours is on. Digests of all contenders are compared first. Then batches of scans run in
turns on one processor; a time is the best 5 % of a contender's batches.
Goals: geometric mean of the ratios at most 1.0, no program above 1.3.
"""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from contenders import (
    NAMES,
    Contender,
    TaktProgram,
    c_contenders,
    compile_takt,
    load_driver,
    mismatches,
)
from report import Goal, Report, Row, geometric_mean, parse_options, percentile

BATCH_NS: Final = 400_000
BEST_PERCENT: Final = 5
MEAN_GOAL: Final = 1.0
WORST_GOAL: Final = 1.3
CPU: Final = max(os.sched_getaffinity(0))


@dataclass(slots=True)
class Turns:
    """The batches of one contender: ns a scan."""

    contender: Contender
    times: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """Return the time that the best batches take."""
        return percentile(self.times, BEST_PERCENT)


def take_turns(report: Report, contenders: list[Contender], rounds: int) -> list[Turns]:
    """Run batches of scans in turns; all contenders run the same scans."""
    turns = [Turns(item) for item in contenders]
    trial = max(item.run(100) / 100 for item in contenders)
    count = max(1, int(BATCH_NS / trial))
    with report.window():
        for _ in range(rounds):
            for turn in turns:
                turn.times.append(turn.contender.run(count) / count)
    return turns


def compare(report: Report, name: str, folder: Path, rounds: int) -> Row:
    """Measure one program and return its row."""
    driver = load_driver(folder)
    takt = TaktProgram(compile_takt(name), driver)
    contenders: list[Contender] = [takt, *c_contenders(name, folder, driver)]
    wrong = list(mismatches(name, contenders))
    report.notes += [f"{name}: DIFFERS: {item}" for item in wrong]
    ours, *others = take_turns(report, contenders, rounds)
    peer = min(others, key=lambda turn: turn.best)
    return Row(
        name=name,
        unit="ns",
        values=ours.times,
        value=ours.best,
        peer=peer.contender.name,
        peer_values=peer.times,
        peer_value=peer.best,
        goal=Goal(ratio_at_most=WORST_GOAL),
        quiet=report.windows[-1].quiet,
    )


def main() -> None:
    """Measure program by program and report."""
    question = "How fast is a scan beside hand-written C? (best 5 % of batches)"
    report = Report(question, parse_options(question))
    os.sched_setaffinity(0, {CPU})
    rounds = 200 if report.options.quick else 1000
    with tempfile.TemporaryDirectory() as folder:
        report.rows += [compare(report, name, Path(folder), rounds) for name in NAMES]
    same = not any("DIFFERS" in note for note in report.notes)
    report.notes.append(f"digests of all contenders: {'equal' if same else 'NOT EQUAL'}")
    report.rows.append(geometric_mean(report.rows, "the best C", MEAN_GOAL))
    report.finish()


if __name__ == "__main__":
    main()
