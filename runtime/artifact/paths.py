"""Paths: from `MAIN.Motor[3].Speed` to an offset and a type.

Every part of a variable has a path: members behind a dot, elements by their indices, `grid[1, 2]`,
bits of integers and bit strings by their number, `WORD1.3`. Case makes no difference. A part of
what VAR_ACCESS names may be written where the whole may.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array, Structure
from runtime.datatypes.elementary import BOOL, Elementary, Kind

_PART: Final = re.compile(r"\s*\.\s*(\w+)|\s*\[([^\[\]]*)\]")
_START: Final = re.compile(r"\s*\w+")
_MEMBERS_SHOWN: Final = 12


class PathError(Exception):
    """A path names nothing; the text says which part of it, and what there is."""


class Paths:
    """The paths of a program's variables."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        """Take the symbol table."""
        self._symbols = {symbol.path: symbol for symbol in symbols}

    def find(self, path: str) -> Symbol:
        """Return the variable, member, element or bit of a path, as a symbol of that path.

        Raises:
            PathError: There is none.
        """
        exact = self._symbols.get(path.upper())
        if exact is not None:
            return exact
        parts = _split(path)
        symbol, used = self._longest(parts, path)
        for part in parts[used:]:
            symbol = _part_of(symbol, part, path)
        return symbol

    @property
    def symbols(self) -> Iterable[Symbol]:
        """The symbol table."""
        return self._symbols.values()

    def _longest(self, parts: list[str], path: str) -> tuple[Symbol, int]:
        """Return the variable that a path begins with, and how many parts name it."""
        named = 1
        while named < len(parts) and not parts[named].startswith("["):
            named += 1
        for count in range(named, 0, -1):
            found = self._symbols.get(".".join(parts[:count]))
            if found is not None:
                return found, count
        close = get_close_matches(".".join(parts[:named]), self._symbols, n=1)
        example = next(iter(self._symbols), "MAIN.X")
        hint = f"did you mean {close[0]}?" if close else f"expected a path such as {example}"
        raise PathError(f"{path}: no such variable; {hint}")


def elementary_at(symbols: Iterable[Symbol], offset: int, size: int, bit: int) -> Symbol | None:
    """Return the elementary variable, member or element at a place in the state, or None.

    Args:
        symbols: The symbol table.
        offset: Where it begins.
        size: Its bytes.
        bit: Of a single bit its number in the byte, else -1.
    """
    for symbol in symbols:
        if symbol.offset <= offset < symbol.offset + max(symbol.type.size, 1):
            found = _descend(symbol, offset, bit)
            if found is None:
                continue
            if bit < 0 or found.bit == bit:
                if found.offset == offset and found.type.size == size:
                    return found
                continue  # located variables overlap
            if found.bit < 0 and found.type != BOOL:
                return _bit(found, 8 * (offset - found.offset) + bit, found.path)
    return None


def instances_at(symbols: Iterable[Symbol], offset: int) -> Iterator[Symbol]:
    """Yield the structures and instances that begin at a place in the state, outer ones first."""
    for symbol in symbols:
        if symbol.offset > offset or isinstance(symbol.type, Elementary) or symbol.is_access:
            continue
        if offset >= symbol.offset + symbol.type.size:
            continue
        part: Symbol | None = symbol
        while part is not None and not isinstance(part.type, Elementary):
            if isinstance(part.type, Structure) and part.offset == offset:
                yield part
            name = _part_at(part, offset, -1)
            part = None if name is None else _part_of(part, name, part.path)


def _descend(symbol: Symbol, offset: int, bit: int) -> Symbol | None:
    """Return the elementary part of a variable that an offset, or a bit there, lies in."""
    while not isinstance(symbol.type, Elementary):
        part = _part_at(symbol, offset, bit)
        if part is None:
            return None
        symbol = _part_of(symbol, part, symbol.path)
    return symbol


