"""Samples as rows of PostgreSQL: the tables, and records in the order of their columns.

`:table` in a statement stands for the table's name; the project's schema allows plain names only.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from gateway.flow.batches import Batch
from gateway.flow.values import split_value

COLUMNS: Final = (
    "stream", "seq", "project", "run", "task", "cycle", "time", "path", "number", "text", "quality",
)  # fmt: skip
CREATE_SAMPLES: Final = """CREATE TABLE IF NOT EXISTS :table (
    stream uuid NOT NULL, seq bigint NOT NULL, project text NOT NULL, run text NOT NULL,
    task text NOT NULL, cycle bigint NOT NULL, time timestamptz NOT NULL, path text NOT NULL,
    number double precision, text text, quality smallint NOT NULL, PRIMARY KEY (stream, seq))"""
CREATE_PROGRESS: Final = """CREATE TABLE IF NOT EXISTS :table_progress (
    stream uuid NOT NULL, lane text NOT NULL, next bigint NOT NULL, PRIMARY KEY (stream, lane))"""
READ_PROGRESS: Final = "SELECT next FROM :table_progress WHERE stream = $1 AND lane = $2"
WRITE_PROGRESS: Final = """INSERT INTO :table_progress AS old VALUES ($1, $2, $3)
    ON CONFLICT (stream, lane) DO UPDATE SET next = greatest(old.next, excluded.next)"""
STAGE: Final = "CREATE TEMPORARY TABLE :table_staged (LIKE :table) ON COMMIT DROP"
UNSTAGE: Final = "INSERT INTO :table SELECT * FROM :table_staged ON CONFLICT DO NOTHING"
_SECOND_NS: Final = 1e9
Record = tuple[object, ...]


def records_of(payload: bytes) -> list[Record]:
    """Return the rows of a batch that the outbox made: the quick way, for what is known sound."""
    raw = json.loads(payload)
    stream, project, run = uuid.UUID(raw["stream"]), raw["project"], raw["run"]
    records: list[Record] = []
    seq = raw["seq"]
    for frame in raw["frames"]:
        task, cycle, time = frame["task"], frame["cycle"], _time(frame["time"])
        qualities = frame.get("quality", {})
        for path, value in frame["values"].items():
            number, text = split_value(value)
            quality = qualities.get(path, 0)
            records.append(
                (stream, seq, project, run, task, cycle, time, path, number, text, quality)
            )
            seq += 1
    return records


def records_of_batch(batch: Batch) -> Iterator[Record]:
    """Yield the rows of a batch that came over the wire."""
    stream = uuid.UUID(batch.stream)
    for row in batch.rows:
        yield (
            stream, row.seq, batch.project, row.run, row.task, row.cycle, _time(row.time_ns),
            row.path, *split_value(row.value), row.quality,
        )  # fmt: skip


def _time(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns / _SECOND_NS, UTC)
