"""Expressions as closures: each node becomes a function of the machine, made once, called often."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from runtime.datatypes import arithmetic
from runtime.datatypes.arithmetic import ZeroDivisionFault
from runtime.datatypes.elementary import BOOL, Scalar
from runtime.interpret.machine import (
    Evaluation,
    Located,
    Machine,
    ProgramFault,
    loader,
    locate,
    storer,
)
from runtime.model import program
from runtime.model.program import Expression, Place

Action = Callable[[Machine], int]
"""A statement or body; what it gives says how control goes on (`statements`)."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A function that can be called: its frame and its body, filled in when it is compiled."""

    offsets: tuple[int, ...]
    frame: bytes
    """A fresh frame with the initial values of all its variables."""
    result: int
    body: Action


@dataclass(slots=True)
class Compiler:
    """Makes closures for one routine."""

    offsets: tuple[int, ...]
    callees: dict[str, Callee]

    def expression(self, node: Expression) -> Evaluation:
        """Return the closure of an expression."""
        maker: Callable[[Any, Compiler], Evaluation] = _MAKERS[type(node)]
        return maker(node, self)

    def located(self, place: Place) -> Located:
        """Return the closure that finds a place."""
        steps = tuple(self.expression(step.index) for step in place.steps)
        return locate(place, self.offsets, steps)

    def reader(self, place: Place) -> Evaluation:
        """Return the closure that reads a scalar."""
        return loader(place, self.located(place))

    def writer(self, place: Place) -> Callable[[Machine, Scalar], None]:
        """Return the closure that writes a scalar."""
        return storer(place, self.located(place))


def _constant(node: program.Constant, _: Compiler) -> Evaluation:
    value = node.value
    return lambda _machine: value


def _load(node: program.Load, compiler: Compiler) -> Evaluation:
    return compiler.reader(node.place)


def _convert(node: program.Convert, compiler: Compiler) -> Evaluation:
    operand = compiler.expression(node.operand)
    source, target = node.operand.type, node.type
    return lambda machine: arithmetic.convert(operand(machine), source, target)


def _negate(node: program.Negate, compiler: Compiler) -> Evaluation:
    operand, fit = compiler.expression(node.operand), node.type.fit
    return lambda machine: fit(-operand(machine))


def _invert(node: program.Invert, compiler: Compiler) -> Evaluation:
    operand = compiler.expression(node.operand)
    if node.type is BOOL:
        return lambda machine: not operand(machine)
    wrap = node.type.wrap
    return lambda machine: wrap(~int(operand(machine)))


def _operate(node: program.Operate, compiler: Compiler) -> Evaluation:
    left, right = compiler.expression(node.left), compiler.expression(node.right)
    compute = arithmetic.binary(node.operator, node.operand_type)
    if node.site < 0:
        return lambda machine: compute(left(machine), right(machine))
    site = node.site

    def divide(machine: Machine) -> Scalar:
        try:
            return compute(left(machine), right(machine))
        except ZeroDivisionFault:
            raise ProgramFault(site) from None

    return divide


def _short_circuit(node: program.ShortCircuit, compiler: Compiler) -> Evaluation:
    left, right = compiler.expression(node.left), compiler.expression(node.right)
    if node.operator == "AND_THEN":
        return lambda machine: left(machine) and right(machine)
    return lambda machine: left(machine) or right(machine)


def _call_standard(node: program.CallStandard, compiler: Compiler) -> Evaluation:
    arguments = tuple(compiler.expression(item) for item in node.arguments)
    compute, data_type = node.function.compute, node.type
    return lambda machine: compute(data_type, [item(machine) for item in arguments])


def _call_function(node: program.CallFunction, compiler: Compiler) -> Evaluation:
    callee = compiler.callees[node.routine]
    arguments = tuple(
        (compiler.expression(item), storer(_local(number, item), _frame_at(callee, number)))
        for number, item in enumerate(node.arguments)
    )
    outputs = tuple(
        (loader(_local_place(number, place), _frame_at(callee, number)), compiler.writer(place))
        for number, place in node.outputs
    )
    result = None
    if callee.result >= 0:
        place = Place(program.Base.LOCAL, 0, node.type, local=callee.result)
        result = loader(place, _frame_at(callee, callee.result))

    def call(machine: Machine) -> Scalar:
        values = [(write, item(machine)) for item, write in arguments]
        outer = machine.frame
        machine.frame = inner = bytearray(callee.frame)
        for write, value in values:
            write(machine, value)
        callee.body(machine)
        given = [read(machine) for read, _ in outputs]
        returned = result(machine) if result is not None else 0
        machine.frame = outer
        for (_, write_out), value in zip(outputs, given, strict=True):
            write_out(machine, value)
        del inner
        return returned

    return call


def _local(number: int, value: Expression) -> Place:
    return Place(program.Base.LOCAL, 0, value.type, local=number)


def _local_place(number: int, place: Place) -> Place:
    return Place(program.Base.LOCAL, 0, place.type, local=number)


def _frame_at(callee: Callee, number: int) -> Located:
    offset = callee.offsets[number]
    return lambda machine: (machine.frame, offset)


_MAKERS: Final[dict[type, Callable[[Any, Compiler], Evaluation]]] = {
    program.Constant: _constant,
    program.Load: _load,
    program.Convert: _convert,
    program.Negate: _negate,
    program.Invert: _invert,
    program.Operate: _operate,
    program.ShortCircuit: _short_circuit,
    program.CallStandard: _call_standard,
    program.CallFunction: _call_function,
}
