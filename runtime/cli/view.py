"""How the demo looks: a live view in a terminal, plain lines elsewhere, and the summary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from runtime.app.demo import DemoResult, Moment
from runtime.app.monitor import LinkReport, Observation, TaskReport
from runtime.app.tally import BAND_MM
from runtime.artifact.abi import FaultKind
from runtime.image.layout import Link, LinkError, Mode, Quality
from runtime.image.statistics import TASK_TIMES, HistogramCopy

BAR_CELLS: Final = 30
MILLISECOND_NS: Final = 1_000_000
SHOWS_A_LINE: Final = 5
"""The plain view writes every fifth moment: one line a second."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One row of the view: a variable, its full range, its set-point where it has one."""

    label: str
    value: str
    full: float
    unit: str
    set_point: str | None = None
    colour: str = "cyan"


GAUGES: Final = (
    Gauge("Upper level", "UPPERLEVEL", 300, "mm", "UPPERSETPOINT", "blue"),
    Gauge("Lower level", "LOWERLEVEL", 300, "mm", "LOWERSETPOINT", "blue"),
    Gauge("Upper temperature", "UPPERTEMPERATURE", 60, "°C", "TEMPERATURESETPOINT", "red"),
    Gauge("Lower temperature", "LOWERTEMPERATURE", 60, "°C", None, "red"),
    Gauge("Inflow", "INFLOW", 200, "ml/s"),
    Gauge("Inlet valve", "INLETPOSITION", 100, "%", None, "green"),
    Gauge("Transfer valve", "TRANSFERPOSITION", 100, "%", None, "green"),
    Gauge("Heater", "HEATERPERCENT", 100, "%", None, "yellow"),
)


