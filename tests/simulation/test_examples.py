"""The examples compile without findings and do what their headers say."""

from itertools import pairwise
from pathlib import Path

import pytest

from runtime.app.simulate import CompiledStepper, Setting, Simulation
from runtime.artifact.program import CompiledProgram
from runtime.build import compile_sources
from runtime.datatypes.values import Json
from runtime.source import read_source

EXAMPLES = Path(__file__).parents[2] / "iec_programs" / "examples"
PERIOD_NS = 100_000_000


def compiled(file: Path) -> CompiledProgram:
    compilation = compile_sources((read_source(file),), file.stem)
    assert not compilation.findings
    assert compilation.program is not None
    return compilation.program


def simulate(name: str, cycles: int, sets: dict[int, dict[str, bool]]) -> list[dict[str, Json]]:
    """Return the values of each cycle; `sets` names variables to write before a cycle."""
    program = compiled(EXAMPLES / f"{name}.st")
    by_name = {symbol.path.partition(".")[2]: symbol for symbol in program.symbols}
    settings = tuple(
        Setting(cycle, by_name[path], value)
        for cycle, values in sets.items()
        for path, value in values.items()
    )
    simulation = Simulation(
        CompiledStepper(program),
        program.tasks,
        program.sites,
        program.symbols,
        settings,
        cycles,
        PERIOD_NS,
    )
    return [
        {path.partition(".")[2]: value for path, value in cycle.values.items()}
        for cycle in simulation.run()
    ]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.st")), ids=lambda file: file.stem)
def test_an_example_compiles_without_findings(file: Path) -> None:
    compiled(file)


def test_the_traffic_light_goes_through_its_states_in_order() -> None:
    states = [values["STATE"] for values in simulate("traffic_light", 500, {})]
    order = [states[0]] + [b for a, b in pairwise(states) if a != b]
    assert order[:6] == [0, 1, 2, 3, 0, 1]


def test_never_are_red_and_green_lit_together() -> None:
    assert not any(v["RED"] and v["GREEN"] for v in simulate("traffic_light", 500, {}))


def test_a_bottle_stops_the_belt_while_it_is_filled() -> None:
    run = simulate("bottle_filler", 40, {1: {"START": True}, 5: {"BOTTLESEEN": True}})
    assert run[3]["BELT"]
    assert run[4]["NOZZLE"]
    assert not run[4]["BELT"]
    assert run[30]["BELT"]
    assert not run[30]["NOZZLE"]
    assert run[30]["BOTTLES"] == 1


def test_the_sixth_bottle_stops_the_belt_until_a_new_crate_is_there() -> None:
    sets = {1: {"START": True}}
    for bottle in range(6):
        sets[10 + 30 * bottle] = {"BOTTLESEEN": True}
        sets[32 + 30 * bottle] = {"BOTTLESEEN": False}
    sets[230] = {"NEWCRATE": True}
    run = simulate("bottle_filler", 240, sets)
    assert run[225]["CRATEFULL"]
    assert not run[225]["BELT"]
    assert run[235]["BELT"]
