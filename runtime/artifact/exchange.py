"""What a task exchanges with the others at its borders, as ranges of the state.

With several tasks each works on a private copy of the state and the *master* holds what was
committed (`doc/memory-model.md`). The compiler says for each task what it takes from the master at
its release and what it commits at its end; with one task there is nothing to say.
"""

from dataclasses import dataclass
from typing import Final

from runtime.datatypes.values import Buffer

SEVERAL: Final = -1
"""In the place of an owner: more than one task writes there, or the inputs do."""
NOBODY: Final = -2
"""In the place of an owner: no task writes there, only commands from outside do."""


@dataclass(frozen=True, slots=True)
class Take:
    """Bytes that a task reads and others write: taken where their owner has committed since."""

    offset: int
    size: int
    owner: int
    """Number of the only task that writes there, else SEVERAL or NOBODY."""


@dataclass(frozen=True, slots=True)
class Owned:
    """Bytes that no other task writes: committed whole."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Cells:
    """Neighbouring cells that several tasks write: those that changed are committed.

    A cell goes from one writer to the master as a whole. `cell` 0 stands for single bits: `count`
    is then the number of bytes.
    """

    offset: int
    cell: int
    count: int

    @property
    def size(self) -> int:
        """Bytes of all the cells."""
        return max(self.cell, 1) * self.count


@dataclass(frozen=True, slots=True)
class Exchange:
    """The borders of one task."""

    takes: tuple[Take, ...] = ()
    owned: tuple[Owned, ...] = ()
    shared: tuple[Cells, ...] = ()

    def seen(self, private: Buffer, committed: Buffer) -> bytes:
        """Return the state as the task sees it: its own copy, and the rest as it was committed."""
        whole = bytearray(committed)
        for item in self._ranges:
            part = slice(item.offset, item.offset + item.size)
            whole[part] = memoryview(private)[part]
        return bytes(whole)

    def touches(self, offset: int, size: int) -> bool:
        """Whether the task reads or writes any of the bytes at an offset."""
        return any(
            item.offset < offset + size and offset < item.offset + item.size
            for item in self._ranges
        )

    @property
    def _ranges(self) -> tuple[Take | Owned | Cells, ...]:
        return (*self.takes, *self.owned, *self.shared)

    def owns(self, offset: int) -> bool:
        """Whether no other task writes the byte at an offset."""
        return any(item.offset <= offset < item.offset + item.size for item in self.owned)


NO_EXCHANGE: Final = Exchange()
"""The borders of the only task of a program."""
