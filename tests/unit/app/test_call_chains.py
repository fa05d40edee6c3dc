"""Where a fault happened: the routine of its site, and the calls that led there, as they did."""

import random
import struct
from dataclasses import dataclass, field

import pytest

from runtime.app.simulate import CompiledStepper, Stepper, interpreted
from runtime.artifact import abi
from runtime.artifact import program as artifact
from runtime.artifact.chains import NO_CHAIN, CallMap, Chain
from runtime.artifact.program import CompiledProgram, Site
from runtime.build import calls_of, check_sources, compile_sources, sites_of, symbols_of
from runtime.interpret.interpreter import Interpreter
from runtime.limits import FUNCTION_STATEMENTS_MAX, LOOP_BUDGET
from tests.support.programs import sources_of

SEED = 20_417
ROUTINES = 9
PROGRAMS = 4

BLOCKS = """
FUNCTION Scaled : INT VAR_INPUT Parts : INT; END_VAR
Scaled := 100 / Parts;
END_FUNCTION
FUNCTION_BLOCK FB_Mixer
VAR_INPUT Portions : INT := 3; END_VAR
METHOD PUBLIC Stir VAR_INPUT I : INT; END_VAR
Portions := Scaled(Parts := I) + Scaled(Parts := Portions);
END_METHOD
END_FUNCTION_BLOCK
FUNCTION_BLOCK FB_Cell
VAR Full, Idle : FB_Mixer; END_VAR
VAR_INPUT Divisor, Other : INT := 1; END_VAR
IF Divisor <> 1 THEN Idle.Stir(I := Divisor); END_IF
THIS.Work(Divisor := Other);
METHOD PUBLIC Work VAR_INPUT Divisor : INT; END_VAR
Full.Portions := Divisor;
Full.Stir(I := 1);
END_METHOD
END_FUNCTION_BLOCK
"""
FIRST = 2 + BLOCKS.count("\n")
"""The first line of the programs' bodies: one line of variables stands before it."""


def faulted(declarations: str, body: str, *, head: str = BLOCKS) -> Chain:
    """Run a program once in both engines; return the way to its fault, which is the same."""
    text = f"{head}PROGRAM Line VAR {declarations} END_VAR\n{body}\nEND_PROGRAM\n"
    return ways_of(text)


def ways_of(*texts: str) -> Chain:
    sources = sources_of(*texts)
    checked = check_sources(sources)
    assert checked.model is not None, [item.message for item in checked.findings]
    program = compiled(*texts)
    call_map = CallMap(
        calls_of(checked.model, sources), symbols_of(checked.model), checked.model.units
    )
    assert call_map == CallMap.of(program)
    found = [
        way_of(stepper, call_map, sites_of(checked.model, sources))
        for stepper in (CompiledStepper(program), interpreted(checked.model))
    ]
    assert found[0] == found[1]
    return found[0]


def way_of(stepper: Stepper, call_map: CallMap, sites: tuple[Site, ...]) -> Chain:
    struct.pack_into("<qQq", stepper.state, abi.NOW_NS, 0, 1, LOOP_BUDGET)
    assert stepper.run_task(0) == 1
    site = struct.unpack_from("<I", stepper.state, abi.FAULT_SITE)[0]
    return call_map.chain(sites[site], stepper.state)


def compiled(*texts: str) -> CompiledProgram:
    program = compile_sources(sources_of(*texts), "chains").program
    assert program is not None
    return program


def test_a_site_knows_its_routine_as_it_is_declared() -> None:
    program = compiled(f"{BLOCKS}PROGRAM P VAR C : FB_Cell; END_VAR C(); END_PROGRAM")
    assert {(site.kind.label, site.routine, site.line) for site in program.sites} == {
        ("division-by-zero", "Scaled", 3)
    }


def test_a_chain_is_the_way_that_was_gone_with_the_line_of_each_call() -> None:
    direct = faulted("C : FB_Cell; N : INT;", "N := Scaled(Parts := N);\nC();")
    assert str(direct) == f"Line line {FIRST} -> Scaled line 3"
    through = faulted("C : FB_Cell; N : INT := 1;", "N := Scaled(Parts := N);\nC(Other := 0);")
    assert str(through) == (
        f"Line line {FIRST + 1} -> C (FB_Cell) line 15 -> FB_Cell.Work line 18"
        " -> Full.Stir (FB_Mixer.Stir) line 8:34 -> Scaled line 3"
    )


