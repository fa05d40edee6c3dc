"""Response-time analysis: whether tasks of fixed priorities keep their periods on one processor.

The response time of a task is the smallest R with

    R = C + sum over the others of its priority or above of ceil(R / T) * C'

where C is its own longest path, T and C' the other's period and path (Joseph and Pandya 1986).
Tasks are never blocked longer than the copy at their borders, which stands in `overhead_ns`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

PERIODS_MAX: Final = 10
"""A response time beyond so many of the task's own periods is not followed up."""


@dataclass(frozen=True, slots=True)
class Load:
    """One task on a processor; all times in ns."""

    name: str
    period_ns: int
    """Between two releases at least; its deadline as well."""
    path_ns: float
    priority: int
    """0 is the highest."""


@dataclass(frozen=True, slots=True)
class Response:
    """The longest time from a task's release to its end; None beyond `PERIODS_MAX` periods."""

    load: Load
    response_ns: float | None

    @property
    def fits(self) -> bool:
        """Whether each scan ends before the next release."""
        return self.response_ns is not None and self.response_ns <= self.load.period_ns


def utilisation(loads: Sequence[Load], overhead_ns: float = 0.0) -> float:
    """Return the share of one processor that the tasks take; beyond 1 they cannot fit."""
    return sum((load.path_ns + overhead_ns) / load.period_ns for load in loads)


def responses(loads: Sequence[Load], overhead_ns: float = 0.0) -> Iterator[Response]:
    """Yield the response time of each task.

    Args:
        loads: The tasks that share a processor.
        overhead_ns: What the engine adds to each scan: inputs, copies, publication.
    """
    for load in loads:
        above = [other for other in loads if other is not load and other.priority <= load.priority]
        yield Response(load, _response(load, above, overhead_ns))


def _response(load: Load, above: Sequence[Load], overhead_ns: float) -> float | None:
    own = load.path_ns + overhead_ns
    response = own
    while True:
        pressed = own + sum(
            -(-response // other.period_ns) * (other.path_ns + overhead_ns) for other in above
        )
        if pressed <= response:
            return response
        if pressed > PERIODS_MAX * load.period_ns:
            return None
        response = pressed
