"""Read facts of the host from /proc and /sys; a missing file is an answer, never an error."""

import contextlib
import os
import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CAPABILITIES: Final = {"CAP_IPC_LOCK": 14, "CAP_SYS_NICE": 23}
_CLOCK_READINGS: Final = 2000


@dataclass(frozen=True, slots=True)
class Limits:
    """What this process may ask for."""

    rtprio: int
    """Highest SCHED_FIFO priority without CAP_SYS_NICE; -1 stands for no bound."""
    memlock_bytes: int
    """-1 stands for no bound."""
    capabilities: frozenset[str]
    """Of those that matter here, the effective ones."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host as its files tell it. Tests give the root of a made-up one."""

    root: Path
    limits: Limits
    processors: frozenset[int]
    """Those this process may run on."""
    release: str
    """Release and version as `uname` tells them."""
    clock_reading_ns: float
    """Cost of reading CLOCK_MONOTONIC once, from Python (about 40 ns of it are Python's)."""

    def line(self, path: str) -> str | None:
        """Return the first line of a file, None where it cannot be read."""
        lines = self.lines(path)
        return lines[0].strip() if lines else None

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file, none where it cannot be read."""
        try:
            text = (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.splitlines()

    def number(self, path: str) -> int | None:
        """Return the whole number that a file holds, None where it holds none."""
        with contextlib.suppress(ValueError):
            return int(self.line(path) or "")
        return None

    def writable(self, path: str) -> bool:
        """Return whether this process may write to a file."""
        return os.access(self.root / path, os.W_OK)

    def paths(self, pattern: str) -> list[Path]:
        """Return the files that match a pattern, in order."""
        return sorted(self.root.glob(pattern))

    def cpu_set(self, path: str) -> frozenset[int]:
        """Return the processors that a file lists, such as `0,2-3`."""
        return parse_cpus(self.line(path) or "")

    def command_line(self) -> Mapping[str, str]:
        """Return the kernel's command line as key and value."""
        words = (self.line("proc/cmdline") or "").split()
        return {key: value for key, _, value in (word.partition("=") for word in words)}


def parse_cpus(text: str) -> frozenset[int]:
    """Return the processors of a list such as `0,2-3`; what is no number is left out."""
    return frozenset(_cpus(text))


def _cpus(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit() and (last or first).isdigit():
            yield from range(int(first), int(last or first) + 1)


def this_host() -> Host:
    """Return the host that this process runs on."""
    name = os.uname()
    return Host(
        Path("/"), _limits(), frozenset(os.sched_getaffinity(0)),
        f"{name.release} {name.version}", _clock_reading_ns(),
    )  # fmt: skip


def _limits() -> Limits:
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    bits = next((int(line.split()[1], 16) for line in status if line.startswith("CapEff:")), 0)
    held = frozenset(name for name, bit in _CAPABILITIES.items() if bits >> bit & 1)
    return Limits(
        resource.getrlimit(resource.RLIMIT_RTPRIO)[0],
        resource.getrlimit(resource.RLIMIT_MEMLOCK)[0],
        held,
    )


def _clock_reading_ns() -> float:
    begun = time.perf_counter_ns()
    for _ in range(_CLOCK_READINGS):
        time.monotonic_ns()
    return (time.perf_counter_ns() - begun) / _CLOCK_READINGS