def test_of_several_calls_in_a_line_the_column_tells_the_one() -> None:
    chain = faulted("M : FB_Mixer;", "M.Stir(I := 0);")
    assert str(chain).endswith("M.Stir (FB_Mixer.Stir) line 8:13 -> Scaled line 3")
    again = faulted("M : FB_Mixer := (Portions := 0);", "M.Stir(I := 1);")
    assert str(again).endswith("M.Stir (FB_Mixer.Stir) line 8:34 -> Scaled line 3")


def test_a_program_itself_is_its_own_chain() -> None:
    chain = faulted("N : INT;", "N := 1 / N;")
    assert str(chain) == f"Line line {FIRST}"
    assert chain.instance == "LINE"


def test_a_body_that_is_compiled_in_pieces_is_one_routine() -> None:
    many = 2 * FUNCTION_STATEMENTS_MAX
    chain = faulted("M : FB_Mixer; N : INT;", "N := N + 1;\n" * many + "M.Stir(I := 0);")
    assert str(chain).startswith(f"Line line {FIRST + many} -> M.Stir (FB_Mixer.Stir) line 8:13")
    assert chain.instance == "LINE.M"


def test_a_chain_over_several_files_names_each() -> None:
    program = "PROGRAM Line VAR N : INT; END_VAR\nN := Scaled(Parts := N);\nEND_PROGRAM"
    assert str(ways_of(BLOCKS, program)) == "Line case2.st:2 -> Scaled case.st:3"


def test_the_instance_of_a_block_is_named_with_its_indices() -> None:
    body = "FOR I := 1 TO 3 DO\nCells[I, 2](Divisor := 3 - I);\nEND_FOR"
    chain = faulted("Cells : ARRAY [1..4, 1..2] OF FB_Cell; I : INT;", body)
    assert [link.instance for link in chain.links] == [
        "LINE", "LINE.CELLS[3,2]", "LINE.CELLS[3,2].IDLE", "",
    ]  # fmt: skip
    assert chain.instance == "LINE.CELLS[3,2].IDLE"
    assert "-> Cells[3,2] (FB_Cell) line 14 -> Idle.Stir (FB_Mixer.Stir)" in str(chain)


def test_the_instance_behind_a_reference_is_the_one_it_referred_to() -> None:
    chain = faulted(
        "Cells : ARRAY [1..2] OF FB_Cell; R : REFERENCE TO FB_Cell;",
        "R REF= Cells[2];\nR(Divisor := 0);",
    )
    assert [link.instance for link in chain.links] == ["LINE", "", "LINE.CELLS[2].IDLE", ""]
    assert f"Line line {FIRST + 1} -> R (FB_Cell) line 14" in str(chain)


SHAPES = """
CLASS ABSTRACT Shape
VAR D : INT; END_VAR
METHOD PUBLIC ABSTRACT Area : INT END_METHOD
METHOD PUBLIC Half : INT
Half := THIS.Area() / 2;
END_METHOD
PROPERTY PUBLIC Share : INT
GET
Share := 10 / D;
END_GET
END_PROPERTY
END_CLASS
CLASS Square EXTENDS Shape
METHOD PUBLIC OVERRIDE Area : INT
Area := 1 / D;
END_METHOD
END_CLASS
CLASS Round EXTENDS Shape
METHOD PUBLIC OVERRIDE Area : INT
Area := 3 / D;
END_METHOD
END_CLASS
"""


@pytest.mark.parametrize(("shape", "line"), [("Square", 16), ("Round", 21)])
def test_a_call_by_the_class_of_an_instance_names_the_method_that_ran(
    shape: str, line: int
) -> None:
    chain = faulted(f"X : INT; A : {shape};", "X := A.Half();", head=SHAPES)
    links = [(link.routine, link.line) for link in chain.links[1:]]
    assert links == [("Shape.Half", 6), (f"{shape}.Area", line)]
    assert chain.instance == "LINE.A"


