"""Looking again and again: how `takt top` and `takt io` show what changes.

On a terminal each look replaces the one before; into a file or a pipe one follows the other; for
machines there are lines of JSON.
"""

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count, islice
from threading import Event
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from rich.console import RenderableType

Look = TypeVar("Look")


@dataclass(frozen=True)
class Page(Generic[Look]):
    """What is shown, for people and for machines."""

    observe: Callable[[], Look]
    """Looks once."""
    view: "Callable[[Look, Look | None], RenderableType]"
    """Draws what is seen now beside what was seen before, None at first."""
    documents: Callable[[Look], Iterable[dict[str, object]]]
    """Returns the JSON objects of a look, a line each."""


def show(page: Page[Look], every_s: float, looks: int | None, *, as_json: bool) -> Look | None:
    """Show a page until all looks are done; return the last look.

    Args:
        page: What to show.
        every_s: Seconds between two looks.
        looks: How many, one at least; None to go on until Ctrl-C.
        as_json: For machines.
    """
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
                for document in page.documents(seen):
                    print(json.dumps(document), flush=True)
            else:
                console.print(page.view(seen, before), soft_wrap=True)
            before = seen
    return before
