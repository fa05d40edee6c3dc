"""The log of retained values on two files, written so that no loss of power leaves a mixture.

A file is a chain: a header with the layout, a record with all values, then records with what has
changed since. Every part carries a digest that is keyed by the digest before it, so a part counts
only behind the very parts that it was written behind; whatever a torn write, lost sectors or an
older content of the file leave there ends the chain.

    header | layout | FULL record | CHANGE record | CHANGE record | ..

A record counts once it is synced: one sync for each commit. When the changes have grown
as long as what they stand behind, a new chain with a higher generation begins in the other file;
the file of the last good commit is never touched before the new chain is synced. After a failure
nothing is appended any more: the next commit begins a new chain too. So a reader finds the last
commit, or the one before where that one was cut off.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from runtime.retain.disk import Disk
from runtime.retain.layout import HASH_BYTES, Layout, decode_layout

MAGIC: Final = b"TAKTRETN"
VERSION: Final = 1
CHUNK_BYTES: Final = 64
"""Granularity of changes: the line of a cache, and less than any sector."""
CHAIN_BYTES_MIN: Final = 1 << 16
"""A chain may grow to this, however little stands in front of its changes."""
_DIGEST: Final = 16
_HEADER: Final = struct.Struct("<8sIIQIII")
"""Magic, version, bytes of this header, generation, bytes of the layout, of the values, reserved.
The hash of the layout follows, then the digest, then the layout."""
_HEAD_BYTES: Final = _HEADER.size + HASH_BYTES + _DIGEST
_RECORD: Final = struct.Struct("<4sIQQqqQ")
"""Kind, number of runs, sequence, cycle, program time (ns), wall time (ns), bytes that follow the
digest behind this."""
_RECORD_BYTES: Final = _RECORD.size + _DIGEST
_FULL, _CHANGE = b"FULL", b"CHNG"
_RUN: Final = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which scan the values are of."""

    cycle: int
    program_ns: int
    """The program's own time, which timers count in."""
    wall_ns: int
    """Time of day of the commit, since 1970."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Values as they were kept, with their layout."""

    layout: Layout
    values: bytes
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Chain:
    """What one file holds."""

    slot: int
    generation: int
    commit: Commit | None
    """The last whole commit; None where there is none."""
    trouble: str = ""
    """Why there is no commit in a file that has content, or what stands behind the last one."""
    is_foreign: bool = False
    """Whether it is not a file of this store at all."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found: the commit to go on from, and each file."""

    commit: Commit | None
    slot: int
    """Where the commit stands; -1 without one."""
    generation: int
    """The highest found."""
    chains: tuple[Chain, ...]


def recover(disk: Disk) -> Recovery:
    """Read both files and return the newest whole commit."""
    chains = tuple(_found(disk, slot) for slot in (0, 1))
    whole = [item for item in chains if item.commit is not None]
    best = max(whole, key=lambda item: item.generation, default=None)
    generation = max(item.generation for item in chains)
    if best is None:
        return Recovery(None, -1, generation, chains)
    return Recovery(best.commit, best.slot, generation, chains)


class Store:
    """Writes commits; `commit` may raise OSError, after which the next call tries again."""

    def __init__(
        self,
        disk: Disk,
        layout: Layout,
        found: Recovery,
        *,
        chain_bytes_min: int = CHAIN_BYTES_MIN,
    ) -> None:
        """Go on from what was found; nothing is written yet.

        Args:
            disk: The two files.
            layout: What the values hold from now on.
            found: What `recover` found there.
            chain_bytes_min: What a chain may grow to in any case.
        """
        self._disk, self._layout = disk, layout
        self._encoded, self._hash = layout.encode(), layout.hash
        self._safe = found.slot
        """The file of the last commit, which must stay as it is."""
        lost = found.commit is None
        self._aside = {
            item.slot for item in found.chains if item.is_foreign or (lost and item.trouble)
        }
        self._generation = found.generation
        self._chain: _Writing | None = None
        self._chain_bytes_min = chain_bytes_min
        same = found.commit is not None and found.commit.layout == layout
        self._last = found.commit.values if found.commit is not None and same else None
        self.commits = 0
        """Commits made."""
        self.written_bytes = 0
        """Bytes handed to the disk."""

    @property
    def value_bytes(self) -> int:
        """Bytes of the values of one commit."""
        return self._layout.size

    def commit(self, values: bytes, stamp: Stamp, *, always: bool = False) -> bool:
        """Keep the values of one scan; return False where they are what was kept last.

        Args:
            values: Packed as the layout says.
            stamp: Which scan they are of.
            always: Whether the stamp is to be kept even where no value has changed.

        Raises:
            OSError: The disk failed. What was kept before is kept still.
        """
        if values == self._last and not always:
            return False
        chain = self._chain
        self._chain = None  # until this commit is through
        if chain is not None and self._last is not None and chain.end < chain.limit:
            runs = list(changed_runs(self._last, values))
            self._append(chain, _CHANGE, len(runs), _encode_runs(runs, values), stamp)
        else:
            chain = self._begin()
            self._append(chain, _FULL, 0, values, stamp)
            self._safe = chain.slot
        self._chain, self._last = chain, values
        self.commits += 1
        return True

    def _begin(self) -> "_Writing":
        slot = 1 - self._safe if self._safe >= 0 else 0
        if slot in self._aside:
            self._disk.set_aside(slot)
            self._aside.discard(slot)
        self._generation += 1
        head = _HEADER.pack(
            MAGIC, VERSION, _HEAD_BYTES, self._generation, len(self._encoded),
            self._layout.size, 0,
        )  # fmt: skip
        head += self._hash
        digest = _digest(b"", head, self._encoded)
        start = head + digest + self._encoded
        self._disk.clear(slot)
        self._disk.write(slot, 0, start)
        self.written_bytes += len(start)
        limit = max(2 * (len(start) + self._layout.size), self._chain_bytes_min)
        return _Writing(slot, digest, len(start), limit)

    def _append(self, chain: "_Writing", kind: bytes, runs: int, body: bytes, stamp: Stamp) -> None:
        head = _RECORD.pack(
            kind, runs, chain.sequence, stamp.cycle, stamp.program_ns, stamp.wall_ns, len(body)
        )
        digest = _digest(chain.digest, head, body)
        self._disk.write(chain.slot, chain.end, head + digest)
        self._disk.write(chain.slot, chain.end + _RECORD_BYTES, body)
        self._disk.sync(chain.slot)
        size = _RECORD_BYTES + len(body)
        self.written_bytes += size
        chain.digest, chain.end = digest, chain.end + size
        chain.sequence += 1


