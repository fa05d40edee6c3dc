"""Takes and commits: what a task copies at its borders (`doc/memory-model.md`).

Inside the wall: native code only (`executive`). Both run under the PLC's lock. A task that is the
only one has no rows, works on the committed state itself, and copies nothing.
"""

from runtime.artifact import abi
from runtime.engine import plan
from runtime.engine.counting import add_to
from runtime.engine.intrinsics import (
    compare_bytes,
    copy_bytes,
    load_8,
    load_16,
    load_32,
    load_64,
    post_semaphore,
    store_8,
    store_64,
)
from runtime.engine.native_function import native_function
from runtime.image import layout


@native_function
def copy_in(job: int) -> int:
    """Take what others have changed into the job's private state."""
    state = load_64(job + plan.JOB_STATE)
    master = load_64(load_64(job + plan.JOB_PLC) + plan.PLC_STATE)
    row = load_64(job + plan.JOB_TAKE_ROWS)
    for _ in range(load_64(job + plan.JOB_TAKES)):
        version_place = load_64(row + plan.TAKE_VERSION)
        version = load_64(version_place) if version_place != 0 else -1
        if version == -1 or version != load_64(row + plan.TAKE_SEEN):
            offset = load_64(row + plan.TAKE_OFFSET)
            copy_bytes(state + offset, master + offset, load_64(row + plan.TAKE_BYTES))
            store_64(row + plan.TAKE_SEEN, version)
        row += plan.TAKE_ROW_BYTES
    row = load_64(job + plan.JOB_CELLS_ROWS)
    taken = load_64(job + plan.JOB_TAKEN)
    for _ in range(load_64(job + plan.JOB_CELLS)):
        offset, size = load_64(row + plan.CELLS_OFFSET), load_64(row + plan.CELLS_BYTES)
        copy_bytes(state + offset, master + offset, size)
        copy_bytes(taken, master + offset, size)
        taken += size
        row += plan.CELLS_ROW_BYTES
    return 0


@native_function
def copy_out(job: int) -> int:
    """Commit what the job owns and others see, and of what it shares the cells that it changed."""
    state = load_64(job + plan.JOB_STATE)
    master = load_64(load_64(job + plan.JOB_PLC) + plan.PLC_STATE)
    row = load_64(job + plan.JOB_OWNED_ROWS)
    for _ in range(load_64(job + plan.JOB_OWNED_LOUD)):
        offset = load_64(row + plan.OWNED_OFFSET)
        copy_bytes(master + offset, state + offset, load_64(row + plan.OWNED_BYTES))
        row += plan.OWNED_ROW_BYTES
    row = load_64(job + plan.JOB_CELLS_ROWS)
    taken = load_64(job + plan.JOB_TAKEN)
    for _ in range(load_64(job + plan.JOB_CELLS)):
        offset, size = load_64(row + plan.CELLS_OFFSET), load_64(row + plan.CELLS_BYTES)
        if compare_bytes(state + offset, taken, size) != 0:
            cell = load_64(row + plan.CELLS_CELL)
            commit_cells(master + offset, state + offset, taken, cell, size)
        taken += size
        row += plan.CELLS_ROW_BYTES
    store_64(job + plan.JOB_COMMITS, load_64(job + plan.JOB_COMMITS) + 1)
    return 0


@native_function
def commit_cells(master: int, state: int, taken: int, cell: int, size: int) -> int:
    """Copy to the master the cells, or with `cell` 0 the bits, in which state and taken differ."""
    if cell == 0:
        for at in range(size):
            changed = load_8(state + at) ^ load_8(taken + at)
            kept = load_8(master + at) & ~changed
            store_8(master + at, kept | (load_8(state + at) & changed))
        return 0
    for at in range(0, size, cell):
        if cell_differs(state + at, taken + at, cell) != 0:
            copy_bytes(master + at, state + at, cell)
    return 0


@native_function
def cell_differs(left: int, right: int, cell: int) -> int:
    """Return not 0 where two cells differ."""
    if cell == 8:  # noqa: PLR2004
        return load_64(left) ^ load_64(right)
    if cell == 4:  # noqa: PLR2004
        return load_32(left) ^ load_32(right)
    if cell == 2:  # noqa: PLR2004
        return load_16(left) ^ load_16(right)
    if cell == 1:
        return load_8(left) ^ load_8(right)
    return compare_bytes(left, right, cell)


@native_function
def copy_context(job: int) -> int:
    """Let the master say what the job's scan reports: time, cycle, fault."""
    state = load_64(job + plan.JOB_STATE)
    master = load_64(load_64(job + plan.JOB_PLC) + plan.PLC_STATE)
    if state != master:
        copy_bytes(master, state, abi.CONTEXT_BYTES)
    return 0


@native_function
def make_outputs_safe(job: int) -> int:
    """Give the outputs that a job writes their safe values in the master."""
    plc = load_64(job + plan.JOB_PLC)
    row = load_64(job + plan.JOB_OWNED_ROWS)
    for _ in range(load_64(job + plan.JOB_OWNED)):
        make_safe(plc, load_64(row + plan.OWNED_OFFSET), load_64(row + plan.OWNED_BYTES))
        row += plan.OWNED_ROW_BYTES
    row = load_64(job + plan.JOB_CELLS_ROWS)
    for _ in range(load_64(job + plan.JOB_CELLS)):
        make_safe(plc, load_64(row + plan.CELLS_OFFSET), load_64(row + plan.CELLS_BYTES))
        row += plan.CELLS_ROW_BYTES
    return 0


@native_function
def make_safe(plc: int, offset: int, size: int) -> int:
    """Give what lies in %Q of a range of the master its safe values."""
    area = load_64(plc + plan.PLC_OUTPUT_AREA)
    first = load_64(plc + plan.PLC_STATE) + offset - area
    start = max(first, 0)
    end = min(first + size, load_64(plc + plan.PLC_OUTPUT_BYTES))
    if start < end:
        copy_bytes(area + start, load_64(plc + plan.PLC_SAFE_AREA) + start, end - start)
    return 0


@native_function
def look_at_events(plc: int, now: int) -> int:
    """Release the event tasks whose variable has risen in the master since the last look."""
    row = load_64(plc + plan.PLC_EVENT_ROWS)
    for _ in range(load_64(plc + plan.PLC_EVENTS)):
        bits = load_8(load_64(row + plan.EVENT_PLACE)) & load_64(row + plan.EVENT_MASK)
        level = 1 if bits != 0 else 0
        if level > load_64(row + plan.EVENT_LEVEL):
            release_event(load_64(row + plan.EVENT_JOB), now)
        store_64(row + plan.EVENT_LEVEL, level)
        row += plan.EVENT_ROW_BYTES
    return 0


@native_function
def release_event(job: int, now: int) -> int:
    """Release an event task; an edge before it has taken the last one is only counted."""
    if load_64(job + plan.JOB_PENDING) == 0:
        store_64(job + plan.JOB_PENDING, 1)
        store_64(job + plan.JOB_EDGE_NS, now)
        post_semaphore(job + plan.JOB_SEMAPHORE)
    else:
        add_to(load_64(job + plan.JOB_STATISTICS) + layout.TASK_LOST_EDGES, 1)
    return 0
