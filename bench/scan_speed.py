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
ROUNDS: Final = 80
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


def take_turns(
    report: Report, programs: dict[str, list[Contender]], *, passes: int, rounds: int
) -> dict[str, list[Turns]]:
    """Run batches of scans in turns; all contenders of a program run the same scans.

    The programs are visited in several passes, so that a noisy while of the machine spoils some of
    the batches of each and not all batches of one.
    """
    turns = {name: [Turns(item) for item in items] for name, items in programs.items()}
    counts = {
        name: max(1, int(BATCH_NS / max(item.run(100) / 100 for item in items)))
        for name, items in programs.items()
    }
    for _ in range(passes):
        for name, count in counts.items():
            with report.window():
                for _ in range(rounds):
                    for turn in turns[name]:
                        turn.times.append(turn.contender.run(count) / count)
    return turns


def row_of(name: str, turns: list[Turns], goal: float) -> Row:
    """Return the row of a program: ours is the first of its contenders, the peer the best other."""
    ours, *others = turns
    peer = min(others, key=lambda turn: turn.best)
    return Row(
        name=name,
        unit="ns",
        values=ours.times,
        value=ours.best,
        peer=peer.contender.name,
        peer_values=peer.times,
        peer_value=peer.best,
        goal=Goal(ratio_at_most=goal),
    )


def checked(report: Report, programs: dict[str, list[Contender]]) -> None:
    """Compare the digests of all contenders and note the outcome."""
    wrong = [
        f"{name}: DIFFERS: {item}"
        for name, items in programs.items()
        for item in mismatches(name, items)
    ]
    report.notes += wrong
    report.notes.append(f"digests of all contenders: {'NOT EQUAL' if wrong else 'equal'}")


def main() -> None:
    """Measure in turns and report."""
    question = "How fast is a scan beside hand-written C? (best 5 % of batches)"
    report = Report(question, parse_options(question))
    os.sched_setaffinity(0, {CPU})
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        driver = load_driver(folder)
        programs: dict[str, list[Contender]] = {
            name: [TaktProgram(compile_takt(name), driver), *c_contenders(name, folder, driver)]
            for name in NAMES
        }
        checked(report, programs)
        passes = 3 if report.options.quick else 12
        turns = take_turns(report, programs, passes=passes, rounds=ROUNDS)
    report.rows += [row_of(name, items, WORST_GOAL) for name, items in turns.items()]
    report.rows.append(geometric_mean(report.rows, "the best C", MEAN_GOAL))
    report.finish()


if __name__ == "__main__":
    main()
