"""What names mean: variables, routines and types, and where a name is looked up."""

from dataclasses import dataclass, field, replace

from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Retention
from runtime.datatypes.derived import Array, DataType, Field, Structure
from runtime.datatypes.elementary import BOOL, ELEMENTARY, LONG_NAMES
from runtime.datatypes.scalars import Reference
from runtime.datatypes.texts import TEXTS
from runtime.diagnostics.diagnostic import Findings
from runtime.model.program import (
    Base,
    Constant,
    DynamicStep,
    Expression,
    FaultSite,
    Load,
    Place,
    Step,
    TextConstant,
)
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
    value: Constant | TextConstant | None = None
    """The initial value, where the type is elementary; what a CONSTANT always is."""
    access: str = ""
    """PUBLIC, PROTECTED, PRIVATE or INTERNAL, where it is said."""
    edge: str = ""
    """R_EDGE or F_EDGE, where the body sees the edges of an input."""
    retention: Retention = Retention.UNSAID


@dataclass(slots=True)
class TypeInfo:
    """A type and the bytes of its initial value.

    `refers` is the offset in the instance that a reference refers to at first, -1 for none: where
    an instance stands is known only when it is laid out.
    """

    type: DataType
    initial: bytes
    refers: int = -1


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
    result_image: bytes = b""
    result_local: int = -1
    """Number of the local that holds the result."""
    relocations: list[tuple[int, int]] = field(default_factory=list)
    """Offsets in an instance of references with their targets' offsets in it."""
    calls: set[str] = field(default_factory=set)
    """Routines that its body calls, in upper case."""
    modifiers: tuple[str, ...] = ()
    base: "RoutineInfo | None" = None
    """The class that a class extends."""
    base_offset: int = 0
    """Where the base's members begin in an instance."""
    type_id: int = 0
    """What an instance says at its begin of which class it is; 0 where it says nothing."""
    interfaces: frozenset[str] = frozenset()
    """All interfaces that a class implements or an interface extends, in upper case."""
    methods: dict[str, str] = field(default_factory=dict)
    """Names of methods, inherited ones too, and the routines that they are, in upper case."""
    owner: "RoutineInfo | None" = None
    """The class of a method."""
    result_name: str = ""
    """What the result is called in the body."""

    @property
    def title(self) -> str:
        """Its name as declared, behind that of its class."""
        if self.owner is None or self.name.upper().startswith(f"{self.owner.name.upper()}."):
            return self.name
        return f"{self.owner.name}.{self.name}"

    @property
    def has_calls(self) -> bool:
        """Whether its variables live for one call: a function's and a method's do."""
        return self.kind in {"FUNCTION", "METHOD"}

    @property
    def own_class(self) -> "RoutineInfo | None":
        """The class whose instance its body runs on."""
        if self.owner is not None:
            return self.owner
        return self if self.kind in {"FUNCTION_BLOCK", "CLASS"} else None

    def member_key(self, name: str) -> str:
        """Return the key of a variable by its name or another one that it has: SET1 is S1."""
        key = name.upper()
        return key if self.standard is None else self.standard.other_names.get(key, key)

    @property
    def namespace(self) -> str:
        """The namespace that it is declared in, in upper case; empty for the one around all."""
        return (self.owner or self).name.rpartition(".")[0].upper()

    def derives_from(self, other: "RoutineInfo") -> bool:
        """Whether it is a class or one that extends it."""
        info: RoutineInfo | None = self
        while info is not None:
            if info.name == other.name:
                return True
            info = info.base
        return False

    def parameters(self) -> list[VariableInfo]:
        """Return the inputs and in-outs in their order."""
        given = {"VAR_INPUT", "VAR_IN_OUT"}
        return [item for item in self.variables.values() if item.section in given]


@dataclass(slots=True)
class Names:
    """All names of a project; keys are in upper case."""

    findings: Findings
    routines: dict[str, RoutineInfo] = field(default_factory=dict)
    types: dict[str, TypeInfo] = field(
        default_factory=lambda: {
            name: TypeInfo(item, bytes(item.size))
            for name, item in (
                *ELEMENTARY.items(),
                *LONG_NAMES.items(),
                *TEXTS.items(),
                ("BIT", BOOL),
            )
        }
    )
    globals: dict[str, VariableInfo] = field(default_factory=dict)
    sites: list[FaultSite] = field(default_factory=list)
    area_offsets: dict[str, int] = field(default_factory=dict)
    """Offset in the state of the areas I, Q and M."""
    area_sizes: dict[str, int] = field(default_factory=dict)
    enum_values: dict[str, list[Constant]] = field(default_factory=dict)
    """The values of all enumerations by their own names."""
    checked: str = ""
    """The routine whose body is being checked, by its title."""
    type_ids: int = 0
    """Number of classes whose instances say what they are."""

    def target_of(self, reference: Reference) -> DataType | None:
        """Return the type that a reference refers to."""
        if reference.target is not None:
            return reference.target
        key = reference.target_name
        if key in self.types:
            return self.types[key].type
        routine = self.routines.get(key)
        return routine.structure if routine is not None else None

    def site(self, kind: FaultKind, span: Span, allowed: str = "") -> int:
        """Register a place in the source where a fault can occur; return its number."""
        self.sites.append(FaultSite(kind, span, self.checked, allowed))
        return len(self.sites) - 1


@dataclass(slots=True)
class Scope:
    """The names that one routine's body sees."""

    names: Names
    routine: RoutineInfo

    def is_within(self, namespace: str) -> bool:
        """Whether the body stands in a namespace, or in one inside of it."""
        own = self.routine.namespace
        return not namespace or own == namespace or own.startswith(f"{namespace}.")

    def find(self, name: str) -> VariableInfo | None:
        """Return the variable of that name: the routine's own, then a global one."""
        key = name.upper()
        found = self.routine.variables.get(key)
        if found is None and self.routine.owner is not None:
            found = self.routine.owner.variables.get(key)
        return found or self.names.globals.get(key)


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
    overlaps = structure.is_union or not place.owner
    owner = "" if overlaps else f"{member.owner or structure.name}.{member.name}"
    return part_of(place, member.offset, member.type, owner)


def element_of(
    place: Place, offset: int, element: DataType, steps: tuple[Step | DynamicStep, ...]
) -> Place:
    """Return the place of an array's element, `offset` bytes on and by index steps."""
    part = part_of(place, offset, element, place.owner)
    return replace(part, steps=place.steps + steps)


def part_of(place: Place, offset: int, data_type: DataType, owner: str, bit: int = -1) -> Place:
    """Return the place of a part, `offset` bytes on."""
    return replace(
        place, offset=place.offset + offset, type=data_type, owner=owner, bit=bit, bounds=()
    )


def shifted(place: Place, offset: int) -> Place:
    """Return a place of an instance's class as a class sees it whose base begins at an offset."""
    if place.base is Base.SELF:
        return replace(place, offset=place.offset + offset)
    if place.pointer is None:
        return place
    bounds = tuple(
        (_shifted_load(low, offset), _shifted_load(high, offset)) for low, high in place.bounds
    )
    return replace(place, pointer=shifted(place.pointer, offset), bounds=bounds)


def _shifted_load(bound: Expression, offset: int) -> Expression:
    assert isinstance(bound, Load)
    return replace(bound, place=shifted(bound.place, offset))


def referred(pointer: Place, target: DataType, site: int = -1) -> Place:
    """Return the place that the reference at `pointer` refers to."""
    return Place(Base.REFERENCE, 0, target, pointer=pointer, site=site)
