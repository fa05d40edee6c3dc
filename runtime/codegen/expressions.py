"""Expressions as LLVM: places become addresses, operators instructions, calls calls."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runtime.artifact.abi import FaultKind
from runtime.codegen.bits import bit_at, load_bit, store_bit
from runtime.codegen.blocks import native_words
from runtime.codegen.conversions import convert
from runtime.codegen.emitter import (
    BOOL_RANGE,
    STATUS,
    Emitter,
    constant_text,
    memory_type,
    value_type,
)
from runtime.codegen.intrinsics import EMISSIONS, bool_not
from runtime.codegen.linked import Linked
from runtime.codegen.nan import Stored, mend_nan
from runtime.codegen.texts import (
    call_text,
    is_text_equality,
    load_text,
    store_text,
    text_constant,
    text_equality,
)
from runtime.codegen.wholes import Whole, copy_whole, unpacked
from runtime.datatypes.elementary import BOOL, LINT, LREAL, Elementary, Kind
from runtime.datatypes.texts import Text
from runtime.model import program
from runtime.model.program import Base, DynamicStep, Expression, Local, Place, Routine, Step
from runtime.model.ways import Calls
from runtime.model.writes import parts_of
from runtime.source import Span
from runtime.stdlib.declare import StandardFunction

LOCATED: Final = "located variables"
"""Owner, to alias metadata, of all places in the areas %I, %Q and %M."""


@dataclass(slots=True)
class Builder:
    """Emits the expressions of one function."""

    emit: Emitter
    routines: dict[str, Routine]
    calls: Calls = field(default_factory=dict)
    """The numbers of the function's calls."""
    locals: list[str] = field(default_factory=list)
    """Registers that point to the function's variables."""
    linked: Linked = field(default_factory=Linked)
    """What the whole module links in."""
    by_reference: frozenset[int] = frozenset()
    """The variables among them that are VAR_IN_OUT."""
    single: frozenset[int] = frozenset()
    """Those of an elementary type: a NaN among them is mended where it goes to."""
    located_end: int = 0
    """Where the areas %I, %Q and %M end in the state."""
    registers: dict[Place, str] = field(default_factory=dict)
    """Whole variables whose values stand in registers for a while."""

    @contextlib.contextmanager
    def known(self, values: Mapping[Place, str]) -> Iterator[None]:
        """Take variables' values from registers; nothing else writes these variables meanwhile."""
        before = self.registers
        self.registers = {**before, **values}
        try:
            yield
        finally:
            self.registers = before

    def expression(self, node: Expression) -> str:
        """Emit an expression; return its value as an operand."""
        maker: Callable[[Any, Builder], str] = _MAKERS[type(node)]
        return maker(node, self)

    def address(self, place: Place) -> str:
        """Emit the address of a place, with the checks of its indices."""
        pointer = self._root(place)
        for step in place.steps:
            offset = self._advance(step)
            pointer = self.emit.value(f"getelementptr inbounds i8, ptr {pointer}, i64 {offset}")
        return pointer

    def _advance(self, step: Step | DynamicStep) -> str:
        """Emit how much an index adds, with its check."""
        emit = self.emit
        index = self.expression(step.index)
        if isinstance(step, Step):
            offset = emit.value(f"sub i64 {index}, {step.lower}") if step.lower else index
            span, stride = str(step.upper - step.lower), str(step.stride)
        else:
            lower = self.expression(step.lower)
            offset = emit.value(f"sub i64 {index}, {lower}")
            span = emit.value(f"sub i64 {self.expression(step.upper)}, {lower}")
            stride = self.expression(step.stride)
        if step.site >= 0:
            outside = emit.value(f"icmp ugt i64 {offset}, {span}")
            emit.fault_if(outside, FaultKind.INDEX, step.site, index)
        if stride != "1":
            offset = emit.value(f"mul nuw nsw i64 {offset}, {stride}")
        return offset

    def _bit(self, place: Place) -> tuple[str, str]:
        """Emit the address of a bit's byte and, as an i8, its number there."""
        pointer, number = self.address(place), str(place.bit)
        for step in place.bit_steps:
            number = self.emit.value(f"add i64 {self._advance(step)}, {number}")
        return bit_at(self.emit, pointer, number) if place.bit_steps else (pointer, number)

    def _root(self, place: Place) -> str:
        if place.base is Base.REFERENCE:
            root = self._referred(place)
        elif place.base is Base.LOCAL:
            root = self.locals[place.local]
        else:
            root = "%base" if place.base is Base.STATE else "%self"
        if not place.offset:
            return root
        return self.emit.value(f"getelementptr inbounds i8, ptr {root}, i64 {place.offset}")

    def _referred(self, place: Place) -> str:
        """Emit the address that a reference holds; a VAR_IN_OUT of a function is one already."""
        pointer = place.pointer
        assert pointer is not None
        if pointer.base is Base.LOCAL and pointer.local in self.by_reference:
            return self.locals[pointer.local]
        offset = self.load(pointer)
        if place.site >= 0:
            null = self.emit.value(f"icmp eq i64 {offset}, 0")
            self.emit.fault_if(null, FaultKind.NULL_REFERENCE, place.site)
        return self.emit.value(f"getelementptr i8, ptr %base, i64 {offset}")

    def checked_call(self, routine: str, arguments: str, place: Span, *, on_instance: bool) -> None:
        """Emit the call of a routine at a place in the source; a fault in it is passed on."""
        status = self.emit.value(f'call {STATUS} @"{routine}"({arguments})')
        number = self.calls.get((place, routine), 0)
        self.emit.check_status(status, number, notes_instance=not on_instance)

    def slot(self, routine: Routine, number: int) -> str:
        """Reserve memory that takes the result or an output of a call."""
        data_type = routine.locals[number].type
        return self.emit.alloca(f"[{data_type.size} x i8]", data_type.alignment)

    def load(self, place: Place) -> str:
        """Emit the load of a scalar."""
        data_type = place.type
        assert isinstance(data_type, Elementary)
        if self.registers and place in self.registers:
            return self.registers[place]
        if isinstance(data_type, Text):
            return load_text(place, data_type, self)
        if place.bit >= 0:
            return load_bit(self.emit, *self._bit(place), self._alias(place))
        pointer = self.address(place)
        kind, tail = memory_type(data_type), f", align {data_type.alignment}"
        tail += self._alias(place)
        if data_type is BOOL:
            return self._load_bool(pointer, tail, place)
        return self.emit.value(f"load {kind}, ptr {pointer}{tail}")

    def _load_bool(self, pointer: str, tail: str, place: Place) -> str:
        """Emit the load of a BOOL; one that overlaps other variables may hold any byte."""
        if not place.owner:
            byte = self.emit.value(f"load i8, ptr {pointer}{tail}")
            return self.emit.value(f"icmp ne i8 {byte}, 0")
        byte = self.emit.value(f"load i8, ptr {pointer}{tail}, {BOOL_RANGE}")
        return self.emit.value(f"trunc i8 {byte} to i1")

    def store(self, place: Place, value: str, *, may_be_nan: bool = True) -> None:
        """Emit the store of a scalar of the place's type; a NaN is stored as the one NaN."""
        data_type = place.type
        assert isinstance(data_type, Elementary)
        if place.bit >= 0:
            store_bit(self.emit, *self._bit(place), value, self._alias(place))
            return
        pointer = self.address(place)
        if isinstance(data_type, Text):
            store_text(self.emit, pointer, data_type, value)
            return
        if data_type is BOOL:
            value = self.emit.value(f"zext i1 {value} to i8")
        tail = f", align {data_type.alignment}{self._alias(place)}"
        self.emit.effect(f"store {memory_type(data_type)} {value}, ptr {pointer}{tail}")
        if may_be_nan and data_type.kind is Kind.REAL and place.local not in self.single:
            mend_nan(self.emit, value, memory_type(data_type), f"ptr {pointer}{tail}")

    def store_real(self, place: Place, value: str) -> Stored:
        """Emit the store of a real that is mended, if it must be, by a test further on."""
        assert isinstance(place.type, Elementary)
        stored = Stored(memory_type(place.type), value, self.memory(place))
        self.emit.effect(f"store {stored.kind} {value}, {stored.memory}")
        return stored

    def memory(self, place: Place) -> str:
        """Emit the address of a scalar as the operand of a load or store."""
        assert isinstance(place.type, Elementary)
        tail = f", align {place.type.alignment}{self._alias(place)}"
        return f"ptr {self.address(place)}{tail}"

    def native(self, function: StandardFunction, result: Elementary, values: list[str]) -> str:
        """Emit the call of a native function on values of its parameters' types."""
        self.linked.natives[function.name] = function
        arguments = ", ".join(
            f"{word} {value}" for word, value in zip(native_words(function), values, strict=True)
        )
        if result.kind is Kind.REAL:
            return self.emit.value(f'call double @"function.{function.name}"({arguments})')
        value = self.emit.value(f'call i64 @"function.{function.name}"({arguments})')
        return convert(self.emit, value, LINT, result) if not result.is_time else value

    def _alias(self, place: Place) -> str:
        """Return what tells accesses apart; located variables overlap with each other alone."""
        is_located = place.base is Base.STATE and place.offset < self.located_end
        return self.emit.alias(LOCATED if is_located and not place.owner else place.owner)


