"""The scan plan: blocks of private memory that tell the native loops all that they need.

Python fills them before the loops start and reads them after they ended; in between the two share
no more than the STOP words and the results, each one aligned word. Addresses, sizes and publication
numbers that native code uses stand here and not in the shared image, so that no stray write of
another process can send a loop astray.

    worker   one native thread: the jobs it serves
    job      one task of one PLC: its private state, its borders, its times
    PLC      one program that runs: its committed state, the image, the inputs
    rows     of a PLC's devices, inputs and events; of a job's takes, owned ranges and cells

Offsets are in bytes; every word is an int64. A word of an address says "address" in its comment.
"""

from typing import Final

# -- worker -----------------------------------------------------------------------------------
WORKER_STOP: Final = 0
"""Not 0: publish the safe outputs and leave the loop."""
WORKER_SPIN_NS: Final = 8
WORKER_JOBS: Final = 16
"""Number of jobs."""
WORKER_JOB_LIST: Final = 24
"""Address of the addresses of the jobs."""
WORKER_HEARTBEAT: Final = 32
"""Address of the image's heartbeat."""
WORKER_PERIOD_NS: Final = 40
"""Of the watchdog: how often it looks."""
WORKER_WAITING: Final = 48
"""Of a pool: address of the heap of jobs that wait for their release, by release."""
WORKER_READY: Final = 56
"""Of a pool: address of the heap of jobs that were released, by deadline."""
WORKER_ORDER: Final = 64
"""Of a pool: WITHDRAW or ADMIT, obeyed between two scans; then it is NO_ORDER again."""
NO_ORDER: Final = 0
WITHDRAW: Final = 1
"""Let jobs run no more; the last one of a PLC publishes the safe outputs or lets them stand."""
ADMIT: Final = 2
"""Let jobs run again that were withdrawn, or have faulted, and begin anew."""
WORKER_ORDER_JOBS: Final = 72
"""Number of jobs that the order is about."""
WORKER_ORDER_LIST: Final = 80
"""Address of their addresses."""
WORKER_BYTES: Final = 128

# -- heap: a count, then pairs of key and job, the least key first -----------------------------
HEAP_COUNT: Final = 0
HEAP_PAIRS: Final = 16
HEAP_PAIR_BYTES: Final = 16

# -- job --------------------------------------------------------------------------------------
JOB_PLC: Final = 0
"""Address of its PLC."""
JOB_STATE: Final = 8
"""Address of the state that its code works on; the PLC's own where it is the only task."""
JOB_ENTRY: Final = 16
"""Address of the entry function of the task."""
JOB_NUMBER: Final = 24
JOB_KIND: Final = 32
CYCLIC: Final = 0
EVENT: Final = 1
FREEWHEELING: Final = 2
JOB_INTERVAL_NS: Final = 40
"""Cyclic: from release to release. Event: how often inputs are looked at. Freewheeling: the pause
from an end to the next release."""
JOB_OFFSET_NS: Final = 48
"""Cyclic: the first release after the PLC's origin."""
JOB_STATISTICS: Final = 56
"""Address of the TASK_STATISTICS section."""
JOB_TAKES: Final = 64
JOB_TAKE_ROWS: Final = 72
JOB_OWNED: Final = 80
JOB_OWNED_ROWS: Final = 88
JOB_CELLS: Final = 96
JOB_CELLS_ROWS: Final = 104
JOB_TAKEN: Final = 112
"""Address of the cells as they were taken, one row's after the other's."""
JOB_CONSUMED: Final = 120
"""Address of {publication, newest source time} of each device, as taken."""
JOB_WATCHDOG_NS: Final = 128
"""Longest execution; 0: no limit but the loop budget."""
JOB_OVERRUNS_MAX: Final = 136
"""Overruns in a row that are one too many; 0: any number may follow each other."""
JOB_STOPS_ALL: Final = 144
"""Not 0: a fault of this task stops the whole PLC."""
# what the loop keeps and reports
JOB_RELEASE_NS: Final = 160
"""The release under way or, between scans, the next one."""
JOB_CYCLE: Final = 168
JOB_START_NS: Final = 176
JOB_END_NS: Final = 184
JOB_SINCE_NS: Final = 192
"""While its code runs: since when; else 0."""
JOB_OVERRUNS: Final = 200
"""Overruns in a row."""
JOB_COMMITS: Final = 208
"""Number of its commits: others take what it owns where this has moved."""
JOB_FAULTED: Final = 216
"""Not 0: it has faulted and runs no more."""
JOB_PENDING: Final = 224
"""Event: not 0 from the edge to the take."""
JOB_EDGE_NS: Final = 232
"""Event: when the edge was seen; the release of the scan."""
JOB_COMMAND_QUEUE: Final = 240
"""Told: address of its COMMANDS section."""
JOB_COMMANDS_DONE: Final = 248
"""Number of the last command that it has applied or refused."""
JOB_LATENESS_NS: Final = 256
"""Release to start of its last scan; -1 before the first."""
JOB_SAMPLE_NS: Final = 264
"""Source time of the newest input sample that it has taken; -1 before the first take."""
JOB_CAUSE_NS: Final = 272
"""When what the scan reacts to came: a newer sample, or the edge; 0 for nothing."""
JOB_COMMITTED_NS: Final = 280
"""End of the commit of a scan that reacts to something."""
JOB_OWNED_LOUD: Final = 288
"""How many of the owned ranges, the first ones, others may see: they are committed under the lock.
Set beside the others; equal to JOB_OWNED in a small state."""
JOB_KEPT: Final = 296
"""Address of the loud ranges and the qualities as of the last commit."""
JOB_SEQUENCE: Final = 304
"""Number of the last commit."""
JOB_WORK: Final = 312
"""What of the last commit is still to be done."""
QUIET_WAITS: Final = 1
FRAME_WAITS: Final = 2
JOB_SEMAPHORE: Final = 320
"""A POSIX semaphore of at most 64 bytes, posted at an edge."""
JOB_LOST: Final = 384
"""PLC_LOST at the last take."""
JOB_BYTES: Final = 448

