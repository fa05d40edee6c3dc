"""Parts of arrays (part 4, 7.27): "3", "2:5", and "0:1,2" in several dimensions."""

import re
import struct
from typing import Final

import numpy as np

from gateway.protocols.opcua.builtin import ARRAY, DIMENSIONS, Status
from gateway.serve.opcua.coding import Change, encoded
from gateway.serve.opcua.frames import Snapshot
from gateway.serve.opcua.rows import content_of, frame_row
from gateway.serve.opcua.variables import Variable

_PART: Final = re.compile(r"(\d{1,9})(?::(\d{1,9}))?")


class RangeError(Exception):
    """The part does not exist, or the text names none."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"{status:#x}")


def parse_range(text: str, lengths: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the part that a text names of an array; its end may lie beyond the array's.

    Raises:
        RangeError: It names none, or nothing is there.
    """
    slices = []
    for piece in text.split(","):
        match = _PART.fullmatch(piece)
        if match is None or (match[2] is not None and int(match[2]) <= int(match[1])):
            raise RangeError(Status.BAD_INDEX_RANGE_INVALID)
        slices.append(slice(int(match[1]), int(match[2] or match[1]) + 1))
    if len(slices) != len(lengths):
        raise RangeError(Status.BAD_INDEX_RANGE_NO_DATA)
    if any(part.start >= length for part, length in zip(slices, lengths, strict=True)):
        raise RangeError(Status.BAD_INDEX_RANGE_NO_DATA)
    return tuple(slices)


def encode_part(
    variable: Variable, snapshot: Snapshot, text: str, timestamps: int, now: int
) -> bytes:
    """Return the DataValue of a part of an array.

    Raises:
        RangeError: There is no such part.
    """
    part = parse_range(text, variable.lengths)
    coding = variable.coding
    numbers = content_of(variable, snapshot).view(coding.number)
    wide = numbers if coding.change is Change.NONE else encoded(numbers, coding)
    found = np.ascontiguousarray(wide.reshape(variable.lengths)[part])
    several = found.ndim > 1
    first = coding.builtin | ARRAY | (DIMENSIONS if several else 0)
    lengths = struct.pack(f"<i{found.ndim}i", found.ndim, *found.shape) if several else b""
    value = bytes((first,)) + struct.pack("<i", found.size) + found.tobytes() + lengths
    return frame_row(variable, snapshot, value, timestamps, now)
