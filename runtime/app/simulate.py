"""Run a program in virtual time: cycle 1 at time 0, cycle k at (k - 1) periods.

Both engines offer a `Stepper`: a state block, and a scan of one task over it.
"""

import ctypes
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from runtime.artifact import abi
from runtime.artifact.abi import FaultKind
from runtime.artifact.json_text import JsonText
from runtime.artifact.paths import PathError, Paths
from runtime.artifact.program import CompiledProgram, Site, Symbol, TaskInfo
from runtime.datatypes.elementary import Elementary
from runtime.datatypes.values import Json, describe, parse_json, store
from runtime.engine.native import NativeCode
from runtime.errors import UsageError
from runtime.limits import LOOP_BUDGET

if TYPE_CHECKING:  # a runtime's start passes here and needs no compiler
    from runtime.model.program import Model

_CONTEXT: Final = struct.Struct("<qQqII")
_ALIGNMENT: Final = 64


class Stepper(Protocol):
    """An engine that runs scans when it is told to."""

    @property
    def state(self) -> bytearray | memoryview:
        """The state block that scans work on."""

    def run_task(self, number: int) -> int:
        """Run one scan of a task; return 0, or 1 after a fault."""


class CompiledStepper:
    """Runs a compiled program over a state block of its own."""

    def __init__(self, program: CompiledProgram) -> None:
        """Map the code and lay out the initial state."""
        self._code = NativeCode(program.object_code)
        self._memory = ctypes.create_string_buffer(program.state_size + _ALIGNMENT)
        address = ctypes.addressof(self._memory)
        self._base = -(-address // _ALIGNMENT) * _ALIGNMENT
        start = self._base - address
        whole = memoryview(self._memory).cast("B")
        self.state = whole[start : start + program.state_size]
        self.state[:] = program.initial_state
        self._tasks = [
            self._code.function(abi.TASK_SYMBOL.format(n), ctypes.c_int32, ctypes.c_void_p)
            for n in range(len(program.tasks))
        ]

    def entry(self, number: int) -> tuple[int, int]:
        """Return the addresses of a task's entry and of the state that it takes."""
        return self._code.address(abi.TASK_SYMBOL.format(number)), self._base

    def run_task(self, number: int) -> int:
        """Run one scan of a task; return 0, or 1 after a fault."""
        status: int = self._tasks[number](self._base)
        return status


def interpreted(model: "Model") -> Stepper:
    """Return the interpreter of a model as a stepper."""
    # Imported when it is asked for: a runtime's start passes here and needs no interpreter.
    from runtime.interpret.interpreter import Interpreter

    return Interpreter(model)


@dataclass(frozen=True, slots=True)
class Setting:
    """A value to write before a cycle."""

    cycle: int
    symbol: Symbol
    value: bool | int | float | str


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one scan left behind: the watched values, or the fault that ended it."""

    number: int
    time_ns: int
    values: dict[str, Json]
    fault: Site | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What to run and what to look at."""

    stepper: Stepper
    tasks: tuple[TaskInfo, ...]
    sites: tuple[Site, ...]
    watched: tuple[Symbol, ...]
    settings: tuple[Setting, ...]
    cycles: int
    period_ns: int
    offsets_ns: Mapping[str, int] = field(default_factory=dict)
    """By a task's name how much later its releases are than those of tasks that are not there."""

    def run(self) -> Iterator[Cycle]:
        """Run the cycles one after another; a fault is the last of them."""
        for number, now, fault in self.scans():
            state = self.stepper.state
            values = {} if fault else {item.path: item.read(state) for item in self.watched}
            yield Cycle(number, now, values, fault)

    def lines(self) -> Iterator[str | Cycle]:
        """Run likewise; give each cycle as a line of JSON, or where it ends in a fault itself."""
        values, state = JsonText(self.watched), self.stepper.state
        for number, now, fault in self.scans():
            if fault is not None:
                yield Cycle(number, now, {}, fault)
                return
            yield f'{{"cycle":{number},"time_ns":{now},"values":{values.of(state)}}}'

    def scans(self) -> Iterator[tuple[int, int, Site | None]]:
        """Run the cycles; yield number, time and fault of each while its state can be read."""
        by_cycle: dict[int, list[Setting]] = {}
        for setting in self.settings:
            by_cycle.setdefault(setting.cycle, []).append(setting)
        levels = [False] * len(self.tasks)
        every_tick = self._every_tick()
        state, run_task = self.stepper.state, self.stepper.run_task
        for number in range(1, self.cycles + 1):
            now = (number - 1) * self.period_ns
            _CONTEXT.pack_into(state, abi.NOW_NS, now, number, LOOP_BUDGET, FaultKind.NONE, 0)
            for setting in by_cycle.get(number, ()):
                write_symbol(state, setting.symbol, setting.value)
            for task in every_tick or self._due(now, state, levels):
                if run_task(task):
                    site = struct.unpack_from("<I", state, abi.FAULT_SITE)[0]
                    yield number, now, self.sites[site]
                    return
            yield number, now, None

    def _every_tick(self) -> tuple[int, ...]:
        """Return the numbers of all tasks where each is due at every tick, else nothing."""
        period = self.period_ns
        is_plain = not any(self.offsets_ns.values()) and all(
            task.single is None and task.interval_ns <= period for task in self.tasks
        )
        return tuple(range(len(self.tasks))) if is_plain else ()

    def _due(self, now_ns: int, state: bytearray | memoryview, levels: list[bool]) -> Iterator[int]:
        """Yield the tasks that are released at a base tick.

        Args:
            now_ns: The time of the tick.
            state: Where the variables of SINGLE stand.
            levels: Their values at the last tick; brought up to date.
        """
        for number, task in enumerate(self.tasks):
            if task.single is not None:
                level = bool(task.single.read(state))
                rises, levels[number] = level and not levels[number], level
                if rises:
                    yield number
            elif not task.interval_ns or self._passes(now_ns, task):
                yield number

    def _passes(self, now_ns: int, task: TaskInfo) -> bool:
        """Whether a release of a cyclic task lies in the tick that ends now."""
        since_ns = now_ns - self.offsets_ns.get(task.name, 0)
        release = since_ns // task.interval_ns
        return release >= 0 and release != (since_ns - self.period_ns) // task.interval_ns

    def too_fast(self) -> Iterator[TaskInfo]:
        """Yield the tasks whose interval is shorter than a tick: they run once a tick."""
        return (task for task in self.tasks if 0 < task.interval_ns < self.period_ns)


def write_symbol(
    state: bytearray | memoryview,
    symbol: Symbol,
    value: bool | float | str,  # noqa: FBT001
) -> None:
    """Write a variable of an elementary type."""
    assert isinstance(symbol.type, Elementary)
    if symbol.bit < 0:
        store(state, symbol.offset, symbol.type, value)
    elif value:
        state[symbol.offset] |= 1 << symbol.bit
    else:
        state[symbol.offset] &= ~(1 << symbol.bit)


def find_symbol(symbols: tuple[Symbol, ...], path: str) -> Symbol:
    """Return the variable of a path; members, elements and bits of a variable have paths too.

    Raises:
        UsageError: There is none.
    """
    return found_symbol(Paths(symbols), path)


def found_symbol(paths: Paths, path: str) -> Symbol:
    """Return what a path names, or raise UsageError."""
    try:
        return paths.find(path)
    except PathError as error:
        raise UsageError(str(error)) from None


def read_settings(path: Path, symbols: tuple[Symbol, ...]) -> tuple[Setting, ...]:
    """Return the settings of a file of lines `{"cycle":3,"set":{"MAIN.X":true}}`.

    Raises:
        UsageError: The file cannot be read, or a line names something wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        text = f"{path}: unreadable ({error.strerror}); expected a file of JSON lines"
        raise UsageError(text) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is no UTF-8; expected JSON lines") from None
    settings: list[Setting] = []
    paths = Paths(symbols)
    for number, line in enumerate(lines, 1):
        if line.strip():
            settings += _settings_of(line, f"{path}:{number}", paths)
    return tuple(settings)


def _settings_of(line: str, where: str, paths: Paths) -> Iterator[Setting]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: no JSON ({error})") from None
    cycle = entry.get("cycle") if isinstance(entry, dict) else None
    values = entry.get("set") if isinstance(entry, dict) else None
    if type(cycle) is not int or cycle < 1 or not isinstance(values, dict):
        raise UsageError(f'{where}: expected {{"cycle": 1 or more, "set": {{NAME: value}}}}')
    for path, value in values.items():
        try:
            symbol = found_symbol(paths, path)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
        if not isinstance(symbol.type, Elementary):
            raise UsageError(f"{where}: {path} is {symbol.type}; expected a single variable")
        parsed = parse_json(value, symbol.type)
        if parsed is None:
            text = json.dumps(value)
            raise UsageError(f"{where}: {path} = {text}: expected {describe(symbol.type)}")
        yield Setting(cycle, symbol, parsed)
