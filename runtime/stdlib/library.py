"""The library's table of contents: every standard function and block by its name."""

from typing import Final

from runtime.stdlib import (
    bistable,
    bitwise,
    control,
    conversions,
    counters,
    dates,
    edges,
    numeric,
    selection,
    signals,
    timers,
)
from runtime.stdlib.declare import StandardBlock, StandardFunction

FUNCTIONS: Final[dict[str, StandardFunction]] = {
    item.name: item
    for family in (numeric, bitwise, selection, conversions, dates)
    for item in family.FUNCTIONS
}
BLOCKS: Final[dict[str, StandardBlock]] = {
    item.name: item
    for family in (bistable, edges, counters, timers, control, signals)
    for item in family.BLOCKS
}
