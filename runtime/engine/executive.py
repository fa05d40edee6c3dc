"""The scan loop, in the Python that numba turns into native code.

Inside the wall: what runs here is machine code only. It waits for the clock, an event of its own
or another task's border, and for nothing else; there is no allocation, log, exception, interpreter
or GIL. Import this on a cold start only (`engine.scan` keeps the machine code): importing it
imports numba.

Each release:  wait -> take (inputs, what others wrote) -> task -> commit (outputs, frame) -> count

A worker is a native thread with a list of jobs; a job is one task of one PLC (`engine.plan`). Every
value is an int64: numba would turn a sum of signed and unsigned into a float.
"""

from runtime.artifact import abi
from runtime.engine import plan
from runtime.engine.borders import (
    copy_context,
    copy_in,
    copy_out,
    look_at_events,
    make_outputs_safe,
)
from runtime.engine.commands import apply_commands, are_waiting, hold_forced
from runtime.engine.counting import add_to, count_scan
from runtime.engine.frames import (
    complete_waiting,
    hand_over,
    lock_frames,
    unlock_frames,
    wait_for_completion,
)
from runtime.engine.inputs import take_inputs
from runtime.engine.intrinsics import (
    call_task,
    clock_ns,
    copy_bytes,
    load_32,
    load_64,
    load_shared,
    lock_mutex,
    sleep_until,
    store_32,
    store_64,
    store_shared,
    store_shared_32,
    unlock_mutex,
    wait_semaphore,
)
from runtime.engine.journal import hash_bytes, note_commit, note_take
from runtime.engine.modes import Happening, after
from runtime.engine.native_function import native_function
from runtime.engine.publications import publish_outputs
from runtime.engine.warming import warm
from runtime.image import layout
from runtime.limits import LOOP_BUDGET

# Members of enumerations as plain numbers, for numba.
_RUNNING = int(after(layout.Mode.READY, Happening.RELEASED))
_STOPPED = int(after(layout.Mode.RUNNING, Happening.STOPPED))
_FAULTED = int(after(layout.Mode.RUNNING, Happening.FAULTED))
_WATCHDOG = int(abi.FaultKind.WATCHDOG)
_MISSING_INPUT = int(abi.FaultKind.MISSING_INPUT)
_CONSUMED = layout.CONSUMED.size
_FOREVER = 1 << 62


def execute(place: int, action: int, number: int, time_ns: int) -> int:
    """Do one of the actions of `engine.plan` to a worker or a job.

    SERVE, WATCH and STEP return how they ended (`plan.ENDED_BY_…`), BODY not 0 after a fault.
    """
    if action == plan.SERVE:
        return serve(place)
    if action == plan.STEP:
        return step(place, number, time_ns)
    if action == plan.TAKE:
        return take(place, time_ns)
    if action == plan.BODY:
        return run_body(place)
    if action == plan.COMMIT:
        return commit(place, number)
    if action == plan.HASH:
        return hash_bytes(place, number)
    return watch(place)


# -- workers ----------------------------------------------------------------------------------


@native_function
def serve(worker: int) -> int:
    """Run the jobs of a worker in real time, the most urgent one first."""
    jobs, job_list = load_64(worker + plan.WORKER_JOBS), load_64(worker + plan.WORKER_JOB_LIST)
    for number in range(jobs):
        begin(load_64(job_list + 8 * number))
    while True:
        job = most_urgent(worker)
        if job == 0:
            return plan.ENDED_BY_FAULT
        start = wait_for(worker, job)
        if start == 0:
            for number in range(jobs):
                leave(load_64(job_list + 8 * number))
            return plan.ENDED_BY_STOP
        if start > 0:
            scan(job, start)
            advance(job)


