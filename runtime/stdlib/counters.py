"""Counters (6.6.3.5.4, table 45). A count stops at the limit of its type, not at PV."""

from typing import Final

from runtime.datatypes.elementary import BOOL, INT
from runtime.stdlib.declare import Record, StandardBlock, members

_CLAUSE: Final = "6.6.3.5.4"
_INT_MAX: Final = INT.maximum
_INT_MIN: Final = INT.minimum


def up(counter: Record, _now: int) -> None:
    """Count rising edges of CU; R sets the count to 0."""
    if counter.R:
        counter.CV = 0
    elif counter.CU and not counter.M and counter.CV < _INT_MAX:
        counter.CV += 1
    counter.M = counter.CU
    counter.Q = counter.CV >= counter.PV


def down(counter: Record, _now: int) -> None:
    """Count down on rising edges of CD; LD loads PV."""
    if counter.LD:
        counter.CV = counter.PV
    elif counter.CD and not counter.M and counter.CV > _INT_MIN:
        counter.CV -= 1
    counter.M = counter.CD
    counter.Q = counter.CV <= 0


BLOCKS: Final = (
    StandardBlock(
        "CTU",
        _CLAUSE,
        members(CU=BOOL, R=BOOL, PV=INT),
        members(Q=BOOL, CV=INT),
        members(M=BOOL),
        up,
    ),
    StandardBlock(
        "CTD",
        _CLAUSE,
        members(CD=BOOL, LD=BOOL, PV=INT),
        members(Q=BOOL, CV=INT),
        members(M=BOOL),
        down,
    ),
)
