"""`takt demo`: an ST program controls a simulated plant over Modbus TCP, before your eyes."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    *,
    seconds: Annotated[
        float | None,
        typer.Option(min=0, help="How long to control, counted from the first scan."),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="One line a second instead of the live view.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option(help="Write one JSON line every 100 ms to this file.")
    ] = None,
    keep_ports: Annotated[
        bool,
        typer.Option("--keep-ports", help="Use the ports of the project, not free ones."),
    ] = False,
) -> None:
    """Run the two-tank plant, its control program and the gateway; Ctrl-C ends it."""
    from rich.console import Console

    from runtime.app.demo import DemoOptions, run_demo
    from runtime.cli.view import LiveView, PlainView, summary

    options = DemoOptions(seconds, record, keep_ports)
    console = Console()
    if plain or not console.is_terminal:
        result = run_demo(options, PlainView())
    else:
        with LiveView(console) as view:
            result = run_demo(options, view)
    print(summary(result))
    raise typer.Exit(result.exit_status)
