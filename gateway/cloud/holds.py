"""Lanes whose first samples the peer refuses: when to offer them again. Pure."""

from dataclasses import dataclass
from typing import Final

from gateway.config import RECONNECT_FACTOR, UPLINK_HOLD_FIRST_S, UPLINK_HOLD_MAX_S
from gateway.store.lanes import Lane

_SECOND_NS: Final = 1e9


@dataclass(slots=True)
class _Hold:
    """A lane that waits."""

    wait_s: float
    until_ns: float


class Holds:
    """Which lanes wait, each by itself, and for how long: 1 s, 2 s, … 60 s."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._holds: dict[Lane, _Hold] = {}

    def __contains__(self, lane: Lane) -> bool:
        """Return whether a lane's first samples were refused, and not taken since."""
        return lane in self._holds

    def refuse(self, lane: Lane, now_ns: int) -> float:
        """Note a refusal; return the seconds after which the samples are offered again."""
        last = self._holds.get(lane)
        wait_s = UPLINK_HOLD_FIRST_S
        if last is not None:
            wait_s = min(last.wait_s * RECONNECT_FACTOR, UPLINK_HOLD_MAX_S)
        self._holds[lane] = _Hold(wait_s, now_ns + wait_s * _SECOND_NS)
        return wait_s

    def wait_s(self, lane: Lane, now_ns: int) -> float:
        """Return how long a lane still waits, 0 where it need not."""
        hold = self._holds.get(lane)
        return max(0.0, (hold.until_ns - now_ns) / _SECOND_NS) if hold is not None else 0.0

    def hand_over(self) -> None:
        """Let what waited in the live lane wait in the backlog, which it has become."""
        hold = self._holds.pop(Lane.LIVE, None)
        if hold is not None:
            self._holds.setdefault(Lane.BACKLOG, hold)

    def release(self, lane: Lane) -> bool:
        """Note that a lane's samples were taken; return whether they had waited."""
        return self._holds.pop(lane, None) is not None
