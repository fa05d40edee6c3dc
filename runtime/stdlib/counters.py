"""Counters (6.6.3.5.4, table 45), for INT and for each type of the typed ones (CTU_DINT, …).

A count stops at the limit of its type, not at PV. Blocks see unsigned values of 64 bits as their
bits, so counts and limits are compared with the sign bit turned (`flip`).
"""

from collections.abc import Callable
from typing import Final

from runtime.datatypes.elementary import (
    BOOL,
    DINT,
    INT,
    LINT,
    SINT,
    UDINT,
    UINT,
    ULINT,
    USINT,
    Elementary,
)
from runtime.stdlib.declare import Record, StandardBlock, members

_CLAUSE: Final = "6.6.3.5.4"
_Body = Callable[[Record, int], None]


def _flip(data_type: Elementary) -> int:
    return LINT.minimum if data_type is ULINT else 0


def _greatest(data_type: Elementary) -> int:
    return LINT.maximum if data_type is ULINT else data_type.maximum


def _least(data_type: Elementary) -> int:
    return LINT.minimum if data_type is ULINT else data_type.minimum


def up_body(flip: int, greatest: int) -> _Body:
    """Return CTU's body: count rising edges of CU; R sets the count to 0."""

    def up(counter: Record, _now: int) -> None:
        if counter.R:
            counter.CV = 0
        elif counter.CU and not counter.M and (counter.CV ^ flip) < greatest:
            counter.CV += 1
        counter.M = counter.CU
        counter.Q = (counter.CV ^ flip) >= (counter.PV ^ flip)

    return up


def down_body(flip: int, least: int) -> _Body:
    """Return CTD's body: count down on rising edges of CD; LD loads PV."""

    def down(counter: Record, _now: int) -> None:
        if counter.LD:
            counter.CV = counter.PV
        elif counter.CD and not counter.M and (counter.CV ^ flip) > least:
            counter.CV -= 1
        counter.M = counter.CD
        counter.Q = (counter.CV ^ flip) <= flip

    return down


def both_body(flip: int, greatest: int, least: int) -> _Body:
    """Return CTUD's body: R wins over LD, LD over counting; edges of both in one call cancel."""

    def both(counter: Record, _now: int) -> None:
        rises = counter.CU and not counter.MU
        falls = counter.CD and not counter.MD
        if counter.R:
            counter.CV = 0
        elif counter.LD:
            counter.CV = counter.PV
        elif rises and not falls:
            if (counter.CV ^ flip) < greatest:
                counter.CV += 1
        elif falls and not rises and (counter.CV ^ flip) > least:
            counter.CV -= 1
        counter.MU = counter.CU
        counter.MD = counter.CD
        counter.QU = (counter.CV ^ flip) >= (counter.PV ^ flip)
        counter.QD = (counter.CV ^ flip) <= flip

    return both


def _counters(suffix: str, kind: Elementary) -> tuple[StandardBlock, ...]:
    flip, greatest, least = _flip(kind), _greatest(kind), _least(kind)
    memory = members(M=BOOL)
    return (
        StandardBlock(
            f"CTU{suffix}", _CLAUSE, members(CU=BOOL, R=BOOL, PV=kind), members(Q=BOOL, CV=kind),
            memory, up_body(flip, greatest),
        ),
        StandardBlock(
            f"CTD{suffix}", _CLAUSE, members(CD=BOOL, LD=BOOL, PV=kind), members(Q=BOOL, CV=kind),
            memory, down_body(flip, least),
        ),
        StandardBlock(
            f"CTUD{suffix}", _CLAUSE, members(CU=BOOL, CD=BOOL, R=BOOL, LD=BOOL, PV=kind),
            members(QU=BOOL, QD=BOOL, CV=kind), members(MU=BOOL, MD=BOOL),
            both_body(flip, greatest, least),
        ),
    )  # fmt: skip


BLOCKS: Final = (
    *_counters("", INT),
    *(
        block
        for kind in (SINT, INT, DINT, LINT, USINT, UINT, UDINT, ULINT)
        for block in _counters(f"_{kind}", kind)
    ),
)
