"""The interpreter as an engine: it runs the tasks of a model over a state block."""

import struct
from typing import Final

from runtime.artifact import abi
from runtime.datatypes.derived import align
from runtime.interpret.expressions import Action, Callee, Compiler
from runtime.interpret.machine import Machine, ProgramFault
from runtime.interpret.statements import StatementCompiler
from runtime.model.program import Base, Instance, Model, Routine, Task
from runtime.model.ways import calls_by_caller, entry_numbers

_I64: Final = struct.Struct("<q")
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")
_WORD_MASK: Final = (1 << 64) - 1


class Interpreter:
    """Runs tasks with the same effect on the same state block as compiled code."""

    def __init__(self, model: Model) -> None:
        """Make closures of all routines; the state starts with its initial values."""
        size = len(model.initial_state)
        self._frames = {}
        for name, routine in model.routines.items():
            self._frames[name], size = frame_of(routine, align(size, 8))
        self._machine = Machine(bytearray(model.initial_state) + bytes(size))
        self.state = memoryview(self._machine.memory)[: len(model.initial_state)]
        self._sites = model.sites
        self._callees: dict[str, Callee] = {}
        self._bodies: dict[str, Action] = {}
        for name, routine in model.routines.items():
            self._add(name, routine)
        self._tasks = tuple(self._task(task) for task in model.tasks)
        self._entries, self._calls = entry_numbers(model), calls_by_caller(model)
        self.calls: tuple[str, ...] = ()
        """After a fault the routines on the way to it, from the program on."""

    def _add(self, name: str, routine: Routine) -> None:
        frame = self._frames[name]
        make = StatementCompiler(Compiler(frame, self._callees), self._bodies)
        body = make.sequence(routine.body)
        if routine.instance is None:
            start = frame[0] if frame else 0
            image = bytearray()
            for at, item in zip(frame, routine.locals, strict=True):
                image += bytes(at - start - len(image)) + item.initial
            self._callees[name] = Callee(routine, frame, bytes(image), start, body)
            return
        self._bodies[name] = _resetting(routine, body)

    def _task(self, task: Task) -> tuple[tuple[int, Action, Instance], ...]:
        make = StatementCompiler(Compiler((), self._callees), self._bodies)
        actions: list[tuple[int, Action, Instance]] = []
        for item in task.instances:
            actions.append((0, make.sequence(item.before), item))
            actions.append((item.offset, self._bodies[item.routine], item))
            actions.append((0, make.sequence(item.after), item))
        return tuple(actions)

    def run_task(self, number: int) -> int:
        """Run one scan of a task, as `takt_task_<number>` does; return 0, or 1 after a fault."""
        machine = self._machine
        machine.now_ns = _I64.unpack_from(self.state, abi.NOW_NS)[0]
        machine.budget = _I64.unpack_from(self.state, abi.LOOP_BUDGET_LEFT)[0]
        try:
            for offset, body, instance in self._tasks[number]:
                machine.instance, entry = offset, instance
                body(machine)
        except ProgramFault as fault:
            self._report(fault, entry)
            return 1
        finally:
            _I64.pack_into(self.state, abi.LOOP_BUDGET_LEFT, machine.budget)
        return 0

    def _report(self, fault: ProgramFault, entry: Instance) -> None:
        """Write a fault in the run of a program instance into the context."""
        inside, state = self._machine.instance, self.state
        _U32.pack_into(state, abi.FAULT_KIND, self._sites[fault.site].kind)
        _U32.pack_into(state, abi.FAULT_SITE, fault.site)
        _U32.pack_into(state, abi.FAULT_INSTANCE, inside)
        _U64.pack_into(state, abi.FAULT_VALUE, fault.value & _WORD_MASK)
        if inside:
            calls = fault.calls[::-1]
            self.calls = (entry.routine, *(routine for _, routine in calls))
            numbers = (
                self._calls.get(caller, {}).get(call, 0)
                for caller, call in zip(self.calls, calls, strict=False)
            )
            way = self._entries.get(entry.name, 0) + sum(numbers)
            _I64.pack_into(state, abi.FAULT_WAY, way)


def frame_of(routine: Routine, start: int) -> tuple[tuple[int, ...], int]:
    """Return where the variables of a function's call stand from `start` on, and where they end."""
    offsets, end = [], start
    for item in routine.locals:
        at = align(end, 8)
        offsets.append(at)
        end = at + item.type.size
    return tuple(offsets), end


def _resetting(routine: Routine, body: Action) -> Action:
    """Return the body with its temporaries reset first."""
    if not routine.temporaries:
        return body
    resets = tuple((place.offset, image) for place, image in routine.temporaries)
    assert all(place.base is Base.SELF for place, _ in routine.temporaries)

    def run(machine: Machine) -> int:
        for offset, image in resets:
            start = machine.instance + offset
            machine.memory[start : start + len(image)] = image
        return body(machine)

    return run
