"""`takt run`, `takt runtime`, `takt gateway`: a project's halves together, or one of them."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from runtime.cli.runtime_process import (
    ONE_RECORD,
    Cold,
    Instances,
    Pools,
    ProjectPaths,
    RecordFile,
)
from runtime.errors import UsageError

ProjectPath = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="A project's folder, or its takt.toml.")
]


def run(
    projects: ProjectPaths,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Stop after that time; without it run for ever.")
    ] = None,
    *,
    instances: Instances = 1,
    pools: Pools = None,
    cold: Cold = False,
    record: RecordFile = None,
) -> None:
    """Run a project: runtime and gateway under one supervisor, records on stderr.

    Several projects, or --instances, run as many PLCs in one runtime process.
    """
    from runtime.log import configure_logging

    configure_logging()
    if len(projects) == 1 and instances == 1:
        from runtime.app.launch import run_project

        raise typer.Exit(run_project(projects[0], seconds, cold=cold, record=record))
    if record is not None:
        raise UsageError(ONE_RECORD)
    from runtime.app.instances import FleetOptions
    from runtime.app.launch import run_many

    raise typer.Exit(run_many(projects, seconds, FleetOptions(instances, pools, cold)))


def scan(context: typer.Context) -> None:
    """Look at a device: `takt scan modbus ADDRESS` prints what `takt.toml` needs of it."""
    arguments = [sys.executable, "-P", "-m", "gateway", "scan", *context.args]
    os.execv(sys.executable, arguments)


def gateway_half(project: ProjectPath) -> None:
    """Run a project's gateway alone."""
    _become_gateway("run", str(project))


def cloud_consumer(context: typer.Context) -> None:
    """Receive samples from MQTT or JetStream, keep them, account for gaps and duplicates."""
    _become_gateway("cloud", *context.args)


def latency(
    project: ProjectPath,
    url: Annotated[
        str | None, typer.Option(help="Metrics of a gateway elsewhere, http://HOST:PORT/metrics.")
    ] = None,
) -> None:
    """Show how long samples take from the end of their scan to the cloud, hop by hop."""
    _become_gateway("latency", str(project), *(() if url is None else ("--url", url)))


def _become_gateway(*arguments: str) -> NoReturn:
    """Go on as a command of the gateway, which the runtime never imports."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", "gateway", *arguments])
