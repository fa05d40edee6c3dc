"""`takt plant`: a simulated plant as a Modbus TCP device, to try programs on."""

from typing import Annotated

import typer


def plant(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which plant: two_tanks.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="TCP port; 0 takes a free one.")
    ] = 15_020,
) -> None:
    """Run a simulated plant until Ctrl-C; one JSON line on stdout names its port."""
    from runtime.errors import UsageError
    from runtime.plant.__main__ import run
    from runtime.plant.rig import Disturbance
    from runtime.plant.terminals import PLANTS

    if name not in PLANTS:
        raise UsageError(f"plant {name!r} is unknown; expected one of {', '.join(PLANTS)}")
    run(name, host, port, Disturbance())
