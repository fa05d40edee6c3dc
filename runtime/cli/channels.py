"""`takt io`: every channel of a running project, live: value, quality, age, round trip."""

import contextlib
import dataclasses
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.looks import Page, show
from runtime.cli.plc import plc_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from runtime.app.channels import ChannelState


def io(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="A project's folder, or its takt.toml.")
    ],
    *,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 0.5,
    looks: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a channel.")] = False,
) -> None:
    """Show a running project's inputs and outputs until Ctrl-C.

    An input's value is what was read last, its quality what the last scan made of it.
    """
    from runtime.app.channels import channel_states, kinds_of
    from runtime.image.segment import attach_image
    from runtime.project.load import load_project

    loaded = load_project(project)
    path = plc_image(project, None)
    with contextlib.ExitStack() as stack:
        image = stack.enter_context(attach_image(path))
        kinds = kinds_of(image.directory)

        def observe() -> "tuple[ChannelState, ...]":
            nonlocal image, kinds
            if not image.is_current():
                image = stack.enter_context(attach_image(path))
                kinds = kinds_of(image.directory)
            return channel_states(loaded, image, kinds)

        page = Page(observe, lambda states, _: table(states), partial(map, document))
        show(page, every, looks, as_json=as_json)


def table(states: "Sequence[ChannelState]") -> "RenderableType":
    """Return the table of all channels."""
    from rich.markup import escape
    from rich.table import Column, Table

    if not states:
        return "no channels: takt.toml has no [[io]]"
    titles = ("address", "device", "place", "value", "quality", "age", "poll")
    columns = {title: Column(title, no_wrap=True) for title in titles}
    columns["place"] = Column("place", overflow="fold")  # a node's name is told by its end
    shown = Table(*columns.values(), box=None)
    for state in states:
        quality = state.quality.name if state.quality is not None else "-"
        style = "" if quality in {"GOOD", "-"} else "red"
        shown.add_row(
            state.address, f"{state.device} ({_link(state)})", escape(state.place),
            escape(_shown(state.value)), quality, _milliseconds(state.age_ns),
            _milliseconds(state.round_trip_ns or -1), style=style,
        )  # fmt: skip
    return shown


def document(state: "ChannelState") -> dict[str, object]:
    """Return a channel for machines; times in ns, non-finite numbers as text."""
    fields = dataclasses.asdict(state)
    value = state.value
    if isinstance(value, float) and not math.isfinite(value):
        fields["value"] = _shown(value)
    fields["quality"] = state.quality.name if state.quality is not None else None
    fields["link"], fields["error"] = state.link.name, state.error.name
    return fields


def _shown(value: float | str | None) -> str:
    match value:
        case None:
            return "-"
        case str():
            return repr(value.rstrip("\0"))
        case int():
            return str(value)
        case _:
            return f"{value:.10g}"


def _link(state: "ChannelState") -> str:
    """Return how the device is reached, and where it is not, why."""
    from runtime.image.layout import Link, LinkError

    link = state.link.name.lower()
    if state.link is Link.UP or state.error is LinkError.NONE:
        return link
    return f"{link}: {state.error.name.lower()}"


def _milliseconds(time_ns: int) -> str:
    return "-" if time_ns < 0 else f"{time_ns / 1e6:.1f} ms"
