"""`takt runtime`: a project's runtime alone, without the gateway."""

from pathlib import Path
from typing import Annotated

import typer


def runtime_half(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="A project's folder, or its takt.toml.")
    ],
    *,
    cold: Annotated[
        bool, typer.Option("--cold", help="RETAIN variables start as declared.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option(help="A file that takes all that `takt replay` needs.")
    ] = None,
) -> None:
    """Run a project's runtime alone: exit 0 when stopped, 3 when the program had faulted."""
    from runtime.app.process import run
    from runtime.log import configure_logging

    configure_logging()
    raise typer.Exit(run(project, cold=cold, record=record))
