"""Variables that are followed one by one: filters with a memory, scaling, text, bits. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from gateway.flow.filters import (
    AGGREGATES,
    Door,
    Point,
    Window,
    accumulate,
    leaves_band,
    scale,
    swing,
)
from gateway.flow.quality import quality_at
from gateway.flow.reports import Stamp
from gateway.flow.scans import ScanFrame
from gateway.flow.variables import Variable, real_json, short_real_json
from runtime.datatypes.values import Json
from runtime.image.layout import Quality
from runtime.project.uplinks import PublishSection


class Noted(NamedTuple):
    """Values to report of one scan."""

    stamp: Stamp
    values: dict[str, Json]
    qualities: dict[str, int]
    """Those that are not GOOD."""


class Track:
    """One variable under one rule, and what the filter remembers of it."""

    def __init__(self, variable: Variable, input_number: int, section: PublishSection) -> None:
        """Begin without memory: the first value of a change rule is reported."""
        self.variable = variable
        self.section = section
        self._input_number = input_number
        self._scaled = variable.is_number and (section.scale, section.offset) != (1.0, 0.0)
        self.reported: Json | None = None
        self.reported_quality = -1
        self.reported_ns = -1
        self.door: Door | None = None
        self.window: Window | None = None
        self.held: Stamp | None = None
        """Scan of the newest point in the door or window."""
        self.held_quality = 0

    def quality(self, frame: ScanFrame) -> int:
        """Return the variable's quality in a scan."""
        return quality_at(frame, self._input_number)

    def value(self, frame: ScanFrame) -> Json:
        """Return the variable's value in a scan, in the unit that is reported."""
        value = self.variable.read(frame.state)
        if not self._scaled:
            return value
        return real_json(scale(as_number(value), self.section.scale, self.section.offset))

    def note(self, stamp: Stamp, value: Json, quality: int, suffix: str = "") -> Noted:
        """Return a report of one value."""
        path = self.variable.path + suffix
        return Noted(stamp, {path: value}, {path: quality} if quality != Quality.GOOD else {})

    def note_number(self, stamp: Stamp, value: float, quality: int, suffix: str = "") -> Noted:
        """Return a report of one number that a filter made or kept."""
        if self.variable.code == "f" and not self._scaled and not suffix:
            return self.note(stamp, short_real_json(value), quality)
        whole = self.variable.code not in {"f", "d"} and not self._scaled and value.is_integer()
        return self.note(stamp, int(value) if whole else real_json(value), quality, suffix)


def as_number(value: Json) -> float:
    """Return a number that JSON may hold as text, such as "NaN"."""
    assert isinstance(value, int | float | str)
    return float(value)


def _all(track: Track, frame: ScanFrame, stamp: Stamp) -> Iterator[Noted]:
    """On scan and on event: the value as it is."""
    yield track.note(stamp, track.value(frame), track.quality(frame))


def _change(track: Track, frame: ScanFrame, stamp: Stamp) -> Iterator[Noted]:
    """On change: beyond the deadband, by quality, or by silence."""
    value, quality = track.value(frame), track.quality(frame)
    before, silence_ns = track.reported, track.section.at_least_every
    due = silence_ns is not None and frame.end_ns - track.reported_ns >= silence_ns
    if before is None or quality != track.reported_quality or due:
        changed = True
    elif track.variable.is_number:
        changed = leaves_band(as_number(value), as_number(before), track.section.deadband)
    else:
        changed = value != before
    if changed:
        track.reported, track.reported_quality = value, quality
        track.reported_ns = frame.end_ns
        yield track.note(stamp, value, quality)


def _swing(track: Track, frame: ScanFrame, stamp: Stamp) -> Iterator[Noted]:
    """On change by swinging door: ends of lines, changes of quality, points after silence."""
    deviation, quality = track.section.swinging_door, track.quality(frame)
    assert deviation is not None
    point = Point(as_number(track.value(frame)), frame.end_ns, frame.number)
    before, held = track.door, track.held
    if before is not None and held is not None and quality != track.held_quality:
        if before.last is not before.anchor:
            yield track.note_number(held, before.last.value, track.held_quality)
        before = None
    track.door, reported = swing(before, point, deviation)
    for item in reported:
        of_before = item.number != point.number and held is not None
        track.reported_ns = item.time_ns
        yield track.note_number(held if of_before and held else stamp, item.value, quality)
    silence_ns = track.section.at_least_every
    if silence_ns is not None and frame.end_ns - track.reported_ns >= silence_ns:
        track.door = Door(point, point)
        track.reported_ns = frame.end_ns
        yield track.note_number(stamp, point.value, quality)
    track.held, track.held_quality = stamp, quality


def _interval(track: Track, frame: ScanFrame, stamp: Stamp) -> Iterator[Noted]:
    """On interval: the first value of each, or the aggregates of the one that ended."""
    interval_ns = track.section.interval
    assert interval_ns is not None
    if not (track.section.aggregate and track.variable.is_number):
        number = frame.end_ns // interval_ns
        if number != track.reported_ns:
            track.reported_ns = number
            yield track.note(stamp, track.value(frame), track.quality(frame))
        return
    point = Point(as_number(track.value(frame)), frame.end_ns, frame.number)
    quality, held = track.quality(frame), track.held
    track.window, ended = accumulate(track.window, point, interval_ns)
    if ended is not None and held is not None:
        yield from _aggregates(track, ended, held)
        track.held_quality = quality
    track.held, track.held_quality = stamp, max(quality, track.held_quality)


def _aggregates(track: Track, window: Window, stamp: Stamp) -> Iterator[Noted]:
    for name in track.section.aggregate:
        value = float(AGGREGATES[name](window))
        yield track.note_number(stamp, value, track.held_quality, f"/{name}")


Follow = Callable[[Track, ScanFrame, Stamp], Iterator[Noted]]
_WAYS: Final[dict[str, Follow]] = {
    "scan": _all, "event": _all, "change": _change, "interval": _interval,
}  # fmt: skip


class TrackRule:
    """A rule over variables that are followed one by one."""

    def __init__(
        self, tracks: Sequence[Track], section: PublishSection, trigger: Variable | None
    ) -> None:
        """Take the variables; an event rule without a trigger never reports."""
        self._tracks = tracks
        self._on_event = section.on == "event"
        self._trigger = trigger
        self._level = True
        self._ways = [_way(track) for track in tracks]

    def take(self, frame: ScanFrame, stamp: Stamp) -> Iterator[Noted]:
        """Yield what a scan has to report."""
        if self._on_event and not self._rises(frame):
            return
        for track, way in zip(self._tracks, self._ways, strict=True):
            yield from way(track, frame, stamp)

    def finish(self) -> Iterator[Noted]:
        """Yield the ends of lines and the intervals that the filters still hold back."""
        for track in self._tracks:
            if track.held is None:
                continue
            if track.door is not None and track.door.last is not track.door.anchor:
                yield track.note_number(track.held, track.door.last.value, track.held_quality)
            if track.window is not None:
                yield from _aggregates(track, track.window, track.held)
            track.door = track.window = None

    def _rises(self, frame: ScanFrame) -> bool:
        if self._trigger is None:
            return False
        before, self._level = self._level, bool(self._trigger.read(frame.state))
        return self._level and not before


def _way(track: Track) -> Follow:
    if track.section.swinging_door is not None and track.variable.is_number:
        return _swing
    return _WAYS[track.section.on]
