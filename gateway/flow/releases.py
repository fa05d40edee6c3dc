"""When tasks scan: foretold from what they have published, so that no one has to look all the time.

A task of an interval is released at start, start + interval, … on CLOCK_MONOTONIC, and publishes
its outputs when it has computed. Both halves of the wall count the same clock, so one publication
tells the time of all that follow.
"""

from collections.abc import Sequence
from typing import Final

_FADE: Final = 64
"""Scans over which the longest time to compute is forgotten."""

_MARGIN_NS: Final = 20_000
"""From the end of a scan until its outputs can be seen."""

OVERDUE_NS: Final = 500_000
"""How long a publication that does not come is looked for closely; then it is an overrun."""

LOOK_AGAIN_NS: Final = 100_000
"""Time between those looks."""


class Releases:
    """What is known of the tasks of one program."""

    def __init__(self, intervals_ns: Sequence[int]) -> None:
        """Begin knowing nothing but the intervals, 0 where a task has none."""
        self._intervals_ns = intervals_ns
        self._released_ns: dict[int, int] = {}
        self._took_ns: dict[int, int] = {}

    def note(self, task: int, release_ns: int, end_ns: int) -> None:
        """Take a publication of a task's outputs."""
        if not self._intervals_ns[task]:
            return
        before_ns = self._took_ns.get(task, 0)
        faded_ns = before_ns - before_ns // _FADE
        self._took_ns[task] = max(end_ns - release_ns, faded_ns)
        self._released_ns[task] = release_ns

    def look_ns(self, now_ns: int, pause_ns: int) -> int:
        """Return when to look for outputs next, `pause_ns` from now at the latest.

        That is when the next publication is due; one that is overdue is looked for closely.
        """
        looks = [now_ns + pause_ns]
        for task, release_ns in self._released_ns.items():
            due_ns = release_ns + self._intervals_ns[task] + self._took_ns[task] + _MARGIN_NS
            if now_ns < due_ns:
                looks.append(due_ns)
            elif now_ns - due_ns < OVERDUE_NS:
                looks.append(now_ns + LOOK_AGAIN_NS)
        return min(looks)

    @property
    def grid(self) -> tuple[int, int] | None:
        """A release and the interval of the task that scans most often, None where none is known.

        The release is reduced to the first one after 0, so that equal grids are equal.
        """
        known = [(self._intervals_ns[task], task) for task in self._released_ns]
        if not known:
            return None
        interval_ns, task = min(known)
        return self._released_ns[task] % interval_ns, interval_ns
