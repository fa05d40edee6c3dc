"""Standard functions as LLVM; a test compares each with its Python body over edge values.

Functions of the C library are called with `nobuiltin`, so that LLVM neither replaces them (x**2 by
x*x) nor folds them with another library: both engines call the same code.
"""

from collections.abc import Callable
from typing import Final

from runtime.codegen.conversions import from_double, saturate, to_double
from runtime.codegen.emitter import Emitter, value_type
from runtime.datatypes.elementary import BOOL, Elementary, Kind

Emission = Callable[[Emitter, Elementary, list[str]], str]
"""Emits a function: the result's type, the arguments' registers; returns the result's register."""


def _absolute(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    kind = value_type(data_type)
    if data_type.kind is Kind.REAL:
        bits = "f32" if kind == "float" else "f64"
        return emit.value(f"call {kind} @llvm.fabs.{bits}({kind} {values[0]})")
    if not data_type.is_signed:
        return values[0]
    return emit.value(f"call {kind} @llvm.abs.{kind}({kind} {values[0]}, i1 false)")


def _square_root(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    wide = to_double(emit, values[0], data_type)
    return from_double(emit, emit.value(f"call double @llvm.sqrt.f64(double {wide})"), data_type)


def _library(name: str) -> Emission:
    def emission(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
        wide = to_double(emit, values[0], data_type)
        result = emit.value(f"call double @{name}(double {wide}) nobuiltin")
        return from_double(emit, result, data_type)

    return emission


def _power(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    base = to_double(emit, values[0], data_type)
    result = emit.value(f"call double @pow(double {base}, double {values[1]}) nobuiltin")
    return from_double(emit, result, data_type)


def _direction(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    y, x = (to_double(emit, value, data_type) for value in values)
    result = emit.value(f"call double @atan2(double {y}, double {x}) nobuiltin")
    return from_double(emit, result, data_type)


def _truncate(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    return saturate(emit, values[0], data_type)


def _shift(operation: str) -> Emission:
    def emission(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
        kind = value_type(data_type)
        fits = emit.value(f"icmp ult i64 {values[1]}, {data_type.bits}")
        count = _narrow_count(emit, data_type, values[1])
        safe = emit.value(f"select i1 {fits}, {kind} {count}, {kind} 0")
        shifted = emit.value(f"{operation} {kind} {values[0]}, {safe}")
        return emit.value(f"select i1 {fits}, {kind} {shifted}, {kind} 0")

    return emission


def _narrow_count(emit: Emitter, data_type: Elementary, count: str) -> str:
    if data_type.bits == 64:  # noqa: PLR2004
        return count
    return emit.value(f"trunc i64 {count} to {value_type(data_type)}")


def _rotate(operation: str) -> Emission:
    def emission(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
        kind = value_type(data_type)
        turn = emit.value(f"urem i64 {values[1]}, {data_type.bits}")
        count = _narrow_count(emit, data_type, turn)
        return emit.value(
            f"call {kind} @llvm.{operation}.{kind}({kind} {values[0]}, {kind} {values[0]}, "
            f"{kind} {count})"
        )

    return emission


def less(emit: Emitter, data_type: Elementary, left: str, right: str) -> str:
    """Emit left < right."""
    if data_type.kind is Kind.REAL:
        return emit.value(f"fcmp olt {value_type(data_type)} {left}, {right}")
    sign = "s" if data_type.is_signed else "u"
    return emit.value(f"icmp {sign}lt {value_type(data_type)} {left}, {right}")


def _keep(emit: Emitter, data_type: Elementary, condition: str, value: str, other: str) -> str:
    kind = value_type(data_type)
    return emit.value(f"select i1 {condition}, {kind} {value}, {kind} {other}")


def _minimum(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    least = values[0]
    for value in values[1:]:
        least = _keep(emit, data_type, less(emit, data_type, value, least), value, least)
    return least


def _maximum(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    greatest = values[0]
    for value in values[1:]:
        above = less(emit, data_type, greatest, value)
        greatest = _keep(emit, data_type, above, value, greatest)
    return greatest


def _limit(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    low, value, high = values
    raised = _maximum(emit, data_type, [value, low])
    return _minimum(emit, data_type, [raised, high])


def _select(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    return _keep(emit, data_type, values[0], values[2], values[1])


def _reversed_bytes(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    kind = value_type(data_type)
    if data_type.size == 1:
        return values[0]
    return emit.value(f"call {kind} @llvm.bswap.{kind}({kind} {values[0]})")


def _multiplex(emit: Emitter, data_type: Elementary, values: list[str]) -> str:
    number, chosen, *others = values
    for place, value in enumerate(others, 1):
        reached = emit.value(f"icmp sge i64 {number}, {place}")
        chosen = _keep(emit, data_type, reached, value, chosen)
    return chosen


def _move(_emit: Emitter, _data_type: Elementary, values: list[str]) -> str:
    return values[0]


EMISSIONS: Final[dict[str, Emission]] = {
    "ABS": _absolute,
    "SQRT": _square_root,
    "LN": _library("log"),
    "LOG": _library("log10"),
    "EXP": _library("exp"),
    "SIN": _library("sin"),
    "COS": _library("cos"),
    "TAN": _library("tan"),
    "ASIN": _library("asin"),
    "ACOS": _library("acos"),
    "ATAN": _library("atan"),
    "ATAN2": _direction,
    "EXPT": _power,
    "TRUNC": _truncate,
    "SHL": _shift("shl"),
    "SHR": _shift("lshr"),
    "ROL": _rotate("fshl"),
    "ROR": _rotate("fshr"),
    "TO_BIG_ENDIAN": _reversed_bytes,
    "FROM_BIG_ENDIAN": _reversed_bytes,
    "TO_LITTLE_ENDIAN": _move,
    "FROM_LITTLE_ENDIAN": _move,
    "MOVE": _move,
    "SEL": _select,
    "MUX": _multiplex,
    "MIN": _minimum,
    "MAX": _maximum,
    "LIMIT": _limit,
}

_LIBRARY: Final = ("log", "log10", "exp", "sin", "cos", "tan", "asin", "acos", "atan")


def declarations() -> list[str]:
    """Return the declarations that emitted functions and conversions need."""
    pure = "nounwind willreturn memory(none)"
    lines = [f"declare double @{name}(double) {pure}" for name in _LIBRARY]
    lines += [f"declare double @{name}(double, double) {pure}" for name in ("pow", "atan2")]
    lines += [f"declare double @llvm.{name}.f64(double)" for name in ("sqrt", "fabs", "roundeven")]
    lines.append("declare float @llvm.fabs.f32(float)")
    for kind in ("i8", "i16", "i32", "i64"):
        lines.append(f"declare {kind} @llvm.abs.{kind}({kind}, i1)")
        lines += [f"declare {kind} @llvm.fpto{sign}i.sat.{kind}.f64(double)" for sign in ("s", "u")]
        lines += [
            f"declare {kind} @llvm.{name}.{kind}({kind}, {kind}, {kind})"
            for name in ("fshl", "fshr")
        ]
        lines += [
            f"declare {{{kind}, i1}} @llvm.{sign}add.with.overflow.{kind}({kind}, {kind})"
            for sign in ("s", "u")
        ]
    lines.append("declare {i64, i1} @llvm.usub.with.overflow.i64(i64, i64)")
    lines += [f"declare {kind} @llvm.bswap.{kind}({kind})" for kind in ("i16", "i32", "i64")]
    lines.append("declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)")
    lines.append("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    lines.append("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    lines.append("declare i64 @strnlen(ptr nocapture readonly, i64)")
    lines.append("declare i32 @llvm.umin.i32(i32, i32)")
    lines += [f"declare i64 @llvm.{name}.i64(i64, i64)" for name in ("umin", "smin", "smax")]
    lines.append("declare i32 @bcmp(ptr nocapture readonly, ptr nocapture readonly, i64)")
    return lines


def bool_not(emit: Emitter, value: str) -> str:
    """Emit NOT of a BOOL."""
    return emit.value(f"xor {value_type(BOOL)} {value}, true")
