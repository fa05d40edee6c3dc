"""The expressions of the syntax tree; `tree` shows them beside all other nodes."""

from dataclasses import dataclass

from runtime.source import Span


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, function, type or value by its name."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`object.name`."""

    span: Span
    object: "Expression"
    name: str


@dataclass(frozen=True, slots=True)
class Partial:
    """`object.%X3`, `object.%B1` or `object.3`: a part of a bit string."""

    span: Span
    object: "Expression"
    width: int
    """Bits: 1, 8, 16 or 32."""
    number: int


@dataclass(frozen=True, slots=True)
class Deref:
    """`object^`: what a reference refers to."""

    span: Span
    object: "Expression"


@dataclass(frozen=True, slots=True)
class This:
    """`THIS`, or `SUPER`: the instance that runs, as its own or as its base's."""

    span: Span
    is_super: bool


@dataclass(frozen=True, slots=True)
class Null:
    """`NULL`, the reference to nothing."""

    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`object[i, j]`."""

    span: Span
    object: "Expression"
    indices: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal as spelt; `text` with its type prefix, if any."""

    span: Span
    kind: str
    """integer, real, typed, bool or string."""
    text: str


@dataclass(frozen=True, slots=True)
class Direct:
    """A directly represented variable: `%IX0.3`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `NOT x`."""

    span: Span
    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; the operator in upper case, & as AND."""

    span: Span
    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: `value`, `name := value`, or `name => value` (an output)."""

    span: Span
    name: str | None
    value: "Expression | None"
    is_output: bool
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """`callee(arguments)`."""

    span: Span
    callee: "Expression"
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Wrong:
    """An expression that could not be read; it was reported where it stands."""

    span: Span


@dataclass(frozen=True, slots=True)
class Given:
    """A value that is worked out already, such as the current result of IL; no text spells it."""

    span: Span
    value: object


Expression = (
    Name
    | Member
    | Partial
    | Deref
    | Null
    | This
    | Index
    | Literal
    | Direct
    | Unary
    | Binary
    | Call
    | Wrong
    | Given
)
