"""The benchmark's C says what its ST says, and its generator writes programs that run."""

import runpy
from pathlib import Path

import pytest

from tests.support.programs import run

BENCH = Path(__file__).parents[3] / "bench"
CONVERTER = runpy.run_path(str(BENCH / "c" / "from_st.py"))
GENERATOR = runpy.run_path(str(BENCH / "programs" / "generate.py"))


@pytest.mark.parametrize("name", CONVERTER["REPEATED"])
def test_the_rungs_in_c_are_those_of_the_st(name: str) -> None:
    assert CONVERTER["written"](name) == (BENCH / "c" / f"{name}.c").read_text(encoding="utf-8")


def test_a_generated_program_has_its_size_and_runs_alike_in_both_engines() -> None:
    text = GENERATOR["program_of"](300)
    assert 270 <= text.count("\n") <= 330
    assert run(text, cycles=20).last["INST0.TURN"] == 20
