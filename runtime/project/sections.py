"""Rules for whole sections of `takt.toml`: what keys of one table, or tables of one kind, must fit.

Each takes sections that are sound by themselves, with their numbers in the file, and yields faults.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from runtime.errors import Fault
from runtime.project.channels import BIT_TABLES, IoSection, VirtualIo
from runtime.project.devices import DeviceBase, SerialDevice, VirtualDevice
from runtime.project.opcua import OpcUaServerSection
from runtime.project.servers import LINE_PROTOCOLS, UNIT_MAX, ModbusServer, ServerRange
from runtime.project.units import Address

_ENTRIES: Final = 65_536
_LINE_KEYS: Final = ("protocol", "baud", "parity", "stop_bits", "data_bits")


def device_faults(
    devices: Mapping[int, DeviceBase], channels: Mapping[int, IoSection]
) -> Iterator[Fault]:
    """Yield what is wrong with devices beside their single keys."""
    lines: dict[str, tuple[int, SerialDevice]] = {}
    for number, device in devices.items():
        yield from _age_faults(number, device, channels)
        if isinstance(device, SerialDevice):
            first, other = lines.setdefault(device.serial, (number, device))
            yield from _line_faults(number, device, first, other)
        elif isinstance(device, VirtualDevice) and device.plant is None:
            yield from _wire_faults(device.name, channels)


def _wire_faults(device: str, channels: Mapping[int, IoSection]) -> Iterator[Fault]:
    """Yield inputs of a virtual device that are wired to no output of their width."""
    own = {
        number: entry
        for number, entry in channels.items()
        if isinstance(entry, VirtualIo) and entry.device == device and entry.terminal
    }
    widths = {
        entry.terminal: entry.address.width for entry in own.values() if entry.address.area == "Q"
    }
    for number, entry in own.items():
        if entry.address.area == "I" and widths.get(entry.terminal) != entry.address.width:
            fitting = sorted(
                str(name) for name, bits in widths.items() if bits == entry.address.width
            )
            known = ", ".join(fitting) or "none has one"
            expected = f"the terminal of an output of {entry.address.width} bits ({known})"
            yield Fault(f"io[{number}].terminal", repr(entry.terminal), expected)


def _age_faults(
    number: int, device: DeviceBase, channels: Mapping[int, IoSection]
) -> Iterator[Fault]:
    """Yield a period that is longer than the age from which its inputs are stale."""
    polled = any(
        entry.device == device.name and entry.address.area == "I" and entry.poll is None
        for entry in channels.values()
    )
    if not polled or device.poll < device.stale_after:
        return
    if "poll" in device.model_fields_set:
        expected = f"less than stale_after ({_milliseconds(device.stale_after)})"
        yield Fault(f"device[{number}].poll", _milliseconds(device.poll), expected)
    else:
        expected = f"more than poll ({_milliseconds(device.poll)})"
        yield Fault(f"device[{number}].stale_after", _milliseconds(device.stale_after), expected)


def _line_faults(
    number: int, device: SerialDevice, first: int, other: SerialDevice
) -> Iterator[Fault]:
    """Yield settings of a line that differ from those of the first device on it."""
    for key in _LINE_KEYS:
        value, expected = getattr(device, key, None), getattr(other, key, None)
        if value != expected:
            text = f"{expected!r} as device[{first}] has it on {device.serial}"
            yield Fault(f"device[{number}].{key}", repr(value), text)
            return


def _milliseconds(time_ns: int) -> str:
    return f"{time_ns / 1e6:g} ms"


def server_faults(servers: Mapping[int, ModbusServer]) -> Iterator[Fault]:
    """Yield what is wrong with servers beside their single keys."""
    for number, server in servers.items():
        key = f"server[{number}]"
        yield from _transport_faults(key, server)
        for place, item in enumerate(server.range):
            yield from _range_faults(f"{key}.range[{place}]", item)


def _transport_faults(key: str, server: ModbusServer) -> Iterator[Fault]:
    protocol, is_line = server.protocol, server.protocol in LINE_PROTOCOLS
    if is_line and server.serial is None:
        yield Fault(f"{key}.serial", "(absent)", f"the line of {protocol}, such as /dev/ttyUSB0")
    if is_line and not 1 <= (server.unit or 0) <= UNIT_MAX:
        value = "(absent)" if server.unit is None else str(server.unit)
        yield Fault(f"{key}.unit", value, f"1 to {UNIT_MAX}: others are on the line")
    if protocol == "modbus-tls" and server.certificate is None:
        yield Fault(f"{key}.certificate", "(absent)", "the certificate of modbus-tls")
    idle = {"host", "port"} if is_line else {"serial", "baud", "parity", "stop_bits", "data_bits"}
    if protocol != "modbus-tls":
        idle |= {"certificate", "key", "ca"}
    for name in sorted(idle & server.model_fields_set):
        yield Fault(f"{key}.{name}", repr(getattr(server, name)), f"no {name} for {protocol}")


def _range_faults(key: str, item: ServerRange) -> Iterator[Fault]:
    if item.access == "read-write" and item.table in {"discrete", "input"}:
        writable = "coil" if item.table == "discrete" else "holding"
        yield Fault(f"{key}.table", repr(item.table), f'"{writable}": clients can write that one')
    if (item.variable is None) == (item.address is None):
        value = "(absent)" if item.variable is None else repr(item.variable)
        yield Fault(f"{key}.variable", value, "either `variable`, or `address` and `count`")
    elif item.address is None and item.count is not None:
        yield Fault(f"{key}.count", str(item.count), "no count, except with `address`")
    elif item.address is not None and item.count is None:
        yield Fault(f"{key}.count", "(absent)", "how many entries, with `address`")
    elif item.address is not None and item.count is not None:
        yield from _stretch_faults(key, item, item.address, item.count)


def _stretch_faults(key: str, item: ServerRange, address: Address, count: int) -> Iterator[Fault]:
    is_bits = item.table in BIT_TABLES
    if is_bits != (address.width == 1) or address.width == 8:  # noqa: PLR2004
        kind = "%IX…, %QX… or %MX…" if is_bits else "an address of 16, 32 or 64 bits"
        yield Fault(f"{key}.address", str(address), f"{kind} for {item.table}")
    elif count % max(address.width // 16, 1):
        expected = f"a multiple of {address.width // 16} for {address}"
        yield Fault(f"{key}.count", str(count), expected)
    elif item.register_ + count > _ENTRIES:
        expected = f"at most {_ENTRIES - count} for {count} entries"
        yield Fault(f"{key}.register", str(item.register_), expected)


def opcua_faults(section: OpcUaServerSection) -> Iterator[Fault]:
    """Yield what is wrong with [opcua] beside its single keys."""
    seen: set[str] = set()
    for number, user in enumerate(section.user):
        if user.name in seen:
            key = f"opcua.user[{number}].name"
            yield Fault(key, repr(user.name), "a name that no other user has")
        seen.add(user.name)


def port_faults(
    servers: Mapping[int, ModbusServer], others: Mapping[str, tuple[str, int]]
) -> Iterator[Fault]:
    """Yield ports that two would listen at; `others` are hosts and ports by their sections."""
    listed = [(("tcp", host, port), section) for section, (host, port) in others.items()]
    for number, server in servers.items():
        if server.protocol not in LINE_PROTOCOLS:
            kind = "udp" if server.protocol == "modbus-udp" else "tcp"
            listed.append(((kind, server.host, server.port), f"server[{number}]"))
    owners: dict[tuple[str, str, int], str] = {}
    for place, section in listed:
        other = owners.setdefault(place, section)
        if other != section and place[2]:
            expected = f"a port that {other} leaves free"
            yield Fault(f"{section}.port", str(place[2]), expected)
