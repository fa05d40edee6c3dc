"""How standard functions and blocks are declared, and the generic types of table 12."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.datatypes.elementary import Elementary, Kind, Scalar

BEYOND: Final = "beyond the standard"
"""The clause of what users expect though the standard has no such thing; their names are free."""

_GENERIC: Final[dict[str, frozenset[Kind]]] = {
    "ANY_REAL": frozenset({Kind.REAL}),
    "ANY_INT": frozenset({Kind.SIGNED, Kind.UNSIGNED}),
    "ANY_NUM": frozenset({Kind.REAL, Kind.SIGNED, Kind.UNSIGNED}),
    "ANY_MAGNITUDE": frozenset({Kind.REAL, Kind.SIGNED, Kind.UNSIGNED, Kind.DURATION}),
    "ANY_DATE": frozenset({Kind.DATE, Kind.TIME_OF_DAY, Kind.DATE_AND_TIME}),
    "ANY_BIT": frozenset({Kind.BITS, Kind.BOOL}),
    "ANY_SHIFTABLE": frozenset({Kind.BITS}),
    "ANY_SWAPPABLE": frozenset({Kind.SIGNED, Kind.UNSIGNED, Kind.BITS}),
    "ANY_ELEMENTARY": frozenset(Kind),
}


def in_generic(generic: str, data_type: Elementary) -> bool:
    """Whether a type belongs to a generic type such as ANY_NUM."""
    return data_type.kind in _GENERIC[generic]


def is_generic(name: str) -> bool:
    """Whether a parameter's type is a generic one."""
    return name in _GENERIC


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of a function: its name, and its type's name, generic or elementary.

    All parameters of the same generic type take the common type of their arguments.
    """

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class StandardFunction:
    """A standard function. `body(type, *values)` works on values of the result's type.

    A native one has a plain body over whole numbers of 64 bits and LREAL, `body(*values)`, which
    numba compiles: it may call functions of its own module, must not raise, and gets unsigned
    values as their bits.
    """

    name: str
    clause: str
    parameters: tuple[Parameter, ...]
    result: str
    """The generic type that the result shares with parameters, or an elementary type's name."""
    body: Callable[..., Scalar]
    extensible: bool = False
    """Whether the last parameter may be repeated (MIN, MAX, MUX)."""
    native: bool = False

    def compute(self, data_type: Elementary, values: Sequence[Scalar]) -> Scalar:
        """Return the function's value on a type, as that type holds it."""
        if self.native:
            return data_type.fit(self.body(*values))
        return data_type.fit(self.body(data_type, *values))


Members = Mapping[str, tuple[Elementary, Scalar]]
"""Name (upper case) to type and initial value."""

Record = Any
"""An instance as a block's body sees it: one attribute a member, in upper case."""


@dataclass(frozen=True, slots=True)
class StandardBlock:
    """A standard function block, or one of a user's written in Python.

    `body(instance, now_ns)` reads and writes members; numba compiles it over the instance's record.
    It must not raise, and may call nothing but arithmetic. Members of type REAL are multiplied by
    1.0 where they enter arithmetic, so that both engines compute in LREAL.
    """

    name: str
    clause: str
    inputs: Members
    outputs: Members
    state: Members
    body: Callable[[Record, int], None]
    other_names: Mapping[str, str] = field(default_factory=dict)
    """Other names of members, as the third edition and CODESYS have for SR and RS."""


def members(**declared: Elementary | tuple[Elementary, Scalar]) -> Members:
    """Declare members as NAME=TYPE or NAME=(TYPE, initial value)."""
    return {
        name: item if isinstance(item, tuple) else (item, item.fit(0))
        for name, item in declared.items()
    }
