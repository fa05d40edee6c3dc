"""Loops as LLVM.

A counted FOR (`model.loops`) keeps its variable in a register, beside the one in memory, and is
charged to the loop budget before it begins: LLVM then sees a plain counted loop, which it may
unroll and vectorise. In any other loop each turn is charged when it ends.

A turn that takes long looks at what the watchdog says. Short ones do not, for the sake of their
speed, nor do turns that are few: both come to an end, by the loop budget at the latest, which is
common to all loops of a scan, inner and outer.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runtime.codegen.emitter import BUDGET, UNLIKELY, Emitter, value_type
from runtime.codegen.lanes import emit_lanes, is_parallel, no_wrap
from runtime.datatypes.elementary import Elementary
from runtime.model import program
from runtime.model.loops import constant_turns
from runtime.model.program import Constant
from runtime.model.writes import parts_of

if TYPE_CHECKING:
    from runtime.codegen.statements import StatementBuilder

_QUIET_PARTS_MAX: Final = 32
"""Nodes of a condition that is emitted twice."""
_SHORT_WEIGHT_MAX: Final = 64
"""Of a turn that does not look; `LOOP_BUDGET` says how many of them there may be."""
_BRIEF_WEIGHT_MAX: Final = 4_000_000
"""Of all turns of a loop in which none looks."""
_CALL_WEIGHT: Final = 16
_FEW_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class Loop:
    """Where EXIT and CONTINUE of the innermost loop go."""

    leave: str
    again: str


def emit_for(node: program.For, make: "StatementBuilder", _loop: Loop | None) -> bool:
    """Emit FOR."""
    if node.is_counted and is_parallel(node):
        _parallel_loop(node, make)
    elif node.is_counted:
        _counted_loop(node, make)
    else:
        _tested_loop(node, make)
    return True


def _counted_loop(node: program.For, make: "StatementBuilder") -> None:
    """Emit a loop whose turns are known when it begins.

    The variable is stored at the head of each turn: its value is right wherever a fault ends the
    turn, and a store on every way lets LLVM move it out of the loop.
    """
    emit, build = make.emit, make.build
    kind = value_type(_type_of(node))
    first, last = build.expression(node.first), build.expression(node.last)
    step = _step_of(node)
    enters = _within(node, emit, first, last, str(step))
    turns = _turns(node, emit, first, last, enters)
    if not node.is_prepaid:
        _charge(node, make, turns)
    build.store(node.variable, first)
    head, body, again, latch, leave, done = (
        emit.label(word) for word in ("head", "body", "next", "latch", "endfor", "done")
    )
    emit.jump(head)
    emit.start(head)
    emit.branch(enters, body, done)
    emit.start(body)
    counter, turn, counted, following = (emit.fresh() for _ in range(4))
    emit.effect(f"{counter} = phi {kind} [ {first}, %{head} ], [ {following}, %{latch} ]")
    emit.effect(f"{turn} = phi i64 [ 0, %{head} ], [ {counted}, %{latch} ]")
    build.store(node.variable, counter)
    with build.known({node.variable: counter}):
        make.loop_body(node.body, Loop(leave, again))
    emit.start(again)
    if not node.is_prepaid:
        make.heed_watchdog(node.site, node.body, _most_turns(node))
    emit.jump(latch)
    emit.start(latch)
    flag = no_wrap(node)
    emit.effect(f"{following} = add{flag} {kind} {counter}, {step}")
    emit.effect(f"{counted} = add nuw nsw i64 {turn}, 1")
    emit.branch(emit.value(f"icmp ult i64 {counted}, {turns}"), body, leave)
    emit.start(leave)
    build.store(node.variable, following)
    emit.jump(done)
    emit.start(done)
    make.behind_loop()


def _parallel_loop(node: program.For, make: "StatementBuilder") -> None:
    """Emit a loop whose turns run side by side, and the rest of it, which fills no group."""
    turns = constant_turns(node) or 0
    if not node.is_prepaid:
        _charge(node, make, str(turns))
    rest = turns - emit_lanes(node, make)
    if rest:
        assert isinstance(node.last, Constant)
        first = replace(node.last, value=int(node.last.value) - rest + 1)
        _counted_loop(replace(node, first=first, is_prepaid=True), make)


def _charge(node: program.For, make: "StatementBuilder", turns: str) -> None:
    if node.inner_turns:
        turns = make.emit.value(f"mul i64 {turns}, {1 + node.inner_turns}")
    is_difference = constant_turns(node) is None and not node.inner_turns
    make.spend(node.site, turns, is_difference=is_difference)


def _turns(node: program.For, emit: Emitter, first: str, last: str, enters: str) -> str:
    """Emit how often a counted loop turns, in 64 bits."""
    constant = constant_turns(node)
    if constant is not None:
        return str(constant)
    data_type, step = _type_of(node), _step_of(node)
    kind, extend = value_type(data_type), "sext" if data_type.is_signed else "zext"
    wide = [emit.value(f"{extend} {kind} {value} to i64") for value in (first, last)]
    low, high = wide if step > 0 else reversed(wide)
    distance = emit.value(f"sub nsw i64 {high}, {low}")
    whole = emit.value(f"udiv i64 {distance}, {abs(step)}") if abs(step) > 1 else distance
    turns = emit.value(f"add nsw i64 {whole}, 1")
    return emit.value(f"select i1 {enters}, i64 {turns}, i64 0")


def _step_of(node: program.For) -> int:
    assert isinstance(node.step, Constant)
    return int(node.step.value)


def _type_of(node: program.For) -> Elementary:
    assert isinstance(node.variable.type, Elementary)
    return node.variable.type


def _tested_loop(node: program.For, make: "StatementBuilder") -> None:
    """Emit a loop whose variable the body may change: it is read again at each turn."""
    emit, build, data_type = make.emit, make.build, node.variable.type
    assert isinstance(data_type, Elementary)
    kind, sign = value_type(data_type), "s" if data_type.is_signed else "u"
    first, last = build.expression(node.first), build.expression(node.last)
    step = build.expression(node.step)
    build.store(node.variable, first)
    holds = _hold_budget(node, emit)
    test, body, again, leave = (emit.label(word) for word in ("test", "body", "next", "endfor"))
    emit.jump(test)
    emit.start(test)
    value = build.load(node.variable)
    going = _within(node, emit, value, last, step)
    emit.branch(going, body, leave)
    emit.start(body)
    make.loop_body(node.body, Loop(leave, again))
    emit.start(again)
    make.heed_watchdog(node.site, node.body)
    make.spend(node.site)
    current = build.load(node.variable)
    pair = emit.value(
        f"call {{{kind}, i1}} @llvm.{sign}add.with.overflow.{kind}({kind} {current}, {kind} {step})"
    )
    build.store(node.variable, emit.value(f"extractvalue {{{kind}, i1}} {pair}, 0"))
    wrapped = emit.value(f"extractvalue {{{kind}, i1}} {pair}, 1")
    emit.branch(wrapped, leave, test, UNLIKELY)
    emit.start(leave)
    if holds:
        emit.return_budget()
    make.behind_loop()


def _within(node: program.For, emit: Emitter, value: str, last: str, step: str) -> str:
    """Emit the test whether a FOR goes on; its direction is known where the step is constant."""
    data_type = node.step.type
    kind, sign = value_type(data_type), "s" if data_type.is_signed else "u"
    constant = node.step.value if isinstance(node.step, Constant) else None
    if not data_type.is_signed or (constant is not None and constant >= 0):
        return emit.value(f"icmp {sign}le {kind} {value}, {last}")
    if constant is not None:
        return emit.value(f"icmp {sign}ge {kind} {value}, {last}")
    upward = emit.value(f"icmp sge {kind} {step}, 0")
    below = emit.value(f"icmp sle {kind} {value}, {last}")
    above = emit.value(f"icmp sge {kind} {value}, {last}")
    return emit.value(f"select i1 {upward}, i1 {below}, i1 {above}")


def emit_while(node: program.While, make: "StatementBuilder", _loop: Loop | None) -> bool:
    """Emit WHILE and REPEAT."""
    emit = make.emit
    holds = _hold_budget(node, emit)
    leave = (_turned_loop if _is_quiet(node.condition) else _plain_while)(node, make)
    emit.start(leave)
    if holds:
        emit.return_budget()
    make.behind_loop()
    return True


def _plain_while(node: program.While, make: "StatementBuilder") -> str:
    """Emit a loop whose condition is tested in one place, behind the charge; return its way out."""
    emit = make.emit
    test, body, again, leave = (emit.label(word) for word in ("test", "body", "next", "endloop"))
    emit.jump(test if node.test_first else body)
    emit.start(test)
    _test(node, make, body, leave)
    emit.start(body)
    make.loop_body(node.body, Loop(leave, again))
    emit.start(again)
    make.heed_watchdog(node.site, (node.condition, node.body))
    make.spend(node.site)
    emit.jump(test)
    return leave


def _turned_loop(node: program.While, make: "StatementBuilder") -> str:
    """Emit a loop whose condition is tested before each turn is charged; return its way out.

    Nobody can tell, as the condition neither fails nor does anything. It lets LLVM jump straight
    out of the loop from where the condition is settled: `go := FALSE` in `WHILE go DO`.
    """
    emit = make.emit
    body, again, leave = (emit.label(word) for word in ("body", "next", "endloop"))
    more, last = emit.label("more"), emit.label("last")
    if node.test_first:
        _test(node, make, body, leave)
    else:
        emit.jump(body)
    emit.start(body)
    make.loop_body(node.body, Loop(leave, again))
    emit.start(again)
    make.heed_watchdog(node.site, node.body)
    _test(node, make, more, last)
    for label, target in ((more, body), (last, leave)):
        emit.start(label)
        make.spend(node.site)
        emit.jump(target)
    return leave


def _test(node: program.While, make: "StatementBuilder", body: str, leave: str) -> None:
    """Emit the condition, and where it leads to."""
    condition = make.build.expression(node.condition)
    make.emit.branch(condition, *((body, leave) if node.test_first else (leave, body)))


def is_long(turn: object, turns: int | None = None) -> bool:
    """Whether a loop may take longer than some milliseconds, and a turn some nanoseconds.

    Args:
        turn: What a turn does, a node or several.
        turns: How many there are at most, where that is known.
    """
    weight = sum(map(_weight, parts_of(turn)))
    return weight > _SHORT_WEIGHT_MAX and (turns is None or turns * weight > _BRIEF_WEIGHT_MAX)


def _weight(part: object) -> float:
    """Return about how many nanoseconds a node takes, without the nodes inside it."""
    if isinstance(part, _UNKNOWN):
        return math.inf
    if isinstance(part, program.CallText):
        return _CALL_WEIGHT
    if isinstance(part, program.CallStandard):
        is_call = part.function.native or part.function.name in _MATHEMATICAL
        return _CALL_WEIGHT if is_call else 1
    return 1


def _most_turns(node: program.For) -> int | None:
    """Return how often a counted loop and those paid with it turn at most, if that is not often."""
    turns, bits = constant_turns(node), _type_of(node).bits
    if turns is None and bits <= _FEW_BITS:
        turns = 1 << bits
    return None if turns is None else turns * (1 + node.inner_turns)


_UNKNOWN: Final = program.CallFunction | program.Invoke | program.GoTo | program.Blocks
_MATHEMATICAL: Final = frozenset(
    {"ACOS", "ASIN", "ATAN", "ATAN2", "COS", "EXP", "EXPT", "LN", "LOG", "SIN", "TAN"}
)
"""Standard functions that are calls of the mathematical library."""


def _is_quiet(condition: program.Expression) -> bool:
    """Whether a condition is short, cannot fail and does nothing: it may be tested early."""
    parts = list(parts_of(condition))
    calls = program.CallFunction | program.CallText
    return len(parts) <= _QUIET_PARTS_MAX and not any(
        isinstance(item, calls) or getattr(item, "site", -1) >= 0 for item in parts
    )


def _hold_budget(node: program.For | program.While, emit: Emitter) -> bool:
    """Count the budget in a register during a loop that is left at its end or by a fault alone.

    Where a turn may end the loop before it is charged, LLVM would store what is left in each turn.
    What a loop calls counts in the context. Return whether `return_budget` must follow.
    """
    if emit.budget != BUDGET or any(isinstance(item, _SEES_BUDGET) for item in parts_of(node)):
        return False
    emit.hold_budget()
    return True


_SEES_BUDGET: Final = (
    program.CallFunction | program.CallText | program.Invoke
    | program.Return | program.GoTo | program.Blocks
)  # fmt: skip
