"""The program's variables as a tree: what clients see of the image's symbol table.

MAIN.MOTOR : ARRAY [1..2] OF Drive  ->  MAIN > MOTOR > [1] > SPEED, each with its place in the
state; an array of numbers is a value by itself, and its elements are too.
"""

import fnmatch
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.serve.opcua.coding import Coding, coding_of
from runtime.artifact.program import Symbol
from runtime.artifact.units import Member, Unit
from runtime.datatypes.derived import Array, DataType, Field, Structure
from runtime.datatypes.scalars import Enumeration
from runtime.image.directory import Directory

ELEMENTS_MAX: Final = 1024
"""Elements of an array of numbers up to which each is a node too."""
UNKNOWN_INPUT: Final = -1


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that clients can read: a number, a text, or an array of numbers."""

    path: str
    name: str
    offset: int
    type: DataType
    """Its elementary type, or that of its elements."""
    coding: Coding
    bit: int = -1
    """Bit number inside the byte, for a located BOOL; of an array of those, that of the first."""
    bounds: tuple[tuple[int, int], ...] = ()
    """Bounds of an array."""
    elements: tuple["Variable", ...] = ()
    input_number: int = UNKNOWN_INPUT
    """Place of the input whose quality it has among those of all devices."""
    writable: bool = False
    historical: bool = False
    enumeration: Enumeration | None = None
    section: str = ""
    """Where a program or block declares it, such as VAR_INPUT; empty outside of these."""

    @property
    def symbol(self) -> Symbol:
        """The variable as the image's commands name it."""
        return Symbol(self.path, self.offset, self.type, self.bit)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Elements in each dimension."""
        return tuple(upper - lower + 1 for lower, upper in self.bounds)

    @property
    def count(self) -> int:
        """Number of elements; 1 for a single value."""
        total = 1
        for length in self.lengths:
            total *= length
        return total


@dataclass(frozen=True, slots=True)
class Group:
    """A structure, an instance of a function block, an array of these, or a whole program."""

    path: str
    name: str
    type_name: str
    """Name of its type, empty for an array and a program without one."""
    members: tuple["Node", ...]
    unit: Unit | None = None
    """What declares its members, for an instance of a block, a class or a program."""
    section: str = ""


Node = Variable | Group


@dataclass(frozen=True, slots=True)
class Choice:
    """Which variables clients see and may change, by patterns such as `MAIN.*`."""

    expose: Sequence[str] = ("*",)
    write: Sequence[str] = ()
    history: Sequence[str] = ()

    def exposes(self, path: str) -> bool:
        """Return whether clients see a variable."""
        return matches(path, self.expose)

    def idle(self, variables: Collection["Variable"]) -> Iterator[tuple[str, str]]:
        """Yield the patterns that choose nothing, each with the key that it stands under."""
        rights = {
            "expose": (self.expose, variables),
            "write": (self.write, [item for item in variables if item.writable]),
            "history": (self.history, [item for item in variables if item.historical]),
        }
        for key, (patterns, chosen) in rights.items():
            for pattern in patterns:
                if not any(matches(item.path, (pattern,)) for item in chosen):
                    yield key, pattern


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Return whether a path, or a variable that it is a part of, fits one of the patterns."""
    upper = [pattern.upper() for pattern in patterns]
    parts = path.replace("[", ".[").split(".")
    wholes = [".".join(parts[: n + 1]).replace(".[", "[") for n in range(len(parts))]
    # A bracket is part of a name here, not a set of characters.
    return any(
        fnmatch.fnmatchcase(whole, pattern.replace("[", "[[]"))
        for pattern in upper
        for whole in wholes
    )


