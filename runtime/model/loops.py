"""Which FOR loops are counted: their turns are known when they begin.

A counted loop is charged to the loop budget once, when it begins, for all of its turns and those
of counted loops that each turn is sure to run; else each turn is charged when it ends. Both engines
read the charge from the node, so they meet an endless loop at the same place.

    FOR i := 0 TO 31 DO          charged 32 * (1 + 32)
      FOR k := 0 TO 31 DO        prepaid
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, cast

from runtime.datatypes.elementary import Elementary
from runtime.model import program
from runtime.model.program import Base, Constant, For, Model, Place, Statement
from runtime.model.writes import ANYTHING, Writes, parts_of, writes_of

_COUNTED_BITS_MAX: Final = 32
"""Wider control variables are counted with constant limits only: a difference must fit 64 bits."""
_TURNS_MAX: Final = 1 << 31
_WAYS_OUT: Final = program.Exit | program.Return | program.GoTo


def with_counted_loops(model: Model) -> Model:
    """Return the model with the charges of its counted loops."""
    writes = writes_of(model)
    routines = {
        key: replace(item, body=_statements(item.body, writes)) if _has_for(item.body) else item
        for key, item in model.routines.items()
    }
    return replace(model, routines=routines)


def constant_turns(node: For) -> int | None:
    """Return how often a loop with constant limits turns; None where they are not constant."""
    limits = (node.first, node.last, node.step)
    if not all(isinstance(item, Constant) for item in limits):
        return None
    first, last, step = (int(cast("int", cast("Constant", item).value)) for item in limits)
    return max(0, (last - first) // step + 1) if step else None


def is_private(place: Place) -> bool:
    """Whether a place is a whole named variable, which is written by its name alone."""
    is_direct = place.base is not Base.REFERENCE and place.bit < 0
    return is_direct and bool(place.owner) and not place.steps


def _has_for(nodes: tuple[Statement, ...]) -> bool:
    return any(isinstance(node, For) for node in parts_of(nodes))


def _statements(nodes: tuple[Statement, ...], writes: Writes) -> tuple[Statement, ...]:
    return tuple(_statement(node, writes) for node in nodes)


def _statement(node: Statement, writes: Writes) -> Statement:
    match node:
        case program.If(branches=branches, otherwise=otherwise):
            bodies = tuple((test, _statements(body, writes)) for test, body in branches)
            return replace(node, branches=bodies, otherwise=_statements(otherwise, writes))
        case program.Case(arms=arms, otherwise=otherwise):
            chosen = tuple((ranges, _statements(body, writes)) for ranges, body in arms)
            return replace(node, arms=chosen, otherwise=_statements(otherwise, writes))
        case program.While(body=body):
            return replace(node, body=_statements(body, writes))
        case program.Blocks(blocks=blocks):
            return replace(node, blocks=tuple(_statements(item, writes) for item in blocks))
        case For():
            return _for(replace(node, body=_statements(node.body, writes)), writes)
    return node


def _for(node: For, writes: Writes) -> For:
    if not _is_counted(node, writes):
        return node
    inner = 0
    if not any(isinstance(item, program.Continue) for item in parts_of(node.body)):
        inner = sum(_charge(item) for item in node.body)
    if inner and (constant_turns(node) or 0) * (1 + inner) < _TURNS_MAX:
        body = tuple(_prepaid(item) for item in node.body)
        return replace(node, body=body, is_counted=True, inner_turns=inner)
    return replace(node, is_counted=True)


def _charge(node: Statement) -> int:
    """Return the turns that one run of a statement is sure to take, if they are constant."""
    if not isinstance(node, For) or not node.is_counted:
        return 0
    return (constant_turns(node) or 0) * (1 + node.inner_turns)


def _prepaid(node: Statement) -> Statement:
    return replace(node, is_prepaid=True) if isinstance(node, For) and _charge(node) else node


def _is_counted(node: For, writes: Writes) -> bool:
    """Whether nothing but the loop itself moves its variable or ends it."""
    data_type = node.variable.type
    assert isinstance(data_type, Elementary)
    if not isinstance(node.step, Constant) or not is_private(node.variable):
        return False
    if constant_turns(node) is None and data_type.bits > _COUNTED_BITS_MAX:
        return False
    if _leaves(node.body):
        return False
    written = writes.of(node.body)
    return ANYTHING not in written and node.variable.owner not in written


def _leaves(nodes: Iterable[Statement]) -> bool:
    """Whether a body may leave its loop; EXIT of a loop inside counts too, for simplicity."""
    return any(isinstance(item, _WAYS_OUT) for item in parts_of(tuple(nodes)))
