"""The syntax tree: what the text says, before any name or type is known. Nodes are immutable."""

from dataclasses import dataclass

from runtime.source import Span
from runtime.syntax.expression_tree import (
    Argument,
    Binary,
    Call,
    Deref,
    Direct,
    Expression,
    Given,
    Index,
    Literal,
    Member,
    Name,
    Null,
    Partial,
    This,
    Unary,
    Wrong,
)

__all__ = [
    "Argument",
    "Binary",
    "Call",
    "Deref",
    "Direct",
    "Expression",
    "Given",
    "Index",
    "Literal",
    "Member",
    "Name",
    "Null",
    "Partial",
    "This",
    "Unary",
    "Wrong",
]

# -- statements ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assign:
    """`target := value;`."""

    span: Span
    target: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class Refer:
    """`target REF= value;`: bind a REFERENCE TO."""

    span: Span
    target: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class Attempt:
    """`target ?= value;`: bind where the instance is of the target's kind, else NULL."""

    span: Span
    target: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class CallStatement:
    """A call on its own."""

    span: Span
    call: Expression


@dataclass(frozen=True, slots=True)
class Branch:
    """`IF condition THEN body` or an ELSIF."""

    span: Span
    condition: Expression
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class If:
    """IF with its ELSIFs and the ELSE body."""

    span: Span
    branches: tuple[Branch, ...]
    otherwise: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a CASE arm, a value or a range `lower..upper`."""

    span: Span
    lower: Expression
    upper: Expression | None


@dataclass(frozen=True, slots=True)
class Arm:
    """`labels: body`."""

    span: Span
    labels: tuple[Label, ...]
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Case:
    """CASE with its arms and the ELSE body."""

    span: Span
    selector: Expression
    arms: tuple[Arm, ...]
    otherwise: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class For:
    """`FOR variable := first TO last BY step DO body`."""

    span: Span
    variable: Expression
    first: Expression
    last: Expression
    step: Expression | None
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class While:
    """WHILE condition DO body."""

    span: Span
    condition: Expression
    body: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """REPEAT body UNTIL condition."""

    span: Span
    body: tuple["Statement", ...]
    condition: Expression


@dataclass(frozen=True, slots=True)
class Jump:
    """EXIT, CONTINUE or RETURN."""

    span: Span
    keyword: str


Statement = Assign | Refer | Attempt | CallStatement | If | Case | For | While | Repeat | Jump

# -- declarations -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedType:
    """A type by its name; `length` of STRING[n] and STRING(n)."""

    span: Span
    name: str
    length: Expression | None = None


@dataclass(frozen=True, slots=True)
class SubrangeType:
    """`base (lower..upper)`."""

    span: Span
    base: NamedType
    lower: Expression
    upper: Expression


@dataclass(frozen=True, slots=True)
class EnumType:
    """`(A, B := 5)`, or `base (A := 1, B := 2)`."""

    span: Span
    base: NamedType | None
    values: tuple[tuple[Name, Expression | None], ...]


@dataclass(frozen=True, slots=True)
class ReferenceType:
    """`REF_TO target`, `REFERENCE TO target` or `POINTER TO target`."""

    span: Span
    style: str
    target: "TypeSpec"


@dataclass(frozen=True, slots=True)
class ArrayType:
    """`ARRAY [lower..upper, …] OF element`; for `ARRAY [*, *]` the ranges are None."""

    span: Span
    ranges: tuple[tuple[Expression, Expression] | None, ...]
    element: "TypeSpec"


@dataclass(frozen=True, slots=True)
class StructType:
    """`STRUCT members END_STRUCT`, or a UNION, whose members overlap."""

    span: Span
    members: tuple["Variable", ...]
    is_union: bool = False
    overlaps: bool = False
    """Whether its members may share bytes: STRUCT OVERLAP."""
    base: NamedType | None = None
    """The structure whose members stand in front: TYPE name EXTENDS base."""


TypeSpec = NamedType | SubrangeType | EnumType | ReferenceType | ArrayType | StructType


@dataclass(frozen=True, slots=True)
class ArrayInit:
    """`[1, 2, 3(0)]`: items with how often each is repeated."""

    span: Span
    items: tuple[tuple[Expression | None, "Initial"], ...]


@dataclass(frozen=True, slots=True)
class StructInit:
    """`(a := 1, b := 2)`."""

    span: Span
    members: tuple[tuple[Name, "Initial"], ...]


Initial = Expression | ArrayInit | StructInit


@dataclass(frozen=True, slots=True)
class Variable:
    """One declared name."""

    span: Span
    name: str
    type: TypeSpec
    initial: Initial | None
    address: Direct | None
    edge: str = ""
    """R_EDGE or F_EDGE of an input, in upper case."""
    path: Expression | None = None
    """What an entry of VAR_ACCESS makes known under its name."""
    direction: str = ""
    """READ_ONLY or READ_WRITE of such an entry, in upper case."""


@dataclass(frozen=True, slots=True)
class VarBlock:
    """One VAR section: its keyword and qualifiers in upper case."""

    span: Span
    section: str
    qualifiers: tuple[str, ...]
    variables: tuple[Variable, ...]


# -- bodies in IL and SFC ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of IL: `label: operator operands`, operators and modifiers in upper case.

    `ADD( x … )` holds what stands in its parentheses in `inner`, the operand as a first LD.
    CAL and a call with named arguments have the call as their one operand. An operator of no
    letters carries labels at the end of the list.
    """

    span: Span
    labels: tuple[Name, ...]
    operator: str
    operands: tuple[Expression, ...]
    inner: tuple["Instruction", ...] | None = None


