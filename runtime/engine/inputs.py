"""Inputs: from the gateway's mailboxes to %I, judged by quality and age.

Inside the wall: native code only (`executive`). `d` is the address of a device row, `i` of an input
row. A mailbox that makes no sense leaves what was taken before.
"""

from runtime.engine import plan
from runtime.engine.intrinsics import (
    copy_bytes,
    fence_acquire,
    load_8,
    load_32,
    load_64,
    load_shared,
    store_8,
    store_16,
    store_32,
    store_64,
)
from runtime.engine.native_function import native_function
from runtime.engine.publications import slot_of
from runtime.image import layout
from runtime.limits import READ_ATTEMPTS, SLOTS

# Members of enumerations and structs as plain numbers, for numba.
_UNCERTAIN = int(layout.Quality.UNCERTAIN)
_STALE = int(layout.Quality.STALE)
_BAD = int(layout.Quality.BAD)
_MISSING = int(layout.Quality.MISSING)
_MAILBOX_HEADER = layout.MAILBOX_HEADER.size
_ENTRY = layout.ENTRY.size
_ENTRY_SOURCE_NS, _ENTRY_QUALITY = 8, 16
_MILLISECOND_NS = 1_000_000
_NO_AGE = 0xFFFF_FFFF


@native_function
def take_inputs(plc: int, release: int) -> int:
    """Put the newest mailboxes with their effective qualities into the committed %I."""
    d = load_64(plc + plan.PLC_DEVICE_ROWS)
    quality_place = load_64(plc + plan.PLC_QUALITIES)
    running = release - load_64(plc + plan.PLC_ORIGIN_NS)
    number, lost = 0, 0
    for _ in range(load_64(plc + plan.PLC_DEVICES)):
        take_mailbox(d)
        oldest_fresh = release - load_64(d + plan.DEVICE_STALE_AFTER_NS)
        entry = load_64(d + plan.DEVICE_COPY) + _MAILBOX_HEADER
        i = load_64(d + plan.DEVICE_INPUT_ROWS)
        newest = 0
        for _ in range(load_64(d + plan.DEVICE_INPUTS)):
            quality = effective_quality(entry, oldest_fresh)
            store_8(quality_place, quality)
            place_input(i, load_64(entry), quality)
            tell_input(i, quality, release, load_64(entry + _ENTRY_SOURCE_NS))
            number += 1
            if lost == 0 and is_fault(i, quality, running) != 0:
                lost = number * plan.LOST_SHIFT + quality
            newest = max(newest, load_64(entry + _ENTRY_SOURCE_NS))
            entry += _ENTRY
            i += plan.INPUT_ROW_BYTES
            quality_place += 1
        store_64(d + plan.DEVICE_NEWEST_NS, newest)
        d += plan.DEVICE_ROW_BYTES
    return store_64(plc + plan.PLC_LOST, lost)


@native_function
def is_fault(i: int, quality: int, running: int) -> int:
    """Return not 0 where there must be no scan with an input as it is."""
    patience = load_64(i + plan.INPUT_FAULTS_AFTER_NS)
    if patience == 0 or quality <= _UNCERTAIN:
        return 0
    return 1 if quality != _MISSING or running > patience else 0


@native_function
def take_mailbox(d: int) -> int:
    """Copy the newest whole publication; keep the last one where the writer keeps lapping.

    The reader's half of `image.slots`. A copy that the writer overtook stays in the spare buffer.
    """
    ring = load_64(d + plan.DEVICE_RING)
    for _ in range(READ_ATTEMPTS):
        number = load_shared(ring + layout.RING_HEAD)
        if number == load_64(d + plan.DEVICE_TAKEN):
            return 0
        slot = slot_of(ring, number, load_64(d + plan.DEVICE_STRIDE), SLOTS)
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


@native_function
def effective_quality(entry: int, oldest_fresh: int) -> int:
    """Return the worst of what the gateway says and what the sample's age says."""
    source = load_64(entry + _ENTRY_SOURCE_NS)
    if source == 0:
        return _MISSING
    told = load_32(entry + _ENTRY_QUALITY)
    if told > _MISSING:
        told = _BAD  # not a quality: whatever wrote it is not to be trusted
    return max(told, _STALE) if source < oldest_fresh else told


@native_function
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


@native_function
def tell_input(i: int, quality: int, release: int, source: int) -> int:
    """Write an input's quality and age to %I, where the project has places for them."""
    place = load_64(i + plan.INPUT_QUALITY_PLACE)
    if place != 0:
        store_8(place, quality)
    place = load_64(i + plan.INPUT_AGE_PLACE)
    if place != 0:
        age = max(release - source, 0) // _MILLISECOND_NS
        store_32(place, _NO_AGE if source == 0 else min(age, _NO_AGE))
    return 0
