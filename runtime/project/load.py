"""Read a `takt.toml` and report all of its faults at once.

pydantic judges each value; what concerns several places (addresses that overlap, devices that no
one declares) is judged here on every entry that is sound by itself, so that one typing error does
not hide the next fault.
"""

import contextlib
import re
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from runtime.errors import Fault, ProjectError
from runtime.limits import DEVICES_MAX, TASKS_MAX
from runtime.project.channels import IO_KINDS, IoSection, parts
from runtime.project.config import MetricsSection, ProjectConfig, TaskSection
from runtime.project.devices import DEVICE_KINDS, DeviceSection, ModbusDevice
from runtime.project.lines import project_error
from runtime.project.opcua import OpcUaServerSection
from runtime.project.rules import channel_faults
from runtime.project.sections import device_faults, opcua_faults, port_faults, server_faults
from runtime.project.servers import ServerSection
from runtime.project.units import told_duration
from runtime.project.uplinks import UPLINK_KINDS
from runtime.source import PROJECT_FILE_NAME

FILE_NAME: Final = PROJECT_FILE_NAME

Table = dict[str, object]


@dataclass(frozen=True, slots=True)
class Project:
    """A sound project: its folder, its configuration, its source files in sorted order."""

    folder: Path
    config: ProjectConfig
    sources: tuple[Path, ...]


def load_project(path: Path) -> Project:
    """Read the project in a folder (or the one of a `takt.toml` file).

    Raises:
        ProjectError: With every fault of the file, each with its path, value and expectation.
    """
    file = path if path.is_file() else path / FILE_NAME
    text = _read(file)
    raw = _parsed(file, text)
    faults = list(_schema_faults(raw))
    faults += _entry_faults(raw)
    folder = file.parent
    faults += _source_faults(raw, folder)
    if faults:
        raise project_error(str(file), text, faults)
    config = ProjectConfig.model_validate(raw)
    bases = {
        device.name: device.address_base
        for device in config.device
        if isinstance(device, ModbusDevice)
    }
    entries = tuple(
        part for entry in config.io for part in parts(entry, bases.get(entry.device, 0))
    )
    config = config.model_copy(update={"io": entries})
    return Project(folder, config, _find_sources(folder, config.project.sources))


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        fault = Fault(str(file), f"({error.strerror})", "a readable project file takt.toml")
    except UnicodeDecodeError as error:
        fault = Fault(str(file), f"(byte {error.start})", "UTF-8 text")
    raise ProjectError(str(file), (fault,))


def _parsed(file: Path, text: str) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = Fault(str(file), f"({error})", "valid TOML")
    raise ProjectError(str(file), (fault,))


def _schema_faults(raw: Table) -> Iterator[Fault]:
    try:
        ProjectConfig.model_validate(raw)
    except ValidationError as error:
        told: set[str] = set()
        for detail in error.errors(include_url=False):
            fault = fault_of(detail)
            counts_only_sound = detail["type"] == "too_short" and detail["input"]
            if not counts_only_sound and fault.path not in told:
                yield fault  # else its entries are there, each with a fault of its own
            told.add(fault.path)  # each type that a value could have has a fault of its own


def fault_of(detail: ErrorDetails) -> Fault:
    """Return what pydantic found as a fault, without the secrets that the value may hold."""
    location, kind = _written(detail["loc"]), detail["type"]
    value = "(absent)" if kind == "missing" else _short(detail["input"])
    if location and _SECRET.search(str(location[-1])) and kind == "extra_forbidden":
        value = "(not shown)"  # somebody has put a secret here
    if kind in _TAG_FAULTS:  # the key that tells which class reads the table is at fault
        key = detail["ctx"]["discriminator"].strip("'")
        tag = detail["ctx"].get("tag")
        location, value = (*location, key), "(absent)" if tag is None else repr(tag)
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    is_value = bool(location) and location[-1] in _VALUE_KEYS and kind != "extra_forbidden"
    expected = "a number, true or false" if is_value else _expected(detail)
    return Fault(path.lstrip("."), value, expected)


_TAG_FAULTS: Final = {"union_tag_invalid", "union_tag_not_found"}
_KINDS: Final[dict[str, type[BaseModel]]] = {**DEVICE_KINDS, **IO_KINDS, **UPLINK_KINDS}
"""The class of each tag that pydantic puts into the path of a fault inside a union."""


