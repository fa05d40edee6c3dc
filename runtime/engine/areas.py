"""What the channels of `takt.toml` are in the areas %I and %Q: inside of them, and safe values."""

from runtime.errors import ImageError
from runtime.image.directory import device_inputs
from runtime.image.layout import Quality
from runtime.project.load import Project
from runtime.project.units import Address


def safe_outputs(project: Project, area_bytes: int) -> bytes:
    """Return the bytes of %Q with every configured output at its safe value, the rest 0.

    Raises:
        ImageError: An output lies outside the area.
    """
    area = 0
    for channel in project.config.io:
        if channel.address.area == "Q":
            check_inside(channel.address, area_bytes)
            area |= channel.safe_raw << channel.address.bits.start
    return area.to_bytes(area_bytes, "little")


def lost_input(project: Project, number: int, quality: Quality) -> str:
    """Return which input was not there, by its number from 0 in the order of the mailboxes."""
    channels = [
        channel
        for device in project.config.device
        for channel in device_inputs(project, device.name)
    ]
    channel = channels[number]
    return f"{channel.address} of device {channel.device} ({quality.name.lower()})"


def check_inside(address: Address, area_bytes: int) -> None:
    """Make sure that an address lies inside its area: native code does not look again.

    Raises:
        ImageError: It does not.
    """
    if address.bits.stop > area_bytes * 8:
        raise ImageError(
            f"io {address}: the program's %{address.area} area has {area_bytes} bytes; "
            "expected an area that holds the address"
        )
