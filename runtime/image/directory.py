"""The directory: what a process that attaches learns about the image, as JSON in the segment."""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from runtime.artifact.program import (
    Area,
    Site,
    Symbol,
    decode_site,
    decode_symbol,
    encode_site,
    encode_symbol,
)
from runtime.artifact.units import Unit, decode_unit, encode_unit
from runtime.limits import (
    FRAME_HISTORY_NS,
    FRAME_RING_BYTES_MAX,
    FRAME_SLOTS_MAX,
    SLOTS,
    TASK_INTERVAL_NS_MIN,
)
from runtime.project.channels import IoSection
from runtime.project.load import Project
from runtime.project.uplinks import CommandedUplink

_NAMES_AT: Final = b', "symbols": '
"""Where the part begins that `encode_names` wrote; within a JSON string its quotes are escaped."""
_PROGRAMS_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """A task: number n of the statistics sections."""

    name: str
    interval_ns: int
    owned: tuple[tuple[int, int], ...] = ()
    """Offset and bytes of what no other task writes: commands for it go to this task."""
    priority: int = 0
    single: str = ""
    """Path of the BOOL whose rising edge releases it."""
    programs: tuple[tuple[str, str], ...] = ()
    """Its program instances, each with the name of its program."""


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A device: number n of the input and link-statistics sections; its inputs in this order."""

    name: str
    stale_after_ns: int
    inputs: tuple[str, ...]
    """Addresses (canonical, such as %IW0) of its inputs; entry n of its mailbox."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything that gives the bytes of the other sections their meaning."""

    project: str
    tasks: tuple[TaskEntry, ...]
    devices: tuple[DeviceEntry, ...]
    outputs: Area
    """The area %Q: its place in the state; its size is that of the bytes in OUTPUTS."""
    state_bytes: int
    symbols: tuple[Symbol, ...]
    sites: tuple[Site, ...]
    input_area: Area
    """The area %I."""
    memory_area: Area
    """The area %M."""
    frame_slots: int = SLOTS
    """Slots of the ring of frames: how many scans a reader may fall behind."""
    units: tuple[Unit, ...] = ()
    """Which variables of programs and blocks stand in which section."""

    @property
    def areas(self) -> Mapping[str, Area]:
        """The areas by their letter."""
        return {"I": self.input_area, "Q": self.outputs, "M": self.memory_area}

    @property
    def io_hash(self) -> int:
        """A number that tells whether a gateway's `takt.toml` has the same devices and inputs."""
        return io_hash(self.devices, self.outputs.size)

    @property
    def inputs(self) -> int:
        """Number of inputs of all devices."""
        return sum(len(device.inputs) for device in self.devices)


def io_hash(devices: tuple[DeviceEntry, ...], output_bytes: int) -> int:
    """Return a 64-bit number of the mailboxes' meaning."""
    text = json.dumps([[item.name, list(item.inputs)] for item in devices] + [output_bytes])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def device_inputs(project: Project, device: str) -> tuple[IoSection, ...]:
    """Return the input channels of a device, in the order of its mailbox."""
    return tuple(
        entry for entry in project.config.io if entry.device == device and entry.address.area == "I"
    )


def device_entries(project: Project) -> tuple[DeviceEntry, ...]:
    """Return the devices of a project as the directory lists them."""
    return tuple(
        DeviceEntry(
            device.name,
            device.stale_after,
            tuple(str(entry.address) for entry in device_inputs(project, device.name)),
        )
        for device in project.config.device
    )


def frame_slots(project: Project, tasks: Sequence[TaskEntry], state_bytes: int) -> int:
    """Return the slots of the ring of frames: more than usual where samples are published.

    Also where the cloud commands: an answer has the value out of the frame of the command's scan.

    A task without an interval counts as one of the shortest interval there is among the others.
    """
    commanded = any(
        isinstance(item, CommandedUplink) and item.command for item in project.config.uplink
    )
    if not project.config.publish and not commanded:
        return SLOTS
    intervals = [task.interval_ns for task in tasks if task.interval_ns]
    shortest_ns = min(intervals, default=TASK_INTERVAL_NS_MIN)
    wanted = sum(-(-FRAME_HISTORY_NS // (task.interval_ns or shortest_ns)) for task in tasks)
    by_memory = FRAME_RING_BYTES_MAX // max(state_bytes, 1)
    return max(SLOTS, min(wanted, by_memory, FRAME_SLOTS_MAX))


def encode_names(
    symbols: tuple[Symbol, ...], sites: tuple[Site, ...], units: tuple[Unit, ...]
) -> str:
    """Return the part of a directory that is alike for all instances of a program, as JSON."""
    return json.dumps(
        {
            "symbols": [encode_symbol(symbol) for symbol in symbols],
            # What an index may be is told by reports, which read it from the program.
            "sites": [encode_site(replace(site, allowed="")) for site in sites],
            "units": [encode_unit(unit) for unit in units],
        }
    )


def encode(directory: Directory, names: str | None = None) -> bytes:
    """Return the directory as JSON.

    Args:
        directory: What to write.
        names: From `encode_names`, where it is at hand.
    """
    own = json.dumps(
        {
            "project": directory.project,
            "tasks": [[task.name, task.interval_ns, list(task.owned)] for task in directory.tasks],
            "schedules": [[task.priority, task.single, task.programs] for task in directory.tasks],
            "devices": [
                [item.name, item.stale_after_ns, list(item.inputs)] for item in directory.devices
            ],
            "outputs": [directory.outputs.offset, directory.outputs.size],
            "state_bytes": directory.state_bytes,
            "input_area": [directory.input_area.offset, directory.input_area.size],
            "memory_area": [directory.memory_area.offset, directory.memory_area.size],
            "frame_slots": directory.frame_slots,
        }
    )
    shared = names or encode_names(directory.symbols, directory.sites, directory.units)
    return f"{own[:-1]}, {shared[1:]}".encode()


def decode(data: bytes) -> Directory:
    """Return the directory that `encode` wrote; instances of one program share their names."""
    own, _, names = data.partition(_NAMES_AT)
    raw = json.loads(own + b"}")
    symbols, sites, units = _decode_names(names)
    return Directory(
        project=raw["project"],
        tasks=tuple(
            TaskEntry(
                name,
                interval,
                tuple((offset, size) for offset, size in owned),
                priority,
                single,
                tuple((instance, program) for instance, program in programs),
            )
            for (name, interval, owned), (priority, single, programs) in zip(
                raw["tasks"], raw["schedules"], strict=True
            )
        ),
        devices=tuple(
            DeviceEntry(name, stale, tuple(inputs)) for name, stale, inputs in raw["devices"]
        ),
        outputs=Area(*raw["outputs"]),
        state_bytes=raw["state_bytes"],
        symbols=symbols,
        input_area=Area(*raw["input_area"]),
        memory_area=Area(*raw["memory_area"]),
        sites=sites,
        frame_slots=raw["frame_slots"],
        units=units,
    )


@functools.lru_cache(maxsize=_PROGRAMS_KEPT)
def _decode_names(
    names: bytes,
) -> tuple[tuple[Symbol, ...], tuple[Site, ...], tuple[Unit, ...]]:
    """Return symbols, sites and units; a fleet's hundreds of images have the same."""
    raw = json.loads(b"{" + _NAMES_AT.removeprefix(b", ") + names)
    return (
        tuple(decode_symbol(item) for item in raw["symbols"]),
        tuple(decode_site(site) for site in raw["sites"]),
        tuple(decode_unit(unit) for unit in raw["units"]),
    )