def _written(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Return a path as it stands in the file: without the tags of unions, which follow a number."""
    written = tuple(part for number, part in enumerate(location) if not _is_tag(location, number))
    return written[:-1] if written[-2:-1] and written[-2] in _VALUE_KEYS else written


def _is_tag(location: tuple[int | str, ...], number: int) -> bool:
    return number > 0 and isinstance(location[number - 1], int) and location[number] in _KINDS


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    text = _IN_URL.sub("(not shown)", text)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004


_VALUE_KEYS: Final = {"default", "safe"}
"""Keys of values of several types; pydantic puts the type that it tried behind them."""
_SECRET: Final = re.compile("password|secret|token|header|authorization", re.IGNORECASE)
"""Keys that there are not, whose values are not repeated."""
_IN_URL: Final = re.compile(r"((?<=://)[^/@\s']*(?=@))|((?<=\?)[^'\s]*=[^'\s]*)")
"""Parts of a URL that may be secrets: the user and password, the query."""
_PATTERNS: Final = {
    "topic": "a topic without the wildcards + and #",
    "subject": "a subject: words of letters, digits, _ and - with dots between, no wildcards",
    "table": "a name of lower-case letters, digits and _, starting with a letter or _",
    "group": "a name without +, # and /",
    "node": "a name without +, # and /",
    "endpoint": "an endpoint such as opc.tcp://plc:4840/path",
}
_LENGTHS: Final = {
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "string_too_short": "a text of at least {min_length} character",
    "string_too_long": "a text of at most {max_length} characters",
}
_BOUND_UNITS: Final = ("ge", "gt", "le", "lt")


def _expected(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = sorted(_known_keys(detail["loc"]))
        close = get_close_matches(str(detail["loc"][-1]), known, n=1)
        text = f"one of the known keys ({', '.join(known)})" if known else "no such key"
        return f"{text}; did you mean {close[0]}?" if close else text
    if kind in {"missing", "union_tag_not_found"}:
        return "a value, this key is required"

    if kind == "union_tag_invalid":
        return f"one of {context['expected_tags']}"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    key = str(detail["loc"][-1]) if detail["loc"] else ""
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(key, "a name of letters, digits and _, starting with a letter")
    shape = _expected_shape(detail)
    if shape is not None:
        return shape
    message = detail["msg"].removeprefix("Input should be ")
    message = message.removeprefix("a valid ") if message.startswith("a valid ") else message
    if key in _DURATION_KEYS:
        bound = next((context[name] for name in _BOUND_UNITS if name in context), None)
        if isinstance(bound, int):
            message = message.replace(str(bound), told_duration(bound))
    return message


def _expected_shape(detail: ErrorDetails) -> str | None:
    """Return which list, table or length of text was expected, None where that is not at fault."""
    kind = detail["type"]
    if kind == "tuple_type":
        is_table = isinstance(detail["input"], dict)
        table = ".".join(part for part in detail["loc"] if isinstance(part, str))
        return f"an array of tables, [[{table}]]" if is_table else "a list in brackets"
    if kind in {"model_type", "dict_type"}:
        return "a table"
    known = _LENGTHS.get(kind)
    return None if known is None else known.format(**detail["ctx"])


_DURATION_KEYS: Final = {
    "interval", "offset", "pause", "watchdog", "base", "poll", "timeout", "stale_after", "spin",
    "at_least_every", "age_max", "linger", "ttl",
}  # fmt: skip


def _known_keys(location: tuple[int | str, ...]) -> set[str]:
    """Return the keys that the table at a location (whose last part is the unknown key) knows."""
    model: type[BaseModel] = ProjectConfig
    for number, part in enumerate(location[:-1]):
        if isinstance(part, int):
            continue
        if _is_tag(location, number):
            model = _KINDS[part]
            continue
        field = model.model_fields.get(part)
        if field is None:
            return set()
        inner = _model_in(field.annotation)
        if inner is None:
            return set()
        model = inner
    return {field.alias or name for name, field in model.model_fields.items()}


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    parts = getattr(annotation, "__args__", ())
    return next((found for part in parts if (found := _model_in(part)) is not None), None)


Entry = TypeVar("Entry")
_CHANNEL: Final[TypeAdapter[IoSection]] = TypeAdapter(IoSection)
_DEVICE: Final[TypeAdapter[DeviceSection]] = TypeAdapter(DeviceSection)
_SERVER: Final[TypeAdapter[ServerSection]] = TypeAdapter(ServerSection)


def _entry_faults(raw: Table) -> list[Fault]:
    faults = [
        fault
        for key in ("task", "device", "server", "resource", "uplink")
        for fault in _duplicate_names(raw, key)
    ]
    faults += _task_faults(raw)
    faults += _lease_faults(raw)
    names = [str(item["name"]) for item in _tables(raw, "device") if "name" in item]
    if len(names) > DEVICES_MAX:
        faults.append(Fault("device", f"{len(names)} devices", f"at most {DEVICES_MAX}"))
    for number, table in enumerate(_tables(raw, "io")):
        if isinstance(table.get("device"), str) and table["device"] not in names:
            key = f"io[{number}].device"
            faults.append(Fault(key, _short(table["device"]), _a_device(names)))
    faults += _sound_faults(raw)
    return faults + list(_link_faults(raw, names))


def _sound_faults(raw: Table) -> Iterator[Fault]:
    """Yield what is wrong between entries that are sound by themselves."""
    devices = _sound(raw, "device", _DEVICE)
    channels = _sound(raw, "io", _CHANNEL)
    named = {device.name: device for device in devices.values()}
    covered: dict[tuple[str, int], int] = {}
    for number, entry in channels.items():
        yield from channel_faults(entry, number, named.get(entry.device))
        yield from _overlap_faults(entry, number, covered)
    yield from device_faults(devices, channels)
    servers, listeners = _sound(raw, "server", _SERVER), {}
    yield from server_faults(servers)
    with contextlib.suppress(ValidationError):
        metrics = MetricsSection.model_validate(raw.get("metrics", {}))
        if metrics.enabled:
            listeners["metrics"] = metrics.host, metrics.port
    with contextlib.suppress(ValidationError):
        opcua = OpcUaServerSection.model_validate(raw.get("opcua"))
        yield from opcua_faults(opcua)
        if opcua.enabled:
            listeners["opcua"] = opcua.host, opcua.port
    yield from port_faults(servers, listeners)


def _sound(raw: Table, key: str, adapter: TypeAdapter[Entry]) -> dict[int, Entry]:
    """Return the entries of an array of tables that the schema has nothing against."""
    found = {}
    for number, table in enumerate(_tables(raw, key)):
        with contextlib.suppress(ValidationError):
            found[number] = adapter.validate_python(table)
    return found


def _a_device(names: Collection[str]) -> str:
    return f"a [[device]] ({', '.join(sorted(names)) or 'none is declared'})"


def _link_faults(raw: Table, devices: Collection[str]) -> Iterator[Fault]:
    """Yield the devices of uplinks that follow the link of no field device."""
    for number, uplink in enumerate(_tables(raw, "uplink")):
        for place, device in enumerate(_tables(uplink, "device")):
            if isinstance(device.get("link"), str) and device["link"] not in devices:
                key = f"uplink[{number}].device[{place}].link"
                yield Fault(key, _short(device["link"]), _a_device(devices))


def _task_faults(raw: Table) -> Iterator[Fault]:
    """Judge how a task is released: by an interval, an event, or freewheeling; offset inside."""
    if len(_tables(raw, "task")) > TASKS_MAX:
        yield Fault("task", f"{len(_tables(raw, 'task'))} tasks", f"at most {TASKS_MAX}")
    for number, table in enumerate(_tables(raw, "task")):
        try:
            task = TaskSection.model_validate(table)
        except ValidationError:
            continue  # reported by the schema
        if task.interval is not None and task.single is not None:
            yield Fault(f"task[{number}].single", repr(task.single), "interval or single, not both")
        if "pause" in table and (task.interval is not None or task.single is not None):
            expected = "no pause in a task with interval or single; only a freewheeling one has it"
            yield Fault(f"task[{number}].pause", str(table["pause"]), expected)
        if task.offset and (task.interval is None or task.offset >= task.interval):
            expected = "an offset below the interval of a cyclic task"
            yield Fault(f"task[{number}].offset", str(table["offset"]), expected)


def _lease_faults(raw: Table) -> Iterator[Fault]:
    lease = raw.get("lease")
    if not isinstance(lease, dict) or "uplink" not in lease:
        return
    able = [item.get("name") for item in _tables(raw, "uplink") if item.get("kind") == "jetstream"]
    if lease["uplink"] not in able:
        known = ", ".join(sorted(map(str, able))) or "none is declared"
        expected = f"an [[uplink]] of kind jetstream ({known})"
        yield Fault("lease.uplink", _short(lease["uplink"]), expected)


def _tables(raw: Table, key: str) -> list[Table]:
    entries = raw.get(key, [])
    return [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []


def _duplicate_names(raw: Table, key: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, table in enumerate(_tables(raw, key)):
        name = table.get("name")
        if not isinstance(name, str):
            continue  # reported by the schema
        if name in seen:
            yield Fault(f"{key}[{number}].name", repr(name), f"a name that no other {key} has")
        seen.add(name)


def _overlap_faults(
    entry: IoSection, number: int, covered: dict[tuple[str, int], int]
) -> Iterator[Fault]:
    for key, addresses in {"address": entry.addresses, **entry.telling}.items():
        bits = [(item.area, bit) for item in addresses for bit in item.bits]
        other = next((covered[bit] for bit in bits if bit in covered), None)
        if other is not None:
            expected = f"an address that io[{other}] leaves free"
            yield Fault(f"io[{number}].{key}", str(addresses[0]), expected)
        covered.update((bit, number) for bit in bits if bit not in covered)


def _source_faults(raw: Table, folder: Path) -> Iterator[Fault]:
    section = raw.get("project", {})
    patterns = section.get("sources", ["*.st"]) if isinstance(section, dict) else []
    if not isinstance(patterns, list):
        return
    for number, pattern in enumerate(patterns):
        if not isinstance(pattern, str):
            continue  # reported by the schema
        path = Path(pattern)
        if not pattern or path.is_absolute() or ".." in path.parts:
            yield Fault(
                f"project.sources[{number}]", repr(pattern), "a pattern inside the project's folder"
            )
        elif not any(folder.glob(pattern)):
            yield Fault(f"project.sources[{number}]", repr(pattern), f"ST files in {folder}")


def _find_sources(folder: Path, patterns: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(sorted({file for pattern in patterns for file in folder.glob(pattern)}))
