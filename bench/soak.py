"""Does an hour of control lose a cycle, grow in memory, or grow late?

    python bench/soak.py [--minutes 60]      (make soak)

The demo runs as users run it: plant, gateway and runtime, processes of their own, with the drain
that disturbs it. The peer of each part is the first one: nothing may get worse from part to part.
Beside it runs cyclictest with the same interval and priority: what it meets, no program can help.
Goals: no release without its scan, none skipped; no more than 1 MiB added to the runtime and 4 MiB
to the gateway after the first part; the control deviates no further than in the first part.
"""

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cyclictest import PEER, Counts, cyclictest, parsed, percentile
from report import machine_lines, steal_ms

from runtime.app.demo import DemoOptions, Moment, run_demo
from runtime.app.monitor import Observation
from runtime.image.statistics import HistogramCopy

PARTS: Final = 6
INTERVAL_MS: Final = 10
PRIORITY: Final = 80
"""The demo's, as it is delivered."""
GROWTH_KIB_MAX: Final = {"runtime": 1024, "gateway": 4096}
RANKS: Final = (50.0, 99.0, 99.9, 99.99)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known at the end of a part."""

    elapsed_s: float
    observation: Observation
    resident_kib: dict[str, int]
    stolen_ms: float


@dataclass(slots=True)
class Watch:
    """A view of the demo that keeps a mark at the end of each part."""

    part_s: float
    marks: list[Mark] = field(default_factory=list)
    restarts: int = 0

    def show(self, moment: Moment) -> None:
        """Take a mark whenever one is due."""
        self.restarts = sum(child.restarts for child in moment.children.values())
        if moment.observation is None or moment.elapsed_s < self.part_s * len(self.marks):
            return
        resident = {name: resident_kib(child.pid) for name, child in moment.children.items()}
        self.marks.append(Mark(moment.elapsed_s, moment.observation, resident, steal_ms()))
        print(f"  {moment.elapsed_s / 60:5.1f} min  {resident}", file=sys.stderr, flush=True)


def resident_kib(pid: int) -> int:
    """Return the memory of a process that lies in RAM, in KiB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def lost_cycles(first: Observation, last: Observation) -> int:
    """Return how many releases between two looks have neither a scan nor a skip on record."""
    (task,) = last.tasks
    releases = round((last.release_ns - first.release_ns) / task.interval_ns)
    skipped = task.skipped - first.tasks[0].skipped
    return releases - (last.cycle - first.cycle) - skipped


def table(marks: Sequence[Mark]) -> Iterator[str]:
    """Yield a row for each part, in the form of Markdown; times in µs."""
    ranks = " | ".join(f"p{rank:g}" for rank in RANKS)
    yield (
        f"| minutes | scans | overruns | skipped | lateness {ranks} | jitter p50 | p99.9 | "
        "execution p50 | p99.9 | reaction p50 | p99.9 | round trip p50 | p99.9 | "
        "runtime MiB | gateway MiB | steal ms/s |"
    )
    yield "|" + "---|" * (14 + len(RANKS) + 1)
    for before, after in itertools.pairwise(marks):
        yield "| " + " | ".join(_cells(before, after)) + " |"


def _cells(before: Mark, after: Mark) -> Iterator[str]:
    (then,), (now,) = before.observation.tasks, after.observation.tasks
    (link_then,), (link_now,) = before.observation.links, after.observation.links
    yield f"{before.elapsed_s / 60:.0f}–{after.elapsed_s / 60:.0f}"
    yield str(now.scans - then.scans)
    yield str(now.overruns - then.overruns)
    yield str(now.skipped - then.skipped)
    yield from _percentiles(now.lateness.since(then.lateness), RANKS)
    for name in ("jitter", "execution", "reaction"):
        times = getattr(now, name).since(getattr(then, name))
        yield from _percentiles(times, (50.0, 99.9))
    yield from _percentiles(link_now.round_trip.since(link_then.round_trip), (50.0, 99.9))
    yield f"{after.resident_kib['runtime'] / 1024:.1f}"
    yield f"{after.resident_kib['gateway'] / 1024:.1f}"
    yield f"{(after.stolen_ms - before.stolen_ms) / (after.elapsed_s - before.elapsed_s):.1f}"


def _percentiles(histogram: HistogramCopy, ranks: Sequence[float]) -> Iterator[str]:
    yield from (f"{histogram.percentile(rank) / 1000:.1f}" for rank in ranks)


def judge(marks: Sequence[Mark], restarts: int) -> dict[str, bool]:
    """Return each goal and whether it holds."""
    first, last = marks[0].observation, marks[-1].observation
    lost = lost_cycles(first, last)
    skipped = last.tasks[0].skipped - first.tasks[0].skipped
    goals = {
        f"no release without its scan ({lost} lost)": lost == 0,
        f"no release skipped ({skipped} skipped)": skipped == 0,
        f"no process restarted ({restarts})": restarts == 0,
    }
    for name, most in GROWTH_KIB_MAX.items():
        grown = marks[-1].resident_kib[name] - marks[1].resident_kib[name]
        goals[f"{name}: {grown} KiB more after the first part, at most {most}"] = grown <= most
    return goals


def peer_line(counts: Counts, overruns: int) -> str:
    """Return what cyclictest met: its wake-ups that were late by an interval are overruns."""
    late = sum(count for lateness, count in counts.items() if lateness > INTERVAL_MS * 1000)
    ranks = ", ".join(f"p{rank:g} {percentile(counts, rank):g}" for rank in RANKS)
    return (
        f"{PEER} beside it: {sum(counts.values())} wake-ups, lateness {ranks} us; "
        f"late by an interval or more: {late} (overruns of the task: {overruns})"
    )


def main() -> None:
    """Run the demo, print the table and the goals; status 1 where one does not hold."""
    parser = argparse.ArgumentParser(description="An hour of control, watched.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the goals there")
    options = parser.parse_args()
    seconds = options.minutes * 60
    watch = Watch(seconds / PARTS)
    with cyclictest(INTERVAL_MS, math.ceil(seconds), PRIORITY, None) as process:
        result = run_demo(DemoOptions(seconds + 1, None, keep_ports=False), watch)
        beside = parsed(process.communicate()[0])
    for line in machine_lines():
        print(line)
    tally = result.tally
    print(f"level held within {tally.calm_mm_max:.1f} mm, {tally.disturbances} disturbances")
    print("\n".join(table(watch.marks)))
    print(peer_line(beside, watch.marks[-1].observation.tasks[0].overruns))
    goals = judge(watch.marks, watch.restarts)
    for goal, holds in goals.items():
        print(f"{'holds' if holds else 'FAILS'}: {goal}")
    if options.json is not None:
        options.json.write_text(json.dumps(goals, indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if all(goals.values()) and result.exit_status == 0 else 1)


if __name__ == "__main__":
    main()
