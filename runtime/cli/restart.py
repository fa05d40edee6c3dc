"""`takt restart`, `takt stop`, `takt start`: orders to the runtime of a project."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.plc import GivenProject, plc_name
from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.image.orders import Answer, Order


_Instance = Annotated[
    str | None,
    typer.Option(
        "--instance",
        metavar="NAME|NUMBER|all",
        help="Which of the PLCs that the project runs as; without it the only one.",
    ),
]


def restart(
    project: GivenProject,
    *,
    instance: _Instance = None,
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
    answer = _give(project, kind, instance)
    if "plcs" in answer:
        of, was = f" of {answer['plcs']} PLCs", f"they were {answer['before']} and stood at most"
    else:
        of, was = "", f"it was {answer['before']} and stood"
    print(f"{answer['restarted']} restart{of}: {was} {answer['stood_ms']} ms")


def stop(project: GivenProject, *, instance: _Instance = None) -> None:
    """Stop the program of a running project: outputs safe, values kept; the process stays.

    Exit status: 0; 1 no runtime, or it refuses.
    """
    from runtime.image.orders import Switch

    answer = _give(project, Switch.STOP, instance)
    who, it = ("they were", "them") if "plcs" in answer else ("it was", "it")
    print(f"stopped: {who} {answer['before']}; `takt start` lets {it} go on")


def start(project: GivenProject, *, instance: _Instance = None) -> None:
    """Let the program of a stopped project go on where it was stopped.

    Exit status: 0; 1 no runtime, or it refuses.
    """
    from runtime.image.orders import Switch

    answer = _give(project, Switch.START, instance)
    who = f"{answer['plcs']} PLCs stood at most" if "plcs" in answer else "it stood"
    print(f"started: {who} {answer['stood_ms']} ms")


def _give(project: Path, order: "Order", instance: str | None) -> "Answer":
    """Give an order to the runtime of a project."""
    from runtime.app import control
    from runtime.image.segment import image_path
    from runtime.project.load import load_project

    name = load_project(project).config.project.name
    wanted = None if instance is None else plc_name(name, instance)
    return control.give(image_path(name), order, wanted)
