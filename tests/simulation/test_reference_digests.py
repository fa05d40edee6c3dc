"""The benchmark programs give the digests that four other compilers agree on, in both engines."""

import json
from pathlib import Path
from typing import Final

import pytest

from runtime.app.simulate import CompiledStepper, Simulation, find_symbol, interpreted
from runtime.build import check_sources, compile_sources, sites_of, symbols_of, tasks_of
from runtime.source import Source, read_source

ROOT: Final = Path(__file__).parents[2]
PROGRAMS: Final = ROOT / "bench" / "programs"
COUNTERS: Final = ROOT / "iec_programs" / "library" / "openplc" / "counters.st"
PERIOD_NS: Final = 10_000_000
DIGESTS: Final[dict[str, dict[int, int]]] = {
    name: {int(scans): int(digest, 16) for scans, digest in entry["chk"].items()}
    for name, entry in json.loads((PROGRAMS / "expected_digests.json").read_text()).items()
}
"""Program -> number of scans -> digest."""
SLOW: Final = {"d_intarray": 10, "g_matmul": 2, "h_plant": 100, "c_pid": 100, "b_timers": 5000}
"""Scans that the interpreter runs, where it is not 1000."""


def sources_of(name: str) -> tuple[Source, ...]:
    """Return a program's sources: b_timers counts as OpenPLC does."""
    files = [PROGRAMS / f"{name}.st", *([COUNTERS] if name == "b_timers" else [])]
    return tuple(read_source(file) for file in files)


def compiled_simulation(sources: tuple[Source, ...], scans: int) -> Simulation:
    done = compile_sources(sources, "bench").program
    assert done is not None
    digest = find_symbol(done.symbols, "INST0.CHK")
    return Simulation(
        CompiledStepper(done), done.tasks, done.sites, (digest,), (), scans, PERIOD_NS
    )


def interpreted_simulation(sources: tuple[Source, ...], scans: int) -> Simulation:
    model = check_sources(sources).model
    assert model is not None
    digest = find_symbol(symbols_of(model), "INST0.CHK")
    sites = sites_of(model, sources)
    return Simulation(interpreted(model), tasks_of(model), sites, (digest,), (), scans, PERIOD_NS)


def digests(simulation: Simulation, wanted: dict[int, int]) -> dict[int, object]:
    return {
        cycle.number: cycle.values["INST0.CHK"]
        for cycle in simulation.run()
        if cycle.number in wanted
    }


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_compiled_a_program_gives_the_reference_digests(name: str) -> None:
    wanted = DIGESTS[name]
    assert digests(compiled_simulation(sources_of(name), max(wanted)), wanted) == wanted


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_interpreted_a_program_gives_the_reference_digests(name: str) -> None:
    last = SLOW.get(name, 1000)
    wanted = {scans: digest for scans, digest in DIGESTS[name].items() if scans <= last}
    assert last in wanted
    assert digests(interpreted_simulation(sources_of(name), last), wanted) == wanted


def test_the_standard_counters_count_on_where_those_of_openplc_stop() -> None:
    standard = compiled_simulation((read_source(PROGRAMS / "b_timers.st"),), 5000)
    found = digests(standard, DIGESTS["b_timers"])
    assert found[10] == DIGESTS["b_timers"][10]
    assert found[5000] != DIGESTS["b_timers"][5000]
