"""Binary operators as closures; the frequent ones compute in the closure itself.

A call of Python costs more than most of what programs compute, so that each call saved counts.
What is not here is computed by `datatypes.arithmetic`, and so are the constants that these equal.
"""

from collections.abc import Callable
from typing import Any, Final

from runtime.datatypes import arithmetic
from runtime.datatypes.arithmetic import ZeroDivisionFault
from runtime.datatypes.elementary import Elementary, Kind, Scalar
from runtime.interpret.machine import Evaluation, Machine, ProgramFault
from runtime.model import program

Pair = Callable[[Any, Any], Evaluation]
"""Makes the closure of an operator from those of its operands."""

_WHOLE: Final = {Kind.SIGNED, Kind.UNSIGNED, Kind.BITS}


def operation(node: program.Operate, left: Evaluation, right: Evaluation) -> Evaluation:
    """Return the closure of an operator over those of its operands."""
    if node.site >= 0:
        return _dividing(node, left, right)
    constant = node.right.value if isinstance(node.right, program.Constant) else None
    if constant is not None and node.operator in _TO_CONSTANT:
        return _TO_CONSTANT[node.operator](left, constant)
    if node.operator in _TESTS:
        return _TESTS[node.operator](left, right)
    if node.operator in {"+", "-"} and node.operand_type.kind in _WHOLE:
        return _sum(node.operator, node.operand_type, left, right)
    compute = arithmetic.binary(node.operator, node.operand_type)
    return lambda machine: compute(left(machine), right(machine))


def _dividing(node: program.Operate, left: Evaluation, right: Evaluation) -> Evaluation:
    compute, site = arithmetic.binary(node.operator, node.operand_type), node.site

    def divide(machine: Machine) -> Scalar:
        try:
            return compute(left(machine), right(machine))
        except ZeroDivisionFault:
            raise ProgramFault(site) from None

    return divide


def _sum(operator: str, data_type: Elementary, left: Any, right: Any) -> Evaluation:
    """Return a sum or a difference, wrapped at the type's width."""
    mask = (1 << data_type.bits) - 1
    half = 1 << data_type.bits - 1 if data_type.is_signed else 0
    if operator == "+":
        return lambda machine: (left(machine) + right(machine) + half & mask) - half
    return lambda machine: (left(machine) - right(machine) + half & mask) - half


_TESTS: Final[dict[str, Pair]] = {
    "=": lambda left, right: lambda machine: left(machine) == right(machine),
    "<>": lambda left, right: lambda machine: left(machine) != right(machine),
    "<": lambda left, right: lambda machine: left(machine) < right(machine),
    ">": lambda left, right: lambda machine: left(machine) > right(machine),
    "<=": lambda left, right: lambda machine: left(machine) <= right(machine),
    ">=": lambda left, right: lambda machine: left(machine) >= right(machine),
}
_TO_CONSTANT: Final[dict[str, Pair]] = {
    "=": lambda left, constant: lambda machine: left(machine) == constant,
    "<>": lambda left, constant: lambda machine: left(machine) != constant,
    "<": lambda left, constant: lambda machine: left(machine) < constant,
    ">": lambda left, constant: lambda machine: left(machine) > constant,
    "<=": lambda left, constant: lambda machine: left(machine) <= constant,
    ">=": lambda left, constant: lambda machine: left(machine) >= constant,
}
