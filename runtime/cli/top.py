"""`takt top`: tasks and links of a running project, live: how punctual, how long, how often."""

import contextlib
import json
import time
from itertools import count, islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.app.monitor import Observation

_ABSENT: Final = 1


def top(
    project: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PROJECT]",
            help="A project's folder, or its takt.toml; without it the one that runs here.",
        ),
    ] = None,
    *,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    looks: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look.")] = False,
) -> None:
    """Show a running project's tasks and links until Ctrl-C.

    Percentiles count from the start of the runtime; `now` counts from one look to the next.
    Where no runtime is there at the last look, the exit status is 1.
    """
    from rich.console import Console
    from rich.live import Live

    from runtime.app.monitor import Monitor
    from runtime.cli.top_view import document, view

    image = _image(project)
    console, seen = Console(), None
    with contextlib.ExitStack() as stack:
        monitor = Monitor(image, (), time.monotonic_ns)
        stack.callback(monitor.close)
        live = None
        if console.is_terminal and not as_json:
            live = stack.enter_context(
                Live(console=console, auto_refresh=False, screen=looks is None)
            )
        for seen, before in _pairs(monitor.observe, every, looks):
            if live is not None:
                live.update(view(image.stem, seen, before), refresh=True)
            elif as_json:
                print(json.dumps({"image": str(image)} | document(seen)), flush=True)
            else:
                console.print(view(image.stem, seen, before))
    if seen is None:
        raise typer.Exit(_ABSENT)


def _pairs(
    observe: "Callable[[], Observation | None]", every_s: float, looks: int | None
) -> "Iterator[tuple[Observation | None, Observation | None]]":
    """Yield what is seen now and what was seen before of the same runtime, None for nothing."""
    before, pause = None, Event()
    for number in islice(count(), looks):
        if number:
            pause.wait(every_s)
        seen = observe()
        same = before is not None and seen is not None and before.runtime_pid == seen.runtime_pid
        yield seen, before if same else None
        before = seen


def _image(project: Path | None) -> Path:
    """Return the image to look at.

    Raises:
        UsageError: None is named, and there is not exactly one.
    """
    from runtime.image.segment import image_path, image_paths
    from runtime.project.load import load_project

    if project is not None:
        return image_path(load_project(project).config.project.name)
    found = image_paths()
    if len(found) != 1:
        names = ", ".join(path.stem for path in found) or "none"
        raise UsageError(
            f"PROJECT is missing and {names} run here: expected one that runs, or PROJECT"
        )
    return found[0]
