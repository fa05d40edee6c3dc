"""Looking again and again: how `takt top` and `takt io` show what changes.

On a terminal each look replaces the one before; into a file or a pipe one follows the other; for
machines there are lines of JSON.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count, islice
from threading import Event
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

_FILE_WIDTH: Final = 200
"""Columns of a file or a pipe, which have no edge: enough that no value is cut."""

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


@dataclass(frozen=True)
class Fitting:
    """What is shown, cut where the screen ends; then its last line says how much is missing."""

    whole: "RenderableType"

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        from rich.segment import Segment

        lines = console.render_lines(self.whole, options.update(height=None), pad=False)
        missing = len(lines) - options.size.height
        if missing > 0:
            missing += 1
            lines = lines[:-missing]
            lines.append([Segment(f"… {missing} more lines: --looks 1 prints them all")])
        for number, line in enumerate(lines):
            if number:
                yield Segment.line()
            yield from line


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
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _FILE_WIDTH
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
                view = page.view(seen, before)
                live.update(Fitting(view) if looks is None else view, refresh=True)
            elif as_json:
                for document in page.documents(seen):
                    print(json.dumps(document), flush=True)
            else:
                console.print(page.view(seen, before), soft_wrap=True)
            before = seen
    return before
