"""Run ST text through both engines, cycle by cycle, and hold them to the same bytes."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from unittest.mock import patch

from runtime.app import simulate
from runtime.app.simulate import Cycle, Setting, Simulation, Stepper, find_symbol
from runtime.artifact.program import Site, Symbol, TaskInfo
from runtime.build import (
    Checked,
    check_sources,
    compile_sources,
    sites_of,
    symbols_of,
    tasks_of,
)
from runtime.datatypes.elementary import Elementary
from runtime.datatypes.values import Json, parse_json
from runtime.diagnostics.diagnostic import Diagnostic, Severity
from runtime.prebuilt import Compilation
from runtime.source import Source

MS: Final = 1_000_000
BUDGET: Final = 20_000
"""Loop iterations a scan may take in these tests: an endless loop ends quickly, interpreted too."""

_KEPT: Final = 4
"""Programs that are kept compiled: a test may run one with many inputs."""

Inputs = Mapping[int, Mapping[str, object]]
"""Cycle -> variable -> value as JSON holds it."""


@dataclass(frozen=True, slots=True)
class Run:
    """What both engines did alike."""

    cycles: tuple[Cycle, ...]

    @property
    def last(self) -> dict[str, Json]:
        """The values after the last cycle."""
        return self.cycles[-1].values

    def series(self, path: str) -> list[Json]:
        """Return one variable's value after each cycle."""
        return [cycle.values[path] for cycle in self.cycles if cycle.fault is None]

    @property
    def fault(self) -> Site:
        """The fault that ended the run."""
        site = self.cycles[-1].fault
        assert site is not None, f"expected a fault, ended with {self.last}"
        return site


class ProgramRejectedError(AssertionError):
    """A test's program does not compile."""


def program(declarations: str, body: str) -> str:
    """Return a PROGRAM MAIN of some declarations (for one VAR section) and statements."""
    return f"PROGRAM MAIN\nVAR\n{declarations}\nEND_VAR\n{body}\nEND_PROGRAM\n"


def sources_of(*texts: str) -> tuple[Source, ...]:
    """Return texts as sources named `case.st`, `case2.st`, and so on."""
    return tuple(
        Source("case.st" if number == 1 else f"case{number}.st", text)
        for number, text in enumerate(texts, 1)
    )


def findings_of(*texts: str) -> tuple[Diagnostic, ...]:
    """Return what the compiler says of some sources."""
    return check_sources(sources_of(*texts)).findings


def codes_of(*texts: str) -> list[str]:
    """Return the codes of a program's errors, in source order."""
    return [item.code for item in findings_of(*texts) if item.severity is Severity.ERROR]


def run(
    *texts: str,
    cycles: int = 1,
    period_ns: int = 100 * MS,
    inputs: Inputs | None = None,
    watch: Sequence[str] = (),
) -> Run:
    """Run sources in both engines and return the cycles, after checking that all bytes agree.

    Args:
        texts: The sources.
        cycles: Scans to run.
        period_ns: Virtual time between scans.
        inputs: What to set before which cycle.
        watch: Variables to read; all of them without it.
    """
    engines = [_compiled(texts), _interpreted(texts)]
    runs = []
    with patch.object(simulate, "LOOP_BUDGET", BUDGET):
        for engine in engines:
            settings = tuple(_settings(inputs or {}, engine.symbols))
            watched = tuple(find_symbol(engine.symbols, name) for name in watch)
            simulation = Simulation(
                engine.stepper, engine.tasks, engine.sites, watched or engine.symbols, settings,
                cycles, period_ns,
            )  # fmt: skip
            runs.append(simulation.run())
        done: list[Cycle] = []
        for compiled, interpreted in zip(*runs, strict=True):
            _assert_alike(compiled, interpreted, engines)
            done.append(compiled)
    return Run(tuple(done))


def evaluate(declarations: str, body: str, **sought: object) -> dict[str, Json]:
    """Run one scan of a program; assert what `sought` says of its variables, return them all."""
    values = run(program(declarations, body)).last
    for name, expected in sought.items():
        assert same_json(values[f"MAIN.{name.upper()}"], expected), (
            f"{name} is {values[f'MAIN.{name.upper()}']!r}, expected {expected!r}"
        )
    return values


def same_json(left: object, right: object) -> bool:
    """Whether two values print alike; 1, 1.0 and true are three values."""
    return json.dumps(left) == json.dumps(right)


@dataclass(frozen=True, slots=True)
class _Engine:
    stepper: Stepper
    symbols: tuple[Symbol, ...]
    sites: tuple[Site, ...]
    tasks: tuple[TaskInfo, ...]


@functools.lru_cache(maxsize=_KEPT)
def _compilation(texts: tuple[str, ...]) -> Compilation:
    return compile_sources(sources_of(*texts), "case")


@functools.lru_cache(maxsize=_KEPT)
def _checked(texts: tuple[str, ...]) -> Checked:
    return check_sources(sources_of(*texts))


def _compiled(texts: tuple[str, ...]) -> _Engine:
    compilation = _compilation(texts)
    done = compilation.program
    if done is None:
        raise _rejected(compilation.findings, texts)
    return _Engine(simulate.CompiledStepper(done), done.symbols, done.sites, done.tasks)


def _interpreted(texts: tuple[str, ...]) -> _Engine:
    sources = sources_of(*texts)
    checked = _checked(texts)
    if checked.model is None:
        raise _rejected(checked.findings, texts)
    model = checked.model
    sites = sites_of(model, sources)
    return _Engine(simulate.interpreted(model), symbols_of(model), sites, tasks_of(model))


def _rejected(findings: Sequence[Diagnostic], texts: Sequence[str]) -> ProgramRejectedError:
    listed = "\n".join(f"{item.code} at {item.span}: {item.message}" for item in findings)
    return ProgramRejectedError(f"{listed}\n" + "\n".join(texts))


def _settings(inputs: Inputs, symbols: tuple[Symbol, ...]) -> Iterator[Setting]:
    for cycle, values in inputs.items():
        for path, value in values.items():
            symbol = find_symbol(symbols, path)
            assert isinstance(symbol.type, Elementary)
            parsed = parse_json(value, symbol.type)
            assert parsed is not None, f"{path} cannot be {value!r}"
            yield Setting(cycle, symbol, parsed)


def _assert_alike(compiled: Cycle, interpreted: Cycle, engines: Sequence[_Engine]) -> None:
    where = f"in cycle {compiled.number}"
    assert compiled.fault == interpreted.fault, f"faults differ {where}"
    printed = [json.dumps(cycle.values) for cycle in (compiled, interpreted)]
    assert printed[0] == printed[1], f"values differ {where}"
    states = [bytes(engine.stepper.state) for engine in engines]
    if states[0] != states[1]:
        at = next(n for n, pair in enumerate(zip(*states, strict=True)) if pair[0] != pair[1])
        raise AssertionError(f"states differ {where} at byte {at}")
