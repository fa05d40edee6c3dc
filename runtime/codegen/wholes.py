"""Whole arrays and structures as LLVM: copies, between packed arrays of BOOL and others too."""

from dataclasses import dataclass, replace

from runtime.codegen.bits import bit_at, load_bit, store_bit
from runtime.codegen.emitter import Emitter
from runtime.datatypes.derived import Array, DataType


@dataclass(frozen=True, slots=True)
class Whole:
    """An array or structure: where it stands, and how."""

    pointer: str
    type: DataType

    @property
    def packed(self) -> Array | None:
        """Its type, if its elements are single bits."""
        return self.type if isinstance(self.type, Array) and self.type.is_packed else None


def copy_whole(emit: Emitter, target: Whole, source: Whole, *, backwards: bool = False) -> None:
    """Emit the copy of a whole array or structure, perhaps onto itself.

    Args:
        emit: Where the text goes.
        target: What is written.
        source: What is read.
        backwards: Whether the last bit is copied first: where the target begins inside the source.
    """
    if target.packed is not None or source.packed is not None:
        _each(emit, target, source, backwards=backwards)
    else:
        copy_bytes(emit, target.pointer, source.pointer, source.type.size)


def copy_bytes(emit: Emitter, target: str, source: str, size: int) -> None:
    """Emit the copy of bytes, perhaps onto themselves."""
    emit.effect(
        f"call void @llvm.memmove.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)"
    )


def unpacked(emit: Emitter, source: Whole) -> str:
    """Emit the address of an array or structure as variables lie; a packed one is copied."""
    packed = source.packed
    if packed is None:
        return source.pointer
    copy = Whole(emit.alloca(f"[{packed.count} x i8]", 1), replace(packed, first_bit=-1))
    _each(emit, copy, source, backwards=False)
    return copy.pointer


def _each(emit: Emitter, target: Whole, source: Whole, *, backwards: bool) -> None:
    """Emit a loop that copies the elements of an array of BOOL one by one.

    Backwards its number goes below 0 at last, which is above every count without a sign.
    """
    assert isinstance(source.type, Array)
    counter = emit.alloca("i64", 8)
    head, body, done = emit.label("elements"), emit.label("element"), emit.label("copied")
    first = source.type.count - 1 if backwards else 0
    emit.effect(f"store i64 {first}, ptr {counter}, align 8")
    emit.jump(head)
    emit.start(head)
    number = emit.value(f"load i64, ptr {counter}, align 8")
    emit.branch(emit.value(f"icmp ult i64 {number}, {source.type.count}"), body, done)
    emit.start(body)
    value = load_bit(emit, *_element(emit, source, number))
    if target.packed is not None:
        store_bit(emit, *_element(emit, target, number), value)
    else:
        wide = emit.value(f"zext i1 {value} to i8")
        emit.effect(f"store i8 {wide}, ptr {_element(emit, target, number)[0]}, align 1")
    after = emit.value(f"add i64 {number}, {-1 if backwards else 1}")
    emit.effect(f"store i64 {after}, ptr {counter}, align 8")
    emit.jump(head)
    emit.start(done)


def _element(emit: Emitter, whole: Whole, number: str) -> tuple[str, str]:
    """Emit the place of an element: its byte, and the bit there."""
    if whole.packed is None:
        pointer = emit.value(f"getelementptr inbounds i8, ptr {whole.pointer}, i64 {number}")
        return pointer, "0"
    from_byte = emit.value(f"add i64 {number}, {whole.packed.first_bit}")
    return bit_at(emit, whole.pointer, from_byte)
