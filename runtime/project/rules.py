"""Rules for one channel that no single key can break: its keys must fit each other, and its device.

Each returns the key at fault, its value as written, and what was expected; the first that is broken
is reported for a key.
"""

from collections.abc import Callable, Iterator
from typing import Final

from runtime.errors import Fault
from runtime.limits import AREA_BYTES_MAX
from runtime.plant.terminals import PLANTS
from runtime.project.channels import (
    NUMBER_TYPES,
    PART_BYTES,
    IoSection,
    ModbusIo,
    OpcUaIo,
    TypedIo,
    VirtualIo,
)
from runtime.project.devices import DeviceBase, ModbusDevice, OpcUaDevice, VirtualDevice
from runtime.project.values import ValueKind, value_range

_WIDTHS: Final = (16, 32, 64)
_REAL_WIDTHS: Final = (32, 64)
_REGISTERS: Final = 65_536

Broken = tuple[str, str, str] | None
RegisterRule = Callable[[ModbusIo, DeviceBase | None], Broken]
NodeRule = Callable[[OpcUaIo, DeviceBase | None], Broken]
VirtualRule = Callable[[VirtualIo, DeviceBase | None], Broken]


def channel_faults(entry: IoSection, number: int, device: DeviceBase | None) -> Iterator[Fault]:
    """Return the faults of io number `number`, whose device may be unknown."""
    keys: set[str] = set()
    for broken in _broken(entry, device):
        if broken is not None and broken[0] not in keys:
            key, value, expected = broken
            keys.add(key)
            yield Fault(f"io[{number}].{key}", value, expected)


