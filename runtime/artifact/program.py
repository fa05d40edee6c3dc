"""`CompiledProgram`: what the compiler hands to the engine, and its form as a file.

The file is a JSON header and two binary parts (initial state, machine code), so that loading it
executes nothing but what the engine maps as code:

    b"TAKTPROG" | uint32 version | uint32 header bytes | SHA-256 of the rest
    header (JSON) | state | object code
"""

import enum
import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.artifact.abi import FaultKind
from runtime.artifact.calls import Calls, decode_calls, encode_calls
from runtime.artifact.exchange import NO_EXCHANGE, Cells, Exchange, Owned, Take
from runtime.artifact.units import Unit, decode_unit, encode_unit
from runtime.datatypes.derived import Array, DataType, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY, Elementary, Kind
from runtime.datatypes.scalars import Enumeration, Reference, Subrange, enumeration, subrange
from runtime.datatypes.texts import Text, bare_text, text_type
from runtime.datatypes.values import Buffer, Json, read_json
from runtime.errors import TaktError

MAGIC: Final = b"TAKTPROG"
VERSION: Final = 12
CONSTANT: Final = "CONSTANT"
"""Direction of a constant: code may hold its value, so a write would change nothing."""
_SEALS: Final = {"READ_ONLY": "READ_ONLY in VAR_ACCESS", CONSTANT: "CONSTANT"}
_ACCESS: Final = frozenset({"READ_ONLY", "READ_WRITE"})
_CAUSES: Final = {FaultKind.INDEX: "index", FaultKind.SUBRANGE: "value"}
_PREFIX: Final = struct.Struct("<8sII32s")


@dataclass(frozen=True, slots=True)
class Area:
    """One of the areas %I, %Q, %M inside the state: offset and size in bytes."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """One variable that users can name: its path in upper case, place in the state, type."""

    path: str
    offset: int
    type: DataType
    bit: int = -1
    """Bit number inside the byte for a located BOOL such as %IX0.3, else -1."""
    direction: str = ""
    """READ_ONLY or READ_WRITE of a name that VAR_ACCESS gives to a variable, CONSTANT of one that
    is declared so; else empty."""

    @property
    def is_read_only(self) -> bool:
        """Whether nobody outside may write by this name."""
        return bool(self.sealed_by)

    @property
    def is_access(self) -> bool:
        """Whether it is a name that VAR_ACCESS gives."""
        return self.direction in _ACCESS

    @property
    def sealed_by(self) -> str:
        """What keeps those outside from writing by this name, empty where nothing does."""
        return _SEALS.get(self.direction, "")

    def read(self, state: Buffer) -> Json:
        """Return the variable's value in a state, as JSON holds it."""
        if self.bit >= 0:
            return bool(memoryview(state)[self.offset] >> self.bit & 1)
        return read_json(state, self.offset, self.type)


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the source where a fault can occur."""

    kind: FaultKind
    file: str
    line: int
    routine: str = ""
    """The program, function, block or method (`FB_Mixer.Stir`) that it belongs to."""
    allowed: str = ""
    """What an index or a value may be, `1..3`, where the sources tell."""

    def __str__(self) -> str:
        """Return the place as users read it."""
        return f"{f'in {self.routine} ' if self.routine else ''}at {self.file}:{self.line}"

    def cause(self, value: int) -> str:
        """Return what a value, which the scan has left, has to do with the fault, if anything."""
        noun = _CAUSES.get(self.kind)
        if noun is None:
            return ""
        return f"{noun} {value} is outside {self.allowed}" if self.allowed else f"{noun} {value}"


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """When a task runs; task number n runs through the symbol `takt_task_n`."""

    name: str
    interval_ns: int
    """Period; 0 runs in every base cycle, unless `single` says when."""
    priority: int = 0
    single: Symbol | None = None
    """A BOOL whose rising edge releases the task."""
    resource: str = ""
    """The RESOURCE of the CONFIGURATION that the task belongs to."""
    exchange: Exchange = NO_EXCHANGE
    """What it takes and commits where there are other tasks."""
    programs: tuple[tuple[str, str], ...] = ()
    """Its program instances, each with the name of its program."""


@dataclass(frozen=True, slots=True)
class TaskPath:
    """The longest path through a task, by estimate (`runtime.timing.path`)."""

    task: str
    ns: float
    """On the reference processor."""
    unbounded: tuple[tuple[str, int], ...] = ()
    """File and line of each loop whose number of turns is not known; it counts once in `ns`."""


class Retention(enum.IntEnum):
    """What is said of a variable's value over a stop or a loss of power (6.5.6)."""

    UNSAID = 0
    """Nothing: a member follows the instance that it is in, all else starts anew."""
    NON_RETAIN = 1
    RETAIN = 2
    """Kept by a warm start."""
    PERSISTENT = 3
    """Kept by a cold start too."""


