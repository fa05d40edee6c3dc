"""Which channels share a request."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.field.planner import (
    BITS_A_UNIT,
    READ_REACH,
    Reach,
    Span,
    gap_sizes,
    gap_starts,
    middle,
    plan_reads,
    plan_writes,
)
from gateway.protocols.modbus.limits import (
    READ_BITS_MAX,
    READ_REGISTERS_MAX,
    WRITE_BITS_MAX,
    WRITE_REGISTERS_MAX,
)
from gateway.tags import Channel, Encoding
from runtime.project.channels import Table


def channel(table: Table, register: int, size: int = 1) -> Channel:
    return Channel(f"{table} {register}", table, register, size, Encoding(16 * size))


def reads(
    *channels: Channel, gap_bits: int = 0, gap_registers: int = 0
) -> list[tuple[Table, int, int]]:
    reach = replace(READ_REACH, gap_bits=gap_bits, gap_registers=gap_registers)
    spans = plan_reads(channels, reach)
    return [(span.table, span.start, span.count) for span in spans]


def test_no_channels_need_no_request() -> None:
    assert plan_reads((), READ_REACH) == ()


def test_neighbours_of_one_table_share_a_request() -> None:
    assert reads(channel("input", 4), channel("input", 3), channel("input", 5, 2)) == [
        ("input", 3, 4)
    ]


def test_tables_never_share_a_request() -> None:
    assert reads(channel("input", 0), channel("holding", 1), channel("coil", 0)) == [
        ("input", 0, 1),
        ("holding", 1, 1),
        ("coil", 0, 1),
    ]


def test_a_gap_up_to_the_limit_is_read_along_and_a_greater_one_is_not() -> None:
    near, far = channel("holding", 11), channel("holding", 12)

    assert reads(channel("holding", 0), near, gap_registers=10) == [("holding", 0, 12)]
    assert reads(channel("holding", 0), far, gap_registers=10) == [
        ("holding", 0, 1),
        ("holding", 12, 1),
    ]


def test_a_span_tells_whether_it_carries_what_nobody_asked_for() -> None:
    pair = (channel("holding", 0), channel("holding", 2))

    assert plan_reads(pair, replace(READ_REACH, gap_registers=1)) == (
        Span("holding", 0, 3, (0, 1), gaps=True),
    )
    assert not any(span.gaps for span in plan_reads(pair, READ_REACH))


def test_a_request_grows_to_the_limit_and_not_beyond() -> None:
    registers = [channel("input", number) for number in range(READ_REGISTERS_MAX + 1)]
    bits = [channel("coil", number) for number in range(READ_BITS_MAX + 1)]

    assert reads(*registers) == [("input", 0, 125), ("input", 125, 1)]
    assert reads(*bits) == [("coil", 0, 2000), ("coil", 2000, 1)]


def test_a_value_of_64_bits_at_the_limit_goes_whole_into_the_next_request() -> None:
    words = [channel("input", number) for number in range(READ_REGISTERS_MAX - 1)]

    assert reads(*words, channel("input", 124, 4)) == [("input", 0, 124), ("input", 124, 4)]


def test_channels_that_overlap_are_read_once() -> None:
    assert reads(channel("input", 0, 4), channel("input", 1), channel("input", 1, 2)) == [
        ("input", 0, 4)
    ]


def test_writes_join_neighbours_only() -> None:
    outputs = [channel("holding", 0), channel("holding", 1, 2), channel("holding", 4)]

    assert plan_writes(outputs, {0, 1, 2}) == (
        Span("holding", 0, 3, (0, 1), gaps=False),
        Span("holding", 4, 1, (2,), gaps=False),
    )


def test_writes_carry_only_what_changed() -> None:
    outputs = [channel("coil", number) for number in range(3)]

    assert [span.members for span in plan_writes(outputs, {0, 2})] == [(0,), (2,)]


def test_outputs_that_must_stay_alone_do() -> None:
    outputs = [channel("coil", number) for number in range(3)]

    spans = plan_writes(outputs, {0, 1, 2}, alone={1})

    assert [span.members for span in spans] == [(0,), (2,), (1,)]


def test_writes_keep_the_limits_of_the_protocol() -> None:
    coils = [channel("coil", number) for number in range(WRITE_BITS_MAX + 1)]
    words = [channel("holding", number) for number in range(WRITE_REGISTERS_MAX + 1)]

    assert [span.count for span in plan_writes(coils, range(len(coils)))] == [1968, 1]
    assert [span.count for span in plan_writes(words, range(len(words)))] == [123, 1]


REGISTER_CHANNELS = st.builds(
    channel,
    st.sampled_from(["input", "holding"]),
    st.integers(0, 600),
    st.sampled_from([1, 2, 4]),
)


@given(st.lists(REGISTER_CHANNELS, max_size=60), st.integers(0, 40))
@settings(deadline=None)
def test_every_channel_is_whole_in_exactly_one_request(channels: list[Channel], gap: int) -> None:
    spans = plan_reads(channels, replace(READ_REACH, gap_registers=gap))

    members = sorted(number for span in spans for number in span.members)
    assert members == list(range(len(channels)))
    for span in spans:
        assert span.count <= READ_REGISTERS_MAX
        for number in span.members:
            inside = channels[number]
            assert inside.table == span.table
            assert span.start <= inside.register
            assert inside.register + inside.size <= span.start + span.count


@given(st.lists(st.integers(0, 300), max_size=60, unique=True), st.integers(0, 40))
@settings(deadline=None)
def test_a_request_covers_no_gap_greater_than_allowed(places: list[int], gap: int) -> None:
    channels = [channel("input", place) for place in places]

    for span in plan_reads(channels, replace(READ_REACH, gap_registers=gap)):
        inside = [channels[number].register for number in span.members]
        for left, right in pairwise(inside):
            assert right - left - 1 <= gap
        assert span.gaps == (span.count > len(set(inside)))


@pytest.mark.parametrize("gap", [0, 16])
def test_a_plan_does_not_depend_on_the_order_of_the_file(gap: int) -> None:
    channels = [channel("input", place) for place in (5, 0, 9, 30)]

    assert reads(*channels, gap_registers=gap) == reads(*reversed(channels), gap_registers=gap)


def test_a_device_gives_no_more_than_it_can() -> None:
    words = [channel("input", number) for number in range(20)]
    spans = plan_reads([*words, channel("input", 20, 4)], Reach(bits_max=8, registers_max=7))

    assert [(span.start, span.count) for span in spans] == [(0, 7), (7, 7), (14, 6), (20, 4)]
    outputs = [channel("holding", number) for number in range(5)]
    limited = Reach(bits_max=1, registers_max=2)
    assert [span.count for span in plan_writes(outputs, range(5), limited)] == [2, 2, 1]


def test_only_the_inputs_of_a_group_are_read_with_it() -> None:
    words = [channel("input", number) for number in range(6)]

    spans = plan_reads(words, READ_REACH, numbers=(1, 2, 5))

    assert [span.members for span in spans] == [(1, 2), (5,)]


def test_no_request_runs_across_a_break() -> None:
    words = [channel("input", number) for number in range(6)]

    spans = plan_reads(words, READ_REACH, breaks={("input", 4), ("holding", 2)})

    assert [(span.start, span.count) for span in spans] == [(0, 4), (4, 2)]


def test_a_refused_span_is_cut_at_its_gaps_or_in_the_middle_but_in_no_value() -> None:
    spread = [channel("input", 0), channel("input", 4, 2), channel("input", 9)]
    (wide,) = plan_reads(spread, replace(READ_REACH, gap_registers=9))
    dense = [channel("input", 0, 2), channel("input", 2, 4), channel("input", 6)]
    (tight,) = plan_reads(dense, READ_REACH)
    (single,) = plan_reads([channel("input", 7, 4)], READ_REACH)

    assert gap_starts(spread, wide) == {("input", 4), ("input", 9)}
    assert middle(dense, tight) == {("input", 2)}
    assert middle([channel("input", 7, 4)], single) == set()


@given(
    st.lists(st.tuples(st.sampled_from(("holding", "coil")), st.integers(0, 600)), max_size=30),
    st.integers(0, 125),
)
@settings(deadline=None)
def test_a_plan_changes_only_where_the_reach_passes_the_size_of_a_gap(
    places: list[tuple[Table, int]], gap: int
) -> None:
    channels = [channel(table, place) for table, place in places]
    sizes = gap_sizes(channels, range(len(channels)))
    known = max((size for size in sizes if size <= gap), default=0)

    def plan(units: int) -> tuple[Span, ...]:
        reach = replace(READ_REACH, gap_bits=units * BITS_A_UNIT, gap_registers=units)
        return plan_reads(channels, reach)

    assert plan(gap) == plan(known)
