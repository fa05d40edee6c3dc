"""The schema of `takt.toml`. Both halves of Takt read the one file through these classes."""

from typing import Annotated, Literal

from pydantic import Field

from runtime.limits import (
    OVERRUNS_MAX,
    PRIORITY_MAX,
    RECORDED_CYCLES_MAX,
    RECORDED_VARIABLES_MAX,
    RETAIN_INTERVAL_NS_MIN,
    SPIN_NS_MAX,
    TASK_INTERVAL_NS_MAX,
    TASK_INTERVAL_NS_MIN,
)
from runtime.project.channels import IoSection
from runtime.project.devices import DeviceSection
from runtime.project.opcua import OpcUaServerSection
from runtime.project.section import Name, Port, Section
from runtime.project.servers import ServerSection
from runtime.project.telemetry import OpenTelemetrySection
from runtime.project.units import DurationNs
from runtime.project.uplinks import LeaseSection, OutboxSection, PublishSection, UplinkSection


class ProjectSection(Section):
    """[project]: its name and the ST sources (patterns relative to the file's folder)."""

    name: Name
    sources: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] = ("*.st",)


Interval = Annotated[DurationNs, Field(ge=TASK_INTERVAL_NS_MIN, le=TASK_INTERVAL_NS_MAX)]


class TaskSection(Section):
    """[[task]]: when it runs, and the programs it runs, in this order.

    With `interval` it is cyclic, with `single` an event releases it, with neither it is
    freewheeling: it runs again a `pause` after its end.
    """

    name: Name
    interval: Interval | None = None
    offset: Annotated[DurationNs, Field(ge=0, le=TASK_INTERVAL_NS_MAX)] = 0
    """Cyclic: how much later its releases are than those of tasks without one."""
    single: Annotated[str, Field(min_length=1)] | None = None
    """Path of a BOOL whose rising edge releases the task."""
    pause: Annotated[DurationNs, Field(ge=TASK_INTERVAL_NS_MIN, le=TASK_INTERVAL_NS_MAX)] = (
        1_000_000
    )
    priority: Annotated[int, Field(ge=0, le=PRIORITY_MAX)] = 1
    cpu: Annotated[int, Field(ge=0)] | None = None
    """Processor the task is pinned to; unset takes that of [runtime]."""
    watchdog: Annotated[DurationNs, Field(ge=0, le=TASK_INTERVAL_NS_MAX)] = 0
    """Longest execution, else the fault `watchdog`; 0: the loop budget alone is the limit."""
    overruns: Annotated[int, Field(ge=0, le=OVERRUNS_MAX)] = 0
    """Overruns in a row that are the fault `watchdog`; 0: none are."""
    stop: Literal["all", "task"] = "all"
    """What a fault of this task stops."""
    programs: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]


class ResourceSection(Section):
    """[[resource]]: where the tasks of a RESOURCE of the CONFIGURATION run."""

    name: Name
    cpu: Annotated[int, Field(ge=0)]


class RuntimeSection(Section):
    """[runtime]: what the scan threads ask of the machine."""

    realtime_priority: Annotated[int, Field(ge=0, le=99)] = 80
    """SCHED_FIFO priority of the most urgent task; 0 does not ask for real-time scheduling."""
    cpu: Annotated[int, Field(ge=0)] | None = None
    """Processor the scan threads are pinned to; unset leaves it to the scheduler."""
    lock_memory: bool = True
    spin: Annotated[DurationNs, Field(ge=0, le=SPIN_NS_MAX)] = 0
    """Busy wait before each release: buys lateness with processor time."""
    base: Interval = 10_000_000
    """Base cycle: of programs without a task; how often events are looked for in the inputs."""
    watchdog: Annotated[DurationNs, Field(ge=0, le=TASK_INTERVAL_NS_MAX)] = 0
    """Longest execution of tasks that only the CONFIGURATION declares; 0: the loop budget."""
    overruns: Annotated[int, Field(ge=0, le=OVERRUNS_MAX)] = 0
    """Overruns in a row that are a fault of such tasks; 0: none are."""


class RetainSection(Section):
    """[retain]: where and how often RETAIN and PERSISTENT variables are saved."""

    interval: Annotated[DurationNs, Field(ge=RETAIN_INTERVAL_NS_MIN)] = 1_000_000_000
    """At most so much is lost with the power; a save happens only where a value has changed."""
    folder: Annotated[str, Field(min_length=1)] | None = None
    """As seen from the project's folder; without it $TAKT_STATE, else `retain` there."""


class RecorderSection(Section):
    """[recorder]: what the report of a fault tells of the scans before it."""

    cycles: Annotated[int, Field(ge=0, le=RECORDED_CYCLES_MAX)] = 100
    """How many scans, of all tasks together."""
    variables: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(strict=False, max_length=RECORDED_VARIABLES_MAX),
    ] = ()
    """Paths of variables whose value after each scan is kept."""
    folder: Annotated[str, Field(min_length=1)] = "faults"
    """Where reports go, as seen from the project's folder."""


class MetricsSection(Section):
    """[metrics]: where the gateway serves `/metrics`."""

    host: str = "127.0.0.1"
    port: Port = 9464
    enabled: bool = True


class ProjectConfig(Section):
    """A whole `takt.toml`."""

    project: ProjectSection
    task: Annotated[tuple[TaskSection, ...], Field(strict=False)] = ()
    """Without any, the CONFIGURATION of the sources has the tasks."""
    recorder: RecorderSection = RecorderSection()
    resource: Annotated[tuple[ResourceSection, ...], Field(strict=False)] = ()
    runtime: RuntimeSection = RuntimeSection()
    retain: RetainSection = RetainSection()
    metrics: MetricsSection = MetricsSection()
    opentelemetry: OpenTelemetrySection | None = None
    opcua: OpcUaServerSection | None = None
    device: Annotated[tuple[DeviceSection, ...], Field(strict=False)] = ()
    server: Annotated[tuple[ServerSection, ...], Field(strict=False)] = ()
    io: Annotated[tuple[IoSection, ...], Field(strict=False)] = ()
    publish: Annotated[tuple[PublishSection, ...], Field(strict=False)] = ()
    outbox: OutboxSection = OutboxSection()
    lease: LeaseSection | None = None
    uplink: Annotated[tuple[UplinkSection, ...], Field(strict=False)] = ()
