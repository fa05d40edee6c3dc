"""Types made of others: arrays and structures, with their layout in memory.

A function block's instance is a structure too, so that one description serves the compiled code,
the interpreter, the monitor and the process image.
"""

from dataclasses import dataclass, replace
from typing import Final

from runtime.datatypes.elementary import Elementary
from runtime.datatypes.texts import Text


@dataclass(frozen=True, slots=True)
class Field:
    """One member: its name as declared, in upper case, its offset in bytes, its type."""

    name: str
    offset: int
    type: "DataType"
    owner: str = ""
    """The structure that declared it, where a derived one inherited it."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A sequence of members at fixed offsets, laid out as C does."""

    name: str
    fields: tuple[Field, ...]
    size: int
    alignment: int
    is_union: bool = False

    def field(self, name: str) -> Field | None:
        """Return the member of that name (in upper case), or None."""
        return next((item for item in self.fields if item.name == name), None)

    def __str__(self) -> str:
        """Return the type's name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Array:
    """Elements in row-major order; `bounds` holds (lower, upper), both inclusive."""

    bounds: tuple[tuple[int, int], ...]
    element: "DataType"
    first_bit: int = -1
    """Of an array of BOOL at an address, whose elements are single bits one behind another, the
    number of the first one in its byte; else -1."""

    @property
    def is_packed(self) -> bool:
        """Whether its elements are single bits."""
        return self.first_bit >= 0

    @property
    def count(self) -> int:
        """Number of elements."""
        total = 1
        for lower, upper in self.bounds:
            total *= upper - lower + 1
        return total

    @property
    def size(self) -> int:
        """Bytes in memory."""
        if self.is_packed:
            return -(-(self.first_bit + self.count) // 8)
        return self.count * self.element.size

    @property
    def alignment(self) -> int:
        """Bytes that the offset in memory is a multiple of."""
        return self.element.alignment

    def __str__(self) -> str:
        """Return the type as declared, and that it is packed."""
        bounds = ", ".join(f"{lower}..{upper}" for lower, upper in self.bounds)
        told = f"ARRAY [{bounds}] OF {self.element}"
        return f"{told} at an address" if self.is_packed else told

    def bit_place(self, number: int) -> tuple[int, int]:
        """Return byte and bit of an element, counted from 0, of a packed array."""
        return divmod(self.first_bit + number, 8)


@dataclass(frozen=True, slots=True)
class OpenArray:
    """`ARRAY [*] OF element`: an array of any bounds, which a VAR_IN_OUT takes over with them."""

    dimensions: int
    element: "DataType"
    size: int = 0
    alignment: int = 1

    def __str__(self) -> str:
        """Return the type as declared."""
        return f"ARRAY [{', '.join('*' * self.dimensions)}] OF {self.element}"


DataType = Elementary | Structure | Array | OpenArray

UNKNOWN: Final = Structure("?", (), 0, 1)
"""Stands in for the type of a variable whose declaration is wrong; its uses are not reported."""


def plain_form(data_type: DataType) -> DataType:
    """Return a type as it lies in memory where no address says otherwise."""
    if isinstance(data_type, Array):
        return replace(data_type, first_bit=-1) if data_type.is_packed else data_type
    return data_type.plain if isinstance(data_type, Text) else data_type


def align(offset: int, alignment: int) -> int:
    """Return the least multiple of `alignment` that is not below `offset`."""
    return -(-offset // alignment) * alignment


def lay_over(name: str, members: list[tuple[str, DataType]]) -> Structure:
    """Give every member offset 0, as a UNION has them."""
    fields = tuple(Field(member, 0, data_type) for member, data_type in members)
    alignment = max((item.alignment for _, item in members), default=1)
    size = align(max((item.size for _, item in members), default=0), alignment)
    return Structure(name, fields, size, alignment, is_union=True)
