"""`takt top`: tasks and links of a running project, live: how punctual, how long, how often."""

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.looks import Page, show
from runtime.cli.plc import GivenInstance, plc_image
from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.app.monitor import Observation
    from runtime.app.watch import Look

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
    instance: GivenInstance = None,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    looks: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="One line for each project that runs here.")
    ] = False,
) -> None:
    """Show a running project's tasks and links, or all running projects, until Ctrl-C.

    Percentiles count from the start of the runtime; `now` counts from one look to the next.
    Where no runtime is there at the last look, the exit status is 1.
    """
    if instance is not None and project is None:
        raise UsageError(f"--instance {instance}: expected PROJECT beside it")
    if everything and project is not None:
        raise UsageError(f"--all and PROJECT {project}: expected one of the two")
    with contextlib.ExitStack() as stack:
        if everything:
            look = show(_all_page(stack), every, looks, as_json=as_json)
            seen = look is not None and bool(look.plcs)
        else:
            page = _project_page(stack, _image(project, instance))
            seen = show(page, every, looks, as_json=as_json) is not None
        if not seen:
            raise typer.Exit(_ABSENT)


def _project_page(stack: contextlib.ExitStack, image: Path) -> "Page[Observation | None]":
    from runtime.app.monitor import Monitor
    from runtime.cli.top_view import document, view

    monitor = Monitor(image, (), time.monotonic_ns)
    stack.callback(monitor.close)
    return Page(
        monitor.observe,
        lambda seen, before: view(image.stem, seen, before),
        lambda seen: [{"image": str(image)} | document(seen)],
    )


def _all_page(stack: contextlib.ExitStack) -> "Page[Look]":
    from runtime.app.watch import Watch
    from runtime.cli.top_all import document_all, view_all

    watch = Watch(time.monotonic_ns)
    stack.callback(watch.close)
    return Page(watch.look, view_all, lambda look: [document_all(look)])


def _image(project: Path | None, instance: str | None) -> Path:
    """Return the image to look at.

    Raises:
        UsageError: None is named, and there is not exactly one.
    """
    from runtime.image.segment import image_paths

    if project is not None:
        return plc_image(project, instance)
    found = image_paths()
    if len(found) != 1:
        names = ", ".join(path.stem for path in found) or "none"
        raise UsageError(
            f"PROJECT is missing and {names} run here: expected one that runs, or PROJECT"
        )
    return found[0]
