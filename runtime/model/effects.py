"""What each task may read and write in the state: through calls, methods, in-outs, references.

The answer may be too large, never too small: bytes that a task does not touch after all are only
copied in vain. A program instance is touched whole; a reference is taken to lead to everything of
its type whose address is taken anywhere.

    GVL.Speed := Drives[n].Actual;   # reads all of Drives' elements, writes the 4 bytes of Speed
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.scalars import Reference
from runtime.datatypes.texts import TEXTS
from runtime.model import program
from runtime.model.program import (
    AddressOf,
    Base,
    CallFunction,
    DynamicStep,
    Expression,
    Model,
    Place,
    Routine,
    Statement,
    Step,
    Task,
)
from runtime.source import Span

Interval = tuple[int, int]
"""First byte and the one behind the last."""

Homes = dict[str, list[Interval]]
"""For each routine the instances in the state that it may run inside of."""

IN_OUT = "VAR_IN_OUT"
"""How references that the compiler makes for in-outs are spelt; they are followed where bound."""


@dataclass(slots=True)
class Effects:
    """What one task touches."""

    reads: list[Interval] = field(default_factory=list)
    writes: list[Interval] = field(default_factory=list)
    located: list[Place] = field(default_factory=list)
    """Places among them that may overlap others: addresses."""

    def both(self, intervals: Iterable[Interval]) -> None:
        """Add what may be read and written."""
        known = [(start, end) for start, end in intervals if start < end]
        self.reads += known
        self.writes += known


@dataclass(slots=True)
class _Own:
    """What the statements of one routine do by themselves."""

    effects: Effects = field(default_factory=Effects)
    calls: set[str] = field(default_factory=set)
    call_places: dict[str, set[Span]] = field(default_factory=dict)
    """Where the calls stand, by the routines that they may reach."""
    followed: set[str] = field(default_factory=set)
    """Names of the types to which references are followed."""
    referred: list[Place] = field(default_factory=list)
    """What references are made to."""
    handed: list[Place] = field(default_factory=list)
    """What is handed to in-outs."""
    bound: list[Place] = field(default_factory=list)
    """What is handed to in-outs of instances that other tasks may call too."""
    instances: list[tuple[str, Place]] = field(default_factory=list)
    """Routines called on instances in the state, outside of the caller's own."""
    refers_to_in_out: bool = False


def task_effects(model: Model) -> tuple[Effects, ...]:
    """Return what each task of a model touches, in the order of its tasks."""
    own = {name: _own(routine.body, model) for name, routine in model.routines.items()}
    return _Whole(model, own).effects()


def calls_of(model: Model) -> dict[str, dict[str, set[Span]]]:
    """Return for each routine those that it may call, in upper case, and where it does."""
    found = {name: _own(routine.body, model) for name, routine in model.routines.items()}
    return {
        name: {
            callee: places for callee, places in own.call_places.items() if callee in model.routines
        }
        for name, own in found.items()
    }


