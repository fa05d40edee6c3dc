"""`takt top`: tasks and links of a running project, live: how punctual, how long, how often."""

import contextlib
import json
import time
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final, Generic, TypeVar

import typer

from runtime.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from runtime.app.monitor import Observation
    from runtime.app.watch import Look as AllProjects

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
    everything: Annotated[
        bool, typer.Option("--all", help="One line for each project that runs here.")
    ] = False,
) -> None:
    """Show a running project's tasks and links, or all running projects, until Ctrl-C.

    Percentiles count from the start of the runtime; `now` counts from one look to the next.
    Where no runtime is there at the last look, the exit status is 1.
    """
    if everything and project is not None:
        raise UsageError(f"--all and PROJECT {project}: expected one of the two")
    with contextlib.ExitStack() as stack:
        if everything:
            seen = _show(_all_page(stack), every, looks, as_json=as_json)
        else:
            seen = _show(_project_page(stack, _image(project)), every, looks, as_json=as_json)
        if not seen:
            raise typer.Exit(_ABSENT)


Look = TypeVar("Look")


@dataclass(frozen=True)
class _Page(Generic[Look]):
    """What is shown again and again, for people and for machines."""

    observe: "Callable[[], Look]"
    view: "Callable[[Look, Look | None], Text]"
    """Draws what is seen now beside what was seen before."""
    document: "Callable[[Look], dict[str, object]]"
    is_there: "Callable[[Look], bool]"
    """Whether a runtime was seen."""


def _project_page(stack: contextlib.ExitStack, image: Path) -> "_Page[Observation | None]":
    from runtime.app.monitor import Monitor
    from runtime.cli.top_view import document, view

    monitor = Monitor(image, (), time.monotonic_ns)
    stack.callback(monitor.close)
    return _Page(
        monitor.observe,
        lambda seen, before: view(image.stem, seen, before),
        lambda seen: {"image": str(image)} | document(seen),
        lambda seen: seen is not None,
    )


def _all_page(stack: contextlib.ExitStack) -> "_Page[AllProjects]":
    from runtime.app.watch import Watch
    from runtime.cli.top_all import document_all, view_all

    watch = Watch(time.monotonic_ns)
    stack.callback(watch.close)
    return _Page(watch.look, view_all, document_all, lambda look: bool(look.plcs))


def _show(page: _Page[Look], every_s: float, looks: int | None, *, as_json: bool) -> bool:
    """Show a page until all looks are done; return whether a runtime was there at the last."""
    from rich.console import Console
    from rich.live import Live

    console, before, pause = Console(), None, Event()
    with contextlib.ExitStack() as stack:
        live = None
        if console.is_terminal and not as_json:
            live = stack.enter_context(
                Live(console=console, auto_refresh=False, screen=looks is None)
            )
        for number in islice(count(), looks):
            if number:
                pause.wait(every_s)
            seen = page.observe()
            if live is not None:
                live.update(page.view(seen, before), refresh=True)
            elif as_json:
                print(json.dumps(page.document(seen)), flush=True)
            else:
                console.print(page.view(seen, before), soft_wrap=True)
            before = seen
    return before is not None and page.is_there(before)


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
