"""The mark of functions that numba compiles into the scan loop. Cold start only: imports numba."""

from collections.abc import Callable
from typing import ParamSpec

import numba

_Arguments = ParamSpec("_Arguments")


def native_function(function: Callable[_Arguments, int]) -> Callable[_Arguments, int]:
    """Mark a function that numba compiles into its native callers; Python cannot call it."""
    compiled: Callable[_Arguments, int] = numba.njit(
        error_model="numpy", nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False
    )(function)
    return compiled