def test_a_property_is_a_routine_of_its_own() -> None:
    chain = faulted("X : INT; S : Square;", "X := 2 *\nS.Share;", head=SHAPES)
    first = 1 + SHAPES.count("\n") + 2
    assert str(chain) == f"Line line {first} -> S.Share (Shape.Share.GET) line 10"
    assert chain.instance == "LINE.S"


def test_actions_of_charts_have_their_place_in_the_chain() -> None:
    text = (
        "PROGRAM Line VAR D, X : INT; END_VAR\n"
        "INITIAL_STEP Begin: Work(N); END_STEP\n"
        "ACTION Work:\nX := 1 / D;\nEND_ACTION\nEND_PROGRAM"
    )
    chain = ways_of(text)
    assert str(chain) == "Line line 2 -> Line.Work line 4"
    assert chain.instance == "LINE"


LIMITED = """
TYPE Level : UINT (2..10); END_TYPE
FUNCTION Third : INT VAR_INPUT Place : LINT; END_VAR
VAR A : ARRAY [-1..3] OF INT; END_VAR
Third := A[Place];
END_FUNCTION
FUNCTION Open : INT VAR_IN_OUT A : ARRAY [*] OF INT; END_VAR VAR_INPUT Place : LINT; END_VAR
Open := A[Place];
END_FUNCTION
"""


@pytest.mark.parametrize(
    ("declarations", "body", "cause"),
    [
        ("X : INT;", "X := Third(4);", "index 4 is outside -1..3"),
        ("X : INT; N : LINT := -2;", "X := Third(N);", "index -2 is outside -1..3"),
        ("X : INT; A : ARRAY [1..2] OF INT;", "X := Open(A := A, Place := 9);", "index 9"),
        ("L : Level; U : UINT := 65000;", "L := U;", "value 65000 is outside 2..10"),
        ("X, N : INT;", "X := 7 / N;", ""),
    ],
)
def test_the_value_that_was_not_allowed_is_told_with_what_is(
    declarations: str, body: str, cause: str
) -> None:
    assert faulted(declarations, body, head=LIMITED).cause == cause


def test_an_instance_of_another_name_is_told_with_its_program() -> None:
    text = (
        "PROGRAM Line VAR_INPUT Good : BOOL; END_VAR VAR D, X : INT; END_VAR\n"
        "IF NOT Good THEN X := 1 / D; END_IF END_PROGRAM\n"
        "CONFIGURATION C RESOURCE R ON PLC TASK T(INTERVAL := T#1ms, PRIORITY := 1);\n"
        "PROGRAM Line1 WITH T : Line(Good := TRUE); PROGRAM Line2 WITH T : Line;\n"
        "END_RESOURCE END_CONFIGURATION"
    )
    assert str(ways_of(text)).upper() == "LINE2 (LINE) LINE 2"


def test_what_leads_to_a_fault_is_in_the_file_of_a_program() -> None:
    program = compiled(f"{BLOCKS}PROGRAM P VAR C : FB_Cell; END_VAR C(); END_PROGRAM")
    again = artifact.parse(artifact.dump(program))
    assert again.sites == program.sites
    assert again.calls == program.calls != {}


def test_a_fault_that_no_call_leads_to_has_no_chain() -> None:
    program = compiled(f"{BLOCKS}PROGRAM P VAR C : FB_Cell; END_VAR C(); END_PROGRAM")
    nowhere = Site(abi.FaultKind.INDEX, "plant.st", 1, "Nothing")
    chain = CallMap.of(program).chain(nowhere, program.initial_state)
    assert chain.links == ()
    assert str(chain) == chain.instance == ""


def test_more_ways_than_a_number_holds_are_not_told_apart() -> None:
    functions = ["FUNCTION F0 : INT VAR_INPUT D : INT; END_VAR F0 := 1 / D; END_FUNCTION"]
    functions += [
        f"FUNCTION F{n} : INT VAR_INPUT D : INT; END_VAR\n"
        f"F{n} := F{n - 1}(D);\nIF D > 0 THEN F{n} := F{n - 1}(D); END_IF\nEND_FUNCTION"
        for n in range(1, 71)
    ]
    head = "\n".join(functions) + "\n"
    assert faulted("X : INT;", "X := F70(X);", head=head) == NO_CHAIN
    assert len(faulted("X : INT;", "X := F60(X);", head=head).links) == 62


