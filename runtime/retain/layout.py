"""The values that are kept, packed: what stands where, and the way from the state and back.

    state    .. | MAIN.A | not kept | MAIN.B.X | not kept | MAIN.B.Y | ..
    packed      | MAIN.A | MAIN.B.X | MAIN.B.Y |

Packed values are described by the same types with other offsets, so that a file tells by itself
what is in it. Gaps of less than `PADDING_BYTES` come along: then a struct with padding, or a
thousand globals, are one copy. They are never written back.
"""

import hashlib
import json
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from runtime.artifact.program import Retained, decode_type, encode_type
from runtime.datatypes.derived import Array, DataType, Field, OpenArray, Structure
from runtime.datatypes.values import Buffer, Json, read_json

Offsets = npt.NDArray[np.int64]
PADDING_BYTES: Final = 8
WINDOW_GAP_BYTES: Final = 4096
"""Bytes between kept variables that are read along: a page."""
SCATTERED_SPANS: Final = 256
"""From so many copies on numpy makes them: a loop takes 1 µs for each."""
HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One kept variable: its path in upper case, its place and type among the packed values."""

    path: str
    offset: int
    type: DataType
    persistent: bool

    def read(self, values: Buffer) -> Json:
        """Return its value as JSON holds it."""
        return read_json(values, self.offset, self.type)


@dataclass(frozen=True, slots=True)
class Layout:
    """What packed values hold."""

    entries: tuple[Entry, ...]
    size: int

    def encode(self) -> bytes:
        """Return the layout as a file holds it; equal layouts give equal bytes."""
        rows = [
            [item.path, item.offset, encode_type(item.type), item.persistent]
            for item in self.entries
        ]
        return zlib.compress(json.dumps({"size": self.size, "entries": rows}).encode(), 1)

    @property
    def hash(self) -> bytes:
        """What tells one layout from another."""
        return hashlib.blake2b(self.encode(), digest_size=HASH_BYTES).digest()


def decode_layout(encoded: bytes) -> Layout:
    """Return the layout that `Layout.encode` wrote.

    Raises:
        ValueError: The bytes are none.
    """
    try:
        content: dict[str, Any] = json.loads(zlib.decompress(encoded))
        entries = tuple(
            Entry(path, offset, decode_type(data_type), persistent)
            for path, offset, data_type, persistent in content["entries"]
        )
        return Layout(entries, content["size"])
    except (zlib.error, KeyError, TypeError) as error:
        raise ValueError(f"no layout: {error}") from None


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that stand together in the state and among the packed values."""

    state: int
    packed: int
    size: int


@dataclass(frozen=True, slots=True)
class Scattered:
    """For each byte that is copied where it comes from and where it goes."""

    state: Offsets
    packed: Offsets


def scattered(spans: Sequence[Span]) -> Scattered | None:
    """Return spans byte by byte, or None where there are few."""
    if len(spans) < SCATTERED_SPANS:
        return None
    rows = np.array([(item.state, item.packed, item.size) for item in spans], np.int64)
    sizes = rows[:, 2]
    within = np.arange(sizes.sum()) - np.repeat(sizes.cumsum() - sizes, sizes)
    return Scattered(np.repeat(rows[:, 0], sizes) + within, np.repeat(rows[:, 1], sizes) + within)


