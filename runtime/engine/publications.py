"""Publications of a scan: the outputs and the frame, each a slot ring of the image.

Inside the wall: native code only (`executive`). This is the writer's half of `image.slots`; where
there are several tasks, the PLC's lock makes them one writer.
"""

from runtime.artifact import abi
from runtime.engine import plan
from runtime.engine.intrinsics import (
    clear_bytes,
    copy_bytes,
    fence_release,
    load_32,
    load_64,
    store_32,
    store_64,
    store_shared,
)
from runtime.engine.native_function import native_function
from runtime.image import layout
from runtime.limits import SLOTS

_OUTPUT_HEADER = layout.OUTPUT_HEADER.size
_CONSUMED = layout.CONSUMED.size
_FRAME_HEADER = layout.FRAME_HEADER.size


@native_function
def slot_of(ring: int, number: int, stride: int, slots: int) -> int:
    """Return the address of the slot of a publication."""
    return ring + layout.RING_HEADER_BYTES + (number % slots) * stride


@native_function
def open_slot(ring: int, number: int, stride: int, slots: int) -> int:
    """Mark the slot of a publication as being written; return the address of its payload."""
    slot = slot_of(ring, number, stride, slots)
    store_shared(slot, 0)
    fence_release()
    return slot + layout.SLOT_HEADER_BYTES


@native_function
def close_slot(ring: int, number: int, stride: int, slots: int) -> int:
    """Make the publication the newest."""
    store_shared(slot_of(ring, number, stride, slots), number)
    return store_shared(ring + layout.RING_HEAD, number)


@native_function
def publish_outputs(job: int, safe: int) -> int:
    """Publish the outputs after a job's commit, or the safe ones."""
    plc = load_64(job + plan.JOB_PLC)
    ring, stride = load_64(plc + plan.PLC_OUTPUT_RING), load_64(plc + plan.PLC_OUTPUT_STRIDE)
    number = load_64(plc + plan.PLC_OUTPUT_HEAD) + 1
    devices = load_64(plc + plan.PLC_DEVICES)
    to = open_slot(ring, number, stride, SLOTS)
    store_64(to, load_64(job + plan.JOB_CYCLE))
    store_64(to + 8, load_64(job + plan.JOB_RELEASE_NS))
    store_64(to + 16, load_64(job + plan.JOB_END_NS))
    store_32(to + 24, safe)
    store_32(to + 28, devices)
    store_32(to + 32, load_64(job + plan.JOB_NUMBER))
    store_32(to + 36, 0)
    to += _OUTPUT_HEADER
    if devices != 0:
        if safe:
            clear_bytes(to, devices * _CONSUMED)
        else:
            copy_bytes(to, load_64(job + plan.JOB_CONSUMED), devices * _CONSUMED)
        to += devices * _CONSUMED
    area = load_64(plc + plan.PLC_SAFE_AREA) if safe else load_64(plc + plan.PLC_OUTPUT_AREA)
    copy_bytes(to, area, load_64(plc + plan.PLC_OUTPUT_BYTES))
    store_64(plc + plan.PLC_OUTPUT_HEAD, number)
    return close_slot(ring, number, stride, SLOTS)


@native_function
def publish_frame(job: int) -> int:
    """Publish the committed state after a job's commit."""
    plc = load_64(job + plan.JOB_PLC)
    inputs = load_64(plc + plan.PLC_INPUTS)
    to = open_frame(job, load_64(plc + plan.PLC_SEQUENCE))
    if inputs != 0:
        copy_bytes(to, load_64(plc + plan.PLC_QUALITIES), inputs)
        to += (inputs + 7) // 8 * 8
    copy_bytes(to, load_64(plc + plan.PLC_STATE), load_64(plc + plan.PLC_STATE_BYTES))
    return close_frame(plc)


@native_function
def open_frame(job: int, sequence: int) -> int:
    """Open the next frame and tell whose commit it shows; return where the qualities begin."""
    plc = load_64(job + plan.JOB_PLC)
    ring, stride = load_64(plc + plan.PLC_FRAME_RING), load_64(plc + plan.PLC_FRAME_STRIDE)
    slots = load_64(plc + plan.PLC_FRAME_SLOTS)
    to = open_slot(ring, load_64(plc + plan.PLC_FRAME_HEAD) + 1, stride, slots)
    state = load_64(job + plan.JOB_STATE)
    store_64(to, load_64(job + plan.JOB_CYCLE))
    store_64(to + 8, load_64(job + plan.JOB_RELEASE_NS))
    store_64(to + 16, load_64(job + plan.JOB_START_NS))
    store_64(to + 24, load_64(job + plan.JOB_END_NS))
    store_32(to + 32, load_32(state + abi.FAULT_KIND))
    store_32(to + 36, load_32(state + abi.FAULT_SITE))
    store_32(to + 40, load_64(plc + plan.PLC_INPUTS))
    store_32(to + 44, load_64(plc + plan.PLC_STATE_BYTES))
    store_64(to + 48, sequence)
    store_32(to + 56, load_64(job + plan.JOB_NUMBER))
    store_32(to + 60, 0)
    return to + _FRAME_HEADER


@native_function
def close_frame(plc: int) -> int:
    """Make the frame that was opened the newest."""
    ring, stride = load_64(plc + plan.PLC_FRAME_RING), load_64(plc + plan.PLC_FRAME_STRIDE)
    number = load_64(plc + plan.PLC_FRAME_HEAD) + 1
    store_64(plc + plan.PLC_FRAME_HEAD, number)
    return close_slot(ring, number, stride, load_64(plc + plan.PLC_FRAME_SLOTS))
