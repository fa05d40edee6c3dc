"""Which bytes of the program's state stand behind each coil and register of a server.

    [[server.range]] table = "input", register = 10, variable = "Main.Level" (REAL at 96, big)
        ->  input 10 is bytes 99 98, input 11 is bytes 97 96 of the state

A table is an array of such places, so that a whole scan frame becomes a table in one NumPy step,
and a read of any length is a slice of it: every value of one response is of one scan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from runtime.artifact.paths import PathError, Paths
from runtime.artifact.program import Area, Symbol
from runtime.datatypes.derived import Array, DataType
from runtime.datatypes.elementary import Elementary, Kind
from runtime.datatypes.scalars import Enumeration, Subrange
from runtime.datatypes.texts import HEADER_BYTES, Text
from runtime.datatypes.values import takes
from runtime.errors import HostError
from runtime.image.commands import Piece
from runtime.image.directory import Directory
from runtime.project.channels import BIT_TABLES, Table
from runtime.project.servers import ModbusServer, ServerRange

_ENTRIES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Value:
    """One elementary value of the state, and where it stands in a table."""

    register: int
    """Its first entry."""
    count: int
    """Entries that it takes."""
    offset: int
    """Its first byte in the state."""
    size: int
    """Bytes in the state."""
    bit: int
    """Bit of that byte, where only it counts; -1 for the whole value."""
    places: tuple[int, ...]
    """Byte of the state for each byte of its registers; -1 for a byte that is 0."""
    is_writable: bool
    is_bool: bool = False
    """Whether only 0 and 1 are values of it."""
    length_at: int = -1
    """Where the length of a string stands in the state, whose characters end there; -1 where none
    does."""
    limited: Subrange | Enumeration | None = None
    """Its type where that does not take all numbers of its width."""


def server_values(server: ModbusServer, directory: Directory) -> dict[Table, tuple[Value, ...]]:
    """Return what stands in each table of a server, sorted by register.

    Raises:
        HostError: Ranges name what the program does not have, or two cover one entry; all of it.
    """
    tables: dict[Table, list[Value]] = {}
    owners: dict[tuple[Table, int], int] = {}
    faults = []
    for number, item in enumerate(server.range):
        try:
            values = list(_values(item, directory))
            _claim(item, number, values, owners)
        except ValueError as error:
            faults.append(f"range[{number}]: {error}")
        else:
            tables.setdefault(item.table, []).extend(values)
    if faults:
        raise HostError(f"server {server.name}: {'; '.join(faults)}")
    return {table: tuple(sorted(values, key=_register)) for table, values in tables.items()}


def _register(value: Value) -> int:
    return value.register


def _claim(
    item: ServerRange, number: int, values: list[Value], owners: dict[tuple[Table, int], int]
) -> None:
    """Note which entries a range fills.

    Raises:
        ValueError: One is another range's, or beyond the last.
    """
    end = values[-1].register + values[-1].count if values else item.register_
    if end > _ENTRIES:
        raise ValueError(f"{item.table} {end - 1}: expected at most {_ENTRIES - 1}")
    entries = [(item.table, entry) for entry in range(item.register_, end)]
    taken = next((entry for entry in entries if entry in owners), None)
    if taken is not None:
        raise ValueError(f"{item.table} {taken[1]}: range[{owners[taken]}] fills it already")
    owners.update(dict.fromkeys(entries, number))


def _values(item: ServerRange, directory: Directory) -> Iterator[Value]:
    register = item.register_
    for part in _stretch(item, directory):
        value = _value(item, register, part)
        yield value
        register += value.count


@dataclass(frozen=True, slots=True)
class _Part:
    """An elementary value in the state."""

    offset: int
    size: int
    bit: int = -1
    is_text: bool = False
    header: int = 0
    """Bytes of the length before a string."""
    is_bool: bool = False
    limited: Subrange | Enumeration | None = None


def _stretch(item: ServerRange, directory: Directory) -> Iterator[_Part]:
    if item.variable is None:
        yield from _area(item, directory)
        return
    symbol = _symbol(item.variable, directory)
    if symbol.is_read_only and item.access == "read-write":
        raise ValueError(f'variable {item.variable}: {symbol.sealed_by}; expected access = "read"')
    for part in _elements(symbol.type, symbol.offset):
        yield replace(part, bit=symbol.bit) if symbol.bit >= 0 else part


def _area(item: ServerRange, directory: Directory) -> Iterator[_Part]:
    address, count = item.address, item.count
    assert address is not None
    assert count is not None
    area: Area = directory.areas[address.area]
    each = max(address.width // 16, 1)
    last = address.bits.start + count // each * address.width
    if last > area.size * 8:
        raise ValueError(
            f"address {address}, count {count}: the program's %{address.area} has {area.size} bytes"
        )
    for number in range(count // each):
        first = address.bits.start + number * address.width
        bit = first % 8 if item.table in BIT_TABLES else -1
        yield _Part(area.offset + first // 8, max(address.width // 8, 1), bit)


def _symbol(path: str, directory: Directory) -> Symbol:
    try:
        return Paths(directory.symbols).find(path)
    except PathError as error:
        raise ValueError(f"variable {error}") from None


def _elements(data_type: DataType, offset: int) -> Iterator[_Part]:
    """Return the elementary values of a type."""
    match data_type:
        case Array(is_packed=True):
            for byte, bit in map(data_type.bit_place, range(data_type.count)):
                yield _Part(offset + byte, 1, bit)
        case Array():
            for number in range(data_type.count):
                yield from _elements(data_type.element, offset + number * data_type.element.size)
        case Text(name="STRING"):
            header = data_type.header
            yield _Part(offset + header, data_type.capacity, is_text=True, header=header)
        case Elementary() if data_type.kind not in {Kind.TEXT, Kind.REFERENCE}:
            limited = data_type if isinstance(data_type, Subrange | Enumeration) else None
            is_bool = data_type.kind is Kind.BOOL
            yield _Part(offset, data_type.size, is_bool=is_bool, limited=limited)
        case _:
            raise ValueError(
                f"a {data_type}: expected a number, bit or STRING, or an array of them"
            )


def _value(item: ServerRange, register: int, part: _Part) -> Value:
    is_writable = item.access == "read-write"
    offset, size = part.offset, part.size
    if item.table in BIT_TABLES:
        if size != 1:
            raise ValueError(f"{item.variable}: expected a BOOL for {item.table}")
        return Value(register, 1, offset, 1, max(part.bit, 0), (), is_writable)
    if part.bit >= 0:
        raise ValueError(f"{item.variable}: expected a coil or discrete input for a bit")
    if part.is_text:  # characters as they come, two a register
        places = [*range(offset, offset + size), *([-1] * (size % 2))]
        count, length_at = len(places) // 2, offset - part.header if part.header else -1
        return Value(
            register, count, offset, size, -1, tuple(places), is_writable, length_at=length_at
        )
    places = [-1] * (size % 2) + [*range(offset + size - 1, offset - 1, -1)]
    if item.word_order == "little":
        pairs = [places[first : first + 2] for first in range(0, len(places), 2)]
        places = [place for pair in reversed(pairs) for place in pair]
    return Value(
        register, len(places) // 2, offset, size, -1, tuple(places), is_writable, part.is_bool,
        limited=part.limited,
    )  # fmt: skip


class RegisterTable:
    """A table of registers: what a frame's state makes of it, and which entries there are."""

    def __init__(self, values: Sequence[Value]) -> None:
        """Prepare for values sorted by register."""
        end = max((value.register + value.count for value in values), default=0)
        places = np.full(2 * end, -1, np.intp)
        for value in values:
            first = 2 * value.register
            places[first : first + 2 * value.count] = value.places
        self._places = places
        self._texts = [value for value in values if value.length_at >= 0]
        self.ends = run_ends(values, end)
        self.packed = b""

    def refresh(self, state: npt.NDArray[np.uint8]) -> None:
        """Take the state of a frame, with a zero byte behind it, which place -1 names."""
        table = state[self._places]
        for text in self._texts:
            header = state[text.length_at : text.length_at + HEADER_BYTES].tobytes()
            length = int.from_bytes(header, "little")
            first = 2 * text.register
            table[first + min(length, text.size) : first + 2 * text.count] = 0
        self.packed = table.tobytes()

    def read(self, address: int, count: int) -> bytes | None:
        """Return registers as bytes; None where one is missing."""
        if address >= len(self.ends) or self.ends[address] < address + count:
            return None
        return self.packed[2 * address : 2 * (address + count)]


