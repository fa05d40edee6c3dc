"""The binary interface between compiled programs, the interpreter and the scan engine.

A program instance owns one contiguous block, the *state*. All of its addresses are offsets into
that block, so that code is shared between instances and a copy of the block is a snapshot:

    0    context: what the engine tells a scan and what a scan reports (below)
    64   %I area, then %Q area, %M area, globals, program instances

Compiled code exports one function for each task, `int32 takt_task_<n>(void *state)`. It returns 0,
or 1 after a fault, whose kind and site stand in the context then. Little-endian throughout.
"""

import enum
from typing import Final

NOW_NS: Final = 0
"""int64: the release time of this scan; the only time a program sees."""
CYCLE: Final = 8
"""uint64: number of this scan, counted from 1."""
LOOP_BUDGET_LEFT: Final = 16
"""int64: loop iterations left in this scan; the engine sets it before each scan."""
FAULT_KIND: Final = 24
"""uint32: a `FaultKind`, 0 while all is well."""
FAULT_SITE: Final = 28
"""uint32: index into `CompiledProgram.sites`."""
STOP_ASKED: Final = 32
"""uint32: not 0 where the watchdog wants the scan to end; loops look at it."""
FAULT_WAY: Final = 40
"""uint64: the way from the task to the fault, one number for all calls on it (`model.ways`)."""
FAULT_INSTANCE: Final = 48
"""uint32: offset of the innermost instance on that way, 0 where there is none."""
FAULT_VALUE: Final = 56
"""int64: the index of an index-out-of-range, the value of a subrange fault; else 0."""
CONTEXT_BYTES: Final = 64
"""Bytes of the context; the %I area follows."""

TASK_SYMBOL: Final = "takt_task_{}"
"""Name of the entry function of task number n."""


class FaultKind(enum.IntEnum):
    """Run-time faults of a program; the label is what the command contract prints."""

    NONE = 0
    INDEX = 1
    ZERO_DIVISION = 2
    NULL_REFERENCE = 3
    WATCHDOG = 4
    SUBRANGE = 5
    ASSERTION = 6
    MISSING_INPUT = 7

    @property
    def label(self) -> str:
        """The fault's name as users see it."""
        return _LABELS[self]


_LABELS: Final = {
    FaultKind.NONE: "none",
    FaultKind.INDEX: "index-out-of-range",
    FaultKind.ZERO_DIVISION: "division-by-zero",
    FaultKind.NULL_REFERENCE: "null-reference",
    FaultKind.WATCHDOG: "watchdog",
    FaultKind.SUBRANGE: "subrange",
    FaultKind.ASSERTION: "assertion",
    FaultKind.MISSING_INPUT: "missing-input",
}
