"""What is gathered while declarations are worked out, and how members are laid out."""

from collections.abc import Callable
from dataclasses import dataclass, field

from runtime.artifact.abi import CONTEXT_BYTES
from runtime.datatypes.derived import DataType, Field, Structure, align
from runtime.diagnostics.diagnostic import Findings
from runtime.limits import STATE_BYTES_MAX
from runtime.model.program import Place
from runtime.model.scope import Names, RoutineInfo, Scope, TypeInfo
from runtime.source import Span
from runtime.syntax import tree

NOWHERE = Span(0, 0, 0)


@dataclass(frozen=True, slots=True)
class LocalVariable:
    """A variable of a function's calls: what it is and the bytes it starts with."""

    name: str
    type: DataType
    initial: bytes
    section: str
    by_reference: bool = False


@dataclass(slots=True)
class Declarations:
    """Works out declarations on demand; `names` holds what is done."""

    names: Names
    routine_trees: dict[str, tree.Pou] = field(default_factory=dict)
    type_trees: dict[str, tree.TypeDeclaration] = field(default_factory=dict)
    global_trees: dict[str, tuple[tree.Variable, tree.VarBlock]] = field(default_factory=dict)
    state_end: int = CONTEXT_BYTES
    """Where the next global goes in the state."""
    pokes: list[tuple[Place, bytes]] = field(default_factory=list)
    """Initial values of globals and located variables."""
    area_ends: dict[str, int] = field(default_factory=dict)
    """Where the last located variable ends in each of the areas I, Q and M."""
    locals: dict[str, list[LocalVariable]] = field(default_factory=dict)
    """For each function its variables, in the order of their numbers."""
    declare_routine: Callable[[str, Span, "Declarations"], RoutineInfo | None] | None = None
    """How a function block is worked out whose instances are declared."""
    pending: list[tuple[str, Span]] = field(default_factory=list)
    """Names of types that references refer to, looked up when all types are known."""
    temporaries: dict[str, list[tuple[Place, bytes]]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)

    def scope_of(self, routine: RoutineInfo | None = None) -> Scope:
        """Return the scope of a routine, or of no routine."""
        return Scope(self.names, routine or RoutineInfo("", "", NOWHERE))


def enter(key: str, name: str, span: Span, work: Declarations) -> bool:
    """Begin to work out a declaration; report one that contains itself (ST2004)."""
    if key in work.reported:
        return False
    if key in work.open:
        work.reported.add(key)
        work.names.findings.error("ST2004", span, f"{name} contains itself")
        return False
    work.open.add(key)
    return True


def report_size(what: str, size: int, limit: int, span: Span, findings: Findings) -> None:
    """Report something that takes too much memory."""
    findings.error("ST2014", span, f"{what} takes {size} bytes, at most {limit} are possible")


@dataclass(slots=True)
class Layout:
    """Lays members out one after another, as C does; hidden ones take room but have no name."""

    name: str
    fields: list[Field] = field(default_factory=list)
    parts: list[tuple[int, bytes]] = field(default_factory=list)
    end: int = 0
    alignment: int = 1

    def names(self) -> set[str]:
        """Return the members' names."""
        return {item.name for item in self.fields}

    def add(
        self,
        name: str,
        data_type: DataType,
        image: bytes,
        *,
        hidden: bool = False,
        at: int | None = None,
    ) -> int:
        """Place a member behind the others, or at an offset; return its offset."""
        offset = align(self.end, data_type.alignment) if at is None else at
        self.end = max(self.end, offset + data_type.size)
        self.alignment = max(self.alignment, data_type.alignment)
        if not hidden:
            self.fields.append(Field(name.upper(), offset, data_type))
        if self.end <= STATE_BYTES_MAX:  # what is too large is refused: its bytes are not kept
            self.parts.append((offset, image))
        return offset

    def finish(self, span: Span, findings: Findings) -> TypeInfo | None:
        """Return the members as a structure, or report that they take too much (ST2014)."""
        if self.end > STATE_BYTES_MAX:
            report_size(self.name, self.end, STATE_BYTES_MAX, span, findings)
            return None
        return TypeInfo(self.structure(), self.image())

    def inherit(self, base: Structure, image: bytes) -> int:
        """Take over the members of a base; return where they begin."""
        start = self.end = align(self.end, max(base.alignment, 1))
        self.end += base.size
        self.alignment = max(self.alignment, base.alignment)
        for item in base.fields:
            owner = item.owner or base.name
            self.fields.append(Field(item.name, start + item.offset, item.type, owner))
        self.parts.append((start, image))
        return start

    def structure(self) -> Structure:
        """Return the members as a structure."""
        size = align(self.end, self.alignment)
        return Structure(self.name, tuple(self.fields), size, self.alignment)

    def image(self) -> bytes:
        """Return the initial bytes."""
        buffer = bytearray(align(self.end, self.alignment))
        for offset, part in self.parts:
            buffer[offset : offset + len(part)] = part
        return bytes(buffer)
