"""A bound on samples a second, as a bucket of tokens. Pure: time is an argument."""

_SECOND_NS = 1_000_000_000


class RateLimit:
    """Lets bursts pass, and no more than `rate` samples a second on average."""

    def __init__(self, rate: int, burst_s: float) -> None:
        """Take samples a second, and the time whose samples may pass at once."""
        self._rate = rate
        self.burst = max(1, round(rate * burst_s))
        """Samples that may pass at once."""
        self._free_ns = 0
        """CLOCK_MONOTONIC from which the next ones may pass."""

    def wait_s(self, now_ns: int) -> float:
        """Return how long to wait before some may pass, 0 where they may now."""
        # Time that nobody used is not saved up: a pause is no licence for a flood.
        self._free_ns = max(self._free_ns, now_ns - self.burst * _SECOND_NS // self._rate)
        return max(0.0, (self._free_ns - now_ns) / _SECOND_NS)

    def take(self, samples: int) -> None:
        """Count samples that pass; more than a burst make the next ones wait longer."""
        self._free_ns += samples * _SECOND_NS // self._rate
