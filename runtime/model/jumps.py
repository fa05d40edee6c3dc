"""Jumps between numbered blocks: blocks that jumps join become one statement, others stand alone.

Blocks 0 1 2 3 with a jump 0 -> 2 and a jump 3 -> 3: `Blocks(0, 1)`, block 2, `Blocks(3)`.

Small groups keep the functions of compiled code small. A jump to the block behind its group leaves
the group.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime.model.program import Blocks, Statement
from runtime.source import Span


@dataclass(slots=True)
class Part:
    """One block: its statements, and the blocks that it jumps to."""

    statements: list[Statement] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)


def join_blocks(span: Span, parts: Sequence[Part]) -> tuple[Statement, ...]:
    """Return numbered blocks as statements."""
    ends = list(range(len(parts)))
    for number, part in enumerate(parts):
        for target in part.targets:
            first = min(number, target)
            ends[first] = max(ends[first], number, target - 1)
    statements: list[Statement] = []
    at = 0
    while at < len(parts):
        behind = _end_of_group(ends, at) + 1
        group = parts[at:behind]
        if any(part.targets for part in group):
            statements.append(Blocks(span, at, tuple(tuple(part.statements) for part in group)))
        else:
            statements += group[0].statements
        at = behind
    return tuple(statements)


def _end_of_group(ends: list[int], at: int) -> int:
    end = ends[at]
    while at <= end:
        end = max(end, ends[at])
        at += 1
    return end
