"""The control of one action of a chart (6.7.4.5, figures 21 and 22, with the final scan).

Its inputs say which qualifiers hold the action now: each is true while a step that is active names
the action with it. Users cannot declare it; charts do.
"""

from typing import Final

from runtime.datatypes.elementary import BOOL, TIME
from runtime.stdlib.declare import Record, StandardBlock, members


def control_action(action: Record, now: int) -> None:
    """Work out one scan of an action: Q, A, and whether it runs, ends or is reset."""
    pulse = action.P and not action.P_LAST
    entry = action.P1 and not action.P1_LAST
    leaving = action.P0_LAST and not action.P0
    action.P_LAST, action.P1_LAST, action.P0_LAST = action.P, action.P1, action.P0
    held = action.N or pulse

    if action.L and not action.L_LAST:
        action.L_START = now
    action.L_LAST = action.L
    held = held or (action.L and now - action.L_START < action.L_TIME)
    if action.D and not action.D_LAST:
        action.D_START = now
    action.D_LAST = action.D
    held = held or (action.D and now - action.D_START >= action.D_TIME)

    action.S_KEPT = (action.S_KEPT or action.S) and not action.R
    held = held or action.S_KEPT
    if action.SD and not action.SD_KEPT:
        action.SD_START = now
    action.SD_KEPT = (action.SD_KEPT or action.SD) and not action.R
    held = held or (action.SD_KEPT and now - action.SD_START >= action.SD_TIME)
    if action.DS and not action.DS_LAST:
        action.DS_START = now
    action.DS_LAST = action.DS
    delayed = action.DS and now - action.DS_START >= action.DS_TIME
    action.DS_KEPT = (action.DS_KEPT or delayed) and not action.R
    held = held or action.DS_KEPT
    if action.SL and not action.SL_KEPT:
        action.SL_START = now
    action.SL_KEPT = (action.SL_KEPT or action.SL) and not action.R
    held = held or (action.SL_KEPT and now - action.SL_START < action.SL_TIME)

    held = held and not action.R
    runs = held or ((entry or leaving) and not action.R)
    action.ENDS = action.Q and not held and not runs
    action.DROPS = (action.RUNS and not runs) or action.R
    action.Q = held
    action.RUNS = runs
    action.A = runs or action.ENDS


ACTION_CONTROL: Final = StandardBlock(
    "ACTION_CONTROL",
    "6.7.4.5",
    members(
        N=BOOL, R=BOOL, S=BOOL, L=BOOL, D=BOOL, P=BOOL, P1=BOOL, P0=BOOL, SD=BOOL, DS=BOOL, SL=BOOL,
        L_TIME=TIME, D_TIME=TIME, SD_TIME=TIME, DS_TIME=TIME, SL_TIME=TIME,
    ),
    members(Q=BOOL, A=BOOL),
    members(
        RUNS=BOOL, ENDS=BOOL, DROPS=BOOL, P_LAST=BOOL, P1_LAST=BOOL, P0_LAST=BOOL, L_LAST=BOOL,
        D_LAST=BOOL, DS_LAST=BOOL, S_KEPT=BOOL, SD_KEPT=BOOL, DS_KEPT=BOOL, SL_KEPT=BOOL,
        L_START=TIME, D_START=TIME, SD_START=TIME, DS_START=TIME, SL_START=TIME,
    ),
    control_action,
)  # fmt: skip
"""RUNS: the action runs in this scan. ENDS: this is its final scan. DROPS: a BOOL variable that
is the action falls."""
