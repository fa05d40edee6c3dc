"""A fault in words: the calls that led to it with their lines, and the values these lines name."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from runtime.artifact.chains import Link
from runtime.datatypes.values import Json


def print_way(
    told: Sequence[tuple[Link, str]], named: Mapping[str, Json], file: TextIO | None = None
) -> None:
    """Print the way to a fault, a line for each routine, and the values that these lines name.

    Args:
        told: The routines from the program on, each with the source line where it was left.
        named: The values, by their paths.
        file: Where to; the standard output without it.
    """
    out = file or sys.stdout
    if told:
        print("\ncalls, the last one faulted:", file=out)
    wide = max((len(link.place) for link, _ in told), default=0)
    widest = max((len(link.title) for link, _ in told), default=0)
    for link, line in told:
        print(f"  {link.place:<{wide}}  {link.title:<{widest}}  {line}".rstrip(), file=out)
    if named:
        print("\nvalues of what these lines name:", file=out)
    for path, value in named.items():
        print(f"  {path} = {json.dumps(value, ensure_ascii=False)}", file=out)