def _part_at(symbol: Symbol, offset: int, bit: int) -> str | None:
    inside = offset - symbol.offset
    if isinstance(symbol.type, Structure):
        return next(
            (
                field.name
                for field in symbol.type.fields
                if field.offset <= inside < field.offset + field.type.size
            ),
            None,
        )
    assert isinstance(symbol.type, Array)
    indices: list[int] = []
    if symbol.type.is_packed:
        number = 8 * inside + bit - symbol.type.first_bit
        if bit < 0 or not 0 <= number < symbol.type.count:
            return None
    else:
        number = inside // symbol.type.element.size
    for lower, upper in reversed(symbol.type.bounds):
        number, index = divmod(number, upper - lower + 1)
        indices.append(lower + index)
    return f"[{','.join(map(str, reversed(indices)))}]"


def split_paths(text: str) -> list[str]:
    """Return the paths of a list; a comma inside of brackets belongs to a path."""
    parts = re.split(r",(?![^\[]*\])", text)
    return [part.strip() for part in parts if part.strip()]


def _split(path: str) -> list[str]:
    """Return the parts of a path in upper case: names, and indices with their brackets."""
    match = _START.match(path)
    parts: list[str] = []
    end = 0
    while match is not None:
        name, indices = (match[0], None) if not parts else match.groups()
        parts.append(name.strip().upper() if name is not None else f"[{indices}]")
        end = match.end()
        match = _PART.match(path, end)
    if path[end:].strip() or not parts:
        text = f"{path}: {path[end:].strip()!r} is no part of a path"
        raise PathError(f"{text}; expected a path such as MAIN.X, MAIN.MOTOR[3].SPEED or GRID[1,2]")
    return parts


def _part_of(symbol: Symbol, part: str, path: str) -> Symbol:
    if part.startswith("["):
        return _element(symbol, part, path)
    if isinstance(symbol.type, Elementary) and part.isdigit():
        return _bit(symbol, int(part), path)
    field = symbol.type.field(part) if isinstance(symbol.type, Structure) else None
    if field is not None:
        path, offset = f"{symbol.path}.{part}", symbol.offset + field.offset
        return replace(symbol, path=path, offset=offset, type=field.type)
    text = f"{path}: {symbol.path} is {symbol.type} and has no member {part}"
    if not isinstance(symbol.type, Structure):
        raise PathError(text)
    names = [item.name for item in symbol.type.fields]
    close = get_close_matches(part, names, n=1)
    listed = ", ".join(names[:_MEMBERS_SHOWN]) + (", …" if len(names) > _MEMBERS_SHOWN else "")
    raise PathError(f"{text}; " + (f"did you mean {close[0]}?" if close else f"it has {listed}"))


def _bit(symbol: Symbol, number: int, path: str) -> Symbol:
    whole = symbol.type
    assert isinstance(whole, Elementary)
    if not (whole.is_integer or whole.kind is Kind.BITS) or number >= whole.bits:
        last = f"; expected 0 to {whole.bits - 1}" if whole.is_integer or whole.is_bits else ""
        raise PathError(f"{path}: {symbol.path} is {whole} and has no bit {number}{last}")
    offset = symbol.offset + number // 8
    path = f"{symbol.path}.{number}"
    return replace(symbol, path=path, offset=offset, type=BOOL, bit=number % 8)


def _element(symbol: Symbol, part: str, path: str) -> Symbol:
    array = symbol.type
    if not isinstance(array, Array):
        raise PathError(f"{path}: {symbol.path} is {array}, no array")
    indices = [_index(text, path) for text in part[1:-1].split(",")]
    if len(indices) != len(array.bounds):
        count = f"{len(indices)} {'index' if len(indices) == 1 else 'indices'}"
        text = f"{path}: {count} for the {len(array.bounds)} dimensions of {symbol.path}"
        raise PathError(f"{text}, which is {array}")
    at = 0
    for index, (lower, upper) in zip(indices, array.bounds, strict=True):
        if not lower <= index <= upper:
            raise PathError(f"{path}: index {index} of {symbol.path} is outside {lower}..{upper}")
        at = at * (upper - lower + 1) + index - lower
    listed = ",".join(map(str, indices))
    path = f"{symbol.path}[{listed}]"
    if array.is_packed:
        byte, bit = array.bit_place(at)
        return replace(symbol, path=path, offset=symbol.offset + byte, type=BOOL, bit=bit)
    offset = symbol.offset + at * array.element.size
    return replace(symbol, path=path, offset=offset, type=array.element)


def _index(text: str, path: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise PathError(f"{path}: index {text.strip()!r} is no whole number") from None
