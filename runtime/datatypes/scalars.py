"""Derived types whose values are single numbers: enumerations, subranges, references (6.4.4).

They are elementary types to all who move values about; what differs is what they print, which
values they take, and what they refer to.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runtime.datatypes.elementary import Elementary, Kind

if TYPE_CHECKING:
    from runtime.datatypes.derived import DataType


@dataclass(frozen=True, slots=True)
class Enumeration(Elementary):
    """An enumeration: values by name, held in an integer of `bits`."""

    base: Elementary
    """The type that holds the values."""
    values: tuple[tuple[str, int], ...]
    """Names in upper case with their values, in the order of declaration."""

    @property
    def is_signed(self) -> bool:
        """Whether values can be negative."""
        return self.base.is_signed

    @property
    def format(self) -> str:
        """The code of `struct` for one value in memory."""
        return self.base.format

    def value_of(self, name: str) -> int | None:
        """Return the value of a name (any case), or None."""
        key = name.upper()
        return next((value for item, value in self.values if item == key), None)

    def name_of(self, value: int) -> str | None:
        """Return the name of a value, or None where it has none."""
        return next((item for item, number in self.values if number == value), None)


def enumeration(name: str, base: Elementary, values: tuple[tuple[str, int], ...]) -> Enumeration:
    """Return the enumeration of a name over an integer or bit string type."""
    return Enumeration(name, Kind.ENUM, base.bits, base.plain, values)


@dataclass(frozen=True, slots=True)
class Subrange(Elementary):
    """An integer type with bounds; a value outside is the fault `subrange` where it is stored."""

    base: Elementary
    lower: int
    upper: int

    @property
    def plain(self) -> Elementary:
        """The integer type that values are computed in."""
        return self.base


def subrange(base: Elementary, lower: int, upper: int) -> Subrange:
    """Return a subrange of an integer type."""
    name = f"{base.name} ({lower}..{upper})"
    return Subrange(name, base.kind, base.bits, base, lower, upper)


@dataclass(frozen=True, slots=True)
class Reference(Elementary):
    """A reference: the offset in the state of what it refers to, 0 for none.

    Being an offset it stays right when the state is copied, and cannot leave the state.
    """

    target: "DataType | None" = field(compare=False)
    """What it refers to; None for a named type, which is looked up when it is needed."""
    style: str = field(default="REF_TO")
    """REF_TO, REFERENCE TO or POINTER TO: how it is spelt, and whether a name means its target."""

    @property
    def target_name(self) -> str:
        """Name of what it refers to, in upper case."""
        return self.name[len(self.style) + 1 :].upper()


def reference(target: "DataType | str", style: str) -> Reference:
    """Return the type of references to a type, or to one of that name."""
    known = None if isinstance(target, str) else target
    return Reference(f"{style} {target}", Kind.REFERENCE, 64, known, style)


NULL: Final = Reference("NULL", Kind.REFERENCE, 64, None, "NULL")
"""The type of NULL, which every reference can take."""
