"""Who speaks for the outputs: the program, or the gateway with the safe values.

The program does as long as the runtime shows life and has published outputs for its mode: in
READY and RUNNING those of a scan, in STOPPED and FAULTED the safe ones, which stand even when the
runtime is gone. When that fails for longer than a limit, the gateway does, since nobody else can.
In between the last word stands.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.config import (
    RUNTIME_SILENT_INTERVALS,
    RUNTIME_SILENT_MAX_NS,
    RUNTIME_SILENT_NS,
)
from runtime.image.layout import Mode

_ACTIVE: Final = (Mode.READY, Mode.RUNNING)


class Authority(enum.Enum):
    """Who speaks for the outputs."""

    PROGRAM = "program"
    GATEWAY = "gateway"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class RuntimeView:
    """What the image shows of the runtime at one moment."""

    mode: Mode
    alive_ns: int
    """Its last sign of life: heartbeat, or the end of a scan."""
    published: bool
    """Whether outputs were ever published."""
    safe: bool
    """Whether the newest outputs are the safe ones."""


def silence_limit_ns(intervals_ns: Iterable[int]) -> int:
    """Return the silence in ns from which the runtime counts as gone."""
    by_interval_ns = RUNTIME_SILENT_INTERVALS * min(intervals_ns, default=0)
    return min(max(by_interval_ns, RUNTIME_SILENT_NS), RUNTIME_SILENT_MAX_NS)


class Watch:
    """Follows the runtime and says who speaks for the outputs."""

    def __init__(self, limit_ns: int, now_ns: int) -> None:
        """Begin at a time; what happened before it counts only by the runtime's heartbeat."""
        self._limit_ns = limit_ns
        self._spoke_ns = now_ns

    def judge(self, view: RuntimeView, now_ns: int) -> Authority:
        """Return who speaks for the outputs now."""
        if view.published and view.safe:
            return Authority.PROGRAM  # its last word was the safe one: nothing to add
        speaking = view.published and view.mode in _ACTIVE
        if speaking:
            self._spoke_ns = now_ns
        oldest_ns = min(view.alive_ns, self._spoke_ns)
        if now_ns - oldest_ns > self._limit_ns:
            return Authority.GATEWAY
        return Authority.PROGRAM if speaking else Authority.NOBODY
