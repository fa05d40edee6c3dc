"""Edge detection (6.6.3.5.3, table 44)."""

from typing import Final

from runtime.datatypes.elementary import BOOL
from runtime.stdlib.declare import Record, StandardBlock, members

_CLAUSE: Final = "6.6.3.5.3"


def rising(edge: Record, _now: int) -> None:
    """Give a pulse of one call when CLK rises."""
    edge.Q = edge.CLK and not edge.M
    edge.M = edge.CLK


def falling(edge: Record, _now: int) -> None:
    """Give a pulse of one call when CLK falls; the memory starts low, so a low CLK gives one."""
    edge.Q = not edge.CLK and not edge.M
    edge.M = not edge.CLK


BLOCKS: Final = (
    StandardBlock("R_TRIG", _CLAUSE, members(CLK=BOOL), members(Q=BOOL), members(M=BOOL), rising),
    StandardBlock("F_TRIG", _CLAUSE, members(CLK=BOOL), members(Q=BOOL), members(M=BOOL), falling),
)
