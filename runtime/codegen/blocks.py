"""Blocks written in Python: numba compiles their body over the instance's record, once and for all.

def on_delay(timer, now): …          # stdlib/timers.py
-> define void @block.TON(ptr %instance, i64 %now)
"""

from typing import Any

from runtime.datatypes.derived import Structure
from runtime.datatypes.elementary import Elementary, Kind
from runtime.engine.native import Signature, exported_ir
from runtime.stdlib.declare import StandardBlock

_FORMATS = {
    Kind.BOOL: "?",
    Kind.SIGNED: "i",
    Kind.UNSIGNED: "u",
    Kind.BITS: "u",
    Kind.REAL: "f",
    Kind.DURATION: "i",
}


def block_ir(block: StandardBlock, structure: Structure) -> str:
    """Return LLVM text that defines `block.NAME(ptr instance, i64 now)`."""
    return exported_ir(
        block.body,
        Signature("void", ("ptr", "i64")),
        f"block.{block.name}",
        record=_record_format(structure),
    )


def _record_format(structure: Structure) -> dict[str, Any]:
    """Return the layout of an instance as NumPy describes it; numba reads members by it."""
    formats = []
    for item in structure.fields:
        assert isinstance(item.type, Elementary)
        letter = _FORMATS[item.type.kind]
        formats.append(letter if letter == "?" else f"<{letter}{item.type.size}")
    return {
        "names": [item.name for item in structure.fields],
        "formats": formats,
        "offsets": [item.offset for item in structure.fields],
        "itemsize": structure.size,
    }
