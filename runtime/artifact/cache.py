"""Compiled code kept on disk by the hash of all it depends on, so that it is made only once.

The folder is TAKT_CACHE, else $XDG_CACHE_HOME/takt, else ~/.cache/takt. Losing it costs time, never
a result: an entry that cannot be read is made again, one that cannot be written is not kept.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Final

ENTRIES_MAX: Final = 400
"""Entries kept; beyond that the ones unused longest are removed."""


def cache_folder() -> Path:
    """Return the folder of the cache; it need not exist."""
    chosen = os.environ.get("TAKT_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "takt"


def key_of(*parts: str | bytes) -> str:
    """Return the key (hex) of everything an entry depends on."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def fetch(key: str) -> bytes | None:
    """Return an entry, or None."""
    path = cache_folder() / key
    try:
        data = path.read_bytes()
    except OSError:
        return None
    check, body = data[:32], data[32:]
    if hashlib.sha256(body).digest() != check:
        return None  # half written by a machine that lost power
    with contextlib.suppress(OSError):
        os.utime(path)
    return body


def keep(key: str, body: bytes) -> None:
    """Store an entry; it appears whole or not at all."""
    folder = cache_folder()
    temporary = folder / f".{key}.{os.getpid()}"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.write_bytes(hashlib.sha256(body).digest() + body)
        temporary.replace(folder / key)
        _prune(folder)


def _prune(folder: Path) -> None:
    entries = [item for item in folder.iterdir() if not item.name.startswith(".")]
    if len(entries) <= ENTRIES_MAX:
        return
    entries.sort(key=lambda item: item.stat().st_mtime)
    for item in entries[: len(entries) - ENTRIES_MAX // 2]:
        item.unlink(missing_ok=True)
