"""How long each hop of a sample took: log-linear histograms with the buckets of the image. Pure."""

from typing import Final

import numpy as np

from runtime.image.layout import BUCKETS, bucket_of
from runtime.image.statistics import HistogramCopy

FLOW_HOPS: Final = ("taken", "filtered", "stored")
"""Hops before the outbox: scan end to taken, taken to filtered, filtered to stored."""
UPLINK_HOPS: Final = ("sent", "acknowledged", "total")
"""Hops of an uplink: stored to sent, sent to acknowledged, scan end to acknowledged."""


class HopHistogram:
    """Counts times in ns; each count stands for one sample."""

    def __init__(self) -> None:
        """Begin empty."""
        self._buckets = [0] * BUCKETS
        self._sum_ns = 0
        self._max_ns = 0

    def add(self, value_ns: int, samples: int = 1) -> None:
        """Count a time for a number of samples; a negative one counts as 0."""
        value_ns = max(value_ns, 0)
        self._buckets[bucket_of(value_ns)] += samples
        self._sum_ns += value_ns * samples
        self._max_ns = max(self._max_ns, value_ns)

    def copy(self) -> HistogramCopy:
        """Return the counts now."""
        buckets = np.array(self._buckets, dtype=np.uint64)
        return HistogramCopy(buckets, self._sum_ns, self._max_ns)
