"""Standard blocks in the interpreter: their Python body runs on a view of the instance's bytes."""

import functools
from math import nan
from typing import Any

from runtime.datatypes.derived import Structure
from runtime.datatypes.elementary import LINT, Elementary, Scalar, fitter
from runtime.datatypes.values import packer


class InstanceView:
    """An instance as a block's body sees it; subclasses have a property for each member."""

    __slots__ = ("buffer", "offset")

    def __init__(self, buffer: bytearray, offset: int) -> None:
        self.buffer = buffer
        self.offset = offset


@functools.cache
def view_class(structure: Structure) -> type[InstanceView]:
    """Return the class of views of a block's instances."""
    members: dict[str, Any] = {"__slots__": ()}
    for item in structure.fields:
        assert isinstance(item.type, Elementary)
        members[item.name] = _member(item.offset, item.type)
    return type(f"{structure.name}View", (InstanceView,), members)


def _member(at: int, data_type: Elementary) -> property:
    if data_type.name in {"ULINT", "LWORD"}:  # a block sees their bits
        data_type = LINT
    packing, fit = packer(data_type), fitter(data_type)
    unpack, pack = packing.unpack_from, packing.pack_into

    def read(view: InstanceView) -> Scalar:
        value: Scalar = unpack(view.buffer, view.offset + at)[0]
        return value

    def write(view: InstanceView, value: Scalar) -> None:
        kept = value if value == value else nan  # noqa: PLR0124 - of all NaN one is kept
        pack(view.buffer, view.offset + at, fit(kept))

    return property(read, write)
