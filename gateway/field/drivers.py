"""Which driver serves a device: the one place that knows every protocol."""

import ssl
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from gateway.errors import PeerRefusedError
from gateway.field.clock import Clock
from gateway.field.modbus import ModbusDriver
from gateway.field.modbus_ahead import AheadLink
from gateway.field.modbus_link import DatagramLink, Endpoint, Link, StreamLink
from gateway.field.modbus_serial import SerialLine, SerialLink
from gateway.field.seam import Driver
from gateway.field.virtual import VirtualDriver
from gateway.protocols.modbus.framing import RTU
from gateway.tags import DeviceMap
from runtime.errors import HostError
from runtime.project.devices import (
    ModbusDevice,
    ModbusRtuOverTcpDevice,
    ModbusTcpDevice,
    ModbusTlsDevice,
    ModbusUdpDevice,
    NetworkDevice,
    OpcUaDevice,
    SerialDevice,
    VirtualDevice,
)


class Drivers:
    """Makes the drivers of one session; devices on one serial line get the same line."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[str, SerialLine] = {}

    def driver(self, device: DeviceMap) -> Driver:
        """Return the driver of a device."""
        section = device.section
        if isinstance(section, OpcUaDevice):
            from gateway.field.opcua import OpcUaDriver  # its library takes a second to load

            return OpcUaDriver(device, section, self._clock)
        if isinstance(section, VirtualDevice):
            return VirtualDriver(device, section, self._clock)
        return ModbusDriver(device, section, self.link(section, device.folder))

    def link(self, section: ModbusDevice, folder: Path) -> Link:
        """Return the link to a Modbus device; files are relative to the folder.

        Raises:
            HostError: No driver is for its protocol.
        """
        match section:
            case SerialDevice() as section:
                line = self._lines.get(section.serial)
                if line is None:
                    line = self._lines[section.serial] = SerialLine(section, self._clock)
                return SerialLink(line, section)
            case ModbusUdpDevice() as section:
                return DatagramLink(_endpoint(section), self._clock)
            case ModbusTlsDevice() as section:
                security = cache(partial(client_security, section, folder))
                name = section.server_name
                endpoint = replace(_endpoint(section), security=security, server_name=name)
                return self._stream(endpoint, section.open_requests)
            case ModbusRtuOverTcpDevice() as section:
                return StreamLink(replace(_endpoint(section), framing=RTU), self._clock)
            case ModbusTcpDevice() as section:
                return self._stream(_endpoint(section), section.open_requests)
            case _:
                raise HostError(f"device {section.name}: no driver for it")

    def _stream(self, endpoint: Endpoint, open_requests: int) -> StreamLink:
        if open_requests == 1:
            return StreamLink(endpoint, self._clock)
        return AheadLink(endpoint, open_requests, self._clock)


def _endpoint(section: NetworkDevice) -> Endpoint:
    return Endpoint(section.host, section.port, section.unit, section.timeout)


def client_security(section: ModbusTlsDevice, folder: Path) -> ssl.SSLContext:
    """Return the client's side of TLS: at least 1.2, the server's certificate and name checked.

    Raises:
        PeerRefusedError: A certificate or key cannot be read: it may come while others are served.
    """
    names = {"ca": section.ca, "certificate": section.certificate, "key": section.key}
    files = {key: folder / name for key, name in names.items() if name is not None}
    told = ""
    try:
        for key, file in files.items():
            told = f"{key} {file}"
            file.read_bytes()  # what `ssl` says of a file that is not there names none
        told = f"ca {files['ca']}"
        context = ssl.create_default_context(cafile=files["ca"])
        if "certificate" in files:
            told = ", ".join(f"{key} {file}" for key, file in files.items() if key != "ca")
            context.load_cert_chain(files["certificate"], files.get("key"))
    except (OSError, ssl.SSLError) as error:
        raise PeerRefusedError(f"{told}: {error.strerror or error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
