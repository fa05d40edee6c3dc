"""`takt doctor`: look at this host as the scan thread will find it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.app.doctor.checks import Verdict, Wishes
    from runtime.app.doctor.wakeups import Wakeups

_RANKS: Final = (50, 99, 99.9, 100)
_STRICT_FAILED: Final = 1


def doctor(
    project: Annotated[
        Path | None,
        typer.Argument(metavar="[PROJECT]", help="Judge by what this project asks for."),
    ] = None,
    *,
    measure: Annotated[
        float | None,
        typer.Option(min=0.1, max=600, metavar="SECONDS", help="Measure wake-ups as well."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with status 1 where anything is bad.")
    ] = False,
) -> None:
    """Check what of this host costs punctuality, what it costs, and how to mend it."""
    from runtime.app.doctor.checks import Grade, examine, worst
    from runtime.app.doctor.host import this_host

    wishes = _wishes(project)
    verdicts = examine(this_host(), wishes)
    wakeups = _measured(measure, wishes)
    if as_json:
        print(json.dumps(_document(verdicts, wakeups), indent=1))
    else:
        print(report(verdicts))
        if wakeups:
            print(table(wakeups))
    if strict and worst(verdicts) is Grade.BAD:
        raise typer.Exit(_STRICT_FAILED)


def report(verdicts: "Sequence[Verdict]") -> str:
    """Return the verdicts as lines: grade, property, what was found; below it cost and remedy."""
    width = max(len(verdict.name) for verdict in verdicts)
    lines = []
    for verdict in verdicts:
        lines.append(f"{verdict.grade:<4}  {verdict.name:<{width}}  {verdict.found}")
        if verdict.costs:
            lines.append(f"      costs: {verdict.costs}")
        if verdict.mend:
            lines.append(f"      mend:  {verdict.mend}")
    return "\n".join(lines)


def table(wakeups: "Sequence[Wakeups]") -> str:
    """Return the measured lateness as a table in µs, a line for each setting."""
    width = max(len(item.setting) for item in wakeups)
    head = f"{'wake-up lateness, µs, 1 ms interval':<{width}}"
    columns = "".join(f"{f'p{rank:g}' if rank < 100 else 'max':>9}" for rank in _RANKS)  # noqa: PLR2004
    lines = ["", head.ljust(max(width, len(head))) + columns]
    for item in wakeups:
        values = "".join(f"{item.percentile(rank) / 1000:9.1f}" for rank in _RANKS)
        lines.append(item.setting.ljust(max(width, len(head))) + values)
    return "\n".join(lines)


def _wishes(project: Path | None) -> "Wishes":
    from runtime.app.doctor.checks import Wishes

    if project is None:
        return Wishes()
    from runtime.project.load import load_project

    asked = load_project(project).config.runtime
    return Wishes(asked.realtime_priority, asked.cpu, asked.lock_memory)


def _measured(seconds: float | None, wishes: "Wishes") -> "list[Wakeups]":
    if seconds is None:
        return []
    from runtime.app.doctor.wakeups import measure

    return list(measure(seconds, wishes))


def _document(verdicts: "Sequence[Verdict]", wakeups: "Sequence[Wakeups]") -> dict[str, object]:
    return {
        "checks": [asdict(verdict) for verdict in verdicts],
        "wakeups": [
            {"setting": item.setting} | {f"p{rank:g}_ns": item.percentile(rank) for rank in _RANKS}
            for item in wakeups
        ],
    }
