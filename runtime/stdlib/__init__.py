"""The standard library: a family a file, declaration and plain Python body in one place.

The body is the one text of a function or block: the interpreter calls it, numba compiles a block's,
and a function's LLVM form (`codegen/intrinsics.py`) is tested against it.
"""
