"""Strings as LLVM: a value is a pointer to a length (i32) and code units.

It points into a variable, to a constant, or to memory of the call that a function's result takes.
Lengths never exceed the capacity, except where a place overlaps others: such a text is copied, and
its length bounded, when it is loaded. So is one at an address, which is bare: there it gets a
length, and loses it when it is stored.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.codegen.emitter import Emitter
from runtime.codegen.intrinsics import bool_not
from runtime.datatypes.texts import HEADER_BYTES, Text, text_image, units_of
from runtime.model import program
from runtime.model.program import Place
from runtime.model.writes import parts_of
from runtime.stdlib.text import ORDER

if TYPE_CHECKING:
    from runtime.codegen.expressions import Builder


def text_constant(node: program.TextConstant, build: "Builder") -> str:
    """Emit a constant string."""
    return build.linked.literal(text_image(node.type, node.value))


def load_text(place: Place, data_type: Text, build: "Builder") -> str:
    """Emit the address of a string variable."""
    pointer = build.address(place)
    if place.owner:
        return pointer
    copy = _reserve(build.emit, data_type.plain)
    if data_type.is_bare:
        _store_view(build.emit, copy, data_type.plain, _bare_view(build.emit, pointer, data_type))
    else:
        store_text(build.emit, copy, data_type, pointer)
    return copy


def _bare_view(emit: Emitter, pointer: str, data_type: Text) -> "View":
    limit = data_type.capacity
    return View(pointer, emit.value(f"call i64 @strnlen(ptr {pointer}, i64 {limit})"))


def store_text(emit: Emitter, target: str, data_type: Text, source: str) -> None:
    """Emit the assignment of a string; what does not fit is cut."""
    if data_type.is_bare:
        _store_view(emit, target, data_type, _view_at(emit, source))
        return
    length = emit.value(f"load i32, ptr {source}, align 4")
    limit = data_type.capacity
    fitting = emit.value(f"call i32 @llvm.umin.i32(i32 {length}, i32 {limit})")
    units = emit.value(f"zext i32 {fitting} to i64")
    size = emit.value(f"mul i64 {units}, {data_type.unit}") if data_type.unit > 1 else units
    emit.effect(
        f"call void @llvm.memmove.p0.p0.i64(ptr {_units(emit, target)}, "
        f"ptr {_units(emit, source)}, i64 {size}, i1 false)"
    )
    emit.effect(f"store i32 {fitting}, ptr {target}, align 4")


@dataclass(frozen=True, slots=True)
class View:
    """The units of a string in place: where they begin, and how many there are (i64)."""

    units: str
    length: str


def view(node: program.Expression, build: "Builder") -> View:
    """Emit a string as a view; a slice of another string is not copied."""
    emit = build.emit
    if isinstance(node, program.TextConstant):
        units = _units(emit, build.expression(node))
        return View(units, str(len(units_of(node.value, node.type.name)) // node.type.unit))
    if isinstance(node, program.CallText) and node.function.name in _SLICES and _is_calm(node):
        return _slice(node, build)
    return _view_at(emit, build.expression(node))


def _view_at(emit: Emitter, pointer: str) -> View:
    length = emit.value(f"load i32, ptr {pointer}, align 4")
    return View(_units(emit, pointer), emit.value(f"zext i32 {length} to i64"))


_SLICES: Final = frozenset({"LEFT", "RIGHT", "MID"})


def _slice(node: program.CallText, build: "Builder") -> View:
    """Emit LEFT, RIGHT or MID: what lies outside of the string is cut off."""
    emit, text = build.emit, view(node.arguments[0], build)
    wanted, *place = (build.expression(item) for item in node.arguments[1:])
    if node.function.name == "LEFT":
        return View(text.units, _within(emit, wanted, text.length))
    if node.function.name == "RIGHT":
        count = _within(emit, wanted, text.length)
        start = emit.value(f"sub i64 {text.length}, {count}")
    else:
        start = _within(emit, emit.value(f"sub i64 {place[0]}, 1"), text.length)
        count = _within(emit, wanted, emit.value(f"sub i64 {text.length}, {start}"))
    return View(_moved(emit, text.units, start, _text_type(node.arguments[0])), count)


def _within(emit: Emitter, number: str, limit: str) -> str:
    """Emit a number moved into 0 … limit."""
    above = emit.value(f"call i64 @llvm.smax.i64(i64 {number}, i64 0)")
    return emit.value(f"call i64 @llvm.smin.i64(i64 {above}, i64 {limit})")


def _moved(emit: Emitter, units: str, count: str, data_type: Text) -> str:
    step = _bytes(emit, count, data_type)
    return emit.value(f"getelementptr inbounds i8, ptr {units}, i64 {step}")


def _bytes(emit: Emitter, count: str, data_type: Text) -> str:
    return emit.value(f"mul i64 {count}, {data_type.unit}") if data_type.unit > 1 else count


def _text_type(node: program.Expression) -> Text:
    assert isinstance(node.type, Text)
    return node.type


def _is_calm(node: object) -> bool:
    """Whether no user's function is called inside, which might write what a view shows."""
    return not any(isinstance(item, program.CallFunction) for item in parts_of(node))


