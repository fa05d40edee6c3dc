"""Values from an OPC UA server as a mailbox takes them: judged by status, by type and by time."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from gateway.field.seam import Arrival
from gateway.field.server_clock import ServerClock
from gateway.protocols.opcua.builtin import SEVERITY, UNCERTAIN, WIDTHS, Builtin
from gateway.protocols.opcua.values import Values
from gateway.tags import NodeChannel
from runtime.image.layout import Quality

REPORTS_MAX: Final = 5
"""Nodes that are named in the log when many are at fault."""
_TYPES: Final = {
    "bool": Builtin.BOOLEAN, "int8": Builtin.SBYTE, "uint8": Builtin.BYTE,
    "int16": Builtin.INT16, "uint16": Builtin.UINT16, "int32": Builtin.INT32,
    "uint32": Builtin.UINT32, "int64": Builtin.INT64, "uint64": Builtin.UINT64,
    "float32": Builtin.FLOAT, "float64": Builtin.DOUBLE,
}  # fmt: skip
BITS: Final = np.zeros(256, np.uint16)
"""Bits at an address that a value of a built-in type fills."""
for _kind, _bytes in WIDTHS.items():
    BITS[_kind] = 1 if _kind is Builtin.BOOLEAN else 8 * _bytes


class ValueJudge:
    """Knows what each input must be."""

    def __init__(
        self,
        channels: Sequence[NodeChannel],
        server_clock: ServerClock,
        complain: Callable[[str], None],
        named: Callable[[int], str],
    ) -> None:
        """Judge values of these inputs.

        Args:
            channels: The inputs.
            server_clock: What the server's times are in ours.
            complain: Is told what is wrong with a node.
            named: Returns the name of a status.
        """
        self._channels = channels
        self._widths = np.array([item.width for item in channels], np.uint16)
        self._expected = np.array([_TYPES.get(item.type_name or "", 0) for item in channels])
        self._server_clock = server_clock
        self._complain = complain
        self._named = named

    def judged(
        self, values: Values, earliest_ns: int, received_ns: int, *, renewed: bool
    ) -> Arrival:
        """Return values, whose handles are numbers of inputs, as they arrive.

        Args:
            values: What the server told; the last one of an input counts.
            earliest_ns: When the message before arrived.
            received_ns: When this one arrived.
            renewed: Whether the inputs that it does not name are known to be unchanged.
        """
        values = _newest(values[values["handle"] < len(self._channels)])
        numbers = values["handle"].astype(np.intp)
        kinds = values["kind"]
        expected = self._expected[numbers]
        fits = BITS[kinds] == self._widths[numbers]
        fits &= (expected == 0) | (expected == kinds)
        severity = values["status"] & SEVERITY
        qualities = np.where(severity == UNCERTAIN, Quality.UNCERTAIN, Quality.GOOD)
        qualities[severity > UNCERTAIN] = Quality.BAD
        misfits = numbers[~fits & (severity <= UNCERTAIN)]
        qualities[~fits] = Quality.BAD
        for number in misfits[:REPORTS_MAX].tolist():
            self._complain(self._misfit(number, int(kinds[numbers == number][0])))
        for row in np.flatnonzero(severity > UNCERTAIN)[:REPORTS_MAX].tolist():
            node = self._channels[int(numbers[row])].node
            self._complain(f"{node}: {self._named(int(values['status'][row]))}")
        sources_ns = self._server_clock.monotonic_ns(values["source"], earliest_ns, received_ns)
        return Arrival(
            numbers,
            values["raw"].copy(),
            sources_ns,
            qualities.astype(np.uint32),
            received_ns if renewed else None,
        )

    def _misfit(self, number: int, kind: int) -> str:
        channel = self._channels[number]
        plain = Builtin(kind & 0x3F).name.lower()
        found = f"an array of {plain}" if kind & 0xC0 else plain
        wanted = channel.type_name or f"a type of {channel.width} bits"
        return f"{channel.node} is {found}: expected {wanted} for {channel.address}"


def spoilt(numbers: Sequence[int]) -> Arrival:
    """Return inputs of which nothing good is known."""
    count = len(numbers)
    bad = np.full(count, Quality.BAD, np.uint32)
    nothing = np.zeros(count, np.uint64)
    return Arrival(np.array(numbers, np.intp), nothing, nothing.astype(np.int64), bad)


def _newest(values: Values) -> Values:
    """Return the last row of each handle."""
    _, places = np.unique(values["handle"][::-1], return_index=True)
    if len(places) == len(values):
        return values
    return values[np.sort(len(values) - 1 - places)]