# -- PLC --------------------------------------------------------------------------------------
PLC_STATE: Final = 0
"""Address of the committed state, the master."""
PLC_STATE_BYTES: Final = 8
PLC_LOCK: Final = 16
"""Address of the mutex around takes and commits; 0 where there is one task."""
PLC_GRID_NS: Final = 24
"""Releases stand in the middle between multiples of this."""
PLC_OUTPUT_AREA: Final = 32
"""Address of the %Q area in the committed state."""
PLC_OUTPUT_BYTES: Final = 40
PLC_SAFE_AREA: Final = 48
"""Address of the bytes of %Q while the program is stopped or faulted."""
PLC_IMAGE: Final = 56
"""Address of the image's header."""
PLC_OUTPUT_RING: Final = 64
PLC_OUTPUT_STRIDE: Final = 72
PLC_FRAME_RING: Final = 80
PLC_FRAME_STRIDE: Final = 88
PLC_DEVICES: Final = 96
PLC_DEVICE_ROWS: Final = 104
PLC_INPUTS: Final = 112
PLC_QUALITIES: Final = 120
"""Address of one byte for each input: its effective quality at the last take."""
PLC_EVENTS: Final = 128
PLC_EVENT_ROWS: Final = 136
PLC_VIRTUAL: Final = 144
"""Not 0: time is the release time, no clock is read."""
PLC_EPOCH_NS: Final = 152
"""NOW_NS at the origin: not 0 where retained variables go on from an earlier run."""
# what the loops keep and report
PLC_ORIGIN_NS: Final = 160
"""CLOCK_MONOTONIC from which releases and NOW_NS count; 0 before the first."""
PLC_SEQUENCE: Final = 168
"""Number of the last take or commit."""
PLC_OUTPUT_HEAD: Final = 176
"""Number of the newest publication of the outputs."""
PLC_FRAME_HEAD: Final = 184
"""Number of the newest publication of the frame."""
PLC_FIRST_END_NS: Final = 192
"""CLOCK_MONOTONIC of the end of the first scan, 0 before."""
PLC_FAULTED: Final = 200
"""Not 0: no task runs any more, the outputs are safe."""
PLC_JOBS_LEFT: Final = 208
"""Tasks that still run; the last one to leave publishes the safe outputs."""
PLC_COMMANDS: Final = 216
"""Number of commands that were applied."""
PLC_COMMITS: Final = 224
"""Number of commits of all tasks."""
PLC_JOURNAL_HEAD: Final = 232
"""Bytes that were ever written to the journal."""
PLC_JOURNAL_TAIL: Final = 240
"""Bytes of these that are overwritten."""
# what the loops are told of the journal
PLC_JOURNAL: Final = 256
"""Address of the ring."""
PLC_JOURNAL_BYTES: Final = 264
"""A power of two."""
PLC_JOURNAL_INPUTS: Final = 272
"""Address of %I as it was noted last."""
PLC_INPUT_AREA: Final = 280
"""Address of %I in the committed state."""
PLC_INPUT_BYTES: Final = 288
PLC_HASH_EVERY: Final = 296
"""Every so many commits the committed state is hashed; 0: never."""
PLC_FRAME_SLOTS: Final = 304
"""Slots of the ring of frames; told, as what stands on top."""
PLC_FORCE_ROWS: Final = 312
PLC_FORCES: Final = 320
"""Number of variables that are forced."""
PLC_NOTED: Final = 328
"""Number of ranges of the state that every commit's entry holds."""
PLC_NOTED_ROWS: Final = 336
PLC_NOTED_BYTES: Final = 344
"""Bytes of all these together."""
PLC_HOLDS: Final = 352
"""Not 0: who leaves on request lets the outputs stand, for a restart that goes on from here."""
PLC_LOST: Final = 360
"""The first input without which there is no scan: its number among all, from 1, times LOST_SHIFT,
plus its quality; 0 where all are there."""
LOST_SHIFT: Final = 8
PLC_MUTEX: Final = 384
"""Where the mutex stands."""
PLC_JOURNAL_SHIFT: Final = 448
"""A place of the journal, shifted right by this, is the number of its part."""
PLC_JOURNAL_PART: Final = 456
"""Number of the last part in which an entry begins."""
PLC_JOURNAL_MARKS: Final = 512
"""For each part of the ring where its first entry begins, in bytes ever written."""
JOURNAL_PARTS: Final = 16
"""The tail moves by one of so many parts of the ring."""
PLC_FRAME_LOCK: Final = 640
"""Address of the mutex around the completion of commits; 0 where there is no quiet part."""
PLC_LOUD: Final = 648
"""Number of loud ranges of the state; 0: frames are copied at once."""
PLC_LOUD_ROWS: Final = 656
PLC_QUEUE: Final = 664
"""Address of the jobs whose commits wait for completion, a ring."""
PLC_QUEUE_SLOTS: Final = 672
PLC_QUEUE_HEAD: Final = 680
"""Number of commits that were completed; under the frame lock."""
PLC_QUEUE_TAIL: Final = 688
"""Number of those that were to be; under the PLC's lock."""
PLC_FRAME_MUTEX: Final = 704
PLC_BYTES: Final = 768