def _constant(node: program.Constant, _: Builder) -> str:
    return constant_text(node.type, node.value)


def _load(node: program.Load, build: Builder) -> str:
    return build.load(node.place)


def _convert(node: program.Convert, build: Builder) -> str:
    return convert(build.emit, build.expression(node.operand), node.operand.type, node.type)


def _negate(node: program.Negate, build: Builder) -> str:
    operand, kind = build.expression(node.operand), value_type(node.type)
    if node.type.kind is Kind.REAL:
        return build.emit.value(f"fneg {kind} {operand}")
    return build.emit.value(f"sub {kind} 0, {operand}")


def _invert(node: program.Invert, build: Builder) -> str:
    operand = build.expression(node.operand)
    if node.type is BOOL:
        return bool_not(build.emit, operand)
    return build.emit.value(f"xor {value_type(node.type)} {operand}, -1")


_REAL: Final = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_WHOLE: Final = {"+": "add", "-": "sub", "*": "mul", "AND": "and", "OR": "or", "XOR": "xor"}
_REAL_TESTS: Final = {"=": "oeq", "<>": "une", "<": "olt", ">": "ogt", "<=": "ole", ">=": "oge"}
_WHOLE_TESTS: Final = {"<": "lt", ">": "gt", "<=": "le", ">=": "ge"}


