"""`python -m gateway run PROJECT`: the gateway of a project in the foreground."""

import enum
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway import app as gateway_app
from gateway.cli.errors import errors_told
from gateway.cli.scan import scanner
from gateway.cli.scan_opcua import opcua as scan_opcua
from runtime.log import configure_logging
from runtime.project.load import Project, load_project

_OF_TAKT: Final = ("scan", "cloud", "latency")
application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
scanner.command("opcua")(scan_opcua)
application.add_typer(scanner, name="scan")


class Level(enum.StrEnum):
    """Least level of log records."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


ProjectFolder = Annotated[Path, typer.Argument(help="Folder of the project, or its takt.toml.")]
LogLevel = Annotated[Level, typer.Option(help="Least level of log records.")]


@application.callback()
def gateway() -> None:
    """Bridge the process image of a Takt project to its field devices."""


@application.command()
def run(project: ProjectFolder, log_level: LogLevel = Level.INFO) -> None:
    """Serve a project until SIGTERM or Ctrl-C. Logs are JSON lines on stderr."""
    _serve(project, log_level, gateway_app.run)


@application.command()
def opcua(project: ProjectFolder, log_level: LogLevel = Level.INFO) -> None:
    """Run the OPC UA server of a project; the gateway does so where [opcua] is in takt.toml."""
    from gateway.serve.opcua.server import run as run_server

    _serve(project, log_level, run_server)


def _serve(folder: Path, log_level: Level, serve: Callable[[Project], None]) -> None:
    """Load a project and serve it until that ends."""
    with errors_told():
        project = load_project(folder)
        configure_logging(log_level.value)
        serve(project)


@application.command()
def cloud(
    source: Annotated[
        str,
        typer.Argument(
            help="mqtt://HOST:PORT/TOPIC, topic as in takt.toml, or nats://HOST:PORT/STREAM."
        ),
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

    with errors_told():
        configure_logging()
        consume(source, to, name, seconds, print)


@application.command()
def latency(
    project: ProjectFolder,
    url: Annotated[
        str | None, typer.Option(help="Metrics of a gateway elsewhere, http://HOST:PORT/metrics.")
    ] = None,
) -> None:
    """Show how long samples take from the end of their scan to the cloud, hop by hop."""
    from rich.console import Console

    from gateway.cli.latency import paths, scrape, waterfall

    with errors_told():
        ways = paths(scrape(load_project(project), url))
    if not ways:
        print("no sample was acknowledged yet")
        return
    console = Console()
    console.print(waterfall(ways, console.width))


def main() -> None:
    """Run the command line; usage names `takt` for what it hands on under the same name."""
    is_takts = sys.argv[1:2] in ([name] for name in _OF_TAKT)
    application(prog_name="takt" if is_takts else "python -m gateway")
