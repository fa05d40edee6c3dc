"""Variables as JSON text, for who writes the same ones scan after scan.

The text is kept in pieces, one for each value. Of a new state only the blocks of bytes that differ
from the last one are looked at, and of those only the values that differ are written anew:

    {"MAIN.N":3,"MAIN.P":{"X":0.5}}    ->    [{"MAIN.N":3] [,"MAIN.P":{"X":0.5] [}}]

It is the text of `json.dumps` with the separators "," and ":" over `Symbol.read`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import isfinite
from typing import Final, NamedTuple

from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array, Structure
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.values import packer, shortest_real

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_NUMBERS: Final = {Kind.SIGNED, Kind.UNSIGNED, Kind.BITS, Kind.DURATION, Kind.REAL}
_REAL_BYTES: Final = 4
_BLOCK_BYTES_MIN: Final = 64
_BLOCKS_MAX: Final = 64


class _Value(NamedTuple):
    """A value that is written as one piece; a tuple, as it is taken apart in the inner loop."""

    start: int
    end: int
    piece: int
    prefix: str
    """What stands between the value before it and this one."""
    text_of: Callable[[bytes], str]


class JsonText:
    """Writes variables of one state block, as it changes."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        """Write these, in this order, each once."""
        unique = tuple({item.path: item for item in symbols}.values())
        self._start = min((item.offset for item in unique), default=0)
        self._end = max((item.offset + item.type.size for item in unique), default=0)
        values: list[_Value] = []
        prefix = ""
        for part in _parts_of(unique):
            if isinstance(part, str):
                prefix += part
                continue
            moved = replace(part, offset=part.offset - self._start)
            start, end = moved.offset, moved.offset + moved.type.size
            values.append(_Value(start, end, len(values), prefix, _text_reader(moved)))
            prefix = ""
        self._pieces = ["" for _ in values] + [prefix]
        self._values = values
        size = self._end - self._start
        self._block = max(_BLOCK_BYTES_MIN, -(-size // _BLOCKS_MAX))
        self._blocks = tuple(self._in_block(at) for at in range(0, size, self._block))
        self._last: bytes | None = None

    def _in_block(self, start: int) -> tuple[int, int, tuple[_Value, ...]]:
        """Return where a block begins and ends, and the values that it holds a part of."""
        end = start + self._block
        held = tuple(item for item in self._values if item.start < end and start < item.end)
        return start, end, held

    def of(self, state: bytearray | memoryview) -> str:
        """Return the object of all variables in a state."""
        data, last, pieces = bytes(state[self._start : self._end]), self._last, self._pieces
        if last is None:
            for _, _, piece, prefix, text_of in self._values:
                pieces[piece] = prefix + text_of(data)
        elif data != last:
            for first, behind, held in self._blocks:
                if data[first:behind] != last[first:behind]:
                    for start, end, piece, prefix, text_of in held:
                        if data[start:end] != last[start:end]:
                            pieces[piece] = prefix + text_of(data)
        self._last = data
        return "".join(pieces)


def _text_reader(symbol: Symbol) -> Callable[[bytes], str]:
    """Return what gives the text of a variable in a state."""
    data_type, offset = symbol.type, symbol.offset
    if not isinstance(data_type, Elementary) or symbol.bit >= 0 or data_type.kind not in _NUMBERS:
        return lambda data: _encode(symbol.read(data))
    unpack = packer(data_type).unpack_from
    if data_type.kind is not Kind.REAL:
        return lambda data: repr(unpack(data, offset)[0])
    shortest = shortest_real if data_type.size == _REAL_BYTES else float

    def text(data: bytes) -> str:
        number = unpack(data, offset)[0]
        return repr(shortest(number)) if isfinite(number) else _encode(symbol.read(data))

    return text


def _parts_of(symbols: Sequence[Symbol]) -> Iterator[str | Symbol]:
    """Yield the text of an object of variables, with the values that it holds as symbols."""
    yield "{"
    for number, symbol in enumerate(symbols):
        yield f"{',' if number else ''}{_encode(symbol.path)}:"
        yield from _value_parts(symbol)
    yield "}"


def _value_parts(symbol: Symbol) -> Iterator[str | Symbol]:
    """Yield likewise what stands for one variable; an array of simple values is one value."""
    data_type, offset = symbol.type, symbol.offset
    if isinstance(data_type, Structure):
        yield "{"
        for number, item in enumerate(data_type.fields):
            yield f"{',' if number else ''}{_encode(item.name)}:"
            yield from _value_parts(Symbol("", offset + item.offset, item.type))
        yield "}"
    elif isinstance(data_type, Array) and isinstance(data_type.element, Structure):
        (lower, upper), *inner = data_type.bounds
        element = Array(tuple(inner), data_type.element) if inner else data_type.element
        yield "["
        for number in range(upper - lower + 1):
            yield "," if number else ""
            yield from _value_parts(Symbol("", offset + number * element.size, element))
        yield "]"
    else:
        yield symbol