@dataclass(slots=True)
class _Maker:
    choice: Choice
    units: Mapping[str, Unit] = field(default_factory=dict)
    """By their names in upper case."""
    inputs: dict[tuple[int, int], int] = field(default_factory=dict)
    """Number of an input by its byte in the state and its bit."""

    def reader(self) -> "_Maker":
        """Return one whose variables nobody writes."""
        return replace(self, choice=replace(self.choice, write=()))

    def member(self, node: Node | None, unit: Unit | None, found: Member | None) -> Node | None:
        """Return a node as the member of a unit that it is."""
        if node is None or unit is None or unit.kind == "CLASS":
            return node
        return replace(node, section=found.section if found is not None else "VAR")

    def node(self, path: str, name: str, offset: int, data_type: DataType, bit: int) -> Node | None:
        if isinstance(data_type, Structure):
            return self._group(path, name, offset, data_type)
        if isinstance(data_type, Array):
            return self._array(path, name, offset, data_type)
        coding = coding_of(data_type)
        if coding is None or not self.choice.exposes(path):
            return None
        return Variable(
            path, name, offset, data_type, coding, bit,
            input_number=self.inputs.get((offset, max(bit, 0)), UNKNOWN_INPUT),
            writable=matches(path, self.choice.write),
            historical=matches(path, self.choice.history),
            enumeration=data_type if isinstance(data_type, Enumeration) else None,
        )  # fmt: skip

    def _group(self, path: str, name: str, offset: int, structure: Structure) -> Node | None:
        unit = self.units.get(structure.name.upper())
        members = (self._field(path, offset, item, unit) for item in structure.fields)
        found = tuple(item for item in members if item is not None)
        return Group(path, name, structure.name, found, unit) if found else None

    def _field(self, path: str, offset: int, item: Field, unit: Unit | None) -> Node | None:
        declared = unit.member(item.name) if unit is not None else None
        maker = self.reader() if declared is not None and declared.constant else self
        at = offset + item.offset
        node = maker.node(f"{path}.{item.name}", item.name, at, item.type, -1)
        return self.member(node, unit, declared)

    def _array(self, path: str, name: str, offset: int, array: Array) -> Node | None:
        coding = coding_of(array.element)
        elements = self._elements(path, offset, array, plain=coding is not None)
        found = tuple(item for item in elements if item is not None)
        if coding is None or coding.text is not None:
            return Group(path, name, "", found) if found else None
        if not self.choice.exposes(path):
            return None
        return Variable(
            path, name, offset, array.element, coding, array.first_bit, bounds=array.bounds,
            elements=tuple(item for item in found if isinstance(item, Variable)),
            writable=matches(path, self.choice.write),
            historical=matches(path, self.choice.history),
        )  # fmt: skip

    def _elements(
        self, path: str, offset: int, array: Array, *, plain: bool
    ) -> Iterator[Node | None]:
        if plain and array.count > ELEMENTS_MAX:
            return
        ranges = (range(lower, upper + 1) for lower, upper in array.bounds)
        for place, indices in enumerate(itertools.product(*ranges)):
            name = f"[{','.join(map(str, indices))}]"
            at, bit = place * array.element.size, -1
            if array.is_packed:
                at, bit = array.bit_place(place)
            yield self.node(path + name, name, offset + at, array.element, bit)


def input_places(directory: Directory) -> dict[tuple[int, int], int]:
    """Return the number of each input by the byte in the state and the bit that it fills."""
    # The addresses are canonical: %IX<byte>.<bit>, %IB<n>, %IW<n>, %ID<n>, %IL<n>.
    widths = {"B": 1, "W": 2, "D": 4, "L": 8}
    addresses = itertools.chain.from_iterable(item.inputs for item in directory.devices)
    places: dict[tuple[int, int], int] = {}
    for number, address in enumerate(addresses):
        letter, rest = address[2], address[3:]
        byte, _, bit = rest.partition(".")
        width = widths.get(letter, 1)
        places[directory.input_area.offset + int(byte) * width, int(bit or 0)] = number
    return places


def program_tree(directory: Directory, choice: Choice) -> tuple[Node, ...]:
    """Return the variables of a program: its instances as groups, the global ones beside them.

    What is CONSTANT, or READ_ONLY in VAR_ACCESS, is not writable, whatever the patterns say.
    """
    units = {unit.name.upper(): unit for unit in directory.units}
    maker = _Maker(choice, units, input_places(directory))
    reader = maker.reader()
    programs = {
        instance: units.get(program.upper())
        for task in directory.tasks
        for instance, program in task.programs
    }
    globals_: list[Node] = []
    instances: dict[str, list[Node]] = {}
    for symbol in directory.symbols:
        owner, _, name = symbol.path.rpartition(".")
        node = _symbol_node(reader if symbol.is_read_only else maker, symbol, name)
        unit = programs.get(owner)
        node = maker.member(node, unit, unit.member(name) if unit is not None else None)
        if node is not None:
            (instances.setdefault(owner, []) if owner else globals_).append(node)
    groups = [
        Group(owner, owner, unit.name if unit is not None else "", tuple(found), unit)
        for owner, found in instances.items()
        for unit in (programs.get(owner),)
    ]
    return (*groups, *globals_)


def _symbol_node(maker: _Maker, symbol: Symbol, name: str) -> Node | None:
    return maker.node(symbol.path, name, symbol.offset, symbol.type, symbol.bit)


def all_variables(nodes: Iterable[Node]) -> Iterator[Variable]:
    """Yield every value of a tree, arrays before their elements."""
    for node in nodes:
        if isinstance(node, Variable):
            yield node
            yield from node.elements
        else:
            yield from all_variables(node.members)
