"""Watch a running project from outside: read its process image, never write to it."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Site, Symbol
from runtime.datatypes.values import Json
from runtime.errors import ImageError
from runtime.image.layout import Link, LinkError, Mode, Quality, SectionKind
from runtime.image.payloads import Frame, decode_frame, decode_mailbox
from runtime.image.segment import Image, attach_image
from runtime.image.statistics import HistogramCopy, LinkStatistics, TaskStatistics

GATEWAY_SILENT_NS: Final = 1_000_000_000
"""Age of the gateway's heartbeat from which it counts as gone."""
RUNTIME_SILENT_NS: Final = 2_000_000_000
"""The same of the runtime, which shows a sign of life every 100 ms in every mode."""


class TaskState(enum.StrEnum):
    """What a task does."""

    RUNNING = "running"
    STOPPED = "stopped"
    """The runtime does not run, or a fault of another task ended this one too."""
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True)
class TaskReport:
    """How punctual a task is, since its runtime started."""

    name: str
    interval_ns: int
    scans: int
    overruns: int
    skipped: int
    lateness: HistogramCopy
    jitter: HistogramCopy
    execution: HistogramCopy
    reaction: HistogramCopy
    state: TaskState = TaskState.RUNNING
    fault: FaultKind = FaultKind.NONE
    """The fault that ended it."""
    place: Site | None = None
    """Where in the sources; None without a fault, and for one without a line, as a watchdog's."""
    lost_edges: int = 0
    """Edges of an event task that came while one was pending."""


@dataclass(frozen=True, slots=True)
class LinkReport:
    """How the gateway gets on with a device, since the runtime started."""

    device: str
    link: Link
    error: LinkError
    polls: int
    failures: int
    reconnects: int
    writes: int
    round_trip: HistogramCopy
    reaction: HistogramCopy


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that is known of a running project at one moment."""

    time_ns: int
    """CLOCK_MONOTONIC at which it was read."""
    project: str
    runtime_pid: int
    mode: Mode
    runtime_alive: bool
    """Whether the runtime has shown a sign of life within the last two seconds."""
    gateway_alive: bool
    """Whether the gateway has shown a sign of life within the last second."""
    cycle: int
    release_ns: int
    fault: FaultKind
    """The fault of the first task that has one, NONE while all run."""
    values: dict[str, Json]
    """The variables asked for, by path, in this cycle."""
    qualities: dict[str, Quality]
    """Effective quality of every input, by address."""
    tasks: tuple[TaskReport, ...]
    links: tuple[LinkReport, ...]


@dataclass(frozen=True, slots=True)
class _Attachment:
    image: Image
    symbols: tuple[Symbol, ...]
    """The variables asked for, as far as the program has them."""


class Monitor:
    """Reads the image of a project whenever asked; follows its runtime through restarts."""

    def __init__(self, path: Path, names: Iterable[str], clock_ns: Callable[[], int]) -> None:
        """Watch the image at `path`, which need not be there yet.

        Args:
            path: From `image_path`.
            names: Paths of the variables to read; those that the program lacks are left out.
            clock_ns: CLOCK_MONOTONIC.
        """
        self._path = path
        self._names = frozenset(name.upper() for name in names)
        self._clock_ns = clock_ns
        self._attachment: _Attachment | None = None

    def observe(self) -> Observation | None:
        """Return the present state; None before the first scan."""
        attachment = self._attached()
        if attachment is None:
            return None
        publication = attachment.image.ring(SectionKind.FRAME).latest()
        if publication is None:
            return None
        return _observation(attachment, decode_frame(publication.payload), self._clock_ns())

    def close(self) -> None:
        """Release the image."""
        if self._attachment is not None:
            self._attachment.image.close()
            self._attachment = None

    def _attached(self) -> _Attachment | None:
        if self._attachment is not None and not self._attachment.image.is_current():
            self.close()
        if self._attachment is None:
            try:
                image = attach_image(self._path)
            except ImageError:
                return None
            symbols = image.directory.symbols
            wanted = tuple(symbol for symbol in symbols if symbol.path in self._names)
            self._attachment = _Attachment(image, wanted)
        return self._attachment


def _observation(attachment: _Attachment, frame: Frame, now_ns: int) -> Observation:
    image = attachment.image
    addresses = [name for device in image.directory.devices for name in device.inputs]
    tasks = tuple(_task(image, number) for number in range(len(image.directory.tasks)))
    faults = (task.fault for task in tasks if task.fault is not FaultKind.NONE)
    return Observation(
        time_ns=now_ns,
        project=image.directory.project,
        runtime_pid=image.runtime_pid,
        mode=image.mode,
        runtime_alive=now_ns - image.runtime_heartbeat_ns < RUNTIME_SILENT_NS,
        gateway_alive=now_ns - image.gateway_heartbeat_ns < GATEWAY_SILENT_NS,
        cycle=frame.cycle,
        release_ns=frame.release_ns,
        fault=next(faults, frame.fault),
        values={symbol.path: frame.value(symbol) for symbol in attachment.symbols},
        qualities=dict(zip(addresses, frame.qualities, strict=True)),
        tasks=tasks,
        links=tuple(_link(image, number) for number in range(len(image.directory.devices))),
    )


def _task(image: Image, number: int) -> TaskReport:
    entry = image.directory.tasks[number]
    counts = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, number))
    return TaskReport(
        entry.name, entry.interval_ns, counts.scans, counts.overruns, counts.skipped,
        counts.lateness.copy(), counts.jitter.copy(), counts.execution.copy(),
        counts.reaction.copy(), *_state(image, counts), counts.lost_edges,
    )  # fmt: skip


def _state(image: Image, counts: TaskStatistics) -> tuple[TaskState, FaultKind, Site | None]:
    fault, site, sites = counts.fault, counts.fault_site, image.directory.sites
    if fault is not FaultKind.NONE:
        return TaskState.FAULTED, fault, sites[site] if site < len(sites) else None
    state = TaskState.RUNNING if image.mode is Mode.RUNNING else TaskState.STOPPED
    return state, fault, None


def _link(image: Image, number: int) -> LinkReport:
    name = image.directory.devices[number].name
    counts = LinkStatistics(image.section(SectionKind.LINK_STATISTICS, number))
    publication = image.ring(SectionKind.INPUTS, number).latest()
    link, error, polls, failures, reconnects = Link.DOWN, LinkError.NONE, 0, 0, 0
    if publication is not None:
        mailbox = decode_mailbox(publication.payload)
        link, error, polls = mailbox.link, mailbox.error, mailbox.polls
        failures, reconnects = mailbox.failures, mailbox.reconnects
    return LinkReport(
        name, link, error, polls, failures, reconnects, counts.writes,
        counts.round_trip.copy(), counts.reaction.copy(),
    )  # fmt: skip
