"""Bistable blocks (6.6.3.5.2, table 43)."""

from typing import Final

from runtime.datatypes.elementary import BOOL
from runtime.stdlib.declare import Record, StandardBlock, members

_CLAUSE: Final = "6.6.3.5.2"


def set_dominant(latch: Record, _now: int) -> None:
    """Set by S1, reset by R; S1 wins."""
    latch.Q1 = latch.S1 or (not latch.R and latch.Q1)


def reset_dominant(latch: Record, _now: int) -> None:
    """Set by S, reset by R1; R1 wins."""
    latch.Q1 = not latch.R1 and (latch.S or latch.Q1)


BLOCKS: Final = (
    StandardBlock(
        "SR", _CLAUSE, members(S1=BOOL, R=BOOL), members(Q1=BOOL), members(), set_dominant,
        {"SET1": "S1", "RESET": "R"},
    ),
    StandardBlock(
        "RS", _CLAUSE, members(S=BOOL, R1=BOOL), members(Q1=BOOL), members(), reset_dominant,
        {"SET": "S", "RESET1": "R1"},
    ),
)  # fmt: skip
