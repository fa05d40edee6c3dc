"""Polls in step with scans: inputs arrive just before the scan that takes them is released.

    scan every 10 ms, poll every 10 ms, an exchange of 0.4 ms
        ->  the poll begins 0.5 ms before each release: inputs are 0.1 ms old when they are taken

Without it a poll falls anywhere between two scans, and stays there: inputs wait half an interval on
average and a whole one at worst. How long before the release a poll has to begin is learned: one
that came too late begins sooner next time, one in time later by a hundredth of that, so that about
one in a hundred misses its scan.
"""

from typing import Final

_LEAD_FIRST_NS: Final = 500_000
_LEAD_MIN_NS: Final = 50_000
_SOONER_NS: Final = 100_000
"""What a late poll moves the next, however late: a device that paused once is no slow one."""

_LATER_NS: Final = 1_000
"""What a poll in time moves the next."""


class Phase:
    """Where the polls of one group lie between the scans."""

    def __init__(self, period_ns: int) -> None:
        """Begin out of step."""
        self._period_ns = period_ns
        self._lead_ns = 0
        self._lead_max_ns = 0
        self._grid = (0, 0)

    def first_ns(self, grid: tuple[int, int], turn: int, now_ns: int) -> int | None:
        """Get into step with a grid of scans; return when the next poll begins.

        Args:
            grid: A release and the interval, in ns.
            turn: Number of the device: where polls are rarer than scans, devices share these out.
            now_ns: The present time.

        Returns:
            None where it is in step already, or period and interval do not go into one another.
        """
        release_ns, interval_ns = grid
        period_ns = self._period_ns
        if grid == self._grid or (period_ns % interval_ns and interval_ns % period_ns):
            return None
        step_ns = min(interval_ns, period_ns)
        self._grid = grid
        self._lead_max_ns = step_ns // 2
        self._lead_ns = min(_LEAD_FIRST_NS, self._lead_max_ns)
        shift_ns = turn * interval_ns % period_ns
        first_ns = release_ns + shift_ns - self._lead_ns
        return first_ns + -(-(now_ns - first_ns) // period_ns) * period_ns

    def shift_ns(self, due_ns: int, done_ns: int) -> int:
        """Return by how much the next poll begins later than the schedule says, below 0 sooner.

        Args:
            due_ns: When a poll was to begin.
            done_ns: When its last input was there.
        """
        if not self._lead_ns:
            return 0
        before_ns = self._lead_ns
        change_ns = _SOONER_NS if done_ns > due_ns + before_ns else -_LATER_NS
        least_ns = min(_LEAD_MIN_NS, self._lead_max_ns)
        self._lead_ns = min(max(before_ns + change_ns, least_ns), self._lead_max_ns)
        return before_ns - self._lead_ns
