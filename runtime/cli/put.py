"""`takt put`: write or force a variable of a running project, and say when it took effect."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.plc import GivenInstance, GivenProject, plc_image
from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.artifact.program import Symbol
    from runtime.image.commands import Commands, Ticket

PATIENCE_S: Final = 5.0
"""Longest wait for the task's next scan, unless its interval is longer."""
_POLL_S: Final = 0.002


def put(
    project: GivenProject,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A variable such as MAIN.SPEED.")],
    value: Annotated[
        str | None,
        typer.Argument(
            help="Its value as in JSON or, for BOOL, TRUE; text may stand without quotes."
        ),
    ] = None,
    *,
    instance: GivenInstance = None,
    force: Annotated[
        bool, typer.Option("--force", help="Hold it at the value until it is released.")
    ] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Let a forced variable go; without a value.")
    ] = False,
) -> None:
    """Write a variable of a running project; print the task's cycle in which it took effect.

    Exit status: 0; 1 no runtime, no answer or refused; 2 wrong usage.
    """
    from runtime.app.simulate import find_symbol
    from runtime.image.commands import Commands
    from runtime.image.segment import attach_image

    if release == (value is not None) or (release and force):
        raise UsageError("expected a value, or --release without one")
    with attach_image(plc_image(project, instance)) as image:
        symbol = find_symbol(image.directory.symbols, name)
        commands = Commands(image)
        if value is None:
            ticket = commands.release(symbol)
        elif force:
            ticket = commands.force(symbol, parse_value(symbol, value))
        else:
            ticket = commands.write(symbol, parse_value(symbol, value))
        interval_s = image.directory.tasks[ticket.task].interval_ns / 1e9
        task = image.directory.tasks[ticket.task].name
        _await_answer(commands, ticket, task, PATIENCE_S + interval_s)


def parse_value(symbol: "Symbol", text: str) -> bool | int | float | str:
    """Return the value that a user means for a variable: as in JSON, TRUE and FALSE as in ST.

    Raises:
        UsageError: The variable cannot take it.
    """
    from runtime.datatypes.elementary import ELEMENTARY, Elementary
    from runtime.datatypes.values import describe, parse_json

    if not isinstance(symbol.type, Elementary):
        raise UsageError(f"{symbol.path} is {symbol.type}; expected a single variable")
    try:
        given = json.loads(text.lower() if symbol.type == ELEMENTARY["BOOL"] else text)
    except ValueError:
        given = text
    parsed = parse_json(given, symbol.type)
    if parsed is None:
        raise UsageError(f"{symbol.path} = {text}: expected {describe(symbol.type)}")
    return parsed


def _await_answer(commands: "Commands", ticket: "Ticket", task: str, patience_s: float) -> None:
    from runtime.image.layout import CommandStatus

    deadline = time.monotonic() + patience_s
    while (answer := commands.answer(ticket)) is None:
        if time.monotonic() > deadline:
            print(f"task {task} has not answered for {patience_s:g} s; it may stand")
            raise typer.Exit(1)
        time.sleep(_POLL_S)  # noqa: TID251  a command line's wait
    if answer.status is not CommandStatus.APPLIED:
        print(f"refused by task {task} in cycle {answer.cycle}")
        raise typer.Exit(1)
    print(f"task {task}, cycle {answer.cycle}")
