"""The scan loop, in the Python that numba turns into native code.

Inside the wall: what runs here is machine code only. It waits for the clock and for nothing else;
there is no allocation, lock, log, exception, interpreter or GIL. Import this on a cold start only
(`engine.scan` keeps the machine code): importing it imports numba.

Each release:  sleep, spin -> inputs -> task -> outputs -> frame -> statistics -> next release

`p` is the address of the scan plan (`engine.plan`), `d` of a device row, `i` of an input row.
Every value is an int64: numba would turn a sum of signed and unsigned into a float.
"""

from collections.abc import Callable
from typing import ParamSpec

import numba

from runtime.artifact import abi
from runtime.engine import plan
from runtime.engine.intrinsics import (
    call_task,
    clock_ns,
    copy_bytes,
    fence_acquire,
    fence_release,
    leading_zeros,
    load_8,
    load_32,
    load_64,
    load_shared,
    sleep_until,
    store_8,
    store_16,
    store_32,
    store_64,
    store_shared,
    store_shared_32,
)
from runtime.image import layout
from runtime.limits import LOOP_BUDGET, READ_ATTEMPTS, SLOTS

_Arguments = ParamSpec("_Arguments")


def _native(function: Callable[_Arguments, int]) -> Callable[_Arguments, int]:
    """Mark a function that numba compiles into its native callers; Python cannot call it."""
    compiled: Callable[_Arguments, int] = numba.njit(
        error_model="numpy", nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False
    )(function)
    return compiled


# Members of enumerations and structs as plain numbers, for numba.
_GOOD = int(layout.Quality.GOOD)
_UNCERTAIN = int(layout.Quality.UNCERTAIN)
_STALE = int(layout.Quality.STALE)
_BAD = int(layout.Quality.BAD)
_MISSING = int(layout.Quality.MISSING)
_STOPPED = int(layout.Mode.STOPPED)
_RUNNING = int(layout.Mode.RUNNING)
_FAULTED = int(layout.Mode.FAULTED)
_MAILBOX_HEADER = layout.MAILBOX_HEADER.size
_ENTRY = layout.ENTRY.size
_ENTRY_SOURCE_NS, _ENTRY_QUALITY = 8, 16
_OUTPUT_HEADER = layout.OUTPUT_HEADER.size
_CONSUMED = layout.CONSUMED.size
_FRAME_HEADER = layout.FRAME_HEADER.size


def execute(p: int, scans: int, first_ns: int) -> int:
    """Run the task and return how it ended (`plan.ENDED_BY_…`).

    With `scans` 0 it runs in real time until it is stopped or faults; else that many scans in
    virtual time, the first one released at `first_ns`, and the mode stays as it is.
    """
    return run(p) if scans == 0 else step(p, scans, first_ns)


