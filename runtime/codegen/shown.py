"""Reals whose NaN shows in a later value, so that one test behind that one is enough.

A sum, difference, product or quotient with a NaN is one. What is computed from a real therefore
tells whether that was a NaN, and both are mended together:

    e := sp - pv;                        no test: where e is a NaN, raw is one
    flt := flt + (e - flt) * 0.1;        no test
    pv1 := pv;
    raw := kp * (e + flt) + integ;       one test

Between the two nothing may fault, call, jump, or read more of the first than its number: a NaN that
is not mended yet is seen by nobody.
"""

from collections.abc import Sequence
from typing import Final, TypeGuard

from runtime.codegen.lanes import is_sound
from runtime.codegen.nan import may_be_nan
from runtime.datatypes.derived import DataType
from runtime.datatypes.elementary import BOOL, Elementary, Kind
from runtime.model.program import (
    Assign,
    Base,
    Convert,
    Expression,
    Load,
    Negate,
    Operate,
    Place,
    Statement,
)
from runtime.model.writes import parts_of

AHEAD: Final = 8
"""Statements that are looked at behind one."""
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/"})
_ELSEWHERE: Final = frozenset({Base.LOCAL, Base.REFERENCE})


def shown_later(nodes: Sequence[Statement]) -> dict[int, int]:
    """Return by the number of an assignment that of the later one that shows its NaN."""
    shown: dict[int, int] = {}
    for number in reversed(range(len(nodes) - 1)):
        last = _shows(nodes, number, shown)
        if last is not None:
            shown[number] = last
    return shown


def _shows(nodes: Sequence[Statement], number: int, shown: dict[int, int]) -> int | None:
    first = nodes[number]
    if not _is_tested(first):
        return None
    place = first.target
    for later in range(number + 1, min(number + 1 + AHEAD, len(nodes))):
        node = nodes[later]
        if not isinstance(node, Assign) or node.target.owner == place.owner:
            return None
        if not all(is_sound(item) for item in parts_of(node)) or not _is_number(node.value, place):
            return None
        if not _reads(node.value, place):
            continue
        if _is_tested(node):
            if later not in shown and _carries(node.value, place):
                return later
        elif node.target.type is not BOOL:
            return None  # it takes the NaN over as it is
    return None


def _is_tested(node: Statement) -> TypeGuard[Assign]:
    """Whether an assignment stores a real of the state that may be a NaN."""
    if not isinstance(node, Assign) or not _is_real(node.target.type):
        return False
    place = node.target
    is_fixed = bool(place.owner) and not place.steps and place.base not in _ELSEWHERE
    return is_fixed and may_be_nan(node.value)


def _is_real(data_type: DataType) -> bool:
    return isinstance(data_type, Elementary) and data_type.kind is Kind.REAL


def _reads(node: Expression, place: Place) -> bool:
    return any(
        isinstance(item, Load) and item.place.owner == place.owner for item in parts_of(node)
    )


def _is_number(node: Expression, place: Place) -> bool:
    """Whether an expression reads a place, if at all, for its number alone and not for its bits."""
    if not _reads(node, place):
        return True
    match node:
        case Load():
            return True
        case Negate(operand=operand):
            return _is_number(operand, place)
        case Convert(type=data_type, operand=operand):
            return _is_real(data_type) and _is_real(operand.type) and _is_number(operand, place)
        case Operate(operand_type=data_type, left=left, right=right):
            both = _is_number(left, place) and _is_number(right, place)
            return _is_real(data_type) and both
    return False


def _carries(node: Expression, place: Place) -> bool:
    """Whether a value is a NaN wherever that of a place is one."""
    match node:
        case Load(place=loaded):
            return loaded == place
        case Negate(operand=operand) | Convert(operand=operand):
            return _carries(operand, place)
        case Operate(operator=operator, left=left, right=right):
            return operator in _ARITHMETIC and (_carries(left, place) or _carries(right, place))
    return False