class LiveView:
    """Redraws one panel in a terminal; use as a context manager."""

    def __init__(self, console: Console) -> None:
        """Draw on that console, which is a terminal."""
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def show(self, moment: Moment) -> None:
        """Draw a moment."""
        self._live.update(panel(moment), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


class PlainView:
    """Writes one line a second; while the program is being compiled, a single one."""

    def __init__(self) -> None:
        self._shows = 0
        self._is_starting = False

    def show(self, moment: Moment) -> None:
        """Write the moment, if its turn has come."""
        is_told = self._is_starting and moment.observation is None
        if self._shows % SHOWS_A_LINE == 0 and not is_told:
            print(plain_line(moment), flush=True)
            self._is_starting = moment.observation is None
        self._shows += 1


def bar(value: float, full: float, mark: float | None, cells: int = BAR_CELLS) -> str:
    """Return a bar of `cells` characters filled in proportion, with a mark at a set-point."""
    filled = round(min(max(value / full, 0.0), 1.0) * cells)
    line = ["█"] * filled + ["░"] * (cells - filled)
    if mark is not None:
        line[min(int(mark / full * cells), cells - 1)] = "┃"
    return "".join(line)


def duration(nanoseconds: float) -> str:
    """Return a duration in µs, from 1 ms on in ms."""
    if nanoseconds >= MILLISECOND_NS:
        return f"{nanoseconds / MILLISECOND_NS:.2f} ms"
    return f"{nanoseconds / 1e3:.1f} µs"


def percentiles(histogram: HistogramCopy) -> str:
    """Return p50, p99, p99.9 and the maximum in one line."""
    if histogram.count == 0:
        return "none yet"
    parts = [f"p{rank:g} {duration(histogram.percentile(rank))}" for rank in (50, 99, 99.9)]
    return "  ".join([*parts, f"max {duration(histogram.max_ns)}"])


def link_state(link: LinkReport, *, gateway_alive: bool) -> str:
    """Return in a few words how a device is reached."""
    if not gateway_alive:
        return "no gateway"
    if link.link is Link.UP and link.error is not LinkError.EXCEPTION:
        return "up"
    reason = "" if link.error is LinkError.NONE else f" ({link.error.name.lower()})"
    return link.link.name.lower() + reason


def stale_inputs(qualities: Mapping[str, Quality]) -> int:
    """Return how many inputs are not good."""
    return sum(quality is not Quality.GOOD for quality in qualities.values())


def _number(observation: Observation, name: str) -> float:
    value = observation.values.get(f"MAIN.{name}", 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def _flag(observation: Observation, name: str) -> bool:
    return observation.values.get(f"MAIN.{name}") is True


def panel(moment: Moment) -> RenderableType:
    """Return the whole live view."""
    until = "until Ctrl-C" if moment.seconds is None else f"of {moment.seconds:g} s"
    title = f"takt demo · two tanks · {moment.elapsed_s:.0f} s {until}"
    observation = moment.observation
    if observation is None:
        return Panel("Starting: the program is being compiled …", title=title)
    group = Group(_process(observation), Text(), _statistics(moment, observation))
    return Panel(group, title=title, expand=False)


def _process(observation: Observation) -> Table:
    table = Table.grid(padding=(0, 2))
    for gauge in GAUGES:
        value = _number(observation, gauge.value)
        mark = None if gauge.set_point is None else _number(observation, gauge.set_point)
        wanted = "" if mark is None else f"set-point {mark:.0f} {gauge.unit}"
        table.add_row(
            gauge.label, Text(bar(value, gauge.full, mark), style=gauge.colour),
            f"{value:6.1f} {gauge.unit}", wanted,
        )  # fmt: skip
    table.add_row("Machines", Text.assemble(*_machines(observation)))
    return table


def _machines(observation: Observation) -> list[tuple[str, str]]:
    pump, heater = _flag(observation, "PUMPRUNS"), _flag(observation, "HEATERON")
    parts = [
        ("pump runs" if pump else "pump stands", "green" if pump else "yellow"),
        ("   heater on" if heater else "   heater off", "green" if heater else "yellow"),
    ]
    if _flag(observation, "DRAINOPEN"):
        parts.append(("   DRAIN OPEN (the disturbance)", "bold magenta"))
    if _flag(observation, "LEVELALARM"):
        parts.append(("   LEVEL ALARM", "bold red"))
    return parts


def _statistics(moment: Moment, observation: Observation) -> Table:
    table = Table.grid(padding=(0, 2))
    for task in observation.tasks:
        table.add_row(f"Task {task.name}", _task_counts(observation, task))
        for name in TASK_TIMES:
            table.add_row(f"  {name}", percentiles(getattr(task, name)))
    for link in observation.links:
        state = link_state(link, gateway_alive=observation.gateway_alive)
        bad = stale_inputs(observation.qualities)
        counts = f"{link.polls} polls  {link.writes} writes  {link.reconnects} reconnects"
        inputs = "all inputs good" if bad == 0 else f"{bad} inputs not good"
        style = "green" if state == "up" and bad == 0 else "bold red"
        table.add_row(f"Link {link.device}", Text(f"{state}  {inputs}  {counts}", style=style))
        table.add_row("  round trip", percentiles(link.round_trip))
        table.add_row("  reaction", percentiles(link.reaction))
    restarts = "  ".join(
        f"{name} {child.state.value}" + (f" (restarts: {child.restarts})" if child.restarts else "")
        for name, child in moment.children.items()
    )
    table.add_row("Processes", restarts)
    table.add_row("Metrics", f"http://127.0.0.1:{moment.metrics_port}/metrics")
    return table


def _task_counts(observation: Observation, task: TaskReport) -> Text:
    text = (
        f"{observation.mode.name}  {task.interval_ns / 1e6:g} ms  {task.scans} scans  "
        f"{task.overruns} overruns  {task.skipped} skipped"
    )
    return Text(text, style="bold red" if observation.mode is Mode.FAULTED else "green")


def plain_line(moment: Moment) -> str:
    """Return a moment as one line of plain text."""
    observation = moment.observation
    if observation is None:
        return "starting: the program is being compiled"
    parts = [f"{moment.elapsed_s:5.1f} s", f"cycle {observation.cycle}"]
    parts += [
        f"{gauge.label.lower()} {_number(observation, gauge.value):.1f} {gauge.unit}"
        for gauge in GAUGES
        if gauge.value != "INFLOW"
    ]
    parts += [f"lateness {percentiles(task.lateness)}" for task in observation.tasks]
    parts += [f"overruns {task.overruns}" for task in observation.tasks]
    for link in observation.links:
        state = link_state(link, gateway_alive=observation.gateway_alive)
        parts.append(f"link {state}, reaction p50 {duration(link.reaction.percentile(50))}")
    if _flag(observation, "DRAINOPEN"):
        parts.append("drain open")
    bad = stale_inputs(observation.qualities)
    if bad:
        parts.append(f"{bad} inputs not good")
    return " | ".join(parts)


_MEANS: Final = {"reaction": "  (newest sample to scan end)"}
"""What a time of a task is, where its name alone could mean another of the summary."""


def summary(result: DemoResult) -> str:
    """Return what the demo showed, in a few lines."""
    observation = result.last.observation
    if observation is None:
        return "The demo was ended before its first scan."
    lines = [f"The demo controlled for {result.last.elapsed_s:.1f} s.", *_level_lines(result)]
    if observation.fault is not FaultKind.NONE:
        lines.append(f"  fault      {observation.fault.label} in cycle {observation.cycle}")
    for task in observation.tasks:
        lines.append(
            f"  scans      {task.scans} of {task.interval_ns / 1e6:g} ms, "
            f"{task.overruns} overruns, {task.skipped} skipped"
        )
        lines += [
            f"  {name:<10} {percentiles(getattr(task, name))}{_MEANS.get(name, '')}"
            for name in TASK_TIMES
        ]
    for link in observation.links:
        lines.append(f"  reaction   {percentiles(link.reaction)}  (sensor read to output written)")
        lines.append(f"  round trip {percentiles(link.round_trip)}")
    restarted = [f"{n} {c.restarts}" for n, c in result.last.children.items() if c.restarts]
    if restarted:
        lines.append(f"  restarts   {', '.join(restarted)}")
    return "\n".join(lines)


def _level_lines(result: DemoResult) -> list[str]:
    tally = result.tally
    if tally.calm_mm_max is None:
        return ["  level      too short a run to judge it"]
    lines = [f"  level      held within {tally.calm_mm_max:.1f} mm of its set-point"]
    if tally.disturbances and tally.recovery_s_max is not None:
        lines.append(
            f"  disturbed  {tally.disturbances} time(s), by {tally.disturbed_mm_max:.1f} mm at "
            f"most; back within {BAND_MM:g} mm after {tally.recovery_s_max:.1f} s at most"
        )
    return lines