def _area_rule(entry: IoSection, _device: DeviceBase | None) -> Broken:
    last = entry.addresses[-1]
    if entry.address.area == "M":
        return "address", str(entry.address), "an input %I… or an output %Q…"
    if last.byte + max(last.width // 8, 1) > AREA_BYTES_MAX:
        return "address", str(entry.address), f"a place in the first {AREA_BYTES_MAX} bytes"
    return None


def _telling_faults(entry: IoSection) -> Iterator[Broken]:
    """Yield places of quality and age that are none."""
    for key, addresses in entry.telling.items():
        first, last = addresses[0], addresses[-1]
        width, letter = _TELLING[key]
        if first.area != "I" or first.width != width:
            yield key, str(first), f"an address %I{letter}…"
        elif last.byte + width // 8 > AREA_BYTES_MAX:
            yield key, str(first), f"a place in the first {AREA_BYTES_MAX} bytes"


_TELLING: Final = {"quality": (8, "B"), "age": (32, "D")}
"""Width and letter of the addresses that tell an input's quality and age."""


def _place_rule(entry: ModbusIo, device: DeviceBase | None) -> Broken:
    if entry.place is None:
        expected = (
            "with `table`, or a reference such as 40001 (0 coil, 1 discrete, 3 input, 4 holding)"
        )
        return "register", str(entry.register_), expected
    base = device.address_base if isinstance(device, ModbusDevice) else 0
    first = entry.offset(base)
    least, greatest = entry.register_ - first, _REGISTERS - entry.span
    if not 0 <= first <= greatest:
        many = f" for {entry.span} {'bits' if entry.is_bit else 'registers'}" * (entry.span > 1)
        return "register", str(entry.register_), f"{least} to at most {least + greatest}{many}"
    return None


def _table_rule(entry: ModbusIo, _device: DeviceBase | None) -> Broken:
    if entry.place is None:
        return None
    table = repr(entry.table or entry.place[0])
    if entry.is_bit and (entry.address.width != 1 or entry.type not in {None, "bool"}):
        return "table", table, f'"input" or "holding" for the register {entry.address}'
    if not entry.is_bit and entry.address.width == 1 and entry.bit is None:
        return (
            "table",
            table,
            f'"coil" or "discrete" for {entry.address}, or a `bit` of the register',
        )
    if entry.address.area == "Q" and entry.place[0] in {"discrete", "input"}:
        writable = "coil" if entry.is_bit else "holding"
        return "table", table, f'"{writable}": only that one can be written'
    return None


def _bit_rule(entry: ModbusIo, _device: DeviceBase | None) -> Broken:
    if entry.bit is not None and (entry.is_bit or entry.address.width != 1):
        return "bit", str(entry.bit), "no bit, except of a register for an address such as %IX0.3"
    return None


def _type_rule(entry: ModbusIo, device: DeviceBase | None) -> Broken:
    width, name = entry.address.width, entry.type
    if name is None:
        return _untyped_rule(entry)
    if name == "bool":
        expected = "a number's type, or an address such as %IX0.3"
        return None if width == 1 else ("type", repr(name), expected)
    if name == "string":
        return _string_rule(entry)
    if isinstance(device, ModbusDevice) and NUMBER_TYPES[name].registers > device.registers_max:
        return "type", repr(name), f"a type of at most {device.registers_max} registers"
    found = NUMBER_TYPES[name]
    if entry.scale is None and found.kind is ValueKind.REAL and width != found.bits:
        letter = {32: "D", 64: "L"}[found.bits]
        return "address", str(entry.address), f"%{entry.address.area}{letter}… for {name}"
    if entry.scale is None and (width not in _WIDTHS or width < found.bits):
        return "address", str(entry.address), f"an address of at least {found.bits} bits for {name}"
    return None


def _untyped_rule(entry: ModbusIo) -> Broken:
    if entry.scale is not None:
        return "type", "(absent)", "a type, without which a scale does not know the number"
    if not entry.is_bit and entry.address.width not in {1, *_WIDTHS}:
        return "address", str(entry.address), "an address of 16, 32 or 64 bits for registers"
    return None


def _string_rule(entry: ModbusIo) -> Broken:
    if entry.length is None:
        return "length", "(absent)", "the number of characters of the string"
    if entry.address.width != PART_BYTES * 8:
        return "address", str(entry.address), f"%{entry.address.area}L…, eight characters in each"
    return None


def _scale_rule(entry: ModbusIo, _device: DeviceBase | None) -> Broken:
    if entry.scale is None or entry.type is None:
        return None
    if entry.type not in NUMBER_TYPES or entry.address.width not in _REAL_WIDTHS:
        return "scale", "(present)", "a number's type, and an address %…D (REAL) or %…L (LREAL)"
    if entry.scale.factor == 0:
        return "scale.factor", "0", "a factor other than 0"
    return None


def _count_rule(entry: ModbusIo, _device: DeviceBase | None) -> Broken:
    if entry.count > 1 and entry.type == "string":
        return "count", str(entry.count), "no count, except of numbers and bits"
    return None


def _length_rule(entry: ModbusIo, device: DeviceBase | None) -> Broken:
    if entry.length is not None and entry.type != "string":
        return "length", str(entry.length), 'no length, except with type = "string"'
    if entry.length and isinstance(device, ModbusDevice) and entry.registers > device.registers_max:
        return "length", str(entry.length), f"at most {2 * device.registers_max} for this device"
    return None


def _value_rule(entry: IoSection, _device: DeviceBase | None) -> Broken:
    if entry.kind is ValueKind.REAL:
        return None
    least, greatest = value_range(entry.kind, entry.address.width)
    expected = f"a whole number from {least} to {greatest} for {entry.address}"
    for key, value in (("default", entry.default), ("safe", entry.safe)):
        if isinstance(value, float) and entry.type is None and entry.address.width in _REAL_WIDTHS:
            return key, str(value), f'{expected}; a real one needs `type`, such as "float32"'
        if isinstance(value, float) or not least <= int(value) <= greatest:
            return key, str(value), expected
    return None


def _idle_keys(entry: IoSection) -> Iterator[Broken]:
    """Yield keys that would have no effect: their writer counts on one."""
    given = entry.model_fields_set
    is_input = entry.address.area == "I"
    for key in sorted(given & ({"safe"} if is_input else _OF_INPUTS)):
        side = "outputs %Q…" if is_input else "inputs %I…"
        yield key, _written(entry, key), f"no `{key}` for {entry.address}: it is for {side}"
    if is_input and "default" in given and entry.substitute != "default":
        yield "default", _written(entry, "default"), 'substitute = "default" with it'


_OF_INPUTS: Final = {"substitute", "default", "poll", "quality", "age"}


def _written(entry: IoSection, key: str) -> str:
    value = getattr(entry, key)
    if key == "poll":
        return f"{value / 1e6:g} ms"
    return str(value) if key in _TELLING else repr(value)


def _poll_rule(entry: IoSection, device: DeviceBase | None) -> Broken:
    if entry.poll is not None and device is not None and entry.poll >= device.stale_after:
        expected = f"less than the device's stale_after ({device.stale_after / 1e6:g} ms)"
        return "poll", f"{entry.poll / 1e6:g} ms", expected
    return None


def _registers_rule(_entry: ModbusIo, device: DeviceBase | None) -> Broken:
    if isinstance(device, OpcUaDevice):
        return "node", "(absent)", "the node that the channel is at this device"
    if isinstance(device, VirtualDevice):
        return "signal", "(absent)", "a signal or a terminal: the device is virtual"
    return None


def _virtual_rule(entry: VirtualIo, device: DeviceBase | None) -> Broken:
    if device is not None and not isinstance(device, VirtualDevice):
        key = "signal" if entry.signal is not None else "terminal"
        return key, "(present)", "none: the device is not virtual"
    if entry.address.area == "Q" and entry.signal is not None:
        return "signal", "(present)", f"a terminal for the output {entry.address}"
    if entry.signal is not None and entry.terminal is not None:
        return "terminal", repr(entry.terminal), "a signal or a terminal, not both"
    return None


def _terminal_rule(entry: VirtualIo, device: DeviceBase | None) -> Broken:
    if not isinstance(device, VirtualDevice) or device.plant is None or entry.terminal is None:
        return None
    known, is_input = PLANTS[device.plant], entry.address.area == "I"
    terminal = known.get(entry.terminal)
    if terminal is None or terminal.is_sensor > is_input:
        fitting = [name for name, item in known.items() if is_input or not item.is_sensor]
        return "terminal", repr(entry.terminal), f"one of {', '.join(fitting)}"
    if terminal.bits != entry.address.width:
        return "address", str(entry.address), f"{terminal.bits} bits for {entry.terminal}"
    return None


def _node_rule(entry: OpcUaIo, device: DeviceBase | None) -> Broken:
    if device is not None and not isinstance(device, OpcUaDevice):
        return "node", repr(entry.node), "a register: nodes are those of an OPC UA server"
    return None


def _width_rule(entry: TypedIo, _device: DeviceBase | None) -> Broken:
    if entry.type_bits != entry.address.width:
        return "type", repr(entry.type), f"a type of {entry.address.width} bits for {entry.address}"
    return None


def _deadband_rule(entry: OpcUaIo, _device: DeviceBase | None) -> Broken:
    if entry.deadband and entry.address.width == 1:
        return "deadband", f"{entry.deadband:g}", f"none for the bit {entry.address}"
    return None


def _broken(entry: IoSection, device: DeviceBase | None) -> Iterator[Broken]:
    """Yield what the rules of a channel's kind say of it."""
    yield _area_rule(entry, device)
    if isinstance(entry, ModbusIo):
        yield from (rule(entry, device) for rule in _REGISTER_RULES)
    elif isinstance(entry, OpcUaIo):
        yield from (rule(entry, device) for rule in _NODE_RULES)
    else:
        yield from (rule(entry, device) for rule in _VIRTUAL_RULES)
    yield _value_rule(entry, device)
    yield _poll_rule(entry, device)
    yield from _telling_faults(entry)
    yield from _idle_keys(entry)


_REGISTER_RULES: Final[tuple[RegisterRule, ...]] = (
    _registers_rule,
    _place_rule,
    _table_rule,
    _bit_rule,
    _type_rule,
    _scale_rule,
    _length_rule,
    _count_rule,
)
_NODE_RULES: Final[tuple[NodeRule, ...]] = (_node_rule, _width_rule, _deadband_rule)
_VIRTUAL_RULES: Final[tuple[VirtualRule, ...]] = (_virtual_rule, _terminal_rule, _width_rule)