def _operate(node: program.Operate, build: Builder) -> str:
    if is_text_equality(node):
        return text_equality(node, build)
    if node.type is BOOL and node.operator in {"AND", "OR"} and _is_worth_skipping(node.right):
        return _skipping(node.left, node.right, build, needs=node.operator == "AND")
    left, right = build.expression(node.left), build.expression(node.right)
    data_type, symbol = node.operand_type, node.operator
    kind = value_type(data_type)
    if data_type.kind is Kind.REAL:
        if symbol in _REAL_TESTS:
            return build.emit.value(f"fcmp {_REAL_TESTS[symbol]} {kind} {left}, {right}")
        return build.emit.value(f"{_REAL[symbol]} {kind} {left}, {right}")
    if symbol in {"=", "<>"}:
        test = "eq" if symbol == "=" else "ne"
        return build.emit.value(f"icmp {test} {kind} {left}, {right}")
    if symbol in _WHOLE_TESTS:
        sign = "s" if data_type.is_signed else "u"
        return build.emit.value(f"icmp {sign}{_WHOLE_TESTS[symbol]} {kind} {left}, {right}")
    if symbol in {"/", "MOD"}:
        return _divide(node, build, left, right)
    return build.emit.value(f"{_WHOLE[symbol]} {kind} {left}, {right}")


