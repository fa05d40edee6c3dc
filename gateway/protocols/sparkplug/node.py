"""The session of a Sparkplug edge node: births, data, death, sequence numbers, aliases. No socket.

All metrics are the node's own. A metric that was not in the last birth makes another birth follow
first, so that hosts know of every metric before its first data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.protocols.sparkplug.payload import (
    CommandMetric,
    Datatype,
    NodeMetric,
    QualityCode,
    Value,
    encode_payload,
)

NAMESPACE: Final = "spBv1.0"
REBIRTH: Final = "Node Control/Rebirth"
BDSEQ: Final = "bdSeq"
_NUMBERS: Final = 256
_NOT_FINITE: Final = {"NaN", "Infinity", "-Infinity"}
_INT64_END: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class NodeMessage:
    """What to publish, with quality of service 0 and not retained."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """One value of one metric at its time."""

    name: str
    value: Value
    timestamp_ms: int
    quality: QualityCode = QualityCode.GOOD


@dataclass(slots=True)
class _Known:
    alias: int
    datatype: Datatype
    last: Report


class EdgeNode:
    """One node's session; a new MQTT connection begins with `connecting`."""

    def __init__(self, group: str, node: str) -> None:
        """Begin with no metric known; the first connection has bdSeq 0."""
        self._group, self._node = group, node
        self._bdseq = -1
        self._seq = 0
        self._known: dict[str, _Known] = {}

    def topic(self, kind: str) -> str:
        """Return the topic of one kind of message."""
        return f"{NAMESPACE}/{self._group}/{kind}/{self._node}"

    def connecting(self, now_ms: int) -> NodeMessage:
        """Begin a connection; return its will."""
        self._bdseq = (self._bdseq + 1) % _NUMBERS
        return self.death(now_ms)

    def death(self, now_ms: int) -> NodeMessage:
        """Return the death of this connection: the will, and what precedes a goodbye."""
        metric = NodeMetric(self._bdseq, Datatype.INT64, now_ms, name=BDSEQ, is_birth=True)
        return NodeMessage(self.topic("NDEATH"), encode_payload([metric], now_ms, None))

    def birth(self, now_ms: int) -> NodeMessage:
        """Return a birth with everything known; sequence numbers begin anew."""
        metrics = [
            NodeMetric(self._bdseq, Datatype.INT64, now_ms, name=BDSEQ, is_birth=True),
            NodeMetric(value=False, datatype=Datatype.BOOLEAN, timestamp_ms=now_ms, name=REBIRTH,
                       alias=0, is_birth=True),
        ]  # fmt: skip
        for name, known in self._known.items():
            metrics.append(self._metric(known.last, known, name=name))
        self._seq = 0
        return NodeMessage(self.topic("NBIRTH"), encode_payload(metrics, now_ms, 0))

    def data(
        self, reports: Sequence[Report], now_ms: int, *, historical: bool
    ) -> list[NodeMessage]:
        """Return what reports values: a birth before, where there is a metric that is new."""
        messages = []
        new = {item.name: item for item in reports if item.name not in self._known}
        for name, report in new.items():
            alias = len(self._known) + 1
            self._known[name] = _Known(alias, _datatype(report.value), report)
        if new:
            messages.append(self.birth(now_ms))
        metrics = []
        for report in reports:
            known = self._known[report.name]
            metrics.append(self._metric(report, known, historical=historical))
            if not historical:
                known.last = report
        self._seq = (self._seq + 1) % _NUMBERS
        payload = encode_payload(metrics, now_ms, self._seq)
        return [*messages, NodeMessage(self.topic("NDATA"), payload)]

    def asks_rebirth(self, command: Sequence[CommandMetric]) -> bool:
        """Return whether a command asks for a birth; nothing else can be written."""
        return any(
            item.boolean and (item.name == REBIRTH or (not item.name and item.alias == 0))
            for item in command
        )

    def refused(self, command: Sequence[CommandMetric]) -> list[str]:
        """Return what a command would write, and may not."""
        names: Mapping[int, str] = {known.alias: name for name, known in self._known.items()}
        return [
            item.name or names.get(item.alias or 0, f"alias {item.alias}")
            for item in command
            if item.name != REBIRTH and item.alias != 0
        ]

    def _metric(
        self, report: Report, known: _Known, *, name: str | None = None, historical: bool = False
    ) -> NodeMetric:
        value: Value = report.value
        if known.datatype is Datatype.DOUBLE and isinstance(value, str):
            value = float(value)
        return NodeMetric(
            value, known.datatype, report.timestamp_ms, name=name, alias=known.alias,
            is_birth=name is not None, is_historical=historical, quality=report.quality,
        )  # fmt: skip


def _datatype(value: Value) -> Datatype:
    if isinstance(value, bool):
        return Datatype.BOOLEAN
    if isinstance(value, int):
        return Datatype.INT64 if value < _INT64_END else Datatype.UINT64
    if isinstance(value, float) or value in _NOT_FINITE:
        return Datatype.DOUBLE
    return Datatype.STRING
