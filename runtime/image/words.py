"""Words that other processes and native code see: each is loaded and stored whole.

`struct.pack_into` is not fit for them: it clears the place before it writes, so that a reader sees
0 for a moment, and a writer that is killed just then leaves it. Here a store is a single one.
"""

from typing import ClassVar, Literal


class Words:
    """Unsigned words of some memory, 64 bits wide, by their offsets in bytes."""

    _code: ClassVar[Literal["Q", "I"]] = "Q"
    _bytes: ClassVar[int] = 8

    def __init__(self, memory: memoryview) -> None:
        """View memory that begins at an aligned address, to its last whole word."""
        whole = len(memory) // self._bytes * self._bytes
        self._words = memory[:whole].cast(self._code)

    def __getitem__(self, offset: int) -> int:
        """Return the word at an offset that is a multiple of its size."""
        return self._words[offset // self._bytes]

    def __setitem__(self, offset: int, value: int) -> None:
        """Store a word at an offset that is a multiple of its size."""
        self._words[offset // self._bytes] = value

    def release(self) -> None:
        """Let go of the memory, for whoever unmaps it."""
        self._words.release()


class HalfWords(Words):
    """Unsigned words of some memory, 32 bits wide, by their offsets in bytes."""

    _code = "I"
    _bytes = 4
