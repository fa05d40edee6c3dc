"""The file behind the history: written once a second by a thread, while the loop goes on.

A disk that refuses is tried again with all that waits, bounded; a damaged file is set aside and a
new one begun with what memory holds. Without a file the history is in memory only, and says so.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from gateway.store.history import HistoryFile, Sample
from gateway.store.sqlite import StoreCorruptError, StoreUnavailableError, set_aside

_LOG: Final = logging.getLogger("gateway.serve.opcua")
_Result = TypeVar("_Result")
WAITING_MAX: Final = 100_000
"""Samples that wait for a disk that refuses; the oldest of them are then in memory only."""


class Archive:
    """Keeps samples in a file; to be used from one event loop."""

    def __init__(self, path: Path, everything: Callable[[], Sequence[Sample]]) -> None:
        """Open nothing yet; `everything` returns what a new file is to begin with."""
        self._path, self._everything = path, everything
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._file: HistoryFile | None = None
        self._new: deque[Sample] = deque(maxlen=WAITING_MAX)
        self._gone: list[int] = []
        self._number = 0
        self._refused = False

    async def open(self, oldest: int, newest: int) -> list[Sample]:
        """Open the file; return what it holds of these times."""
        found = await self._in_thread(lambda: self._load(oldest, newest))
        self._number = max((item.number for item in found), default=0)
        return found

    def _load(self, oldest: int, newest: int) -> list[Sample]:
        try:
            self._file = HistoryFile(self._path)
            return self._file.load(oldest, newest)
        except StoreCorruptError as error:
            self._begin_anew(error)
        except StoreUnavailableError as error:
            _LOG.error("the history is in memory only: %s: %s", self._path, error)
        return []

    def _begin_anew(self, error: Exception) -> None:
        """Set a damaged file aside and begin a new one."""
        if self._file is not None:
            self._file.close()
            self._file = None
        try:
            aside = set_aside(self._path)
            self._file = HistoryFile(self._path)
        except (OSError, StoreUnavailableError, StoreCorruptError) as second:
            _LOG.error("the history is in memory only: %s: %s", self._path, second)
            return
        _LOG.error(
            "the history %s is damaged (%s): it is set aside as %s and a new one begun",
            self._path, error, aside.name,
        )  # fmt: skip

    def add(self, path: str, ticks: int, row: bytes) -> Sample:
        """Keep a value; it is on disk after the next `flush`."""
        self._number += 1
        sample = Sample(self._number, path, ticks, row)
        self._new.append(sample)
        return sample

    def remove(self, sample: Sample) -> None:
        """Forget a value with the next `flush`."""
        if self._file is not None:
            self._gone.append(sample.number)

    async def flush(self) -> None:
        """Write what waits; what the disk refuses waits on."""
        if self._file is None:
            self._new.clear()
            return
        new, gone = list(self._new), self._gone
        if not new and not gone:
            return
        self._new.clear()
        self._gone = []
        file = self._file
        if not await self._in_thread(lambda: self._change(file, new, gone)):
            self._new.extendleft(reversed(new))
            self._gone = gone + self._gone
        elif self._file is not file:
            self._new.extend(self._everything())

    def _change(self, file: HistoryFile, new: Sequence[Sample], gone: Sequence[int]) -> bool:
        """Return whether nothing of it needs to be tried again."""
        try:
            file.change(new, gone)
        except StoreUnavailableError as error:
            if not self._refused:
                _LOG.error("the history cannot be written (%s); trying again", error)
            self._refused = True
            return False
        except StoreCorruptError as error:
            self._begin_anew(error)
            return True
        if self._refused:
            _LOG.warning("the history is written again")
        self._refused = False
        return True

    async def close(self) -> None:
        """Write what waits and close the file."""
        await self.flush()
        await self._in_thread(lambda: self._file.close() if self._file is not None else None)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
