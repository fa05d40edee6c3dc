"""Does memory stay flat under a steady load to all peers at once? `uplink.py --soak` asks this."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from report import Goal, Row
from uplink_chain import VALUES, Chain, chain

from gateway.cloud.seam import Peer

SOAK_S_MAX: Final = 3600
RATE: Final = 10_000
"""Samples a second; each goes to every peer."""
WARM_S: Final = 10.0
"""Time before memory is looked at: by then the outbox keeps as much at hand as it ever does."""
GROWTH_MAX: Final = 1.05
"""End over middle: allocators breathe by some percent."""


def soak_length(text: str) -> int:
    """Return the seconds of a soak.

    Raises:
        ArgumentTypeError: It is no whole number from 10 to an hour.
    """
    if not text.isdecimal() or not WARM_S <= int(text) <= SOAK_S_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: expected {WARM_S:g} to {SOAK_S_MAX} seconds")
    return int(text)


async def soak(folder: Path, peers: Mapping[str, Peer], seconds: int) -> list[Row]:
    """Push samples at a steady rate; return memory at start, middle and end, in MB."""
    async with chain(folder, peers) as way:
        await fill(way)
        await way.pace(RATE, WARM_S)
        sizes = [resident_mb()]
        for _ in range(2):
            await way.pace(RATE, seconds / 2)
            sizes.append(resident_mb())
    start, middle, end = sizes
    print(f"soak of {seconds} s at {RATE} samples/s to {len(peers)} peers: RSS {start:.1f} MB"
          f" at start, {middle:.1f} in the middle, {end:.1f} at the end")  # fmt: skip
    return [
        Row("RSS at start of the soak", "MB", [start]),
        Row("RSS at its end", "MB", [end], "in its middle", [middle],
            Goal(ratio_at_most=GROWTH_MAX)),
    ]  # fmt: skip


async def fill(way: Chain) -> None:
    """Fill what the outbox keeps at hand, so that its growth to its bound is no leak."""
    await way.push(2000 * VALUES)


def resident_mb() -> float:
    """Return how much memory this process has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
