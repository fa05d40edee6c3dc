"""Marks as bytes: the times of the samples of a batch, kept beside it on disk."""

from collections.abc import Iterable
from struct import Struct
from typing import Final

from gateway.flow.reports import Mark, Report

_MARK: Final = Struct("<4q")


def mark_of(report: Report) -> Mark:
    """Return the times of a report's samples."""
    stamp = report.stamp
    return Mark(report.samples, stamp.end_ns, stamp.taken_ns, report.filtered_ns)


def pack_marks(marks: Iterable[Mark]) -> bytes:
    """Return marks as 32 bytes each."""
    return b"".join(_MARK.pack(*mark) for mark in marks)


def unpack_marks(packed: bytes) -> tuple[Mark, ...]:
    """Return the marks that `pack_marks` wrote."""
    return tuple(Mark(*values) for values in _MARK.iter_unpack(packed))