class _Whole:
    """Joins what the routines do to what the tasks do."""

    def __init__(self, model: Model, own: dict[str, _Own]) -> None:
        self._model = model
        self._own = own
        self._variables = sorted(
            extent(item.place) for item in model.variables if item.place.type.size
        )
        self._reach = {name: self._reachable(name) for name in own}

    def _reachable(self, name: str) -> set[str]:
        found, left = {name}, [name]
        while left:
            for callee in self._own[left.pop()].calls - found:
                if callee in self._own:
                    found.add(callee)
                    left.append(callee)
        return found

    def effects(self) -> tuple[Effects, ...]:
        parts = [tuple(self._parts(task)) for task in self._model.tasks]
        homes = self._homes(parts)
        referred, bound = self._escaping(parts, homes)
        done = []
        for task, own_parts in zip(self._model.tasks, parts, strict=True):
            whole = Effects()
            for instance in task.instances:
                whole.both([_instance_range(instance, self._model.routines)])
            followed: set[str] = set()
            for _, part in own_parts:
                whole.reads += part.effects.reads
                whole.writes += part.effects.writes
                whole.located += part.effects.located
                taken = (*part.handed, *(place for _, place in part.instances))
                whole.both(self._variable(place) for place in taken if _in_state(place))
                followed |= part.followed
            if any(part.instances for _, part in own_parts):
                whole.both(bound)
            for name, intervals in referred:
                if any(_may_be(target, name) for target in followed):
                    whole.both(intervals)
            done.append(whole)
        return tuple(done)

    def _parts(self, task: Task) -> Iterator[tuple[str, _Own]]:
        """Yield what runs in a task: its connections under no name, its routines."""
        names: set[str] = set()
        for instance in task.instances:
            connections = _own((*instance.before, *instance.after), self._model)
            yield "", connections
            names |= self._reach[instance.routine]
            names |= {name for call in connections.calls for name in self._reach.get(call, ())}
        for name in sorted(names):
            yield name, self._own[name]

    def _homes(self, parts: list[tuple[tuple[str, _Own], ...]]) -> Homes:
        """Return for each routine the instances in the state that it may run inside of."""
        homes: Homes = {}
        for task in self._model.tasks:
            for instance in task.instances:
                whole = _instance_range(instance, self._model.routines)
                for name in self._reach[instance.routine]:
                    homes.setdefault(name, []).append(whole)
        for _, part in (item for own_parts in parts for item in own_parts):
            for callee, place in part.instances:
                for name in self._reach.get(callee, ()):
                    if _in_state(place):
                        homes.setdefault(name, []).append(self._variable(place))
        return homes

    def _variable(self, place: Place) -> Interval:
        """Return the whole variable that a place is part of: a class lies around its base."""
        start, end = extent(place)
        at = bisect_right(self._variables, (start, 1 << 62)) - 1
        first, last = self._variables[at] if at >= 0 else (start, end)
        return (first, last) if first <= start and end <= last else (start, end)

    def _home(self, place: Place, routine: str, homes: Homes) -> list[Interval]:
        """Return where a place of a routine may stand in the state."""
        if place.base is Base.STATE:
            return [self._variable(place)]
        return homes.get(routine, []) if place.base is Base.SELF else []

    def _escaping(
        self, parts: list[tuple[tuple[str, _Own], ...]], homes: Homes
    ) -> tuple[list[tuple[str, list[Interval]]], list[Interval]]:
        """Return what references may lead to, by type, and what in-outs of shared instances may."""
        referred: list[tuple[str, list[Interval]]] = []
        bound: list[Interval] = []
        all_parts = [item for own_parts in parts for item in own_parts]
        in_outs = any(part.refers_to_in_out for _, part in all_parts)
        for name, part in all_parts:
            places = (*part.referred, *(part.handed if in_outs else ()))
            referred += [
                (str(place.type).upper(), self._home(place, name, homes)) for place in places
            ]
            for place in part.bound:
                bound += self._home(place, name, homes)
        for target in self._model.initial_references:
            referred += _referred_at_first(target, self._model)
        return referred, bound


def _referred_at_first(target: int, model: Model) -> Iterator[tuple[str, list[Interval]]]:
    """Yield what a reference leads to that refers to an offset from the start."""
    for item in model.variables:
        start, end = extent(item.place)
        if start <= target < end:
            yield "", [(start, end)]


def _may_be(target: str, name: str) -> bool:
    """Whether a reference to one type may lead to a variable of another: by name, or classes."""
    if not name or target == name:
        return True
    simple = ELEMENTARY.keys()
    return not any(item in simple or item.startswith(("ARRAY", *TEXTS))
                   for item in (target, name))  # fmt: skip


def _instance_range(instance: program.Instance, routines: dict[str, Routine]) -> Interval:
    structure = routines[instance.routine].instance
    assert structure is not None
    return instance.offset, instance.offset + structure.size


def _in_state(place: Place) -> bool:
    return place.base is Base.STATE


def extent(place: Place) -> Interval:
    """Return the bytes that a place in the state may mean, whatever its indices are."""
    end = place.offset + _span(place.steps) + place.type.size
    return place.offset, end + (place.bit + _span(place.bit_steps)) // 8 if place.bit_steps else end


def _span(steps: tuple[Step | DynamicStep, ...]) -> int:
    return sum((s.upper - s.lower) * s.stride for s in steps if isinstance(s, Step))


# -- the statements of one routine ----------------------------------------------------------------


def _operands(node: Expression) -> tuple[Expression, ...]:
    match node:
        case program.Convert(operand=operand) | program.Negate(operand=operand):
            return (operand,)
        case program.Invert(operand=operand) | program.Attempt(operand=operand):
            return (operand,)
        case program.Operate(left=left, right=right):
            return left, right
        case program.ShortCircuit(left=left, right=right):
            return left, right
        case program.CallStandard(arguments=arguments) | program.CallText(arguments=arguments):
            return arguments
    return ()


def _own(body: tuple[Statement, ...], model: Model) -> _Own:
    own = _Own()
    _Collector(own, model.routines).statements(body)
    return own


