"""Where a fault happened: the routine of a site, and the calls that lead there from a task."""

import pytest

from runtime.artifact import program as artifact
from runtime.artifact.abi import FaultKind
from runtime.artifact.chains import CHAINS_MAX, CallChains, call_chains
from runtime.artifact.program import CompiledProgram, Site
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


def site(program: CompiledProgram, routine: str) -> Site:
    return next(item for item in program.sites if item.routine == routine)


def test_the_only_way_to_a_fault_is_its_chain_with_the_line_of_each_call(
    program: CompiledProgram,
) -> None:
    found = call_chains(program, 0, site(program, "FB_Mixer.Stir"))
    (chain,) = found.chains
    assert [(link.routine, link.lines) for link in chain] == [
        ("Line", (13,)), ("FB_Mixer.Stir", (8,)),
    ]  # fmt: skip
    assert str(found) == "Line line 13 -> FB_Mixer.Stir line 8"


def test_where_there_are_several_ways_all_are_named(program: CompiledProgram) -> None:
    text = str(call_chains(program, 0, site(program, "Scaled")))
    first, second = "Line line 13 -> FB_Mixer.Stir line 8", "Line line 14"
    assert text == f"one of {first} -> Scaled line 3; {second} -> Scaled line 3"


def test_a_program_itself_is_its_own_chain(program: CompiledProgram) -> None:
    at = Site(FaultKind.WATCHDOG, "plant.st", 14, "Line")
    assert str(call_chains(program, 0, at)) == "Line line 14"


def test_calls_at_several_lines_are_told_as_alternatives() -> None:
    source = (
        "FUNCTION F : INT VAR_INPUT D : INT; END_VAR\nF := 1 / D;\nEND_FUNCTION\n"
        "PROGRAM P\nVAR X, Y : INT; END_VAR\n"
        "X := F(D := 1);\n"
        "IF X > 1 THEN X := 0;\nELSIF F(D := 2) +\nF(D := X) > 3 THEN Y := 1;\nEND_IF;\n{more}"
        "END_PROGRAM"
    )
    few = compiled(source.format(more=""))
    assert str(call_chains(few, 0, site(few, "F"))) == "P line 6, 8 or 9 -> F line 2"
    many = compiled(source.format(more="X := F(D := 1);\n" * 3))
    text = str(call_chains(many, 0, site(many, "F")))
    assert text == "P line 6, 8, 9, 11 or others -> F line 2"


def test_blocks_and_methods_inside_of_others_have_their_lines_too() -> None:
    program = compiled(
        "FUNCTION_BLOCK B\nVAR D, X : INT; END_VAR\nX := 1 / D;\nEND_FUNCTION_BLOCK\n"
        "FUNCTION_BLOCK C\nVAR Inner : B; END_VAR\n"
        "METHOD PUBLIC M\nInner();\nEND_METHOD\nTHIS.M();\nEND_FUNCTION_BLOCK\n"
        "PROGRAM P\nVAR A : C; END_VAR\nA();\nEND_PROGRAM"
    )
    text = str(call_chains(program, 0, site(program, "B")))
    assert text == "P line 14 -> C line 10 -> C.M line 8 -> B line 3"


def test_more_ways_than_are_shown_are_hinted_at() -> None:
    calls = "".join(f"FUNCTION F{n} : INT F{n} := G(); END_FUNCTION\n" for n in range(9))
    sums = " + ".join(f"F{n}()" for n in range(9))
    many = compiled(
        "FUNCTION G : INT VAR D : INT; END_VAR G := 1 / D; END_FUNCTION\n"
        f"{calls}PROGRAM P VAR X : INT; END_VAR X := {sums}; END_PROGRAM"
    )
    found = call_chains(many, 0, site(many, "G"))
    assert len(found.chains) == CHAINS_MAX
    assert found.are_more
    assert str(found).endswith("; …")


def test_what_leads_to_a_fault_is_in_the_file_of_a_program(program: CompiledProgram) -> None:
    again = artifact.parse(artifact.dump(program))
    assert again.sites == program.sites
    assert again.calls == program.calls
    at = site(program, "Scaled")
    assert call_chains(again, 0, at) == call_chains(program, 0, at)


def test_no_chain_is_no_text(program: CompiledProgram) -> None:
    nowhere = Site(FaultKind.INDEX, "plant.st", 1, "Nothing")
    assert str(call_chains(program, 0, nowhere)) == str(CallChains()) == ""


def test_an_instance_of_another_name_is_told_with_its_program() -> None:
    text = (
        "PROGRAM Line VAR D, X : INT; END_VAR X := 1 / D; END_PROGRAM\n"
        "CONFIGURATION C RESOURCE R ON PLC TASK T(INTERVAL := T#1ms, PRIORITY := 1);\n"
        "PROGRAM Line1 WITH T : Line; PROGRAM Line2 WITH T : Line; END_RESOURCE END_CONFIGURATION"
    )
    program = compiled(text)
    chains = call_chains(program, 0, site(program, "Line")).chains
    assert [chain[0].routine.upper() for chain in chains] == ["LINE1 (LINE)", "LINE2 (LINE)"]
