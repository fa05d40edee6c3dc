"""What a Sparkplug node reports, from the program's variables and the publishing rules. Pure.

A variable at a field device's address is a metric of that device; `[[uplink.device]]` moves
variables into devices of their own; all else is the node's. A structure all of whose values are
published as they are, by one device, may become an instance of a template.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.flow.variables import Pattern, Variable, expand, select_by_section
from gateway.protocols.sparkplug.catalogue import (
    NODE,
    TYPES,
    Catalogue,
    Definition,
    Member,
    Place,
)
from gateway.protocols.sparkplug.datatypes import Datatype
from runtime.artifact.program import Symbol
from runtime.datatypes.derived import Array, DataType, Structure
from runtime.datatypes.elementary import Elementary, Kind
from runtime.image.directory import Directory
from runtime.project.channels import IoSection
from runtime.project.uplinks import PublishSection, SparkplugUplink

_BY_FORMAT: Final = {
    "?": Datatype.BOOLEAN, "b": Datatype.INT8, "h": Datatype.INT16, "i": Datatype.INT32,
    "q": Datatype.INT64, "B": Datatype.UINT8, "H": Datatype.UINT16, "I": Datatype.UINT64,
    "Q": Datatype.UINT64, "f": Datatype.FLOAT, "d": Datatype.DOUBLE,
}  # fmt: skip
"""UINT32 is left out: the specification and the library of its authors differ in its field."""


@dataclass(frozen=True, slots=True)
class Published:
    """A variable as it is published under one name."""

    variable: Variable
    datatype: Datatype
    section: PublishSection
    is_plain: bool
    """Whether the name is the variable's path, and the value the variable's own."""


def published(directory: Directory, sections: Sequence[PublishSection]) -> dict[str, Published]:
    """Return what the rules publish of a program, by name, in the order of the rules."""
    found: dict[str, Published] = {}
    for section, variables in select_by_section(directory.symbols, sections):
        scaled = (section.scale, section.offset) != (1.0, 0.0)
        for variable in variables:
            if section.aggregate and variable.is_number:
                for name in section.aggregate:
                    path = f"{variable.path}/{name}"
                    found[path] = Published(variable, Datatype.DOUBLE, section, is_plain=False)
                continue
            real = scaled and variable.is_number
            kind = Datatype.DOUBLE if real else natural(variable)
            found[variable.path] = Published(variable, kind, section, is_plain=not real)
    return found


def natural(variable: Variable) -> Datatype:
    """Return the datatype of a variable's own values; texts, names and calendars are strings."""
    if variable.symbol.bit >= 0:
        return Datatype.BOOLEAN
    return _BY_FORMAT.get(variable.code, Datatype.STRING)


class Owners:
    """Which device each variable belongs to."""

    def __init__(
        self, directory: Directory, channels: Iterable[IoSection], uplink: SparkplugUplink
    ) -> None:
        """Take the channels of the project's devices, and the devices of the uplink."""
        self._groups = [
            (section.name, [Pattern(text) for text in section.variables])
            for section in uplink.device
        ]
        self._by_bit: dict[int, str] = {}
        for channel in channels if uplink.field_devices else ():
            for address in channel.addresses:
                start = directory.areas[address.area].offset * 8
                self._by_bit |= {start + bit: channel.device for bit in address.bits}

    def of(self, variable: Variable) -> str:
        """Return the device of a variable, `NODE` where it belongs to none."""
        for name, patterns in self._groups:
            if any(pattern.matches(variable.path) for pattern in patterns):
                return name
        start = variable.symbol.offset * 8
        bits = range(start, start + variable.size * 8)
        if variable.symbol.bit >= 0:
            bits = range(start + variable.symbol.bit, start + variable.symbol.bit + 1)
        return next((self._by_bit[bit] for bit in bits if bit in self._by_bit), NODE)


