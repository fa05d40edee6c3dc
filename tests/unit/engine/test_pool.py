"""The heap of a pool, in native code, against Python's own."""

import ctypes
import heapq
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.engine import native, plan

ROOM = 64
Keys = list[int | None]
"""A key is pushed; None takes the least one."""


@pytest.fixture(scope="module")
def heap_functions() -> tuple[Callable[..., int], ...]:
    from runtime.engine import pool

    def compiled(function: Any, *arguments: str) -> Callable[..., int]:
        signature = native.Signature("i64", ("ptr", *arguments))
        name = function.__name__
        text = native.exported_ir(function.py_func, signature, name, depends_on="heap test")
        code = native.NativeCode(native.emit_object(native.parse_ir(text)))
        words = [ctypes.c_int64] * (2 + len(arguments))
        found = code.function(name, *words)

        def call(*values: int, _keep: native.NativeCode = code) -> int:
            result: int = found(*values)
            return result

        return call

    return (
        compiled(pool.push, "i64", "i64"),
        compiled(pool.pop),
        compiled(pool.remove, "i64"),
    )


@given(keys=st.lists(st.one_of(st.integers(-(1 << 50), 1 << 50), st.none()), max_size=ROOM))
def test_jobs_come_out_in_the_order_of_their_keys(heap_functions: Any, keys: Keys) -> None:
    push, pop, _ = heap_functions
    memory = ctypes.create_string_buffer(plan.HEAP_PAIRS + ROOM * plan.HEAP_PAIR_BYTES)
    heap, twin = ctypes.addressof(memory), list[int]()
    for number, key in enumerate(keys):
        if key is not None:
            push(heap, key * 64 + number, number)
            heapq.heappush(twin, key * 64 + number)
        elif twin:
            assert pop(heap) == heapq.heappop(twin) % 64
    assert int.from_bytes(memory.raw[:8], "little") == len(twin)
    assert [pop(heap) for _ in list(twin)] == [key % 64 for key in sorted(twin)]


@given(
    keys=st.lists(st.integers(-(1 << 50), 1 << 50), max_size=ROOM),
    removed=st.sets(st.integers(0, ROOM)),
)
def test_a_job_that_is_withdrawn_leaves_the_others_in_their_order(
    heap_functions: Any, keys: list[int], removed: set[int]
) -> None:
    push, pop, remove = heap_functions
    memory = ctypes.create_string_buffer(plan.HEAP_PAIRS + ROOM * plan.HEAP_PAIR_BYTES)
    heap = ctypes.addressof(memory)
    unique = [key * 64 + number for number, key in enumerate(keys)]
    for number, key in enumerate(unique):
        push(heap, key, 1000 + number)
    for number in removed:
        remove(heap, 1000 + number)
    left = sorted(key for number, key in enumerate(unique) if number not in removed)
    assert [pop(heap) for _ in left] == [1000 + key % 64 for key in left]
    assert int.from_bytes(memory.raw[:8], "little") == 0
