"""The past of chosen variables, bounded, in memory and in a file; HistoryRead (part 11, 6.4.3).

A value is kept when it or its status differs from the one before, at the interval of the project.
What is read comes from memory; the file brings it back after a restart. While nothing ran nothing
was seen: the first value after a start stands beside the last one before it.
"""

import asyncio
import bisect
import itertools
import logging
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.ua_binary import nodeid_to_binary

from gateway.protocols.opcua.builtin import Status
from gateway.protocols.opcua.messages import Message, type_id
from gateway.serve.opcua.answers import Call, Served, Service, check_count, results
from gateway.serve.opcua.archive import Archive
from gateway.serve.opcua.rows import BOTH, SERVER, SOURCE, encode_value, frame_row, status_of
from gateway.store.history import Sample

_LOG: Final = logging.getLogger("gateway.serve.opcua")
VALUES_MAX: Final = 10_000
"""Values in one answer; a continuation point leads to the rest."""
_HISTORY_DATA: Final = 658
_BAD_HISTORY_UNSUPPORTED: Final = 0x80720000
_BAD_NO_CONTINUATION: Final = 0x804A0000
_GOOD_NO_DATA: Final = 0x00A50000
_BAD_BOUND: Final = 0x80D70000
_POINT: Final = struct.Struct("<qq?")
"""time from which on to go on, time to end at, backwards."""
_TICKS_NULL: Final = 0


FLUSH_S: Final = 1.0
"""Period of writing to the file: what a crash may cost."""


@dataclass(frozen=True, slots=True)
class HistoryTerms:
    """How often variables are looked at, how many of their values are kept, and how long."""

    interval_s: float
    samples: int
    age_ticks: int


@dataclass(slots=True)
class Past:
    """What is kept of one variable, times in rising order."""

    kept: deque[Sample] = field(default_factory=deque)
    last: tuple[bytes, int] | None = None

    def takes(self, ticks: int) -> bool:
        """Whether a value of that time is the newest; time that goes backwards is not believed."""
        return not self.kept or ticks > self.kept[-1].ticks

    def surplus(self, terms: HistoryTerms, now: int) -> Iterator[Sample]:
        """Take out and yield what is too much or too old; the newest stays."""
        oldest = now - terms.age_ticks
        while len(self.kept) > terms.samples or (
            len(self.kept) > 1 and self.kept[0].ticks < oldest
        ):
            yield self.kept.popleft()

    def between(
        self, start: int, end: int, limit: int, *, backwards: bool
    ) -> list[tuple[int, bytes]]:
        """Return at most `limit` values from start (included) to end (not), in that direction."""
        kept = list(self.kept)
        times = [item.ticks for item in kept]
        if backwards:
            first, last = bisect.bisect_right(times, end), bisect.bisect_right(times, start)
            places: Iterable[int] = range(last - 1, first - 1, -1)
        else:
            first, last = bisect.bisect_left(times, start), bisect.bisect_left(times, end)
            places = range(first, last)
        return [(times[place], kept[place].row) for place in islice(places, limit)]


