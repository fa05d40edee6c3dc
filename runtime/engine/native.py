"""From Python through numba to LLVM text, and from LLVM text to machine code in this process.

numba is asked for its LLVM only, once for each function; the text is kept on disk. What runs is
always an object file that LLVM made from such text, so a warm start maps code without importing
numba, which alone takes longer than the rest of the start.

    def add(a, b): return a + b        # numba: i32 @mangled(retptr, excinfo, i64, i64)
    exported_ir(add, "f64(f64, f64)")  # -> define double @add(double, double), nothing else visible
"""

import ctypes
import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import llvmlite
import llvmlite.binding as llvm

from runtime.artifact import cache
from runtime.engine import shipped

LLVM_TYPES: Final = {
    "void": "void",
    "i8": "i8",
    "i32": "i32",
    "i64": "i64",
    "u64": "i64",
    "f64": "double",
    "ptr": "ptr",
    "p8": "ptr",
    "p16": "ptr",
    "p32": "ptr",
}
"""The words of a native signature and LLVM's names for them; ptr is an address as int64 to numba
unless the caller gives a numba type of its own; p8, p16 and p32 point to code units by index."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Result and arguments of a native function, in the words of `LLVM_TYPES`."""

    result: str
    arguments: tuple[str, ...]


Module = llvm.ModuleRef
"""A module of LLVM in memory."""


@functools.cache
def target_machine() -> llvm.TargetMachine:
    """Return the code generator for this processor, shared by all who do not keep it."""
    return _new_target_machine()


def _new_target_machine() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=2,
        reloc="pic",
        codemodel="small",
    )


@functools.cache
def platform_key() -> str:
    """Return what machine code depends on besides its source: processor and LLVM."""
    features = llvm.get_host_cpu_features().flatten()
    return (
        f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features} {llvmlite.__version__}"
    )


def parse_ir(text: str) -> llvm.ModuleRef:
    """Return the verified module of LLVM text, made for this processor."""
    machine = target_machine()
    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    return module


@functools.cache
def _portable_machine() -> llvm.TargetMachine:
    """Return the code generator for any processor of this machine's kind."""
    target = llvm.Target.from_triple(target_machine().triple)
    return target.create_target_machine(opt=2, reloc="pic")


def optimise(
    module: llvm.ModuleRef,
    level: int = 2,
    inline_threshold: int = 225,
    *,
    portable: bool = False,
    join_scalars: bool = False,
) -> None:
    """Run LLVM's pipeline of a level (0 to 3) over a module, in place.

    Args:
        module: What to optimise.
        level: From 0, nothing, to 3.
        inline_threshold: LLVM's measure of what is worth inlining.
        portable: Whether the result must serve any processor of this machine's kind.
        join_scalars: Whether neighbouring scalar operations become vectors; it pays where lanes
            have been laid out for it, and costs a little elsewhere.
    """
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.inlining_threshold = inline_threshold
    options.slp_vectorization = join_scalars
    machine = _portable_machine() if portable else target_machine()
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def hide_all_but(module: llvm.ModuleRef, exported: set[str]) -> None:
    """Make every definition internal except the named ones, so that unused ones fall away."""
    for value in (*module.functions, *module.global_variables):
        if not value.is_declaration and value.name not in exported:
            value.linkage = "internal"


def exported_ir(
    function: Callable[..., Any],
    signature: Signature,
    symbol: str,
    *,
    record: Mapping[str, Any] | None = None,
    depends_on: str = "",
) -> str:
    """Return LLVM text that defines `symbol` as the native form of a Python function.

    Args:
        function: Plain Python that numba compiles; it may call other plain functions by their
            global names. It must not raise.
        signature: Result and arguments.
        symbol: Name of the exported definition.
        record: Layout, as NumPy describes one, of what the first argument points to; the function
            then takes that record, with an attribute for each member, in its place.
        depends_on: A key of whatever stands outside the function's file and shapes its code.
    """
    files = {inspect.getfile(item) for item in (function, *_helpers(function))}
    sources = b"".join(Path(item).read_bytes() for item in sorted(files))
    made_of = cache.key_of(
        "exported_ir 4", sources, function.__qualname__, depends_on, repr(signature), symbol,
        repr(record),
    )  # fmt: skip
    text = shipped.fetch(made_of)
    if text is not None:
        return text
    key = cache.key_of(made_of, version("numba"), platform_key())
    kept = None if shipped.is_gathering() else cache.fetch(key)
    if kept is not None:
        return kept.decode()
    text = compile_ir(function, signature, symbol, record)
    shipped.note(made_of, text)
    cache.keep(key, text.encode())
    return text


def import_numba() -> Any:
    """Return numba, imported with its own optimiser off: `optimise` does that work once.

    It saves about 0.5 s of a cold start. Where numba was imported before, it stays as it is.
    """
    if "numba" in sys.modules or "NUMBA_OPT" in os.environ:
        return importlib.import_module("numba")
    os.environ["NUMBA_OPT"] = "0"
    try:
        return importlib.import_module("numba")
    finally:
        del os.environ["NUMBA_OPT"]