def catalogue_of(
    directory: Directory, names: Mapping[str, Published], owners: Owners, *, templates: bool
) -> Catalogue:
    """Return the catalogue of what is published."""
    places = {
        path: Place(owners.of(item.variable), path, item.datatype) for path, item in names.items()
    }
    types = _Types(names, places)
    if templates:
        for symbol in directory.symbols:
            types.take(symbol.path, symbol.offset, symbol.type)
    places |= types.places
    devices = dict.fromkeys(place.device for place in places.values() if place.device != NODE)
    return Catalogue(places, tuple(types.definitions.values()), types.instances, tuple(devices))


@dataclass(slots=True)
class _Types:
    """Finds the structures that can be instances, and makes their definitions."""

    names: Mapping[str, Published]
    plain: Mapping[str, Place]
    places: dict[str, Place] = field(default_factory=dict)
    """Of the members found."""
    instances: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)

    def take(self, path: str, offset: int, kind: DataType) -> None:
        """Look at a value and at what is inside it; the outermost instance counts."""
        if isinstance(kind, Structure) and self._take_instance(path, offset, kind):
            return
        for inner, at, part in _parts(kind):
            if not isinstance(part, Elementary):
                self.take(path + inner, offset + at, part)

    def _take_instance(self, path: str, offset: int, kind: Structure) -> bool:
        leaves = list(expand(Symbol(path, offset, kind)))
        known = [self.names.get(leaf.path) for leaf in leaves]
        if not leaves or kind.is_union or not all(item and item.is_plain for item in known):
            return False
        if len({self.plain[leaf.path].device for leaf in leaves}) > 1 or not self._define(kind):
            return False
        self.instances[path] = TYPES + kind.name
        device = self.plain[leaves[0].path].device
        for leaf, members in _ways(path, (), kind):
            self.places[leaf] = Place(device, path, self.plain[leaf].datatype, members)
        return True

    def _define(self, kind: Structure) -> bool:
        """Make the definition of a type; return whether its name stands for that type alone."""
        members: list[Member] = []
        for name, part in _members(kind):
            if isinstance(part, Structure):
                if part.is_union or not self._define(part):
                    return False
                members.append(Member(name, Datatype.TEMPLATE, TYPES + part.name))
            elif isinstance(part, Elementary) and part.kind is not Kind.REFERENCE:
                members.append(Member(name, natural(Variable(name, Symbol(name, 0, part)))))
        made = Definition(TYPES + kind.name, tuple(members))
        return self.definitions.setdefault(made.name, made) == made


def _parts(kind: DataType) -> Iterator[tuple[str, int, DataType]]:
    """Yield the name, place and type of each part of a structure or array."""
    if isinstance(kind, Structure):
        for item in kind.fields:
            yield f".{item.name}", item.offset, item.type
    elif isinstance(kind, Array):
        for number, text in enumerate(_indices(kind)):
            yield text, number * kind.element.size, kind.element


def _indices(kind: Array) -> Iterator[str]:
    counts = [range(lower, upper + 1) for lower, upper in kind.bounds]
    texts = [""]
    for indices in counts:
        texts = [f"{text},{index}" if text else str(index) for text in texts for index in indices]
    yield from (f"[{text}]" for text in texts)


def _members(kind: Structure) -> Iterator[tuple[str, DataType]]:
    """Yield name and type of the members of a template; elements of arrays are members too."""
    for item in kind.fields:
        if isinstance(item.type, Array):
            yield from _elements(item.name, item.type)
        else:
            yield item.name, item.type


def _elements(name: str, kind: Array) -> Iterator[tuple[str, DataType]]:
    for index, _, element in _parts(kind):
        if isinstance(element, Array):
            yield from _elements(name + index, element)
        else:
            yield name + index, element


def _ways(
    path: str, above: tuple[str, ...], kind: Structure
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the path of each value inside an instance, and its way down by members."""
    for name, part in _members(kind):
        if isinstance(part, Structure):
            yield from _ways(f"{path}.{name}", (*above, name), part)
        elif isinstance(part, Elementary) and part.kind is not Kind.REFERENCE:
            yield f"{path}.{name}", (*above, name)
