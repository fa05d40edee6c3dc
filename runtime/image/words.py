"""Words that other processes and native code see: each is loaded and stored whole.

`struct.pack_into` is not fit for them: it clears the place before it writes, so that a reader sees
0 for a moment, and a writer that is killed just then leaves it. Here a store is a single one.
"""

from typing import Final

_WORD_BYTES: Final = 8
_HALF_BYTES: Final = 4


class Words:
    """Unsigned words of some memory, 64 bits wide, by their offsets in bytes."""

    def __init__(self, memory: memoryview) -> None:
        """View memory that begins at an aligned address."""
        whole = len(memory) // _WORD_BYTES * _WORD_BYTES
        self._words = memory[:whole].cast("Q")

    def __getitem__(self, offset: int) -> int:
        """Return the word at an offset that is a multiple of 8."""
        return self._words[offset // _WORD_BYTES]

    def __setitem__(self, offset: int, value: int) -> None:
        """Store a word at an offset that is a multiple of 8."""
        self._words[offset // _WORD_BYTES] = value

    def release(self) -> None:
        """Let go of the memory, for whoever unmaps it."""
        self._words.release()


class HalfWords:
    """Unsigned words of some memory, 32 bits wide, by their offsets in bytes."""

    def __init__(self, memory: memoryview) -> None:
        """View memory that begins at an aligned address."""
        whole = len(memory) // _HALF_BYTES * _HALF_BYTES
        self._words = memory[:whole].cast("I")

    def __getitem__(self, offset: int) -> int:
        """Return the word at an offset that is a multiple of 4."""
        return self._words[offset // _HALF_BYTES]

    def __setitem__(self, offset: int, value: int) -> None:
        """Store a word at an offset that is a multiple of 4."""
        self._words[offset // _HALF_BYTES] = value

    def release(self) -> None:
        """Let go of the memory, for whoever unmaps it."""
        self._words.release()
