"""The session of a Sparkplug edge node: births, data, deaths, sequence numbers, aliases. No socket.

    NBIRTH, DBIRTH of each device whose link is up ─► NDATA, DDATA ─► DDEATH, DBIRTH … ─► NDEATH

A variable that is not in the catalogue makes another birth follow first, so that hosts know of
every metric before its first data. A value that is older than the one told last is historical.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.protocols.sparkplug.catalogue import NAMESPACE, NODE, Catalogue, Place
from gateway.protocols.sparkplug.commands import REBIRTH, Request, read_request
from gateway.protocols.sparkplug.datatypes import (
    Datatype,
    QualityCode,
    Value,
    datatype_of,
    fitting,
)
from gateway.protocols.sparkplug.payload import Metric, ReceivedMetric, encode_payload
from gateway.protocols.sparkplug.templates import definition_metrics, instance

BDSEQ: Final = "bdSeq"
NUMBERS: Final = 256
"""Sequence numbers and numbers of connections count up to here, then from 0 again."""
_BDSEQ_ALIAS: Final = 0
_LIVE_MS: Final = 10_000
"""What is live comes sooner; a value that is older still bears the time of a clock set back."""


@dataclass(frozen=True, slots=True)
class NodeMessage:
    """What to publish, with quality of service 0 and not retained."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """One value of one variable at its time."""

    name: str
    """Path of the variable."""
    value: Value | None
    timestamp_ms: int
    quality: QualityCode = QualityCode.GOOD


@dataclass(frozen=True, slots=True)
class Present:
    """What the variables are worth at this moment."""

    reports: Sequence[Report] = ()
    is_running: bool = True
    """Whether a program runs; without one all that was told is stale."""


@dataclass(slots=True)
class _Session:
    """What belongs to one connection."""

    bdseq: int = 0
    seq: int = -1
    """The number sent last."""
    is_born: bool = False
    devices: set[str] = field(default_factory=set)
    """Those that are born."""
    revived: set[str] = field(default_factory=set)
    """Those of them without a link, born to tell of the past."""


class EdgeNode:
    """One node; a new MQTT connection begins with `connecting`, then come the births."""

    def __init__(self, group: str, node: str, present: Callable[[], Present] = Present) -> None:
        """Begin without variables; `present` is asked at each birth."""
        self._group, self._node, self._present = group, node, present
        self._catalogue = Catalogue()
        self._places: dict[str, Place] = {}
        self._metrics: dict[str, dict[str, list[str]]] = {NODE: {}}
        """Paths by device and metric."""
        self._aliases: dict[tuple[str, str], int] = {}
        self._told: dict[str, Report] = {}
        self._linked: set[str] = set()
        self._lost_ms: dict[str, int] = {}
        """When the link of a device was lost."""
        self._session = _Session()

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of the catalogue."""
        return self._catalogue.devices

    def adopt(self, catalogue: Catalogue) -> None:
        """Take what the program has now, and nothing of before; births are to follow."""
        self._catalogue, self._places = catalogue, {}
        self._metrics = {NODE: {}, **{device: {} for device in catalogue.devices}}
        for path, place in catalogue.places.items():
            self._add(path, place)
        self._told = {path: item for path, item in self._told.items() if path in self._places}
        self._linked &= set(catalogue.devices)

    def _add(self, path: str, place: Place) -> None:
        self._places[path] = place
        self._metrics[place.device].setdefault(place.metric, []).append(path)
        self._alias(place.device, place.metric)

    def _alias(self, device: str, metric: str) -> int:
        return self._aliases.setdefault((device, metric), len(self._aliases) + _BDSEQ_ALIAS + 1)

    def topic(self, kind: str, device: str = NODE) -> str:
        """Return the topic of one kind of message."""
        return "/".join([NAMESPACE, self._group, kind, self._node, *([device] if device else [])])

    # -- the session ----------------------------------------------------------------------------
    def connecting(self, bdseq: int, now_ms: int) -> NodeMessage:
        """Begin a connection of that number; return its will."""
        self._session = _Session(bdseq)
        return self.death(now_ms)

    def death(self, now_ms: int) -> NodeMessage:
        """Return the death of this connection: the will, and what precedes a goodbye."""
        metric = Metric(self._session.bdseq, Datatype.INT64, now_ms, name=BDSEQ, is_birth=True)
        return NodeMessage(self.topic("NDEATH"), encode_payload([metric], now_ms, None))

    def births(self, now_ms: int) -> list[NodeMessage]:
        """Return the birth of the node and of all devices with a link; numbers begin anew."""
        session, present = self._session, self._present()
        session.seq, session.is_born = -1, True
        session.devices, session.revived = set(), set()
        self._hear(present)
        stale = not present.is_running
        values = self._birth_metrics(NODE, now_ms, stale=stale)
        first_ms = min([now_ms, *(item.timestamp_ms for item in values)])
        metrics = [
            Metric(session.bdseq, Datatype.INT64, first_ms, name=BDSEQ, alias=_BDSEQ_ALIAS,
                   is_birth=True),
            Metric(value=False, datatype=Datatype.BOOLEAN, timestamp_ms=first_ms, name=REBIRTH,
                   is_birth=True),
        ]  # fmt: skip
        metrics += [
            replace(item, alias=self._alias(NODE, item.name or ""))
            for item in definition_metrics(self._catalogue, first_ms)
        ]
        messages = [self._message("NBIRTH", NODE, [*metrics, *values], now_ms)]
        linked = [device for device in self.devices if device in self._linked]
        messages += [self._device_birth(device, now_ms, stale=stale) for device in linked]
        return messages

    def link(self, device: str, now_ms: int, *, up: bool) -> list[NodeMessage]:
        """Follow the link of a device: its birth when it comes up, its death when it is lost."""
        if up == (device in self._linked):
            return []
        session = self._session
        if up:
            self._linked.add(device)
            if not session.is_born:
                return []
            present = self._present()
            self._hear(present)
            session.revived.discard(device)
            return [self._device_birth(device, now_ms, stale=not present.is_running)]
        self._linked.discard(device)
        self._lost_ms[device] = now_ms
        return [self._device_death(device, now_ms)] if device in session.devices else []

    def settle(self, now_ms: int) -> list[NodeMessage]:
        """Let devices die again that had only their past to tell."""
        revived = sorted(self._session.revived)
        return [self._device_death(device, now_ms) for device in revived]

    # -- data -----------------------------------------------------------------------------------
    def data(
        self, reports: Sequence[Report], now_ms: int, *, historical: bool
    ) -> list[NodeMessage]:
        """Return what reports the values of one scan: births before, where a variable is new.

        Live values of after a device's death are left out: its next birth tells what holds then.
        What is from before, and all of a backlog, revives the device until `settle`.
        """
        messages = self.births(now_ms) if self._learn(reports, historical=historical) else []
        by_device: dict[str, list[tuple[Report, bool]]] = {}
        for report in reports:
            told = self._told.get(report.name)
            late = historical or (told is not None and _is_before(report, told.timestamp_ms))
            if not late:
                self._told[report.name] = report
            device = self._places[report.name].device
            if device != NODE and device not in self._linked:
                if not historical and not _is_before(report, self._lost_ms.get(device, 0)):
                    continue
                late = True
            by_device.setdefault(device, []).append((report, late))
        for device, items in by_device.items():
            if device != NODE and device not in self._session.devices:
                messages.append(self._device_birth(device, now_ms, stale=True))
                self._session.revived.add(device)
            kind = "NDATA" if device == NODE else "DDATA"
            messages.append(self._message(kind, device, self._data_metrics(device, items), now_ms))
        return messages

    def _learn(self, reports: Sequence[Report], *, historical: bool) -> bool:
        """Take up variables that are not in the catalogue; return whether there are any."""
        new = [item for item in reports if item.name not in self._places]
        for report in new:
            value = report.value if report.value is not None else ""
            self._add(report.name, Place(NODE, report.name, datatype_of(value)))
            if not historical:
                self._told[report.name] = report
        return bool(new)

    def _data_metrics(self, device: str, items: Sequence[tuple[Report, bool]]) -> list[Metric]:
        """Return metrics by their aliases; members of one instance come together."""
        metrics: list[Metric] = []
        instances: dict[tuple[str, bool], dict[tuple[str, ...], Metric]] = {}
        for report, late in items:
            place = self._places[report.name]
            if place.members:
                member = replace(self._value(report, place), name=place.members[-1])
                instances.setdefault((place.metric, late), {})[place.members] = member
                continue
            value = fitting(report.value, place.datatype)
            alias = self._aliases[device, place.metric]
            metrics.append(
                Metric(
                    value, place.datatype, report.timestamp_ms, None, alias,
                    is_historical=late, quality=report.quality,
                )
            )  # fmt: skip
        for (name, late), values in instances.items():
            found = self._instance(name, values)
            metrics.append(replace(found, alias=self._alias(device, name), is_historical=late))
        return metrics

    def _instance(self, name: str, values: Mapping[tuple[str, ...], Metric]) -> Metric:
        template = instance(self._catalogue, self._catalogue.instances[name], values)
        newest_ms = max(item.timestamp_ms for item in values.values())
        return Metric(template, Datatype.TEMPLATE, newest_ms)

    @staticmethod
    def _value(report: Report, place: Place) -> Metric:
        value = fitting(report.value, place.datatype)
        return Metric(value, place.datatype, report.timestamp_ms, quality=report.quality)

    # -- births and deaths ----------------------------------------------------------------------
    def _hear(self, present: Present) -> None:
        for report in present.reports:
            told = self._told.get(report.name)
            newer = told is None or not _is_before(report, told.timestamp_ms)
            if newer and report.name in self._places:
                self._told[report.name] = report

    def _device_birth(self, device: str, now_ms: int, *, stale: bool) -> NodeMessage:
        self._session.devices.add(device)
        metrics = self._birth_metrics(device, now_ms, stale=stale)
        return self._message("DBIRTH", device, metrics, now_ms)

    def _device_death(self, device: str, now_ms: int) -> NodeMessage:
        self._session.devices.discard(device)
        self._session.revived.discard(device)
        return self._message("DDEATH", device, [], now_ms)

    def _birth_metrics(self, device: str, now_ms: int, *, stale: bool) -> list[Metric]:
        """Return everything that was told of a device or the node, in the order of its times."""
        metrics: list[Metric] = []
        for name, paths in self._metrics[device].items():
            alias = self._alias(device, name)
            found = {path: self._birth_value(path, now_ms, stale=stale) for path in paths}
            if name in self._catalogue.instances:
                places = self._places
                members = {
                    places[path].members: replace(item, name=places[path].members[-1])
                    for path, item in found.items()
                }
                whole = replace(self._instance(name, members), name=name, alias=alias)
                metrics.append(replace(whole, is_birth=True))
            else:
                metrics += [replace(item, name=name, alias=alias) for item in found.values()]
        return sorted(metrics, key=lambda item: item.timestamp_ms)

    def _birth_value(self, path: str, now_ms: int, *, stale: bool) -> Metric:
        """Return a value as it was told last; null where it never was."""
        report = self._told.get(path) or Report(path, None, now_ms, QualityCode.STALE)
        if stale and report.quality is QualityCode.GOOD:
            report = replace(report, quality=QualityCode.STALE)
        return replace(self._value(report, self._places[path]), is_birth=True)

    def _message(
        self, kind: str, device: str, metrics: Sequence[Metric], now_ms: int
    ) -> NodeMessage:
        self._session.seq = (self._session.seq + 1) % NUMBERS
        payload = encode_payload(metrics, now_ms, self._session.seq)
        return NodeMessage(self.topic(kind, device), payload)

    # -- commands -------------------------------------------------------------------------------
    def request(self, metrics: Sequence[ReceivedMetric], device: str = NODE) -> Request:
        """Return what a command to the node or a device asks for."""
        aliases = {alias: metric for metric, alias in self._aliases.items()}
        return read_request(metrics, device, self._places, aliases)


def _is_before(report: Report, moment_ms: int) -> bool:
    """Return whether a live value is of before a moment, by a clock that was not set back since."""
    return 0 < moment_ms - report.timestamp_ms <= _LIVE_MS