# -- rows -------------------------------------------------------------------------------------
TAKE_OFFSET: Final = 0
TAKE_BYTES: Final = 8
TAKE_VERSION: Final = 16
"""Address of a count that moves whenever the bytes may have changed; 0: take them always."""
TAKE_SEEN: Final = 24
TAKE_ROW_BYTES: Final = 32

OWNED_OFFSET: Final = 0
OWNED_BYTES: Final = 8
OWNED_ROW_BYTES: Final = 16

CELLS_OFFSET: Final = 0
CELLS_CELL: Final = 8
"""Bytes of a cell; 0: single bits."""
CELLS_COUNT: Final = 16
CELLS_BYTES: Final = 24
"""Bytes of all cells of the row."""
CELLS_ROW_BYTES: Final = 32

EVENT_JOB: Final = 0
"""Address of the job."""
EVENT_PLACE: Final = 8
"""Address of the BOOL in the committed state."""
EVENT_MASK: Final = 16
"""The bits of the byte that count."""
EVENT_LEVEL: Final = 24
"""What it was at the last look."""
EVENT_ROW_BYTES: Final = 32

FORCE_JOB: Final = 0
"""Address of the job that owns the place; 0: it is held at the borders of all."""
FORCE_OFFSET: Final = 8
FORCE_BYTES: Final = 16
FORCE_MASK: Final = 24
FORCE_VALUE: Final = 32
FORCE_ROW_BYTES: Final = 64

