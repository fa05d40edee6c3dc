"""Watch every running project of this user: one monitor an image, as images come and go."""

import re
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Final

from runtime.app.monitor import Monitor, Observation
from runtime.image.segment import image_paths
from runtime.image.statistics import TASK_TIMES, HistogramCopy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_NUMBERS: Final = re.compile(r"([0-9]+)")


@dataclass(frozen=True, slots=True)
class PlcReport:
    """A running project in one line: its tasks added up."""

    seen: Observation
    scans: int
    overruns: int
    skipped: int
    lateness: HistogramCopy
    jitter: HistogramCopy
    execution: HistogramCopy
    reaction: HistogramCopy


@dataclass(frozen=True, slots=True)
class Look:
    """All running projects at one moment."""

    plcs: tuple[PlcReport, ...]
    """In the order of their names; instance 2 stands before instance 10."""
    waiting: int
    """Images whose runtime has not scanned yet, or that are of another version of Takt."""


class Watch:
    """Reads all images whenever asked."""

    def __init__(self, clock_ns: "Callable[[], int]") -> None:
        """Watch with CLOCK_MONOTONIC as the clock."""
        self._clock_ns = clock_ns
        self._monitors: dict[Path, Monitor] = {}

    def look(self) -> Look:
        """Return what there is at present."""
        paths = sorted(image_paths(), key=_natural)
        for gone in self._monitors.keys() - set(paths):
            self._monitors.pop(gone).close()
        for path in paths:
            self._monitors.setdefault(path, Monitor(path, (), self._clock_ns))
        seen = [self._monitors[path].observe() for path in paths]
        found = tuple(plc_report(item) for item in seen if item is not None)
        return Look(found, len(seen) - len(found))

    def close(self) -> None:
        """Release all images."""
        while self._monitors:
            self._monitors.popitem()[1].close()


def _natural(path: "Path") -> list[tuple[int, str]]:
    """Return a key that sorts numbers within names by their value."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.split(path.stem)]


def plc_report(seen: Observation) -> PlcReport:
    """Add up the tasks of a project, of which there is one at least."""
    return PlcReport(
        seen,
        sum(task.scans for task in seen.tasks),
        sum(task.overruns for task in seen.tasks),
        sum(task.skipped for task in seen.tasks),
        *(reduce(add, (getattr(task, name) for task in seen.tasks)) for name in TASK_TIMES),
    )
