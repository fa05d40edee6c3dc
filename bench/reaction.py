"""How long from a change at a Modbus TCP device, through ST logic, to the output at the device?

Runtime and gateway are processes as in a plant; the device is a process that takes the time of what
it is asked; poll = cycle = 1, 5, 10 ms. Hops: change -> read by a poll -> release of the scan that
takes it -> end of that scan -> write arrives at the device (times of scans from `--record`).
Polls get into step with scans as a turn starts; each turn starts anew. Peer: a pymodbus loop that
polls as often, computes in Python and writes back, in turns; it has no cycle to wait for. Goal: p99
below poll + cycle, the bare sum, and 2 ms.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

from reaction_roles import MASK, Reaction, Turn
from report import Goal, Report, Row, Window, parse_options, percentile

from runtime.engine.entries import Kind
from runtime.engine.record import read_record
from runtime.image.segment import image_path

PERCENTS: Final = (50.0, 99.0, 99.9)
SLACK_MS: Final = 2.0
WARM_UP: Final = 5
"""Changes after a standstill that do not count."""
PATIENCE_S: Final = 120.0
HOPS: Final = ("change -> read", "read -> scan", "scan", "scan end -> write")
RECORD: Final = "reaction.record"
PEER: Final = "pymodbus loop"
PROGRAM: Final = f"""PROGRAM Main
VAR Sensor AT %IW0 : WORD; Actor AT %QW0 : WORD; END_VAR
Actor := Sensor XOR {MASK};
END_PROGRAM
"""
TOML: Final = """[project]
name = "{name}"
[[task]]
name = "Main"
interval = "{cycle}ms"
programs = ["Main"]
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "127.0.0.1"
port = {port}
poll = "{cycle}ms"
[[io]]
address = "%IW0"
device = "plc"
table = "holding"
register = 0
[[io]]
address = "%QW0"
device = "plc"
table = "holding"
register = 1
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A cycle, and how many changes are a quick turn."""

    cycle_ms: int
    quick: int


CASES: Final = (Case(1, 200), Case(5, 100), Case(10, 60))
FULL_ROUNDS: Final = 20
FULL_COUNT: Final = 250


# -- contenders ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody who watches a device of his own."""

    device: subprocess.Popen[bytes]
    port: int
    answers: Callable[[Path, Case, int], AbstractContextManager[None]]
    """Runs what reads and writes the device at a port, with a folder for its files."""

    def turn(self, case: Case, count: int, seed: int) -> list[Reaction]:
        """Change the device's input so many times; return what came of it."""
        spread_ns = 2 * case.cycle_ms * 1_000_000
        self._ask(Turn(WARM_UP, spread_ns, seed, PATIENCE_S))
        return self._ask(Turn(count, spread_ns, seed + 1, PATIENCE_S))

    def _ask(self, turn: Turn) -> list[Reaction]:
        assert self.device.stdin is not None
        self.device.stdin.write(turn.line())
        self.device.stdin.flush()
        return [(value, *times) for value, *times in json.loads(_line(self.device))]


def _line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("the device has ended: not all of its changes were answered")
    return line


