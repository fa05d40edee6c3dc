"""Batches of samples as JSON: what the outbox keeps, and what MQTT and JetStream carry. Pure.

    {"stream": "…", "seq": 1001, "count": 3, "project": "plant", "run": "18c5…", "frames": [
      {"task": "Fast", "cycle": 17, "time": 1789…, "values": {"MAIN.LEVEL": 1.5, "MAIN.ON": true},
       "quality": {"MAIN.LEVEL": 2}},
      {"task": "Fast", "cycle": 18, "time": 1789…, "values": {"MAIN.LEVEL": 1.6}}]}

`seq` numbers the first sample, and the samples of a stream count without gaps in the order in which
they stand, so that [seq, seq + count) tells what is missing and what came twice. `time` is in ns
since 1970, `quality` lists what is not GOOD. `run` tells the starts of the runtime apart: cycles
count anew with each.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.flow.reports import Report
from runtime.datatypes.values import Json

_ENCODE: Final = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


@dataclass(frozen=True, slots=True)
class Source:
    """Whose samples a batch holds."""

    stream: str
    """Identity of the outbox that numbers them."""
    project: str
    run: str
    """Identity of the runtime's start."""


@dataclass(frozen=True, slots=True)
class Row:
    """One sample out of a batch."""

    seq: int
    run: str
    task: str
    cycle: int
    time_ns: int
    path: str
    value: Json
    quality: int


def encode_batch(source: Source, first: int, reports: Sequence[Report]) -> bytes:
    """Return the samples of reports as one message, numbered from `first`."""
    frames = []
    for report in reports:
        stamp = report.stamp
        frame: dict[str, object] = {
            "task": stamp.task,
            "cycle": stamp.cycle,
            "time": stamp.time_ns,
            "values": report.values,
        }
        if report.qualities:
            frame["quality"] = report.qualities
        frames.append(frame)
    return _ENCODE(
        {
            "stream": source.stream,
            "seq": first,
            "count": sum(report.samples for report in reports),
            "project": source.project,
            "run": source.run,
            "frames": frames,
        }
    ).encode()


class BatchError(ValueError):
    """Bytes that are not a batch."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that came over the wire."""

    stream: str
    first: int
    end: int
    """First number after the batch."""
    project: str
    rows: tuple[Row, ...]


def decode_batch(payload: bytes) -> Batch:
    """Return the batch that `encode_batch` wrote.

    Raises:
        BatchError: The bytes are something else, or their count is wrong.
    """
    try:
        raw = json.loads(payload)
        first, count = int(raw["seq"]), int(raw["count"])
        rows = tuple(_rows(raw, first))
        batch = Batch(str(raw["stream"]), first, first + count, str(raw["project"]), rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BatchError(f"not a batch of samples: {error}") from None
    if len(rows) != count:
        raise BatchError(f"batch {first} of {len(rows)} samples: expected {count}")
    return batch


def _rows(raw: dict[str, object], first: int) -> Iterator[Row]:
    seq, run, frames = first, str(raw["run"]), raw["frames"]
    assert isinstance(frames, list)
    for frame in frames:
        qualities = frame.get("quality", {})
        task, cycle, time_ns = frame["task"], frame["cycle"], frame["time"]
        for path, value in frame["values"].items():
            yield Row(seq, run, task, cycle, time_ns, path, value, qualities.get(path, 0))
            seq += 1


def cut(reports: Iterable[Report], samples_max: int) -> Iterator[list[Report]]:
    """Yield the reports in groups of at most that many samples, or of one report that has more."""
    group: list[Report] = []
    samples = 0
    for report in reports:
        if group and samples + report.samples > samples_max:
            yield group
            group, samples = [], 0
        group.append(report)
        samples += report.samples
    if group:
        yield group
