"""The nodes of the typed model, which both engines read: code generation and the interpreter.

Nothing is left to decide here: operands of an operator have one type, a place is a base, a constant
offset and index steps, a call names its routine. Nodes are immutable.
"""

import enum
from dataclasses import dataclass, field

from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Retained
from runtime.artifact.units import Unit
from runtime.datatypes.derived import DataType, Structure
from runtime.datatypes.elementary import Elementary, Scalar
from runtime.datatypes.scalars import Reference
from runtime.datatypes.texts import Text
from runtime.model.numbered import NumberedCall
from runtime.source import Span
from runtime.stdlib.declare import StandardBlock, StandardFunction
from runtime.stdlib.text import TextFunction


class Base(enum.Enum):
    """What the offset of a place counts from."""

    STATE = "state"
    """The state block: globals and located variables."""
    SELF = "self"
    """The instance that the routine runs on."""
    LOCAL = "local"
    """A variable of the function call, number `local`."""
    REFERENCE = "reference"
    """What the reference at `pointer` refers to."""


@dataclass(frozen=True, slots=True)
class Step:
    """One index: it adds (index - lower) * stride bytes; outside lower..upper it is a fault."""

    index: "Expression"
    lower: int
    upper: int
    stride: int
    site: int


@dataclass(frozen=True, slots=True)
class DynamicStep:
    """One index into an array whose bounds come with it: ARRAY [*]."""

    index: "Expression"
    lower: "Expression"
    upper: "Expression"
    stride: "Expression"
    site: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands."""

    base: Base
    offset: int
    type: DataType
    steps: tuple[Step | DynamicStep, ...] = ()
    local: int = -1
    bit: int = -1
    """Bit number in the byte at the offset, for a located BOOL; else -1."""
    bit_steps: tuple[Step, ...] = ()
    """Indices into an array of BOOL at an address: their strides count bits, from `bit` on."""
    owner: str = ""
    """Name of the variable or member this is (part of); places of different owners never overlap.
    Empty where they may: located variables, unions, what references refer to."""
    pointer: "Place | None" = None
    """Where the reference stands, for a REFERENCE place."""
    site: int = -1
    """Fault site of a reference that may be null."""
    bounds: tuple[tuple["Expression", "Expression"], ...] = ()
    """The bounds that come with an ARRAY [*], of type LINT."""


# -- expressions: each has `type` ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known at compile time. `untyped` ones (42, 1.5) take their context's type."""

    type: Elementary
    value: Scalar
    untyped: bool = False


@dataclass(frozen=True, slots=True)
class TextConstant:
    """A string known at compile time."""

    type: Text
    value: str


@dataclass(frozen=True, slots=True)
class Load:
    """The value at a place of an elementary type."""

    type: Elementary
    place: Place


@dataclass(frozen=True, slots=True)
class AddressOf:
    """A reference to a place; as an argument also an array or structure that is handed over."""

    type: Elementary
    place: Place


@dataclass(frozen=True, slots=True)
class Convert:
    """A conversion between elementary types (`arithmetic.convert`)."""

    type: Elementary
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Negate:
    """Unary minus."""

    type: Elementary
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Invert:
    """NOT: logical for BOOL, bitwise otherwise."""

    type: Elementary
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Operate:
    """A binary operator on two operands of `operand_type`; comparisons have type BOOL."""

    type: Elementary
    operator: str
    operand_type: Elementary
    left: "Expression"
    right: "Expression"
    site: int = -1
    """Fault site of an integer division."""


@dataclass(frozen=True, slots=True)
class ShortCircuit:
    """AND_THEN and OR_ELSE."""

    type: Elementary
    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class CallStandard:
    """A standard function; `type` is its result's, arguments have their parameters' types."""

    type: Elementary
    function: StandardFunction
    arguments: tuple["Expression", ...]
    is_free: bool = False
    """Whether its type follows from untyped constants alone, so that the context may change it."""


