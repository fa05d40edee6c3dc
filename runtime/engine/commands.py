"""Commands from outside: writes and forces, applied by a task at its take, each answered.

Inside the wall: native code only (`executive`), under the PLC's lock. Place and size of a command
are read once and judged: whoever can write to the image cannot reach beyond the state.
"""

from runtime.artifact import abi
from runtime.engine import plan
from runtime.engine.intrinsics import (
    copy_bytes,
    load_8,
    load_32,
    load_64,
    load_shared,
    store_8,
    store_32,
    store_64,
    store_shared,
)
from runtime.engine.journal import note_command
from runtime.engine.native_function import native_function
from runtime.image import layout
from runtime.limits import FORCES_MAX

_WRITE = int(layout.CommandKind.WRITE)
_FORCE = int(layout.CommandKind.FORCE)
_UNFORCE = int(layout.CommandKind.UNFORCE)
_UNFORCE_ALL = int(layout.CommandKind.UNFORCE_ALL)
_APPLIED = int(layout.CommandStatus.APPLIED)
_REFUSED = int(layout.CommandStatus.REFUSED)


@native_function
def are_waiting(job: int) -> int:
    """Return not 0 where commands wait for a task."""
    queue = load_64(job + plan.JOB_COMMAND_QUEUE)
    return load_shared(queue + layout.COMMANDS_WRITTEN) - load_64(job + plan.JOB_COMMANDS_DONE)


@native_function
def apply_commands(job: int) -> int:
    """Apply the commands that wait for a task, in their order, and answer each."""
    queue = load_64(job + plan.JOB_COMMAND_QUEUE)
    done = load_64(job + plan.JOB_COMMANDS_DONE)
    written = load_shared(queue + layout.COMMANDS_WRITTEN)
    if written == done or written - done > layout.COMMAND_SLOTS:
        return 0
    plc = load_64(job + plan.JOB_PLC)
    for number in range(done + 1, written + 1):
        slot = queue + layout.COMMANDS_HEADER_BYTES
        slot += number % layout.COMMAND_SLOTS * layout.COMMAND_BYTES
        if load_shared(slot) != number:
            break
        status = apply_command(job, slot)
        store_64(slot + layout.COMMAND_CYCLE, load_64(job + plan.JOB_CYCLE))
        store_64(slot + layout.COMMAND_SEQUENCE, load_64(plc + plan.PLC_SEQUENCE) + 1)
        store_32(slot + layout.COMMAND_STATUS, status)
        done = number
    store_64(job + plan.JOB_COMMANDS_DONE, done)
    return store_shared(queue + layout.COMMANDS_APPLIED, done)


@native_function
def apply_command(job: int, slot: int) -> int:
    """Apply one command; return its status."""
    kind, mask = load_32(slot + layout.COMMAND_KIND), load_32(slot + layout.COMMAND_MASK)
    offset, size = load_64(slot + layout.COMMAND_OFFSET), load_64(slot + layout.COMMAND_SIZE)
    plc = load_64(job + plan.JOB_PLC)
    if kind < _WRITE or kind > _UNFORCE_ALL:
        return _REFUSED
    end = load_64(plc + plan.PLC_STATE_BYTES)
    is_inside = offset >= abi.CONTEXT_BYTES and 0 < size <= layout.COMMAND_VALUE_MAX
    if kind != _UNFORCE_ALL and not (is_inside and offset <= end - size):
        return _REFUSED
    if kind == _FORCE and size > layout.FORCE_VALUE_MAX:
        return _REFUSED
    note_command(job, slot, 0 if kind == _UNFORCE_ALL else size)
    store_64(plc + plan.PLC_COMMANDS, load_64(plc + plan.PLC_COMMANDS) + 1)
    value = slot + layout.COMMAND_VALUE
    if kind == _FORCE:
        return force(job, offset, size, mask, load_64(value))
    if kind == _WRITE:
        write_value(load_64(plc + plan.PLC_STATE) + offset, value, size, mask)
        write_value(load_64(job + plan.JOB_STATE) + offset, value, size, mask)
        return _APPLIED
    release(job, kind, offset, mask)
    return _APPLIED


