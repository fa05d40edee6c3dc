"""`takt get`: read variables of a running project, all of them of one scan."""

import json
import sys
import time
from typing import Annotated

import typer

from runtime.cli.plc import GivenInstance, GivenProject, plc_image
from runtime.errors import HostError


def get(
    project: GivenProject,
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Variables such as MAIN.SPEED.")
    ],
    *,
    instance: GivenInstance = None,
) -> None:
    """Print variables of a running project as they were at the end of its newest scan.

    A line each, the value as JSON; structures and arrays as a whole, or a member, element or bit.

    Exit status: 0; 1 no runtime; 2 wrong usage.
    """
    from runtime.app.monitor import RUNTIME_SILENT_NS
    from runtime.app.simulate import find_symbol
    from runtime.image.layout import SectionKind
    from runtime.image.payloads import decode_frame
    from runtime.image.segment import attach_image

    with attach_image(plc_image(project, instance)) as image:
        symbols = [find_symbol(image.directory.symbols, name) for name in names]
        newest = image.ring(SectionKind.FRAME).latest()
        if newest is None:
            raise HostError(f"{image.directory.project}: its runtime has not scanned yet")
        silent_ns = time.monotonic_ns() - image.runtime_heartbeat_ns
    frame = decode_frame(newest.payload)
    for symbol in symbols:
        print(f"{symbol.path} = {json.dumps(frame.value(symbol))}")
    if silent_ns > RUNTIME_SILENT_NS:
        told = f"its runtime shows no sign of life; these are of its last scan, cycle {frame.cycle}"
        print(f"{image.directory.project}: {told}", file=sys.stderr)