class _Collector:
    """Walks over statements and notes what they touch."""

    def __init__(self, own: _Own, routines: dict[str, Routine]) -> None:
        self._own = own
        self._routines = routines

    def statements(self, nodes: tuple[Statement, ...]) -> None:
        """Note what statements do."""
        for node in nodes:
            self._statement(node)

    def _statement(self, node: Statement) -> None:
        match node:
            case program.Assign(target=target, value=value):
                self._value(value)
                self._write(target)
            case program.CopyBytes(target=target, source=source):
                self._read(source)
                self._write(target)
            case program.Evaluate(call=value) | program.Require(condition=value):
                self._value(value)
            case program.Spread(value=value, parts=parts):
                self._value(value)
                for _, place in parts:
                    self._write(place)
            case program.Invoke():
                self._invoke(node)
            case _:
                self._control(node)

    def _control(self, node: Statement) -> None:
        """Note what a statement with others inside does."""
        match node:
            case program.If(branches=branches, otherwise=otherwise):
                for condition, body in (*branches, (None, otherwise)):
                    self._guarded(condition, body)
            case program.Case(selector=selector, arms=arms, otherwise=otherwise):
                self._guarded(selector, otherwise)
                for _, body in arms:
                    self.statements(body)
            case program.For():
                for value in (node.first, node.last, node.step):
                    self._value(value)
                self._read(node.variable)
                self._write(node.variable)
                self.statements(node.body)
            case program.While(condition=condition, body=body):
                self._guarded(condition, body)
            case program.Blocks(blocks=blocks):
                for body in blocks:
                    self.statements(body)

    def _guarded(self, condition: Expression | None, body: tuple[Statement, ...]) -> None:
        if condition is not None:
            self._value(condition)
        self.statements(body)

    def _invoke(self, node: program.Invoke) -> None:
        self._note_calls({node.routine}, node.span)
        self._run_on(node.instance, {node.routine})
        for statement in (*node.inputs, *node.outputs):
            if isinstance(statement, program.Assign) and isinstance(statement.value, AddressOf):
                self._hand_over(statement.value, node.instance)
            self._statement(statement)

    def _note_calls(self, routines: set[str], place: Span) -> None:
        for name in routines:
            self._own.call_places.setdefault(name, set()).add(place)

    def _run_on(self, instance: Place, routines: set[str]) -> None:
        """Note that routines run on an instance."""
        self._own.calls |= routines
        self._indices(instance)
        if instance.base is Base.STATE or self._is_followed(instance):
            self._own.instances += [(name, instance) for name in routines]

    def _hand_over(self, value: AddressOf, instance: Place) -> None:
        if not isinstance(value.type, Reference) and instance.base is not Base.SELF:
            self._own.bound.append(value.place)

    def _value(self, node: Expression) -> None:
        match node:
            case program.Load(place=place):
                self._read(place)
            case AddressOf(type=kind, place=place):
                self._address(kind, place)
            case CallFunction():
                self._call(node)
            case _:
                for operand in _operands(node):
                    self._value(operand)

    def _call(self, node: CallFunction) -> None:
        names = {target for _, target in node.targets} or {node.routine}
        self._own.calls |= names
        self._note_calls(names, node.span)
        if node.instance is not None:
            self._run_on(node.instance, names)
        takers = self._routines[min(names)].locals
        for item, taker in zip(node.arguments, takers, strict=False):
            if isinstance(item, AddressOf) and not taker.by_reference:
                self._read(item.place)  # an array or structure that is copied
            else:
                self._value(item)
        for _, place in node.outputs:
            self._write(place)

    def _address(self, kind: object, place: Place) -> None:
        """Note that an address is taken: for a reference, or to hand a place over."""
        self._indices(place)
        if not isinstance(kind, Reference):
            self._own.handed.append(place)
        elif place.base is Base.REFERENCE:
            self._own.refers_to_in_out = True
        else:
            self._own.referred.append(place)

    def _read(self, place: Place) -> None:
        self._touch(place, self._own.effects.reads)

    def _write(self, place: Place) -> None:
        self._touch(place, self._own.effects.writes)

    def _touch(self, place: Place, into: list[Interval]) -> None:
        self._indices(place)
        if place.base is Base.STATE:
            into.append(extent(place))
            if not place.owner:
                self._own.effects.located.append(place)
        else:
            self._is_followed(place)

    def _is_followed(self, place: Place) -> bool:
        """Note that a reference is followed; return whether it is one that users have made."""
        pointer = place.pointer
        if place.base is not Base.REFERENCE or pointer is None:
            return False
        self._read(pointer)
        if not isinstance(pointer.type, Reference) or pointer.type.style == IN_OUT:
            return False
        self._own.followed.add(pointer.type.target_name)
        return True

    def _indices(self, place: Place) -> None:
        for step in (*place.steps, *place.bit_steps):
            self._value(step.index)
            if not isinstance(step, Step):
                for bound in (step.lower, step.upper, step.stride):
                    self._value(bound)
        for ends in place.bounds:
            for bound in ends:
                self._value(bound)
