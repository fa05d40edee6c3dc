"""Estimate the longest path through a task, from the model.

The estimate adds up what each node costs: the dearer branch of an IF or CASE, a loop's body as
often as its constant limits say, a call's body at each call. Costs are those of a reference
processor; `runtime.app.timing` scales them to the one at hand. The sum knows nothing of caches,
pipelines and optimisation, so it lies above what a warm scan takes: `takt timing` prints both. It
is an estimate, no proven bound.

Example: `FOR i := 1 TO 10 DO a[i] := 0; END_FOR` costs 10 * (index + store + loop).
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from runtime.datatypes.derived import Array
from runtime.datatypes.elementary import Kind
from runtime.datatypes.texts import Text
from runtime.model import program
from runtime.model.program import Model, Routine
from runtime.source import Span

NODE_NS: Final = 0.4
"""A load, a store, an addition, a comparison, a jump."""
INDEX_NS: Final = 1.0
"""One index: bounds checked, multiplied, added."""
REFERENCE_NS: Final = 2.0
DIVISION_NS: Final = {Kind.REAL: 4.0}
WHOLE_DIVISION_NS: Final = 7.0
"""A division of whole numbers, or MOD; 64 bits of an older processor."""
FUNCTION_NS: Final = 2.0
TRANSCENDENTAL_NS: Final = 25.0
TRANSCENDENTAL: Final = frozenset({
    "SIN", "COS", "TAN", "ASIN", "ACOS", "ATAN", "ATAN2", "EXP", "LN", "LOG", "EXPT",
})  # fmt: skip
SQUARE_ROOT_NS: Final = 6.0
CALENDAR_NS: Final = 30.0
"""A native function: dates, BCD."""
TEXT_NS: Final = 20.0
TEXT_BYTE_NS: Final = 0.5
"""For each byte of the longest string that an operand may hold."""
CALL_NS: Final = 3.0
BLOCK_NS: Final = 8.0
BLOCK_MEMBER_NS: Final = 0.8
"""A standard block's body is paid by the number of its members."""
BYTES_A_NS: Final = 8
"""Bytes that a copy moves in 1 ns."""
BIT_NS: Final = 7.0
"""Copying an element of an array of BOOL at an address: each waits for the byte of the last one."""
TRIPS_UNKNOWN: Final = 1
"""Turns that a loop without constant limits is taken for; it is named in `unbounded`."""


@dataclass(frozen=True, slots=True)
class WorstPath:
    """The longest path of a task, on the reference processor."""

    ns: float
    unbounded: tuple[Span, ...]
    """Loops whose number of turns is not known, each taken once: the path may be longer."""


def worst_paths(model: Model) -> tuple[WorstPath, ...]:
    """Return the longest path of each task of a model, in their order."""
    paths = _Paths(model)
    return tuple(paths.of_task(task) for task in model.tasks)


