"""What a run of a PLC hands on to the next one of the same program upon the same image.

Numbers go on, so that nobody who looks at the image sees one come back. Where the next run begins
with the whole state, what is forced stays forced, and edges that were seen are not seen again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from runtime.engine import plan

NUMBERED_ON: Final = (plan.PLC_SEQUENCE, plan.PLC_OUTPUT_HEAD, plan.PLC_FRAME_HEAD)
"""Words of a PLC that the next run goes on from."""
EDGE_WORDS: Final = (plan.JOB_PENDING, plan.JOB_EDGE_NS)
"""Words of a job that do where the whole state is kept; its cycle always does."""
ALL_TASKS: Final = -1


@dataclass(frozen=True, slots=True)
class Force:
    """A place in the state that is held at a value."""

    task: int
    """Number of the task at whose borders it is held; ALL_TASKS where several may write it."""
    offset: int
    size: int
    mask: int
    """The bits that count where it is one byte."""
    value: int
    """Eight bytes as a number, the first ones are the value."""

    @property
    def content(self) -> bytes:
        """The bytes of the value."""
        return self.value.to_bytes(8, "little", signed=True)[: self.size]


@dataclass(frozen=True, slots=True)
class Handover:
    """Words by their offsets, and what is held."""

    words: Mapping[int, int]
    jobs: tuple[Mapping[int, int], ...]
    forces: tuple[Force, ...] = ()
    levels: tuple[int, ...] = ()
    """What the variables that release event tasks were at the last look, row by row."""