@native_function
def most_urgent(worker: int) -> int:
    """Return the job that runs next: the earliest deadline of those released; 0 for none left."""
    jobs, job_list = load_64(worker + plan.WORKER_JOBS), load_64(worker + plan.WORKER_JOB_LIST)
    now = clock_ns() if jobs > 1 else 0
    best, best_time = 0, _FOREVER
    for number in range(jobs):
        job = load_64(job_list + 8 * number)
        if is_over(job) == 0:
            time = load_64(job + plan.JOB_RELEASE_NS)
            if time <= now:  # late already: before all that are not, by deadline
                time += load_64(job + plan.JOB_INTERVAL_NS) - _FOREVER
            if time < best_time:
                best, best_time = job, time
    return best


@native_function
def is_over(job: int) -> int:
    """Return not 0 where a job runs no more."""
    return load_shared(load_64(job + plan.JOB_PLC) + plan.PLC_FAULTED) | load_64(
        job + plan.JOB_FAULTED
    )


@native_function
def begin(job: int) -> int:
    """Find the first release of a job; the first job of a PLC finds the origin for all."""
    plc = load_64(job + plan.JOB_PLC)
    lock(plc)
    if load_64(plc + plan.PLC_ORIGIN_NS) == 0:
        grid = load_64(plc + plan.PLC_GRID_NS)
        earliest = clock_ns() + plan.FIRST_RELEASE_DELAY_NS
        store_64(plc + plan.PLC_ORIGIN_NS, (earliest // grid + 1) * grid + grid // 2)
        store_shared_32(load_64(plc + plan.PLC_IMAGE) + layout.MODE, _RUNNING)
    unlock(plc)
    release = load_64(plc + plan.PLC_ORIGIN_NS)
    if load_64(job + plan.JOB_KIND) == plan.CYCLIC:
        interval = load_64(job + plan.JOB_INTERVAL_NS)
        release += load_64(job + plan.JOB_OFFSET_NS)
        late = clock_ns() - release
        if late > 0:
            release += (late // interval + 1) * interval
    return store_64(job + plan.JOB_RELEASE_NS, release)


@native_function
def wait_for(worker: int, job: int) -> int:
    """Wait until a job is released; return the time then, 0 to stop, -1 where it is over."""
    if load_64(job + plan.JOB_KIND) == plan.EVENT:
        return wait_for_event(worker, job)
    release = load_64(job + plan.JOB_RELEASE_NS)
    heartbeat = load_64(worker + plan.WORKER_HEARTBEAT)
    wake = release - load_64(worker + plan.WORKER_SPIN_NS)
    now = clock_ns()
    while now < wake:
        store_shared(heartbeat, now)
        if load_shared(worker + plan.WORKER_STOP) != 0:
            return 0
        if is_over(job) != 0:
            return -1
        sleep_until(min(wake, now + plan.SLICE_NS))
        now = clock_ns()
    warm(job)
    now = clock_ns()
    while now < release:
        now = clock_ns()
    store_shared(heartbeat, now)
    return 0 if load_shared(worker + plan.WORKER_STOP) != 0 else now


@native_function
def wait_for_event(worker: int, job: int) -> int:
    """Wait for an edge, looking at the inputs every interval; return as `wait_for` does."""
    plc = load_64(job + plan.JOB_PLC)
    interval = load_64(job + plan.JOB_INTERVAL_NS)
    look = clock_ns()
    while load_shared(job + plan.JOB_PENDING) == 0:
        now = clock_ns()
        store_shared(load_64(worker + plan.WORKER_HEARTBEAT), now)
        if load_shared(worker + plan.WORKER_STOP) != 0:
            return 0
        if is_over(job) != 0:
            return -1
        if now >= look:
            lock(plc)
            take_inputs(plc, now)
            look_at_events(plc, now)
            unlock(plc)
            look = now + interval
        wait_semaphore(job + plan.JOB_SEMAPHORE, min(look, now + plan.SLICE_NS))
    store_64(job + plan.JOB_RELEASE_NS, load_64(job + plan.JOB_EDGE_NS))
    warm(job)
    return 0 if load_shared(worker + plan.WORKER_STOP) != 0 else clock_ns()


@native_function
def advance(job: int) -> int:
    """Set the next release that is not past; missed ones are skipped and counted."""
    kind, interval = load_64(job + plan.JOB_KIND), load_64(job + plan.JOB_INTERVAL_NS)
    if kind == plan.FREEWHEELING:
        return store_64(job + plan.JOB_RELEASE_NS, clock_ns() + interval)
    if kind == plan.EVENT:
        return 0
    release = load_64(job + plan.JOB_RELEASE_NS)
    missed = (clock_ns() - release) // interval
    if missed > 0:
        statistics = load_64(job + plan.JOB_STATISTICS)
        add_to(statistics + layout.TASK_OVERRUNS, 1)
        add_to(statistics + layout.TASK_SKIPPED, missed)
        store_64(job + plan.JOB_OVERRUNS, load_64(job + plan.JOB_OVERRUNS) + 1)
    else:
        store_64(job + plan.JOB_OVERRUNS, 0)
    return store_64(job + plan.JOB_RELEASE_NS, release + (missed + 1) * interval)


@native_function
def leave(job: int) -> int:
    """End a job on request; the last one of a PLC publishes safe outputs or lets them stand."""
    plc = load_64(job + plan.JOB_PLC)
    wait_for_completion(job)
    lock(plc)
    if is_over(job) == 0:
        left = load_64(plc + plan.PLC_JOBS_LEFT) - 1
        store_64(plc + plan.PLC_JOBS_LEFT, left)
        if left == 0 and load_shared(plc + plan.PLC_HOLDS) == 0:
            publish_outputs(job, 1)
            store_shared_32(load_64(plc + plan.PLC_IMAGE) + layout.MODE, _STOPPED)
    unlock(plc)
    return 0


@native_function
def step(job: int, scans: int, first_ns: int) -> int:
    """Scan in virtual time, as fast as the machine can."""
    plc, interval = load_64(job + plan.JOB_PLC), load_64(job + plan.JOB_INTERVAL_NS)
    if load_64(plc + plan.PLC_ORIGIN_NS) == 0:
        store_64(plc + plan.PLC_ORIGIN_NS, first_ns)
    for number in range(scans):
        release = first_ns + number * interval
        store_64(job + plan.JOB_RELEASE_NS, release)
        if scan(job, release) != 0:
            return plan.ENDED_BY_FAULT
    return plan.ENDED_BY_STOP


# -- one scan ---------------------------------------------------------------------------------


@native_function
def scan(job: int, start: int) -> int:
    """Run one scan; return 0, or not 0 after a fault."""
    release = load_64(job + plan.JOB_RELEASE_NS)
    store_64(job + plan.JOB_START_NS, start)
    take(job, release)
    fault = run_body(job)
    commit(job, fault)
    count_scan(job, fault)
    return fault


@native_function
def take(job: int, release: int) -> int:
    """Freeze what a scan sees: the newest inputs, and what other tasks have committed."""
    plc, state = load_64(job + plan.JOB_PLC), load_64(job + plan.JOB_STATE)
    cycle = load_64(job + plan.JOB_CYCLE) + 1
    store_64(job + plan.JOB_CYCLE, cycle)
    store_64(job + plan.JOB_RELEASE_NS, release)
    wait_for_completion(job)
    lock(plc)
    take_inputs(plc, release)
    store_64(job + plan.JOB_LOST, load_64(plc + plan.PLC_LOST))
    look_at_events(plc, release)
    consume(job)
    receive(job)
    copy_in(job)
    hold_forced(job, state)
    store_64(job + plan.JOB_PENDING, 0)
    store_64(plc + plan.PLC_SEQUENCE, load_64(plc + plan.PLC_SEQUENCE) + 1)
    since_origin = release - load_64(plc + plan.PLC_ORIGIN_NS)
    now = since_origin + load_64(plc + plan.PLC_EPOCH_NS)
    note_take(job, release, now)
    unlock(plc)
    store_64(state + abi.NOW_NS, now)
    return store_64(state + abi.CYCLE, cycle)


@native_function
def receive(job: int) -> int:
    """Apply the commands that wait and what is forced to the committed state."""
    plc = load_64(job + plan.JOB_PLC)
    if are_waiting(job) == 0:
        return hold_forced(job, load_64(plc + plan.PLC_STATE))
    lock_frames(plc)  # a command may write what only this task reads
    apply_commands(job)
    hold_forced(job, load_64(plc + plan.PLC_STATE))
    return unlock_frames(plc)


@native_function
def consume(job: int) -> int:
    """Note which publication of each device the scan uses, and what the scan reacts to."""
    plc = load_64(job + plan.JOB_PLC)
    d, to = load_64(plc + plan.PLC_DEVICE_ROWS), load_64(job + plan.JOB_CONSUMED)
    newest = 0
    for _ in range(load_64(plc + plan.PLC_DEVICES)):
        copy_bytes(to, d + plan.DEVICE_TAKEN, _CONSUMED)
        newest = max(newest, load_64(d + plan.DEVICE_NEWEST_NS))
        d += plan.DEVICE_ROW_BYTES
        to += _CONSUMED
    before = load_64(job + plan.JOB_SAMPLE_NS)
    store_64(job + plan.JOB_SAMPLE_NS, newest)
    if load_64(job + plan.JOB_KIND) == plan.EVENT:
        return store_64(job + plan.JOB_CAUSE_NS, load_64(job + plan.JOB_RELEASE_NS))
    return store_64(job + plan.JOB_CAUSE_NS, newest if newest > before >= 0 else 0)


@native_function
def run_body(job: int) -> int:
    """Run the code of a task; return 0, or not 0 after a fault, the watchdog's included."""
    state, virtual = load_64(job + plan.JOB_STATE), is_virtual(job)
    begun = load_64(job + plan.JOB_RELEASE_NS)
    if load_64(job + plan.JOB_LOST) != 0:
        store_64(job + plan.JOB_END_NS, begun if virtual else clock_ns())
        return blame(job, _MISSING_INPUT)
    store_64(state + abi.LOOP_BUDGET_LEFT, LOOP_BUDGET)
    watched = load_64(job + plan.JOB_WATCHDOG_NS)
    if watched != 0:
        begun = begun if virtual else clock_ns()
        store_32(state + abi.STOP_ASKED, 0)
        store_shared(job + plan.JOB_SINCE_NS, begun)
    fault = call_task(load_64(job + plan.JOB_ENTRY), state)
    if watched != 0:
        store_shared(job + plan.JOB_SINCE_NS, 0)
    end = begun if virtual else clock_ns()
    store_64(job + plan.JOB_END_NS, end)
    if fault == 0 and is_too_late(job, end - begun):
        fault = blame(job, _WATCHDOG)
    return fault


@native_function
def is_too_late(job: int, taken: int) -> int:
    """Return not 0 where a task has taken too long, or overrun too often in a row before."""
    limit, overruns = load_64(job + plan.JOB_WATCHDOG_NS), load_64(job + plan.JOB_OVERRUNS_MAX)
    if limit != 0 and taken > limit:
        return 1
    return 1 if overruns != 0 and load_64(job + plan.JOB_OVERRUNS) >= overruns else 0


@native_function
def is_virtual(job: int) -> int:
    """Return not 0 where the PLC runs in virtual time."""
    return load_64(load_64(job + plan.JOB_PLC) + plan.PLC_VIRTUAL)


@native_function
def blame(job: int, kind: int) -> int:
    """Write a fault that is at no line of the program into the context of a job."""
    state = load_64(job + plan.JOB_STATE)
    store_32(state + abi.FAULT_KIND, kind)
    store_32(state + abi.FAULT_SITE, plan.NO_SITE)
    return 1


@native_function
def commit(job: int, fault: int) -> int:
    """Show what a scan did to the others, the devices and the image; nothing of one that failed."""
    plc = load_64(job + plan.JOB_PLC)
    lock(plc)
    store_64(plc + plan.PLC_SEQUENCE, load_64(plc + plan.PLC_SEQUENCE) + 1)
    copy_context(job)
    is_alive = load_64(plc + plan.PLC_FAULTED) == 0
    if fault == 0:
        hold_forced(job, load_64(job + plan.JOB_STATE))
        copy_out(job)
        look_at_events(plc, load_64(job + plan.JOB_END_NS))
        if is_alive:
            publish_outputs(job, 0)
    note_commit(job, fault)
    hand_over(job, fault, 1 if is_alive else 0)
    if load_64(plc + plan.PLC_FIRST_END_NS) == 0:
        store_shared(plc + plan.PLC_FIRST_END_NS, load_64(job + plan.JOB_END_NS))
    unlock(plc)
    if load_64(job + plan.JOB_CAUSE_NS) != 0:
        end = load_64(job + plan.JOB_END_NS) if is_virtual(job) else clock_ns()
        store_64(job + plan.JOB_COMMITTED_NS, end)
    complete_waiting(plc)
    return fail(job) if fault != 0 else 0


@native_function
def fail(job: int) -> int:
    """End a job after a fault: the whole PLC, or its outputs alone become safe."""
    plc, state = load_64(job + plan.JOB_PLC), load_64(job + plan.JOB_STATE)
    statistics = load_64(job + plan.JOB_STATISTICS)
    lock(plc)
    copy_context(job)
    left = load_64(plc + plan.PLC_JOBS_LEFT) - 1
    store_64(plc + plan.PLC_JOBS_LEFT, left)
    store_64(job + plan.JOB_FAULTED, 1)
    store_64(statistics + layout.TASK_FAULT_SITE, load_32(state + abi.FAULT_SITE))
    store_shared(statistics + layout.TASK_FAULT_KIND, load_32(state + abi.FAULT_KIND))
    if load_64(plc + plan.PLC_FAULTED) == 0:
        make_outputs_safe(job)
        if left == 0 or load_64(job + plan.JOB_STOPS_ALL) != 0:
            store_shared(plc + plan.PLC_FAULTED, 1)
            publish_outputs(job, 1)
            store_shared_32(load_64(plc + plan.PLC_IMAGE) + layout.MODE, _FAULTED)
        else:
            publish_outputs(job, 0)
    unlock(plc)
    return 0


@native_function
def lock(plc: int) -> int:
    """Keep the PLC's other tasks from their borders; the holder runs at the waiter's priority."""
    mutex = load_64(plc + plan.PLC_LOCK)
    return lock_mutex(mutex) if mutex != 0 else 0


@native_function
def unlock(plc: int) -> int:
    """Let them."""
    mutex = load_64(plc + plan.PLC_LOCK)
    return unlock_mutex(mutex) if mutex != 0 else 0


# -- the watchdog's thread --------------------------------------------------------------------


@native_function
def watch(worker: int) -> int:
    """End the code of jobs that runs too long, at its next loop, until told to stop."""
    jobs, job_list = load_64(worker + plan.WORKER_JOBS), load_64(worker + plan.WORKER_JOB_LIST)
    period = load_64(worker + plan.WORKER_PERIOD_NS)
    now = clock_ns()
    while load_shared(worker + plan.WORKER_STOP) == 0:
        sleep_until(now + period)
        now = clock_ns()
        for number in range(jobs):
            job = load_64(job_list + 8 * number)
            since = load_shared(job + plan.JOB_SINCE_NS)
            if since != 0 and now - since > load_64(job + plan.JOB_WATCHDOG_NS):
                store_32(load_64(job + plan.JOB_STATE) + abi.STOP_ASKED, 1)
    return plan.ENDED_BY_STOP
