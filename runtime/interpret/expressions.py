"""Expressions as closures: each node becomes a function of the machine, made once, called often."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from runtime.datatypes import arithmetic
from runtime.datatypes.elementary import BOOL, Elementary, Scalar, fitter, wrapper
from runtime.datatypes.texts import Text
from runtime.interpret.machine import (
    Advance,
    Evaluation,
    Located,
    Machine,
    ProgramFault,
    dynamic_advance,
    fixed_advance,
    loader,
    locate,
    moving_bit,
    moving_bit_loader,
    moving_bit_storer,
    storer,
    whole_loader,
    whole_storer,
)
from runtime.interpret.operators import operation
from runtime.interpret.texts import call_text, text_constant, text_loader
from runtime.model import program
from runtime.model.program import Base, DynamicStep, Expression, Place, Routine, Step

Action = Callable[[Machine], int]
"""A statement or body; what it gives says how control goes on (`statements`)."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A function that can be called."""

    routine: Routine
    frame: tuple[int, ...]
    """Where its variables stand in the memory."""
    image: bytes
    """Their initial values, from the frame's start on."""
    start: int
    body: Action


@dataclass(slots=True)
class Compiler:
    """Makes closures for one routine."""

    frame: tuple[int, ...]
    callees: dict[str, Callee]

    def expression(self, node: Expression) -> Evaluation:
        """Return the closure of an expression."""
        maker: Callable[[Any, Compiler], Evaluation] = _MAKERS[type(node)]
        return maker(node, self)

    def located(self, place: Place) -> Located:
        """Return the closure that finds a place."""
        advances = tuple(self._advance(step) for step in place.steps)
        pointer = self.reader(place.pointer) if place.pointer is not None else None
        return locate(place, self.frame, pointer, advances)

    def _advance(self, step: Step | DynamicStep) -> Advance:
        index = self.expression(step.index)
        if isinstance(step, Step):
            return fixed_advance(step, index)
        bounds = (self.expression(step.lower), self.expression(step.upper))
        return dynamic_advance(step, index, *bounds, self.expression(step.stride))

    def reader(self, place: Place) -> Evaluation:
        """Return the closure that reads a scalar."""
        if place.bit_steps:
            return moving_bit_loader(self._moving_bit(place))
        return loader(place, self.located(place), self.frame)

    def writer(self, place: Place) -> Callable[[Machine, Scalar], None]:
        """Return the closure that writes a scalar."""
        if place.bit_steps:
            return moving_bit_storer(self._moving_bit(place))
        return storer(place, self.located(place), self.frame)

    def _moving_bit(self, place: Place) -> Located:
        advances = tuple(self._advance(step) for step in place.bit_steps)
        return moving_bit(place, self.located(place), advances)


def _constant(node: program.Constant, _: Compiler) -> Evaluation:
    value = node.value
    return lambda _machine: value


def _load(node: program.Load, compiler: Compiler) -> Evaluation:
    return compiler.reader(node.place)


def _convert(node: program.Convert, compiler: Compiler) -> Evaluation:
    operand = compiler.expression(node.operand)
    convert = arithmetic.converter(node.operand.type, node.type)
    return lambda machine: convert(operand(machine))


def _negate(node: program.Negate, compiler: Compiler) -> Evaluation:
    operand, fit = compiler.expression(node.operand), fitter(node.type)
    return lambda machine: fit(-operand(machine))


def _invert(node: program.Invert, compiler: Compiler) -> Evaluation:
    operand = compiler.expression(node.operand)
    if node.type is BOOL:
        return lambda machine: not operand(machine)
    wrap = wrapper(node.type)
    return lambda machine: wrap(~int(operand(machine)))


def _operate(node: program.Operate, compiler: Compiler) -> Evaluation:
    return operation(node, compiler.expression(node.left), compiler.expression(node.right))


def _short_circuit(node: program.ShortCircuit, compiler: Compiler) -> Evaluation:
    left, right = compiler.expression(node.left), compiler.expression(node.right)
    if node.operator == "AND_THEN":
        return lambda machine: left(machine) and right(machine)
    return lambda machine: left(machine) or right(machine)


def _call_standard(node: program.CallStandard, compiler: Compiler) -> Evaluation:
    arguments = tuple(compiler.expression(item) for item in node.arguments)
    compute, data_type = node.function.compute, node.type
    return lambda machine: compute(data_type, [item(machine) for item in arguments])


def _address_of(node: program.AddressOf, compiler: Compiler) -> Evaluation:
    return compiler.located(node.place)


def _attempt(node: program.Attempt, compiler: Compiler) -> Evaluation:
    operand, classes = compiler.expression(node.operand), frozenset(node.classes)

    def run(machine: Machine) -> Scalar:
        offset = int(operand(machine))
        (number,) = _U32.unpack_from(machine.memory, offset)
        return offset if offset and number in classes else 0

    return run


