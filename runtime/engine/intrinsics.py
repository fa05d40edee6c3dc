"""What the native loop needs beneath Python's level: memory, fences, clocks, calls by address.

Inside the wall: each of these becomes one to five machine instructions, or one system call. An
address is an int64 and so is every value; nothing is checked. numba is imported here, so that only
a cold start imports this module.
"""

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_I1: Final = ir.IntType(1)
_I8: Final = ir.IntType(8)
_I16: Final = ir.IntType(16)
_I32: Final = ir.IntType(32)
_I64: Final = ir.IntType(64)
_TIME: Final = ir.LiteralStructType([_I64, _I64])
_CLOCK_MONOTONIC: Final = 1
_TIMER_ABSTIME: Final = 1
_NS_PER_S: Final = 1_000_000_000
_ONE: Final = types.int64(types.int64)
_TWO: Final = types.int64(types.int64, types.int64)

Read = Callable[[], int]
Unary = Callable[[int], int]
Binary = Callable[[int, int], int]
Ternary = Callable[[int, int, int], int]
"""How native code calls an intrinsic; Python cannot."""


def _loader(kind: ir.IntType, order: str) -> Unary:
    def load(_typing: Any, address: Any) -> Any:
        del address

        def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            place = builder.inttoptr(values[0], kind.as_pointer())
            if order:
                return builder.load_atomic(place, order, kind.width // 8)
            value = builder.load(place, align=1)
            return value if kind is _I64 else builder.zext(value, _I64)

        return _ONE, generate

    native: Unary = intrinsic(load)
    return native


def _storer(kind: ir.IntType, order: str) -> Binary:
    def store(_typing: Any, address: Any, value: Any) -> Any:
        del address, value

        def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            place = builder.inttoptr(values[0], kind.as_pointer())
            part = values[1] if kind is _I64 else builder.trunc(values[1], kind)
            if order:
                builder.store_atomic(part, place, order, kind.width // 8)
            else:
                builder.store(part, place, align=1)
            return values[1]

        return _TWO, generate

    native: Binary = intrinsic(store)
    return native


load_8: Final = _loader(_I8, "")
"""load_8(address): the byte there, zero-extended."""
load_16: Final = _loader(_I16, "")
load_32: Final = _loader(_I32, "")
load_64: Final = _loader(_I64, "")
load_shared: Final = _loader(_I64, "acquire")
"""load_shared(address): an aligned word that another thread or process stores."""
store_8: Final = _storer(_I8, "")
"""store_8(address, value): the low bits of the value; returns the value."""
store_16: Final = _storer(_I16, "")
store_32: Final = _storer(_I32, "")
store_64: Final = _storer(_I64, "")
store_shared: Final = _storer(_I64, "release")
"""store_shared(address, value): an aligned word that others load; after all stores before it."""
store_shared_32: Final = _storer(_I32, "release")


def _fence(order: str) -> Read:
    def fence(_typing: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, _values: Any) -> Any:
            builder.fence(order)
            return ir.Constant(_I64, 0)

        return types.int64(), generate

    native: Read = intrinsic(fence)
    return native


fence_acquire: Final = _fence("acquire")
"""No load after it is done before a load ahead of it."""
fence_release: Final = _fence("release")
"""No store after it is seen before a store ahead of it."""


def _prefetch(_typing: Any, address: Any) -> Any:
    del address

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        pointer = _I8.as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, _I32, _I32, _I32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        for_read, keep_close, data = _I32(0), _I32(3), _I32(1)
        arguments = [builder.inttoptr(values[0], pointer), for_read, keep_close, data]
        builder.call(function, arguments)
        return values[0]

    return _ONE, generate


prefetch: Final[Unary] = intrinsic(_prefetch)
"""prefetch(address): fetches its cache line and waits for nothing; any address will do."""


def _copy_bytes(_typing: Any, to: Any, source: Any, count: Any) -> Any:
    del to, source, count

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        target, origin = (builder.inttoptr(value, _I8.as_pointer()) for value in values[:2])
        cgutils.raw_memcpy(builder, target, origin, values[2], itemsize=1)
        return values[2]

    return types.int64(types.int64, types.int64, types.int64), generate


copy_bytes: Final[Ternary] = intrinsic(_copy_bytes)
"""copy_bytes(to, source, count): the two do not overlap."""


def _clear_bytes(_typing: Any, to: Any, count: Any) -> Any:
    del to, count

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        target = builder.inttoptr(values[0], _I8.as_pointer())
        cgutils.memset(builder, target, values[1], 0)
        return values[1]

    return _TWO, generate


clear_bytes: Final[Binary] = intrinsic(_clear_bytes)
"""clear_bytes(to, count): zeros."""


def _compare_bytes(_typing: Any, left: Any, right: Any, count: Any) -> Any:
    del left, right, count

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(_I32, [_I8.as_pointer(), _I8.as_pointer(), _I64])
        function = cgutils.get_or_insert_function(builder.module, kind, "memcmp")
        places = [builder.inttoptr(value, _I8.as_pointer()) for value in values[:2]]
        return builder.sext(builder.call(function, [*places, values[2]]), _I64)

    return types.int64(types.int64, types.int64, types.int64), generate


compare_bytes: Final[Ternary] = intrinsic(_compare_bytes)
"""compare_bytes(left, right, count): 0 where they are alike."""


def _libc_call(name: str) -> Unary:
    """Return a C function of one pointer whose result is an int."""

    def call(_typing: Any, place: Any) -> Any:
        del place

        def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            kind = ir.FunctionType(_I32, [_I8.as_pointer()])
            function = cgutils.get_or_insert_function(builder.module, kind, name)
            pointer = builder.inttoptr(values[0], _I8.as_pointer())
            return builder.sext(builder.call(function, [pointer]), _I64)

        return _ONE, generate

    native: Unary = intrinsic(call)
    return native


lock_mutex: Final = _libc_call("pthread_mutex_lock")
"""lock_mutex(place): waits for who holds it, who then runs at least at the waiter's priority."""
try_lock_mutex: Final = _libc_call("pthread_mutex_trylock")
"""try_lock_mutex(place): not 0 where another holds it; never waits."""
unlock_mutex: Final = _libc_call("pthread_mutex_unlock")
post_semaphore: Final = _libc_call("sem_post")
"""post_semaphore(place): wakes who waits for it; never waits."""


def _leading_zeros(_typing: Any, value: Any) -> Any:
    del value

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.ctlz(values[0], _I1(0))

    return _ONE, generate


leading_zeros: Final[Unary] = intrinsic(_leading_zeros)
"""leading_zeros(value): of the 64 bits."""


def _call_task(_typing: Any, function: Any, state: Any) -> Any:
    del function, state

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        entry = ir.FunctionType(_I32, [_I8.as_pointer()])
        function = builder.inttoptr(values[0], entry.as_pointer())
        result = builder.call(function, [builder.inttoptr(values[1], _I8.as_pointer())])
        return builder.sext(result, _I64)

    return _TWO, generate


call_task: Final[Binary] = intrinsic(_call_task)
"""call_task(function, state): the result of `int32 function(void *state)`."""


def _clock_ns(_typing: Any) -> Any:

    def generate(_context: Any, builder: Any, _signature: Any, _values: Any) -> Any:
        kind = ir.FunctionType(_I32, [_I32, _TIME.as_pointer()])
        function = cgutils.get_or_insert_function(builder.module, kind, "clock_gettime")
        time = cgutils.alloca_once(builder, _TIME)
        builder.call(function, [_I32(_CLOCK_MONOTONIC), time])
        seconds = builder.load(cgutils.gep_inbounds(builder, time, 0, 0))
        rest = builder.load(cgutils.gep_inbounds(builder, time, 0, 1))
        return builder.add(builder.mul(seconds, _I64(_NS_PER_S)), rest)

    return types.int64(), generate


clock_ns: Final[Read] = intrinsic(_clock_ns)
"""clock_ns(): CLOCK_MONOTONIC."""


def _store_time(builder: Any, nanoseconds: Any) -> Any:
    """Return the address of a timespec on the stack."""
    time = cgutils.alloca_once(builder, _TIME)
    seconds = builder.sdiv(nanoseconds, _I64(_NS_PER_S))
    rest = builder.srem(nanoseconds, _I64(_NS_PER_S))
    builder.store(seconds, cgutils.gep_inbounds(builder, time, 0, 0))
    builder.store(rest, cgutils.gep_inbounds(builder, time, 0, 1))
    return time


def _sleep_until(_typing: Any, wake_ns: Any) -> Any:
    del wake_ns

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(_I32, [_I32, _I32, _TIME.as_pointer(), _I8.as_pointer()])
        function = cgutils.get_or_insert_function(builder.module, kind, "clock_nanosleep")
        time = _store_time(builder, values[0])
        arguments = [_I32(_CLOCK_MONOTONIC), _I32(_TIMER_ABSTIME), time, _I8.as_pointer()(None)]
        return builder.sext(builder.call(function, arguments), _I64)

    return _ONE, generate


sleep_until: Final[Unary] = intrinsic(_sleep_until)
"""sleep_until(wake_ns): on CLOCK_MONOTONIC; a signal may end it early; returns 0 or errno."""


def _wait_semaphore(_typing: Any, place: Any, wake_ns: Any) -> Any:
    del place, wake_ns

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(_I32, [_I8.as_pointer(), _I32, _TIME.as_pointer()])
        function = cgutils.get_or_insert_function(builder.module, kind, "sem_clockwait")
        pointer = builder.inttoptr(values[0], _I8.as_pointer())
        time = _store_time(builder, values[1])
        result = builder.call(function, [pointer, _I32(_CLOCK_MONOTONIC), time])
        return builder.sext(result, _I64)

    return _TWO, generate


wait_semaphore: Final[Binary] = intrinsic(_wait_semaphore)
"""wait_semaphore(place, wake_ns): until it is posted (0), the time comes or a signal does (-1)."""