DEVICE_RING: Final = 0
DEVICE_STRIDE: Final = 8
DEVICE_PAYLOAD: Final = 16
"""Bytes of one mailbox."""
DEVICE_COPY: Final = 24
"""Address of the mailbox that the scan uses."""
DEVICE_SPARE: Final = 32
"""Address of the buffer that takes the next one; the two change places."""
DEVICE_TAKEN: Final = 40
"""Number of the publication in the copy, 0 before the first."""
DEVICE_NEWEST_NS: Final = 48
"""Newest source time in the copy; it and the word before are what a job has consumed."""
DEVICE_STALE_AFTER_NS: Final = 56
DEVICE_INPUTS: Final = 64
DEVICE_INPUT_ROWS: Final = 72
DEVICE_ROW_BYTES: Final = 128

INPUT_PLACE: Final = 0
"""Address of the first byte in the %I area of the committed state."""
INPUT_WIDTH: Final = 8
"""Bits: 1, 8, 16, 32 or 64."""
INPUT_BIT: Final = 16
INPUT_USES_DEFAULT: Final = 24
"""Not 0: the substitute is INPUT_DEFAULT; 0: it is the value held."""
INPUT_DEFAULT: Final = 32
INPUT_HELD: Final = 40
"""Last value of a usable sample; at first what the program's initial state has there."""
INPUT_QUALITY_PLACE: Final = 48
"""Address of the byte in %I that tells its quality, 0 where none does."""
INPUT_AGE_PLACE: Final = 56
"""Address of the 32 bits in %I that tell its age in ms, 0 where none do."""
INPUT_FAULTS_AFTER_NS: Final = 64
"""Not 0: without a usable sample the scan is a fault. One that never had a sample has so much time
for it from the origin on."""
INPUT_ROW_BYTES: Final = 72

# -- entry of the journal -----------------------------------------------------------------------
ENTRY_BYTES: Final = 0
"""Bytes with the payload; negative: so many bytes, the rest of the ring, hold nothing."""
ENTRY_KIND: Final = 8
ENTRY_SEQUENCE: Final = 16
ENTRY_TASK: Final = 24
ENTRY_CYCLE: Final = 32
ENTRY_TIME: Final = 40
ENTRY_FIRST: Final = 48
ENTRY_SECOND: Final = 56
ENTRY_PAYLOAD: Final = 64
ENTRY_TAKE: Final = 1
ENTRY_COMMIT: Final = 2
ENTRY_COMMAND: Final = 3
HASH_OFFSET: Final = 0x0BF2_9CE4_8422_2325
HASH_PRIME: Final = 0x100_0000_01B3
HASH_SHIFT: Final = 29

# -- what `takt_execute` does, and how it ends --------------------------------------------------
SERVE: Final = 0
"""A worker: run its jobs in real time until they are stopped or faulted."""
STEP: Final = 1
"""A job: run a number of scans in virtual time."""
TAKE: Final = 2
"""A job: take, for a release."""
BODY: Final = 3
"""A job: run its code."""
COMMIT: Final = 4
"""A job: commit and publish."""
WATCH: Final = 5
"""A worker: end the code of its jobs that takes too long, until stopped."""

HASH: Final = 6
"""An address: hash so many bytes from there, as the journal's digests are made."""

ENDED_BY_STOP: Final = 0
ENDED_BY_FAULT: Final = 1

FIRST_RELEASE_DELAY_NS: Final = 1_000_000
"""From the start of the loop to the first release, at least: so that it is a punctual one."""
TICK_GRID_NS: Final = 1_000_000
"""Linux's tick comes at multiples of 1, 4 or 10 ms of CLOCK_MONOTONIC and takes 20 to 50 µs on a
virtual machine; releases stand in the middle between these, as far as the interval lets them."""
SLICE_NS: Final = 50_000_000
"""Longest single sleep: bounds how late a stop is noticed and how old the heartbeat gets."""
NO_SITE: Final = 0xFFFF_FFFF
"""Fault site of a watchdog that found no loop to end."""
