"""Channels: what each entry of a mailbox and each output of %Q is called at its device.

Derived once from `takt.toml`; inputs stand in the order of the mailbox, so an input's number here
is its number in the image.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.image.directory import device_inputs
from runtime.project.channels import (
    NUMBER_TYPES,
    PART_BYTES,
    IoSection,
    ModbusIo,
    OpcUaIo,
    StringPart,
    Table,
    VirtualIo,
)
from runtime.project.devices import DeviceSection, ModbusDevice
from runtime.project.load import Project
from runtime.project.values import ValueKind
from runtime.project.virtual import Signal


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a value stands in registers, and what becomes of it in the image."""

    width: int
    """Bits at the address in the image: 1, 16, 32 or 64."""
    kind: ValueKind = ValueKind.UNSIGNED
    """What the registers hold."""
    big_words: bool = True
    """Whether the most significant register comes first."""
    big_bytes: bool = True
    """Whether the most significant byte of a register comes first."""
    bit: int | None = None
    """Bit of the register, where the value is one."""
    factor: float | None = None
    """Where not None the image holds a real: factor times the registers' value plus `offset`."""
    offset: float = 0.0
    part: int | None = None
    """Where not None the registers hold a string, and the image these eight characters of it."""
    length: int = 0
    """Characters of the string."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One value at a device: a bit of a bit table, or one or more registers."""

    address: str
    """Its address in the process image, such as %IW0."""
    table: Table
    register: int
    """Number of its bit or first register, from 0."""
    size: int
    """Bits of a bit table (1), or registers."""
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class NodeChannel:
    """One value at an OPC UA server: a node."""

    address: str
    """Its address in the process image, such as %IW0."""
    node: str
    """The node's identifier, such as ns=2;s=Speed."""
    width: int
    """Bits of its type, and at the address: 1, 8, 16, 32 or 64."""
    type_name: str | None
    """The type that it must have, None for any of that width."""
    sampling_ns: int
    deadband: float


@dataclass(frozen=True, slots=True)
class VirtualChannel:
    """One value of a virtual device."""

    address: str
    """Its address in the process image, such as %IW0."""
    width: int
    """Bits at the address."""
    kind: ValueKind
    signal: Signal | None
    terminal: str
    """Where there is no signal: the name of a terminal."""


AnyChannel = Channel | NodeChannel | VirtualChannel


@dataclass(frozen=True, slots=True)
class Output:
    """A channel that is written, and its place in the bytes of %Q."""

    channel: AnyChannel
    byte: int
    bit: int
    width: int
    """Bits: 1, 16, 32 or 64; from 16 on little-endian from `byte`."""
    safe: int
    """Raw value while no program is in charge."""


@dataclass(frozen=True, slots=True)
class PollGroup:
    """The inputs of a device that are read together, by their numbers, and how often."""

    period_ns: int
    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DeviceMap:
    """A device: number n of the image's INPUTS and LINK_STATISTICS sections."""

    number: int
    section: DeviceSection
    folder: Path
    """The project's: files that the section names are relative to it."""
    inputs: tuple[AnyChannel, ...]
    outputs: tuple[Output, ...]
    groups: tuple[PollGroup, ...]
    """Every input once, the shortest period first; never empty."""

    @property
    def name(self) -> str:
        """Its name in `takt.toml`."""
        return self.section.name


def device_maps(project: Project) -> tuple[DeviceMap, ...]:
    """Return the devices of a project, in the order of the image's directory."""
    return tuple(
        _device_map(project, number, section)
        for number, section in enumerate(project.config.device)
    )


def _device_map(project: Project, number: int, section: DeviceSection) -> DeviceMap:
    inputs = device_inputs(project, section.name)
    return DeviceMap(
        number,
        section,
        project.folder,
        tuple(_any_channel(entry, section) for entry in inputs),
        tuple(_output(entry, section) for entry in _device_outputs(project, section.name)),
        tuple(_groups(inputs, section.poll)),
    )


def register_channels(channels: Iterable[AnyChannel]) -> tuple[Channel, ...]:
    """Return channels of a Modbus device, which can have no others."""
    return tuple(channel for channel in channels if isinstance(channel, Channel))


def node_channels(channels: Iterable[AnyChannel]) -> tuple[NodeChannel, ...]:
    """Return channels of an OPC UA server, which can have no others."""
    return tuple(channel for channel in channels if isinstance(channel, NodeChannel))


def virtual_channels(channels: Iterable[AnyChannel]) -> tuple[VirtualChannel, ...]:
    """Return channels of a virtual device, which can have no others."""
    return tuple(channel for channel in channels if isinstance(channel, VirtualChannel))


def output_bytes(devices: tuple[DeviceMap, ...]) -> int:
    """Return the bytes that %Q must have to hold every output."""
    outputs = (output for device in devices for output in device.outputs)
    return max((output.byte + max(output.width // 8, 1) for output in outputs), default=0)


def _groups(inputs: tuple[IoSection, ...], poll_ns: int) -> Iterator[PollGroup]:
    periods = [entry.poll or poll_ns for entry in inputs]
    for period_ns in sorted(set(periods)) or [poll_ns]:
        members = tuple(number for number, own in enumerate(periods) if own == period_ns)
        yield PollGroup(period_ns, members)


def _device_outputs(project: Project, device: str) -> tuple[IoSection, ...]:
    return tuple(
        entry for entry in project.config.io if entry.device == device and entry.address.area == "Q"
    )


def _any_channel(entry: IoSection, device: DeviceSection) -> AnyChannel:
    if isinstance(entry, VirtualIo):
        return VirtualChannel(
            address=str(entry.address),
            width=entry.address.width,
            kind=entry.kind,
            signal=entry.signal,
            terminal=entry.terminal or "",
        )
    if isinstance(entry, OpcUaIo):
        return NodeChannel(
            address=str(entry.address),
            node=entry.node,
            width=entry.address.width,
            type_name=entry.type,
            sampling_ns=entry.poll or device.poll,
            deadband=entry.deadband,
        )
    assert isinstance(device, ModbusDevice)
    return _channel(entry, device)


def _channel(entry: ModbusIo, device: ModbusDevice) -> Channel:
    place = entry.place
    assert place is not None
    scale = entry.scale
    registers_kind = NUMBER_TYPES[entry.type].kind if entry.type in NUMBER_TYPES else entry.kind
    return Channel(
        address=str(entry.address),
        table=place[0],
        register=entry.offset(device.address_base),
        size=entry.registers,
        encoding=Encoding(
            width=entry.address.width,
            kind=registers_kind,
            big_words=(entry.word_order or device.word_order) == "big",
            big_bytes=(entry.byte_order or device.byte_order) == "big",
            bit=entry.bit,
            factor=scale.factor if scale else None,
            offset=scale.offset if scale else 0.0,
            part=entry.part if isinstance(entry, StringPart) else None,
            length=entry.length or 0,
        ),
    )


def _output(entry: IoSection, device: DeviceSection) -> Output:
    address = entry.address
    channel = _any_channel(entry, device)
    if isinstance(channel, Channel) and channel.encoding.part is not None:
        channel = _own_registers(channel, channel.encoding.part)
    return Output(channel, address.byte, address.bit, address.width, entry.safe_raw)


def _own_registers(channel: Channel, part: int) -> Channel:
    """Return a part of a string as a channel of its own registers: it is written by itself."""
    before = PART_BYTES // 2 * part
    return replace(
        channel,
        register=channel.register + before,
        size=min(channel.size - before, PART_BYTES // 2),
        encoding=replace(channel.encoding, length=channel.encoding.length - PART_BYTES * part),
    )
