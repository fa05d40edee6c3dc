"""The command `takt`. Every error of a user ends in one line, an exit status and no traceback."""

import sys
from typing import Annotated

import typer

from runtime import __version__
from runtime.cli.channels import io
from runtime.cli.compiler import build, check, explain, show
from runtime.cli.demo import demo
from runtime.cli.doctor import doctor
from runtime.cli.get import get
from runtime.cli.plant import plant
from runtime.cli.put import put
from runtime.cli.replay import replay
from runtime.cli.report import report
from runtime.cli.restart import restart, start, stop
from runtime.cli.retain import retain
from runtime.cli.run import cloud_consumer, gateway_half, latency, run, scan
from runtime.cli.runtime_process import runtime_half
from runtime.cli.sim import sim
from runtime.cli.timing import timing
from runtime.cli.top import top
from runtime.errors import TaktError

app = typer.Typer(
    help="Takt: a deterministic soft PLC and edge gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_COMMANDS = (
    sim, check, show, build, explain, run, demo, plant, doctor, timing, top, io, get,
    replay, report, restart, stop, start,
)  # fmt: skip
for command in _COMMANDS:
    app.command()(command)
app.command("put", context_settings={"ignore_unknown_options": True})(put)  # its value may be -5
app.command("runtime")(runtime_half)
app.command("gateway")(gateway_half)
app.command("latency")(latency)
_PASSED_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
app.command("cloud", context_settings=_PASSED_ON)(cloud_consumer)
app.command("scan", context_settings=_PASSED_ON)(scan)
app.add_typer(retain, name="retain")


def _version(*, wanted: bool) -> None:
    if wanted:
        print(f"takt {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Takt: a deterministic soft PLC and edge gateway."""
    del version


def main() -> None:
    """Run the command; print a user's error as one line and leave with its exit status."""
    try:
        app()
    except TaktError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing is left to say
        sys.exit(1)