class _Paths:
    """Costs of the routines of one model; a routine is looked at once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._routines: dict[str, float] = {}
        self._loops: dict[str, dict[Span, None]] = {}
        self._open: dict[Span, None] = {}
        """Unbounded loops met in the routine that is being looked at, in order."""

    def of_task(self, task: program.Task) -> WorstPath:
        """Return the longest path of a task."""
        self._open = {}
        total = 0.0
        for instance in task.instances:
            total += self.cost(instance.before) + self.routine(instance.routine)
            total += self.cost(instance.after)
        return WorstPath(total, tuple(self._open))

    def routine(self, name: str) -> float:
        """Return the cost of a call of a routine; its unbounded loops join those that are open."""
        if name not in self._routines:
            routine: Routine = self._model.routines[name]
            outer, self._open = self._open, {}
            reset = sum(len(image) for _, image in routine.temporaries) / BYTES_A_NS
            own = sum(item.type.size for item in routine.locals) / BYTES_A_NS
            self._routines[name] = CALL_NS + reset + own + self.cost(routine.body)
            self._loops[name], self._open = self._open, outer
        self._open |= self._loops[name]
        return self._routines[name]

    def cost(self, node: object) -> float:
        """Return the cost of a node and all in it; of a tuple, the sum."""
        if isinstance(node, tuple):
            return sum(map(self.cost, node))
        special = self._special.get(type(node))
        if special is not None:
            return special(node)
        if not dataclasses.is_dataclass(node) or type(node).__module__ != program.__name__:
            return 0.0
        return NODE_NS + self._children(node)

    def _children(self, node: object) -> float:
        assert dataclasses.is_dataclass(node)
        return sum(self.cost(getattr(node, item.name)) for item in dataclasses.fields(node))

    @cached_property
    def _special(self) -> Mapping[type, Callable[..., float]]:
        return {
            program.Constant: lambda _: 0.0,
            program.TextConstant: lambda _: 0.0,
            program.Place: self._place,
            program.Step: lambda step: INDEX_NS + self.cost(step.index),
            program.Operate: self._operate,
            program.CallStandard: self._standard,
            program.CallText: self._text,
            program.CallFunction: self._function,
            program.CopyBytes: self._copy,
            program.Invoke: self._invoke,
            program.If: self._if,
            program.Case: self._case,
            program.For: self._for,
            program.While: self._while,
            program.GoTo: self._jump,
        }

    def _place(self, place: program.Place) -> float:
        through = 0.0 if place.pointer is None else REFERENCE_NS + self.cost(place.pointer)
        return through + self.cost((*place.steps, *place.bit_steps, *place.bounds))

    def _operate(self, node: program.Operate) -> float:
        own = NODE_NS
        if node.operator in {"/", "MOD"}:
            own = DIVISION_NS.get(node.operand_type.kind, WHOLE_DIVISION_NS)
        elif node.operator == "**":
            own = TRANSCENDENTAL_NS
        return own + self.cost(node.left) + self.cost(node.right)

    def _standard(self, node: program.CallStandard) -> float:
        own = CALENDAR_NS if node.function.native else FUNCTION_NS
        if node.function.name in TRANSCENDENTAL:
            own = TRANSCENDENTAL_NS
        elif node.function.name == "SQRT":
            own = SQUARE_ROOT_NS
        return own + self.cost(node.arguments)

    def _text(self, node: program.CallText) -> float:
        sizes = [item.type.size for item in (node, *node.arguments) if isinstance(item.type, Text)]
        return TEXT_NS + max(sizes, default=0) * TEXT_BYTE_NS + self.cost(node.arguments)

    def _function(self, node: program.CallFunction) -> float:
        names = [name for _, name in node.targets] or [node.routine]
        body = max(self.routine(name) for name in names)
        handed = sum(place.type.size for _, place in node.outputs) / BYTES_A_NS
        instance = 0.0 if node.instance is None else self.cost(node.instance)
        return body + handed + instance + self.cost(node.arguments)

    def _copy(self, node: program.CopyBytes) -> float:
        moved = node.source.type.size / BYTES_A_NS
        for item in (node.source.type, node.target.type):
            if isinstance(item, Array) and item.is_packed:
                moved = item.count * BIT_NS
        return NODE_NS + moved + self.cost(node.source) + self.cost(node.target)

    def _invoke(self, node: program.Invoke) -> float:
        moved = self.cost(node.inputs) + self.cost(node.outputs) + self.cost(node.instance)
        if node.standard is None:
            return moved + self.routine(node.routine)
        block = node.standard
        members = len(block.inputs) + len(block.outputs) + len(block.state)
        return moved + BLOCK_NS + BLOCK_MEMBER_NS * members

    def _if(self, node: program.If) -> float:
        """All conditions up to the branch taken: the dearest way through."""
        tested, dearest = 0.0, 0.0
        for condition, body in node.branches:
            tested += NODE_NS + self.cost(condition)
            dearest = max(dearest, tested + self.cost(body))
        return max(dearest, tested + self.cost(node.otherwise))

    def _case(self, node: program.Case) -> float:
        bodies = [self.cost(body) for _, body in node.arms]
        dearest = max([*bodies, self.cost(node.otherwise)])
        return INDEX_NS + self.cost(node.selector) + dearest

    def _for(self, node: program.For) -> float:
        turn = 2 * NODE_NS + self.cost(node.body)
        trips = _trips(node)
        if trips is None:
            self._open[node.span] = None
            trips = TRIPS_UNKNOWN
        limits = self.cost(node.first) + self.cost(node.last) + self.cost(node.step)
        return limits + trips * turn

    def _while(self, node: program.While) -> float:
        self._open[node.span] = None
        return 2 * NODE_NS + self.cost(node.condition) + self.cost(node.body)

    def _jump(self, node: program.GoTo) -> float:
        if node.site >= 0:
            self._open[node.span] = None
        return NODE_NS


def _trips(node: program.For) -> int | None:
    """Return how often a FOR turns, None where its limits are not constant."""
    values = [_whole(item) for item in (node.first, node.last, node.step)]
    if None in values:
        return None
    first, last, step = (value for value in values if value is not None)
    return max(0, (last - first) // step + 1) if step else None


def _whole(node: program.Expression) -> int | None:
    match node:
        case program.Constant(value=int(value)):
            return value
        case program.Negate(operand=program.Constant(value=int(value))):
            return -value
        case program.Convert(operand=operand):
            return _whole(operand)
    return None