class BitTable:
    """A table of bits."""

    def __init__(self, values: Sequence[Value]) -> None:
        """Prepare for values sorted by entry."""
        end = max((value.register + 1 for value in values), default=0)
        self._places = np.full(end, -1, np.intp)
        self._shifts = np.zeros(end, np.uint8)
        for value in values:
            self._places[value.register] = value.offset
            self._shifts[value.register] = value.bit
        self.ends = run_ends(values, end)
        self._bits: npt.NDArray[np.uint8] = np.zeros(end, np.uint8)

    def refresh(self, state: npt.NDArray[np.uint8]) -> None:
        """Take the state of a frame, with a zero byte behind it."""
        self._bits = (state[self._places] >> self._shifts & 1).astype(np.uint8)

    def read(self, address: int, count: int) -> bytes | None:
        """Return bits as bytes; None where one is missing."""
        if address >= len(self.ends) or self.ends[address] < address + count:
            return None
        return np.packbits(self._bits[address : address + count], bitorder="little").tobytes()


def run_ends(values: Sequence[Value], end: int) -> list[int]:
    """Return for each entry below `end` where the unbroken run of entries it is in ends.

    An entry that is missing has 0.
    """
    ends = [0] * end
    run_end = before = end
    for value in reversed(values):
        last = value.register + value.count
        run_end = run_end if last == before else last
        before = value.register
        ends[value.register : last] = [run_end] * value.count
    return ends