def _divide(node: program.Operate, build: Builder, left: str, right: str) -> str:
    """Emit a division that faults on zero and wraps for the most negative value by -1."""
    data_type, emit = node.operand_type, build.emit
    kind = value_type(data_type)
    if node.site >= 0:
        zero = emit.value(f"icmp eq {kind} {right}, 0")
        emit.fault_if(zero, FaultKind.ZERO_DIVISION, node.site)
    if not data_type.is_signed:
        operation = "udiv" if node.operator == "/" else "urem"
        return emit.value(f"{operation} {kind} {left}, {right}")
    operation = "sdiv" if node.operator == "/" else "srem"
    if isinstance(node.right, program.Constant) and node.right.value != -1:
        return emit.value(f"{operation} {kind} {left}, {right}")
    minus_one = emit.value(f"icmp eq {kind} {right}, -1")
    divisor = emit.value(f"select i1 {minus_one}, {kind} 1, {kind} {right}")
    result = emit.value(f"{operation} {kind} {left}, {divisor}")
    special = emit.value(f"sub {kind} 0, {left}") if node.operator == "/" else "0"
    return emit.value(f"select i1 {minus_one}, {kind} {special}, {kind} {result}")


def _is_worth_skipping(node: Expression) -> bool:
    """Whether AND and OR may leave their right side out where the left one decides, and gain by it.

    Nothing tells the difference where it neither faults nor calls a function. A comparison of reals
    is worth a jump, which is mostly foreseen; a BOOL is not.
    """
    compares_reals = False
    for item in parts_of(node):
        match item:
            case program.CallFunction() | program.CallText() | program.CallStandard():
                return False
            case Step(site=site) | Place(site=site) | program.Operate(site=site) if site >= 0:
                return False
            case DynamicStep() | program.Attempt() | program.ShortCircuit():
                return False
            case program.Operate(operator=operator, operand_type=operand_type):
                is_test = operator in _REAL_TESTS
                compares_reals |= is_test and operand_type.kind is Kind.REAL
    return compares_reals


def _short_circuit(node: program.ShortCircuit, build: Builder) -> str:
    return _skipping(node.left, node.right, build, needs=node.operator == "AND_THEN")


def _skipping(first: Expression, second: Expression, build: Builder, *, needs: bool) -> str:
    """Emit AND_THEN (the second is needed where the first holds) or OR_ELSE (where it does not)."""
    emit = build.emit
    result = emit.alloca("i1", 1)
    left = build.expression(first)
    emit.effect(f"store i1 {left}, ptr {result}, align 1")
    more, done = emit.label("more"), emit.label("done")
    if needs:
        emit.branch(left, more, done)
    else:
        emit.branch(left, done, more)
    emit.start(more)
    right = build.expression(second)
    emit.effect(f"store i1 {right}, ptr {result}, align 1")
    emit.jump(done)
    emit.start(done)
    return emit.value(f"load i1, ptr {result}, align 1")


def _call_standard(node: program.CallStandard, build: Builder) -> str:
    values = [build.expression(item) for item in node.arguments]
    if node.function.native:
        return build.native(node.function, node.type, values)
    if node.function.name == "TRUNC":  # its argument keeps its own real type
        values = [convert(build.emit, values[0], node.arguments[0].type, LREAL)]
    return EMISSIONS[node.function.name](build.emit, node.type, values)


def _address_of(node: program.AddressOf, build: Builder) -> str:
    """Emit a reference: how far behind the state's begin the place stands."""
    emit = build.emit
    address = emit.value(f"ptrtoint ptr {build.address(node.place)} to i64")
    base = emit.value("ptrtoint ptr %base to i64")
    return emit.value(f"sub i64 {address}, {base}")


