"""Who exchanges what: from the effects of the tasks to the takes and commits of each.

writers of a byte    its writers commit     its readers take
none                 -                      when a command has changed it
one task             it whole               when that task has committed
several, or inputs   cells that changed     always; the writers too
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from runtime.artifact.exchange import NOBODY, SEVERAL, Cells, Exchange, Owned, Take
from runtime.model.cells import CellMap, joined
from runtime.model.effects import Effects, Interval, task_effects
from runtime.model.program import Model

PADDING_MAX = 7
"""Bytes between two variables that hold no third one: variables stand at multiples of 8."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """Bytes that the same tasks read and write, as sets of bits."""

    start: int
    end: int
    readers: int
    writers: int


def exchanges(model: Model) -> tuple[Exchange, ...]:
    """Return the borders of each task of a model; a single one has none."""
    count = len(model.tasks)
    if count < 2:  # noqa: PLR2004
        return (Exchange(),) * count
    effects = task_effects(model)
    cells = CellMap(model, [place for item in effects for place in item.located])
    segments = list(_segments(effects, cells, model.inputs))
    return tuple(_exchange(number, segments, cells, count) for number in range(count))


def _segments(
    effects: tuple[Effects, ...], cells: CellMap, inputs: tuple[int, int]
) -> Iterator[_Segment]:
    """Yield the state cut where the set of readers or writers changes, in order."""
    inputs_writer = 1 << len(effects)
    events: dict[int, list[tuple[int, int, int]]] = {}

    def mark(intervals: Iterable[Interval], *, reader: int, writer: int) -> None:
        for start, end in _merged(cells.widened(*item) for item in intervals if item[0] < item[1]):
            events.setdefault(start, []).append((1, reader, writer))
            events.setdefault(end, []).append((-1, reader, writer))

    for number, item in enumerate(effects):
        mark(item.reads, reader=1 << number, writer=0)
        mark(item.writes, reader=0, writer=1 << number)
    if inputs[1]:
        mark([(inputs[0], sum(inputs))], reader=0, writer=inputs_writer)
    readers = writers = 0
    for start, end in pairwise(sorted(events)):
        for step, reader, writer in events[start]:  # each bit is set by one interval at a time
            readers += step * reader
            writers += step * writer
        if readers | writers:
            yield _Segment(start, end, readers, writers)


def _merged(intervals: Iterable[Interval], gap: int = 0) -> Iterator[Interval]:
    held: Interval | None = None
    for start, end in sorted(intervals):
        if held is not None and start <= held[1] + gap:
            held = (held[0], max(held[1], end))
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def _exchange(number: int, segments: list[_Segment], cells: CellMap, tasks: int) -> Exchange:
    own = 1 << number
    takes: list[Take] = []
    owned: list[Owned] = []
    shared: list[Cells] = []
    for part in segments:
        if part.writers == own:
            owned.append(Owned(part.start, part.end - part.start))
        elif part.writers & own:
            shared += cells.between(part.start, part.end)
        elif part.readers & own:
            owner = _owner(part.writers, tasks)
            takes.append(Take(part.start, part.end - part.start, owner))
    return Exchange(tuple(_closed_takes(takes)), tuple(_closed_owned(owned)), tuple(joined(shared)))


def _owner(writers: int, tasks: int) -> int:
    if not writers:
        return NOBODY
    several = writers & (writers - 1) or writers >> tasks
    return SEVERAL if several else writers.bit_length() - 1


def _closed_takes(takes: list[Take]) -> Iterator[Take]:
    for owner, group in groupby(takes, key=lambda item: item.owner):
        for start, end in _closed((item.offset, item.offset + item.size) for item in group):
            yield Take(start, end - start, owner)


def _closed_owned(owned: list[Owned]) -> Iterator[Owned]:
    for start, end in _closed((item.offset, item.offset + item.size) for item in owned):
        yield Owned(start, end - start)


def _closed(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Join neighbours with nothing but padding between them: no variable fits into that."""
    return _merged(intervals, gap=PADDING_MAX)
