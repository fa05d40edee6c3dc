"""`takt run`, `takt runtime`, `takt gateway`: a project's halves together, or one of them."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

ProjectPath = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="A project's folder, or its takt.toml.")
]


def run(
    project: ProjectPath,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Stop after that time; without it run for ever.")
    ] = None,
    *,
    cold: Annotated[
        bool, typer.Option("--cold", help="RETAIN variables start as declared.")
    ] = False,
) -> None:
    """Run a project: runtime and gateway under one supervisor, records on stderr."""
    from runtime.app.launch import run_project
    from runtime.log import configure_logging

    configure_logging()
    raise typer.Exit(run_project(project, seconds, cold=cold))


def gateway_half(project: ProjectPath) -> None:
    """Run a project's gateway alone."""
    # The runtime never imports the gateway: this process becomes it.
    arguments = [sys.executable, "-P", "-m", "gateway", "run", str(project)]
    os.execv(sys.executable, arguments)