def _attempt(node: program.Attempt, build: Builder) -> str:
    """Emit a comparison of the class's number; offset 0 can be read, it is the scan's context."""
    emit = build.emit
    offset = build.expression(node.operand)
    pointer = emit.value(f"getelementptr i8, ptr %base, i64 {offset}")
    number = emit.value(f"load i32, ptr {pointer}, align 1")
    fits = "false"
    for wanted in node.classes:
        same = emit.value(f"icmp eq i32 {number}, {wanted}")
        fits = emit.value(f"or i1 {fits}, {same}")
    there = emit.value(f"icmp ne i64 {offset}, 0")
    bound = emit.value(f"and i1 {fits}, {there}")
    return emit.value(f"select i1 {bound}, i64 {offset}, i64 0")


def _argument(node: Expression, build: Builder, taker: Local) -> str:
    if taker.by_reference or not isinstance(taker.type, Elementary):
        assert isinstance(node, program.AddressOf)
        return f"ptr {unpacked(build.emit, Whole(build.address(node.place), node.place.type))}"
    return f"{value_type(taker.type)} {build.expression(node)}"


def _call_function(node: program.CallFunction, build: Builder) -> str:
    """Emit a call: the arguments, then pointers that take the result and every output."""
    emit, routine = build.emit, build.routines[_some_routine(node, build)]
    operands = ["ptr %base"]
    instance = build.address(node.instance) if node.instance is not None else ""
    if instance:
        operands.append(f"ptr {instance}")
    for item, taker in zip(node.arguments, routine.locals, strict=False):
        operands.append(_argument(item, build, taker))
    slots = {number: build.slot(routine, number) for number in routine.given()}
    operands += [f"ptr {slot}" for slot in slots.values()]
    arguments = ", ".join(operands)
    if node.targets:
        _dispatch(node, instance, arguments, build)
    else:
        build.checked_call(node.routine, arguments, node.span, on_instance=bool(instance))
    for number, place in node.outputs:
        if isinstance(place.type, Elementary):
            value = load_slot(emit, place.type, slots[number])
            build.store(place, bool_not(emit, value) if number in node.inverted else value)
        else:
            given = Whole(slots[number], routine.locals[number].type)
            copy_whole(emit, Whole(build.address(place), place.type), given)
    result = routine.locals[routine.result].type if routine.result >= 0 else None
    if not isinstance(result, Elementary):
        return "false"
    return load_slot(emit, result, slots[routine.result])


def _some_routine(node: program.CallFunction, build: Builder) -> str:
    """Return a routine with the call's parameters; an abstract method has no body itself."""
    return node.targets[0][1] if node.routine not in build.routines else node.routine


def _dispatch(node: program.CallFunction, instance: str, arguments: str, build: Builder) -> None:
    """Emit a switch over the class of the instance, with a call of its method in each arm."""
    emit = build.emit
    number = emit.value(f"load i32, ptr {instance}, align 4")
    known = "false"
    for class_number, _ in node.targets:
        same = emit.value(f"icmp eq i32 {number}, {class_number}")
        known = emit.value(f"or i1 {known}, {same}")
    emit.fault_if(bool_not(emit, known), FaultKind.NULL_REFERENCE, node.site)
    arms = [(class_number, emit.label("class"), key) for class_number, key in node.targets]
    done = emit.label("called")
    rows = " ".join(f"i32 {class_number}, label %{label}" for class_number, label, _ in arms)
    emit.effect(f"switch i32 {number}, label %{arms[0][1]} [{rows}]")
    for _, label, key in arms:
        emit.start(label)
        build.checked_call(key, arguments, node.span, on_instance=True)
        emit.jump(done)
    emit.start(done)


def load_slot(emit: Emitter, data_type: Elementary, slot: str) -> str:
    """Emit the load of a scalar from memory of the call."""
    if isinstance(data_type, Text):
        return slot
    kind = memory_type(data_type)
    value = emit.value(f"load {kind}, ptr {slot}, align {data_type.alignment}")
    return emit.value(f"trunc i8 {value} to i1") if data_type is BOOL else value


_MAKERS: Final[dict[type, Callable[[Any, Builder], str]]] = {
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
