"""Restarts of a running PLC: which values it begins with again.

    cold    RETAIN as declared, PERSISTENT kept, the rest as declared
    warm    RETAIN and PERSISTENT kept, the rest as declared
    hot     the whole state kept

Kept is what the last scan without a fault committed, whether the PLC runs or has faulted.
"""

from collections.abc import Sequence
from dataclasses import replace

from runtime.artifact import abi
from runtime.artifact.program import CompiledProgram, Retained
from runtime.image import payloads
from runtime.image.layout import SectionKind
from runtime.image.orders import Restart
from runtime.image.segment import Image
from runtime.retain.layout import packing_of

_NOW = slice(abi.NOW_NS, abi.NOW_NS + 8)


def last_state(image: Image, program: CompiledProgram, frames_before: int) -> bytes:
    """Return the state that was committed last; call it while no scan runs.

    A task that is the only one works on the committed state itself: what a scan that faulted has
    left there counts no more, the frame before it does.

    Args:
        image: Its newest frames are the last commits.
        program: With the state that it began with.
        frames_before: Number of the newest frame when it began.
    """
    ring = image.ring(SectionKind.FRAME)
    newest = ring.latest()
    if newest is None or newest.number <= frames_before:
        return program.initial_state
    frame = payloads.decode_frame(newest.payload)
    if frame.fault is abi.FaultKind.NONE or len(program.tasks) > 1:
        return frame.state
    before = ring.publication(newest.number - 1)
    if before is None or before.number <= frames_before:
        return program.initial_state
    return payloads.decode_frame(before.payload).state


def begun_again(program: CompiledProgram, last: bytes, restart: Restart) -> CompiledProgram:
    """Return a program whose initial state is what a restart begins with.

    The program's time goes on where any value is kept, so that timers that are kept count on.

    Args:
        program: As it was compiled: with its variables as declared.
        last: The state that was committed last.
        restart: What to keep of it.
    """
    if restart is Restart.HOT:
        context = bytearray(program.initial_state[: abi.CONTEXT_BYTES])
        context[_NOW] = last[_NOW]
        return replace(program, initial_state=bytes(context) + last[abi.CONTEXT_BYTES :])
    kept = _kept(program.retained, restart)
    if not kept:
        return program
    packing, state = packing_of(kept), bytearray(program.initial_state)
    packing.unpack(packing.pack(last), state)
    state[_NOW] = last[_NOW]
    return replace(program, initial_state=bytes(state))


def _kept(retained: Sequence[Retained], restart: Restart) -> tuple[Retained, ...]:
    return tuple(item for item in retained if item.persistent or restart is Restart.WARM)
