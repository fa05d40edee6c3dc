"""The number of a connection (bdSeq) in a file, so that it goes on after a restart of the gateway.

A death that a broker sends late for a connection of before the restart is told by it from that of
the present one.
"""

import logging
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger("gateway.store")


class SessionNumber:
    """Counts from 0 up to a bound, and from 0 again."""

    def __init__(self, path: Path | None, bound: int) -> None:
        """Take the file; without one, or where it cannot be used, numbers begin with each start."""
        self._path, self._bound = path, bound
        self._last: int | None = None

    def next(self) -> int:
        """Return the next number; it is in the file before this returns."""
        last = self._last if self._last is not None else self._read()
        self._last = (last + 1) % self._bound
        self._write(self._last)
        return self._last

    def _read(self) -> int:
        """Return the number of the last connection, -1 where there was none."""
        try:
            found = int(self._path.read_text(encoding="ascii")) if self._path is not None else -1
        except FileNotFoundError:
            return -1
        except (OSError, ValueError) as error:
            _LOG.warning("%s: expected the number of a connection (%s)", self._path, error)
            return -1
        return found if 0 <= found < self._bound else -1

    def _write(self, number: int) -> None:
        if self._path is None:
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            beside.write_text(f"{number}\n", encoding="ascii")
            beside.replace(self._path)
        except OSError as error:
            _LOG.warning("%s cannot be written: %s", self._path, error.strerror)
