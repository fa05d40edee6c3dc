"""Several tasks in the interpreter: the memory model of `doc/memory-model.md`, in plain Python.

The oracle for `engine/borders.py`: driven by the same takes and commits, both leave the same bytes.
"""

import struct
from collections.abc import Iterable
from typing import Final

from runtime.artifact import abi
from runtime.artifact.exchange import Cells, Exchange
from runtime.engine.handover import Force
from runtime.image import layout
from runtime.image.layout import CommandKind
from runtime.interpret.interpreter import Interpreter
from runtime.limits import LOOP_BUDGET
from runtime.model.program import Model

_CONTEXT: Final = struct.Struct("<qQq")


class InterpretedTasks:
    """The tasks of a model, each on a private copy of the state."""

    def __init__(self, model: Model, exchanges: tuple[Exchange, ...]) -> None:
        """Take the model and what each of its tasks exchanges."""
        self._exchanges = exchanges
        self._tasks = [Interpreter(model) for _ in model.tasks]
        several = len(self._tasks) > 1
        self.master = memoryview(bytearray(model.initial_state)) if several else self._own(0)
        """The committed state."""
        self._waiting: list[tuple[int, bytes]] = []
        self._forced: dict[tuple[int, int], tuple[int, bytes]] = {}
        """By offset and mask: the task that owns the place (-1: none), and the value."""
        self._taken: list[list[bytes]] = [[] for _ in self._tasks]

    def _own(self, number: int) -> memoryview:
        return self._tasks[number].state

    def hold(self, forces: Iterable[Force]) -> None:
        """Let places be forced from the beginning, as after a hot restart."""
        for item in forces:
            self._forced[item.offset, item.mask] = (item.task, item.content)

    def command(self, number: int, command: bytes) -> None:
        """Let the next take of a task apply a command, as it stands in the image."""
        self._waiting.append((number, command))

    def _apply_commands(self, number: int) -> None:
        waiting = [command for task, command in self._waiting if task == number]
        self._waiting = [item for item in self._waiting if item[0] != number]
        for command in waiting:
            _, kind, mask, offset, size, *_ = layout.COMMAND.unpack_from(command)
            value = command[layout.COMMAND_VALUE :][:size]
            if kind == CommandKind.WRITE:
                for state in (self.master, self._own(number)):
                    _write(state, offset, mask, value)
            elif kind == CommandKind.FORCE:
                owner = number if self._exchanges[number].owns(offset) else -1
                self._forced[offset, mask] = (owner, value)
            elif kind == CommandKind.UNFORCE:
                self._forced.pop((offset, mask), None)
            else:
                kept = (-1, number)
                self._forced = {
                    place: item for place, item in self._forced.items() if item[0] not in kept
                }

    def _hold_forced(self, number: int, state: memoryview) -> None:
        for (offset, mask), (owner, value) in self._forced.items():
            if owner in (-1, number):
                _write(state, offset, mask, value)

    def take(self, number: int, now_ns: int, cycle: int) -> None:
        """Let a task take what others have committed, after the commands that wait for it."""
        state, exchange = self._own(number), self._exchanges[number]
        self._apply_commands(number)
        self._hold_forced(number, self.master)
        for item in exchange.takes:
            part = slice(item.offset, item.offset + item.size)
            state[part] = self.master[part]
        self._taken[number] = []
        for cells in exchange.shared:
            part = slice(cells.offset, cells.offset + cells.size)
            state[part] = self.master[part]
            self._taken[number].append(bytes(self.master[part]))
        self._hold_forced(number, state)
        _CONTEXT.pack_into(state, abi.NOW_NS, now_ns, cycle, LOOP_BUDGET)

    def body(self, number: int) -> bool:
        """Run a scan of a task; return whether it went without a fault."""
        return self._tasks[number].run_task(number) == 0

    def commit(self, number: int) -> None:
        """Let a task commit what it owns and the cells that it has changed."""
        state, exchange = self._own(number), self._exchanges[number]
        self._hold_forced(number, state)
        for item in exchange.owned:
            part = slice(item.offset, item.offset + item.size)
            self.master[part] = state[part]
        for cells, taken in zip(exchange.shared, self._taken[number], strict=True):
            whole = bytes(state[cells.offset : cells.offset + cells.size])
            if whole != taken:
                self._commit_cells(cells, whole, taken)

    def _commit_cells(self, cells: Cells, whole: bytes, taken: bytes) -> None:
        master = self.master
        if not cells.cell:
            for at, (new, old) in enumerate(zip(whole, taken, strict=True)):
                changed = new ^ old
                place = cells.offset + at
                master[place] = master[place] & ~changed & 0xFF | new & changed
            return
        for at in range(0, cells.size, cells.cell):
            cell = whole[at : at + cells.cell]
            if cell != taken[at : at + cells.cell]:
                master[cells.offset + at : cells.offset + at + cells.cell] = cell


def _write(state: memoryview, offset: int, mask: int, value: bytes) -> None:
    """Write the bytes of a value, or the bits of a mask where it is one byte."""
    if len(value) == 1:
        state[offset] = state[offset] & ~mask & 0xFF | value[0] & mask
    else:
        state[offset : offset + len(value)] = value
