"""What the units of a program declare in which section: programs, function blocks, classes.

The symbol table tells where each variable stands and of what type it is. This says, once a unit,
which of its variables are inputs, outputs, in-outs, its own or constant; a structure of the symbol
table whose name is that of a unit is an instance of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.datatypes.derived import Array, DataType, Structure


@dataclass(frozen=True, slots=True)
class Member:
    """A variable of a unit."""

    name: str
    """In upper case, as in paths."""
    section: str
    """VAR_INPUT, VAR_OUTPUT, VAR_IN_OUT, VAR_EXTERNAL or VAR."""
    type_name: str
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as those outside see it."""

    name: str
    """As declared."""
    kind: str
    """PROGRAM, FUNCTION_BLOCK or CLASS."""
    base: str = ""
    """The unit that it extends."""
    members: tuple[Member, ...] = ()
    """In the order of their declaration, inherited ones too."""

    def member(self, name: str) -> Member | None:
        """Return the variable of that name (in upper case), or None."""
        return next((item for item in self.members if item.name == name), None)


def structure_names(types: Iterable[DataType]) -> set[str]:
    """Return the names, in upper case, of all structures within types."""
    found: set[str] = set()
    for data_type in types:
        _collect(data_type, found)
    return found


def _collect(data_type: DataType, found: set[str]) -> None:
    if isinstance(data_type, Array):
        _collect(data_type.element, found)
    elif isinstance(data_type, Structure) and data_type.name.upper() not in found:
        found.add(data_type.name.upper())
        for field in data_type.fields:
            _collect(field.type, found)


def with_bases(names: Iterable[str], bases: Mapping[str, str]) -> Iterator[str]:
    """Yield names and all that they extend, by a table of what extends what."""
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            yield name
            waiting += [bases[name]] if name in bases else []


def encode_unit(unit: Unit) -> list[object]:
    """Return a unit as JSON holds it."""
    members = [[item.name, item.section, item.type_name, item.constant] for item in unit.members]
    return [unit.name, unit.kind, unit.base, members]


def decode_unit(encoded: list[Any]) -> Unit:
    """Return the unit that `encode_unit` wrote."""
    name, kind, base, members = encoded
    return Unit(name, kind, base, tuple(Member(*item) for item in members))