def call_text(node: program.CallText, build: "Builder") -> str:
    """Emit the call of a function of strings."""
    if not isinstance(node.type, Text):
        return _call(node, build, [])
    if node.function.name == "CONCAT":
        pieces = _pieces(node, build)
        result = _reserve(build.emit, node.type)
        _join(build.emit, result, node.type, node.type.capacity, pieces)
        return result
    result = _reserve(build.emit, node.type)
    _call_into(node, build, result, node.type.capacity)
    return result


def _call(node: program.CallText, build: "Builder", operands: list[str]) -> str:
    """Emit the call of a function in Python, on views of its strings."""
    emit = build.emit
    symbol = build.linked.text_function(node)
    for item, parameter in zip(node.arguments, node.function.parameters, strict=True):
        if isinstance(item.type, Text):
            text = view(item, build)
            operands += [f"ptr {text.units}", f"i64 {text.length}"]
        else:
            value = build.expression(item)
            operands.append(f"{'double' if parameter.type == 'LREAL' else 'i64'} {value}")
    kind = "double" if node.function.result == "LREAL" else "i64"
    return emit.value(f'call {kind} @"{symbol}"({", ".join(operands)})')


def _call_into(node: program.CallText, build: "Builder", result: str, room: int) -> None:
    """Emit a call whose text goes to `result`."""
    emit = build.emit
    length = _call(node, build, [f"ptr {_units(emit, result)}", f"i64 {room}"])
    narrow = emit.value(f"trunc i64 {length} to i32")
    emit.effect(f"store i32 {narrow}, ptr {result}, align 4")


def _pieces(node: program.Expression, build: "Builder") -> list[View]:
    """Emit the strings that CONCAT joins, those of CONCATs inside it in their places."""
    if isinstance(node, program.CallText) and node.function.name == "CONCAT" and _is_calm(node):
        return [piece for item in node.arguments for piece in _pieces(item, build)]
    return [view(node, build)]


def _join(
    emit: Emitter, target: str, data_type: Text, room: int, pieces: list[View], at: str = "0"
) -> None:
    """Emit strings one after another into a text, from a length on; what does not fit is cut."""
    units = _units(emit, target)
    for piece in pieces:
        left = emit.value(f"sub i64 {room}, {at}")
        count = emit.value(f"call i64 @llvm.umin.i64(i64 {piece.length}, i64 {left})")
        place, size = _moved(emit, units, at, data_type), _bytes(emit, count, data_type)
        emit.effect(
            f"call void @llvm.memcpy.p0.p0.i64(ptr {place}, ptr {piece.units}, i64 {size}, "
            "i1 false)"
        )
        at = emit.value(f"add i64 {at}, {count}")
    length = emit.value(f"trunc i64 {at} to i32")
    emit.effect(f"store i32 {length}, ptr {target}, align 4")


_DIRECT: Final = frozenset({"INSERT", "DELETE", "REPLACE"})
"""Functions that write the units of their result and no others, so that a variable may take it."""


def assign_text(node: program.Assign, build: "Builder") -> None:
    """Emit the assignment of a string.

    What a function makes goes straight to the variable, where the function does not read it.
    """
    target, value = node.target, node.value
    data_type = _text_type_of(target)
    if isinstance(value, program.CallText) and target.owner and _is_calm((value, target)):
        if value.function.name == "CONCAT":
            parts = _concatenated(value)
            rest = parts[1:] if _is_load(parts[0], target) else parts
            if _reads_none_of(rest, target):
                _assign_joined(parts, target, build)
                return
        elif value.function.name in _DIRECT and _reads_none_of(value, target):
            room = min(_text_type(value).capacity, data_type.capacity)
            _call_into(value, build, build.address(target), room)
            return
    text = view(value, build)
    _store_view(build.emit, build.address(target), data_type, text)


