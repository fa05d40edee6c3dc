"""Conversions between elementary types as LLVM; the twin of `datatypes.arithmetic.convert`."""

from typing import Final

from runtime.codegen.emitter import Emitter, memory_type, real_text
from runtime.datatypes.arithmetic import CODE_POINT_MAX, DAY, QUESTION_MARK, SURROGATES, unit_of
from runtime.datatypes.elementary import BOOL, LINT, LREAL, UCHAR, Elementary, Kind


def convert(emit: Emitter, value: str, source: Elementary, target: Elementary) -> str:
    """Emit the conversion of a value; return the result's register."""
    if source.is_time and target.is_time:
        return _to_calendar(emit, value, target)
    if source.is_time:
        return _from_time(emit, value, source, target)
    if target.is_time:
        return _to_time(emit, value, source, target)
    if target is BOOL:
        return _to_bool(emit, value, source)
    convert_kinds = _BY_KIND[source.kind is Kind.REAL, target.kind is Kind.REAL]
    converted = convert_kinds(emit, value, source, target)
    return _to_code_point(emit, converted) if target is UCHAR is not source else converted


def _to_code_point(emit: Emitter, value: str) -> str:
    """Emit the question mark in place of a number that is no character of Unicode."""
    beyond = emit.value(f"icmp ugt i32 {value}, {CODE_POINT_MAX}")
    above = emit.value(f"sub i32 {value}, {SURROGATES.start}")
    half = emit.value(f"icmp ult i32 {above}, {len(SURROGATES)}")
    wrong = emit.value(f"or i1 {beyond}, {half}")
    return emit.value(f"select i1 {wrong}, i32 {QUESTION_MARK}, i32 {value}")


def _to_bool(emit: Emitter, value: str, source: Elementary) -> str:
    if source is BOOL:
        return value
    kind = memory_type(source)
    if source.kind is Kind.REAL:
        return emit.value(f"fcmp une {kind} {value}, 0.0")
    return emit.value(f"icmp ne {kind} {value}, 0")


def to_double(emit: Emitter, value: str, source: Elementary) -> str:
    """Emit the widening of a real to double."""
    if source is LREAL:
        return value
    return emit.value(f"fpext float {value} to double")


def from_double(emit: Emitter, value: str, target: Elementary) -> str:
    """Emit the rounding of a double to a real type."""
    if target is LREAL:
        return value
    return emit.value(f"fptrunc double {value} to float")


def _real_to_real(emit: Emitter, value: str, source: Elementary, target: Elementary) -> str:
    if source is target:
        return value
    return from_double(emit, to_double(emit, value, source), target)


def _real_to_whole(emit: Emitter, value: str, source: Elementary, target: Elementary) -> str:
    return real_to_whole(emit, to_double(emit, value, source), target)


def real_to_whole(emit: Emitter, value: str, target: Elementary) -> str:
    """Emit the rounding of a double, half to even, into a whole type; it saturates."""
    rounded = emit.value(f"call double @llvm.roundeven.f64(double {value})")
    return saturate(emit, rounded, target)


def saturate(emit: Emitter, value: str, target: Elementary) -> str:
    """Emit the conversion of a whole double into a whole type; it saturates, NaN gives 0."""
    sign = "s" if target.is_signed else "u"
    kind = memory_type(target)
    return emit.value(f"call {kind} @llvm.fpto{sign}i.sat.{kind}.f64(double {value})")


def _whole_to_real(emit: Emitter, value: str, source: Elementary, target: Elementary) -> str:
    kind = "i1" if source is BOOL else memory_type(source)
    operation = "sitofp" if source.is_signed else "uitofp"
    return emit.value(f"{operation} {kind} {value} to {memory_type(target)}")


def _whole_to_whole(emit: Emitter, value: str, source: Elementary, target: Elementary) -> str:
    source_bits = 1 if source is BOOL else source.bits
    if source_bits == target.bits:
        return value
    kind = memory_type(target)
    if source.kind is target.kind is Kind.CHARACTER and source_bits > target.bits:
        beyond = emit.value(f"icmp ugt i{source_bits} {value}, {target.maximum}")
        narrow = emit.value(f"trunc i{source_bits} {value} to {kind}")
        return emit.value(f"select i1 {beyond}, {kind} {QUESTION_MARK}, {kind} {narrow}")
    if source_bits > target.bits:
        return emit.value(f"trunc i{source_bits} {value} to {kind}")
    operation = "sext" if source.is_signed else "zext"
    return emit.value(f"{operation} i{source_bits} {value} to {kind}")


_BY_KIND: Final = {
    (True, True): _real_to_real,
    (True, False): _real_to_whole,
    (False, True): _whole_to_real,
    (False, False): _whole_to_whole,
}
"""Conversions by whether the source and the target are real."""


def _to_calendar(emit: Emitter, value: str, target: Elementary) -> str:
    """Emit `arithmetic.to_calendar`."""
    if target.kind not in {Kind.TIME_OF_DAY, Kind.DATE}:
        return value
    rest = emit.value(f"srem i64 {value}, {DAY}")
    negative = emit.value(f"icmp slt i64 {rest}, 0")
    raised = emit.value(f"add i64 {rest}, {DAY}")
    within = emit.value(f"select i1 {negative}, i64 {raised}, i64 {rest}")
    if target.kind is Kind.TIME_OF_DAY:
        return within
    return emit.value(f"sub i64 {value}, {within}")


def _from_time(emit: Emitter, value: str, source: Elementary, target: Elementary) -> str:
    unit = unit_of(source)
    if unit != 1 and target.kind is Kind.REAL:
        wide = emit.value(f"sitofp i64 {value} to double")
        return from_double(
            emit, emit.value(f"fdiv double {wide}, {real_text(float(unit))}"), target
        )
    if unit != 1:
        value = emit.value(f"sdiv i64 {value}, {unit}")
    return convert(emit, value, LINT, target)


def _to_time(emit: Emitter, value: str, source: Elementary, target: Elementary) -> str:
    scale = unit_of(target)
    if source.kind is Kind.REAL:
        wide = to_double(emit, value, source)
        scaled = emit.value(f"fmul double {wide}, {real_text(float(scale))}")
        return _to_calendar(emit, real_to_whole(emit, scaled, target), target)
    wide = _whole_to_whole(emit, value, source, LINT)
    scaled = wide if scale == 1 else emit.value(f"mul i64 {wide}, {scale}")
    return _to_calendar(emit, scaled, target)
