"""Timers (6.6.3.5.5, table 46, figure 15). Time is the scan's release time, one value a scan.

PT may change while a timer runs and takes effect at the next call. ET stops at PT.
"""

from typing import Final

from runtime.datatypes.elementary import BOOL, DT, LTIME, TIME, Elementary
from runtime.stdlib.declare import BEYOND, Record, StandardBlock, members

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


def clock(rtc: Record, now: int) -> None:
    """Give the date and time: PDT when IN rises, then as long as IN is true what has passed since.

    A beginning at the rising edge is all that the block knows: it keeps no battery-backed clock.
    """
    if rtc.IN and not rtc.M:
        rtc.START = now
        rtc.BASE = rtc.PDT
    rtc.M = rtc.IN
    rtc.Q = rtc.IN
    if rtc.IN:
        rtc.CDT = rtc.BASE + (now - rtc.START)


def _timers(suffix: str, kind: Elementary) -> tuple[StandardBlock, ...]:
    inputs, outputs = members(IN=BOOL, PT=kind), members(Q=BOOL, ET=kind)
    running, edge = members(RUNNING=BOOL, START=TIME), members(M=BOOL, START=TIME)
    return (
        StandardBlock(f"TON{suffix}", _CLAUSE, inputs, outputs, running, on_delay),
        StandardBlock(f"TOF{suffix}", _CLAUSE, inputs, outputs, running, off_delay),
        StandardBlock(f"TP{suffix}", _CLAUSE, inputs, outputs, edge, pulse),
    )


BLOCKS: Final = (
    *_timers("", TIME),
    *_timers("_TIME", TIME),
    *_timers("_LTIME", LTIME),
    StandardBlock(
        "RTC",
        BEYOND,
        members(IN=BOOL, PDT=DT),
        members(Q=BOOL, CDT=DT),
        members(M=BOOL, START=TIME, BASE=DT),
        clock,
    ),
)