@dataclass(frozen=True, slots=True)
class Packing:
    """The way from the state to packed values and back."""

    layout: Layout
    copied: tuple[Span, ...]
    """What is copied out of the state: without gaps among the packed values but for their ends."""
    exact: tuple[Span, ...]
    """The values and nothing between them: what is written back."""
    bits: tuple[tuple[int, int, int], ...]
    """Located bits, single or in arrays: offset in the state, bit number, offset of the byte that
    each is packed as."""
    scattered: "Scattered | None"
    """What `copied` says, byte by byte, where it is too much for a loop in Python."""

    def pack(self, state: Buffer) -> bytes:
        """Return the kept values of a state."""
        view = memoryview(state)
        if len(self.copied) == 1 and self.copied[0].size == self.layout.size:
            return bytes(view[self.copied[0].state : self.copied[0].state + self.layout.size])
        values = bytearray(self.layout.size)
        if self.scattered is not None:
            source, target = np.frombuffer(view, np.uint8), np.frombuffer(values, np.uint8)
            target[self.scattered.packed] = source[self.scattered.state]
        else:
            for span in self.copied:
                start, end = span.state, span.state + span.size
                values[span.packed : span.packed + span.size] = view[start:end]
        for at, bit, packed in self.bits:
            values[packed] = view[at] >> bit & 1
        return bytes(values)

    def unpack(self, values: Buffer, state: bytearray) -> None:
        """Write kept values to a state; nothing else in it changes."""
        for span in self.exact:
            part = values[span.packed : span.packed + span.size]
            state[span.state : span.state + span.size] = part
        for at, bit, packed in self.bits:
            state[at] = state[at] & ~(1 << bit) | values[packed] << bit


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the state that is read as a whole."""

    start: int
    end: int


def windows(packing: Packing) -> tuple[Window, ...]:
    """Return the few parts of the state in which all kept variables lie."""
    places = [(item.state, item.state + item.size) for item in packing.copied]
    places += [(at, at + 1) for at, _, _ in packing.bits]
    found: list[Window] = []
    for start, end in sorted(places):
        if found and start - found[-1].end < WINDOW_GAP_BYTES:
            found[-1] = Window(found[-1].start, max(found[-1].end, end))
        else:
            found.append(Window(start, end))
    return tuple(found)


def through(packing: Packing, seen: tuple[Window, ...], base: int) -> Packing:
    """Return the packing for windows that were put together from an offset on."""
    starts = [item.start for item in seen]
    moved, at = [], base
    for item in seen:
        moved.append(at - item.start)
        at += item.end - item.start

    def place(offset: int) -> int:
        return offset + moved[bisect_right(starts, offset) - 1]

    copied = tuple(Span(place(item.state), item.packed, item.size) for item in packing.copied)
    bits = tuple((place(at), bit, packed) for at, bit, packed in packing.bits)
    return Packing(packing.layout, copied, (), bits, scattered(copied))


def packing_of(retained: Sequence[Retained]) -> Packing:
    """Return how the kept variables of a program are packed, `CompiledProgram.retained`."""
    entries: list[Entry] = []
    exact: list[Span] = []
    bits: list[tuple[int, int, int]] = []
    end = state_end = 0
    for item in retained:
        symbol = item.symbol
        gap = symbol.offset - state_end
        if entries and 0 <= gap < PADDING_BYTES:
            end += gap
        packed = packed_type(symbol.type)
        entries.append(_entry(item, end, packed))
        if symbol.bit >= 0:
            bits.append((symbol.offset, symbol.bit, end))
        elif isinstance(symbol.type, Array) and symbol.type.is_packed:
            places = map(symbol.type.bit_place, range(symbol.type.count))
            bits += [(symbol.offset + at, bit, end + n) for n, (at, bit) in enumerate(places)]
        else:
            exact += _spans(symbol.type, packed, symbol.offset, end)
        end += packed.size
        state_end = symbol.offset + symbol.type.size
    copied = tuple(_joined(iter(exact), PADDING_BYTES - 1))
    layout = Layout(tuple(entries), end)
    return Packing(layout, copied, tuple(_joined(iter(exact), 0)), tuple(bits), scattered(copied))


def _entry(item: Retained, offset: int, packed: DataType) -> Entry:
    return Entry(item.symbol.path, offset, packed, item.persistent)


def packed_type(data_type: DataType) -> DataType:
    """Return a type without the gaps that its members that are not kept leave."""
    if isinstance(data_type, Array):
        return Array(data_type.bounds, packed_type(data_type.element))
    if not isinstance(data_type, Structure) or data_type.is_union:
        return data_type
    fields, end, state_end = [], 0, 0
    for field in data_type.fields:
        gap = field.offset - state_end
        end += gap if gap < PADDING_BYTES else 0
        inner = packed_type(field.type)
        fields.append(Field(field.name, end, inner))
        end += inner.size
        state_end = field.offset + field.type.size
    gap = data_type.size - state_end
    end += gap if gap < PADDING_BYTES else 0
    return Structure(data_type.name, tuple(fields), end, 1)


def _spans(data_type: DataType, packed: DataType, state: int, at: int) -> Iterator[Span]:
    """Yield where the values of a type stand, neighbours in both joined."""
    yield from _joined(_pieces(data_type, packed, state, at), slack=0)


def _pieces(data_type: DataType, packed: DataType, state: int, at: int) -> Iterator[Span]:
    if isinstance(data_type, Array) and not _is_solid(data_type.element):
        assert isinstance(packed, Array)
        element = list(_spans(data_type.element, packed.element, state, at))
        for number in range(data_type.count):
            further, packed_further = number * data_type.element.size, number * packed.element.size
            for item in element:
                yield Span(item.state + further, item.packed + packed_further, item.size)
    elif isinstance(data_type, Structure) and not data_type.is_union:
        assert isinstance(packed, Structure)
        for field, inner in zip(data_type.fields, packed.fields, strict=True):
            yield from _pieces(field.type, inner.type, state + field.offset, at + inner.offset)
    else:
        yield Span(state, at, data_type.size)


def _is_solid(data_type: DataType) -> bool:
    """Whether all bytes of a type are values."""
    if isinstance(data_type, Array):
        return _is_solid(data_type.element)
    return data_type.is_union if isinstance(data_type, Structure) else True


def _join(first: Span, second: Span, slack: int) -> Span | None:
    """Return two spans as one where the same gap, at most `slack`, lies between them in both."""
    gap = second.state - first.state - first.size
    if gap != second.packed - first.packed - first.size or not 0 <= gap <= slack:
        return None
    return Span(first.state, first.packed, first.size + gap + second.size)


def _joined(spans: Iterator[Span], slack: int) -> Iterator[Span]:
    """Yield as few spans as there can be with gaps of at most `slack` in them."""
    before: Span | None = None
    for span in spans:
        joined = None if before is None else _join(before, span, slack)
        if before is not None and joined is None:
            yield before
        before = joined or span
    if before is not None:
        yield before


def exact_spans(offset: int, data_type: DataType) -> list[tuple[int, int]]:
    """Return offset and size of the values of a type in the state, neighbours joined."""
    assert not isinstance(data_type, OpenArray)
    return [(item.state, item.size) for item in _spans(data_type, data_type, offset, offset)]