@dataclass(frozen=True, slots=True)
class Retained:
    """A variable that outlives a stop; its type holds the members that do and no others."""

    symbol: Symbol
    retention: Retention

    @property
    def persistent(self) -> bool:
        """Whether a cold start keeps it too."""
        return self.retention is Retention.PERSISTENT


@dataclass(frozen=True, slots=True)
class CompiledProgram:
    """Machine code, the state it works on, and the names in it."""

    name: str
    object_code: bytes
    initial_state: bytes
    inputs: Area
    outputs: Area
    memory: Area
    tasks: tuple[TaskInfo, ...]
    """The tasks, in the order in which they run when they are released together."""
    symbols: tuple[Symbol, ...]
    sites: tuple[Site, ...]
    paths: tuple[TaskPath, ...]
    """The longest path of each task, in the order of `tasks`."""
    source_hash: str
    """SHA-256 (hex) of everything the code depends on: sources, compiler, processor."""
    retained: tuple[Retained, ...] = ()
    """RETAIN and PERSISTENT variables in the order of their places."""
    calls: Calls = field(default_factory=dict)
    """The calls of each routine that a task reaches."""
    units: tuple[Unit, ...] = ()
    """Which variables of programs and blocks stand in which section."""

    @property
    def state_size(self) -> int:
        """Bytes of one instance's state."""
        return len(self.initial_state)

    def symbol(self, path: str) -> Symbol | None:
        """Return the symbol of that path (any case), or None."""
        wanted = path.upper()
        return next((item for item in self.symbols if item.path == wanted), None)

    @property
    def layout_hash(self) -> int:
        """A 64-bit number that changes when any variable moves, changes type or is renamed."""
        text = json.dumps([encode_symbol(item) for item in self.symbols])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def encode_type(data_type: DataType) -> object:
    """Return a type as JSON holds it: a name, or an object for arrays and structures."""
    if isinstance(data_type, Enumeration):
        return {"enum": data_type.name, "base": data_type.base.name, "values": data_type.values}
    if isinstance(data_type, Subrange):
        return {"subrange": data_type.base.name, "bounds": [data_type.lower, data_type.upper]}
    if isinstance(data_type, Reference):
        return {"reference": data_type.name}
    if isinstance(data_type, Text):
        bare = {"bare": True} if data_type.is_bare else {}
        return {"text": data_type.name, "capacity": data_type.capacity} | bare
    if isinstance(data_type, Elementary):
        return data_type.plain.name
    if isinstance(data_type, Array):
        packed = {"first_bit": data_type.first_bit} if data_type.is_packed else {}
        return {"array": data_type.bounds, "of": encode_type(data_type.element)} | packed
    assert isinstance(data_type, Structure)
    members = [[item.name, item.offset, encode_type(item.type)] for item in data_type.fields]
    return {
        "structure": data_type.name,
        "fields": members,
        "size": data_type.size,
        "alignment": data_type.alignment,
        "union": data_type.is_union,
    }


def decode_type(encoded: object) -> DataType:
    """Return the type that `encode_type` wrote."""
    if isinstance(encoded, str):
        return ELEMENTARY[encoded]
    assert isinstance(encoded, dict)
    if "enum" in encoded:
        values = tuple((name, value) for name, value in encoded["values"])
        return enumeration(encoded["enum"], ELEMENTARY[encoded["base"]], values)
    if "subrange" in encoded:
        return subrange(ELEMENTARY[encoded["subrange"]], *encoded["bounds"])
    if "reference" in encoded:
        return Reference(encoded["reference"], Kind.REFERENCE, 64, None)
    if "text" in encoded:
        capacity = encoded["capacity"]
        return bare_text(capacity) if "bare" in encoded else text_type(encoded["text"], capacity)
    if "array" in encoded:
        bounds = tuple((lower, upper) for lower, upper in encoded["array"])
        return Array(bounds, decode_type(encoded["of"]), encoded.get("first_bit", -1))
    fields = tuple(Field(name, at, decode_type(kind)) for name, at, kind in encoded["fields"])
    return Structure(
        encoded["structure"], fields, encoded["size"], encoded["alignment"], encoded["union"]
    )


def encode_symbol(symbol: Symbol) -> list[object]:
    """Return a symbol as JSON holds it."""
    encoded = [symbol.path, symbol.offset, encode_type(symbol.type), symbol.bit]
    return [*encoded, symbol.direction] if symbol.direction else encoded