@dataclass(frozen=True, slots=True)
class CallText:
    """A function of strings; numbers among its arguments are of type LINT or LREAL."""

    type: Elementary
    function: TextFunction
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reference to an instance, or 0 where the instance is of none of some classes."""

    type: Reference
    operand: "Expression"
    classes: tuple[int, ...]
    """The numbers that such instances begin with."""


@dataclass(frozen=True, slots=True)
class CallFunction:
    """A user's function; arguments stand for its first locals, in their order.

    An input of array or structure type and a VAR_IN_OUT are given by `AddressOf`.
    """

    span: Span = field(compare=False)
    type: Elementary
    """Type of the result; of no meaning where the function has none or an aggregate one."""
    routine: str
    arguments: tuple["Expression", ...]
    outputs: tuple[tuple[int, Place], ...] = ()
    """Pairs of a local's number (an output, or an aggregate result) and the place that takes it."""
    instance: Place | None = None
    """What a method runs on."""
    targets: tuple[tuple[int, str], ...] = ()
    """Pairs of a class's number and its method, where the instance's class decides which it is."""
    site: int = -1
    """Fault site of an instance that is of none of them."""
    inverted: frozenset[int] = frozenset()
    """Locals among the outputs, of type BOOL, of which the place takes the opposite."""


Expression = (
    Constant | Load | AddressOf | Convert | Negate | Invert | Operate | ShortCircuit |
    CallStandard | CallFunction | Attempt | TextConstant | CallText
)  # fmt: skip

# -- statements ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assign:
    """Store a value of the place's type; `site` is the fault site of a subrange's bounds."""

    span: Span
    target: Place
    value: Expression
    site: int = -1


@dataclass(frozen=True, slots=True)
class CopyBytes:
    """Assign a whole array or structure; packed arrays of BOOL and others mix."""

    span: Span
    target: Place
    source: Place


@dataclass(frozen=True, slots=True)
class Evaluate:
    """A function called for what it does to its outputs."""

    span: Span
    call: CallFunction | CallStandard


@dataclass(frozen=True, slots=True)
class Spread:
    """Evaluate a time once and store functions of it, whole numbers, in places (SPLIT_DT)."""

    span: Span
    value: Expression
    parts: tuple[tuple[StandardFunction, Place], ...]


@dataclass(frozen=True, slots=True)
class Require:
    """The fault at `site` where the condition does not hold: ASSERT."""

    span: Span
    condition: Expression
    site: int


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call a function block instance: inputs, body, outputs."""

    span: Span
    routine: str
    standard: StandardBlock | None
    instance: Place
    inputs: tuple["Assign | CopyBytes", ...]
    outputs: tuple["Assign | CopyBytes", ...]


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with their bodies, and the ELSE body."""

    span: Span
    branches: tuple[tuple[Expression, tuple["Statement", ...]], ...]
    otherwise: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Arms with their ranges of whole values (lower, upper), and the ELSE body."""

    span: Span
    selector: Expression
    arms: tuple[tuple[tuple[tuple[int, int], ...], tuple["Statement", ...]], ...]
    otherwise: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class For:
    """Count from `first` to `last`; limits and step are evaluated once, `step` is constant or not.

    The control variable and all limits have one integer type. Afterwards the variable holds the
    first value beyond the limit, wrapped; the loop ends there too.
    """

    span: Span
    variable: Place
    first: Expression
    last: Expression
    step: Expression
    body: tuple["Statement", ...]
    site: int
    is_counted: bool = False
    """Whether all turns are charged to the loop budget when it begins (`model.loops`)."""
    inner_turns: int = 0
    """Turns of counted loops inside that are charged with each turn of this one."""
    is_prepaid: bool = False
    """Whether the loop around is charged for this one."""


@dataclass(frozen=True, slots=True)
class While:
    """Repeat while the condition holds; `test_first` is False for REPEAT (until it holds)."""

    span: Span
    condition: Expression
    body: tuple["Statement", ...]
    test_first: bool
    site: int


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the innermost loop."""

    span: Span


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with the innermost loop's next turn."""

    span: Span


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the routine."""

    span: Span


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go on with block number `block` of the `Blocks` around; `site` is -1 where it lies ahead.

    A jump back counts against the loop budget. No loop stands between the two.
    """

    span: Span
    block: int
    site: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """Statements cut where jumps arrive, numbered from `first`; each runs on into the next.

    A jump to the number behind the last one leaves them.
    """

    span: Span
    first: int
    blocks: tuple[tuple["Statement", ...], ...]


