"""Limits of the runtime, each with its unit and its reason. Tests stand at the bounds."""

from typing import Final

# -- compiler -----------------------------------------------------------------------------------
NESTING_MAX: Final = 1000
"""Levels of nested expressions or statements; generated code reaches 500, typing errors more."""

OPERATORS_MAX: Final = 10_000
"""Operators in a row, a + b + c: each takes a few Python frames in later stages."""

DIAGNOSTICS_MAX: Final = 100
"""Diagnostics reported a run; beyond that the rest is noise."""

RECURSION_LIMIT: Final = 60 * NESTING_MAX
"""Python frames that the deepest permitted nesting may take in any stage."""

STATE_BYTES_MAX: Final = 1 << 26
"""Bytes of state a program may have, 64 MiB: more is a typing error in an array bound."""

FRAME_BYTES_MAX: Final = 1 << 18
"""Bytes of variables a function's call may have, 256 KiB: calls nest on a stack of 8 MiB."""

BITS_GIVEN_MAX: Final = 4096
"""Elements of an array of BOOL at an address that a function's input takes: each call in a body has
room on the stack for a copy of a byte each."""

LOOP_BUDGET: Final = 20_000_000
"""Loop iterations a scan may take before the watchdog fault: 10 to 50 ms of native code."""

FUNCTION_STATEMENTS_MAX: Final = 150
"""Statements in one LLVM function. Optimisation time grows faster than a function's size:
5,000 rungs in one function took 90 s, in pieces of 50 to 200 statements 10 s."""

LOOP_DEPTH_INLINED_MAX: Final = 4
LOOP_DEPTH_OPTIMISED_MAX: Final = 8
"""Loops inside of loops: a body with deeper ones is not inlined, or not optimised at all, since
LLVM's time grows exponentially: 0.6 s for 8 levels, 16 s for 10, 53 s for 200 of WHILE."""

INLINED_STATEMENTS_MAX: Final = 30
"""Statements of a block that is put in place of each of its calls: a PID controller has 20."""

WAYS_MAX: Final = 1 << 62
"""Ways of calls from the tasks to one routine that a fault can tell apart: numbers of 64 bits."""

TEXT_UNITS_MAX: Final = 65_535
"""Code units of a string: functions of strings keep their results on the stack."""

# -- tasks --------------------------------------------------------------------------------------
TASK_INTERVAL_NS_MIN: Final = 100_000
"""Shortest task interval, 100 µs: below it the wake-up itself takes most of the cycle."""

TASK_INTERVAL_NS_MAX: Final = 3_600_000_000_000
"""Longest task interval, one hour."""

OVERRUNS_MAX: Final = 1_000_000
"""Most overruns in a row that a task may be allowed."""

TASKS_MAX: Final = 32
"""Tasks of a program: each is a thread with a copy of the state."""

FORCES_MAX: Final = 256
"""Variables that can be forced at the same time: each costs some ns at every border of a task."""

RECORDED_CYCLES_MAX: Final = 2_000
"""Scans that the report of a fault may tell of: about what the journal holds."""

RECORDED_VARIABLES_MAX: Final = 64
"""Variables whose values are kept for the report of a fault: each costs some ns a scan."""

REPORTED_VALUES_MAX: Final = 5_000
"""Variables of the faulted task's state that a report lists."""

JOURNAL_BYTES: Final = 1 << 19
"""Bytes of the journal of takes and commits, 512 KiB: some 4,000 cycles, or 4 s at 1 ms."""

JOURNAL_ENTRIES_MIN: Final = 64
"""Entries that the journal holds at least, however large %I is."""

INSTANCES_MAX: Final = 10_000
"""PLCs of one process: each takes two of the 65,530 mappings that Linux permits."""

SPIN_NS_MAX: Final = 1_000_000
"""Longest busy wait before a release: more would starve the machine of a core."""

PRIORITY_MAX: Final = 65_535
"""Lowest IEC task priority number (0 is the most urgent)."""

RETAIN_INTERVAL_NS_MIN: Final = 10_000_000
"""Shortest time between two saves of retained variables, 10 ms: a sync of a disk takes as long."""

# -- process image ------------------------------------------------------------------------------
AREA_BYTES_MAX: Final = 65_536
"""Bytes of each of the areas %I, %Q and %M."""

DEVICES_MAX: Final = 256
"""Devices of one project: each has a mailbox section in the image's table."""

SLOTS: Final = 4
"""Slots of a ring in the image: a reader has three publications' time to take its copy."""

FIRST_SAMPLE_NS: Final = 10_000_000_000
"""Time from the start in which an input that is a fault when it is missing must come."""

FRAME_HISTORY_NS: Final = 1_000_000_000
"""Time whose frames the ring keeps where samples are published: a gateway that is held up for less
misses no scan."""

FRAME_SLOTS_MAX: Final = 4096
"""Slots of the ring of frames at most: a second of four tasks of 1 ms."""

FRAME_RING_BYTES_MAX: Final = 1 << 25
"""Bytes of the ring of frames, 32 MiB: a large state keeps fewer scans."""

READ_ATTEMPTS: Final = 8
"""Tries of a reader to take a slot that the writer laps before it keeps what it had."""