@contextlib.contextmanager
def running(command: Sequence[str], log: IO[bytes] | None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python process; one with a log has its output there, else it is piped."""
    process = subprocess.Popen(
        [sys.executable, "-P", *command],
        stdin=subprocess.PIPE,
        stdout=log or subprocess.PIPE,
        stderr=log,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextlib.contextmanager
def device() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a device; yield it and its port."""
    with running([str(_roles()), "device"], None) as process:
        yield process, int(_line(process))


def _roles() -> Path:
    return Path(__file__).with_name("reaction_roles.py")


@contextlib.contextmanager
def takt(folder: Path, case: Case, port: int) -> Iterator[None]:
    """Run a project's runtime and gateway; its record is complete after the block."""
    name = f"bench_reaction_{case.cycle_ms}_{os.getpid()}"
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        stack.callback(image_path(name).with_suffix(".lock").unlink, missing_ok=True)
        (folder / "main.st").write_text(PROGRAM, encoding="utf-8")
        text = TOML.format(name=name, cycle=case.cycle_ms, port=port)
        (folder / "takt.toml").write_text(text, encoding="utf-8")
        log = stack.enter_context((folder / "log").open("wb"))
        runtime = ["-m", "runtime", "runtime", str(folder), "--record", str(folder / RECORD)]
        gateway = ["-m", "gateway", "run", str(folder)]
        for command in (runtime, gateway):
            stack.enter_context(running(command, log))
        yield


@contextlib.contextmanager
def pymodbus(folder: Path, case: Case, port: int) -> Iterator[None]:
    """Run the peer's loop."""
    with (folder / "peer.log").open("wb") as log:
        command = [str(_roles()), "peer", str(port), str(case.cycle_ms / 1000)]
        with running(command, log):
            yield


# -- measurement --------------------------------------------------------------------------------
@dataclass(slots=True)
class Turns:
    """The reactions of a contender's turns, and the window of each."""

    windows: list[Window] = field(default_factory=list)
    reactions: list[list[Reaction]] = field(default_factory=list)

    def totals_ms(self, *, quiet: bool) -> list[float]:
        """Return from change to answer, over all turns."""
        return [
            (answered - changed) / 1e6
            for window, turn in zip(self.windows, self.reactions, strict=True)
            for _, changed, _, answered in turn
            if window.quiet or not quiet
        ]


def measure(report: Report, case: Case, folder: Path, mine: Contender, other: Contender) -> None:
    """Measure a cycle in turns, and add its rows."""
    quick = report.options.quick
    rounds, count = (1, case.quick) if quick else (FULL_ROUNDS, FULL_COUNT)
    ours, theirs = Turns(), Turns()
    hops: list[tuple[float, ...]] = []
    for number in range(rounds):
        place = folder / f"{case.cycle_ms}_{number}"
        for contender, turns in ((mine, ours), (other, theirs)):
            with contender.answers(place, case, contender.port):
                _turn(report, turns, contender, case, count, seed=2 * number)
        hops += hops_ms(ours.reactions[-1], place / RECORD)
    report.notes.append(
        f"{case.cycle_ms} ms, equal: both answered {rounds * count} changes with input XOR {MASK}; "
        f"bare poll + cycle {2 * case.cycle_ms} ms"
    )
    add_totals(report, case, ours, theirs)
    add_hops(report, case, hops)


def _turn(
    report: Report, turns: Turns, contender: Contender, case: Case, count: int, seed: int
) -> None:
    with report.window() as window:
        turns.reactions.append(contender.turn(case, count, seed))
    turns.windows.append(window)


def hops_ms(reactions: Sequence[Reaction], record: Path) -> Iterator[tuple[float, ...]]:
    """Yield the four hops of every reaction, by the scans in a record."""
    scans = scans_of(record)
    for value, changed, read, answered in reactions:
        release, end = scans[value]
        # A mailbox may come between the release of a scan and its take.
        marks = (changed, read, max(release, read), end, answered)
        yield tuple((after - before) / 1e6 for before, after in pairwise(marks))


def scans_of(record: Path) -> dict[int, tuple[int, int]]:
    """Return release and end of the scan that first took each value of the input."""
    found: dict[int, tuple[int, int]] = {}
    fresh, release_ns = 0, 0
    for entry in read_record(record):
        if entry.kind is Kind.TAKE and entry.inputs:
            fresh, release_ns = int.from_bytes(entry.inputs[:2], "little"), entry.time_ns
        elif entry.kind is Kind.COMMIT and fresh:
            found.setdefault(fresh, (release_ns, entry.time_ns))
            fresh = 0
    return found


# -- report -------------------------------------------------------------------------------------
def add_totals(report: Report, case: Case, ours: Turns, theirs: Turns) -> None:
    """Add the rows from change to answer, beside the peer's."""
    for quiet in (False, True):
        where = "quiet" if quiet else "all"
        values, others = ours.totals_ms(quiet=quiet), theirs.totals_ms(quiet=quiet)
        if not (values and others):
            report.notes.append(f"{case.cycle_ms} ms: no {where} windows")
            continue
        for percent in PERCENTS:
            goal = (
                Goal(value_below=2 * case.cycle_ms + SLACK_MS) if percent == PERCENTS[1] else None
            )
            report.rows.append(
                Row(
                    f"{case.cycle_ms} ms p{percent:g}, {where}", "ms", values, PEER, others,
                    goal, quiet, percentile(values, percent), percentile(others, percent),
                )
            )  # fmt: skip


def add_hops(report: Report, case: Case, hops: Sequence[tuple[float, ...]]) -> None:
    """Add the rows of each hop."""
    for name, values in zip(HOPS, zip(*hops, strict=True), strict=True):
        for percent in PERCENTS:
            row = f"{case.cycle_ms} ms {name}, p{percent:g}"
            report.rows.append(Row(row, "ms", values, value=percentile(values, percent)))


def main() -> None:
    """Measure in turns and report."""
    question = "How long from a change at a device to the answer of the program there?"
    report = Report(question, parse_options(question))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, device() as own, device() as peer:
        mine, other = Contender(*own, takt), Contender(*peer, pymodbus)
        for case in CASES:
            measure(report, case, Path(folder), mine, other)
    report.notes.append(f"measured in {time.monotonic() - began:.0f} s")
    report.finish()


if __name__ == "__main__":
    main()
