"""What a request costs, a + b * units, fitted to round trips: it tells the gap worth reading.

Reading n registers that nobody asked for costs b * n, another request a. So a gap is read along up
to a / b units. Old measurements fade, so the fit follows a device that changes.
"""

from dataclasses import dataclass
from typing import Final

_MEMORY: Final = 500
"""Round trips that count about fully; older ones fade."""

_KEEP: Final = 1 - 1 / _MEMORY

_SPREAD_MIN: Final = 4.0
"""Variance of the sizes, in units squared, below which they tell nothing of the cost of a unit."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of a request in ns: `request_ns` and `unit_ns` for each unit that it carries."""

    request_ns: float
    unit_ns: float

    def gap_max(self, limit: int) -> int:
        """Return the greatest gap in units that is cheaper read than left out, at most `limit`."""
        if self.request_ns >= limit * self.unit_ns:
            return limit
        return max(int(self.request_ns / self.unit_ns), 0)


class CostModel:
    """Fits the cost to round trips, starting from a guess."""

    def __init__(self, guess: Cost) -> None:
        """Begin with a guess, which holds until round trips of different sizes are known."""
        self._guess = guess
        self._weight = self._x = self._y = self._xx = self._xy = 0.0

    def add(self, units: int, round_trip_ns: int) -> None:
        """Take one measured round trip."""
        self._weight = self._weight * _KEEP + 1
        self._x = self._x * _KEEP + units
        self._y = self._y * _KEEP + round_trip_ns
        self._xx = self._xx * _KEEP + units * units
        self._xy = self._xy * _KEEP + units * round_trip_ns

    @property
    def cost(self) -> Cost:
        """The fit; a device that answers more the faster costs nothing a unit."""
        if not self._weight:
            return self._guess
        mean_x, mean_y = self._x / self._weight, self._y / self._weight
        spread = self._xx / self._weight - mean_x * mean_x
        unit_ns = self._guess.unit_ns
        if spread >= _SPREAD_MIN:
            unit_ns = max((self._xy / self._weight - mean_x * mean_y) / spread, 0.0)
        return Cost(max(mean_y - unit_ns * mean_x, 0.0), unit_ns)