class WriteMap:
    """What clients may write: whole values only, so that no number is half new and half old."""

    def __init__(self, values: Sequence[Value]) -> None:
        self._values = {value.register: value for value in values if value.is_writable}

    def pieces(self, address: int, entries: Sequence[int]) -> list[Piece] | None:
        """Return what entries set in the state.

        Args:
            address: First entry that is written.
            entries: Registers, or bits as 0 and 1.

        Returns:
            None where an entry cannot be written, or only a part of a value would be.

        Raises:
            ValueError: A number is beyond the subrange or enumeration of its variable.
        """
        found: list[Piece] = []
        place = 0
        while place < len(entries):
            value = self._values.get(address + place)
            if value is None or place + value.count > len(entries):
                return None
            found.append(_piece(value, entries[place : place + value.count]))
            place += value.count
        return found


def _piece(value: Value, entries: Sequence[int]) -> Piece:
    """Return what the entries of a value make of its bytes."""
    if value.bit >= 0:
        mask = 1 << value.bit
        return Piece(value.offset, bytes((mask if entries[0] else 0,)), mask)
    if value.is_bool:
        return Piece(value.offset, bytes((any(entries),)))
    content = bytearray(value.size)
    packed = b"".join(word.to_bytes(2, "big") for word in entries)
    for place, byte in zip(value.places, packed, strict=True):
        if place >= 0:
            content[place - value.offset] = byte
    if value.length_at < 0:
        if value.limited is not None:
            _check_limits(value.limited, bytes(content))
        return Piece(value.offset, bytes(content))
    text = bytes(content).partition(b"\0")[0]
    header = len(text).to_bytes(HEADER_BYTES, "little")
    return Piece(value.length_at, header + text.ljust(value.size, b"\0"))


def _check_limits(limited: Subrange | Enumeration, content: bytes) -> None:
    """Raise ValueError where a number is none of its type's."""
    number = int.from_bytes(content, "little", signed=limited.is_signed)
    if not takes(limited, number):
        raise ValueError(f"{number}: expected a value of {limited.name}")
