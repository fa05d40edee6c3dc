"""`takt sim`: run a program in virtual time and print its variables after each cycle."""

import enum
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.artifact.paths import Paths, split_paths
from runtime.artifact.program import Symbol
from runtime.cli.sources import Given, reject, requested, show_findings
from runtime.errors import UsageError
from runtime.project.units import parse_duration

if TYPE_CHECKING:
    from runtime.app.simulate import Simulation, Stepper
    from runtime.artifact.program import Site, TaskInfo
    from runtime.prebuilt import Request


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

    period_ns = _period(period)
    request = requested(given, "sim")
    as_json = output is Format.JSONL
    stepper, symbols, sites, tasks = _engine(request, engine, as_json=as_json)
    paths = Paths(symbols)
    watched = tuple(found_symbol(paths, name) for name in split_paths(watch or "")) or symbols
    settings = read_settings(inputs, symbols) if inputs is not None else ()
    simulation = Simulation(stepper, tasks, sites, watched, settings, cycles, period_ns)
    if as_json:
        _print_lines(simulation)
    else:
        _print_table(simulation, watched)


def _period(text: str) -> int:
    try:
        period = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--period {text}: expected {error}") from None
    if period <= 0:
        raise UsageError(f"--period {text}: expected a duration above 0")
    return period


def _engine(
    request: "Request", engine: Engine, *, as_json: bool
) -> "tuple[Stepper, tuple[Symbol, ...], tuple[Site, ...], tuple[TaskInfo, ...]]":
    """Return an engine ready to run, or leave with the diagnostics."""
    from runtime.app.ready import ready
    from runtime.app.simulate import CompiledStepper, interpreted
    from runtime.build import check_sources, sites_of, symbols_of, tasks_of

    sources = request.sources
    if engine is Engine.COMPILED:
        compilation = ready(request)
        if compilation.program is None:
            raise reject(compilation.findings, sources, as_json=as_json)
        show_findings(compilation.findings, sources)
        program = compilation.program
        return CompiledStepper(program), program.symbols, program.sites, program.tasks
    checked = check_sources(sources, request.plans, request.channels)
    if checked.model is None:
        raise reject(checked.findings, sources, as_json=as_json)
    show_findings(checked.findings, sources)
    model = checked.model
    return interpreted(model), symbols_of(model), sites_of(model, sources), tasks_of(model)


def _print_lines(simulation: "Simulation") -> None:
    write = sys.stdout.write
    for line in simulation.lines():
        if isinstance(line, str):
            write(line + "\n")
        else:
            assert line.fault is not None
            site = line.fault
            place = {"file": site.file, "line": site.line, "cycle": line.number}
            print(json.dumps({"fault": {"kind": site.kind.label, **place}}))
            raise typer.Exit(3)


def _print_table(simulation: "Simulation", watched: tuple[Symbol, ...]) -> None:
    print(_row(["cycle", "time", *(item.path for item in watched)]))
    for cycle in simulation.run():
        site = cycle.fault
        if site is not None:
            print(f"fault in cycle {cycle.number}: {site.kind.label} {site}")
            raise typer.Exit(3)
        values = (json.dumps(value) for value in cycle.values.values())
        print(_row([str(cycle.number), f"{cycle.time_ns / 1e9:.3f} s", *values]))


def _row(cells: Iterable[str]) -> str:
    return "  ".join(f"{cell:>12}" for cell in cells)
