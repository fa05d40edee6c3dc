"""What every benchmark shares: options, host steal, the table, the rows as JSON, the goals.

    python bench/NAME.py [--json FILE] [--quick]

A row compares the project with a peer that was measured in the same run, in turns (A B A B). The
machines that this runs on lose processor time to their host at times, so each turn is watched by a
`Window`, and a window without such loss is called quiet.
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    json: Path | None
    quick: bool


@dataclass(slots=True)
class Window:
    """One turn of a measurement: its length and what the host took meanwhile."""

    seconds: float = 0.0
    steal_ms_per_s: float = 0.0

    @property
    def quiet(self) -> bool:
        """Whether the host left the machine alone, as far as ticks of 10 ms tell."""
        return self.steal_ms_per_s == 0


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row is to reach: bounds on its value, or on its ratio to the peer."""

    value_below: float | None = None
    ratio_at_most: float | None = None
    ratio_at_least: float | None = None
    value_at_least: float | None = None

    def __str__(self) -> str:
        """Return the goal as the table shows it."""
        value = f"< {self.value_below:g}" if self.value_below is not None else ""
        ratio = f"ratio <= {self.ratio_at_most:g}" if self.ratio_at_most is not None else ""
        least = f"ratio >= {self.ratio_at_least:g}" if self.ratio_at_least is not None else ""
        floor = f">= {self.value_at_least:g}" if self.value_at_least is not None else ""
        return ", ".join(part for part in (value, floor, ratio, least) if part)

    def holds(self, value: float, ratio: float | None) -> bool:
        """Return whether a result reaches it."""
        value_holds = self.value_below is None or value < self.value_below
        floor_holds = self.value_at_least is None or value >= self.value_at_least
        ratio_holds = self.ratio_at_most is None or (
            ratio is not None and ratio <= self.ratio_at_most
        )
        least_holds = self.ratio_at_least is None or (
            ratio is not None and ratio >= self.ratio_at_least
        )
        return value_holds and floor_holds and ratio_holds and least_holds


@dataclass(frozen=True, slots=True)
class Row:
    """One result: the values of the turns, and the peer's."""

    name: str
    unit: str
    values: Sequence[float]
    peer: str = ""
    peer_values: Sequence[float] = ()
    goal: Goal | None = None
    quiet: bool = False
    """Whether only quiet windows went into it."""
    value: float | None = None
    """The result where it is not the median of the turns, such as a percentile over all."""
    peer_value: float | None = None

    def as_json(self) -> dict[str, object]:
        """Return the row as the `--json` file holds it."""
        value = self.value if self.value is not None else statistics.median(self.values)
        peer_value = self.peer_value
        if peer_value is None and self.peer_values:
            peer_value = statistics.median(self.peer_values)
        ratio = value / peer_value if peer_value else None
        return {
            "name": self.name,
            "value": value,
            "unit": self.unit,
            "peer": self.peer or None,
            "peer_value": peer_value,
            "ratio": ratio,
            "goal": str(self.goal) if self.goal else None,
            "holds": self.goal.holds(value, ratio) if self.goal else None,
            "quiet": self.quiet,
        }


def geometric_mean(rows: Sequence[Row], peer: str, ratio_at_most: float) -> Row:
    """Return the geometric mean over rows that have a peer, ours and theirs."""
    results = [row.as_json() for row in rows]
    ours, theirs = (
        statistics.geometric_mean([float(str(item[key])) for item in results])
        for key in ("value", "peer_value")
    )
    return Row(
        name="geometric mean",
        unit=rows[0].unit,
        values=[ours],
        peer=peer,
        peer_values=[theirs],
        goal=Goal(ratio_at_most=ratio_at_most),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@dataclass(slots=True)
class Report:
    """Gathers windows and rows; `finish` prints and writes them."""

    question: str
    options: Options
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)

    @contextlib.contextmanager
    def window(self) -> Iterator[Window]:
        """Watch the host during one turn; the window is complete after the block."""
        window = Window()
        self.windows.append(window)
        began, stolen = time.monotonic(), steal_ms()
        try:
            yield window
        finally:
            window.seconds = time.monotonic() - began
            window.steal_ms_per_s = (steal_ms() - stolen) / max(window.seconds, 1e-9)

    def finish(self) -> None:
        """Print the machine, the notes and the table; write the JSON file."""
        print(self.question)
        for line in (*machine_lines(), *self.notes, self._steal_line()):
            print(f"  {line}")
        print()
        head = ("", "value", "median", "p5", "p95", "unit", "peer", "ratio", "goal", "holds")
        _print_table([head, *(_cells(row) for row in self.rows)])
        if self.options.json is not None:
            content = json.dumps([row.as_json() for row in self.rows], indent=1)
            self.options.json.write_text(content + "\n", encoding="utf-8")

    def _steal_line(self) -> str:
        if not self.windows:
            return "host steal: not watched"
        steals = [window.steal_ms_per_s for window in self.windows]
        quiet = sum(window.quiet for window in self.windows)
        return (
            f"host steal: median {statistics.median(steals):.1f}, worst {max(steals):.1f} ms/s; "
            f"{quiet} of {len(steals)} windows quiet (none)"
        )


def parse_options(question: str, own: argparse.ArgumentParser | None = None) -> Options:
    """Return the options of the command line; `own` has those of one benchmark alone."""
    parser = argparse.ArgumentParser(description=question, parents=[own] if own else [])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, rougher")
    arguments = parser.parse_args()
    return Options(arguments.json, arguments.quick)


def _cells(row: Row) -> tuple[str, ...]:
    result = row.as_json()
    peer = f"{row.peer} {_number(result['peer_value'])}" if row.peer else "-"
    holds = ("yes" if result["holds"] else "NO") if row.goal else "-"
    return (
        row.name,
        _number(result["value"]),
        _number(statistics.median(row.values)),
        _number(percentile(row.values, 5)),
        _number(percentile(row.values, 95)),
        row.unit,
        peer,
        _number(result["ratio"]),
        str(row.goal or "-"),
        holds,
    )


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float | int) else "-"


def _print_table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join(cells).rstrip())


def steal_ms() -> float:
    """Return the time that the host took from all processors since the start."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    return int(fields[8]) * 1000 / os.sysconf("SC_CLK_TCK")


def machine_lines() -> Iterator[str]:
    """Yield what a reader must know of the machine, a line each."""
    cpus = os.cpu_count()
    yield f"machine: {_cpu_model()}, {cpus} processors, Linux {platform.release()}"
    governor = _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    yield f"governor: {governor}; preemption: {_preemption()}"
    share = _first_line("/proc/sys/kernel/sched_rt_runtime_us")
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    yield f"real time: runtime {share} us/s, rtprio limit {limit}, user {os.getuid()}"
    yield "load: {:.2f} {:.2f} {:.2f}".format(*os.getloadavg())


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _preemption() -> str:
    return "PREEMPT_RT" if _first_line("/sys/kernel/realtime") == "1" else platform.version()


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").split("\n", 1)[0]
    except OSError:
        return "not told"
