"""Statements as LLVM."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.artifact import abi
from runtime.artifact.abi import FaultKind
from runtime.codegen.conversions import convert
from runtime.codegen.emitter import Emitter, constant_text, value_type
from runtime.codegen.expressions import Builder
from runtime.codegen.intrinsics import bool_not
from runtime.codegen.loops import Loop, emit_for, emit_while, is_long
from runtime.codegen.nan import (
    Stored,
    loose_places,
    may_be_nan,
    mend_members,
    mend_place,
    mend_shown,
)
from runtime.codegen.shown import shown_later
from runtime.codegen.texts import assign_text
from runtime.codegen.wholes import Whole, copy_whole
from runtime.datatypes.derived import Array, Structure
from runtime.datatypes.elementary import LINT, Elementary
from runtime.datatypes.scalars import Subrange
from runtime.datatypes.texts import Text
from runtime.model import program
from runtime.model.program import Place, Statement

SWITCH_SPAN_MAX: Final = 16
"""A CASE range of more values than this is compared, not listed in the switch."""


@dataclass(slots=True)
class StatementBuilder:
    """Emits the statements of one function."""

    build: Builder
    leave: str
    """Label that RETURN goes to."""
    arrivals: dict[int, str] = field(default_factory=dict)
    """Labels of numbered blocks, where jumps arrive."""
    loose: frozenset[Place] = frozenset()
    """Reals that are mended behind the loop around, where they are a NaN."""

    @property
    def emit(self) -> Emitter:
        """The function's text."""
        return self.build.emit

    def sequence(self, nodes: tuple[Statement, ...], loop: Loop | None) -> bool:
        """Emit statements; return whether control runs on behind them."""
        shown = {} if self.loose else shown_later(nodes)
        hidden: dict[int, list[Stored]] = {last: [] for last in shown.values()}
        for number, node in enumerate(nodes):
            if number in shown:
                hidden[shown[number]].append(self.real(node))
            elif number in hidden:
                mend_shown(self.emit, hidden[number], self.real(node))
            elif not _MAKERS[type(node)](node, self, loop):
                return False
        return True

    def real(self, node: Statement) -> Stored:
        """Emit the assignment of a real that is tested together with others."""
        assert isinstance(node, program.Assign)
        return self.build.store_real(node.target, self.build.expression(node.value))

    def body(self, nodes: tuple[Statement, ...], loop: Loop | None, then: str) -> None:
        """Emit statements that end with a jump to `then`."""
        if self.sequence(nodes, loop):
            self.emit.jump(then)

    def loop_body(self, nodes: tuple[Statement, ...], loop: Loop) -> None:
        """Emit the body of a loop; its reals that may be NaN are mended by `behind_loop`."""
        self.loose = loose_places(nodes)
        self.body(nodes, loop, loop.again)

    def behind_loop(self) -> None:
        """Emit what stands where a loop was left."""
        loose, self.loose = self.loose, frozenset()
        for place in sorted(loose, key=lambda item: (item.base.value, item.local, item.offset)):
            mend_place(self.build, place)

    def spend(self, site: int, turns: str = "1", *, is_difference: bool = False) -> None:
        """Emit the test that ends endless loops: on a back-edge, or before a counted loop."""
        if site >= 0:
            gone = self.emit.spend_budget(turns, is_difference=is_difference)
            self.emit.fault_if(gone, FaultKind.WATCHDOG, site)

    def heed_watchdog(self, site: int, turn: object, turns: int | None = None) -> None:
        """Emit a look at the watchdog in a turn of a loop, where the loop may take long."""
        if site >= 0 and is_long(turn, turns):
            self.emit.fault_if(self.emit.is_stop_asked(), FaultKind.WATCHDOG, site)


def _assign(node: program.Assign, make: StatementBuilder, _loop: Loop | None) -> bool:
    if isinstance(node.target.type, Text):
        assign_text(node, make.build)
        return True
    value = make.build.expression(node.value)
    if node.site >= 0:
        _check_bounds(node, value, make.emit)
    not_one = node.target not in make.loose and may_be_nan(node.value, make.loose)
    make.build.store(node.target, value, may_be_nan=not_one)
    return True


def _check_bounds(node: program.Assign, value: str, emit: Emitter) -> None:
    """Emit the check that a value lies in the target's subrange."""
    bounds = node.target.type
    assert isinstance(bounds, Subrange)
    kind, sign = value_type(bounds), "s" if bounds.is_signed else "u"
    below = emit.value(f"icmp {sign}lt {kind} {value}, {bounds.lower}")
    above = emit.value(f"icmp {sign}gt {kind} {value}, {bounds.upper}")
    outside = emit.value(f"or i1 {below}, {above}")
    wide = f"{sign.replace('u', 'z')}ext {kind} {value} to i64"
    whole = value if kind == "i64" else emit.value(wide)
    emit.fault_if(outside, FaultKind.SUBRANGE, node.site, whole)


def _copy(node: program.CopyBytes, make: StatementBuilder, _loop: Loop | None) -> bool:
    source = Whole(make.build.address(node.source), node.source.type)
    target = Whole(make.build.address(node.target), node.target.type)
    backwards = _first_bit(node.source) < _first_bit(node.target)
    copy_whole(make.emit, target, source, backwards=backwards)
    return True


def _first_bit(place: Place) -> int:
    """Return where an array of bits, which stands at a fixed place, begins in the state."""
    if isinstance(place.type, Array) and place.type.is_packed:
        return 8 * place.offset + place.type.first_bit
    return -1