@native_function
def write_value(place: int, value: int, size: int, mask: int) -> int:
    """Write the bytes of a value, or the bits of a mask where it is one byte."""
    if size == 1:
        return store_8(place, (load_8(place) & ~mask) | (load_8(value) & mask))
    return copy_bytes(place, value, size)


@native_function
def force(job: int, offset: int, size: int, mask: int, value: int) -> int:
    """Hold a place from now on; return the status."""
    plc = load_64(job + plan.JOB_PLC)
    count, rows = load_64(plc + plan.PLC_FORCES), load_64(plc + plan.PLC_FORCE_ROWS)
    at = count
    for number in range(count):
        row = rows + number * plan.FORCE_ROW_BYTES
        if load_64(row + plan.FORCE_OFFSET) == offset and load_64(row + plan.FORCE_MASK) == mask:
            at = number
    if at == FORCES_MAX:
        return _REFUSED
    row = rows + at * plan.FORCE_ROW_BYTES
    store_64(row + plan.FORCE_JOB, owner_of(job, offset))
    store_64(row + plan.FORCE_OFFSET, offset)
    store_64(row + plan.FORCE_BYTES, size)
    store_64(row + plan.FORCE_MASK, mask)
    store_64(row + plan.FORCE_VALUE, value)
    store_64(plc + plan.PLC_FORCES, max(count, at + 1))
    return _APPLIED


@native_function
def owner_of(job: int, offset: int) -> int:
    """Return a job where it alone writes a place, else 0."""
    row = load_64(job + plan.JOB_OWNED_ROWS)
    for _ in range(load_64(job + plan.JOB_OWNED)):
        start = load_64(row + plan.OWNED_OFFSET)
        if start <= offset < start + load_64(row + plan.OWNED_BYTES):
            return job
        row += plan.OWNED_ROW_BYTES
    return 0


@native_function
def release(job: int, kind: int, offset: int, mask: int) -> int:
    """Let go of a place, or of all that the job may have forced."""
    plc = load_64(job + plan.JOB_PLC)
    rows, number = load_64(plc + plan.PLC_FORCE_ROWS), 0
    while number < load_64(plc + plan.PLC_FORCES):
        row = rows + number * plan.FORCE_ROW_BYTES
        owner = load_64(row + plan.FORCE_JOB)
        is_it = (
            load_64(row + plan.FORCE_OFFSET) == offset and load_64(row + plan.FORCE_MASK) == mask
        )
        if is_it if kind == _UNFORCE else owner in (0, job):
            last = load_64(plc + plan.PLC_FORCES) - 1
            copy_bytes(row, rows + last * plan.FORCE_ROW_BYTES, plan.FORCE_ROW_BYTES)
            store_64(plc + plan.PLC_FORCES, last)
        else:
            number += 1
    return 0


@native_function
def hold_forced(job: int, state: int) -> int:
    """Give what is forced at this job's borders its value in a state."""
    return hold(job, state) if load_64(load_64(job + plan.JOB_PLC) + plan.PLC_FORCES) != 0 else 0


@native_function
def hold(job: int, state: int) -> int:
    """Do it, where anything is forced."""
    plc = load_64(job + plan.JOB_PLC)
    row = load_64(plc + plan.PLC_FORCE_ROWS)
    for _ in range(load_64(plc + plan.PLC_FORCES)):
        owner = load_64(row + plan.FORCE_JOB)
        if owner in (0, job):
            place = state + load_64(row + plan.FORCE_OFFSET)
            size, mask = load_64(row + plan.FORCE_BYTES), load_64(row + plan.FORCE_MASK)
            write_value(place, row + plan.FORCE_VALUE, size, mask)
        row += plan.FORCE_ROW_BYTES
    return 0
