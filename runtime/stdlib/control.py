"""Control blocks. Their time step is the difference of release times, so a skipped scan counts."""

from typing import Final

from runtime.datatypes.elementary import BOOL, LREAL, REAL, TIME
from runtime.stdlib.declare import BEYOND, Record, StandardBlock, members

_SECONDS: Final = 1e-9


def pid(loop: Record, now: int) -> None:
    """PID controller: OUT = KP · (e + 1/TI · ∫e dt - TD · dPV/dt), limited to OUT_MIN … OUT_MAX.

    The derivative acts on PV, so a step of SP gives no kick. While OUT is limited the integral does
    not grow further into the limit (anti-windup). In manual mode (AUTO = FALSE) OUT follows MANUAL
    and the integral is kept such that the switch to automatic has no bump. TI = 0 means no integral
    part, TD = 0 no derivative part.
    """
    gain = 1.0 * loop.KP
    measured = 1.0 * loop.PV
    deviation = 1.0 * loop.SP - measured
    low = 1.0 * loop.OUT_MIN
    high = 1.0 * loop.OUT_MAX
    step = (now - loop.LAST) * _SECONDS if loop.STARTED else 0.0
    proportional = gain * deviation
    derivative = 0.0
    if loop.TD > 0 and step > 0.0:
        derivative = -gain * (loop.TD * _SECONDS) * (measured - loop.LAST_PV) / step
    integral = loop.INTEGRAL
    if loop.AUTO and loop.TI > 0:
        integral = integral + proportional * step / (loop.TI * _SECONDS)
    if loop.TI <= 0:
        integral = 0.0
    wanted = proportional + integral + derivative if loop.AUTO else 1.0 * loop.MANUAL
    output = wanted
    if output > high:
        output = high
    if output < low:
        output = low
    if not loop.AUTO:
        integral = output - proportional
    elif (wanted > high and proportional > 0.0) or (wanted < low and proportional < 0.0):
        integral = loop.INTEGRAL
    loop.INTEGRAL = integral
    loop.LAST_PV = measured
    loop.LAST = now
    loop.STARTED = True
    loop.DEVIATION = deviation
    loop.LIMITED = output != wanted
    loop.OUT = output


_REGULATED: Final = members(OUT=REAL, DEVIATION=REAL, LIMITED=BOOL)
_MEMORY: Final = members(INTEGRAL=LREAL, LAST_PV=LREAL, LAST=TIME, STARTED=BOOL)

BLOCKS: Final = (
    StandardBlock(
        "PID",
        BEYOND,
        members(
            AUTO=(BOOL, True),
            SP=REAL,
            PV=REAL,
            KP=(REAL, 1.0),
            TI=TIME,
            TD=TIME,
            MANUAL=REAL,
            OUT_MIN=REAL,
            OUT_MAX=(REAL, 100.0),
        ),
        _REGULATED,
        _MEMORY,
        pid,
    ),
    StandardBlock(
        "PI",
        BEYOND,
        members(
            AUTO=(BOOL, True),
            SP=REAL,
            PV=REAL,
            KP=(REAL, 1.0),
            TI=TIME,
            MANUAL=REAL,
            OUT_MIN=REAL,
            OUT_MAX=(REAL, 100.0),
        ),
        _REGULATED,
        {**_MEMORY, **members(TD=TIME)},
        pid,
    ),
)