Statement = (
    Assign | CopyBytes | Evaluate | Spread | Require | Invoke | If | Case | For | While | Exit
    | Continue | Return | GoTo | Blocks
)  # fmt: skip

# -- routines and the whole -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Local:
    """A variable of a function call and its initial bytes."""

    name: str
    type: DataType
    initial: bytes
    by_reference: bool = False
    """Whether it is a VAR_IN_OUT: it holds where its variable stands."""


@dataclass(frozen=True, slots=True)
class Routine:
    """The code of a program, function block or function.

    A function's first `inputs` locals are its inputs and in-outs; `result` is the local that it
    returns, and `outputs` are the locals that it gives besides.
    Programs and blocks have an `instance` structure; `temporaries` are reset before each call.
    """

    name: str
    span: Span
    instance: Structure | None
    locals: tuple[Local, ...]
    inputs: int
    result: int
    outputs: tuple[int, ...]
    temporaries: tuple[tuple[Place, bytes], ...]
    body: tuple[Statement, ...]
    is_method: bool = False
    """Whether a function runs on an instance."""
    title: str = ""
    """Its name as declared, behind that of its class: `FB_Mixer.Stir`."""

    def given(self) -> tuple[int, ...]:
        """Return the locals that a call gives back: the result if there is one, the outputs."""
        return self.outputs if self.result < 0 else (self.result, *self.outputs)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that users can name, for the symbol table."""

    path: str
    place: Place
    direction: str = ""
    """READ_ONLY or READ_WRITE of a name that VAR_ACCESS gives, CONSTANT of a constant."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A program instance: its name, its routine, its place in the state.

    `before` and `after` are the assignments that connect its inputs and outputs.
    """

    name: str
    routine: str
    offset: int
    before: tuple[Statement, ...]
    after: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """Instances of a RESOURCE that run together, in this order."""

    name: str
    interval_ns: int
    """Period; 0 runs in every base cycle, unless `single` says when."""
    priority: int
    single: Place | None
    """A BOOL whose rising edge releases the task."""
    instances: tuple[Instance, ...]
    resource: str = ""


@dataclass(frozen=True, slots=True)
class FaultSite:
    """Where in the source a fault can occur."""

    kind: FaultKind
    span: Span
    routine: str = ""
    """Name of the routine whose body it stands in, as declared."""
    allowed: str = ""
    """What an index or a value may be, `1..3`, where the sources tell."""


@dataclass(frozen=True, slots=True)
class Model:
    """A whole checked program; `initial_references` lead to these offsets from the start."""

    routines: dict[str, Routine]
    """By name in upper case; a routine stands behind those that it calls."""
    tasks: tuple[Task, ...]
    variables: tuple[Variable, ...]
    initial_state: bytes
    inputs: tuple[int, int]
    """Offset and size of the area %I in the state; likewise for the next two."""
    outputs: tuple[int, int]
    memory: tuple[int, int]
    sites: tuple[FaultSite, ...]
    retained: tuple[Retained, ...] = ()
    """In the order of their places."""
    initial_references: tuple[int, ...] = ()
    units: tuple[Unit, ...] = ()
    """Which variables of programs and blocks stand in which section."""
    ways: dict[str, tuple[NumberedCall, ...]] = field(default_factory=dict)
    """The calls of each routine that a task reaches, by its name."""
