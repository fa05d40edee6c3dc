"""The loop of a pool: one native thread that runs the tasks of many PLCs, earliest deadline first.

Inside the wall, as `executive` is, whose scans it runs; a pool has machine code of its own, so that
a runtime with one PLC never compiles it. A task's deadline is its next release. Scans are not
interrupted by others of the same pool: one that takes long makes others late, which is counted.

    waiting (heap by release) --released--> ready (heap by deadline) --scan--> waiting

A restart of a PLC withdraws its jobs and admits them again, between two scans of others.
"""

from runtime.engine import plan
from runtime.engine.borders import look_at_events
from runtime.engine.executive import advance, begin, is_over, leave, lock, scan, unlock
from runtime.engine.inputs import take_inputs
from runtime.engine.intrinsics import (
    clock_ns,
    load_64,
    load_shared,
    sleep_until,
    store_64,
    store_shared,
    store_shared_32,
)
from runtime.engine.modes import Happening, after
from runtime.engine.native_function import native_function
from runtime.engine.warming import warm
from runtime.image import layout

_RUNNING = int(after(layout.Mode.READY, Happening.RELEASED))


def serve(worker: int) -> int:
    """Run the jobs of a pool in real time until it is stopped; those that fault may come again.

    Every job's PLC must know its origin.
    """
    waiting, ready = load_64(worker + plan.WORKER_WAITING), load_64(worker + plan.WORKER_READY)
    job_list = load_64(worker + plan.WORKER_JOB_LIST)
    for number in range(load_64(worker + plan.WORKER_JOBS)):
        admit(worker, load_64(job_list + 8 * number))
    while load_shared(worker + plan.WORKER_STOP) == 0:
        if load_shared(worker + plan.WORKER_ORDER) != plan.NO_ORDER:
            obey(worker)
        now = clock_ns()
        while load_64(waiting + plan.HEAP_COUNT) != 0 and least(waiting) <= now:
            released = pop(waiting)
            push(ready, deadline(released), released)
        if load_64(ready + plan.HEAP_COUNT) != 0:
            job = pop(ready)
            if load_64(ready + plan.HEAP_COUNT) != 0:
                warm(load_64(pair(ready, 0) + 8))  # while this one runs
            if is_over(job) == 0:
                run(job, now)
                push(waiting, load_64(job + plan.JOB_RELEASE_NS), job)
        elif load_64(waiting + plan.HEAP_COUNT) == 0:
            sleep_until(now + plan.SLICE_NS)
        else:
            pause(worker, least(waiting), now)
    leave_all(worker)
    return plan.ENDED_BY_STOP


@native_function
def obey(worker: int) -> int:
    """Withdraw or admit the jobs of an order, and say that it is done."""
    order = load_64(worker + plan.WORKER_ORDER)
    job_list = load_64(worker + plan.WORKER_ORDER_LIST)
    for number in range(load_64(worker + plan.WORKER_ORDER_JOBS)):
        job = load_64(job_list + 8 * number)
        if order == plan.WITHDRAW:
            withdraw(worker, job)
        else:
            admit(worker, job)
    return store_shared(worker + plan.WORKER_ORDER, plan.NO_ORDER)


@native_function
def admit(worker: int, job: int) -> int:
    """Find the first release of a job and let it wait for that."""
    begin(job)
    plc = load_64(job + plan.JOB_PLC)
    store_shared_32(load_64(plc + plan.PLC_IMAGE) + layout.MODE, _RUNNING)
    release = load_64(job + plan.JOB_RELEASE_NS)
    return push(load_64(worker + plan.WORKER_WAITING), release, job)


@native_function
def withdraw(worker: int, job: int) -> int:
    """Let a job run no more; one that has faulted waits for nothing already."""
    remove(load_64(worker + plan.WORKER_WAITING), job)
    remove(load_64(worker + plan.WORKER_READY), job)
    return leave(job)


