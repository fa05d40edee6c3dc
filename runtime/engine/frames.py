"""Frames of a large state with several tasks: copied beside the PLC's lock, not under it.

Inside the wall: native code only (`executive`). What no other task reads, the *quiet* part of a
state (`engine.quiet`), is nobody's business at a border. So a commit copies under the lock what
others see, the *loud* part: to the master, and from there into a buffer of the job; then it stands
in a queue. The rest of the commit, quiet ranges to the master and the frame, is done behind a lock
of its own, in the order of the queue, which is that of the commits:

    lock | loud ranges, outputs, journal, queue | unlock,  frame lock | quiet ranges, frame | unlock

Whoever gets the frame lock completes all that wait, and nobody waits for it but a task that would
begin its next scan before its last commit is complete. The frame lock may be taken under the PLC's
lock, never the other way round. A small state has no quiet part: its frames are copied at once.
"""

from runtime.engine import plan
from runtime.engine.intrinsics import (
    copy_bytes,
    load_64,
    load_shared,
    lock_mutex,
    store_64,
    store_shared,
    try_lock_mutex,
    unlock_mutex,
)
from runtime.engine.native_function import native_function
from runtime.engine.publications import close_frame, open_frame, publish_frame


@native_function
def hand_over(job: int, fault: int, is_alive: int) -> int:
    """Publish the frame of a commit, or let it wait; under the PLC's lock.

    Args:
        job: Whose commit it is.
        fault: Not 0: nothing is committed.
        is_alive: Not 0: there is to be a frame.
    """
    plc = load_64(job + plan.JOB_PLC)
    if load_64(plc + plan.PLC_LOUD) == 0:
        return publish_frame(job) if is_alive else 0
    store_64(job + plan.JOB_SEQUENCE, load_64(plc + plan.PLC_SEQUENCE))
    keep_loud(job)
    work = (plan.QUIET_WAITS if fault == 0 else 0) | (plan.FRAME_WAITS if is_alive else 0)
    if work == 0:
        return 0
    store_shared(job + plan.JOB_WORK, work)
    tail = load_64(plc + plan.PLC_QUEUE_TAIL)
    slot = tail % load_64(plc + plan.PLC_QUEUE_SLOTS)
    store_64(load_64(plc + plan.PLC_QUEUE) + 8 * slot, job)
    return store_shared(plc + plan.PLC_QUEUE_TAIL, tail + 1)


@native_function
def keep_loud(job: int) -> int:
    """Copy the loud ranges of the master, and the inputs' qualities, as of this commit."""
    plc, to = load_64(job + plan.JOB_PLC), load_64(job + plan.JOB_KEPT)
    master, row = load_64(plc + plan.PLC_STATE), load_64(plc + plan.PLC_LOUD_ROWS)
    for _ in range(load_64(plc + plan.PLC_LOUD)):
        size = load_64(row + plan.OWNED_BYTES)
        copy_bytes(to, master + load_64(row + plan.OWNED_OFFSET), size)
        to += size
        row += plan.OWNED_ROW_BYTES
    return copy_bytes(to, load_64(plc + plan.PLC_QUALITIES), load_64(plc + plan.PLC_INPUTS))


@native_function
def complete_waiting(plc: int) -> int:
    """Complete the commits that wait, unless somebody is about it; outside the PLC's lock."""
    mutex = load_64(plc + plan.PLC_FRAME_LOCK)
    while load_shared(plc + plan.PLC_QUEUE_HEAD) != load_shared(plc + plan.PLC_QUEUE_TAIL):
        if try_lock_mutex(mutex) != 0:
            return 0  # who holds it looks at the queue again
        complete_all(plc)
        unlock_mutex(mutex)
    return 0


@native_function
def wait_for_completion(job: int) -> int:
    """Return when the last commit of a job is complete; outside the PLC's lock."""
    if load_shared(job + plan.JOB_WORK) == 0:
        return 0
    plc = load_64(job + plan.JOB_PLC)
    lock_frames(plc)
    complete_all(plc)
    return unlock_frames(plc)


@native_function
def complete_now(job: int, fault: int) -> int:
    """Bring the master up to a commit under way, all of it; under both locks."""
    plc = load_64(job + plan.JOB_PLC)
    if load_64(plc + plan.PLC_LOUD) != 0:
        complete_all(plc)
        if fault == 0:
            commit_quiet(job)
    return 0


@native_function
def lock_frames(plc: int) -> int:
    """Keep others from completing commits: from the quiet part of the master, and the frames."""
    mutex = load_64(plc + plan.PLC_FRAME_LOCK)
    return lock_mutex(mutex) if mutex != 0 else 0


@native_function
def unlock_frames(plc: int) -> int:
    """Let them."""
    mutex = load_64(plc + plan.PLC_FRAME_LOCK)
    return unlock_mutex(mutex) if mutex != 0 else 0


@native_function
def complete_all(plc: int) -> int:
    """Complete the commits of the queue in their order; under the frame lock."""
    head, slots = load_64(plc + plan.PLC_QUEUE_HEAD), load_64(plc + plan.PLC_QUEUE_SLOTS)
    while head != load_shared(plc + plan.PLC_QUEUE_TAIL):
        job = load_64(load_64(plc + plan.PLC_QUEUE) + 8 * (head % slots))
        work = load_64(job + plan.JOB_WORK)
        if work & plan.QUIET_WAITS:
            commit_quiet(job)
        if work & plan.FRAME_WAITS:
            publish_kept(job)
        head += 1
        store_shared(plc + plan.PLC_QUEUE_HEAD, head)
        store_shared(job + plan.JOB_WORK, 0)
    return 0


@native_function
def commit_quiet(job: int) -> int:
    """Commit what only the job itself reads."""
    state = load_64(job + plan.JOB_STATE)
    master = load_64(load_64(job + plan.JOB_PLC) + plan.PLC_STATE)
    loud = load_64(job + plan.JOB_OWNED_LOUD)
    row = load_64(job + plan.JOB_OWNED_ROWS) + loud * plan.OWNED_ROW_BYTES
    for _ in range(load_64(job + plan.JOB_OWNED) - loud):
        offset = load_64(row + plan.OWNED_OFFSET)
        copy_bytes(master + offset, state + offset, load_64(row + plan.OWNED_BYTES))
        row += plan.OWNED_ROW_BYTES
    return 0


@native_function
def publish_kept(job: int) -> int:
    """Publish the frame of a commit: loud ranges as they were then, quiet ones of the master."""
    plc, kept = load_64(job + plan.JOB_PLC), load_64(job + plan.JOB_KEPT)
    master, end = load_64(plc + plan.PLC_STATE), load_64(plc + plan.PLC_STATE_BYTES)
    qualities = open_frame(job, load_64(job + plan.JOB_SEQUENCE))
    inputs = load_64(plc + plan.PLC_INPUTS)
    to = qualities + (inputs + 7) // 8 * 8
    row, at = load_64(plc + plan.PLC_LOUD_ROWS), 0
    for _ in range(load_64(plc + plan.PLC_LOUD)):
        offset, size = load_64(row + plan.OWNED_OFFSET), load_64(row + plan.OWNED_BYTES)
        copy_bytes(to + at, master + at, offset - at)
        copy_bytes(to + offset, kept, size)
        kept += size
        at = offset + size
        row += plan.OWNED_ROW_BYTES
    copy_bytes(to + at, master + at, end - at)
    copy_bytes(qualities, kept, inputs)
    return close_frame(plc)
