"""cyclictest (Debian package rt-tests): the measure of Linux's own wake-up, as a peer."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from typing import Final

PEER: Final = "cyclictest"
HISTOGRAM_US: Final = 20_000

Counts = dict[float, int]
"""How often each lateness in us occurred."""


@contextlib.contextmanager
def cyclictest(
    interval_ms: int, seconds: int, priority: int, cpu: int | None, offset_us: int = 0
) -> Iterator["subprocess.Popen[str]"]:
    """Start cyclictest, which begins at the next whole second.

    Args:
        interval_ms: Between two wake-ups.
        seconds: How long it runs.
        priority: Of SCHED_FIFO; 0 for the normal one.
        cpu: The processor it is bound to; None for any.
        offset_us: Of its wake-ups behind the whole second and each interval from there.
    """
    policy = ["--policy=fifo", f"-p{priority}"] if priority else ["--policy=other"]
    bound = [] if cpu is None else [f"-a{cpu}"]
    command = [
        PEER, "-m", "-q", "-t1", *bound, f"-i{interval_ms * 1000}", f"-h{HISTOGRAM_US}",
        f"-D{seconds}", f"--secaligned={offset_us}", *policy,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process


def parsed(text: str) -> Counts:
    """Return the histogram in what cyclictest prints."""
    pairs = re.findall(r"^(\d{6})\s+(\d+)", text, flags=re.MULTILINE)
    over = re.search(r"^# Histogram Overflows: 0*(\d+)", text, flags=re.MULTILINE)
    # A lateness of 12.9 us counts in cyclictest's line 12: its upper end, as in our histogram.
    found = {float(value) + 1: int(count) for value, count in pairs if int(count)}
    beyond = int(over.group(1)) if over else 0
    return found | ({float(HISTOGRAM_US): beyond} if beyond else {})


def percentile(counts: Counts, percent: float) -> float:
    """Return a percentile of latenesses in us; 0 where there are none."""
    total, passed = sum(counts.values()), 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= total * percent / 100:
            return value
    return 0.0
