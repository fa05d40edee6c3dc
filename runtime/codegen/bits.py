"""Single bits as LLVM: those of bytes at addresses and of bit strings."""

from runtime.codegen.emitter import Emitter


def bit_at(emit: Emitter, pointer: str, number: str) -> tuple[str, str]:
    """Emit the place of a bit that is counted (i64) from a byte on: its byte, its number there."""
    byte = emit.value(f"lshr i64 {number}, 3")
    low = emit.value(f"and i64 {number}, 7")
    place = emit.value(f"getelementptr inbounds i8, ptr {pointer}, i64 {byte}")
    return place, emit.value(f"trunc i64 {low} to i8")


def load_bit(emit: Emitter, pointer: str, bit: str, tag: str = "") -> str:
    """Emit the load of a bit as an i1; `tag` is the alias metadata of its byte."""
    byte = emit.value(f"load i8, ptr {pointer}, align 1{tag}")
    shifted = emit.value(f"lshr i8 {byte}, {bit}") if bit != "0" else byte
    return emit.value(f"trunc i8 {shifted} to i1")


def store_bit(emit: Emitter, pointer: str, bit: str, value: str, tag: str = "") -> None:
    """Emit the store of an i1 as a bit; the others of its byte stay."""
    byte = emit.value(f"load i8, ptr {pointer}, align 1{tag}")
    if bit.isdigit():
        rest = str(~(1 << int(bit)) & 0xFF)
    else:
        mask = emit.value(f"shl i8 1, {bit}")
        rest = emit.value(f"xor i8 {mask}, -1")
    cleared = emit.value(f"and i8 {byte}, {rest}")
    wide = emit.value(f"zext i1 {value} to i8")
    moved = emit.value(f"shl i8 {wide}, {bit}") if bit != "0" else wide
    joined = emit.value(f"or i8 {cleared}, {moved}")
    emit.effect(f"store i8 {joined}, ptr {pointer}, align 1{tag}")
