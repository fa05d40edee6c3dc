"""How the commands of the gateway end when something is wrong: one line, and its status."""

import contextlib
import sys
from collections.abc import Iterator

import typer

from runtime.errors import TaktError


@contextlib.contextmanager
def errors_told() -> Iterator[None]:
    """Turn errors that users are to hear of into a line on stderr and the end of the command.

    Raises:
        Exit: With the error's status.
    """
    try:
        yield
    except TaktError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
