"""[[device]]: what the gateway polls. The key `protocol` tells which class a table is read by."""

from typing import Annotated, Final, Literal

from pydantic import Field

from runtime.project.opcua import Secret, SecurityPolicy
from runtime.project.section import Name, RemotePort, Section
from runtime.project.units import DurationNs
from runtime.project.virtual import Plant

WordOrder = Literal["big", "little"]


class DeviceBase(Section):
    """What every [[device]] has, whatever its protocol."""

    name: Name
    poll: Annotated[DurationNs, Field(ge=1_000_000)] = 100_000_000
    """Period of reading the device's inputs; a channel may have its own."""
    timeout: Annotated[DurationNs, Field(ge=1_000_000)] = 1_000_000_000
    """Longest wait for one response."""
    stale_after: Annotated[DurationNs, Field(ge=1_000_000)] = 1_000_000_000
    """Age from which the runtime treats the device's inputs as stale."""


class ModbusDevice(DeviceBase):
    """A Modbus server that the gateway polls as client; what all its transports share."""

    unit: Annotated[int, Field(ge=0, le=255)] = 1
    address_base: Literal[0, 1] = 0
    """Number that the device's manual gives to the first entry of a table."""
    word_order: WordOrder = "big"
    """Order of the registers of a value, unless a channel says otherwise."""
    byte_order: WordOrder = "big"
    """Order of the bytes of a register, unless a channel says otherwise; Modbus says "big"."""
    registers_max: Annotated[int, Field(ge=1, le=125)] = 125
    """Registers that the device gives in one response."""
    bits_max: Annotated[int, Field(ge=1, le=2000)] = 2000
    """Bits that the device gives in one response."""
    write_registers_max: Annotated[int, Field(ge=1, le=123)] = 123
    """Registers that the device takes in one request; 1 uses function 6 only."""
    write_bits_max: Annotated[int, Field(ge=1, le=1968)] = 1968
    """Coils that the device takes in one request; 1 uses function 5 only."""
    gap_max: Annotated[int, Field(ge=0, le=125)] = 125
    """Registers (or 16 bits each) nobody asked for that a request may carry at most, where that is
    cheaper than another request; 0 where reading a register has an effect."""
    read_back: bool = False
    """Whether each write is read again, and a difference counts as refused."""


class NetworkDevice(ModbusDevice):
    """A Modbus server that is reached over the network."""

    host: str
    port: RemotePort = 502


class StreamDevice(NetworkDevice):
    """A server that tells the answers of several open requests apart."""

    open_requests: Annotated[int, Field(ge=1, le=16)] = 1
    """Reads that may be on their way at once: a long way to the device counts once for all of them.
    Simple devices serve no more than one."""


class ModbusTcpDevice(StreamDevice):
    """A Modbus TCP server."""

    protocol: Literal["modbus-tcp"]


class ModbusUdpDevice(NetworkDevice):
    """A server that takes the frames of Modbus TCP as datagrams."""

    protocol: Literal["modbus-udp"]


class ModbusRtuOverTcpDevice(NetworkDevice):
    """A serial device server that passes RTU frames on as they are."""

    protocol: Literal["modbus-rtu-over-tcp"]


class ModbusTlsDevice(StreamDevice):
    """A Modbus/TCP Security server: TLS, each side known by its certificate."""

    protocol: Literal["modbus-tls"]
    port: RemotePort = 802
    ca: str
    """File of the certificates that may have signed the device's, relative to the project."""
    certificate: str | None = None
    """File of the gateway's own certificate; devices of the specification ask for one."""
    key: str | None = None
    """File of the key to it."""
    server_name: str | None = None
    """Name that the device's certificate must bear; unset takes `host`."""


class SerialDevice(ModbusDevice):
    """A Modbus server on a serial line; devices with the same `serial` share the line."""

    serial: Annotated[str, Field(min_length=1)]
    """The line, such as /dev/ttyUSB0."""
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 19_200
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: Literal[1, 2] = 1


class ModbusRtuDevice(SerialDevice):
    """A Modbus RTU device: binary frames of eight data bits, ended by silence."""

    protocol: Literal["modbus-rtu"]


class ModbusAsciiDevice(SerialDevice):
    """A Modbus ASCII device: frames of hexadecimal digits."""

    protocol: Literal["modbus-ascii"]
    data_bits: Literal[7, 8] = 7


class OpcUaDevice(DeviceBase, Secret):
    """An OPC UA server; `poll` is the sampling interval that is asked for, unless a channel's."""

    protocol: Literal["opcua"]
    endpoint: Annotated[str, Field(pattern=r"^opc\.tcp://[^\s/@]+(/\S*)?$")]
    """Where it is, such as opc.tcp://plc:4840/path."""
    security: SecurityPolicy = "Basic256Sha256"
    mode: Literal["Sign", "SignAndEncrypt"] = "SignAndEncrypt"
    """What the policy does with every message, unless it is "None"."""
    user: str | None = None
    """Name to log in with, beside `password_file` or `password_env`."""
    user_certificate: str | None = None
    """File of the certificate to log in with, relative to the project."""
    user_key: str | None = None
    """File of the key to it."""
    pki: str = "pki"
    """Folder of certificates, relative to the project."""
    subscribe: bool = True
    """Whether the server shall tell changes; else, or where it refuses, the nodes are polled."""


class VirtualDevice(DeviceBase):
    """Signal generators and wires inside of the gateway, or a simulated plant."""

    protocol: Literal["virtual"]
    plant: Plant | None = None
    """The plant whose terminals its channels are."""


DeviceSection = Annotated[
    ModbusTcpDevice
    | ModbusUdpDevice
    | ModbusTlsDevice
    | ModbusRtuDevice
    | ModbusAsciiDevice
    | ModbusRtuOverTcpDevice
    | OpcUaDevice
    | VirtualDevice,
    Field(discriminator="protocol"),
]
"""Every kind of device; a further protocol joins here and in `DEVICE_KINDS`."""

DEVICE_KINDS: Final[dict[str, type[DeviceBase]]] = {
    "modbus-tcp": ModbusTcpDevice,
    "modbus-udp": ModbusUdpDevice,
    "modbus-tls": ModbusTlsDevice,
    "modbus-rtu": ModbusRtuDevice,
    "modbus-ascii": ModbusAsciiDevice,
    "modbus-rtu-over-tcp": ModbusRtuOverTcpDevice,
    "opcua": OpcUaDevice,
    "virtual": VirtualDevice,
}
"""The class of each value of `protocol`."""
