"""Histograms: the percentile is never below the true value and at most 3.2 % above."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.image import layout
from runtime.image.statistics import Histogram, LinkStatistics, TaskStatistics


@pytest.fixture
def histogram() -> Histogram:
    return Histogram(memoryview(bytearray(layout.HISTOGRAM_BYTES)), 0)


def test_an_empty_histogram_has_zero_percentiles(histogram: Histogram) -> None:
    copy = histogram.copy()
    assert (copy.count, copy.mean_ns, copy.percentile(99)) == (0, 0.0, 0)


@given(st.integers(0, (1 << layout.OCTAVES_END) - 1))
def test_a_bucket_s_upper_end_is_within_a_thirtieth(value: int) -> None:
    upper = layout.bucket_upper(layout.bucket_of(value))
    assert value <= upper <= value + value // 31


@given(st.integers(0, (1 << layout.OCTAVES_END) - 2))
def test_buckets_rise_with_their_values(value: int) -> None:
    assert layout.bucket_of(value) <= layout.bucket_of(value + 1)


def test_values_beyond_the_range_count_in_the_last_bucket(histogram: Histogram) -> None:
    histogram.add(1 << 50)
    copy = histogram.copy()
    assert copy.buckets[-1] == 1
    assert copy.max_ns == 1 << 50


def test_percentiles_count_values_not_buckets(histogram: Histogram) -> None:
    for value in [10] * 990 + [1000] * 9 + [100_000]:
        histogram.add(value)
    copy = histogram.copy()
    assert copy.percentile(50) == 10
    assert copy.percentile(99) == 10
    assert 1000 <= copy.percentile(99.9) <= 1032
    assert copy.percentile(100) == 100_000
    assert copy.mean_ns == (990 * 10 + 9000 + 100_000) / 1000


def test_negative_values_count_as_zero(histogram: Histogram) -> None:
    histogram.add(-5)
    copy = histogram.copy()
    assert (copy.count, copy.sum_ns, copy.buckets[0]) == (1, 0, 1)


def test_two_copies_subtract_to_what_came_between(histogram: Histogram) -> None:
    histogram.add(5)
    before = histogram.copy()
    histogram.add(20)
    between = histogram.copy().since(before)
    assert (between.count, between.sum_ns, between.percentile(50)) == (1, 20, 20)


def test_counters_stand_at_their_places() -> None:
    memory = bytearray(layout.TASK_STATISTICS_BYTES)
    memory[0], memory[8], memory[16] = 3, 2, 1
    task = TaskStatistics(memoryview(memory))
    assert (task.scans, task.overruns, task.skipped) == (3, 2, 1)
    link = LinkStatistics(memoryview(bytearray(layout.LINK_STATISTICS_BYTES)))
    link.count_write()
    link.count_write()
    assert link.writes == 2