def _text_type_of(place: Place) -> Text:
    assert isinstance(place.type, Text)
    return place.type


def _concatenated(node: program.Expression) -> list[program.Expression]:
    if isinstance(node, program.CallText) and node.function.name == "CONCAT":
        return [part for item in node.arguments for part in _concatenated(item)]
    return [node]


def _is_load(node: program.Expression, place: Place) -> bool:
    return isinstance(node, program.Load) and node.place == place


def _reads_none_of(nodes: object, target: Place) -> bool:
    """Whether expressions read nothing that may overlap a place."""
    places = [item.place for item in parts_of(_tupled(nodes)) if isinstance(item, program.Load)]
    return all(
        place.owner and place.owner != target.owner
        for place in places
        if isinstance(place.type, Text)
    )


def _tupled(nodes: object) -> object:
    return tuple(nodes) if isinstance(nodes, list) else nodes


def _assign_joined(parts: list[program.Expression], target: Place, build: "Builder") -> None:
    """Emit the joining of strings in a variable; one that leads with its own text grows."""
    emit, data_type, at = build.emit, _text_type_of(target), "0"
    is_longer = _is_load(parts[0], target)
    pieces = [view(item, build) for item in (parts[1:] if is_longer else parts)]
    pointer = build.address(target)
    if is_longer:
        at = emit.value(f"zext i32 {emit.value(f'load i32, ptr {pointer}, align 4')} to i64")
    _join(emit, pointer, data_type, data_type.capacity, pieces, at)


def _store_view(emit: Emitter, target: str, data_type: Text, text: View) -> None:
    limit = data_type.capacity
    count = emit.value(f"call i64 @llvm.umin.i64(i64 {text.length}, i64 {limit})")
    size = _bytes(emit, count, data_type)
    units = target if data_type.is_bare else _units(emit, target)
    emit.effect(
        f"call void @llvm.memmove.p0.p0.i64(ptr {units}, ptr {text.units}, i64 {size}, i1 false)"
    )
    if data_type.is_bare:
        rest, left = _moved(emit, units, count, data_type), emit.value(f"sub i64 {limit}, {count}")
        emit.effect(f"call void @llvm.memset.p0.i64(ptr {rest}, i8 0, i64 {left}, i1 false)")
        return
    length = emit.value(f"trunc i64 {count} to i32")
    emit.effect(f"store i32 {length}, ptr {target}, align 4")


def is_text_equality(node: program.Operate) -> bool:
    """Whether a comparison asks if two strings are the same."""
    return (
        node.operator in {"=", "<>"}
        and isinstance(node.left, program.CallText)
        and node.left.function is ORDER
        and _is_calm(node)
    )


def text_equality(node: program.Operate, build: "Builder") -> str:
    """Emit a comparison of two strings for equality: their lengths, then their bytes."""
    assert isinstance(node.left, program.CallText)
    emit, (first, second) = build.emit, node.left.arguments
    left, right = view(first, build), view(second, build)
    known = left.length if isinstance(first, program.TextConstant) else right.length
    result = emit.alloca("i1", 1)
    alike, done = emit.label("alike"), emit.label("compared")
    same = emit.value(f"icmp eq i64 {left.length}, {right.length}")
    emit.effect(f"store i1 {same}, ptr {result}, align 1")
    emit.branch(same, alike, done)
    emit.start(alike)
    size = _bytes(emit, known, _text_type(first))
    order = emit.value(f"call i32 @bcmp(ptr {left.units}, ptr {right.units}, i64 {size})")
    equal = emit.value(f"icmp eq i32 {order}, 0")
    emit.effect(f"store i1 {equal}, ptr {result}, align 1")
    emit.jump(done)
    emit.start(done)
    value = emit.value(f"load i1, ptr {result}, align 1")
    return bool_not(emit, value) if node.operator == "<>" else value


def _units(emit: Emitter, text: str) -> str:
    return emit.value(f"getelementptr inbounds i8, ptr {text}, i64 {HEADER_BYTES}")


def _reserve(emit: Emitter, data_type: Text) -> str:
    return emit.alloca(f"[{data_type.size} x i8]", data_type.alignment)
