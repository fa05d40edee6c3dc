"""Sparkplug B payloads as protocol buffers: a writer of what a node says, a reader of all messages.

Field numbers are those of the specification's `Payload`, `Metric` and `Template` messages. They are
written by hand: no compiler, no library at run time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.protocols.sparkplug.datatypes import LONGS, Datatype, QualityCode, Value, signed
from gateway.protocols.sparkplug.wire import (
    PayloadError,
    chunk,
    double,
    fields,
    number,
    read_double,
    read_single,
    single,
    text,
)

_MASK_32: Final = (1 << 32) - 1
_MASK_64: Final = (1 << 64) - 1
_DEPTH_MAX: Final = 16
"""Templates in templates that are read; deeper ones are no sensible message."""
_KINDS: Final = {int(item): item for item in Datatype}
_REALS: Final = ((12, 4, read_single), (13, 8, read_double))
"""Field, bytes and reader of float_value and double_value."""


@dataclass(frozen=True, slots=True)
class Template:
    """A definition, or an instance of the definition that it refers to."""

    metrics: tuple["Metric", ...]
    reference: str | None = None
    """Name of the definition; None for a definition."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One value of a payload; name and alias as far as the message is to bear them."""

    value: Value | Template | None
    """None is written as null."""
    datatype: Datatype
    timestamp_ms: int
    name: str | None = None
    alias: int | None = None
    is_birth: bool = False
    """Whether the datatype is written."""
    is_historical: bool = False
    quality: QualityCode = QualityCode.GOOD


def encode_payload(metrics: Sequence[Metric], timestamp_ms: int, seq: int | None) -> bytes:
    """Return a payload; an NDEATH has no sequence number."""
    parts = [number(1, timestamp_ms), *(chunk(2, _metric(item)) for item in metrics)]
    if seq is not None:
        parts.append(number(3, seq))
    return b"".join(parts)


def _metric(metric: Metric) -> bytes:
    parts = []
    if metric.name is not None:
        parts.append(text(1, metric.name))
    if metric.alias is not None:
        parts.append(number(2, metric.alias))
    parts.append(number(3, metric.timestamp_ms))
    if metric.is_birth:
        parts.append(number(4, metric.datatype))
    if metric.is_historical:
        parts.append(number(5, 1))
    if metric.value is None:
        parts.append(number(7, 1))
    if metric.quality is not QualityCode.GOOD:
        value = number(1, Datatype.INT32) + number(3, metric.quality)
        parts.append(chunk(9, chunk(1, b"Quality") + chunk(2, value)))
    if metric.value is not None:
        parts.append(_value(metric.value, metric.datatype))
    return b"".join(parts)


def _value(value: Value | Template, datatype: Datatype) -> bytes:
    """Return the field of a value that fits its datatype."""
    return chunk(18, _template(value)) if isinstance(value, Template) else _FIELDS[datatype](value)


def _whole(field_number: int, mask: int) -> Callable[[Value], bytes]:
    return lambda value: number(field_number, int(value) & mask)


_FIELDS: Final[dict[Datatype, Callable[[Value], bytes]]] = {
    **{item: _whole(11, _MASK_64) if item in LONGS else _whole(10, _MASK_32) for item in Datatype},
    Datatype.FLOAT: lambda value: single(12, float(value)),
    Datatype.DOUBLE: lambda value: double(13, float(value)),
    Datatype.BOOLEAN: lambda value: number(14, int(bool(value))),
    Datatype.STRING: lambda value: text(15, str(value)),
}
"""Writers of values, by what they are."""


def _template(template: Template) -> bytes:
    parts = [chunk(2, _metric(item)) for item in template.metrics]
    if template.reference is not None:
        parts.append(text(4, template.reference))
    parts.append(number(5, int(template.reference is None)))
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class ReceivedMetric:
    """One metric of a message: by name or alias."""

    name: str
    """Empty where it has none."""
    alias: int | None = None
    datatype: Datatype | None = None
    raw: Value | None = None
    """The value as it stands there, None for null and for what is not read; see `value`."""
    members: tuple["ReceivedMetric", ...] = ()
    """Those of a template."""
    is_historical: bool = False

    def value(self, known: Datatype | None) -> Value | None:
        """Return the value by the datatype of the message, or else by that which is known."""
        if isinstance(self.raw, int) and not isinstance(self.raw, bool):
            return signed(self.raw, self.datatype or known)
        return self.raw


@dataclass(frozen=True, slots=True)
class ReceivedPayload:
    """A message."""

    metrics: tuple[ReceivedMetric, ...] = ()
    timestamp_ms: int | None = None
    seq: int | None = None


@dataclass(slots=True)
class _Parts:
    """Fields of a message by number: the last of each, and all that repeat."""

    last: dict[int, int | bytes] = field(default_factory=dict)
    repeated: list[bytes] = field(default_factory=list)

    def whole(self, field_number: int) -> int | None:
        """Return a field that holds a whole number."""
        found = self.last.get(field_number)
        return found if isinstance(found, int) else None

    def text(self, field_number: int) -> str:
        """Return a field that holds text; empty where there is none."""
        found = self.last.get(field_number)
        return found.decode(errors="replace") if isinstance(found, bytes) else ""


def decode_payload(content: bytes) -> ReceivedPayload:
    """Return a message of a host or a node.

    Raises:
        PayloadError: The bytes are cut, or no protocol buffer.
    """
    parts = _parts(content)
    metrics = tuple(_read_metric(item, 0) for item in parts.repeated)
    return ReceivedPayload(metrics, parts.whole(1), parts.whole(3))


def _parts(content: bytes) -> _Parts:
    """Return the fields of a payload or a template; both have their metrics in field 2."""
    parts = _Parts()
    for field_number, value in fields(content):
        if field_number == 2 and isinstance(value, bytes):  # noqa: PLR2004  metrics
            parts.repeated.append(value)
        else:
            parts.last[field_number] = value
    return parts


def _read_metric(content: bytes, depth: int) -> ReceivedMetric:
    if depth > _DEPTH_MAX:
        raise PayloadError(f"templates in more than {_DEPTH_MAX} templates")
    parts = _Parts(dict(fields(content)))
    template = parts.last.get(18)
    members: tuple[ReceivedMetric, ...] = ()
    if isinstance(template, bytes):
        members = tuple(_read_metric(item, depth + 1) for item in _parts(template).repeated)
    kind = parts.whole(4)
    return ReceivedMetric(
        parts.text(1),
        parts.whole(2),
        _KINDS.get(kind) if kind is not None else None,
        None if parts.whole(7) else _read_value(parts),
        members,
        bool(parts.whole(5)),
    )


def _read_value(parts: _Parts) -> Value | None:
    for field_number in (10, 11):
        whole = parts.whole(field_number)
        if whole is not None:
            return whole
    boolean = parts.whole(14)
    if boolean is not None:
        return bool(boolean)
    for field_number, size, read in _REALS:
        content = parts.last.get(field_number)
        if isinstance(content, bytes) and len(content) == size:
            return read(content)
    return parts.text(15) if 15 in parts.last else None  # noqa: PLR2004  string_value
