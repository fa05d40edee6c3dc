"""Private memory for native code: blocks of words at addresses that stay.

Outside the wall: Python lays it out and fills it before a scan runs.
"""

import ctypes
import mmap
from typing import Final

from runtime.image import layout
from runtime.image.words import Words

_WORD_MASK: Final = (1 << 64) - 1


class Arena:
    """Private memory in blocks: reserve all of them, `map` it, then write words."""

    def __init__(self) -> None:
        self.size = 0

    def reserve(self, size: int) -> int:
        """Return the offset of a new block, aligned to a cache line."""
        offset = self.size
        self.size += -(-size // layout.CACHE_LINE) * layout.CACHE_LINE
        return offset

    def map(self) -> None:
        """Make the memory, all zeros; it lives as long as this object."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.memory = mmap.mmap(-1, max(self.size, 1), flags=flags)
        self._words = Words(memoryview(self.memory))
        self._anchor = ctypes.c_char.from_buffer(self.memory)
        self.base = ctypes.addressof(self._anchor)

    def clear(self) -> None:
        """Make it all zeros again."""
        ctypes.memset(self.base, 0, self.size)

    def put(self, block: int, words: dict[int, int]) -> None:
        """Write words of a block by their offsets in it."""
        for offset, value in words.items():
            self._words[block + offset] = value & _WORD_MASK

    def word(self, offset: int) -> int:
        """Return a word; one that native code stores is seen whole."""
        return ctypes.c_int64.from_address(self.base + offset).value
