"""Judge how well a level was held: how far it strayed when calm, when disturbed, how long."""

from dataclasses import dataclass
from typing import Final

BAND_MM: Final = 5.0
"""The level counts as back at its set-point within this."""
SETTLE_S: Final = 8.0
"""Time the control has to settle after the start, and after a disturbance, to count as calm."""


@dataclass(slots=True)
class LevelTally:
    """Take deviations in the order of time; read the verdict at any time."""

    calm_mm_max: float | None = None
    """Greatest deviation while calm; None where it never was calm."""
    disturbed_mm_max: float = 0.0
    """Greatest deviation during a disturbance and until it is made up for."""
    recovery_s_max: float | None = None
    """Longest time from the end of a disturbance until the level was back for good."""
    disturbances: int = 0
    _start_s: float | None = None
    _calm_from_s: float = 0.0
    _closed_s: float | None = None
    _was_open: bool = False

    def add(self, time_s: float, deviation_mm: float, *, disturbed: bool) -> None:
        """Take one moment.

        Args:
            time_s: Of any clock that only goes forward.
            deviation_mm: Level less set-point.
            disturbed: Whether the disturbance acts now.
        """
        if self._start_s is None:
            self._start_s, self._calm_from_s = time_s, time_s + SETTLE_S
        if disturbed and not self._was_open:
            self.disturbances += 1
        if self._was_open and not disturbed:
            self._closed_s = time_s
            self._calm_from_s = time_s + SETTLE_S
        self._was_open = disturbed
        size = abs(deviation_mm)
        if not disturbed and time_s >= self._calm_from_s:
            self.calm_mm_max = max(self.calm_mm_max or 0.0, size)
        elif disturbed or self._closed_s is not None:
            self.disturbed_mm_max = max(self.disturbed_mm_max, size)
            self._note_recovery(time_s, size)

    def _note_recovery(self, time_s: float, size_mm: float) -> None:
        if self._closed_s is None or self._was_open:
            return
        taken_s = time_s - self._closed_s
        if size_mm > BAND_MM or self.recovery_s_max is None:
            self.recovery_s_max = max(self.recovery_s_max or 0.0, taken_s)
