"""Statistics of a scan: counters and histograms in the image.

Inside the wall: native code only (`executive`). Each counter has one writer and is one word.
"""

from runtime.engine import plan
from runtime.engine.intrinsics import leading_zeros, load_64, store_64, store_shared
from runtime.engine.native_function import native_function
from runtime.image import layout


@native_function
def count_scan(job: int, fault: int) -> int:
    """Count a scan that has ended: how late, how even, how long, how soon after its cause."""
    statistics, start = load_64(job + plan.JOB_STATISTICS), load_64(job + plan.JOB_START_NS)
    late, before = start - load_64(job + plan.JOB_RELEASE_NS), load_64(job + plan.JOB_LATENESS_NS)
    store_64(job + plan.JOB_LATENESS_NS, late)
    count_value(statistics + layout.TASK_LATENESS, late)
    if before >= 0:  # a start's distance from the last one, less the releases', is this difference
        count_value(statistics + layout.TASK_JITTER, abs(late - before))
    count_value(statistics + layout.TASK_EXECUTION, load_64(job + plan.JOB_END_NS) - start)
    cause = load_64(job + plan.JOB_CAUSE_NS)
    if cause != 0 and fault == 0:
        reaction = load_64(job + plan.JOB_COMMITTED_NS) - cause
        count_value(statistics + layout.TASK_REACTION, reaction)
    return add_to(statistics + layout.TASK_SCANS, 1)


@native_function
def bucket_of(value: int) -> int:
    """Return the histogram bucket of a value in ns: the twin of `image.layout.bucket_of`."""
    value = max(value, 0)
    if value < 1 << layout.SUB_BITS:
        return value
    octave = 63 - leading_zeros(value)
    if octave >= layout.OCTAVES_END:
        return layout.BUCKETS - 1
    mantissa = (value >> (octave - layout.SUB_BITS)) & ((1 << layout.SUB_BITS) - 1)
    return ((octave - layout.SUB_BITS + 1) << layout.SUB_BITS) + mantissa


@native_function
def count_value(histogram: int, value: int) -> int:
    """Count one value in a histogram of the image."""
    add_to(histogram + layout.HISTOGRAM_SUM, max(value, 0))
    if value > load_64(histogram + layout.HISTOGRAM_MAX):
        store_shared(histogram + layout.HISTOGRAM_MAX, value)
    return add_to(histogram + layout.HISTOGRAM_BUCKETS + 8 * bucket_of(value), 1)


@native_function
def add_to(counter: int, amount: int) -> int:
    """Add to a counter that only this thread writes."""
    return store_shared(counter, load_64(counter) + amount)
