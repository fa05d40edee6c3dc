"""Where a fault happened: the routine of a site, and the calls that lead there from a task."""

import pytest

from runtime.artifact import program as artifact
from runtime.artifact.chains import CHAINS_MAX, CallChains, call_chains
from runtime.artifact.program import CompiledProgram
from runtime.build import compile_sources
from tests.support.programs import sources_of

SOURCE = """
FUNCTION Scaled : INT VAR_INPUT Parts : INT; END_VAR
Scaled := 100 / Parts;
END_FUNCTION
FUNCTION_BLOCK FB_Mixer
VAR A : ARRAY [1..3] OF INT; END_VAR
METHOD PUBLIC Stir VAR_INPUT I : INT; END_VAR
A[I] := Scaled(Parts := I);
END_METHOD
END_FUNCTION_BLOCK
PROGRAM Line
VAR Mixer : FB_Mixer; N : INT := 1; END_VAR
Mixer.Stir(I := N);
N := Scaled(Parts := N);
END_PROGRAM
"""


def compiled(text: str) -> CompiledProgram:
    program = compile_sources(sources_of(text), "chains").program
    assert program is not None
    return program


@pytest.fixture(scope="module")
def program() -> CompiledProgram:
    return compiled(SOURCE)


def test_a_site_knows_its_routine_as_it_is_declared(program: CompiledProgram) -> None:
    places = {(site.kind.label, site.routine, site.line) for site in program.sites}
    assert ("index-out-of-range", "FB_Mixer.Stir", 8) in places
    assert ("division-by-zero", "Scaled", 3) in places


def test_the_only_way_to_a_routine_is_its_chain(program: CompiledProgram) -> None:
    found = call_chains(program, 0, "FB_Mixer.Stir")
    assert found.chains == (("Line", "FB_Mixer.Stir"),)
    assert str(found) == "Line > FB_Mixer.Stir"


def test_where_there_are_several_ways_all_are_named(program: CompiledProgram) -> None:
    text = str(call_chains(program, 0, "Scaled"))
    assert text == "one of Line > FB_Mixer.Stir > Scaled; Line > Scaled"


def test_a_program_itself_is_its_own_chain(program: CompiledProgram) -> None:
    assert str(call_chains(program, 0, "Line")) == "Line"


def test_more_ways_than_are_shown_are_hinted_at() -> None:
    calls = "".join(f"FUNCTION F{n} : INT F{n} := G(); END_FUNCTION\n" for n in range(9))
    sums = " + ".join(f"F{n}()" for n in range(9))
    many = compiled(
        "FUNCTION G : INT VAR D : INT; END_VAR G := 1 / D; END_FUNCTION\n"
        f"{calls}PROGRAM P VAR X : INT; END_VAR X := {sums}; END_PROGRAM"
    )
    found = call_chains(many, 0, "G")
    assert len(found.chains) == CHAINS_MAX
    assert found.are_more
    assert str(found).endswith("; …")


def test_what_leads_to_a_fault_is_in_the_file_of_a_program(program: CompiledProgram) -> None:
    again = artifact.parse(artifact.dump(program))
    assert again.sites == program.sites
    assert again.calls == program.calls
    assert call_chains(again, 0, "Scaled") == call_chains(program, 0, "Scaled")


def test_no_chain_is_no_text(program: CompiledProgram) -> None:
    assert str(call_chains(program, 0, "Nothing")) == str(CallChains()) == ""


def test_an_instance_of_another_name_is_told_with_its_program() -> None:
    text = (
        "PROGRAM Line VAR D, X : INT; END_VAR X := 1 / D; END_PROGRAM\n"
        "CONFIGURATION C RESOURCE R ON PLC TASK T(INTERVAL := T#1ms, PRIORITY := 1);\n"
        "PROGRAM Line1 WITH T : Line; PROGRAM Line2 WITH T : Line; END_RESOURCE END_CONFIGURATION"
    )
    chains = call_chains(compiled(text), 0, "Line").chains
    assert [chain[0].upper() for chain in chains] == ["LINE1 (LINE)", "LINE2 (LINE)"]
