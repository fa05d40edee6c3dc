"""Functions that exist twice, in native code and in Python, agree."""

import ctypes
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.engine import native
from runtime.image import layout


@pytest.fixture(scope="module")
def native_bucket_of() -> Any:
    from runtime.engine import counting

    compiled: Any = counting.bucket_of
    text = native.exported_ir(
        compiled.py_func, native.Signature("i64", ("i64",)), "bucket_of", depends_on="twins"
    )
    code = native.NativeCode(native.emit_object(native.parse_ir(text)))
    function = code.function("bucket_of", ctypes.c_int64, ctypes.c_int64)
    return lambda value, _keep=code: function(value)


def test_buckets_agree_at_every_power_of_two_and_beside_it(native_bucket_of: Any) -> None:
    for exponent in range(63):
        for value in ((1 << exponent) - 1, 1 << exponent, (1 << exponent) + 1):
            assert native_bucket_of(value) == layout.bucket_of(value), value


def test_buckets_agree_on_negative_values_and_the_greatest(native_bucket_of: Any) -> None:
    for value in (-(1 << 63), -1, 0, (1 << 63) - 1):
        assert native_bucket_of(value) == layout.bucket_of(value), value


@given(value=st.integers(-(1 << 63), (1 << 63) - 1))
def test_buckets_agree_on_any_value(native_bucket_of: Any, value: int) -> None:
    assert native_bucket_of(value) == layout.bucket_of(value)
