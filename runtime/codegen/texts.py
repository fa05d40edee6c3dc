"""Strings as LLVM: a value is a pointer to a length (i32) and code units.

It points into a variable, to a constant, or to memory of the call that a function's result takes.
Lengths never exceed the capacity, except where a place overlaps others: such a text is copied, and
its length bounded, when it is loaded.
"""

from typing import TYPE_CHECKING

from runtime.codegen.emitter import Emitter
from runtime.datatypes.texts import HEADER_BYTES, Text, text_image
from runtime.model import program
from runtime.model.program import Place

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
    copy = _reserve(build.emit, data_type)
    store_text(build.emit, copy, data_type, pointer)
    return copy


def store_text(emit: Emitter, target: str, data_type: Text, source: str) -> None:
    """Emit the assignment of a string; what does not fit is cut."""
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


def call_text(node: program.CallText, build: "Builder") -> str:
    """Emit the call of a function of strings."""
    emit = build.emit
    symbol = build.linked.text_function(node)
    operands: list[str] = []
    for item, parameter in zip(node.arguments, node.function.parameters, strict=True):
        value = build.expression(item)
        if isinstance(item.type, Text):
            length = emit.value(f"load i32, ptr {value}, align 4")
            wide = emit.value(f"zext i32 {length} to i64")
            operands += [f"ptr {_units(emit, value)}", f"i64 {wide}"]
        else:
            operands.append(f"{'double' if parameter.type == 'LREAL' else 'i64'} {value}")
    if not isinstance(node.type, Text):
        kind = "double" if node.function.result == "LREAL" else "i64"
        return emit.value(f'call {kind} @"{symbol}"({", ".join(operands)})')
    result = _reserve(emit, node.type)
    operands[:0] = [f"ptr {_units(emit, result)}", f"i64 {node.type.capacity}"]
    length = emit.value(f'call i64 @"{symbol}"({", ".join(operands)})')
    narrow = emit.value(f"trunc i64 {length} to i32")
    emit.effect(f"store i32 {narrow}, ptr {result}, align 4")
    return result


def _units(emit: Emitter, text: str) -> str:
    return emit.value(f"getelementptr inbounds i8, ptr {text}, i64 {HEADER_BYTES}")


def _reserve(emit: Emitter, data_type: Text) -> str:
    return emit.alloca(f"[{data_type.size} x i8]", data_type.alignment)