def decode_symbol(encoded: list[object]) -> Symbol:
    """Return the symbol that `encode_symbol` wrote."""
    path, offset, data_type, bit, *more = encoded
    assert isinstance(path, str)
    assert isinstance(offset, int)
    assert isinstance(bit, int)
    direction = str(more[0]) if more else ""
    return Symbol(path, offset, decode_type(data_type), bit, direction)


def encode_site(site: Site) -> list[object]:
    """Return a site as JSON holds it."""
    encoded = [int(site.kind), site.file, site.line, site.routine]
    return [*encoded, site.allowed] if site.allowed else encoded


def decode_site(encoded: list[Any]) -> Site:
    """Return the site that `encode_site` wrote."""
    kind, *rest = encoded
    return Site(FaultKind(kind), *rest)


def _encode_task(task: TaskInfo) -> list[object]:
    single = encode_symbol(task.single) if task.single is not None else None
    return [
        task.name, task.interval_ns, task.priority, single, task.resource,
        [[item.offset, item.size, item.owner] for item in task.exchange.takes],
        [[item.offset, item.size] for item in task.exchange.owned],
        [[item.offset, item.cell, item.count] for item in task.exchange.shared],
        task.programs,
    ]  # fmt: skip


def _decode_task(encoded: list[Any]) -> TaskInfo:
    name, interval, priority, single, resource, takes, owned, shared, programs = encoded
    exchange = Exchange(
        tuple(Take(*item) for item in takes),
        tuple(Owned(*item) for item in owned),
        tuple(Cells(*item) for item in shared),
    )
    trigger = decode_symbol(single) if single else None
    instances = tuple((instance, routine) for instance, routine in programs)
    return TaskInfo(name, interval, priority, trigger, resource, exchange, instances)


def dump(program: CompiledProgram) -> bytes:
    """Return the program as the bytes of a file."""
    header = json.dumps(
        {
            "name": program.name,
            "state_size": program.state_size,
            "inputs": [program.inputs.offset, program.inputs.size],
            "outputs": [program.outputs.offset, program.outputs.size],
            "memory": [program.memory.offset, program.memory.size],
            "tasks": [_encode_task(task) for task in program.tasks],
            "symbols": [encode_symbol(item) for item in program.symbols],
            "sites": [encode_site(site) for site in program.sites],
            "paths": [[path.task, path.ns, path.unbounded] for path in program.paths],
            "source_hash": program.source_hash,
            "retained": [[encode_symbol(item.symbol), item.retention] for item in program.retained],
            "calls": encode_calls(program.calls),
            "units": [encode_unit(item) for item in program.units],
        }
    ).encode()
    rest = header + program.initial_state + program.object_code
    return _PREFIX.pack(MAGIC, VERSION, len(header), hashlib.sha256(rest).digest()) + rest


def parse(data: bytes) -> CompiledProgram:
    """Return the program that `dump` wrote.

    Raises:
        TaktError: The bytes are not a program file of this version, or are damaged.
    """
    if len(data) < _PREFIX.size or data[:8] != MAGIC:
        raise TaktError("not a compiled program: expected a file that starts with TAKTPROG")
    _, version, length, check = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise TaktError(f"compiled program of version {version}: expected version {VERSION}")
    rest = data[_PREFIX.size :]
    if hashlib.sha256(rest).digest() != check:
        raise TaktError("compiled program is damaged: its check sum does not match")
    try:
        header = json.loads(rest[:length])
        state, code = rest[length:][: header["state_size"]], rest[length + header["state_size"] :]
        return CompiledProgram(
            name=header["name"],
            object_code=code,
            initial_state=state,
            inputs=Area(*header["inputs"]),
            outputs=Area(*header["outputs"]),
            memory=Area(*header["memory"]),
            tasks=tuple(_decode_task(item) for item in header["tasks"]),
            symbols=tuple(decode_symbol(item) for item in header["symbols"]),
            sites=tuple(decode_site(site) for site in header["sites"]),
            paths=tuple(
                TaskPath(task, ns, tuple((file, line) for file, line in loops))
                for task, ns, loops in header["paths"]
            ),
            source_hash=header["source_hash"],
            retained=tuple(
                Retained(decode_symbol(symbol), Retention(retention))
                for symbol, retention in header["retained"]
            ),
            calls=decode_calls(header["calls"]),
            units=tuple(decode_unit(item) for item in header["units"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise TaktError(f"compiled program is damaged: {error}") from None