@native_function
def leave_all(worker: int) -> int:
    """End every job; the last one of each PLC publishes the safe outputs."""
    job_list = load_64(worker + plan.WORKER_JOB_LIST)
    for number in range(load_64(worker + plan.WORKER_JOBS)):
        leave(load_64(job_list + 8 * number))
    return 0


@native_function
def run(job: int, now: int) -> int:
    """Run a released job and find its next release; an event's job runs where its edge came."""
    plc = load_64(job + plan.JOB_PLC)
    if load_64(job + plan.JOB_KIND) != plan.EVENT:
        scan(job, now)
        advance(job)
    else:
        lock(plc)
        take_inputs(plc, now)
        look_at_events(plc, now)
        unlock(plc)
        if load_64(job + plan.JOB_PENDING) != 0:
            store_64(job + plan.JOB_RELEASE_NS, load_64(job + plan.JOB_EDGE_NS))
            scan(job, now)
        store_64(job + plan.JOB_RELEASE_NS, now + load_64(job + plan.JOB_INTERVAL_NS))
    return store_shared(load_64(plc + plan.PLC_IMAGE) + layout.RUNTIME_HEARTBEAT_NS, now)


@native_function
def deadline(job: int) -> int:
    """Return when a released job should have ended."""
    return load_64(job + plan.JOB_RELEASE_NS) + load_64(job + plan.JOB_INTERVAL_NS)


@native_function
def pause(worker: int, release: int, now: int) -> int:
    """Sleep until a release, or for a slice of the time to it."""
    wake = release - load_64(worker + plan.WORKER_SPIN_NS)
    if now < wake:
        return sleep_until(min(wake, now + plan.SLICE_NS))
    while clock_ns() < release:
        pass
    return 0


# -- heaps ------------------------------------------------------------------------------------


@native_function
def least(heap: int) -> int:
    """Return the least key of a heap that is not empty."""
    return load_64(heap + plan.HEAP_PAIRS)


@native_function
def pair(heap: int, number: int) -> int:
    """Return the address of a pair."""
    return heap + plan.HEAP_PAIRS + number * plan.HEAP_PAIR_BYTES


@native_function
def put(heap: int, number: int, key: int, job: int) -> int:
    """Write a pair."""
    place = pair(heap, number)
    store_64(place, key)
    return store_64(place + 8, job)


@native_function
def push(heap: int, key: int, job: int) -> int:
    """Add a job; the heap has room for all jobs of its worker."""
    hole = load_64(heap + plan.HEAP_COUNT)
    store_64(heap + plan.HEAP_COUNT, hole + 1)
    while hole > 0:
        above = (hole - 1) // 2
        place = pair(heap, above)
        if load_64(place) <= key:
            break
        put(heap, hole, load_64(place), load_64(place + 8))
        hole = above
    return put(heap, hole, key, job)


@native_function
def pop(heap: int) -> int:
    """Take the job with the least key from a heap that is not empty; of equal keys, any."""
    count = load_64(heap + plan.HEAP_COUNT) - 1
    store_64(heap + plan.HEAP_COUNT, count)
    first = load_64(pair(heap, 0) + 8)
    key, job = load_64(pair(heap, count)), load_64(pair(heap, count) + 8)
    hole = 0
    while 2 * hole + 1 < count:
        below = 2 * hole + 1
        if below + 1 < count and load_64(pair(heap, below + 1)) < load_64(pair(heap, below)):
            below += 1
        place = pair(heap, below)
        if key <= load_64(place):
            break
        put(heap, hole, load_64(place), load_64(place + 8))
        hole = below
    put(heap, hole, key, job)
    return first


@native_function
def remove(heap: int, job: int) -> int:
    """Take a job from a heap, if it is there: its pair rises to the top and is taken."""
    count = load_64(heap + plan.HEAP_COUNT)
    hole = 0
    while hole < count and load_64(pair(heap, hole) + 8) != job:
        hole += 1
    if hole == count:
        return 0
    while hole > 0:
        above = pair(heap, (hole - 1) // 2)
        put(heap, hole, load_64(above), load_64(above + 8))
        hole = (hole - 1) // 2
    return pop(heap)