@_native
def run(p: int) -> int:
    """Scan in real time."""
    image = load_64(p + plan.IMAGE)
    interval = load_64(p + plan.INTERVAL_NS)
    grid = min(interval, plan.TICK_GRID_NS)
    earliest = clock_ns() + plan.FIRST_RELEASE_DELAY_NS
    release = (earliest // grid + 1) * grid + grid // 2
    store_64(p + plan.ORIGIN_NS, release)
    store_shared_32(image + layout.MODE, _RUNNING)
    while True:
        start = wait_for(p, release)
        if start == 0:
            publish_outputs(p, safe=1)
            store_shared_32(image + layout.MODE, _STOPPED)
            return plan.ENDED_BY_STOP
        fault = scan(p, release, start)
        if fault != 0:
            publish_outputs(p, safe=1)
            store_shared_32(image + layout.MODE, _FAULTED)
            return plan.ENDED_BY_FAULT
        release = next_release(p, release, interval)


@_native
def step(p: int, scans: int, first_ns: int) -> int:
    """Scan in virtual time, as fast as the machine can."""
    interval = load_64(p + plan.INTERVAL_NS)
    if load_64(p + plan.CYCLE) == 0:
        store_64(p + plan.ORIGIN_NS, first_ns)
    for number in range(scans):
        release = first_ns + number * interval
        if scan(p, release, release) != 0:
            publish_outputs(p, safe=1)
            return plan.ENDED_BY_FAULT
    return plan.ENDED_BY_STOP


@_native
def wait_for(p: int, release: int) -> int:
    """Wait until the release; return the time then, or 0 when the loop is to stop."""
    heartbeat = load_64(p + plan.IMAGE) + layout.RUNTIME_HEARTBEAT_NS
    wake = release - load_64(p + plan.SPIN_NS)
    now = clock_ns()
    while now < wake:
        store_shared(heartbeat, now)
        if load_shared(p + plan.STOP) != 0:
            return 0
        sleep_until(min(wake, now + plan.SLICE_NS))
        now = clock_ns()
    while now < release:
        now = clock_ns()
    store_shared(heartbeat, now)
    return 0 if load_shared(p + plan.STOP) != 0 else now


@_native
def next_release(p: int, release: int, interval: int) -> int:
    """Return the next release that is not past; missed ones are skipped and counted."""
    missed = (clock_ns() - release) // interval
    if missed > 0:
        statistics = load_64(p + plan.STATISTICS)
        add_to(statistics + layout.TASK_OVERRUNS, 1)
        add_to(statistics + layout.TASK_SKIPPED, missed)
    return release + (missed + 1) * interval


@_native
def scan(p: int, release: int, start: int) -> int:
    """Run one scan; return 0, or not 0 after a fault."""
    state = load_64(p + plan.STATE)
    cycle = load_64(p + plan.CYCLE) + 1
    store_64(p + plan.CYCLE, cycle)
    store_64(p + plan.RELEASE_NS, release)
    take_inputs(p, release)
    store_64(state + abi.NOW_NS, release - load_64(p + plan.ORIGIN_NS))
    store_64(state + abi.CYCLE, cycle)
    store_64(state + abi.LOOP_BUDGET_LEFT, LOOP_BUDGET)
    fault = call_task(load_64(p + plan.TASK), state)
    end = release if load_64(p + plan.VIRTUAL) != 0 else clock_ns()
    store_64(p + plan.END_NS, end)
    if fault == 0:
        publish_outputs(p, safe=0)
    publish_frame(p, start)
    if cycle == 1:
        store_shared(p + plan.FIRST_END_NS, end)
    statistics = load_64(p + plan.STATISTICS)
    count_value(statistics + layout.TASK_LATENESS, start - release)
    count_value(statistics + layout.TASK_EXECUTION, end - start)
    add_to(statistics + layout.TASK_SCANS, 1)
    return fault


# -- inputs -----------------------------------------------------------------------------------


@_native
def take_inputs(p: int, release: int) -> int:
    """Freeze the inputs of this scan: newest mailboxes, effective qualities, values in %I."""
    d = load_64(p + plan.DEVICE_ROWS)
    quality_place = load_64(p + plan.QUALITIES)
    for _ in range(load_64(p + plan.DEVICES)):
        take_mailbox(d)
        oldest_fresh = release - load_64(d + plan.DEVICE_STALE_AFTER_NS)
        entry = load_64(d + plan.DEVICE_COPY) + _MAILBOX_HEADER
        i = load_64(d + plan.DEVICE_INPUT_ROWS)
        newest = 0
        for _ in range(load_64(d + plan.DEVICE_INPUTS)):
            quality = effective_quality(entry, oldest_fresh)
            store_8(quality_place, quality)
            place_input(i, load_64(entry), quality)
            newest = max(newest, load_64(entry + _ENTRY_SOURCE_NS))
            entry += _ENTRY
            i += plan.INPUT_ROW_BYTES
            quality_place += 1
        store_64(d + plan.DEVICE_NEWEST_NS, newest)
        d += plan.DEVICE_ROW_BYTES
    return 0


@_native
def take_mailbox(d: int) -> int:
    """Copy the newest whole publication; keep the last one where the writer keeps lapping.

    The reader's half of `image.slots`. A copy that the writer overtook stays in the spare buffer.
    """
    ring = load_64(d + plan.DEVICE_RING)
    for _ in range(READ_ATTEMPTS):
        number = load_shared(ring + layout.RING_HEAD)
        if number == load_64(d + plan.DEVICE_TAKEN):
            return 0
        slot = slot_of(ring, number, load_64(d + plan.DEVICE_STRIDE))
        if load_shared(slot) != number:
            continue
        spare = load_64(d + plan.DEVICE_SPARE)
        copy_bytes(spare, slot + layout.SLOT_HEADER_BYTES, load_64(d + plan.DEVICE_PAYLOAD))
        fence_acquire()
        if load_shared(slot) == number:
            store_64(d + plan.DEVICE_SPARE, load_64(d + plan.DEVICE_COPY))
            store_64(d + plan.DEVICE_COPY, spare)
            store_64(d + plan.DEVICE_TAKEN, number)
            return 1
    return 0


@_native
def effective_quality(entry: int, oldest_fresh: int) -> int:
    """Return the worst of what the gateway says and what the sample's age says."""
    source = load_64(entry + _ENTRY_SOURCE_NS)
    if source == 0:
        return _MISSING
    told = load_32(entry + _ENTRY_QUALITY)
    if told > _MISSING:
        told = _BAD  # not a quality: whatever wrote it is not to be trusted
    return max(told, _STALE) if source < oldest_fresh else told


@_native
def place_input(i: int, raw: int, quality: int) -> int:
    """Write one input to %I: the sample where it is usable, else its substitute."""
    if quality <= _UNCERTAIN:
        store_64(i + plan.INPUT_HELD, raw)
        value = raw
    elif load_64(i + plan.INPUT_USES_DEFAULT) != 0:
        value = load_64(i + plan.INPUT_DEFAULT)
    else:
        value = load_64(i + plan.INPUT_HELD)
    place = load_64(i + plan.INPUT_PLACE)
    width = load_64(i + plan.INPUT_WIDTH)
    if width == 1:
        mask = 1 << load_64(i + plan.INPUT_BIT)
        others = load_8(place) & ~mask
        store_8(place, others | mask if value & 1 else others)
    elif width == 8:  # noqa: PLR2004
        store_8(place, value)
    elif width == 16:  # noqa: PLR2004
        store_16(place, value)
    elif width == 32:  # noqa: PLR2004
        store_32(place, value)
    else:
        store_64(place, value)
    return 0


# -- publications: the writer's half of `image.slots` -------------------------------------------


@_native
def slot_of(ring: int, number: int, stride: int) -> int:
    """Return the address of the slot of a publication."""
    return ring + layout.RING_HEADER_BYTES + (number % SLOTS) * stride


@_native
def open_slot(ring: int, number: int, stride: int) -> int:
    """Mark the slot of a publication as being written; return the address of its payload."""
    slot = slot_of(ring, number, stride)
    store_shared(slot, 0)
    fence_release()
    return slot + layout.SLOT_HEADER_BYTES


@_native
def close_slot(ring: int, number: int, stride: int) -> int:
    """Make the publication the newest."""
    store_shared(slot_of(ring, number, stride), number)
    return store_shared(ring + layout.RING_HEAD, number)


@_native
def publish_outputs(p: int, safe: int) -> int:
    """Publish the outputs of this scan, or the safe ones."""
    ring, stride = load_64(p + plan.OUTPUT_RING), load_64(p + plan.OUTPUT_STRIDE)
    number = load_64(p + plan.OUTPUT_HEAD) + 1
    devices = load_64(p + plan.DEVICES)
    to = open_slot(ring, number, stride)
    store_64(to, load_64(p + plan.CYCLE))
    store_64(to + 8, load_64(p + plan.RELEASE_NS))
    store_64(to + 16, load_64(p + plan.END_NS))
    store_32(to + 24, safe)
    store_32(to + 28, devices)
    to += _OUTPUT_HEADER
    d = load_64(p + plan.DEVICE_ROWS)
    for _ in range(devices):
        store_64(to, 0 if safe else load_64(d + plan.DEVICE_TAKEN))
        store_64(to + 8, 0 if safe else load_64(d + plan.DEVICE_NEWEST_NS))
        to += _CONSUMED
        d += plan.DEVICE_ROW_BYTES
    area = load_64(p + plan.SAFE_AREA) if safe else load_64(p + plan.OUTPUT_AREA)
    copy_bytes(to, area, load_64(p + plan.OUTPUT_BYTES))
    store_64(p + plan.OUTPUT_HEAD, number)
    return close_slot(ring, number, stride)


@_native
def publish_frame(p: int, start: int) -> int:
    """Publish the state at the end of this scan."""
    ring, stride = load_64(p + plan.FRAME_RING), load_64(p + plan.FRAME_STRIDE)
    number = load_64(p + plan.FRAME_HEAD) + 1
    state, state_bytes = load_64(p + plan.STATE), load_64(p + plan.STATE_BYTES)
    inputs = load_64(p + plan.INPUTS)
    to = open_slot(ring, number, stride)
    store_64(to, load_64(p + plan.CYCLE))
    store_64(to + 8, load_64(p + plan.RELEASE_NS))
    store_64(to + 16, start)
    store_64(to + 24, load_64(p + plan.END_NS))
    store_32(to + 32, load_32(state + abi.FAULT_KIND))
    store_32(to + 36, load_32(state + abi.FAULT_SITE))
    store_32(to + 40, inputs)
    store_32(to + 44, state_bytes)
    to += _FRAME_HEADER
    copy_bytes(to, load_64(p + plan.QUALITIES), inputs)
    copy_bytes(to + (inputs + 7) // 8 * 8, state, state_bytes)
    store_64(p + plan.FRAME_HEAD, number)
    return close_slot(ring, number, stride)


# -- statistics -------------------------------------------------------------------------------


@_native
def bucket_of(value: int) -> int:
    """Return the histogram bucket of a value in ns: the twin of `image.layout.bucket_of`."""
    value = max(value, 0)
    if value < 1 << layout.SUB_BITS:
        return value
    octave = 63 - leading_zeros(value)
    if octave >= layout.OCTAVES_END:
        return layout.BUCKETS - 1
    mantissa = (value >> (octave - layout.SUB_BITS)) & ((1 << layout.SUB_BITS) - 1)
    return ((octave - layout.SUB_BITS + 1) << layout.SUB_BITS) + mantissa


@_native
def count_value(histogram: int, value: int) -> int:
    """Count one value in a histogram of the image."""
    add_to(histogram + layout.HISTOGRAM_SUM, max(value, 0))
    if value > load_64(histogram + layout.HISTOGRAM_MAX):
        store_shared(histogram + layout.HISTOGRAM_MAX, value)
    return add_to(histogram + layout.HISTOGRAM_BUCKETS + 8 * bucket_of(value), 1)


@_native
def add_to(counter: int, amount: int) -> int:
    """Add to a counter that only this thread writes."""
    return store_shared(counter, load_64(counter) + amount)
