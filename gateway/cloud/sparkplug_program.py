"""What a Sparkplug node learns from the image: its catalogue, values of now, links of devices."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.config import SPARKPLUG_LINK_LOST_NS
from gateway.flow.authority import silence_limit_ns
from gateway.flow.filters import scale
from gateway.flow.quality import InputQualities
from gateway.flow.scans import ScanFrame, decode_scan
from gateway.flow.sparkplug_catalogue import Owners, Published, catalogue_of, published
from gateway.flow.tracks import as_number
from gateway.flow.variables import real_json
from gateway.protocols.sparkplug.catalogue import Catalogue
from gateway.protocols.sparkplug.datatypes import QualityCode, Value
from gateway.protocols.sparkplug.node import Present, Report
from runtime.datatypes.values import Json
from runtime.image import layout
from runtime.image.layout import Link, Mode, Quality, SectionKind
from runtime.image.segment import Image
from runtime.project.load import Project
from runtime.project.uplinks import SparkplugUplink

MS_NS: Final = 1_000_000
_QUALITIES: Final[dict[int, QualityCode]] = {
    Quality.GOOD: QualityCode.GOOD,
    Quality.UNCERTAIN: QualityCode.STALE,
    Quality.STALE: QualityCode.STALE,
    Quality.BAD: QualityCode.BAD,
    Quality.MISSING: QualityCode.BAD,
}


def report_of(path: str, value: Json, time_ms: int, quality: int) -> Report:
    """Return a sample as a report; null where an input never had a value."""
    code = _QUALITIES.get(quality, QualityCode.BAD)
    if quality == Quality.MISSING:
        return Report(path, None, time_ms, code)
    plain: Value = str(value) if isinstance(value, list | dict) else value
    return Report(path, plain, time_ms, code)


@dataclass(frozen=True, slots=True)
class NodeClocks:
    """Time as arguments, in ns."""

    monotonic: Callable[[], int]
    wall: Callable[[], int]
    """Since 1970."""


class ProgramView:
    """The program of one project, for one uplink; programs come and go."""

    def __init__(
        self,
        project: Project,
        uplink: SparkplugUplink,
        image: Callable[[], Image | None],
        clocks: NodeClocks,
    ) -> None:
        """Take where the image that is served comes from; there may be none yet."""
        self._config, self._uplink = project.config, uplink
        self._image, self._clocks = image, clocks
        self._seen: Image | None = None
        self._names: dict[str, Published] = {}
        self._inputs: dict[str, int] = {}
        self._followed: dict[str, int] = {}
        """Number of the field device whose link decides, by device of the node."""
        self._up_ns: dict[str, int] = {}

    def changed(self) -> Catalogue | None:
        """Return the catalogue, where there is another image than at the last call."""
        image = self._image()
        if image is None or image is self._seen:
            return None
        self._seen, directory, uplink = image, image.directory, self._uplink
        self._names = published(directory, self._config.publish)
        qualities = InputQualities(directory)
        self._inputs = {path: qualities.of(item.variable) for path, item in self._names.items()}
        owners = Owners(directory, self._config.io, uplink)
        catalogue = catalogue_of(directory, self._names, owners, templates=uplink.templates)
        numbers = {device.name: number for number, device in enumerate(self._config.device)}
        links = {section.name: section.link or section.name for section in uplink.device}
        followed = {name: numbers.get(links.get(name, name)) for name in catalogue.devices}
        self._followed = {name: found for name, found in followed.items() if found is not None}
        return catalogue

    def is_running(self) -> bool:
        """Return whether a program runs."""
        image = self._image()
        if image is None or image.mode is not Mode.RUNNING:
            return False
        limit_ns = silence_limit_ns(task.interval_ns for task in image.directory.tasks)
        return self._clocks.monotonic() - image.runtime_heartbeat_ns <= limit_ns

    def present(self) -> Present:
        """Return the values of the newest scan."""
        running = self.is_running()
        image = self._image()
        if image is None or image is not self._seen or not running:
            return Present((), running)
        newest = image.ring(SectionKind.FRAME).latest()
        if newest is None:
            return Present((), running)
        frame = decode_scan(newest.number, newest.payload)
        time_ns = frame.end_ns + self._clocks.wall() - self._clocks.monotonic()
        reports = [
            report_of(path, _value(item, frame), time_ns // MS_NS, self._quality(path, frame))
            for path, item in self._names.items()
            if not item.section.aggregate or not item.variable.is_number
        ]
        return Present(reports, running)

    def _quality(self, path: str, frame: ScanFrame) -> int:
        if frame.faulted:
            return Quality.BAD
        number = self._inputs[path]
        return frame.qualities[number] if number >= 0 else Quality.GOOD

    def is_linked(self, device: str) -> bool:
        """Return whether a device of the node lives: its link is up, or was a moment ago."""
        number, image, now_ns = self._followed.get(device), self._image(), self._clocks.monotonic()
        if number is None:
            return True
        if image is not None and image is self._seen:
            header = slice(0, layout.MAILBOX_HEADER.size)
            newest = image.ring(SectionKind.INPUTS, number).latest([header])
            link = layout.MAILBOX_HEADER.unpack(newest.payload)[0] if newest else Link.DOWN
            if link == Link.UP:
                self._up_ns[device] = now_ns
        last_ns = self._up_ns.get(device)
        return last_ns is not None and now_ns - last_ns < SPARKPLUG_LINK_LOST_NS


def _value(item: Published, frame: ScanFrame) -> Json:
    """Return a value in the unit that is published."""
    value = item.variable.read(frame.state)
    if item.is_plain:
        return value
    return real_json(scale(as_number(value), item.section.scale, item.section.offset))
