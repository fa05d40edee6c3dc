"""Time as the field sees it: a clock that is handed in, and a schedule without drift or bursts."""

from collections.abc import Callable

Clock = Callable[[], int]
"""Returns CLOCK_MONOTONIC in ns, the time base of the image."""


class Schedule:
    """Releases at start, start + period, …; those that were missed are skipped and counted."""

    def __init__(self, start_ns: int, period_ns: int) -> None:
        """Set the first release at `start_ns`."""
        self.due_ns = start_ns
        self.taken_ns = start_ns
        """The release that was taken last."""
        self.skipped = 0
        self._period_ns = period_ns

    def take(self, now_ns: int) -> bool:
        """Return whether a release is due, and move on to the first one after `now_ns`."""
        if now_ns < self.due_ns:
            return False
        missed = (now_ns - self.due_ns) // self._period_ns
        self.skipped += missed
        self.taken_ns = self.due_ns + missed * self._period_ns
        self.due_ns = self.taken_ns + self._period_ns
        return True


class Backoff:
    """Waits between attempts: a short first one, then growing up to a cap."""

    def __init__(self, *, first_s: float, factor: float, cap_s: float) -> None:
        """Begin with the short wait."""
        self._first_s = first_s
        self._factor = factor
        self._cap_s = cap_s
        self._next_s = first_s

    def take(self) -> float:
        """Return the wait in s before the next attempt."""
        wait_s = self._next_s
        self._next_s = min(wait_s * self._factor, self._cap_s)
        return wait_s

    def reset(self, cap_s: float) -> None:
        """Begin again with the short wait, and grow up to another cap."""
        self._cap_s = cap_s
        self._next_s = self._first_s
