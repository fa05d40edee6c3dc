"""A call with its number: what `model.ways` finds out and the model keeps."""

from dataclasses import dataclass

from runtime.source import Span


@dataclass(frozen=True, slots=True)
class NumberedCall:
    """A call of a routine, with its share in the number of the way to a fault."""

    caller: str
    """The routine that it stands in; empty where a task runs a program."""
    instance: str
    """The program instance that a task runs, else empty."""
    place: Span | None
    """Where it stands; None where a task runs a program."""
    number: int = 0
