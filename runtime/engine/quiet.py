"""Which parts of a state are quiet: owned by one task, read by no other, seen by no device.

They are copied beside the PLC's lock (`engine.frames`). It is worth its while for a large state
only, and for large pieces: all else is loud.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from runtime.artifact.exchange import Owned, Take
from runtime.artifact.program import CompiledProgram

QUIET_BYTES_MIN: Final = 16_384
"""A state with less of it has no quiet part: the copy takes a microsecond."""
PIECE_BYTES_MIN: Final = 1024
"""A smaller piece is loud, so that there are few rows."""

Range = tuple[int, int]
"""First byte, and the byte after the last."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A state in two parts; without a quiet one `loud` is empty."""

    loud: tuple[Owned, ...]
    """In the order of their offsets."""
    owned: tuple[tuple[Owned, ...], ...]
    """What each task owns, the loud ranges first."""
    owned_loud: tuple[int, ...]
    """How many of these are loud."""


def parts_of(program: CompiledProgram) -> Parts:
    """Return the parts of a program's state."""
    exchanges = [task.exchange for task in program.tasks]
    taken = [_range(item) for exchange in exchanges for item in exchange.takes]
    areas = [(area.offset, area.offset + area.size) for area in (program.inputs, program.outputs)]
    events = [(task.single.offset, task.single.offset + 1) for task in program.tasks if task.single]
    seen = [*taken, *areas, *events]
    owned = [[_range(item) for item in exchange.owned] for exchange in exchanges]
    quiet = [
        [piece for piece in _without(ranges, seen) if piece[1] - piece[0] >= PIECE_BYTES_MIN]
        for ranges in owned
    ]
    together = [piece for pieces in quiet for piece in pieces]
    if sum(end - start for start, end in together) < QUIET_BYTES_MIN:
        whole = tuple(exchange.owned for exchange in exchanges)
        return Parts((), whole, tuple(map(len, whole)))
    loud = [_without(ranges, together) for ranges in owned]
    return Parts(
        _owned(_without([(0, program.state_size)], together)),
        tuple(_owned([*first, *rest]) for first, rest in zip(loud, quiet, strict=True)),
        tuple(map(len, loud)),
    )


def _range(item: Owned | Take) -> Range:
    return item.offset, item.offset + item.size


def _owned(ranges: Iterable[Range]) -> tuple[Owned, ...]:
    return tuple(Owned(start, end - start) for start, end in ranges)


def _without(ranges: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    """Return what is left of ranges, in their order, where others are taken away."""
    left = sorted(ranges)
    for first, last in sorted(others):
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, first)), (max(start, last), end))
            if piece[0] < piece[1]
        ]
    return left
