"""Which driver serves a device: the one place that knows every protocol."""

from gateway.field.clock import Clock
from gateway.field.modbus import ModbusTcpDriver
from gateway.field.seam import Driver
from gateway.tags import DeviceMap
from runtime.errors import HostError
from runtime.project.devices import ModbusTcpDevice


def make_driver(device: DeviceMap, clock: Clock) -> Driver:
    """Return the driver of a device.

    Raises:
        HostError: There is none for its protocol.
    """
    match device.section:
        case ModbusTcpDevice() as section:
            return ModbusTcpDriver(device, section, clock)
        case section:
            raise HostError(f"device {device.name}: no driver for {section.protocol}")
