"""Strings in the interpreter: a value is its code units, bytes for STRING, else a view."""

import struct
from typing import TYPE_CHECKING, Any, Final, Literal

from runtime.datatypes.texts import HEADER_BYTES, Text, units_of
from runtime.model import program

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.interpret.expressions import Compiler
    from runtime.interpret.machine import Evaluation, Located, Machine

_LENGTH: Final = struct.Struct("<I")
_FORMATS: Final[dict[int, Literal["B", "H", "I"]]] = {1: "B", 2: "H", 4: "I"}


def _view(units: bytes, data_type: Text) -> Any:
    return units if data_type.unit == 1 else memoryview(units).cast(_FORMATS[data_type.unit])


def text_constant(node: program.TextConstant, _: "Compiler") -> "Evaluation":
    """Return the closure of a constant string."""
    value = _view(units_of(node.value, node.type.name), node.type)
    return lambda _machine: value


def text_loader(data_type: Text, located: "Located") -> "Evaluation":
    """Return the closure that reads a string."""
    capacity, unit = data_type.capacity, data_type.unit
    if data_type.is_bare:
        return _bare_loader(capacity, located)

    def read(machine: "Machine") -> Any:
        buffer, offset = machine.memory, located(machine)
        length = min(_LENGTH.unpack_from(buffer, offset)[0], capacity)
        start = offset + HEADER_BYTES
        return _view(bytes(buffer[start : start + length * unit]), data_type)

    return read


def text_storer(data_type: Text, located: "Located") -> "Callable[[Machine, Any], None]":
    """Return the closure that assigns a string; what does not fit is cut."""
    capacity, unit = data_type.capacity, data_type.unit
    if data_type.is_bare:
        return _bare_storer(capacity, located)

    def write(machine: "Machine", value: Any) -> None:
        buffer, offset = machine.memory, located(machine)
        units = bytes(value[:capacity])
        _LENGTH.pack_into(buffer, offset, len(units) // unit)
        start = offset + HEADER_BYTES
        buffer[start : start + len(units)] = units

    return write


def _bare_loader(capacity: int, located: "Located") -> "Evaluation":
    """Return the closure that reads a string at an address, up to the first NUL."""

    def read(machine: "Machine") -> Any:
        start = located(machine)
        return bytes(machine.memory[start : start + capacity]).partition(b"\0")[0]

    return read


def _bare_storer(capacity: int, located: "Located") -> "Callable[[Machine, Any], None]":
    """Return the closure that assigns a string at an address, filled up with NUL."""

    def write(machine: "Machine", value: Any) -> None:
        start = located(machine)
        machine.memory[start : start + capacity] = bytes(value[:capacity]).ljust(capacity, b"\0")

    return write


def call_text(node: program.CallText, compiler: "Compiler") -> "Evaluation":
    """Return the closure of a call of a function of strings."""
    arguments = tuple(
        (compiler.expression(item), isinstance(item.type, Text)) for item in node.arguments
    )
    body, data_type = node.function.body, node.type

    def flat(machine: "Machine") -> list[Any]:
        values: list[Any] = []
        for argument, is_text in arguments:
            value: Any = argument(machine)
            values += (value, len(value)) if is_text else (value,)
        return values

    if not isinstance(data_type, Text):
        return lambda machine: data_type.fit(body(*flat(machine)))
    room, size = data_type.capacity, data_type.capacity * data_type.unit

    def run(machine: "Machine") -> Any:
        memory = bytearray(size)
        out: Any = memoryview(memory).cast(_FORMATS[data_type.unit])
        length = body(out, room, *flat(machine))
        return _view(bytes(memory[: length * data_type.unit]), data_type)

    return run
