"""From scans to reports: every publishing rule looks at every scan. Pure.

A rule over plain values (all of them, or those that changed) works on whole columns of bytes; the
others go variable by variable (`gateway.flow.tracks`). A variable follows the first rule that names
it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from gateway.flow.gather import Bytes, Column, Gather
from gateway.flow.quality import InputQualities
from gateway.flow.reports import Report, Stamp
from gateway.flow.scans import ScanFrame
from gateway.flow.tracks import Noted, Track, TrackRule
from gateway.flow.variables import Variable, select, select_by_section
from runtime.image.directory import Directory
from runtime.project.uplinks import PublishSection

if TYPE_CHECKING:
    from runtime.datatypes.values import Json


class Rule(Protocol):
    """A publishing rule at work."""

    def take(self, frame: ScanFrame, stamp: Stamp) -> Iterator[Noted]:
        """Yield what a scan has to report."""

    def finish(self) -> Iterator[Noted]:
        """Yield what was still held back."""


class ColumnRule:
    """All values of every scan, or those whose value or quality changed: whole columns at once."""

    def __init__(
        self, variables: Sequence[Variable], inputs: InputQualities, *, changes_only: bool
    ) -> None:
        """Take variables whose `code` is not empty."""
        self._gather = Gather(variables)
        self._inputs = [
            inputs.numbers(variables[number] for number in column.numbers)
            for column in self._gather.columns
        ]
        self._changes_only = changes_only
        self._before: list[tuple[Bytes, Bytes]] = []

    def take(self, frame: ScanFrame, stamp: Stamp) -> Iterator[Noted]:
        """Yield the values of a scan, one note a column."""
        before, self._before = self._before, []
        for number, (column, raw) in enumerate(self._gather.read(frame.state)):
            quality = self._inputs[number].of(frame)
            self._before.append((raw, quality))
            if not (self._changes_only and before):
                yield _noted(stamp, column, column.paths, raw, quality)
                continue
            changed = _changed(before[number], raw, quality)
            if len(changed):
                paths = [column.paths[index] for index in changed.tolist()]
                yield _noted(stamp, column, paths, raw[changed], quality[changed])

    def finish(self) -> Iterator[Noted]:
        """Yield nothing: every value was reported in its own scan."""
        return iter(())


def _changed(before: tuple[Bytes, Bytes], raw: Bytes, quality: Bytes) -> npt.NDArray[np.intp]:
    return np.flatnonzero((raw != before[0]).any(axis=1) | (quality != before[1]))


def _noted(stamp: Stamp, column: Column, paths: Sequence[str], raw: Bytes, quality: Bytes) -> Noted:
    values = dict(zip(paths, column.values(raw), strict=True))
    not_good = {paths[index]: int(quality[index]) for index in np.flatnonzero(quality).tolist()}
    return Noted(stamp, values, not_good)


class Sampler:
    """Applies all publishing rules of a project to the scans of one image."""

    def __init__(
        self,
        directory: Directory,
        sections: Sequence[PublishSection],
        clock: Callable[[], int],
    ) -> None:
        """Find the variables.

        Args:
            directory: Of the image whose scans will come.
            sections: The rules, in the order of the file.
            clock: CLOCK_MONOTONIC in ns.
        """
        self._tasks = tuple(task.name for task in directory.tasks)
        self._clock = clock
        inputs = InputQualities(directory)
        self.unmatched: list[str] = []
        """Patterns of rules that name no variable, for the user to hear of."""
        self.variables = 0
        self._rules: list[tuple[str | None, Rule]] = []
        for section, found in select_by_section(directory.symbols, sections):
            self.variables += len(found)
            if not found:
                self.unmatched.append(", ".join(section.variables))
            trigger = _trigger(directory, section)
            if section.trigger is not None and trigger is None:
                self.unmatched.append(section.trigger)
            rules = _rules_of(section, found, inputs, trigger)
            self._rules += [(section.task, rule) for rule in rules]

    def take(self, frame: ScanFrame, taken_ns: int, wall_offset_ns: int) -> list[Report]:
        """Return what a scan has to report, oldest scan first; its own samples are one report.

        Args:
            frame: The scan.
            taken_ns: CLOCK_MONOTONIC when it was read.
            wall_offset_ns: What to add to CLOCK_MONOTONIC for the time since 1970.
        """
        task = self._tasks[frame.task]
        stamp = Stamp(task, frame.cycle, frame.end_ns + wall_offset_ns, frame.end_ns, taken_ns)
        notes = [
            note
            for only, rule in self._rules
            if only is None or only == task
            for note in rule.take(frame, stamp)
        ]
        return self._reports(notes)

    def finish(self) -> list[Report]:
        """Return what the filters still hold back, when no further scan will come."""
        return self._reports(note for _, rule in self._rules for note in rule.finish())

    def _reports(self, notes: Iterable[Noted]) -> list[Report]:
        by_stamp: dict[Stamp, tuple[dict[str, Json], dict[str, int]]] = {}
        for note in notes:
            values, qualities = by_stamp.setdefault(note.stamp, ({}, {}))
            values.update(note.values)
            qualities.update(note.qualities)
        if not by_stamp:
            return []
        now_ns = self._clock()
        ordered = sorted(by_stamp.items(), key=lambda item: item[0].end_ns)
        return [Report(stamp, now_ns, values, qualities) for stamp, (values, qualities) in ordered]


def _trigger(directory: Directory, section: PublishSection) -> Variable | None:
    """Return the BOOL whose rising edge an event rule waits for."""
    if section.trigger is None:
        return None
    found = select(directory.symbols, [section.trigger])
    return next((item for item in found if item.is_bool), None)


def _rules_of(
    section: PublishSection,
    variables: Sequence[Variable],
    inputs: InputQualities,
    trigger: Variable | None,
) -> Iterator[Rule]:
    """Yield the rules that a section makes: of columns where it can be, else of single tracks."""
    by_column = [item for item in variables if item.code and _is_plain(section)]
    singly = [item for item in variables if not (item.code and _is_plain(section))]
    if by_column:
        yield ColumnRule(by_column, inputs, changes_only=section.on == "change")
    if singly:
        tracks = [Track(item, inputs.of(item), section) for item in singly]
        yield TrackRule(tracks, section, trigger)


def _is_plain(section: PublishSection) -> bool:
    """Return whether values are reported as they are, in every scan or when they change."""
    scaled = (section.scale, section.offset) != (1.0, 0.0)
    filtered = section.deadband or section.swinging_door or section.at_least_every
    return section.on in {"scan", "change"} and not scaled and not filtered
