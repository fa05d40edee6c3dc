"""Channels: what each entry of a mailbox and each output of %Q is called at its device.

Derived once from `takt.toml`; inputs stand in the order of the mailbox, so an input's number here
is its number in the image.
"""

from dataclasses import dataclass

from runtime.image.directory import device_inputs
from runtime.project.channels import IoSection, Table
from runtime.project.devices import DeviceSection
from runtime.project.load import Project


@dataclass(frozen=True, slots=True)
class Channel:
    """One value at a device: a bit of a bit table, or 1, 2 or 4 registers."""

    address: str
    """Its address in the process image, such as %IW0."""
    table: Table
    register: int
    """Number of its bit or first register, from 0."""
    size: int
    """Bits of a bit table, or registers: 1, 2 or 4."""
    big_words: bool
    """Whether the most significant register comes first."""


@dataclass(frozen=True, slots=True)
class Output:
    """A channel that is written, and its place in the bytes of %Q."""

    channel: Channel
    byte: int
    bit: int
    width: int
    """Bits: 1, 16, 32 or 64; from 16 on little-endian from `byte`."""
    safe: int
    """Raw value while no program is in charge."""


@dataclass(frozen=True, slots=True)
class DeviceMap:
    """A device: number n of the image's INPUTS and LINK_STATISTICS sections."""

    number: int
    section: DeviceSection
    inputs: tuple[Channel, ...]
    outputs: tuple[Output, ...]

    @property
    def name(self) -> str:
        """Its name in `takt.toml`."""
        return self.section.name


def device_maps(project: Project) -> tuple[DeviceMap, ...]:
    """Return the devices of a project, in the order of the image's directory."""
    return tuple(
        DeviceMap(
            number,
            section,
            tuple(_channel(entry) for entry in device_inputs(project, section.name)),
            tuple(_output(entry) for entry in _device_outputs(project, section.name)),
        )
        for number, section in enumerate(project.config.device)
    )


def output_bytes(devices: tuple[DeviceMap, ...]) -> int:
    """Return the bytes that %Q must have to hold every output."""
    outputs = (output for device in devices for output in device.outputs)
    return max((output.byte + max(output.width // 8, 1) for output in outputs), default=0)


def _device_outputs(project: Project, device: str) -> tuple[IoSection, ...]:
    return tuple(
        entry for entry in project.config.io if entry.device == device and entry.address.area == "Q"
    )


def _channel(entry: IoSection) -> Channel:
    return Channel(
        address=str(entry.address),
        table=entry.table,
        register=entry.register_,
        size=max(entry.address.width // 16, 1),
        big_words=entry.word_order == "big",
    )


def _output(entry: IoSection) -> Output:
    address = entry.address
    return Output(_channel(entry), address.byte, address.bit, address.width, int(entry.safe))