def compile_ir(
    function: Callable[..., Any],
    signature: Signature,
    symbol: str,
    record: Mapping[str, Any] | None = None,
) -> str:
    """Return what `exported_ir` does, made by numba now."""
    numba = import_numba()
    from numba import types
    from numba.extending import register_jitable

    plain = {
        "void": types.void, "i8": types.int8, "i32": types.int32, "i64": types.int64,
        "u64": types.uint64, "f64": types.float64, "ptr": types.int64,
        "p8": types.CPointer(types.uint8), "p16": types.CPointer(types.uint16),
        "p32": types.CPointer(types.uint32),
    }  # fmt: skip
    arguments = [plain[word] for word in signature.arguments]
    for helper in _helpers(function):
        register_jitable(helper)
    if record is not None:
        function, arguments[0] = _over_record(function, record)
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
    compiled = numba.njit(
        plain[signature.result](*arguments), error_model="numpy", nogil=True, **options
    )(function)
    (overload,) = compiled.overloads.values()
    inner = overload.fndesc.llvm_func_name
    wrapper = _wrapper(inner, signature, symbol, addresses=record is None)
    module = parse_ir(overload.library.get_llvm_str())
    module.link_in(parse_ir(wrapper))
    hide_all_but(module, {symbol})
    optimise(module, portable=True)
    return str(module)


def _helpers(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Return the plain Python functions that a function calls, directly or through others."""
    found: dict[str, Callable[..., Any]] = {}
    left = [function]
    while left:
        current = left.pop()
        for name in current.__code__.co_names:
            helper = current.__globals__.get(name)
            if inspect.isfunction(helper) and helper.__qualname__ not in found:
                found[helper.__qualname__] = helper
                left.append(helper)
    return list(found.values())


def _over_record(
    function: Callable[..., Any], record: Mapping[str, Any]
) -> tuple[Callable[..., Any], Any]:
    """Return a function over a pointer to records that calls `function` with the record."""
    import numba
    import numpy as np
    from numba import types
    from numba.extending import intrinsic

    body = numba.njit(error_model="numpy")(function)

    @intrinsic
    def record_at(_typing: Any, pointer: Any) -> Any:
        """Take a pointer to a record for the record: numba holds records by their address."""
        return pointer.dtype(pointer), lambda _context, _builder, _signature, values: values[0]

    def entry(pointer: Any, now: int) -> None:
        body(record_at(pointer), now)

    described: Any = dict(record)
    return entry, types.CPointer(numba.from_dtype(np.dtype(described)))


def _wrapper(inner: str, signature: Signature, symbol: str, *, addresses: bool) -> str:
    """Return a definition without numba's result and exception pointers around the inner one."""
    result = LLVM_TYPES[signature.result]
    words = [LLVM_TYPES[word] for word in signature.arguments]
    passed = ["i64" if word == "ptr" and addresses else word for word in words]
    formal = ", ".join(f"{word} %a{n}" for n, word in enumerate(words))
    casts = [
        f"  %p{n} = ptrtoint ptr %a{n} to i64"
        for n, word in enumerate(words)
        if word == "ptr" and addresses
    ]
    actual = ", ".join(
        f"{new} %{'p' if word != new else 'a'}{n}"
        for n, (word, new) in enumerate(zip(words, passed, strict=True))
    )
    slot = "ptr" if result == "void" else result
    leave = "  ret void" if result == "void" else f"  %v = load {result}, ptr %r\n  ret {result} %v"
    comma = ", " if actual else ""
    types = "".join(f", {word}" for word in passed)
    return "\n".join(
        (
            f'declare i32 @"{inner}"(ptr, ptr{types})',
            f'define {result} @"{symbol}"({formal}) {{',
            f"  %r = alloca {slot}",
            *casts,
            f'  %s = call i32 @"{inner}"(ptr %r, ptr null{comma}{actual})',
            leave,
            "}",
        )
    )


_LIBRARY_THROUGH_TABLE: Final = """
!llvm.module.flags = !{!0}
!0 = !{i32 7, !"RtLibUseGOT", i32 1}
"""
"""Calls that code generation itself adds, as of memcpy, go through the table too."""


def emit_object(module: llvm.ModuleRef) -> bytes:
    """Return the object file of a module.

    Code and data of an object lie within 2 GB of each other, as the small code model demands:
    `NativeCode` maps them in one piece. What lies outside, the C library's functions, is therefore
    called through the object's own table of addresses.
    """
    module.link_in(parse_ir(_LIBRARY_THROUGH_TABLE))
    for function in module.functions:
        if function.is_declaration and not function.name.startswith("llvm."):
            function.add_function_attribute("nonlazybind")
    code: bytes = target_machine().emit_object(module)
    return code


class NativeCode:
    """Machine code mapped into this process; it lives as long as this object."""

    def __init__(self, object_code: bytes) -> None:
        """Map an object file that `emit_object` made on this kind of machine."""
        # The engine takes possession of its target machine and frees it: it needs one of its own.
        self._engine = llvm.create_mcjit_compiler(parse_ir(""), _new_target_machine(), use_lmm=True)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
        self._engine.finalize_object()

    def address(self, symbol: str) -> int:
        """Return the address of an exported function."""
        place: int = self._engine.get_function_address(symbol)
        assert place, f"native code without {symbol}"
        return place

    def function(self, symbol: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        """Return an exported function as ctypes calls it; the call releases the GIL."""
        return ctypes.CFUNCTYPE(result, *arguments)(self.address(symbol))
