"""`takt restart`: let a running project begin again, also after a fault."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.errors import UsageError


def restart(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="A project's folder, or its takt.toml.")
    ],
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
    from runtime.app import control
    from runtime.app.restart import Restart
    from runtime.image.segment import image_path
    from runtime.project.load import load_project

    wishes = {Restart.COLD: cold, Restart.WARM: warm, Restart.HOT: hot}
    chosen = [kind for kind, wish in wishes.items() if wish]
    if len(chosen) > 1:
        raise UsageError("expected one of --cold, --warm, --hot")
    kind = chosen[0] if chosen else Restart.WARM
    image = image_path(load_project(project).config.project.name)
    answer = control.restart(image, kind)
    stood = f"it was {answer['before']} and stood {answer['stood_ms']} ms"
    print(f"{answer['restarted']} restart: {stood}")
