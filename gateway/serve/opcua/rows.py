"""Values of one scan as the bytes of a message, whole groups of them at a time.

A `Gather` takes the values of many variables of one type out of a frame by one indexing. Rows of
the same form are then the rows of a structured array, or are scattered into a prepared message.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.protocols.opcua.builtin import (
    ARRAY,
    DIMENSIONS,
    HAS_SERVER_TIME,
    HAS_SOURCE_TIME,
    HAS_STATUS,
    HAS_VALUE,
    SEVERITY,
    Status,
)
from gateway.serve.opcua.coding import Change, Coding, encoded, encoded_text
from gateway.serve.opcua.frames import Snapshot
from gateway.serve.opcua.variables import UNKNOWN_INPUT, Variable

_I32: Final = struct.Struct("<i")
_U32: Final = struct.Struct("<I")
_I64: Final = struct.Struct("<q")
SOURCE: Final = 0
SERVER: Final = 1
BOTH: Final = 2
NEITHER: Final = 3
"""What TimestampsToReturn asks for."""

TIME_BITS: Final = {
    SOURCE: HAS_SOURCE_TIME,
    SERVER: HAS_SERVER_TIME,
    BOTH: HAS_SOURCE_TIME | HAS_SERVER_TIME,
    NEITHER: 0,
}
"""Parts of a DataValue that it brings."""


@dataclass(frozen=True, slots=True)
class Form:
    """What variables share whose values are gathered together."""

    coding: Coding
    is_bit: bool


def form_of(variable: Variable) -> Form | None:
    """Return the form of a single number, None for texts and arrays."""
    if variable.bounds or variable.coding.change is Change.TEXT:
        return None
    return Form(variable.coding, variable.bit >= 0)


class Gather:
    """Variables of one form: takes their values out of a frame."""

    def __init__(self, form: Form, variables: Sequence[Variable]) -> None:
        """Prepare the indices; the variables have that form."""
        self.form = form
        offsets = np.array([item.offset for item in variables], np.intp)
        self._index = offsets if form.is_bit else offsets // form.coding.size
        self._bits = np.array([max(item.bit, 0) for item in variables], np.uint8)
        inputs = np.array([item.input_number for item in variables], np.intp)
        self._has_inputs = bool((inputs != UNKNOWN_INPUT).any())
        self._inputs = inputs

    def __len__(self) -> int:
        """Return the number of variables."""
        return len(self._index)

    def bits(self, snapshot: Snapshot) -> NDArray[Any]:
        """Return the values as they lie in memory, as unsigned integers."""
        if self.form.is_bit:
            return (snapshot.state[self._index] >> self._bits) & 1
        return snapshot.state.view(f"<u{self.form.coding.size}")[self._index]

    def values(self, bits: NDArray[Any]) -> NDArray[Any]:
        """Return values that `bits` returned as unsigned integers of the message's width."""
        coding = self.form.coding
        if coding.change is Change.NONE:
            return bits
        return encoded(bits.view(coding.number), coding)

    def statuses(self, snapshot: Snapshot) -> NDArray[np.uint32]:
        """Return the status of each value."""
        common = np.full(len(self), snapshot.status, np.uint32)
        if self._has_inputs:
            known = self._inputs != UNKNOWN_INPUT
            common[known] = snapshot.input_statuses[self._inputs[known]]
        return common


def status_of(variable: Variable, snapshot: Snapshot) -> int:
    """Return the status of one value."""
    if variable.input_number == UNKNOWN_INPUT:
        return snapshot.status
    return int(snapshot.input_statuses[variable.input_number])


def encode_value(variable: Variable, snapshot: Snapshot) -> bytes:
    """Return the Variant of one variable: number, text, or array."""
    coding = variable.coding
    if coding.text is not None:
        value = encoded_text(snapshot.state.data, variable.offset, coding.text)
        return bytes((coding.builtin,)) + value
    form = Form(coding, variable.bit >= 0)
    if not variable.bounds:
        gather = Gather(form, [variable])
        return bytes((coding.builtin,)) + gather.values(gather.bits(snapshot)).tobytes()
    raw = content_of(variable, snapshot)
    if coding.change is not Change.NONE:
        raw = encoded(raw.view(coding.number), coding)
    several = len(variable.bounds) > 1
    first = coding.builtin | ARRAY | (DIMENSIONS if several else 0)
    lengths = struct.pack(f"<i{len(variable.lengths)}i", len(variable.bounds), *variable.lengths)
    return (
        bytes((first,)) + _I32.pack(variable.count) + raw.tobytes() + (lengths if several else b"")
    )


def content_of(variable: Variable, snapshot: Snapshot) -> NDArray[Any]:
    """Return the bytes of a text or array in memory, of an array of single bits a byte each."""
    start = variable.offset
    if variable.bit < 0:
        return snapshot.state[start : start + variable.coding.size * variable.count].copy()
    end = variable.bit + variable.count
    packed = snapshot.state[start : start - (-end // 8)]
    return np.unpackbits(packed, bitorder="little")[variable.bit : end]


def encode_row(variable: Variable, snapshot: Snapshot, timestamps: int, now: int) -> bytes:
    """Return the DataValue of one variable; `now` is the server's time in ticks."""
    bad = status_of(variable, snapshot) & SEVERITY == Status.BAD
    value = b"" if bad else encode_value(variable, snapshot)
    return frame_row(variable, snapshot, value, timestamps, now)


def frame_row(
    variable: Variable, snapshot: Snapshot, value: bytes, timestamps: int, now: int
) -> bytes:
    """Return a DataValue with status and times of a variable around a Variant."""
    status = status_of(variable, snapshot)
    parts = TIME_BITS[timestamps]
    mask = parts | (HAS_VALUE if value else 0) | (HAS_STATUS if status else 0)
    return b"".join(
        (
            bytes((mask,)),
            value,
            _U32.pack(status) if status else b"",
            _I64.pack(snapshot.ticks) if parts & HAS_SOURCE_TIME else b"",
            _I64.pack(now) if parts & HAS_SERVER_TIME else b"",
        )
    )
