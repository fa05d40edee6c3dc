"""`takt sim`: run a program in virtual time and print its variables after each cycle."""

import enum
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from runtime.artifact.paths import Paths, split_paths
from runtime.cli.sources import Given, given_project, reject, requested, show_findings
from runtime.errors import UsageError
from runtime.project.units import parse_duration

if TYPE_CHECKING:
    from runtime.app.simulate import Cycle, Simulation, Stepper
    from runtime.artifact.chains import CallMap
    from runtime.artifact.program import Site, TaskInfo
    from runtime.prebuilt import Request
    from runtime.source import Source


class Format(enum.StrEnum):
    """How values are printed."""

    JSONL = "jsonl"
    TABLE = "table"


class Engine(enum.StrEnum):
    """Which engine runs the program."""

    COMPILED = "compiled"
    INTERPRETED = "interpreted"


def sim(
    given: Given,
    *,
    cycles: Annotated[int, typer.Option(min=0, help="Scans to run.")] = 10,
    period: Annotated[str, typer.Option(help='Virtual time between scans, such as "100ms".')] = (
        "100ms"
    ),
    inputs: Annotated[
        Path | None, typer.Option(help='Lines {"cycle":3,"set":{"MAIN.X":true}}.')
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Paths to print; all without it."),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.JSONL,
    engine: Annotated[Engine, typer.Option(help="What runs the program.")] = Engine.COMPILED,
) -> None:
    """Run a program in virtual time; cycle 1 is at time 0.

    Exit status: 0; 1 the program has errors; 2 wrong usage; 3 a run-time fault.
    """
    from runtime.app.simulate import Simulation, found_symbol, read_settings
    from runtime.prebuilt import request_of

    period_ns = _period(period)
    project = given_project(given)
    request = requested(given, "sim") if project is None else request_of(project)
    offsets = {} if project is None else {item.name: item.offset for item in project.config.task}
    as_json = output is Format.JSONL
    chosen = _engine(request, engine, as_json=as_json)
    symbols = chosen.map.symbols
    paths = Paths(symbols)
    watched = tuple(found_symbol(paths, name) for name in split_paths(watch or "")) or symbols
    settings = read_settings(inputs, symbols) if inputs is not None else ()
    simulation = Simulation(
        chosen.stepper, chosen.tasks, chosen.sites, watched, settings, cycles, period_ns, offsets
    )
    for task in simulation.too_fast():
        wanted, got = (f"{time_ns / 1e6:g} ms" for time_ns in (task.interval_ns, period_ns))
        text = f"note: task {task.name} of {wanted} runs once in --period {got}"
        print(text, file=sys.stderr)
    if as_json:
        _print_lines(simulation, chosen)
    else:
        _print_table(simulation, chosen)


def _period(text: str) -> int:
    try:
        period = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--period {text}: expected {error}") from None
    if period <= 0:
        raise UsageError(f"--period {text}: expected a duration above 0")
    return period


@dataclass(frozen=True, slots=True)
class _Chosen:
    """An engine ready to run, and what it runs."""

    stepper: "Stepper"
    tasks: "tuple[TaskInfo, ...]"
    sites: "tuple[Site, ...]"
    map: "CallMap"
    sources: "tuple[Source, ...]"


def _engine(request: "Request", engine: Engine, *, as_json: bool) -> _Chosen:
    """Return an engine ready to run, or leave with the diagnostics."""
    from runtime.app.ready import ready
    from runtime.app.simulate import CompiledStepper, interpreted
    from runtime.artifact.chains import CallMap
    from runtime.build import calls_of, check_sources, sites_of, symbols_of, tasks_of

    sources = request.sources
    if engine is Engine.COMPILED:
        compilation = ready(request)
        if compilation.program is None:
            raise reject(compilation.findings, sources, as_json=as_json)
        show_findings(compilation.findings, sources)
        program = compilation.program
        stepper, call_map = CompiledStepper(program), CallMap.of(program)
        return _Chosen(stepper, program.tasks, program.sites, call_map, sources)
    checked = check_sources(sources, request.plans, request.channels)
    if checked.model is None:
        raise reject(checked.findings, sources, as_json=as_json)
    show_findings(checked.findings, sources)
    model = checked.model
    call_map = CallMap(calls_of(model, sources), symbols_of(model), model.units)
    sites = sites_of(model, sources)
    return _Chosen(interpreted(model), tasks_of(model), sites, call_map, sources)


def _print_lines(simulation: "Simulation", chosen: _Chosen) -> None:
    write = sys.stdout.write
    for line in simulation.lines():
        if isinstance(line, str):
            write(line + "\n")
        else:
            assert line.fault is not None
            _print_fault(simulation, chosen, line, sys.stderr)
            site = line.fault
            place = {"file": site.file, "line": site.line, "cycle": line.number}
            print(json.dumps({"fault": {"kind": site.kind.label, **place}}))
            raise typer.Exit(3)


def _print_table(simulation: "Simulation", chosen: _Chosen) -> None:
    print(_row(["cycle", "time", *(item.path for item in simulation.watched)]))
    for cycle in simulation.run():
        site = cycle.fault
        if site is not None:
            _print_fault(simulation, chosen, cycle, sys.stdout)
            raise typer.Exit(3)
        values = (json.dumps(value) for value in cycle.values.values())
        print(_row([str(cycle.number), f"{cycle.time_ns / 1e9:.3f} s", *values]))


def _print_fault(simulation: "Simulation", chosen: _Chosen, cycle: "Cycle", file: TextIO) -> None:
    """Print what a fault was and how the program came there."""
    from runtime.app.fault_lines import lines_of, named_values, told_links
    from runtime.cli.fault_text import print_way

    site, state = cycle.fault, simulation.stepper.state
    assert site is not None
    chain = chosen.map.chain(site, state)
    cause = f": {chain.cause}" if chain.cause else ""
    print(f"fault in cycle {cycle.number}: {site.kind.label} {site}{cause}", file=file)
    if chain.instance:
        print(f"instance {chain.instance}", file=file)
    texts = {source.name: source.text for source in chosen.sources}
    told = list(told_links(chain, site, lines_of(texts)))
    print_way(told, named_values(told, chosen.map.symbols, state), file)


def _row(cells: Iterable[str]) -> str:
    return "  ".join(f"{cell:>12}" for cell in cells)
