"""Log-linear histograms and counters in the image: one writer counts, anyone reads percentiles.

Each counter is one aligned 64-bit word, so a reader sees every count whole. A histogram's total is
the sum of its buckets, so it is never at odds with them.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from runtime.artifact.abi import FaultKind
from runtime.image import layout
from runtime.image.words import Words

_RETAIN_WORDS: Final = (
    layout.RETAIN_COMMITS, layout.RETAIN_FAILURES, layout.RETAIN_WRITTEN,
    layout.RETAIN_SAVED_NS, layout.RETAIN_FAILING, layout.RETAIN_BYTES,
)  # fmt: skip
TASK_TIMES: Final = ("lateness", "jitter", "execution", "reaction")
"""The names of a task's times, in the order in which they are shown."""
Buckets = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class HistogramCopy:
    """The counts of a histogram at one moment; two of them subtract to what came between."""

    buckets: Buckets
    sum_ns: int
    max_ns: int

    @property
    def count(self) -> int:
        """Number of values."""
        return int(self.buckets.sum())

    @property
    def mean_ns(self) -> float:
        """Mean of the values, 0 where there are none."""
        return self.sum_ns / self.count if self.count else 0.0

    def percentile(self, percent: float) -> int:
        """Return the value in ns that `percent` of the values do not exceed; 0 without values.

        It is the upper end of the bucket, at most 3.2 % above the true value.
        """
        count = self.count
        if count == 0:
            return 0
        rank = max(1, math.ceil(count * percent / 100))
        bucket = int(np.searchsorted(np.cumsum(self.buckets), rank))
        return min(layout.bucket_upper(bucket), max(self.max_ns, 0))

    def since(self, earlier: "HistogramCopy") -> "HistogramCopy":
        """Return the values that came after `earlier`; the maximum stays that of all."""
        return HistogramCopy(
            self.buckets - earlier.buckets, self.sum_ns - earlier.sum_ns, self.max_ns
        )

    def __add__(self, other: "HistogramCopy") -> "HistogramCopy":
        """Return the values of both."""
        return HistogramCopy(
            self.buckets + other.buckets,
            self.sum_ns + other.sum_ns,
            max(self.max_ns, other.max_ns),
        )


class Histogram:
    """A histogram in the image; `add` is the writer's, `copy` anyone's."""

    def __init__(self, memory: memoryview, offset: int) -> None:
        """View the histogram at an offset of a section."""
        self._memory = memory[offset : offset + layout.HISTOGRAM_BYTES]
        self._words = Words(self._memory)

    def add(self, value_ns: int) -> None:
        """Count one value."""
        words = self._words
        for place, amount in (
            (layout.HISTOGRAM_SUM, max(value_ns, 0)),
            (layout.HISTOGRAM_BUCKETS + 8 * layout.bucket_of(value_ns), 1),
        ):
            words[place] = (words[place] + amount) & 0xFFFF_FFFF_FFFF_FFFF
        words[layout.HISTOGRAM_MAX] = max(words[layout.HISTOGRAM_MAX], value_ns)

    def copy(self) -> HistogramCopy:
        """Return the counts now."""
        words = np.frombuffer(bytes(self._memory), dtype="<u8")
        return HistogramCopy(
            words[layout.HISTOGRAM_BUCKETS // 8 :],
            int(words[layout.HISTOGRAM_SUM // 8]),
            int(words[layout.HISTOGRAM_MAX // 8]),
        )


class TaskStatistics:
    """Counters and histograms of one task, written by the scan engine's native code."""

    def __init__(self, memory: memoryview) -> None:
        """View a TASK_STATISTICS section."""
        self._words = Words(memory)
        self.lateness = Histogram(memory, layout.TASK_LATENESS)
        self.jitter = Histogram(memory, layout.TASK_JITTER)
        self.execution = Histogram(memory, layout.TASK_EXECUTION)
        self.reaction = Histogram(memory, layout.TASK_REACTION)

    def times(self) -> dict[str, HistogramCopy]:
        """Return the counts of all its times now, by their names."""
        return {name: getattr(self, name).copy() for name in TASK_TIMES}

    @property
    def scans(self) -> int:
        """Completed scans."""
        return self._words[layout.TASK_SCANS]

    @property
    def overruns(self) -> int:
        """Scans that ended after the next release."""
        return self._words[layout.TASK_OVERRUNS]

    @property
    def skipped(self) -> int:
        """Releases that were skipped because of overruns."""
        return self._words[layout.TASK_SKIPPED]

    @property
    def lost_edges(self) -> int:
        """Edges of an event task that came while one was pending: no scan is theirs alone."""
        return self._words[layout.TASK_LOST_EDGES]

    @property
    def fault(self) -> FaultKind:
        """The fault that ended the task, NONE while it runs."""
        return FaultKind(self._words[layout.TASK_FAULT_KIND])

    @property
    def fault_site(self) -> int:
        """The fault's site: its number in the directory."""
        return self._words[layout.TASK_FAULT_SITE]

    def clear_fault(self) -> None:
        """Forget the fault, for a restart: the writer's, while the task does not run."""
        self._words[layout.TASK_FAULT_KIND] = 0
        self._words[layout.TASK_FAULT_SITE] = 0


@dataclass(frozen=True, slots=True)
class RetainCounts:
    """What became of the retained values so far."""

    commits: int = 0
    failures: int = 0
    """Commits that the disk refused."""
    written_bytes: int = 0
    saved_ns: int = 0
    """Time of day of the last commit, since 1970."""
    failing: bool = False
    """Whether the last attempt failed."""
    value_bytes: int = 0
    """What one state of them takes; 0 where nothing is kept."""


class RetainStatistics:
    """The counters of the retained values, written by the runtime's saver."""

    def __init__(self, memory: memoryview) -> None:
        """View the RETAIN_STATISTICS section."""
        self._words = Words(memory)

    def show(self, counts: RetainCounts) -> None:
        """Write the counters."""
        for offset, value in zip(_RETAIN_WORDS, dataclasses.astuple(counts), strict=True):
            self._words[offset] = int(value)

    def read(self) -> RetainCounts:
        """Return the counters; each is whole."""
        words = [self._words[offset] for offset in _RETAIN_WORDS]
        commits, failures, written, saved, failing, size = words
        return RetainCounts(commits, failures, written, saved, bool(failing), size)


class LinkStatistics:
    """Counters and histograms of one device, written by the gateway."""

    def __init__(self, memory: memoryview) -> None:
        """View a LINK_STATISTICS section."""
        self._words = Words(memory)
        self.round_trip = Histogram(memory, layout.LINK_ROUND_TRIP)
        self.reaction = Histogram(memory, layout.LINK_REACTION)

    @property
    def writes(self) -> int:
        """Write requests that the device acknowledged."""
        return self._words[layout.LINK_WRITES]

    def count_write(self) -> None:
        """Count one acknowledged write request."""
        self._words[layout.LINK_WRITES] += 1
