"""Variables that can be published: the single values inside a project's symbols, by path. Pure."""

import contextlib
import math
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from runtime.artifact.paths import PathError, Paths
from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array, DataType, Structure
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.scalars import Enumeration
from runtime.datatypes.texts import Text
from runtime.datatypes.values import Json
from runtime.project.uplinks import PublishSection

_PLAIN: Final = set("?bBhHiIqQfd")


@dataclass(frozen=True, slots=True)
class Variable:
    """One value: its path in upper case, place in the state, type."""

    path: str
    symbol: Symbol
    """Reads it; its path is the variable's own."""

    @property
    def code(self) -> str:
        """Its format in memory as `struct` and NumPy know it; empty where it takes more to read."""
        scalar = self.symbol.type
        special = self.symbol.bit >= 0 or isinstance(scalar, Enumeration | Text)
        if special or not isinstance(scalar, Elementary) or scalar.is_calendar:
            return ""
        if scalar.kind is Kind.CHARACTER or scalar.format not in _PLAIN:
            return ""
        return scalar.format

    @property
    def size(self) -> int:
        """Bytes in the state."""
        return self.symbol.type.size

    @property
    def is_number(self) -> bool:
        """Whether filters over numbers make sense."""
        return self.code not in {"", "?"}

    @property
    def is_bool(self) -> bool:
        """Whether it is a BOOL."""
        return isinstance(self.symbol.type, Elementary) and self.symbol.type.kind is Kind.BOOL

    def read(self, state: memoryview) -> Json:
        """Return its value in a state, as JSON holds it."""
        return self.symbol.read(state)


def expand(symbol: Symbol) -> Iterator[Variable]:
    """Return the single values of a symbol: members of structures, elements of arrays.

    What VAR_ACCESS says of the whole holds for each of them.
    """
    for path, offset, scalar, bit in _leaves(symbol.path, symbol.offset, symbol.type, symbol.bit):
        if scalar.kind is not Kind.REFERENCE:
            yield Variable(path, replace(symbol, path=path, offset=offset, type=scalar, bit=bit))


def _leaves(
    path: str, offset: int, kind: DataType, bit: int = -1
) -> Iterator[tuple[str, int, Elementary, int]]:
    """Yield path, place, type and bit of the single values in a value."""
    if isinstance(kind, Structure):
        for item in kind.fields:
            yield from _leaves(f"{path}.{item.name}", offset + item.offset, item.type)
    elif isinstance(kind, Array):
        indices = product(*(range(lower, upper + 1) for lower, upper in kind.bounds))
        for number, index in enumerate(indices):
            inner = f"{path}[{','.join(map(str, index))}]"
            if kind.is_packed:
                byte, at = kind.bit_place(number)
                yield from _leaves(inner, offset + byte, kind.element, at)
            else:
                yield from _leaves(inner, offset + number * kind.element.size, kind.element)
    else:
        assert isinstance(kind, Elementary)
        yield path, offset, kind, bit


class Pattern:
    """Paths in any case; `*` stands for any text, `?` for one character."""

    def __init__(self, text: str) -> None:
        """Take the text as it stands in `takt.toml`."""
        self.text = text
        self.is_path = not {"*", "?"} & set(text)
        escaped = re.escape(text.upper()).replace(r"\*", ".*").replace(r"\?", ".")
        self._expression = re.compile(escaped, re.DOTALL)
        self._start = re.split(r"[*?]", text.upper(), maxsplit=1)[0]

    def matches(self, path: str) -> bool:
        """Return whether the pattern names a path in upper case."""
        return self._expression.fullmatch(path) is not None

    def may_match_inside(self, symbol_path: str) -> bool:
        """Return whether something inside a symbol may match: large arrays need no look else."""
        return symbol_path.startswith(self._start) or self._start.startswith(symbol_path)


def select(symbols: Iterable[Symbol], patterns: Iterable[str]) -> Iterator[Variable]:
    """Return the variables that any of the patterns names.

    A text without `*` and `?` may also be the path of a whole structure or array, of an element in
    other writing such as `GRID[1, 2]`, or of a bit such as `MAIN.WORD1.3`.
    """
    table = tuple(symbols)
    wanted = [Pattern(text) for text in patterns]
    matched: set[Pattern] = set()
    taken: set[str] = set()
    for symbol in table:
        near = [pattern for pattern in wanted if pattern.may_match_inside(symbol.path)]
        if not near:
            continue
        for variable in expand(symbol):
            hits = [pattern for pattern in near if pattern.matches(variable.path)]
            if hits:
                matched.update(hits)
                taken.add(variable.path)
                yield variable
    named = [item.text for item in wanted if item.is_path and item not in matched]
    for variable in _named(table, named):
        if variable.path not in taken:
            taken.add(variable.path)
            yield variable


def select_by_section(
    symbols: Iterable[Symbol], sections: Iterable[PublishSection]
) -> Iterator[tuple[PublishSection, list[Variable]]]:
    """Yield each publishing rule with its variables: each follows the first rule that names it."""
    table = tuple(symbols)
    taken: set[str] = set()
    for section in sections:
        found = [item for item in select(table, section.variables) if item.path not in taken]
        taken.update(item.path for item in found)
        yield section, found


def _named(symbols: Iterable[Symbol], names: Sequence[str]) -> Iterator[Variable]:
    """Return the single values inside what paths name; a path that names nothing has none."""
    if not names:
        return
    paths = Paths(symbols)
    for name in names:
        with contextlib.suppress(PathError):
            yield from expand(paths.find(name))


_BINARY32: Final = struct.Struct("<f")
_DIGITS_OFTEN_ENOUGH: Final = 7


def real_json(value: float) -> float | str:
    """Return a binary64 value as JSON holds it: not-a-number and infinities as text."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def short_real_json(value: float) -> float | str:
    """Return a binary32 value in few digits that name it: 7 where they do, else 9, which always do.

    `datatypes.values.shortest_real` finds the fewest, at ten times the cost.
    """
    if not math.isfinite(value):
        return real_json(value)
    short = float(f"{value:.{_DIGITS_OFTEN_ENOUGH}g}")
    try:
        if _BINARY32.unpack(_BINARY32.pack(short))[0] == value:
            return short
    except OverflowError:
        pass  # the short form rounds beyond the greatest binary32 value
    return float(f"{value:.9g}")
