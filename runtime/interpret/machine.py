"""What an interpreted scan works on: one block of memory and the instance that runs.

The variables of function calls stand behind the state in the same block, each routine's at a fixed
place: without recursion a routine has at most one call under way. So every place is one offset, and
a reference to a function's variable is no different from another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any, cast

from runtime.datatypes.derived import Array, DataType
from runtime.datatypes.elementary import Elementary, Kind, Scalar
from runtime.datatypes.texts import Text
from runtime.datatypes.values import pack_bits, packer, unpack_bits
from runtime.interpret.texts import text_loader, text_storer
from runtime.model.program import Base, DynamicStep, Place, Step

if TYPE_CHECKING:
    from runtime.source import Span


class ProgramFault(Exception):  # noqa: N818 - a fault of the interpreted program, not an error
    """The scan ends with a fault; `site` is its number, `value` the number that is its cause."""

    def __init__(self, site: int, value: int = 0) -> None:
        self.site = site
        self.value = value
        self.calls: list[tuple[Span, str]] = []
        """The calls that it left, the innermost first: where, and of which routine."""
        super().__init__(site)


@dataclass(slots=True)
class Machine:
    """The registers of the interpreter."""

    memory: bytearray
    """The state block, then the frames of all functions."""
    instance: int = 0
    """Offset of the instance that the routine runs on."""
    now_ns: int = 0
    budget: int = 0
    """Loop iterations left in this scan."""


Evaluation = Callable[[Machine], Scalar]
Located = Callable[[Machine], int]
"""Gives the offset at which a place stands."""
Advance = Callable[[Machine], int]
"""Gives the bytes that one index adds."""


def locate(
    place: Place,
    frame: tuple[int, ...],
    pointer: Evaluation | None,
    advances: tuple[Advance, ...],
) -> Located:
    """Return the closure that finds a place.

    Args:
        place: The place.
        frame: Where the variables of the routine's call stand.
        pointer: The closure that reads the reference behind a REFERENCE place.
        advances: The closures of its index steps.
    """
    root = _root(place, frame, pointer)
    if not advances:
        return root
    if len(advances) == 1:
        (only,) = advances
        return lambda machine: root(machine) + only(machine)

    def at_element(machine: Machine) -> int:
        offset = root(machine)
        for advance in advances:
            offset += advance(machine)
        return offset

    return at_element


def _root(place: Place, frame: tuple[int, ...], pointer: Evaluation | None) -> Located:
    start = place.offset
    if place.base is Base.STATE:
        return lambda _machine: start
    if place.base is Base.LOCAL:
        fixed = frame[place.local] + start
        return lambda _machine: fixed
    if place.base is Base.SELF:
        return lambda machine: machine.instance + start
    assert pointer is not None
    return _through(pointer, start, place.site)


def _through(pointer: Evaluation, start: int, site: int) -> Located:
    def target(machine: Machine) -> int:
        offset = int(pointer(machine))
        if offset == 0:
            raise ProgramFault(site)
        return offset + start

    return target


def fixed_advance(step: Step, index: Evaluation) -> Advance:
    """Return the closure of an index with known bounds."""
    lower, upper, stride, site = step.lower, step.upper, step.stride, step.site

    def advance(machine: Machine) -> int:
        value: Any = index(machine)
        if lower <= value <= upper:
            return (value - lower) * stride  # type: ignore[no-any-return]
        raise ProgramFault(site, value)

    return advance


def dynamic_advance(
    step: DynamicStep, index: Evaluation, lower: Evaluation, upper: Evaluation, stride: Evaluation
) -> Advance:
    """Return the closure of an index whose bounds come with the array."""
    site = step.site

    def advance(machine: Machine) -> int:
        value, least = int(index(machine)), int(lower(machine))
        if not least <= value <= int(upper(machine)):
            raise ProgramFault(site, value)
        return (value - least) * int(stride(machine))

    return advance


def fixed_offset(place: Place, frame: tuple[int, ...]) -> int | None:
    """Return where a place stands that is always the same, else None."""
    if place.steps or place.base not in {Base.STATE, Base.LOCAL}:
        return None
    return place.offset + (frame[place.local] if place.base is Base.LOCAL else 0)


def loader(place: Place, located: Located, frame: tuple[int, ...]) -> Evaluation:
    """Return the closure that reads a scalar at a place."""
    if place.bit >= 0:
        bit = place.bit
        return lambda machine: bool(machine.memory[located(machine)] >> bit & 1)
    if isinstance(place.type, Text):
        return text_loader(place.type, located)
    unpack = packer(cast("Elementary", place.type)).unpack_from
    fixed, start = fixed_offset(place, frame), place.offset
    if fixed is not None:
        return lambda machine: unpack(machine.memory, fixed)[0]
    if place.base is Base.SELF and not place.steps:
        return lambda machine: unpack(machine.memory, machine.instance + start)[0]

    def read(machine: Machine) -> Scalar:
        value: Scalar = unpack(machine.memory, located(machine))[0]
        return value

    return read


def whole_loader(data_type: DataType) -> Callable[[Machine, int], bytes]:
    """Return what copies an array or structure from an offset, of packed bits a byte each."""
    if isinstance(data_type, Array) and data_type.is_packed:
        return lambda machine, offset: unpack_bits(machine.memory, offset, data_type)
    size = data_type.size
    return lambda machine, offset: bytes(machine.memory[offset : offset + size])


def whole_storer(data_type: DataType) -> Callable[[Machine, int, bytes], None]:
    """Return what puts such a copy to an offset."""
    if isinstance(data_type, Array) and data_type.is_packed:
        return lambda machine, offset, whole: pack_bits(machine.memory, offset, data_type, whole)

    def write(machine: Machine, offset: int, whole: bytes) -> None:
        machine.memory[offset : offset + len(whole)] = whole

    return write


def moving_bit(place: Place, located: Located, advances: tuple[Advance, ...]) -> Located:
    """Return the closure that finds a bit of an array at an address, counted from the begin.

    Args:
        place: The bit.
        located: The closure that finds the byte from which its number counts.
        advances: The closures of its indices, which give bits.
    """
    first = place.bit

    def number(machine: Machine) -> int:
        found = 8 * located(machine) + first
        for advance in advances:
            found += advance(machine)
        return found

    return number


def moving_bit_loader(number: Located) -> Evaluation:
    """Return the closure that reads such a bit."""

    def read(machine: Machine) -> Scalar:
        at = number(machine)
        return bool(machine.memory[at >> 3] >> (at & 7) & 1)

    return read


def moving_bit_storer(number: Located) -> Callable[[Machine, Scalar], None]:
    """Return the closure that writes such a bit."""

    def write(machine: Machine, value: Scalar) -> None:
        at, memory = number(machine), machine.memory
        rest = memory[at >> 3] & ~(1 << (at & 7))
        memory[at >> 3] = rest | 1 << (at & 7) if value else rest

    return write


def storer(
    place: Place, located: Located, frame: tuple[int, ...]
) -> Callable[[Machine, Scalar], None]:
    """Return the closure that writes a scalar, which the place's type holds, at a place."""
    if place.bit >= 0:
        return _bit_storer(place.bit, located)
    if isinstance(place.type, Text):
        return text_storer(place.type, located)
    data_type = cast("Elementary", place.type)
    pack = packer(data_type).pack_into
    if data_type.kind is Kind.REAL:
        return _real_storer(pack, located)
    fixed, start = fixed_offset(place, frame), place.offset
    if fixed is not None:
        return lambda machine, value: pack(machine.memory, fixed, value)
    if place.base is Base.SELF and not place.steps:
        return lambda machine, value: pack(machine.memory, machine.instance + start, value)

    def write(machine: Machine, value: Scalar) -> None:
        pack(machine.memory, located(machine), value)

    return write


def _real_storer(
    pack: Callable[[bytearray, int, Scalar], None], located: Located
) -> Callable[[Machine, Scalar], None]:
    """Return the closure that writes a real; of all NaN there is one in memory."""

    def write(machine: Machine, value: Scalar) -> None:
        pack(machine.memory, located(machine), value if value == value else nan)  # noqa: PLR0124

    return write


def _bit_storer(bit: int, located: Located) -> Callable[[Machine, Scalar], None]:
    mask = 1 << bit

    def write(machine: Machine, value: Scalar) -> None:
        offset, memory = located(machine), machine.memory
        memory[offset] = memory[offset] | mask if value else memory[offset] & ~mask

    return write
