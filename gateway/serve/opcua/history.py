"""The past of chosen variables: kept in memory, bounded, and read by HistoryRead (part 11, 6.4.3).

A value is kept when it or its status differs from the one before, at the interval of the project.
"""

import asyncio
import bisect
import struct
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.ua_binary import nodeid_to_binary

from gateway.protocols.opcua.builtin import Status
from gateway.protocols.opcua.messages import Message, type_id
from gateway.serve.opcua.answers import Call, Served, Service, check_count, results
from gateway.serve.opcua.rows import BOTH, SERVER, SOURCE, encode_value, frame_row, status_of

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


@dataclass(slots=True)
class Past:
    """What is kept of one variable: times in rising order, and the DataValues at them."""

    samples: int
    ticks: deque[int] = field(init=False)
    rows: deque[bytes] = field(init=False)
    last: tuple[bytes, int] | None = None

    def __post_init__(self) -> None:
        self.ticks = deque(maxlen=self.samples)
        self.rows = deque(maxlen=self.samples)

    def keep(self, ticks: int, row: bytes) -> None:
        """Keep one more value; time that goes backwards is not believed."""
        if not self.ticks or ticks > self.ticks[-1]:
            self.ticks.append(ticks)
            self.rows.append(row)

    def between(
        self, start: int, end: int, limit: int, *, backwards: bool
    ) -> list[tuple[int, bytes]]:
        """Return at most `limit` values from start (included) to end (not), in that direction."""
        times = list(self.ticks)
        if backwards:
            first, last = bisect.bisect_right(times, end), bisect.bisect_right(times, start)
            places: Iterable[int] = range(last - 1, first - 1, -1)
        else:
            first, last = bisect.bisect_left(times, start), bisect.bisect_left(times, end)
            places = range(first, last)
        rows = list(self.rows)
        return [(times[place], rows[place]) for place in islice(places, limit)]


class History:
    """Samples the chosen variables, and answers for them."""

    def __init__(self, served: Served, interval_s: float, samples: int) -> None:
        """Keep nothing yet."""
        self._served = served
        self._interval_s = interval_s
        self._pasts = {
            node: Past(samples) for node, item in served.variables.items() if item.historical
        }

    @property
    def services(self) -> Mapping[int, Service]:
        """The services by the number of their request."""
        return {Message.HISTORY_READ_REQUEST: self._read}

    async def run(self) -> None:
        """Sample until cancelled."""
        while self._pasts:
            self.sample()
            await asyncio.sleep(self._interval_s)

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
                past.keep(snapshot.ticks, row)

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
    times = list(past.ticks)
    place = bisect.bisect_right(times, start) - 1
    if place < 0:
        return [struct.pack("<BIq", 6, _BAD_BOUND, start)]
    row = past.rows[place]
    return [] if rows and rows[0] == row else [row]


def _result(status: int, point: bytes, rows: list[bytes] | None) -> bytes:
    head = struct.pack("<Ii", status, len(point) if point else -1) + point
    if rows is None:
        return head + b"\0\0\0"
    body = struct.pack("<i", len(rows)) + b"".join(rows)
    return head + type_id(_HISTORY_DATA) + b"\x01" + struct.pack("<i", len(body)) + body
