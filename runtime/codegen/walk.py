"""All statements of a body, those inside of others too; how deep its loops nest."""

from collections.abc import Iterable

from runtime.model import program
from runtime.model.program import Statement


def walk(nodes: tuple[Statement, ...]) -> Iterable[Statement]:
    """Yield statements and all those inside them."""
    for node in nodes:
        yield node
        for inner in _inner(node):
            yield from walk(inner)


def _inner(node: Statement) -> tuple[tuple[Statement, ...], ...]:
    match node:
        case program.If(branches=branches, otherwise=otherwise):
            return (*(body for _, body in branches), otherwise)
        case program.Case(arms=arms, otherwise=otherwise):
            return (*(body for _, body in arms), otherwise)
        case program.For(body=body) | program.While(body=body):
            return (body,)
        case program.Blocks(blocks=blocks):
            return blocks
    return ()


def loop_depth(nodes: tuple[Statement, ...]) -> int:
    """Return how many loops stand around the innermost statement."""
    return max(
        (
            isinstance(node, program.For | program.While)
            + max((loop_depth(inner) for inner in _inner(node)), default=0)
            for node in nodes
        ),
        default=0,
    )