@dataclass(slots=True)
class _Writing:
    """A chain that is being written."""

    slot: int
    digest: bytes
    end: int
    limit: int
    sequence: int = 0


def _digest(before: bytes, *parts: bytes) -> bytes:
    digest = hashlib.blake2b(key=before, digest_size=_DIGEST)
    for part in parts:
        digest.update(part)
    return digest.digest()


# -- changes --------------------------------------------------------------------------------------


def changed_runs(old: bytes, new: bytes) -> Iterator[tuple[int, int]]:
    """Yield offset and size of what differs, in whole chunks, neighbours joined."""
    start = -1
    for at in range(0, len(new), CHUNK_BYTES):
        differs = old[at : at + CHUNK_BYTES] != new[at : at + CHUNK_BYTES]
        if differs and start < 0:
            start = at
        elif not differs and start >= 0:
            yield start, at - start
            start = -1
    if start >= 0:
        yield start, len(new) - start


def _encode_runs(runs: list[tuple[int, int]], values: bytes) -> bytes:
    table = b"".join(_RUN.pack(at, size) for at, size in runs)
    return table + b"".join(values[at : at + size] for at, size in runs)


def _apply_runs(values: bytearray, count: int, body: bytes) -> None:
    at = count * _RUN.size
    for offset, size in _RUN.iter_unpack(body[:at]):
        values[offset : offset + size] = body[at : at + size]
        at += size


# -- reading --------------------------------------------------------------------------------------


def _found(disk: Disk, slot: int) -> Chain:
    try:
        return _read_chain(slot, disk.read(slot))
    except OSError as error:
        return Chain(slot, 0, None, f"cannot be read ({error.strerror})", is_foreign=True)


def _read_chain(slot: int, content: bytes) -> Chain:
    """Return what a file holds, up to the first part that is not whole."""
    if not content.rstrip(b"\0"):
        return Chain(slot, 0, None)  # nothing was ever written, or none of it arrived
    if not content.startswith(MAGIC):
        return Chain(slot, 0, None, "not a file of retained values", is_foreign=True)
    if len(content) < _HEAD_BYTES:
        return Chain(slot, 0, None, "the header is cut off")
    _, version, _, generation, layout_bytes, size, _ = _HEADER.unpack_from(content)
    if version != VERSION:
        text = f"of version {version}, expected version {VERSION}"
        return Chain(slot, 0, None, text, is_foreign=True)
    head = content[: _HEADER.size + HASH_BYTES]
    encoded = content[_HEAD_BYTES : _HEAD_BYTES + layout_bytes]
    digest = _digest(b"", head, encoded)
    if digest != content[len(head) : _HEAD_BYTES]:
        return Chain(slot, 0, None, "the header or the layout does not match its digest")
    try:
        layout = decode_layout(encoded)
    except ValueError as error:
        return Chain(slot, generation, None, str(error))
    commit, end = _last_commit(content, _HEAD_BYTES + layout_bytes, digest, layout, size)
    if commit is None:
        return Chain(slot, generation, None, "the values do not match their digest")
    rest = len(content) - end
    return Chain(slot, generation, commit, f"{rest} bytes of an unfinished commit" if rest else "")


def _last_commit(
    content: bytes, at: int, digest: bytes, layout: Layout, size: int
) -> tuple[Commit | None, int]:
    """Return the last whole commit of a chain and where it ends."""
    values, stamp, sequence = bytearray(), None, 0
    while True:
        head = content[at : at + _RECORD.size]
        if len(head) < _RECORD.size:
            break
        kind, runs, number, cycle, program_ns, wall_ns, length = _RECORD.unpack(head)
        body = content[at + _RECORD_BYTES : at + _RECORD_BYTES + length]
        digest = _digest(digest, head, body)
        if len(body) != length or number != sequence:
            break
        if digest != content[at + _RECORD.size : at + _RECORD_BYTES]:
            break
        if kind == _FULL:
            values = bytearray(body)
        else:
            _apply_runs(values, runs, body)
        stamp, sequence = Stamp(cycle, program_ns, wall_ns), sequence + 1
        at += _RECORD_BYTES + length
    if stamp is None or len(values) != size:
        return None, at
    return Commit(layout, bytes(values), stamp), at
