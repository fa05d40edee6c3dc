"""The journal of a PLC: every take and commit in their order, with the inputs that were taken.

Inside the wall: native code only (`executive`). Entries are appended under the PLC's lock to a ring
in private memory; `entries.py` reads them. What was overwritten is gone: the ring holds the last
cycles for the flight recorder, and a writer's thread that keeps up holds all of them in a file.

Words of an entry: bytes (negative: nothing but the rest of the ring), kind, sequence, task, cycle,
then by kind      TAKE: release, NOW_NS, bytes of %I        COMMIT: end, fault kind, state hash
                        COMMAND: -, -, bytes of the command and its value
and the payload, padded to 8 bytes: %I where it has changed since the take before; the chosen
variables of the task's state at its commit; the command.
"""

from runtime.artifact import abi
from runtime.engine import plan
from runtime.engine.frames import complete_now, lock_frames, unlock_frames
from runtime.engine.intrinsics import (
    compare_bytes,
    copy_bytes,
    load_8,
    load_64,
    store_64,
    store_shared,
)
from runtime.engine.native_function import native_function
from runtime.image import layout


@native_function
def note_take(job: int, release: int, now: int) -> int:
    """Note a take and, where they have changed, the inputs."""
    plc = load_64(job + plan.JOB_PLC)
    area, size = load_64(plc + plan.PLC_INPUT_AREA), load_64(plc + plan.PLC_INPUT_BYTES)
    before = load_64(plc + plan.PLC_JOURNAL_INPUTS)
    changed = 0
    if size != 0 and compare_bytes(area, before, size) != 0:
        changed = size
        copy_bytes(before, area, size)
    at = append(job, plan.ENTRY_TAKE, (changed + 7) // 8 * 8)
    store_64(at + plan.ENTRY_TIME, release)
    store_64(at + plan.ENTRY_FIRST, now)
    store_64(at + plan.ENTRY_SECOND, changed)
    if changed != 0:
        copy_bytes(at + plan.ENTRY_PAYLOAD, area, changed)
    return close(plc, at)


@native_function
def note_commit(job: int, fault: int) -> int:
    """Note a commit and, every so many commits, a hash of the committed state."""
    plc = load_64(job + plan.JOB_PLC)
    commits = load_64(plc + plan.PLC_COMMITS) + 1
    store_64(plc + plan.PLC_COMMITS, commits)
    every = load_64(plc + plan.PLC_HASH_EVERY)
    digest = 0
    if every != 0 and commits % every == 0:
        lock_frames(plc)
        complete_now(job, fault)
        digest = hash_state(plc)
        unlock_frames(plc)
    noted = load_64(plc + plan.PLC_NOTED_BYTES)
    at = append(job, plan.ENTRY_COMMIT, (noted + 7) // 8 * 8)
    store_64(at + plan.ENTRY_TIME, load_64(job + plan.JOB_END_NS))
    store_64(at + plan.ENTRY_FIRST, fault)
    store_64(at + plan.ENTRY_SECOND, digest)
    note_values(job, at + plan.ENTRY_PAYLOAD)
    return close(plc, at)


@native_function
def note_values(job: int, to: int) -> int:
    """Copy the chosen ranges of what the job's code worked on, one behind the other."""
    plc, state = load_64(job + plan.JOB_PLC), load_64(job + plan.JOB_STATE)
    row = load_64(plc + plan.PLC_NOTED_ROWS)
    for _ in range(load_64(plc + plan.PLC_NOTED)):
        size = load_64(row + plan.OWNED_BYTES)
        copy_bytes(to, state + load_64(row + plan.OWNED_OFFSET), size)
        to += size
        row += plan.OWNED_ROW_BYTES
    return 0


@native_function
def note_command(job: int, command: int, size: int) -> int:
    """Note a command that a task applies at the take whose entry follows."""
    at = append(job, plan.ENTRY_COMMAND, layout.COMMAND_VALUE + (size + 7) // 8 * 8)
    store_64(at + plan.ENTRY_TIME, 0)
    store_64(at + plan.ENTRY_FIRST, 0)
    store_64(at + plan.ENTRY_SECOND, layout.COMMAND_VALUE + size)
    copy_bytes(at + plan.ENTRY_PAYLOAD, command, layout.COMMAND_VALUE + size)
    return close(load_64(job + plan.JOB_PLC), at)


@native_function
def append(job: int, kind: int, payload: int) -> int:
    """Return the address of a new entry whose first words are written."""
    plc = load_64(job + plan.JOB_PLC)
    ring, size = load_64(plc + plan.PLC_JOURNAL), load_64(plc + plan.PLC_JOURNAL_BYTES)
    head = load_64(plc + plan.PLC_JOURNAL_HEAD)
    total = plan.ENTRY_PAYLOAD + payload
    place = head & (size - 1)
    rest = size - place if place + total > size else 0
    mark_entry(plc, head + rest)
    give_up(plc, head + rest + total - size)
    if rest > 0:
        store_64(ring + place, place - size)
        store_shared(plc + plan.PLC_JOURNAL_HEAD, head + size - place)
        place = 0
    at = ring + place
    store_64(at + plan.ENTRY_BYTES, total)
    store_64(at + plan.ENTRY_KIND, kind)
    store_64(at + plan.ENTRY_SEQUENCE, load_64(plc + plan.PLC_SEQUENCE))
    store_64(at + plan.ENTRY_TASK, load_64(job + plan.JOB_NUMBER))
    store_64(at + plan.ENTRY_CYCLE, load_64(job + plan.JOB_CYCLE))
    return at


@native_function
def mark_entry(plc: int, start: int) -> int:
    """Note the first entry that begins in a part of the ring, or behind it where none does."""
    part = start >> load_64(plc + plan.PLC_JOURNAL_SHIFT)
    number = load_64(plc + plan.PLC_JOURNAL_PART)
    while number < part:
        number += 1
        mark = plc + plan.PLC_JOURNAL_MARKS + 8 * (number % plan.JOURNAL_PARTS)
        store_64(mark, start)
    return store_64(plc + plan.PLC_JOURNAL_PART, number)


@native_function
def give_up(plc: int, until: int) -> int:
    """Move the tail to an entry at a place or beyond it: what is before will be overwritten.

    It moves by whole parts of the ring, by their marks: the entries themselves, which no cache
    holds any more, are not looked at.
    """
    if until <= load_64(plc + plan.PLC_JOURNAL_TAIL):
        return 0
    shift = load_64(plc + plan.PLC_JOURNAL_SHIFT)
    part = ((until - 1) >> shift) + 1
    mark = plc + plan.PLC_JOURNAL_MARKS + 8 * (part % plan.JOURNAL_PARTS)
    return store_shared(plc + plan.PLC_JOURNAL_TAIL, load_64(mark))


@native_function
def close(plc: int, at: int) -> int:
    """Show an entry to who reads the journal."""
    head = load_64(plc + plan.PLC_JOURNAL_HEAD) + load_64(at + plan.ENTRY_BYTES)
    return store_shared(plc + plan.PLC_JOURNAL_HEAD, head)


@native_function
def hash_state(plc: int) -> int:
    """Return a hash of the committed state behind the context; never 0."""
    state, size = load_64(plc + plan.PLC_STATE), load_64(plc + plan.PLC_STATE_BYTES)
    return hash_bytes(state + abi.CONTEXT_BYTES, size - abi.CONTEXT_BYTES)


@native_function
def hash_bytes(place: int, size: int) -> int:
    """Return FNV-1a over words of 8 bytes, then over the bytes left; 1 in the place of 0."""
    digest = plan.HASH_OFFSET
    for at in range(0, size - 7, 8):
        digest = (digest ^ load_64(place + at)) * plan.HASH_PRIME
        digest ^= digest >> plan.HASH_SHIFT  # else high bits would never reach low ones
    for at in range(size // 8 * 8, size):
        digest = (digest ^ load_8(place + at)) * plan.HASH_PRIME
    return digest if digest != 0 else 1
