"""Warming up: the lines of memory that a scan will touch, fetched all at once before it starts.

Inside the wall: native code only (`executive`, `pool`). While a task sleeps the caches forget it,
and on a virtual machine a page that the processor no longer knows costs up to a microsecond. One
after the other, as a scan comes to them, these ways to the memory are most of its time; asked for
together they overlap (`doc/decisions`: warming up). A prefetch has no effect but on time.
Large parts are fetched at their beginning only; the processor sees where that leads.
"""

from runtime.engine import plan
from runtime.engine.intrinsics import load_64, prefetch
from runtime.engine.native_function import native_function
from runtime.image import layout
from runtime.limits import SLOTS

_LINE = layout.CACHE_LINE
_PART = 8 * _LINE
"""Of a state, a mailbox, the rows of inputs: what is fetched at most."""
_DEVICES = 4
"""Devices whose mailboxes are fetched, at most."""
_HEADERS = layout.RING_HEADER_BYTES
_NOTES = 3
"""Lines that a scan notes in the journal, without inputs."""
_OUTPUT_LINES, _FRAME_LINES = 2, 4
"""Lines at the beginning of a slot."""


@native_function
def warm(job: int) -> int:
    """Fetch what the next scan of a job touches."""
    fetch(job, plan.JOB_BYTES)
    plc = load_64(job + plan.JOB_PLC)
    fetch(plc, plan.PLC_JOURNAL_MARKS)
    prefetch(load_64(job + plan.JOB_ENTRY))
    prefetch(load_64(job + plan.JOB_COMMAND_QUEUE))
    prefetch(load_64(plc + plan.PLC_IMAGE) + layout.RUNTIME_HEARTBEAT_NS)
    fetch(load_64(job + plan.JOB_STATE), min(load_64(plc + plan.PLC_STATE_BYTES), _PART))
    journal, size = load_64(plc + plan.PLC_JOURNAL), load_64(plc + plan.PLC_JOURNAL_BYTES)
    fetch(journal + (load_64(plc + plan.PLC_JOURNAL_HEAD) & (size - 1)), _NOTES * _LINE)
    warm_inputs(plc)
    ring, stride = load_64(plc + plan.PLC_OUTPUT_RING), load_64(plc + plan.PLC_OUTPUT_STRIDE)
    warm_slot(ring, load_64(plc + plan.PLC_OUTPUT_HEAD), stride, SLOTS, _OUTPUT_LINES)
    ring, stride = load_64(plc + plan.PLC_FRAME_RING), load_64(plc + plan.PLC_FRAME_STRIDE)
    slots = load_64(plc + plan.PLC_FRAME_SLOTS)
    warm_slot(ring, load_64(plc + plan.PLC_FRAME_HEAD), stride, slots, _FRAME_LINES)
    return warm_statistics(load_64(job + plan.JOB_STATISTICS))


@native_function
def warm_inputs(plc: int) -> int:
    """Fetch the devices' rows, their mailboxes and their inputs."""
    d = load_64(plc + plan.PLC_DEVICE_ROWS)
    for _ in range(min(load_64(plc + plan.PLC_DEVICES), _DEVICES)):
        fetch(d, plan.DEVICE_ROW_BYTES)
        prefetch(load_64(d + plan.DEVICE_RING))
        fetch(load_64(d + plan.DEVICE_COPY), min(load_64(d + plan.DEVICE_PAYLOAD), _PART))
        rows = load_64(d + plan.DEVICE_INPUTS) * plan.INPUT_ROW_BYTES
        fetch(load_64(d + plan.DEVICE_INPUT_ROWS), min(rows, _PART))
        d += plan.DEVICE_ROW_BYTES
    return 0


@native_function
def warm_slot(ring: int, head: int, stride: int, slots: int, lines: int) -> int:
    """Fetch the slot that a ring's next publication goes to."""
    prefetch(ring)
    return fetch(ring + _HEADERS + (head + 1) % slots * stride, lines * _LINE)


@native_function
def warm_statistics(statistics: int) -> int:
    """Fetch the counters and the heads of the histograms."""
    prefetch(statistics)
    prefetch(statistics + layout.TASK_LATENESS)
    prefetch(statistics + layout.TASK_EXECUTION)
    prefetch(statistics + layout.TASK_JITTER)
    return prefetch(statistics + layout.TASK_REACTION)


@native_function
def fetch(place: int, size: int) -> int:
    """Fetch the lines of a range."""
    for at in range(0, size, _LINE):
        prefetch(place + at)
    return 0