def _evaluate(node: program.Evaluate, make: StatementBuilder, _loop: Loop | None) -> bool:
    make.build.expression(node.call)
    return True


def _spread(node: program.Spread, make: StatementBuilder, _loop: Loop | None) -> bool:
    value = make.build.expression(node.value)
    for function, place in node.parts:
        assert isinstance(place.type, Elementary)
        part = make.build.native(function, LINT, [value])
        make.build.store(place, convert(make.emit, part, LINT, place.type))
    return True


def _require(node: program.Require, make: StatementBuilder, _loop: Loop | None) -> bool:
    condition = make.build.expression(node.condition)
    make.emit.fault_if(bool_not(make.emit, condition), FaultKind.ASSERTION, node.site)
    return True


def _invoke(node: program.Invoke, make: StatementBuilder, loop: Loop | None) -> bool:
    make.sequence(node.inputs, loop)
    emit = make.emit
    instance = make.build.address(node.instance)
    if node.standard is not None:
        now = emit.value("load i64, ptr %base, align 8, !invariant.load !3")
        emit.effect(f'call void @"block.{node.routine}"(ptr {instance}, i64 {now})')
        assert isinstance(node.instance.type, Structure)
        mend_members(emit, instance, node.instance.type)
    else:
        arguments = f"ptr %base, ptr {instance}"
        make.build.checked_call(node.routine, arguments, node.span, on_instance=True)
    make.sequence(node.outputs, loop)
    return True


def _if(node: program.If, make: StatementBuilder, loop: Loop | None) -> bool:
    emit = make.emit
    done = emit.label("endif")
    for condition, body in node.branches:
        value = make.build.expression(condition)
        then, other = emit.label("then"), emit.label("else")
        emit.branch(value, then, other)
        emit.start(then)
        make.body(body, loop, done)
        emit.start(other)
    make.body(node.otherwise, loop, done)
    emit.start(done)
    return True


def _case(node: program.Case, make: StatementBuilder, loop: Loop | None) -> bool:
    """Emit a switch over the single values and short ranges; long ranges are compared after it."""
    emit, data_type = make.emit, node.selector.type
    value, kind = make.build.expression(node.selector), value_type(node.selector.type)
    done, wide = emit.label("endcase"), emit.label("wide")
    labels = [emit.label("arm") for _ in node.arms]
    rows, compared = [], []
    for label, (ranges, _) in zip(labels, node.arms, strict=True):
        for lower, upper in ranges:
            if upper - lower < SWITCH_SPAN_MAX:
                values = (constant_text(data_type, item) for item in range(lower, upper + 1))
                rows += [f"{kind} {text}, label %{label}" for text in values]
            else:
                compared.append((lower, upper, label))
    emit.effect(f"switch {kind} {value}, label %{wide} [{' '.join(rows)}]")
    emit.start(wide)
    sign = "s" if data_type.is_signed else "u"
    for lower, upper, label in compared:
        above = emit.value(f"icmp {sign}ge {kind} {value}, {lower}")
        below = emit.value(f"icmp {sign}le {kind} {value}, {upper}")
        inside = emit.value(f"and i1 {above}, {below}")
        other = emit.label("wide")
        emit.branch(inside, label, other)
        emit.start(other)
    make.body(node.otherwise, loop, done)
    for label, (_, body) in zip(labels, node.arms, strict=True):
        emit.start(label)
        make.body(body, loop, done)
    emit.start(done)
    return True


def _exit(_node: program.Exit, make: StatementBuilder, loop: Loop | None) -> bool:
    assert loop is not None
    make.emit.jump(loop.leave)
    return False


def _continue(_node: program.Continue, make: StatementBuilder, loop: Loop | None) -> bool:
    assert loop is not None
    make.emit.jump(loop.again)
    return False


def _return(_node: program.Return, make: StatementBuilder, _loop: Loop | None) -> bool:
    make.emit.jump(make.leave)
    return False


def _go_to(node: program.GoTo, make: StatementBuilder, _loop: Loop | None) -> bool:
    make.heed_watchdog(node.site, node)
    make.spend(node.site)
    make.emit.jump(make.arrivals[node.block])
    return False


def _blocks(node: program.Blocks, make: StatementBuilder, loop: Loop | None) -> bool:
    emit = make.emit
    labels = [emit.label("block") for _ in node.blocks]
    done = emit.label("endblocks")
    make.arrivals |= dict(enumerate([*labels, done], node.first))
    emit.jump(labels[0])
    for label, then, body in zip(labels, [*labels[1:], done], node.blocks, strict=True):
        emit.start(label)
        make.body(body, loop, then)
    emit.start(done)
    return True


_MAKERS: Final[dict[type, Callable[[Any, StatementBuilder, Loop | None], bool]]] = {
    program.Assign: _assign,
    program.CopyBytes: _copy,
    program.Evaluate: _evaluate,
    program.Spread: _spread,
    program.Require: _require,
    program.Invoke: _invoke,
    program.If: _if,
    program.Case: _case,
    program.For: emit_for,
    program.While: emit_while,
    program.Exit: _exit,
    program.Continue: _continue,
    program.Return: _return,
    program.GoTo: _go_to,
    program.Blocks: _blocks,
}

BUDGET_POINTER: Final = f"  %budget = getelementptr i8, ptr %base, i64 {abi.LOOP_BUDGET_LEFT}"
"""The head of every function that has a loop."""
