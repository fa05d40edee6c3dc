"""Where everything stands in the segment. Native code and Python use these numbers alike.

    header (16384 bytes) | directory (JSON) | sections, each aligned to 64 bytes

Header, little-endian:
    0  magic, 8 bytes        8  version u32         12 header bytes u32
    16 total bytes u64       24 layout hash u64     32 generation u64 (new with each creation)
    40 runtime pid u32       44 mode u32            48 runtime heartbeat i64 (CLOCK_MONOTONIC, ns)
    56 gateway heartbeat i64 64 gateway pid u32     68 number of sections u32
    128 section table: {kind u32, index u32, offset u64, size u64} each
"""

import enum
import struct
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"TAKTIMG\0"
VERSION: Final = 7
HEADER_BYTES: Final = 16_384
HEADER: Final = struct.Struct("<8sIIQQQIIqqII")

MODE: Final = 44
RUNTIME_HEARTBEAT_NS: Final = 48
GATEWAY_HEARTBEAT_NS: Final = 56
GATEWAY_PID: Final = 64
SECTION_TABLE: Final = 128
SECTION: Final = struct.Struct("<IIQQ")
SECTIONS_MAX: Final = (HEADER_BYTES - SECTION_TABLE) // SECTION.size
CACHE_LINE: Final = 64


class Mode(enum.IntEnum):
    """What the runtime is doing."""

    STOPPED = 0
    READY = 1
    RUNNING = 2
    FAULTED = 3


class SectionKind(enum.IntEnum):
    """Kinds of sections; `index` counts within a kind."""

    DIRECTORY = 1
    INPUTS = 2
    """A slot ring for each device, written by the gateway."""
    OUTPUTS = 3
    """A slot ring, written by the runtime."""
    FRAME = 4
    """A slot ring, written by the runtime."""
    TASK_STATISTICS = 5
    """Counters and histograms for each task, written by the runtime."""
    LINK_STATISTICS = 6
    """Counters and histograms for each device, written by the gateway."""
    RETAIN_STATISTICS = 8
    """Counters of the retained values, written by the runtime."""
    COMMANDS = 7
    """A queue of commands for each task: writes and forces, applied at its next take."""


class Quality(enum.IntEnum):
    """Quality of one input; the greater, the worse."""

    GOOD = 0
    UNCERTAIN = 1
    STALE = 2
    """Set by the runtime: the source time is older than the device's `stale_after`."""
    BAD = 3
    """Set by the gateway: the device answered with an error, or not at all."""
    MISSING = 4
    """No sample has ever arrived."""


# -- commands -----------------------------------------------------------------------------------
COMMANDS_WRITTEN: Final = 0
"""u64: number of the newest command, counted from 1; commands come from several processes, which
lock the image's file while they write one."""
COMMANDS_APPLIED: Final = 8
"""u64: number of the last command that the task has applied or refused."""
COMMANDS_HEADER_BYTES: Final = 64
COMMAND_SLOTS: Final = 64
COMMAND: Final = struct.Struct("<QIIQQQQI12x")
"""number u64 (written last), kind u32, mask u32 (the bits of a single byte that count), offset u64
in the state, bytes u64 of the value; the runtime's answer: cycle u64, sequence u64 of the take that
applied it, status u32. Then the value."""
COMMAND_KIND: Final = 8
COMMAND_MASK: Final = 12
COMMAND_OFFSET: Final = 16
COMMAND_SIZE: Final = 24
COMMAND_CYCLE: Final = 32
COMMAND_SEQUENCE: Final = 40
COMMAND_STATUS: Final = 48
COMMAND_VALUE: Final = 64
COMMAND_VALUE_MAX: Final = 1024
"""Bytes of the greatest value: a USTRING of 254."""
COMMAND_BYTES: Final = COMMAND_VALUE + COMMAND_VALUE_MAX
COMMANDS_BYTES: Final = COMMANDS_HEADER_BYTES + COMMAND_SLOTS * COMMAND_BYTES
FORCE_VALUE_MAX: Final = 8
"""Bytes of the greatest value that can be forced: a number."""


