"""`takt restart`, `takt stop`, `takt start`: orders to the runtime of a project."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.image.orders import Answer, Order


_Project = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="A project's folder, or its takt.toml.")
]


def restart(
    project: _Project,
    *,
    cold: Annotated[
        bool, typer.Option("--cold", help="RETAIN as declared, PERSISTENT kept.")
    ] = False,
    warm: Annotated[
        bool, typer.Option("--warm", help="RETAIN and PERSISTENT kept, the rest as declared.")
    ] = False,
    hot: Annotated[
        bool, typer.Option("--hot", help="The whole state kept, as the last good scan left it.")
    ] = False,
) -> None:
    """Restart a running or faulted project, by default warm; the process and its image stay.

    Exit status: 0; 1 no runtime, or it did not answer; 2 wrong usage.
    """
    from runtime.image.orders import Restart

    wishes = {Restart.COLD: cold, Restart.WARM: warm, Restart.HOT: hot}
    chosen = [kind for kind, wish in wishes.items() if wish]
    if len(chosen) > 1:
        raise UsageError("expected one of --cold, --warm, --hot")
    kind = chosen[0] if chosen else Restart.WARM
    answer = _give(project, kind)
    stood = f"it was {answer['before']} and stood {answer['stood_ms']} ms"
    print(f"{answer['restarted']} restart: {stood}")


def stop(project: _Project) -> None:
    """Stop the program of a running project: outputs safe, values kept; the process stays.

    Exit status: 0; 1 no runtime, or it refuses.
    """
    from runtime.image.orders import Switch

    answer = _give(project, Switch.STOP)
    print(f"stopped: it was {answer['before']}; `takt start` lets it go on")


def start(project: _Project) -> None:
    """Let the program of a stopped project go on where it was stopped.

    Exit status: 0; 1 no runtime, or it refuses.
    """
    from runtime.image.orders import Switch

    print(f"started: it stood {_give(project, Switch.START)['stood_ms']} ms")


def _give(project: Path, order: "Order") -> "Answer":
    from runtime.app import control
    from runtime.image.segment import image_path
    from runtime.project.load import load_project

    return control.give(image_path(load_project(project).config.project.name), order)
