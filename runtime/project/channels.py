"""[[io]]: the channels of devices, tied to addresses of the process image."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, Tag

from runtime.project.opcua import NodeText
from runtime.project.section import Name, Section
from runtime.project.units import Address, AddressField, DurationNs
from runtime.project.values import ValueKind, to_raw
from runtime.project.virtual import Signal

Table = Literal["coil", "discrete", "input", "holding"]
Order = Literal["big", "little"]
BIT_TABLES: Final = frozenset({"coil", "discrete"})


class IoBase(Section):
    """What every channel has, whatever the protocol of its device.

    The address fixes direction and width: %I is read, %Q is written.
    """

    address: AddressField
    device: Name
    poll: Annotated[DurationNs, Field(ge=1_000_000)] | None = None
    """Period of reading it; unset takes the device's. Channels of one period are read together."""
    substitute: Literal["hold", "default", "fault"] = "hold"
    """What the program sees of an input whose source is bad or stale; "fault" ends it."""
    default: int | float | bool = 0
    """Value of an input under `substitute = "default"`."""
    safe: int | float | bool = 0
    """Value of an output while the program is stopped or faulted."""
    quality: AddressField | None = None
    """Byte of %I that tells the program an input's quality, as a number of `layout.Quality`."""
    age: AddressField | None = None
    """32 bits of %I that tell the age of its sample in ms; all ones where there is none."""

    @property
    def kind(self) -> ValueKind:
        """How the program's bits at the address are meant."""
        return ValueKind.UNSIGNED

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses that the channel fills."""
        return (self.address,)

    @property
    def telling(self) -> dict[str, tuple[Address, ...]]:
        """The addresses that tell quality and age, by the key that names the first."""
        return self._telling(1)

    def _telling(self, channels: int) -> dict[str, tuple[Address, ...]]:
        given = {"quality": self.quality, "age": self.age}
        return {
            key: tuple(first.neighbour(number) for number in range(channels))
            for key, first in given.items()
            if first is not None
        }

    @property
    def default_raw(self) -> int:
        """The substitute value as raw word."""
        return to_raw(self.default, self.kind, self.address.width)

    @property
    def safe_raw(self) -> int:
        """The safe value as raw word."""
        return to_raw(self.safe, self.kind, self.address.width)


class Scale(Section):
    """A straight line: the program's value is `factor` times the device's plus `offset`."""

    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class RegisterType:
    """A type of values over registers."""

    registers: int
    kind: ValueKind

    @property
    def bits(self) -> int:
        """Bits of a value."""
        return 16 * self.registers


TypeName = Literal[
    "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string"
]
NUMBER_TYPES: Final[dict[str, RegisterType]] = {
    "int16": RegisterType(1, ValueKind.SIGNED),
    "uint16": RegisterType(1, ValueKind.UNSIGNED),
    "int32": RegisterType(2, ValueKind.SIGNED),
    "uint32": RegisterType(2, ValueKind.UNSIGNED),
    "int64": RegisterType(4, ValueKind.SIGNED),
    "uint64": RegisterType(4, ValueKind.UNSIGNED),
    "float32": RegisterType(2, ValueKind.REAL),
    "float64": RegisterType(4, ValueKind.REAL),
}
PART_BYTES: Final = 8
"""Characters of a string in each of its 64-bit addresses."""

_REFERENCE: Final = re.compile(r"([0134])(\d{4}|\d{5})")
_REFERENCE_TABLES: Final[dict[str, Table]] = {
    "0": "coil",
    "1": "discrete",
    "3": "input",
    "4": "holding",
}


class ModbusIo(IoBase):
    """A channel of a Modbus device.

    With `table`, `register` counts as the device's `address_base` says. Without it `register` is a
    reference such as 40001: the first digit names the table (0 coil, 1 discrete, 3 input,
    4 holding), the other four or five count from 1.
    """

    table: Table | None = None
    register_: Annotated[int, Field(ge=0, le=465_536, alias="register")]
    type: TypeName | None = None
    """Type of the value in the registers; unset takes as many registers as the address has bits."""
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    """Bit of a register, 0 the least significant; with type "bool"."""
    count: Annotated[int, Field(ge=1, le=65_536)] = 1
    """Neighbouring channels of one kind: each has the next address and the next place."""
    length: Annotated[int, Field(ge=1, le=246)] | None = None
    """Characters of a string, two a register."""
    word_order: Order | None = None
    """"big" has the most significant register first; unset takes the device's."""
    byte_order: Order | None = None
    """"big" has the most significant byte of a register first; unset takes the device's."""
    scale: Scale | None = None
    """A straight line to the REAL or LREAL at the address."""

    @property
    def place(self) -> tuple[Table, int] | None:
        """Table and number (from the device's base, or from 1), None where there is none."""
        if self.table is not None:
            return self.table, self.register_
        match = _REFERENCE.fullmatch(f"{self.register_:05d}")
        number = int(match[2]) if match else 0
        if match is None or not 1 <= number <= 65_536:  # noqa: PLR2004
            return None
        return _REFERENCE_TABLES[match[1]], number

    def offset(self, address_base: int) -> int:
        """Return the number of its bit or first register in the frame, from 0."""
        assert self.place is not None
        return self.place[1] - (address_base if self.table is not None else 1)

    @property
    def is_bit(self) -> bool:
        """Whether it is in one of the tables of bits."""
        return self.place is not None and self.place[0] in BIT_TABLES

    @property
    def span(self) -> int:
        """Registers (or bits of a bit table) that it takes, all `count` channels together."""
        if self.bit is not None and not self.is_bit:
            return -(-(self.bit + self.count) // 16)
        return self.registers * self.count

    @property
    def registers(self) -> int:
        """Registers (or bits of a bit table) that one of its channels takes."""
        if self.type == "string":
            return -(-(self.length or 0) // 2)
        if self.type in NUMBER_TYPES:
            return NUMBER_TYPES[self.type].registers
        return max(self.address.width // 16, 1)

    @property
    def kind(self) -> ValueKind:
        """How the program's bits at the address are meant."""
        if self.scale is not None:
            return ValueKind.REAL
        return NUMBER_TYPES[self.type].kind if self.type in NUMBER_TYPES else ValueKind.UNSIGNED

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses that it fills: `count`, or one for every eight characters of a string."""
        parts = -(-(self.length or 1) // PART_BYTES) if self.type == "string" else self.count
        return tuple(self.address.neighbour(part) for part in range(parts))

    @property
    def telling(self) -> dict[str, tuple[Address, ...]]:
        """The addresses that tell quality and age: one each for every one of its channels."""
        return self._telling(self.count)

    def channel(self, number: int, address_base: int) -> "ModbusIo":
        """Return one of its `count` channels, the first is 0, with a table of its own."""
        assert self.place is not None
        bits = (self.bit or 0) + number
        step = bits // 16 if self.bit is not None else number * self.registers
        return self.model_copy(
            update={
                "address": self.address.neighbour(number),
                "table": self.place[0],
                "register_": self.offset(address_base) + address_base + step,
                "bit": None if self.bit is None else bits % 16,
                "count": 1,
                "quality": None if self.quality is None else self.quality.neighbour(number),
                "age": None if self.age is None else self.age.neighbour(number),
            }
        )


class StringPart(ModbusIo):
    """Eight characters of a string; a file has the whole, which `parts` cuts up."""

    part: int
    """Number of the part, from 0."""


_PLAIN_BITS: Final = {
    "bool": 1, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32,
    "int64": 64, "uint64": 64, "float32": 32, "float64": 64,
}  # fmt: skip
PlainTypeName = Literal[
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    "float32", "float64",
]  # fmt: skip


class TypedIo(IoBase):
    """A channel whose type has as many bits as the address."""

    type: PlainTypeName | None = None
    """Unset takes any of the address's width, as unsigned where its number matters."""

    @property
    def kind(self) -> ValueKind:
        """How the program's bits at the address are meant."""
        if self.type in {"float32", "float64"}:
            return ValueKind.REAL
        is_signed = self.type is not None and self.type.startswith("int")
        return ValueKind.SIGNED if is_signed else ValueKind.UNSIGNED

    @property
    def type_bits(self) -> int:
        """Bits of the type, or of the address where there is none."""
        return self.address.width if self.type is None else _PLAIN_BITS[self.type]


class OpcUaIo(TypedIo):
    """A channel of an OPC UA server: a node; `poll` is its sampling interval."""

    node: NodeText
    deadband: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Least change of a number that the server tells."""


class VirtualIo(TypedIo):
    """A channel of a virtual device: what a generator gives, or a terminal."""

    signal: Signal | None = None
    terminal: Name | None = None
    """A terminal of the device's plant; else an input is what the output of that name is."""


def _io_kind(table: object) -> str:
    """Return which class reads a table: the one whose keys it has."""
    if not isinstance(table, dict):
        return next(kind for kind, model in IO_KINDS.items() if isinstance(table, model))
    if "node" in table:
        return "opcua-io"
    return "virtual-io" if {"signal", "terminal"} & table.keys() else "modbus-io"


IO_KINDS: Final[dict[str, type[IoBase]]] = {
    "modbus-io": ModbusIo,
    "opcua-io": OpcUaIo,
    "virtual-io": VirtualIo,
}
"""The class of each kind of channel."""

IoSection = Annotated[
    Annotated[ModbusIo, Tag("modbus-io")]
    | Annotated[OpcUaIo, Tag("opcua-io")]
    | Annotated[VirtualIo, Tag("virtual-io")],
    Discriminator(_io_kind),
]
"""Every kind of channel; a further one joins here and in `IO_KINDS`."""


def parts(entry: IoSection, address_base: int) -> Iterator[IoSection]:
    """Return a channel as the entries of the image that it makes.

    Args:
        entry: The channel; nothing is wrong with it.
        address_base: Of its device.
    """
    if not isinstance(entry, ModbusIo):
        yield entry
        return
    if entry.type != "string":
        yield from (
            entry.channel(number, address_base) if entry.count > 1 else entry
            for number in range(entry.count)
        )
        return
    fields = entry.model_dump(by_alias=True) | {"default": 0, "safe": 0}
    for number, address in enumerate(entry.addresses):
        first = {"quality": entry.quality, "age": entry.age}
        telling = first if number == 0 else {"quality": None, "age": None}
        own = {"address": address, "part": number, **telling}
        yield StringPart.model_construct(**(fields | own))
