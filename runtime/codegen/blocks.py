"""Blocks written in Python: numba compiles their body over the instance's record, once and for all.

def on_delay(timer, now): …          # stdlib/timers.py
-> define void @block.TON(ptr %instance, i64 %now)
"""

from typing import Any

from runtime.datatypes.derived import Structure
from runtime.datatypes.elementary import ELEMENTARY, Elementary, Kind
from runtime.engine.native import Signature, exported_ir
from runtime.stdlib.declare import StandardBlock, StandardFunction

_FORMATS = {
    Kind.BOOL: "?",
    Kind.SIGNED: "i",
    Kind.UNSIGNED: "u",
    Kind.BITS: "u",
    Kind.REAL: "f",
    Kind.DURATION: "i",
    Kind.DATE: "i",
    Kind.CHARACTER: "u",
    Kind.TIME_OF_DAY: "i",
    Kind.DATE_AND_TIME: "i",
}


def block_ir(block: StandardBlock, structure: Structure) -> str:
    """Return LLVM text that defines `block.NAME(ptr instance, i64 now)`."""
    return exported_ir(
        block.body,
        Signature("void", ("ptr", "i64")),
        f"block.{block.name}",
        record=_record_format(structure),
    )


def function_ir(function: StandardFunction) -> str:
    """Return LLVM text that defines `function.NAME` over whole numbers of 64 bits and LREAL."""
    words = tuple("f64" if word == "double" else word for word in native_words(function))
    result = "f64" if function.result == "LREAL" else "i64"
    return exported_ir(function.body, Signature(result, words), f"function.{function.name}")


def native_words(function: StandardFunction) -> list[str]:
    """Return LLVM's types of a native function's parameters."""
    kinds = (ELEMENTARY[item.type].kind for item in function.parameters)
    return ["double" if kind is Kind.REAL else "i64" for kind in kinds]


def _record_format(structure: Structure) -> dict[str, Any]:
    """Return the layout of an instance as NumPy describes it; numba reads members by it.

    Unsigned values of 64 bits are seen as their bits: numba makes reals of their arithmetic.
    """
    formats = []
    for item in structure.fields:
        assert isinstance(item.type, Elementary)
        letter = "i" if item.type.name in {"ULINT", "LWORD"} else _FORMATS[item.type.kind]
        formats.append(letter if letter == "?" else f"<{letter}{item.type.size}")
    return {
        "names": [item.name for item in structure.fields],
        "formats": formats,
        "offsets": [item.offset for item in structure.fields],
        "itemsize": structure.size,
    }
