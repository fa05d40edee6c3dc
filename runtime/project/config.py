"""The schema of `takt.toml`. Both halves of Takt read the one file through these classes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from runtime.limits import (
    PRIORITY_MAX,
    SPIN_NS_MAX,
    TASK_INTERVAL_NS_MAX,
    TASK_INTERVAL_NS_MIN,
)
from runtime.project.units import AddressField, DurationNs

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Port = Annotated[int, Field(ge=0, le=65_535)]
"""A TCP port; where a server listens, 0 takes a free one."""


class Section(BaseModel):
    """A table of the file: unknown keys are faults, values keep their written type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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


class ModbusTcpDevice(Section):
    """[[device]] with protocol "modbus-tcp": a server that the gateway polls as client."""

    name: Name
    protocol: Literal["modbus-tcp"]
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    poll: Annotated[DurationNs, Field(ge=1_000_000)] = 100_000_000
    """Period of reading all of the device's inputs."""
    timeout: Annotated[DurationNs, Field(ge=1_000_000)] = 1_000_000_000
    """Longest wait for one response."""
    stale_after: Annotated[DurationNs, Field(ge=1_000_000)] = 1_000_000_000
    """Age from which the runtime treats the device's inputs as stale."""


DeviceSection = ModbusTcpDevice
"""Every kind of device; a further protocol joins as a union discriminated by `protocol`."""

Table = Literal["coil", "discrete", "input", "holding"]


class IoSection(Section):
    """[[io]]: one channel of a device, tied to an address of the process image.

    The address fixes direction and width: %I is read, %Q is written; X ties to a bit table (or to
    `bit` of a register), W to one register, D to two, L to four. `word_order` "big" has the most
    significant word first.
    """

    address: AddressField
    device: Name
    table: Table
    register_: Annotated[int, Field(ge=0, le=65_535, alias="register")]
    word_order: Literal["big", "little"] = "big"
    substitute: Literal["hold", "default"] = "hold"
    """What the program sees of an input whose source is bad or stale."""
    default: Annotated[int, Field(ge=0)] | bool = 0
    """Value of an input under `substitute = "default"`, as the raw word(s) or bit."""
    safe: Annotated[int, Field(ge=0)] | bool = 0
    """Value of an output while the program is stopped or faulted, as the raw word(s) or bit."""


class ProjectConfig(Section):
    """A whole `takt.toml`."""

    project: ProjectSection
    task: Annotated[tuple[TaskSection, ...], Field(min_length=1, strict=False)]
    runtime: RuntimeSection = RuntimeSection()
    metrics: MetricsSection = MetricsSection()
    device: Annotated[tuple[DeviceSection, ...], Field(strict=False)] = ()
    io: Annotated[tuple[IoSection, ...], Field(strict=False)] = ()
