"""NaN in memory: there is one, so that states are equal to the bit whatever made the NaN.

The sign and payload of a NaN depend on the processor and on what LLVM works out beforehand. A value
that may be one is tested behind its store, and mended where it is; the branch is predicted, so it
adds nothing to a chain of operations; one test serves several values where the last one shows what
the others are (`shown`). What an innermost loop of plain assignments sums up is mended
behind the loop: a matrix product took 40 % longer with the test inside. A fault in such a loop
leaves the sum as it is. Single variables of a call are not mended but what they are given to is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Final

from runtime.codegen.emitter import UNLIKELY, Emitter, memory_type
from runtime.codegen.walk import walk
from runtime.datatypes.derived import Array, Structure
from runtime.datatypes.elementary import Elementary, Kind
from runtime.model import program
from runtime.model.program import Base, Expression, Place, Statement
from runtime.source import Span

if TYPE_CHECKING:
    from runtime.codegen.expressions import Builder

_BITS: Final = {
    "float": ("i32", 0x7F800000 << 1, 0x7FC00000),
    "double": ("i64", 0x7FF0 << 49, 0x7FF8 << 48),
}
"""The integer type of a real, an infinity shifted left by one, the one NaN. Bits are compared,
since LLVM holds all NaN for one and drops a test of reals that replaces one by another."""


def may_be_nan(node: Expression, loose: frozenset[Place] = frozenset()) -> bool:
    """Whether a value may be a NaN other than the one that is kept in memory.

    Args:
        node: The value.
        loose: Variables that are mended behind the loop around; then no variable is trusted.
    """
    match node:
        case program.Constant(value=value):
            return value != value  # noqa: PLR0124 - only a NaN differs from itself
        case program.Load(place=place):
            kept = place.owner and place.base not in {Base.LOCAL, Base.REFERENCE}
            return not kept or bool(loose)
        case program.Convert(operand=operand):
            return operand.type.kind is Kind.REAL and may_be_nan(operand, loose)
    return True


def loose_places(body: tuple[Statement, ...]) -> frozenset[Place]:
    """Return the reals that a loop may leave to be mended behind it: none if it calls or nests."""
    if not all(isinstance(node, _PLAIN) for node in walk(body)) or _calls(body):
        return frozenset()
    return frozenset(
        node.target
        for node in walk(body)
        if isinstance(node, program.Assign)
        and isinstance(node.target.type, Elementary)
        and node.target.type.kind is Kind.REAL
        and node.target.base is not Base.REFERENCE
        and not node.target.steps
    )


_PLAIN: Final = (program.Assign, program.If, program.Case, program.Exit, program.Continue)


def _calls(node: object) -> bool:
    """Whether a user's function is called anywhere in statements or expressions."""
    if isinstance(node, program.CallFunction):
        return True
    if isinstance(node, tuple):
        return any(_calls(item) for item in node)
    if not is_dataclass(node) or isinstance(node, Elementary | Structure | Array | Span):
        return False
    return any(_calls(getattr(node, item.name)) for item in fields(node))


def mend_nan(emit: Emitter, value: str, kind: str, memory: str) -> None:
    """Emit the check behind a store: where the value is a NaN, the one NaN is stored instead."""
    whole, infinity, the_nan = _BITS[kind]
    bits = emit.value(f"bitcast {kind} {value} to {whole}")
    magnitude = emit.value(f"shl {whole} {bits}, 1")
    test = emit.value(f"icmp ugt {whole} {magnitude}, {infinity}")
    mend, going_on = emit.label("nan"), emit.label("fine")
    emit.exits += [
        f"{mend}:",
        f"  store {whole} {the_nan}, {memory}",
        f"  br label %{going_on}",
    ]
    emit.branch(test, mend, going_on, UNLIKELY)
    emit.start(going_on)


@dataclass(frozen=True, slots=True)
class Stored:
    """A real that was stored: its type, the value, and the operand of a store to its place."""

    kind: str
    value: str
    memory: str


def mend_shown(emit: Emitter, hidden: Sequence[Stored], last: Stored) -> None:
    """Emit one check behind several stores: where one of them is a NaN, the last one is."""
    whole, infinity, _ = _BITS[last.kind]
    bits = emit.value(f"bitcast {last.kind} {last.value} to {whole}")
    magnitude = emit.value(f"shl {whole} {bits}, 1")
    _mend_where(emit, emit.value(f"icmp ugt {whole} {magnitude}, {infinity}"), [*hidden, last])


def mend_all(emit: Emitter, stores: Sequence[Stored]) -> None:
    """Emit one check behind an even number of stores of the same type."""
    kind, values = stores[0].kind, [item.value for item in stores]
    tests = [
        emit.value(f"fcmp uno {kind} {one}, {other}")
        for one, other in zip(values[::2], values[1::2], strict=True)
    ]
    found = tests[0]
    for test in tests[1:]:
        found = emit.value(f"or i1 {found}, {test}")
    _mend_where(emit, found, stores)


def _mend_where(emit: Emitter, found: str, stores: Sequence[Stored]) -> None:
    mend, going_on = emit.label("nans"), emit.label("fine")
    emit.branch(found, mend, going_on, UNLIKELY)
    emit.start(mend)
    for item in stores:
        whole, infinity, the_nan = _BITS[item.kind]
        bits = emit.value(f"bitcast {item.kind} {item.value} to {whole}")
        magnitude = emit.value(f"shl {whole} {bits}, 1")
        is_nan = emit.value(f"icmp ugt {whole} {magnitude}, {infinity}")
        mended = emit.value(f"select i1 {is_nan}, {whole} {the_nan}, {whole} {bits}")
        emit.effect(f"store {whole} {mended}, {item.memory}")
    emit.jump(going_on)
    emit.start(going_on)


def mend_place(build: "Builder", place: Place) -> None:
    """Emit the same for a variable that stands in memory."""
    assert isinstance(place.type, Elementary)
    pointer = build.address(place)
    memory = f"ptr {pointer}, align {place.type.alignment}{build.emit.alias(place.owner)}"
    kind = memory_type(place.type)
    mend_nan(build.emit, build.emit.value(f"load {kind}, {memory}"), kind, memory)


def mend_members(emit: Emitter, instance: str, structure: Structure) -> None:
    """Emit the same for the members of an instance on which a block written in Python ran."""
    for item in structure.fields:
        if isinstance(item.type, Elementary) and item.type.kind is Kind.REAL:
            kind = memory_type(item.type)
            pointer = emit.value(f"getelementptr inbounds i8, ptr {instance}, i64 {item.offset}")
            memory = f"ptr {pointer}, align {item.type.alignment}"
            mend_nan(emit, emit.value(f"load {kind}, {memory}"), kind, memory)
