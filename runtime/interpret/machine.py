"""What an interpreted scan works on: the state block, the instance, the call's own variables."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from runtime.datatypes.derived import DataType, align
from runtime.datatypes.elementary import Scalar
from runtime.datatypes.values import PACKERS
from runtime.model.program import Base, Place, Step


class ProgramFault(Exception):  # noqa: N818 - a fault of the interpreted program, not an error
    """The scan ends with a fault; `site` is its number."""

    def __init__(self, site: int) -> None:
        self.site = site
        super().__init__(site)


@dataclass(slots=True)
class Machine:
    """The registers of the interpreter."""

    state: bytearray
    instance: int = 0
    """Offset in the state of the instance that the routine runs on."""
    frame: bytearray = field(default_factory=bytearray)
    """The variables of the function call."""
    now_ns: int = 0
    budget: int = 0
    """Loop iterations left in this scan."""


Evaluation = Callable[[Machine], Scalar]
Located = Callable[[Machine], tuple[bytearray, int]]
"""Gives the buffer and the offset in it at which a place stands."""


def frame_offsets(types: tuple[DataType, ...]) -> tuple[tuple[int, ...], int]:
    """Return where each variable of a function call stands in its frame, and the frame's size."""
    offsets, end = [], 0
    for item in types:
        start = align(end, item.alignment)
        offsets.append(start)
        end = start + item.size
    return tuple(offsets), end


def locate(place: Place, offsets: tuple[int, ...], steps: tuple[Evaluation, ...]) -> Located:
    """Return the closure that finds a place.

    Args:
        place: The place.
        offsets: Where the locals of the routine stand in its frame.
        steps: The closures of its index expressions.
    """
    start = place.offset
    if place.base is Base.LOCAL:
        start += offsets[place.local]
    find = {Base.STATE: _in_state, Base.SELF: _in_instance, Base.LOCAL: _in_frame}[place.base]
    if not steps:
        return find(start)
    base = find(start)
    indexed = tuple(zip(place.steps, steps, strict=True))

    def at_element(machine: Machine) -> tuple[bytearray, int]:
        buffer, offset = base(machine)
        for step, index in indexed:
            offset += _advance(step, int(index(machine)))
        return buffer, offset

    return at_element


def _advance(step: Step, index: int) -> int:
    if not step.lower <= index <= step.upper:
        raise ProgramFault(step.site)
    return (index - step.lower) * step.stride


def _in_state(offset: int) -> Located:
    return lambda machine: (machine.state, offset)


def _in_instance(offset: int) -> Located:
    return lambda machine: (machine.state, machine.instance + offset)


def _in_frame(offset: int) -> Located:
    return lambda machine: (machine.frame, offset)


_BYTE: Final = struct.Struct("<B")


def loader(place: Place, located: Located) -> Evaluation:
    """Return the closure that reads a scalar at a place."""
    if place.bit >= 0:
        bit = place.bit

        def read_bit(machine: Machine) -> Scalar:
            buffer, offset = located(machine)
            return bool(buffer[offset] >> bit & 1)

        return read_bit
    unpack = PACKERS[place.type].unpack_from  # type: ignore[index]

    def read(machine: Machine) -> Scalar:
        value: Scalar = unpack(*located(machine))[0]
        return value

    return read


def storer(place: Place, located: Located) -> Callable[[Machine, Scalar], None]:
    """Return the closure that writes a scalar, which the place's type holds, at a place."""
    if place.bit >= 0:
        mask = 1 << place.bit

        def write_bit(machine: Machine, value: Scalar) -> None:
            buffer, offset = located(machine)
            buffer[offset] = buffer[offset] | mask if value else buffer[offset] & ~mask

        return write_bit
    pack = PACKERS[place.type].pack_into  # type: ignore[index]

    def write(machine: Machine, value: Scalar) -> None:
        buffer, offset = located(machine)
        pack(buffer, offset, value)

    return write
