"""Which channels share a request: few round trips, within the protocol's limits, nothing torn.

    registers 0, 1, 2-3 (32 bits), 200  ->  [0..3], [200]

A channel of several registers is always whole in one span, because two requests may see it at two
moments. Reads may carry registers that nobody asked for, where that saves a round trip; writes
never do, for they would overwrite what is not ours.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.protocols.modbus.limits import (
    READ_BITS_MAX,
    READ_REGISTERS_MAX,
    WRITE_BITS_MAX,
    WRITE_REGISTERS_MAX,
)
from gateway.tags import Channel
from runtime.project.channels import BIT_TABLES, Table

BITS_A_UNIT: Final = 16
"""Coils or inputs that cost as much as a register."""


@dataclass(frozen=True, slots=True)
class Span:
    """One request: a stretch of one table, and the channels (by number) inside it."""

    table: Table
    start: int
    count: int
    members: tuple[int, ...]
    gaps: bool
    """Whether it covers addresses that no channel asked for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a span may grow: greatest count and greatest gap to the next channel."""

    bits_max: int
    registers_max: int
    gap_bits: int = 0
    gap_registers: int = 0

    def of(self, table: Table) -> tuple[int, int]:
        """Return greatest count and greatest gap of a table."""
        if table in BIT_TABLES:
            return self.bits_max, self.gap_bits
        return self.registers_max, self.gap_registers


READ_REACH: Final = Reach(READ_BITS_MAX, READ_REGISTERS_MAX)
"""Reads of as much as the protocol allows, without gaps."""

WRITE_REACH: Final = Reach(WRITE_BITS_MAX, WRITE_REGISTERS_MAX)
"""Writes of as much as the protocol allows; they never have gaps."""

Breaks = Collection[tuple[Table, int]]
"""Addresses at which a new request begins, because the device refused one that ran across."""


def plan_reads(
    channels: Sequence[Channel],
    reach: Reach,
    *,
    numbers: Collection[int] | None = None,
    breaks: Breaks = (),
) -> tuple[Span, ...]:
    """Return the reads that bring every channel once.

    Args:
        channels: All inputs of the device.
        reach: How far a request may go.
        numbers: Those of the inputs that are to be read; all, if left out.
        breaks: Where no request may run across.
    """
    wanted = range(len(channels)) if numbers is None else numbers
    return tuple(_spans(channels, wanted, reach, breaks))


def plan_writes(
    channels: Sequence[Channel],
    changed: Collection[int],
    reach: Reach = WRITE_REACH,
    *,
    alone: Collection[int] = (),
) -> tuple[Span, ...]:
    """Return the writes that set the changed channels.

    Args:
        channels: All outputs of the device.
        changed: Numbers of those to write.
        reach: How far a request may go.
        alone: Numbers of those that must not share a request.
    """
    together = [number for number in changed if number not in alone]
    apart = [number for number in changed if number in alone]
    spans = list(_spans(channels, together, reach))
    for number in apart:
        spans += _spans(channels, [number], reach)
    return tuple(spans)


def gap_sizes(channels: Sequence[Channel], numbers: Collection[int]) -> set[int]:
    """Return how large the gaps between neighbours are, in registers or as many bits (16 each).

    A plan is another one only where the greatest gap that is read along passes one of them.
    """
    sizes: set[int] = set()
    for table, members in _by_table(channels, numbers).items():
        unit = BITS_A_UNIT if table in BIT_TABLES else 1
        end = channels[members[0]].register
        for number in members:
            channel = channels[number]
            if channel.register > end:
                sizes.add(-(-(channel.register - end) // unit))
            end = max(end, channel.register + channel.size)
    return sizes


def gap_starts(channels: Sequence[Channel], span: Span) -> set[tuple[Table, int]]:
    """Return the addresses in a span where its channels go on after a gap."""
    starts, end = set(), span.start
    for number in span.members:
        channel = channels[number]
        if channel.register > end:
            starts.add((span.table, channel.register))
        end = max(end, channel.register + channel.size)
    return starts


def middle(channels: Sequence[Channel], span: Span) -> set[tuple[Table, int]]:
    """Return the address nearest to the middle where a span without gaps can be cut, if any."""
    cuts, end = [], span.start
    for number in span.members:
        channel = channels[number]
        if channel.register >= end and channel.register > span.start:
            cuts.append(channel.register)
        end = max(end, channel.register + channel.size)
    half = span.start + span.count / 2
    best = min(cuts, key=lambda cut: abs(cut - half), default=None)
    return set() if best is None else {(span.table, best)}


def _spans(
    channels: Sequence[Channel], numbers: Collection[int], reach: Reach, breaks: Breaks = ()
) -> Iterator[Span]:
    for table, members in _by_table(channels, numbers).items():
        count_max, gap_max = reach.of(table)
        yield from _join(channels, members, count_max, gap_max, breaks)


def _by_table(channels: Sequence[Channel], numbers: Collection[int]) -> dict[Table, list[int]]:
    """Return the channels of each table, sorted by address."""
    by_table: dict[Table, list[int]] = {}
    for number in numbers:
        by_table.setdefault(channels[number].table, []).append(number)
    for members in by_table.values():
        members.sort(key=lambda number: (channels[number].register, number))
    return by_table


def _join(
    channels: Sequence[Channel],
    members: Sequence[int],
    count_max: int,
    gap_max: int,
    breaks: Breaks,
) -> Iterator[Span]:
    """Cut channels of one table, sorted by address, into spans."""
    span: list[int] = []
    start = end = 0
    gaps = False
    for number in members:
        channel = channels[number]
        joined_end = max(end, channel.register + channel.size)
        near = channel.register <= end + gap_max
        is_cut = channel.register >= end and (channel.table, channel.register) in breaks
        if span and near and not is_cut and joined_end - start <= count_max:
            gaps = gaps or channel.register > end
            end = joined_end
            span.append(number)
            continue
        if span:
            yield Span(channels[span[0]].table, start, end - start, tuple(span), gaps)
        span, start, end, gaps = [number], channel.register, channel.register + channel.size, False
    if span:
        yield Span(channels[span[0]].table, start, end - start, tuple(span), gaps)
