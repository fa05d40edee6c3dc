"""`takt runtime`: a project's runtime alone, without the gateway."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def runtime_half(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="A project's folder, or its takt.toml.")
    ],
) -> None:
    """Run a project's runtime alone: exit 0 when stopped, 3 when the program had faulted."""
    from runtime.app.process import run
    from runtime.errors import TaktError
    from runtime.log import configure_logging

    configure_logging()
    try:
        status = run(project)
    except TaktError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    raise typer.Exit(status)
