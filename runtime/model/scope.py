"""What names mean: variables, routines and types, and where a name is looked up."""

from dataclasses import dataclass, field

from runtime.artifact.abi import FaultKind
from runtime.datatypes.derived import Array, DataType, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY, LONG_NAMES
from runtime.diagnostics.diagnostic import Findings
from runtime.model.program import Constant, FaultSite, Place, Step
from runtime.source import Span
from runtime.stdlib.declare import StandardBlock
from runtime.syntax import tree


@dataclass(frozen=True, slots=True)
class VariableInfo:
    """A declared variable."""

    name: str
    section: str
    type: DataType
    place: Place
    span: Span
    constant: bool = False
    value: Constant | None = None
    """The initial value, where the type is elementary; what a CONSTANT always is."""


@dataclass(slots=True)
class TypeInfo:
    """A type and the bytes of its initial value."""

    type: DataType
    initial: bytes


@dataclass(slots=True)
class RoutineInfo:
    """A program, function or function block as others see it."""

    name: str
    kind: str
    span: Span
    source: tree.Pou | None = None
    standard: StandardBlock | None = None
    variables: dict[str, VariableInfo] = field(default_factory=dict)
    structure: Structure | None = None
    initial: bytes = b""
    result: DataType | None = None
    calls: set[str] = field(default_factory=set)
    """Routines that its body calls, in upper case."""

    def inputs(self) -> list[VariableInfo]:
        """Return the inputs in their order."""
        return [item for item in self.variables.values() if item.section == "VAR_INPUT"]


@dataclass(slots=True)
class Names:
    """All names of a project; keys are in upper case."""

    findings: Findings
    routines: dict[str, RoutineInfo] = field(default_factory=dict)
    types: dict[str, TypeInfo] = field(
        default_factory=lambda: {
            name: TypeInfo(item, bytes(item.size))
            for name, item in (*ELEMENTARY.items(), *LONG_NAMES.items())
        }
    )
    globals: dict[str, VariableInfo] = field(default_factory=dict)
    sites: list[FaultSite] = field(default_factory=list)
    area_offsets: dict[str, int] = field(default_factory=dict)
    """Offset in the state of the areas I, Q and M."""
    area_sizes: dict[str, int] = field(default_factory=dict)

    def site(self, kind: FaultKind, span: Span) -> int:
        """Register a place in the source where a fault can occur; return its number."""
        self.sites.append(FaultSite(kind, span))
        return len(self.sites) - 1


@dataclass(slots=True)
class Scope:
    """The names that one routine's body sees."""

    names: Names
    routine: RoutineInfo

    def find(self, name: str) -> VariableInfo | None:
        """Return the variable of that name: the routine's own, then a global one."""
        key = name.upper()
        return self.routine.variables.get(key) or self.names.globals.get(key)


def block_within(data_type: DataType, names: Names) -> Structure | None:
    """Return the function block of which a type holds an instance, at any depth."""
    if isinstance(data_type, Array):
        return block_within(data_type.element, names)
    if not isinstance(data_type, Structure):
        return None
    if data_type.name.upper() in names.routines:
        return data_type
    inner = (block_within(item.type, names) for item in data_type.fields)
    return next((found for found in inner if found is not None), None)


def member_of(place: Place, structure: Structure, member: Field) -> Place:
    """Return the place of a member of a structure or instance."""
    owner = f"{structure.name}.{member.name}"
    offset = place.offset + member.offset
    return Place(place.base, offset, member.type, place.steps, place.local, owner=owner)


def element_of(place: Place, offset: int, array: Array, steps: tuple[Step, ...]) -> Place:
    """Return the place of an array's element, `offset` bytes on and by index steps."""
    return Place(
        place.base, place.offset + offset, array.element, place.steps + steps, place.local,
        owner=place.owner,
    )  # fmt: skip