class History:
    """Samples the chosen variables, and answers for them."""

    def __init__(self, served: Served, terms: HistoryTerms, path: Path) -> None:
        """Keep nothing yet; the file at the path is made where variables are chosen."""
        self._served = served
        self._terms = terms
        self._pasts = {node: Past() for node, item in served.variables.items() if item.historical}
        self._archive = Archive(path, self._everything)

    def _everything(self) -> list[Sample]:
        found = itertools.chain.from_iterable(past.kept for past in self._pasts.values())
        return sorted(found, key=lambda item: item.number)

    async def open(self) -> None:
        """Bring back what the file holds; what is not chosen any more stays there for its age."""
        if not self._pasts:
            return
        now = self._served.ticks()
        by_path = {self._served.variables[node].path: past for node, past in self._pasts.items()}
        samples = await self._archive.open(now - self._terms.age_ticks, now)
        for sample in samples:
            past = by_path.get(sample.path)
            if past is not None and past.takes(sample.ticks):
                past.kept.append(sample)
        for past in self._pasts.values():
            self._drop(past, now)
        if samples:
            _LOG.info("OPC UA: history of %d values", sum(len(p.kept) for p in by_path.values()))

    def _drop(self, past: Past, now: int) -> None:
        for sample in past.surplus(self._terms, now):
            self._archive.remove(sample)

    @property
    def services(self) -> Mapping[int, Service]:
        """The services by the number of their request."""
        return {Message.HISTORY_READ_REQUEST: self._read}

    async def run(self) -> None:
        """Sample until cancelled; what was sampled is on disk then."""
        if not self._pasts:
            return
        clock = asyncio.get_running_loop().time
        flushed_s = clock()
        try:
            while True:
                self.sample()
                if clock() - flushed_s >= FLUSH_S:
                    flushed_s = clock()
                    await self._archive.flush()
                await asyncio.sleep(self._terms.interval_s)
        finally:
            await self._archive.close()

    def sample(self) -> None:
        """Keep what has changed."""
        snapshot, now = self._served.source().snapshot(), self._served.ticks()
        for node, past in self._pasts.items():
            variable = self._served.variables[node]
            status = status_of(variable, snapshot)
            found = encode_value(variable, snapshot), status
            if found != past.last:
                past.last = found
                row = frame_row(variable, snapshot, found[0], BOTH, now)
                if past.takes(snapshot.ticks):
                    past.kept.append(self._archive.add(variable.path, snapshot.ticks, row))
            self._drop(past, now)

    async def _read(self, call: Call) -> bytes:
        wanted = call.parameters(ua.HistoryReadParameters)
        details = wanted.HistoryReadDetails
        if not isinstance(details, ua.ReadRawModifiedDetails) or details.IsReadModified:
            raise ServiceError(ua.StatusCodes.BadHistoryOperationUnsupported)
        if wanted.TimestampsToReturn not in {SOURCE, SERVER, BOTH}:
            raise ServiceError(Status.BAD_TIMESTAMPS_TO_RETURN_INVALID)
        check_count(len(wanted.NodesToRead))
        release = wanted.ReleaseContinuationPoints
        rows = [b"" if release else self._one(item, details) for item in wanted.NodesToRead]
        empty = _result(Status.GOOD, b"", None)
        return results(
            Message.HISTORY_READ_RESPONSE,
            call,
            self._served.ticks(),
            [row or empty for row in rows],
        )

    def _one(self, item: ua.HistoryReadValueId, details: ua.ReadRawModifiedDetails) -> bytes:
        node = nodeid_to_binary(item.NodeId)
        past = self._pasts.get(node)
        if past is None:
            known = node in self._served.variables
            status = _BAD_HISTORY_UNSUPPORTED if known else Status.BAD_NODE_ID_UNKNOWN
            return _result(status, b"", None)
        limit = min(details.NumValuesPerNode or VALUES_MAX, VALUES_MAX)
        if item.ContinuationPoint:
            if len(item.ContinuationPoint) != _POINT.size:
                return _result(_BAD_NO_CONTINUATION, b"", None)
            start, end, backwards = _POINT.unpack(item.ContinuationPoint)
        else:
            start, end, backwards = _span(details, self._served.ticks)
        found = past.between(start, end, limit + 1, backwards=backwards)
        point = _POINT.pack(found[limit][0], end, backwards) if len(found) > limit else b""
        rows = [row for _, row in found[:limit]]
        if details.ReturnBounds and not item.ContinuationPoint:
            rows = [*_bound(past, start, rows), *rows]
        return _result(Status.GOOD if rows else _GOOD_NO_DATA, point, rows)


def _span(details: ua.ReadRawModifiedDetails, ticks: Callable[[], int]) -> tuple[int, int, bool]:
    """Return start, end and direction of what is asked for; a start that is absent reads back."""
    start, end = _ticks(details.StartTime), _ticks(details.EndTime)
    if start == _TICKS_NULL:
        return end, 0, True
    if end == _TICKS_NULL:
        return start, ticks() + 1, False
    return start, end, start > end


def _ticks(time: object) -> int:
    found = ua.datetime_to_win_epoch(time) if time is not None else _TICKS_NULL
    return int(found) if found > 0 else _TICKS_NULL


def _bound(past: Past, start: int, rows: list[bytes]) -> list[bytes]:
    """Return the value that held at the start, unless there is one at just that time."""
    times = [item.ticks for item in past.kept]
    place = bisect.bisect_right(times, start) - 1
    if place < 0:
        return [struct.pack("<BIq", 6, _BAD_BOUND, start)]
    row = past.kept[place].row
    return [] if rows and rows[0] == row else [row]


def _result(status: int, point: bytes, rows: list[bytes] | None) -> bytes:
    head = struct.pack("<Ii", status, len(point) if point else -1) + point
    if rows is None:
        return head + b"\0\0\0"
    body = struct.pack("<i", len(rows)) + b"".join(rows)
    return head + type_id(_HISTORY_DATA) + b"\x01" + struct.pack("<i", len(body)) + body
