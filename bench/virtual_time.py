"""How much faster than the plant's clock does the demo's program run in virtual time?

Peer: real time itself, one second a second; beside it the interpreter, in turns. Goal: at least
1,000 times real time, for the scan engine, which publishes outputs and frame and keeps its journal
in every scan, and for `takt sim`, which writes a line of one variable a scan. Lines of all 139
values are shown too.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from report import Goal, Report, Row, parse_options

from runtime.app.directory import directory_of
from runtime.app.simulate import CompiledStepper, Simulation, Stepper, find_symbol, interpreted
from runtime.build import build_project, check_sources, sites_of, symbols_of, tasks_of
from runtime.engine.scan import ScanEngine
from runtime.image.segment import create_image
from runtime.prebuilt import plans_of
from runtime.project.load import Project, load_project
from runtime.source import read_source

INTERVAL_NS: Final = 10_000_000
WATCHED: Final = "MAIN.UPPERLEVEL"
GOAL: Final = 1000.0
DEMO: Final = Path(__file__).parents[1] / "iec_programs" / "plants" / "two_tanks"


def main() -> None:
    """Measure in turns and report."""
    question = "How much faster than real time is virtual time? (times real time, demo program)"
    report = Report(question, parse_options(question))
    rounds, scans = (3, 20_000) if report.options.quick else (9, 100_000)
    project = load_project(DEMO)
    program = build_project(project).program
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        image = create_image(
            Path(folder) / "bench.image", directory_of(project, program), program.layout_hash, 1
        )
        engine = ScanEngine(program, project, image)
        by_engine = _engine_runner(engine)
        stepper = CompiledStepper(program)
        by_simulation = _simulation_runner(stepper, project, (WATCHED,))
        showing_all = _simulation_runner(stepper, project)
        by_interpreter = _simulation_runner(_interpreter(project), project, (WATCHED,))
        by_engine(1000)
        taken: dict[str, list[float]] = {
            "engine": [], "sim": [], "all": [], "interpreter": []
        }  # fmt: skip
        for _ in range(rounds):
            with report.window():
                taken["engine"].append(_factor(by_engine, scans))
            with report.window():
                taken["sim"].append(_factor(by_simulation, scans // 4))
            with report.window():
                taken["all"].append(_factor(showing_all, scans // 20))
            with report.window():
                taken["interpreter"].append(_factor(by_interpreter, scans // 100))
        image.close()
    _rows(report, taken)
    report.finish()


def _rows(report: Report, taken: dict[str, list[float]]) -> None:
    goal = Goal(value_at_least=GOAL)
    interpreter = taken["interpreter"]
    rows = (
        ("engine", "scan engine", goal),
        ("sim", "takt sim, one variable", goal),
        ("all", "takt sim, all variables", None),
    )
    for key, name, wanted in rows:
        report.rows.append(Row(name, "x", taken[key], "interpreter", interpreter, goal=wanted))
    report.notes.append(f"interpreter: {statistics.median(interpreter):.0f} times real time")


def _factor(run: Callable[[int], None], scans: int) -> float:
    begun = time.perf_counter()
    run(scans)
    return scans * INTERVAL_NS / 1e9 / (time.perf_counter() - begun)


def _engine_runner(engine: ScanEngine) -> Callable[[int], None]:
    done = [0]

    def run(scans: int) -> None:
        engine.step(scans, done[0] * INTERVAL_NS)
        done[0] += scans

    return run


def _interpreter(project: Project) -> Stepper:
    model = check_sources(
        tuple(read_source(path) for path in project.sources),
        plans_of(project),
        tuple(entry.address for entry in project.config.io),
    ).model
    assert model is not None
    return interpreted(model)


def _simulation_runner(
    stepper: Stepper, project: Project, shown: tuple[str, ...] = ()
) -> Callable[[int], None]:
    """Return what runs scans and writes their lines to nowhere; of all variables without names."""
    sources = tuple(read_source(path) for path in project.sources)
    channels = tuple(entry.address for entry in project.config.io)
    model = check_sources(sources, plans_of(project), channels).model
    assert model is not None
    symbols = symbols_of(model)
    watched = tuple(find_symbol(symbols, name) for name in shown) or symbols
    tasks, sites = tasks_of(model), sites_of(model, sources)

    def run(scans: int) -> None:
        simulation = Simulation(stepper, tasks, sites, watched, (), scans, INTERVAL_NS)
        with Path(os.devnull).open("w", encoding="utf-8") as sink:
            sink.writelines(f"{line}\n" for line in simulation.lines())

    return run


if __name__ == "__main__":
    main()
