"""The modes of a PLC as a table: what happens to it takes it from one mode to the next.

Both sides of the wall: the scan loop takes its numbers from here, Python looks them up.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from runtime.image.layout import Mode


class Happening(enum.Enum):
    """What can happen to a PLC."""

    PREPARED = "prepared"
    """Its state stands as it is to begin, at the start or for a restart."""
    RELEASED = "released"
    """The first task finds its first release."""
    FAULTED = "faulted"
    """A task that stops all, or the last one left, has faulted; the outputs are safe."""
    STOPPED = "stopped"
    """The last task has left on request; the outputs are safe."""


TRANSITIONS: Final[Mapping[tuple[Mode, Happening], Mode]] = MappingProxyType(
    {
        (Mode.STOPPED, Happening.PREPARED): Mode.READY,
        (Mode.READY, Happening.PREPARED): Mode.READY,
        (Mode.RUNNING, Happening.PREPARED): Mode.READY,  # a hot restart: the outputs are held
        (Mode.FAULTED, Happening.PREPARED): Mode.READY,
        (Mode.READY, Happening.RELEASED): Mode.RUNNING,
        (Mode.RUNNING, Happening.FAULTED): Mode.FAULTED,
        (Mode.STOPPED, Happening.STOPPED): Mode.STOPPED,
        (Mode.READY, Happening.STOPPED): Mode.STOPPED,
        (Mode.RUNNING, Happening.STOPPED): Mode.STOPPED,
        (Mode.FAULTED, Happening.STOPPED): Mode.STOPPED,
    }
)
"""What is not here does not happen."""


def after(mode: Mode, happening: Happening) -> Mode:
    """Return the mode that follows."""
    return TRANSITIONS[mode, happening]
