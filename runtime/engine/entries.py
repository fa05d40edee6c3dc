"""The entries of a journal, read outside the wall: while it is written, or out of a file.

>>> [entry.kind for entry in entries_of(chunk)]      # [Kind.TAKE, Kind.COMMIT, ...]
"""

import ctypes
import enum
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from runtime.engine import plan

_WORDS: Final = struct.Struct("<8q")


class Kind(enum.IntEnum):
    """What an entry tells of."""

    TAKE = plan.ENTRY_TAKE
    COMMIT = plan.ENTRY_COMMIT
    COMMAND = plan.ENTRY_COMMAND


@dataclass(frozen=True, slots=True)
class Entry:
    """One take, commit or command."""

    kind: Kind
    sequence: int
    task: int
    cycle: int
    time_ns: int
    """A take's release, a commit's end (CLOCK_MONOTONIC)."""
    first: int
    """A take's NOW_NS, a commit's fault (0 for none)."""
    digest: int
    """A commit's hash of the committed state, 0 where none was made."""
    inputs: bytes
    """A take's %I where it differs from the take before, else nothing."""
    values: bytes = b""
    """The chosen variables in the state of a commit's task, padded to 8 bytes."""
    command: bytes = b""
    """A command as it stood in the image; the next take of its task applies it."""


def entries_of(chunk: bytes) -> Iterator[Entry]:
    """Yield the entries of whole journal bytes, in their order."""
    at = 0
    while at + 8 <= len(chunk):
        size = int.from_bytes(chunk[at : at + 8], "little", signed=True)
        if size <= 0:
            at += max(-size, 8)
            continue
        _, kind, sequence, task, cycle, time_ns, first, second = _WORDS.unpack_from(chunk, at)
        start = at + plan.ENTRY_PAYLOAD
        is_commit = kind == plan.ENTRY_COMMIT
        payload = chunk[start : at + size if is_commit else start + second]
        yield Entry(
            Kind(kind), sequence, task, cycle, time_ns, first,
            digest=second if is_commit else 0,
            inputs=payload if kind == plan.ENTRY_TAKE else b"",
            values=payload if is_commit else b"",
            command=payload if kind == plan.ENTRY_COMMAND else b"",
        )  # fmt: skip
        at += size


class DamagedError(Exception):
    """Bytes of a journal are no entries; the text says where and why."""


def end_of_whole(chunk: bytes, *, tasks: int, inputs: int) -> int:
    """Return where the last whole entry of journal bytes ends.

    Args:
        chunk: What may have been cut off at its end.
        tasks: How many tasks wrote it.
        inputs: Bytes of %I.

    Raises:
        DamagedError: There is something in it that is no entry, or entries are missing.
    """
    at, last = 0, None
    while at + 8 <= len(chunk):
        size = int.from_bytes(chunk[at : at + 8], "little", signed=True)
        if size <= 0:
            at += max(-size, 8)
            continue
        if at + min(size, plan.ENTRY_PAYLOAD) > len(chunk):
            return at
        words = _WORDS.unpack_from(chunk, at) if size >= plan.ENTRY_PAYLOAD else (size, *[-1] * 7)
        _, kind, sequence, task, _, _, _, second = words
        is_input = kind == plan.ENTRY_TAKE
        room = min(inputs, size - plan.ENTRY_PAYLOAD) if is_input else size - plan.ENTRY_PAYLOAD
        is_sound = kind == plan.ENTRY_COMMIT or 0 <= second <= room
        if kind not in _KINDS or not 0 <= task < tasks or not is_sound:
            raise DamagedError(f"byte {at} of its entries begins none")
        if last is not None and sequence not in {last, last + 1}:
            raise DamagedError(f"entry {sequence} comes behind entry {last}")
        if at + size > len(chunk):
            return at
        at, last = at + size, sequence
    return min(at, len(chunk))


_KINDS: Final = frozenset(Kind)


class JournalReader:
    """Follows a journal that native code writes; it never holds the writer up."""

    def __init__(self, ring: int, size: int, head: int, tail: int) -> None:
        """Read from the first entry on.

        Args:
            ring: Address of the ring.
            size: Its bytes.
            head: Address of the number of bytes ever written.
            tail: Address of the number of those that are gone.
        """
        self._ring, self._size = ring, size
        self._head = ctypes.c_int64.from_address(head)
        self._tail = ctypes.c_int64.from_address(tail)
        self._read = 0
        self.lost = 0
        """Bytes that were overwritten before they were read."""

    def take(self) -> bytes:
        """Return what was written since the last call, beginning with a whole entry."""
        head = self._head.value
        chunk = self._copy(self._read, head)
        if self._tail.value > self._read:  # the writer has taken some of it back meanwhile
            self.lost += head - self._read
            chunk = b""
        self._read = head
        return chunk

    def last(self) -> bytes:
        """Return the whole entries that the ring still holds, while others are written too."""
        start = self._tail.value
        chunk = self._copy(start, self._head.value)
        return chunk[max(self._tail.value - start, 0) :]

    def _copy(self, start: int, end: int) -> bytes:
        first = start % self._size
        length = end - start
        if length <= 0 or length > self._size:
            return b""
        until_wrap = min(length, self._size - first)
        left = ctypes.string_at(self._ring + first, until_wrap)
        return left + ctypes.string_at(self._ring, length - until_wrap)
