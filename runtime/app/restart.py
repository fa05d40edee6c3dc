"""Restarts of a running PLC: which values it begins with again.

    cold    RETAIN as declared, PERSISTENT kept, the rest as declared
    warm    RETAIN and PERSISTENT kept, the rest as declared
    hot     the whole state kept

Kept is what the last scan without a fault committed, whether the PLC runs or has faulted.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from runtime.app.retention import Keeper
from runtime.artifact import abi
from runtime.artifact.program import CompiledProgram, Retained
from runtime.image import payloads
from runtime.image.commands import Commands
from runtime.image.layout import SectionKind
from runtime.image.orders import Restart
from runtime.image.segment import Image
from runtime.image.statistics import TaskStatistics
from runtime.retain.layout import packing_of

logger = logging.getLogger(__name__)

_NOW = slice(abi.NOW_NS, abi.NOW_NS + 8)


class Past:
    """What one PLC has behind it at each of its restarts."""

    def __init__(self, declared: CompiledProgram, image: Image, kept: Keeper) -> None:
        """Begin with a program as it was compiled; `kept` has the values of its first run."""
        self._declared, self._image, self._kept = declared, image, kept
        self.frames_before = 0
        """Number of its newest frame when it began its present run."""

    def next_run(self, restart: Restart, cycle: int, *, stood: bool) -> CompiledProgram:
        """Return the program with the state to begin with; the image shows no fault any more.

        Args:
            restart: What to keep.
            cycle: The last one of the first task.
            stood: Whether it had faulted or was stopped: commands that wait since then are refused.
        """
        image = self._image
        refused = Commands(image).refuse_waiting() if stood else 0
        if refused:
            facts = {"plc": image.directory.project, "commands": refused}
            logger.warning("commands that waited were refused", extra=facts)
        last = last_state(image, self._kept.program, self.frames_before)
        self.frames_before = image.ring(SectionKind.FRAME).head
        program = begun_again(self._declared, last, restart)
        self._kept.begin_again(program, cycle)
        for number in range(len(image.directory.tasks)):
            TaskStatistics(image.section(SectionKind.TASK_STATISTICS, number)).clear_fault()
        image.runtime_heartbeat_ns = time.monotonic_ns()
        return program


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
