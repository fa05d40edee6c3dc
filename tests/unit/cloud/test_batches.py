"""Batches: what is encoded comes back, with a number for each sample."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.batches import BatchError, Source, cut, decode_batch, encode_batch
from gateway.flow.reports import Report, Stamp
from runtime.datatypes.values import Json

SOURCE = Source(stream="s", project="plant", run="1f")
PATHS = st.text("ABC.[]0é", min_size=1, max_size=8)
JSON: st.SearchStrategy[Json] = (
    st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False) | st.text()
)
FINITE = JSON.filter(lambda value: not isinstance(value, float) or abs(value) < float("inf"))


@st.composite
def reports(draw: st.DrawFn) -> Report:
    values = draw(st.dictionaries(PATHS, FINITE, min_size=1, max_size=5))
    worse = draw(st.sets(st.sampled_from(sorted(values))))
    stamp = Stamp("Fast", draw(st.integers(1, 2**40)), draw(st.integers(0, 2**62)), 0, 0)
    return Report(stamp, 0, values, dict.fromkeys(sorted(worse), 3))


@given(st.lists(reports(), min_size=1, max_size=6), st.integers(1, 2**53))
def test_what_is_encoded_comes_back_in_its_order(some: list[Report], first: int) -> None:
    batch = decode_batch(encode_batch(SOURCE, first, some))
    expected = [
        (report.stamp.cycle, report.stamp.time_ns, path, value, report.qualities.get(path, 0))
        for report in some
        for path, value in report.values.items()
    ]
    assert [(r.cycle, r.time_ns, r.path, r.value, r.quality) for r in batch.rows] == expected
    assert [row.seq for row in batch.rows] == list(range(first, first + len(expected)))
    assert (batch.first, batch.end) == (first, first + len(expected))
    assert (batch.stream, batch.project) == ("s", "plant")


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b'"x"', b'{"seq":1,"count":1}', b"\xff"])
def test_other_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(BatchError):
        decode_batch(payload)


def test_a_wrong_count_is_refused() -> None:
    report = Report(Stamp("Fast", 1, 1, 0, 0), 0, {"A": 1}, {})
    raw = json.loads(encode_batch(SOURCE, 1, [report]))
    raw["count"] = 2
    with pytest.raises(BatchError, match="batch 1 of 1 samples: expected 2"):
        decode_batch(json.dumps(raw).encode())


@given(st.lists(reports(), max_size=12), st.integers(1, 8))
def test_groups_keep_the_order_and_the_bound(some: list[Report], samples_max: int) -> None:
    groups = list(cut(some, samples_max))
    assert [report for group in groups for report in group] == some
    for group in groups:
        assert len(group) == 1 or sum(report.samples for report in group) <= samples_max