@dataclass(frozen=True, slots=True)
class InstructionList:
    """A body in IL."""

    span: Span
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Association:
    """`action(qualifier, time, indicators)` in a step; the qualifier in upper case."""

    span: Span
    action: Expression
    qualifier: str
    time: Expression | None
    indicators: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A step with its action blocks."""

    span: Span
    name: Name
    initial: bool
    associations: tuple[Association, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """`TRANSITION name (PRIORITY := n) FROM sources TO targets := condition;`."""

    span: Span
    name: Name | None
    priority: int | None
    sources: tuple[Name, ...]
    targets: tuple[Name, ...]
    condition: Expression | InstructionList


@dataclass(frozen=True, slots=True)
class Action:
    """`ACTION name: body END_ACTION`; the body in ST, else in IL or SFC as `notation`."""

    span: Span
    name: Name
    body: tuple[Statement, ...]
    notation: "Notation | None"


@dataclass(frozen=True, slots=True)
class Chart:
    """A body in SFC."""

    span: Span
    steps: tuple[Step, ...]
    transitions: tuple[Transition, ...]
    actions: tuple[Action, ...]


Notation = InstructionList | Chart


@dataclass(frozen=True, slots=True)
class Heritage:
    """What a class extends (one base; several for an interface) and implements."""

    bases: tuple[Name, ...] = ()
    interfaces: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Pou:
    """A program organisation unit.

    `kind` is PROGRAM, FUNCTION, FUNCTION_BLOCK, CLASS, INTERFACE or METHOD.
    """

    span: Span
    kind: str
    name: Name
    result: TypeSpec | None
    blocks: tuple[VarBlock, ...]
    body: tuple[Statement, ...]
    notation: Notation | None = None
    """The body where it is in IL or SFC; `body` is empty then."""
    modifiers: tuple[str, ...] = ()
    """PUBLIC, ABSTRACT, FINAL, OVERRIDE and their kind, in upper case."""
    heritage: Heritage = Heritage()
    methods: tuple["Pou", ...] = ()
    within: tuple[str, ...] = ()
    """The namespaces in which its names are looked up, the nearest first."""


@dataclass(frozen=True, slots=True)
class TypeDeclaration:
    """One name of a TYPE section."""

    span: Span
    name: Name
    type: TypeSpec
    initial: Initial | None
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskDeclaration:
    """`TASK name(INTERVAL := …, PRIORITY := …);` with its properties as written."""

    span: Span
    name: Name
    properties: tuple[tuple[Name, Expression], ...]


@dataclass(frozen=True, slots=True)
class ProgramInstance:
    """`PROGRAM RETAIN name WITH task : type(connections);`."""

    span: Span
    name: Name
    task: Name | None
    type: Name
    connections: tuple[Argument, ...]
    retention: str = ""
    """RETAIN or NON_RETAIN, where it is said."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A RESOURCE with its tasks and program instances; its variables join the configuration's."""

    span: Span
    name: Name
    tasks: tuple[TaskDeclaration, ...]
    programs: tuple[ProgramInstance, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A CONFIGURATION; `blocks` holds VAR_GLOBAL, VAR_CONFIG and VAR_ACCESS sections."""

    span: Span
    name: Name
    blocks: tuple[VarBlock, ...]
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """What one source declares, in its order."""

    pous: tuple[Pou, ...]
    types: tuple[TypeDeclaration, ...]
    globals: tuple[VarBlock, ...]
    configurations: tuple[Configuration, ...] = ()
    internal: tuple[str, ...] = ()
    """Full names of the namespaces declared INTERNAL."""