class CommandKind(enum.IntEnum):
    """What a command does."""

    WRITE = 1
    """Give a variable a value, once."""
    FORCE = 2
    """Hold a variable at a value, at every take and commit, until it is released."""
    UNFORCE = 3
    """Release a variable."""
    UNFORCE_ALL = 4
    """Release all variables of the task, and those of no task."""


class CommandStatus(enum.IntEnum):
    """What became of a command."""

    WAITING = 0
    APPLIED = 1
    REFUSED = 2
    """It makes no sense: a place outside of the state, too large a value, too many forces."""


# -- slot ring ----------------------------------------------------------------------------------
RING_HEAD: Final = 0
"""u64: number of the newest complete publication, 0 before the first."""
RING_SLOTS: Final = 8
"""u32: number of slots; publication n stands in slot n % slots."""
RING_PAYLOAD: Final = 12
"""u32: bytes of one payload."""
RING_HEADER_BYTES: Final = 64
SLOT_HEADER_BYTES: Final = 64
"""A slot begins with its publication's number (u64), 0 while it is being written."""


def slot_stride(payload: int) -> int:
    """Return the bytes from one slot to the next."""
    return SLOT_HEADER_BYTES + -(-payload // CACHE_LINE) * CACHE_LINE


def ring_bytes(payload: int, slots: int) -> int:
    """Return the bytes of a slot ring."""
    return RING_HEADER_BYTES + slots * slot_stride(payload)


# -- payloads -----------------------------------------------------------------------------------
MAILBOX_HEADER: Final = struct.Struct("<IIqQQQ24x")
"""link state u32, last error u32, round trip of the last poll ns i64, polls u64, failures u64,
reconnects u64."""
ENTRY: Final = struct.Struct("<QqII")
"""One input: raw value u64 (bit or words, zero-extended), source time i64 (CLOCK_MONOTONIC, ns;
0 = never), quality u32, reserved u32."""

OUTPUT_HEADER: Final = struct.Struct("<QqqIIII")
"""cycle u64, release i64, end i64 (CLOCK_MONOTONIC, ns), safe u32 (1 = safe values), devices u32,
task u32 (whose commit this follows; cycle and times are its), reserved u32. Then for each device
{consumed publication u64, newest source time i64}, then the bytes of %Q."""
CONSUMED: Final = struct.Struct("<Qq")

FRAME_HEADER: Final = struct.Struct("<QqqqIIIIQII")
"""cycle u64, release i64, start i64, end i64, fault kind u32, fault site u32, inputs u32,
state bytes u32, sequence u64 (number of the commit among all takes and commits), task u32 (whose
commit it is; cycle, times and fault are its), reserved u32. Then one u8 of effective quality for
each input (all devices in order), padded to 8 bytes, then the state."""


class Link(enum.IntEnum):
    """State of the gateway's link to a device."""

    DOWN = 0
    CONNECTING = 1
    UP = 2


class LinkError(enum.IntEnum):
    """Why the last exchange with a device failed."""

    NONE = 0
    REFUSED = 1
    TIMEOUT = 2
    CLOSED = 3
    PROTOCOL = 4
    """Bytes that are not the protocol: garbage, a wrong transaction or unit."""
    EXCEPTION = 5
    """The device answered with an exception code."""


# -- histogram ----------------------------------------------------------------------------------
SUB_BITS: Final = 5
"""32 buckets an octave: a percentile is at most 3.2 % above the true value."""
OCTAVES_END: Final = 40
"""Values from 2^40 ns (18 minutes) on count in the last bucket."""
BUCKETS: Final = (OCTAVES_END - SUB_BITS + 1) << SUB_BITS
HISTOGRAM_MAX: Final = 0
"""i64: greatest value."""
HISTOGRAM_SUM: Final = 8
"""u64: sum of all values."""
HISTOGRAM_BUCKETS: Final = 64
"""u64 each: number of values."""
HISTOGRAM_BYTES: Final = HISTOGRAM_BUCKETS + 8 * BUCKETS

TASK_SCANS: Final = 0
"""u64: completed scans."""
TASK_OVERRUNS: Final = 8
"""u64: scans that ended after the next release."""
TASK_SKIPPED: Final = 16
"""u64: releases skipped because of overruns."""
TASK_FAULT_KIND: Final = 24
"""u64: the `FaultKind` that ended the task, 0 while it runs."""
TASK_FAULT_SITE: Final = 32
"""u64: the fault's site in the directory."""
TASK_LOST_EDGES: Final = 40
"""u64: rising edges of an event task's variable that came while one was pending."""
TASK_LATENESS: Final = 64
"""Histogram: release to start, ns."""
TASK_EXECUTION: Final = TASK_LATENESS + HISTOGRAM_BYTES
"""Histogram: start to end, ns."""
TASK_JITTER: Final = TASK_EXECUTION + HISTOGRAM_BYTES
"""Histogram: by how much the time from a start to the next differs from the time between their
releases, ns; none for the first scan."""
TASK_REACTION: Final = TASK_JITTER + HISTOGRAM_BYTES
"""Histogram: what a scan reacts to, to the end of its commit, ns. An event task reacts to its edge.
Any other reacts to the newest input sample, by its source time, where that is newer than the one
that its scan before took; a scan without a newer one, the first one and one that faults have none.
"""
TASK_STATISTICS_BYTES: Final = TASK_REACTION + HISTOGRAM_BYTES

RETAIN_COMMITS: Final = 0
"""u64: commits of retained values."""
RETAIN_FAILURES: Final = 8
"""u64: commits that the disk refused."""
RETAIN_WRITTEN: Final = 16
"""u64: bytes handed to the disk."""
RETAIN_SAVED_NS: Final = 24
"""u64: time of day of the last commit, ns since 1970."""
RETAIN_FAILING: Final = 32
"""u64: 1 while the last attempt failed."""
RETAIN_BYTES: Final = 40
"""u64: bytes of the values that are kept; 0 where nothing is."""
RETAIN_STATISTICS_BYTES: Final = 64

LINK_WRITES: Final = 0
"""u64: acknowledged write requests."""
LINK_ROUND_TRIP: Final = 64
"""Histogram: request sent to response complete, ns."""
LINK_REACTION: Final = LINK_ROUND_TRIP + HISTOGRAM_BYTES
"""Histogram: newest input sample that a scan used to that scan's output acknowledged, ns."""
LINK_STATISTICS_BYTES: Final = LINK_REACTION + HISTOGRAM_BYTES


def bucket_of(value: int) -> int:
    """Return the bucket of a value in ns; the engine's native twin is `engine.statistics`."""
    value = max(value, 0)
    if value < 1 << SUB_BITS:
        return value
    octave = value.bit_length() - 1
    if octave >= OCTAVES_END:
        return BUCKETS - 1
    mantissa = (value >> (octave - SUB_BITS)) & ((1 << SUB_BITS) - 1)
    return ((octave - SUB_BITS + 1) << SUB_BITS) + mantissa


def bucket_upper(bucket: int) -> int:
    """Return the greatest value in ns that counts in a bucket."""
    if bucket < 1 << SUB_BITS:
        return bucket
    octave = (bucket >> SUB_BITS) + SUB_BITS - 1
    mantissa = bucket & ((1 << SUB_BITS) - 1)
    step = 1 << (octave - SUB_BITS)
    return (1 << octave) + (mantissa + 1) * step - 1


@dataclass(frozen=True, slots=True)
class SectionPlace:
    """One row of the section table."""

    kind: SectionKind
    index: int
    offset: int
    size: int
