"""The scan plan: one block of private memory that tells the native loop all that it needs.

Python fills the block before the loop starts and reads it after it ended; while the loop runs the
two share no more than STOP and the results, each one aligned word. Addresses, sizes and publication
numbers that native code uses stand here and not in the shared image, so that no stray write of
another process can send the loop astray.

    plan | device rows | input rows | qualities | mailbox copies | safe outputs | state

Offsets are in bytes; every word is an int64.
"""

from typing import Final

# -- what the loop is told --------------------------------------------------------------------
STOP: Final = 0
"""Not 0: publish the safe outputs and leave the loop."""
INTERVAL_NS: Final = 8
SPIN_NS: Final = 16
STATE: Final = 24
"""Address of the state block."""
STATE_BYTES: Final = 32
TASK: Final = 40
"""Address of the entry function of the task."""
OUTPUT_AREA: Final = 48
"""Address of the %Q area in the state."""
OUTPUT_BYTES: Final = 56
SAFE_AREA: Final = 64
"""Address of the bytes of %Q while the program is stopped or faulted."""
IMAGE: Final = 72
"""Address of the image's header."""
OUTPUT_RING: Final = 80
OUTPUT_STRIDE: Final = 88
FRAME_RING: Final = 96
FRAME_STRIDE: Final = 104
STATISTICS: Final = 112
"""Address of the task's TASK_STATISTICS section."""
DEVICES: Final = 120
DEVICE_ROWS: Final = 128
INPUTS: Final = 136
QUALITIES: Final = 144
"""Address of one byte for each input: its effective quality in this scan."""
VIRTUAL: Final = 152
"""Not 0: time is the release time, no clock is read."""

# -- what the loop keeps and reports ----------------------------------------------------------
ORIGIN_NS: Final = 160
"""CLOCK_MONOTONIC of the first release: NOW_NS of a program counts from here."""
CYCLE: Final = 168
OUTPUT_HEAD: Final = 176
"""Number of the newest publication of the outputs."""
FRAME_HEAD: Final = 184
"""Number of the newest publication of the frame."""
FIRST_END_NS: Final = 192
"""CLOCK_MONOTONIC of the end of the first scan, 0 before."""
RELEASE_NS: Final = 200
"""Release of the last scan."""
END_NS: Final = 208
"""When its task ended."""
PLAN_BYTES: Final = 256

# -- one row for each device ------------------------------------------------------------------
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
"""Newest source time in the copy."""
DEVICE_STALE_AFTER_NS: Final = 56
DEVICE_INPUTS: Final = 64
DEVICE_INPUT_ROWS: Final = 72
DEVICE_ROW_BYTES: Final = 128

# -- one row for each input -------------------------------------------------------------------
INPUT_PLACE: Final = 0
"""Address of the first byte in the %I area."""
INPUT_WIDTH: Final = 8
"""Bits: 1, 8, 16, 32 or 64."""
INPUT_BIT: Final = 16
INPUT_USES_DEFAULT: Final = 24
"""Not 0: the substitute is INPUT_DEFAULT; 0: it is the value held."""
INPUT_DEFAULT: Final = 32
INPUT_HELD: Final = 40
"""Last value of a usable sample; at first what the program's initial state has there."""
INPUT_ROW_BYTES: Final = 64

# -- how the loop ends ------------------------------------------------------------------------
ENDED_BY_STOP: Final = 0
ENDED_BY_FAULT: Final = 1

FIRST_RELEASE_DELAY_NS: Final = 1_000_000
"""From the start of the loop to the first release, at least: so that it is a punctual one."""
TICK_GRID_NS: Final = 1_000_000
"""Linux's tick comes at multiples of 1, 4 or 10 ms of CLOCK_MONOTONIC and takes 20 to 50 µs on a
virtual machine; releases stand in the middle between these, as far as the interval lets them."""
SLICE_NS: Final = 50_000_000
"""Longest single sleep: bounds how late a stop is noticed and how old the heartbeat gets."""
