"""`python -m gateway run PROJECT`: the gateway of a project in the foreground."""

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway import app as gateway_app
from gateway.cli.scan import scanner
from gateway.cli.scan_opcua import opcua as scan_opcua
from runtime.errors import TaktError
from runtime.log import configure_logging
from runtime.project.load import load_project

application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
scanner.command("opcua")(scan_opcua)
application.add_typer(scanner, name="scan")


class Level(enum.StrEnum):
    """Least level of log records."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@application.callback()
def gateway() -> None:
    """Bridge the process image of a Takt project to its field devices."""


@application.command()
def run(
    project: Annotated[Path, typer.Argument(help="Folder of the project, or its takt.toml.")],
    log_level: Annotated[Level, typer.Option(help="Least level of log records.")] = Level.INFO,
) -> None:
    """Serve a project until SIGTERM or Ctrl-C. Logs are JSON lines on stderr."""
    try:
        loaded = load_project(project)
        configure_logging(log_level.value)
        gateway_app.run(loaded)
    except TaktError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


@application.command()
def opcua(
    project: Annotated[Path, typer.Argument(help="Folder of the project, or its takt.toml.")],
    log_level: Annotated[Level, typer.Option(help="Least level of log records.")] = Level.INFO,
) -> None:
    """Run the OPC UA server of a project; the gateway does so where [opcua] is in takt.toml."""
    try:
        from gateway.serve.opcua.server import run as run_server

        loaded = load_project(project)
        configure_logging(log_level.value)
        run_server(loaded)
    except TaktError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


@application.command()
def cloud(
    source: Annotated[
        str, typer.Argument(help="mqtt://HOST:PORT/TOPIC or nats://HOST:PORT/STREAM.")
    ],
    to: Annotated[
        str, typer.Option(help="A file of SQLite, or postgresql://USER@HOST/DATABASE.")
    ] = "samples.db",
    name: Annotated[
        str, typer.Option(help="Under which the broker keeps the place.")
    ] = "takt-cloud",
    seconds: Annotated[float, typer.Option(help="Time between two accounts printed.")] = 5.0,
) -> None:
    """Receive samples, keep them, and account for every number: gaps, duplicates, order.

    Accounts are JSON lines on stdout; the last one follows SIGTERM or Ctrl-C.
    """
    from gateway.cloud.consuming import consume

    try:
        configure_logging("warning")
        consume(source, to, name, seconds, print)
    except TaktError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


@application.command()
def latency(
    project: Annotated[Path, typer.Argument(help="Folder of the project, or its takt.toml.")],
    url: Annotated[
        str | None, typer.Option(help="Metrics of a gateway elsewhere, http://HOST:PORT/metrics.")
    ] = None,
) -> None:
    """Show how long samples take from the end of their scan to the cloud, hop by hop."""
    from rich.console import Console

    from gateway.cli.latency import paths, scrape, waterfall

    try:
        ways = paths(scrape(load_project(project), url))
    except TaktError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    if not ways:
        print("no sample was acknowledged yet")
        return
    Console().print(waterfall(ways))


def main() -> None:
    """Run the command line."""
    application(prog_name="python -m gateway")