def _call_function(node: program.CallFunction, compiler: Compiler) -> Evaluation:
    if node.targets:
        return _dispatch(node, compiler)
    call = _call_routine(node, node.routine, compiler)
    if node.instance is None:
        return call
    located = compiler.located(node.instance)

    def on_instance(machine: Machine) -> Scalar:
        return call(machine, located(machine))

    return on_instance


def _dispatch(node: program.CallFunction, compiler: Compiler) -> Evaluation:
    """Return the call of the method that the instance's class has."""
    assert node.instance is not None
    located, site = compiler.located(node.instance), node.site
    calls = {number: _call_routine(node, key, compiler) for number, key in node.targets}

    def run(machine: Machine) -> Scalar:
        instance = located(machine)
        (number,) = _U32.unpack_from(machine.memory, instance)
        if number not in calls:
            raise ProgramFault(site)
        return calls[number](machine, instance)

    return run


def _call_routine(
    node: program.CallFunction, key: str, compiler: Compiler
) -> Callable[..., Scalar]:
    callee = compiler.callees[key]
    routine, frame = callee.routine, callee.frame
    inside = Compiler(frame, compiler.callees)
    values = tuple(compiler.expression(item) for item in node.arguments)
    takers = tuple(
        _taker(callee, number, given, inside) for number, given in enumerate(node.arguments)
    )
    givers = tuple(
        _giver(callee, number, place, compiler, flip=number in node.inverted)
        for number, place in node.outputs
    )
    result = None
    if routine.result >= 0 and isinstance(routine.locals[routine.result].type, Elementary):
        result = inside.reader(_local(callee, routine.result))
    start, image, body = callee.start, callee.image, callee.body
    here = node.span, key

    def call(machine: Machine, instance: int | None = None) -> Scalar:
        given = [value(machine) for value in values]
        whole = [taker.copy(machine, value) for taker, value in zip(takers, given, strict=True)]
        machine.memory[start : start + len(image)] = image
        for taker, value in zip(takers, whole, strict=True):
            taker.store(machine, value)
        outer = machine.instance
        machine.instance = outer if instance is None else instance
        try:
            body(machine)
        except ProgramFault as fault:
            fault.calls.append(here)
            raise
        machine.instance = outer
        for give in givers:
            give(machine)
        return result(machine) if result is not None else 0

    return call


_U32: Final = struct.Struct("<I")


def _local(callee: Callee, number: int) -> Place:
    return Place(Base.LOCAL, 0, callee.routine.locals[number].type, local=number)


@dataclass(frozen=True, slots=True)
class _Taker:
    """Takes one argument: `copy` secures it before the frame is reset, `store` puts it there."""

    copy: Callable[[Machine, Scalar], Any]
    store: Callable[[Machine, Any], None]


def _taker(callee: Callee, number: int, given: Expression, inside: Compiler) -> _Taker:
    data_type, at = callee.routine.locals[number].type, callee.frame[number]
    if isinstance(data_type, Elementary):
        return _Taker(lambda _machine, value: value, inside.writer(_local(callee, number)))
    assert isinstance(given, program.AddressOf)
    load, write = whole_loader(given.place.type), whole_storer(data_type)
    return _Taker(
        lambda machine, offset: load(machine, int(offset)),
        lambda machine, whole: write(machine, at, whole),
    )


def _giver(
    callee: Callee, number: int, place: Place, compiler: Compiler, *, flip: bool
) -> Callable[[Machine], None]:
    """Return what copies an output, or an aggregate result, to where the caller wants it.

    With `flip` the place takes the opposite of a BOOL.
    """
    target, at = compiler.located(place), callee.frame[number]
    if place.bit >= 0 or flip:
        write = compiler.writer(place)
        return lambda machine: write(machine, bool(machine.memory[at]) != flip)
    given = callee.routine.locals[number].type
    if isinstance(given, Text):
        write, read = compiler.writer(place), text_loader(given, lambda _machine: at)
        return lambda machine: write(machine, read(machine))
    load, store = whole_loader(given), whole_storer(place.type)
    return lambda machine: store(machine, target(machine), load(machine, at))


_MAKERS: Final[dict[type, Callable[[Any, Compiler], Evaluation]]] = {
    program.Constant: _constant,
    program.Load: _load,
    program.AddressOf: _address_of,
    program.Convert: _convert,
    program.Negate: _negate,
    program.Invert: _invert,
    program.Operate: _operate,
    program.ShortCircuit: _short_circuit,
    program.CallStandard: _call_standard,
    program.CallFunction: _call_function,
    program.Attempt: _attempt,
    program.TextConstant: text_constant,
    program.CallText: call_text,
}
