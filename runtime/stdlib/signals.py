"""Blocks for signals, as in annex F of edition 2: hysteresis, alarms, integral, derivative, ramp.

Where a block counts time it takes CYCLE as the step, or, while CYCLE is 0, the difference of
release times, so that a skipped scan counts. Rates are per second.
"""

from typing import Final

from runtime.datatypes.elementary import BOOL, LREAL, REAL, TIME
from runtime.stdlib.declare import BEYOND, Record, StandardBlock, members

_SECONDS: Final = 1e-9


def step_of(block: Record, now: int) -> int:
    """Return the nanoseconds since the last call; at the first call CYCLE."""
    step: int = block.CYCLE
    if step <= 0 and block.STARTED:
        step = now - block.LAST
    block.LAST = now
    block.STARTED = True
    return step


def hysteresis(switch: Record, _now: int) -> None:
    """Switch Q on above XIN2 + EPS and off below XIN2 - EPS."""
    value = 1.0 * switch.XIN1
    limit = 1.0 * switch.XIN2
    if switch.Q:
        if value < limit - switch.EPS:
            switch.Q = False
    elif value > limit + switch.EPS:
        switch.Q = True


def limits_alarm(alarm: Record, _now: int) -> None:
    """Raise QH above H and QL below L; each drops when X is back inside by EPS."""
    value = 1.0 * alarm.X
    if alarm.QH:
        alarm.QH = value >= 1.0 * alarm.H - alarm.EPS
    else:
        alarm.QH = value > alarm.H
    if alarm.QL:
        alarm.QL = value <= 1.0 * alarm.L + alarm.EPS
    else:
        alarm.QL = value < alarm.L
    alarm.Q = alarm.QH or alarm.QL


def integral(block: Record, now: int) -> None:
    """Integrate XIN over time while RUN; R1 sets XOUT to X0."""
    step = step_of(block, now)
    block.Q = not block.R1
    if block.R1:
        block.SUM = 1.0 * block.X0
    elif block.RUN:
        block.SUM = block.SUM + 1.0 * block.XIN * (step * _SECONDS)
    block.XOUT = block.SUM


def derivative(block: Record, now: int) -> None:
    """Give the slope of XIN per second over the last four values while RUN."""
    step = step_of(block, now)
    value = 1.0 * block.XIN
    if not block.RUN:
        block.XOUT = 0.0
        block.X1 = value
        block.X2 = value
        block.X3 = value
        return
    if step > 0:
        rise = 3.0 * (value - block.X3) + block.X1 - block.X2
        block.XOUT = rise / (10.0 * (step * _SECONDS))
    block.X3 = block.X2
    block.X2 = block.X1
    block.X1 = value


def ramp(block: Record, now: int) -> None:
    """Go from X0 to X1 in TR while RUN; without RUN stay at X0."""
    step = step_of(block, now)
    if not block.RUN:
        block.BUSY = False
        block.RUNNING = False
        block.XOUT = block.X0
        return
    if not block.RUNNING:
        block.RUNNING = True
        block.FROM = 1.0 * block.X0
        block.PASSED = 0
    else:
        block.PASSED += step
    block.BUSY = 0 <= block.PASSED < block.TR
    if block.BUSY:
        way = 1.0 * block.X1 - block.FROM
        block.XOUT = block.FROM + way * (1.0 * block.PASSED / block.TR)
    else:
        block.XOUT = block.X1


def lead_lag(block: Record, now: int) -> None:
    """Give K · (1 + LEAD·s) / (1 + LAG·s) of XIN; the first call gives K · XIN."""
    first = not block.STARTED
    step = step_of(block, now)
    value = 1.0 * block.K * block.XIN
    span = 1.0 * block.LAG + step
    if first or span <= 0.0:
        block.Y = value
    else:
        lead = 1.0 * block.LEAD
        block.Y = (1.0 * block.LAG * block.Y + (lead + step) * value - lead * block.X) / span
    block.X = value
    block.XOUT = block.Y


def scale(block: Record, _now: int) -> None:
    """Map IN_MIN … IN_MAX to OUT_MIN … OUT_MAX; OUT stays within, LIMITED tells."""
    low = 1.0 * block.OUT_MIN
    high = 1.0 * block.OUT_MAX
    span = 1.0 * block.IN_MAX - block.IN_MIN
    share = (1.0 * block.IN - block.IN_MIN) / span if span != 0.0 else 0.0
    block.LIMITED = share < 0.0 or share > 1.0
    share = min(max(share, 0.0), 1.0)
    block.OUT = low + (high - low) * share


_CLOCKED: Final = members(LAST=TIME, STARTED=BOOL)

BLOCKS: Final = (
    StandardBlock(
        "HYSTERESIS", BEYOND, members(XIN1=REAL, XIN2=REAL, EPS=REAL), members(Q=BOOL), members(),
        hysteresis,
    ),
    StandardBlock(
        "LIMITS_ALARM", BEYOND, members(H=REAL, X=REAL, L=REAL, EPS=REAL),
        members(QH=BOOL, Q=BOOL, QL=BOOL), members(), limits_alarm,
    ),
    StandardBlock(
        "INTEGRAL", BEYOND, members(RUN=BOOL, R1=BOOL, XIN=REAL, X0=REAL, CYCLE=TIME),
        members(Q=BOOL, XOUT=REAL), {**_CLOCKED, **members(SUM=LREAL)}, integral,
    ),
    StandardBlock(
        "DERIVATIVE", BEYOND, members(RUN=BOOL, XIN=REAL, CYCLE=TIME), members(XOUT=REAL),
        {**_CLOCKED, **members(X1=LREAL, X2=LREAL, X3=LREAL)}, derivative,
    ),
    StandardBlock(
        "RAMP", BEYOND, members(RUN=BOOL, X0=REAL, X1=REAL, TR=TIME, CYCLE=TIME),
        members(BUSY=BOOL, XOUT=REAL),
        {**_CLOCKED, **members(RUNNING=BOOL, FROM=LREAL, PASSED=TIME)}, ramp,
    ),
    StandardBlock(
        "LEAD_LAG", BEYOND, members(XIN=REAL, K=(REAL, 1.0), LEAD=TIME, LAG=TIME, CYCLE=TIME),
        members(XOUT=REAL), {**_CLOCKED, **members(X=LREAL, Y=LREAL)}, lead_lag,
    ),
    StandardBlock(
        "SCALE", BEYOND,
        members(IN=REAL, IN_MIN=REAL, IN_MAX=(REAL, 1.0), OUT_MIN=REAL, OUT_MAX=(REAL, 100.0)),
        members(OUT=REAL, LIMITED=BOOL), members(), scale,
    ),
)  # fmt: skip
