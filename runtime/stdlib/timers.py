"""Timers (6.6.3.5.5, table 46, figure 15). Time is the scan's release time, one value a scan.

PT may change while a timer runs and takes effect at the next call. ET stops at PT.
"""

from typing import Final

from runtime.datatypes.elementary import BOOL, TIME
from runtime.stdlib.declare import Record, StandardBlock, members

_CLAUSE: Final = "6.6.3.5.5"


def on_delay(timer: Record, now: int) -> None:
    """Raise Q when IN has been true for PT."""
    if not timer.IN:
        timer.RUNNING = False
        timer.Q = False
        timer.ET = 0
        return
    if not timer.RUNNING:
        timer.RUNNING = True
        timer.START = now
    elapsed = now - timer.START
    timer.Q = elapsed >= timer.PT
    timer.ET = timer.PT if timer.Q else elapsed


def off_delay(timer: Record, now: int) -> None:
    """Drop Q when IN has been false for PT; ET starts at the falling edge."""
    if timer.IN:
        timer.Q = True
        timer.RUNNING = False
        timer.ET = 0
        return
    if not timer.Q:
        return
    if not timer.RUNNING:
        timer.RUNNING = True
        timer.START = now
    elapsed = now - timer.START
    if elapsed >= timer.PT:
        timer.Q = False
        elapsed = timer.PT
    timer.ET = elapsed


def pulse(timer: Record, now: int) -> None:
    """Give a pulse of length PT when IN rises; a further edge during the pulse changes nothing."""
    if timer.IN and not timer.M and not timer.Q:
        timer.Q = True
        timer.START = now
    timer.M = timer.IN
    if timer.Q:
        elapsed = now - timer.START
        if elapsed >= timer.PT:
            timer.Q = False
            elapsed = timer.PT
        timer.ET = elapsed
    if not timer.Q and not timer.IN:
        timer.ET = 0


_INPUTS: Final = members(IN=BOOL, PT=TIME)
_OUTPUTS: Final = members(Q=BOOL, ET=TIME)

BLOCKS: Final = (
    StandardBlock("TON", _CLAUSE, _INPUTS, _OUTPUTS, members(RUNNING=BOOL, START=TIME), on_delay),
    StandardBlock("TOF", _CLAUSE, _INPUTS, _OUTPUTS, members(RUNNING=BOOL, START=TIME), off_delay),
    StandardBlock("TP", _CLAUSE, _INPUTS, _OUTPUTS, members(M=BOOL, START=TIME), pulse),
)
