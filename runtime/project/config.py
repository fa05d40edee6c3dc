"""The schema of `takt.toml`. Both halves of Takt read the one file through these classes."""

from typing import Annotated

from pydantic import Field

from runtime.limits import (
    PRIORITY_MAX,
    SPIN_NS_MAX,
    TASK_INTERVAL_NS_MAX,
    TASK_INTERVAL_NS_MIN,
)
from runtime.project.channels import IoSection
from runtime.project.devices import DeviceSection
from runtime.project.opcua import OpcUaServerSection
from runtime.project.section import Name, Port, Section
from runtime.project.units import DurationNs


class ProjectSection(Section):
    """[project]: its name and the ST sources (patterns relative to the file's folder)."""

    name: Name
    sources: Annotated[tuple[str, ...], Field(min_length=1, strict=False)] = ("*.st",)


class TaskSection(Section):
    """[[task]]: a cyclic task and the programs it runs, in this order."""

    name: Name
    interval: Annotated[DurationNs, Field(ge=TASK_INTERVAL_NS_MIN, le=TASK_INTERVAL_NS_MAX)]
    priority: Annotated[int, Field(ge=0, le=PRIORITY_MAX)] = 1
    programs: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)]


class RuntimeSection(Section):
    """[runtime]: what the scan thread asks of the machine."""

    realtime_priority: Annotated[int, Field(ge=0, le=99)] = 80
    """SCHED_FIFO priority of the scan thread; 0 does not ask for real-time scheduling."""
    cpu: Annotated[int, Field(ge=0)] | None = None
    """Processor the scan thread is pinned to; unset leaves it to the scheduler."""
    lock_memory: bool = True
    spin: Annotated[DurationNs, Field(ge=0, le=SPIN_NS_MAX)] = 0
    """Busy wait before each release: buys lateness with processor time."""


class MetricsSection(Section):
    """[metrics]: where the gateway serves `/metrics`."""

    host: str = "127.0.0.1"
    port: Port = 9464
    enabled: bool = True


class ProjectConfig(Section):
    """A whole `takt.toml`."""

    project: ProjectSection
    task: Annotated[tuple[TaskSection, ...], Field(min_length=1, strict=False)]
    runtime: RuntimeSection = RuntimeSection()
    metrics: MetricsSection = MetricsSection()
    opcua: OpcUaServerSection | None = None
    device: Annotated[tuple[DeviceSection, ...], Field(strict=False)] = ()
    io: Annotated[tuple[IoSection, ...], Field(strict=False)] = ()
