"""How `takt top --all` looks: a line for each running project, its tasks added up."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich.text import Text

from runtime.app.watch import Look, PlcReport
from runtime.artifact.abi import FaultKind
from runtime.cli.top_view import fault_lines, microseconds, percentiles
from runtime.image.statistics import TASK_TIMES

_TITLES: Final = (
    "mode", "cycle", "scans/s", "overruns", "late p99.9", "late max", "jitter p99.9",
    "exec p50", "exec max", "react p99.9",
)  # fmt: skip
_WIDTHS: Final = (7, 9, 7, 8, 10, 9, 12, 8, 9, 11)
_NAME_MIN: Final = 4
_SILENT: Final = "SILENT"
"""Shown for the mode of a runtime without a sign of life: it was killed, or hangs."""


def view_all(look: Look, before: Look | None) -> Text:
    """Return a line for each running project; times in µs."""
    if not look.plcs:
        return Text(f"no runtime scans here{_waiting(look)}; `takt run` starts one")
    earlier = {_key(plc): plc for plc in before.plcs} if before else {}
    width = max(_NAME_MIN, *(len(plc.seen.project) for plc in look.plcs))
    lines = [(_head(look), "bold"), (_line("", width, _TITLES), "")]
    for plc in look.plcs:
        sound = plc.seen.fault is FaultKind.NONE and plc.seen.runtime_alive
        cells = _cells(plc, earlier.get(_key(plc)))
        lines.append((_line(plc.seen.project, width, cells), "" if sound else "bold red"))
        lines += [(f"  {line}", "red") for line in fault_lines(plc.seen)]
    page = Text("\n").join(Text(line, style=style) for line, style in lines)
    page.no_wrap, page.overflow = True, "crop"
    return page


def document_all(look: Look) -> dict[str, object]:
    """Return a look as JSON holds it; times in ns."""
    return {
        "plcs": [
            {
                "project": plc.seen.project, "pid": plc.seen.runtime_pid,
                "mode": plc.seen.mode.name, "alive": plc.seen.runtime_alive,
                "cycle": plc.seen.cycle, "fault": plc.seen.fault.label, "scans": plc.scans,
                "overruns": plc.overruns, "skipped": plc.skipped,
            }
            | {f"{name}_ns": percentiles(getattr(plc, name)) for name in TASK_TIMES}
            for plc in look.plcs
        ],
        "waiting": look.waiting,
    }  # fmt: skip


def _head(look: Look) -> str:
    modes = Counter(_mode(plc) for plc in look.plcs)
    counts = ", ".join(f"{count} {mode}" for mode, count in sorted(modes.items()))
    return f"{len(look.plcs)} PLCs: {counts}{_waiting(look)}; times in µs"


def _waiting(look: Look) -> str:
    return f" ({look.waiting} more without a scan yet)" if look.waiting else ""


def _mode(plc: PlcReport) -> str:
    return plc.seen.mode.name if plc.seen.runtime_alive else _SILENT


def _key(plc: PlcReport) -> tuple[str, int]:
    """Tell a runtime from its successor: rates count within one."""
    return plc.seen.project, plc.seen.runtime_pid


def _cells(plc: PlcReport, before: PlcReport | None) -> Iterator[str]:
    yield _mode(plc)
    yield str(plc.seen.cycle)
    passed_ns = plc.seen.time_ns - before.seen.time_ns if before else 0
    scans = plc.scans - before.scans if before else 0
    yield f"{scans * 1e9 / passed_ns:.0f}" if passed_ns > 0 else "-"
    yield str(plc.overruns)
    yield microseconds(plc.lateness.percentile(99.9))
    yield microseconds(plc.lateness.max_ns)
    yield microseconds(plc.jitter.percentile(99.9))
    yield microseconds(plc.execution.percentile(50))
    yield microseconds(plc.execution.max_ns)
    yield microseconds(plc.reaction.percentile(99.9)) if plc.reaction.count else "-"


def _line(name: str, width: int, cells: Iterator[str] | tuple[str, ...]) -> str:
    columns = zip(cells, _WIDTHS, strict=True)
    return f"{name:<{width}}" + "".join(f" {cell:>{size}}" for cell, size in columns)
