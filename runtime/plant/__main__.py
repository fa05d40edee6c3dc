"""Run a simulated plant: `python -m runtime.plant two_tanks --host 127.0.0.1 --port 0`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from runtime.errors import HostError, TaktError
from runtime.plant.rig import Disturbance, Rig
from runtime.plant.terminals import PLANTS


def run(plant: str, host: str, port: int, disturbance: Disturbance) -> None:
    """Serve a plant until it is told to stop.

    Raises:
        HostError: pymodbus is missing, or the port is taken.
    """
    assert plant in PLANTS
    try:
        from runtime.plant.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("pymodbus"):
            raise
        raise HostError(
            "plant two_tanks: pymodbus is not installed; "
            "install the extra that brings it: pip install 'taktplc[plant]'"
        ) from None
    asyncio.run(serve(Rig(disturbance), host, port))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and serve; return the exit status."""
    usual = Disturbance()
    parser = argparse.ArgumentParser(prog="python -m runtime.plant", description=__doc__)
    parser.add_argument("plant", choices=PLANTS)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--disturb-first", type=float, default=usual.first_s, metavar="S")
    parser.add_argument("--disturb-lasts", type=float, default=usual.lasts_s, metavar="S")
    parser.add_argument("--disturb-every", type=float, default=usual.every_s, metavar="S")
    options = parser.parse_args(arguments)
    disturbance = Disturbance(options.disturb_first, options.disturb_lasts, options.disturb_every)
    try:
        run(options.plant, options.host, options.port, disturbance)
    except TaktError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
