"""From the typed model to LLVM text, and to a compiled program.

The text is written directly: it is what `takt show --stage llvm` prints, it grows linearly with the
program, and offsets into the state (`ptr` plus a number of bytes) need no types of structures.
"""
