"""What RETAIN, NON_RETAIN and PERSISTENT keep of variables, instances and their members."""

from runtime.artifact.program import CompiledProgram
from runtime.build import compile_sources
from runtime.diagnostics.diagnostic import Severity
from runtime.retain.layout import exact_spans
from tests.support.programs import findings_of, sources_of

COUNTER = """
FUNCTION_BLOCK COUNTER
VAR RETAIN TOTAL : DINT; END_VAR
VAR LAST : INT; EDGE : R_TRIG; END_VAR
VAR NON_RETAIN SPEED : LREAL; END_VAR
VAR PERSISTENT SERIAL : DINT; END_VAR
END_FUNCTION_BLOCK
"""


def compiled(*texts: str) -> CompiledProgram:
    done = compile_sources(sources_of(*texts), "case")
    assert done.program is not None, done.findings
    return done.program


def kept(*texts: str, persistent: bool = False) -> dict[str, object]:
    """Return the kept variables by path with their shape: a name or the members' shapes."""
    return {
        item.symbol.path: shape(item.symbol.type)
        for item in compiled(*texts).retained
        if item.persistent is persistent
    }


def shape(data_type: object) -> object:
    fields = getattr(data_type, "fields", None)
    if fields is not None:
        return {item.name: shape(item.type) for item in fields}
    element = getattr(data_type, "element", None)
    return [shape(element)] if element is not None else str(data_type)


def in_program(section: str) -> str:
    return f"{COUNTER}PROGRAM MAIN\n{section} C : COUNTER; END_VAR\nEND_PROGRAM\n"


def test_an_instance_keeps_the_members_that_its_type_retains() -> None:
    assert kept(in_program("VAR")) == {"MAIN.C": {"TOTAL": "DINT"}}
    assert kept(in_program("VAR"), persistent=True) == {"MAIN.C": {"SERIAL": "DINT"}}


def test_a_retained_instance_keeps_all_but_what_its_type_says_itself() -> None:
    edge = {"CLK": "BOOL", "Q": "BOOL", "M": "BOOL"}
    whole = {"TOTAL": "DINT", "LAST": "INT", "EDGE": edge}
    assert kept(in_program("VAR RETAIN")) == {"MAIN.C": whole}
    assert kept(in_program("VAR RETAIN"), persistent=True) == {"MAIN.C": {"SERIAL": "DINT"}}


def test_a_non_retained_instance_keeps_what_its_type_retains() -> None:
    assert kept(in_program("VAR NON_RETAIN")) == {"MAIN.C": {"TOTAL": "DINT"}}


def test_arrays_of_instances_keep_the_members_of_each() -> None:
    text = COUNTER + "PROGRAM MAIN\nVAR C : ARRAY [1..3] OF COUNTER; END_VAR\nEND_PROGRAM\n"
    assert kept(text) == {"MAIN.C": [{"TOTAL": "DINT"}]}


def test_globals_and_programs_of_a_configuration() -> None:
    text = """
    VAR_GLOBAL RETAIN A : INT; END_VAR
    VAR_GLOBAL B : INT; END_VAR
    VAR_GLOBAL PERSISTENT C : INT; END_VAR
    PROGRAM WORK
    VAR X : INT; END_VAR
    VAR NON_RETAIN Y : INT; END_VAR
    VAR_TEMP Z : INT; END_VAR
    END_PROGRAM
    CONFIGURATION PLANT
    PROGRAM RETAIN P1 : WORK;
    PROGRAM NON_RETAIN P2 : WORK;
    PROGRAM P3 : WORK;
    END_CONFIGURATION
    """
    assert kept(text) == {"A": "INT", "P1.X": "INT"}
    assert kept(text, persistent=True) == {"C": "INT"}


def test_private_members_of_a_base_are_kept_once() -> None:
    text = """
    FUNCTION_BLOCK BASE
    VAR PRIVATE RETAIN A : INT; END_VAR
    VAR PROTECTED RETAIN B : INT; END_VAR
    END_FUNCTION_BLOCK
    FUNCTION_BLOCK DERIVED EXTENDS BASE
    VAR RETAIN C : INT; END_VAR
    END_FUNCTION_BLOCK
    PROGRAM MAIN
    VAR D : DERIVED; END_VAR
    END_PROGRAM
    """
    assert kept(text) == {"MAIN.D": {"BASE.A": "INT", "B": "INT", "C": "INT"}}


def test_located_and_static_variables_are_kept_where_they_stand() -> None:
    text = """
    FUNCTION_BLOCK B
    VAR_STAT RETAIN COUNT : INT; END_VAR
    END_FUNCTION_BLOCK
    PROGRAM MAIN
    VAR RETAIN BIT1 AT %MX1.3 : BOOL; W AT %MW4 : WORD; END_VAR
    VAR I : B; END_VAR
    END_PROGRAM
    """
    program = compiled(text)
    assert set(kept(text)) == {"MAIN.BIT1", "MAIN.W", "B.COUNT"}
    (bit,) = [item.symbol for item in program.retained if item.symbol.path == "MAIN.BIT1"]
    assert (bit.offset - program.memory.offset, bit.bit) == (1, 3)


def test_references_are_left_out_and_said() -> None:
    text = """
    PROGRAM MAIN
    VAR RETAIN R : REF_TO INT; N : INT; END_VAR
    R := REF(N);
    END_PROGRAM
    """
    assert kept(text) == {"MAIN.N": "INT"}
    assert [(item.severity, item.code) for item in findings_of(text)] == [
        (Severity.WARNING, "ST2023")
    ]


def test_a_chart_keeps_where_it_is() -> None:
    text = """
    PROGRAM MAIN
    INITIAL_STEP S1: END_STEP
    TRANSITION FROM S1 TO S2 := TRUE; END_TRANSITION
    STEP S2: END_STEP
    TRANSITION FROM S2 TO S1 := TRUE; END_TRANSITION
    END_PROGRAM
    CONFIGURATION PLANT
    PROGRAM RETAIN P : MAIN;
    END_CONFIGURATION
    """
    assert {"P.S1", "P.S2", "P.STEP S1", "P.STEP S2"} <= set(kept(text))


def test_a_section_lies_in_one_piece() -> None:
    names = "; ".join(f"V{n} : DINT" for n in range(100))
    text = f"PROGRAM MAIN\nVAR A : INT; END_VAR\nVAR RETAIN {names}; END_VAR\nEND_PROGRAM\n"
    spans = [
        span
        for item in compiled(text).retained
        for span in exact_spans(item.symbol.offset, item.symbol.type)
    ]
    assert spans == [(spans[0][0] + 4 * n, 4) for n in range(100)]