# -- made-up programs, each with a fault at every routine that it runs ---------------------------


@dataclass
class MadeUp:
    """Routines that call earlier ones, and what runs in which order."""

    calls: list[list[int]]
    kinds: list[str]
    lines: list[str] = field(default_factory=list)
    places: dict[tuple[int, int], int] = field(default_factory=dict)
    """Line of call number k of a routine."""

    def text(self) -> str:
        self.lines = ["VAR_GLOBAL Left : DINT; END_VAR"]
        last = len(self.calls) - 1
        for number, calls in enumerate(self.calls):
            kind = self.kinds[number] if number < last else "PROGRAM"
            unit = "FUNCTION_BLOCK" if kind == "METHOD" else kind
            self.lines.append(f"{unit} R{number}{' : DINT' * (kind == 'FUNCTION')}")
            blocks = sorted({n for n in calls if self.kinds[n] != "FUNCTION"})
            if blocks:
                self.lines += ["VAR", *(f"I{n} : R{n};" for n in blocks), "END_VAR"]
            if kind == "METHOD":
                self.lines.append("METHOD PUBLIC Run")
            self.lines += ["VAR_EXTERNAL Left : DINT; END_VAR", "VAR X : DINT; END_VAR"]
            self.lines += ["Left := Left - 1;", "X := 1 / Left;"]
            for place, callee in enumerate(calls):
                self.lines.append(self.call(callee))
                self.places[number, place] = len(self.lines)
            if kind == "METHOD":
                self.lines.append("END_METHOD")
            self.lines.append(f"END_{unit}")
        return "\n".join(self.lines)

    def call(self, callee: int) -> str:
        return {
            "FUNCTION": f"X := R{callee}();",
            "FUNCTION_BLOCK": f"I{callee}();",
            "METHOD": f"I{callee}.Run();",
        }[self.kinds[callee]]

    def visits(self, routine: int, way: tuple[tuple[int, int], ...] = ()) -> list[list[str]]:
        """Return the way to each run of a routine, in the order of the runs."""
        found = [[f"{self.title(at)} {line}" for at, line in way] + [self.title(routine)]]
        for place, callee in enumerate(self.calls[routine]):
            onward = (*way, (routine, self.places[routine, place]))
            found += self.visits(callee, onward)
        return found

    def title(self, routine: int) -> str:
        is_method = self.kinds[routine] == "METHOD" and routine < len(self.calls) - 1
        return f"R{routine}{'.Run' if is_method else ''}"


def made_up(chance: random.Random) -> MadeUp:
    kinds = [chance.choice(["FUNCTION", "FUNCTION_BLOCK", "METHOD"]) for _ in range(ROUTINES)]
    calls: list[list[int]] = []
    for number in range(ROUTINES):
        # An instance lives in a block or program, so functions call functions.
        callees = [
            n for n in range(number) if kinds[number] != "FUNCTION" or kinds[n] == "FUNCTION"
        ]
        calls.append(chance.choices(callees, k=chance.randint(0, 3)) if callees else [])
    calls[-1] = list(range(ROUTINES - 1))
    kinds[-1] = "PROGRAM"
    return MadeUp(calls, kinds)


@pytest.mark.parametrize("seed", range(SEED, SEED + PROGRAMS))
def test_every_way_through_made_up_programs_is_told_apart_in_both_engines(seed: int) -> None:
    example = made_up(random.Random(seed))
    text = example.text()
    sources = sources_of(text)
    checked = check_sources(sources)
    assert checked.model is not None, [item.message for item in checked.findings]
    program = compiled(text)
    left = program.symbol("LEFT")
    assert left is not None
    call_map = CallMap.of(program)
    for run, expected in enumerate(example.visits(ROUTINES - 1), 1):
        engines = CompiledStepper(program), Interpreter(checked.model)
        for engine in engines:
            struct.pack_into("<i", engine.state, left.offset, run)
            chain = way_of(engine, call_map, program.sites)
            *before, last = [f"{link.routine} {link.line}" for link in chain.links]
            assert [*before, last.split()[0]] == expected
        assert bytes(engines[0].state) == bytes(engines[1].state)
