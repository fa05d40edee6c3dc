"""How `takt top` looks: tables for people, a document for machines."""

from collections.abc import Iterable, Iterator
from typing import Final

from rich.text import Text

from runtime.app.monitor import LinkReport, Observation, TaskReport, TaskState
from runtime.artifact.abi import FaultKind
from runtime.cli.view import duration, link_state, stale_inputs
from runtime.image.statistics import TASK_TIMES, HistogramCopy

_RANKS: Final = (50.0, 99.0, 99.9, 99.99)


def view(name: str, seen: Observation | None, before: Observation | None) -> Text:
    """Return everything that one look shows; times in µs.

    Args:
        name: What was looked for.
        seen: What is there now, None where no runtime has scanned yet.
        before: What was there at the last look, perhaps of an earlier runtime.
    """
    if seen is None:
        return Text(f"{name}: no runtime has scanned yet; `takt run` starts one")
    if before is not None and before.runtime_pid != seen.runtime_pid:
        before = None
    lines = [_line("µs", _TITLES), *_tasks(seen, before), *_links(seen, before)]
    style = "bold red" if seen.fault is not FaultKind.NONE else "bold"
    return Text.assemble((_head(seen), style), "\n", "\n".join(lines))


_TITLES: Final = (*(f"p{rank:g}" for rank in _RANKS), "max", "now p50", "now p99.9")
_WIDTHS: Final = (9, 9, 9, 9, 9, 11, 11)
"""Of the columns; the whole fits in 80 letters."""


def _head(seen: Observation) -> str:
    bad = stale_inputs(seen.qualities)
    inputs = f"  {len(seen.qualities)} inputs, {bad} not good" if seen.qualities else ""
    mode = seen.mode.name if seen.runtime_alive else f"{seen.mode.name}, no sign of life"
    head = f"{seen.project}  {mode}  pid {seen.runtime_pid}  cycle {seen.cycle}{inputs}"
    return "\n".join([head, *fault_lines(seen)])


def fault_lines(seen: Observation) -> Iterator[str]:
    """Yield a line for each task that a fault ended: which, why and where."""
    for task in seen.tasks:
        if task.state is TaskState.FAULTED:
            yield f"fault of task {task.name}: {_cause(task)}"


def _cause(task: TaskReport) -> str:
    place = f" {task.place}" if task.place else ""
    return f"{task.fault.label}{place}"


def _tasks(seen: Observation, before: Observation | None) -> Iterator[str]:
    earlier = {task.name: task for task in before.tasks} if before else {}
    for task in seen.tasks:
        past = earlier.get(task.name)
        every = f"every {duration(task.interval_ns)}" if task.interval_ns else "no interval"
        rate = _rate(task.scans, past.scans if past else None, seen, before)
        yield (
            f"task {task.name}, {every}, {_state(task)}: {task.scans} scans{rate}, "
            f"{task.overruns} overruns, {task.skipped} skipped"
            + (f", {task.lost_edges} edges lost" if task.lost_edges else "")
        )
        for name in TASK_TIMES:
            yield _row(name, getattr(task, name), getattr(past, name, None))


def _state(task: TaskReport) -> str:
    return f"faulted ({task.fault.label})" if task.state is TaskState.FAULTED else task.state.value


def _links(seen: Observation, before: Observation | None) -> Iterator[str]:
    earlier = {link.device: link for link in before.links} if before else {}
    for link in seen.links:
        past = earlier.get(link.device)
        state = link_state(link, gateway_alive=seen.gateway_alive)
        rate = _rate(link.polls, past.polls if past else None, seen, before)
        yield (
            f"device {link.device}, {state}: {link.polls} polls{rate}, "
            f"{link.failures} failed, {link.writes} writes, {link.reconnects} reconnects"
        )
        yield _row("round trip", link.round_trip, past.round_trip if past else None)
        yield _row("reaction", link.reaction, past.reaction if past else None)


def _rate(now: int, then: int | None, seen: Observation, before: Observation | None) -> str:
    if before is None or then is None or seen.time_ns <= before.time_ns:
        return ""
    return f" ({(now - then) * 1e9 / (seen.time_ns - before.time_ns):.0f}/s)"


def _row(label: str, now: HistogramCopy, then: HistogramCopy | None) -> str:
    return _line(f"  {label}", _cells(now, then))


def _line(label: str, cells: Iterable[str]) -> str:
    columns = zip(cells, _WIDTHS, strict=True)
    return f"{label:<12}" + "".join(f"{cell:>{width}}" for cell, width in columns)


def _cells(now: HistogramCopy, then: HistogramCopy | None) -> Iterator[str]:
    if now.count == 0:
        yield from ["-"] * len(_TITLES)
        return
    yield from (microseconds(now.percentile(rank)) for rank in _RANKS)
    yield microseconds(now.max_ns)
    recent = now.since(then) if then is not None else None
    if recent is None or recent.count == 0:
        yield from ("-", "-")
    else:
        yield from (microseconds(recent.percentile(rank)) for rank in (50.0, 99.9))


_WHOLE_US: Final = 100_000
"""From here on a tenth is nothing, and would fill its column to the one before."""


def microseconds(nanoseconds: int) -> str:
    """Return a duration in µs, as a number."""
    value = nanoseconds / 1000
    return f"{value:.1f}" if value < _WHOLE_US else f"{value:.0f}"


# -- for machines ---------------------------------------------------------------------------------


def document(seen: Observation | None) -> dict[str, object]:
    """Return a look as JSON holds it, empty where nothing was seen; times in ns."""
    if seen is None:
        return {}
    return {
        "mode": seen.mode.name,
        "pid": seen.runtime_pid,
        "cycle": seen.cycle,
        "fault": seen.fault.label,
        "inputs_not_good": stale_inputs(seen.qualities),
        "tasks": [_task(task) for task in seen.tasks],
        "links": [_link(link) for link in seen.links],
    }


def _task(task: TaskReport) -> dict[str, object]:
    return {
        "name": task.name, "state": task.state.value, "fault": task.fault.label,
        "place": f"{task.place.file}:{task.place.line}" if task.place else None,
        "interval_ns": task.interval_ns, "scans": task.scans,
        "overruns": task.overruns, "skipped": task.skipped, "lost_edges": task.lost_edges,
    } | {f"{name}_ns": percentiles(getattr(task, name)) for name in TASK_TIMES}  # fmt: skip


def _link(link: LinkReport) -> dict[str, object]:
    return {
        "device": link.device, "link": link.link.name, "error": link.error.name,
        "polls": link.polls, "failures": link.failures, "reconnects": link.reconnects,
        "writes": link.writes,
        "round_trip_ns": percentiles(link.round_trip), "reaction_ns": percentiles(link.reaction),
    }  # fmt: skip


def percentiles(histogram: HistogramCopy) -> dict[str, int]:
    """Return a histogram as JSON holds it, in ns."""
    found = {f"p{rank:g}": histogram.percentile(rank) for rank in _RANKS}
    return found | {"max": histogram.max_ns, "count": histogram.count}
