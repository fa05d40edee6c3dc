"""Cells: the smallest parts of the state that go from one task to another as a whole.

A number, a string, a union is one cell; arrays and structures are many. In %I, %Q and %M, where
addresses may overlap, cells that share bytes are one, and a byte of which only single bits are
named goes bit by bit.

    x : ARRAY [1..3] OF INT at 96  ->  Cells(96, 2, 3)
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from runtime.artifact.exchange import Cells
from runtime.datatypes.derived import Array, DataType, Structure
from runtime.model.effects import extent
from runtime.model.program import Base, Model, Place

GAP_CELL_MAX = 8
"""Bytes of the cells of a structure's hidden members, as far as their place allows it."""


def flat_cells(offset: int, data_type: DataType) -> Iterator[Cells]:
    """Yield the cells of a variable in the order of their places."""
    if isinstance(data_type, Array):
        yield from _array_cells(offset, data_type)
    elif isinstance(data_type, Structure) and not data_type.is_union:
        end = offset
        for item in sorted(data_type.fields, key=lambda field: field.offset):
            yield from _gap(end, offset + item.offset)
            yield from flat_cells(offset + item.offset, item.type)
            end = max(end, offset + item.offset + item.type.size)
        yield from _gap(end, offset + data_type.size)
    elif data_type.size:
        yield Cells(offset, data_type.size, 1)


def _array_cells(offset: int, array: Array) -> Iterator[Cells]:
    size = array.element.size
    if not isinstance(array.element, Array | Structure):
        yield Cells(offset, size, array.count)
        return
    for number in range(array.count):
        yield from flat_cells(offset + number * size, array.element)


def _gap(start: int, end: int) -> Iterator[Cells]:
    """Yield cells for what has no name: hidden members stand at multiples of their size."""
    while start < end:
        size = GAP_CELL_MAX
        while start % size or start + size > end:
            size //= 2
        yield Cells(start, size, 1)
        start += size


def joined(cells: Iterable[Cells]) -> Iterator[Cells]:
    """Yield cells with neighbours of one size in one row."""
    held: Cells | None = None
    for item in cells:
        if held is not None and item.cell == held.cell and item.offset == held.offset + held.size:
            held = Cells(held.offset, held.cell, held.count + item.count)
            continue
        if held is not None:
            yield held
        held = item
    if held is not None:
        yield held


class CellMap:
    """All cells of a model's state."""

    def __init__(self, model: Model, places: Iterable[Place]) -> None:
        """Gather them from the variables and from the places that the code names."""
        self._areas = [(start, start + size) for start, size in _areas(model)]
        named = [item.place for item in model.variables]
        located = [place for place in (*named, *places) if self._in_area(place)]
        rows = list(_area_cells(located))
        for place in named:
            if not self._in_area(place) and place.base is Base.STATE:
                rows += joined(flat_cells(place.offset, place.type))
        self._rows = sorted(rows, key=lambda item: item.offset)
        self._starts = [item.offset for item in self._rows]

    def _in_area(self, place: Place) -> bool:
        return place.base is Base.STATE and any(
            start <= place.offset < end for start, end in self._areas
        )

    def widened(self, start: int, end: int) -> tuple[int, int]:
        """Return the interval with the cells at its ends whole."""
        first, last = self._row_at(start), self._row_at(end - 1)
        if first is not None and first.cell > 1:
            start -= (start - first.offset) % first.cell
        if last is not None and last.cell > 1:
            end += -(end - last.offset) % last.cell
        return start, end

    def _row_at(self, offset: int) -> Cells | None:
        at = bisect_right(self._starts, offset) - 1
        row = self._rows[at] if at >= 0 else None
        return row if row is not None and offset < row.offset + row.size else None

    def between(self, start: int, end: int) -> Iterator[Cells]:
        """Yield the cells of a widened interval; what no variable covers is made of gaps."""
        at = max(bisect_right(self._starts, start) - 1, 0)
        for row in self._rows[at : bisect_left(self._starts, end)]:
            if row.offset + row.size <= start:
                continue
            yield from _gap(start, row.offset)
            size = max(row.cell, 1)
            begin = max(start, row.offset)
            stop = min(end, row.offset + row.size)
            if begin < stop:
                yield Cells(begin, row.cell, (stop - begin) // size)
            start = max(start, stop)
        yield from _gap(start, end)


def _areas(model: Model) -> tuple[tuple[int, int], ...]:
    return model.inputs, model.outputs, model.memory


def _area_cells(places: Iterable[Place]) -> Iterator[Cells]:
    """Yield the cells of located variables: those that share bytes are one."""
    bits: set[int] = set()
    spans: list[tuple[int, int]] = []
    for place in places:
        if place.bit >= 0 or (isinstance(place.type, Array) and place.type.is_packed):
            bits.update(range(*extent(place)))
            continue
        for row in flat_cells(place.offset, place.type):
            spans += [
                (row.offset + n * row.cell, row.offset + (n + 1) * row.cell)
                for n in range(row.count)
            ]
    whole: list[tuple[int, int]] = []
    for start, end in sorted(set(spans)):
        if whole and start < whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((start, end))
    covered = {byte for start, end in whole for byte in range(start, end)}
    cells = [Cells(start, end - start, 1) for start, end in whole]
    cells += [Cells(byte, 0, 1) for byte in bits - covered]
    yield from joined(sorted(cells, key=lambda item: item.offset))
