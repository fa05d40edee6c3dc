"""LLVM text that is shipped with Takt, so that a first start needs no numba.

numba takes about 65 ms of processor time for each function of the scan loops, the standard blocks
and the functions of strings; the text it makes depends on nothing but the sources. `make ship`
keeps that text, compressed, in `shipped-MACHINE.zip`, an entry each, named by the hash of all that
the text depends on. What is not there, or was changed since, numba makes as before.
"""

import contextlib
import platform
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ARCHIVE: Final = Path(__file__).with_name(f"shipped-{platform.machine()}.zip")
"""Text for this kind of machine: layouts of data differ between kinds, processors do not."""
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)

_gathered: dict[str, str] | None = None


def fetch(key: str) -> str | None:
    """Return a shipped text, or None; None always while texts are gathered."""
    if _gathered is not None:
        return None
    with (
        contextlib.suppress(OSError, KeyError, zipfile.BadZipFile),
        zipfile.ZipFile(ARCHIVE) as file,
    ):
        return file.read(key).decode()
    return None


def is_gathering() -> bool:
    """Whether every text is to be made anew, as `gathering` wants it."""
    return _gathered is not None


def note(key: str, text: str) -> None:
    """Keep a text that was made, where texts are gathered."""
    if _gathered is not None:
        _gathered[key] = text


@contextlib.contextmanager
def gathering() -> Iterator[dict[str, str]]:
    """Gather the texts that are made within the block, by key."""
    global _gathered  # noqa: PLW0603  the one switch of a command that only developers run
    _gathered = {}
    try:
        yield _gathered
    finally:
        _gathered = None


def write(texts: dict[str, str], archive: Path = ARCHIVE) -> None:
    """Write the archive; the same texts make the same bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for key in sorted(texts):
            file.writestr(zipfile.ZipInfo(key, _LONG_AGO), texts[key], zipfile.ZIP_DEFLATED)


def keys(archive: Path = ARCHIVE) -> frozenset[str]:
    """Return the keys of an archive, none where there is none."""
    with contextlib.suppress(OSError), zipfile.ZipFile(archive) as file:
        return frozenset(file.namelist())
    return frozenset()
