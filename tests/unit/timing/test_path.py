"""The longest path: what the estimate counts, and what it says it cannot know."""

from runtime.build import check_sources
from runtime.source import Source
from runtime.timing.path import WorstPath, worst_paths


def path_of(body: str, variables: str = "", more: str = "") -> WorstPath:
    """Return the longest path of a program with that body."""
    text = f"{more}\nPROGRAM Main\nVAR x, y, i : DINT; {variables} END_VAR\n{body}\nEND_PROGRAM\n"
    checked = check_sources((Source("main.st", text),))
    assert checked.model is not None, checked.findings
    return worst_paths(checked.model)[0]


def cost(body: str, variables: str = "", more: str = "") -> float:
    """Return what a body costs beyond an empty one."""
    return path_of(body, variables, more).ns - path_of("", variables, more).ns


def near(first: float, second: float) -> bool:
    """Whether two costs differ by rounding at most."""
    return abs(first - second) < 1e-6


def test_statements_add_up() -> None:
    assert near(cost("x := y + 1; y := 2;"), cost("x := y + 1;") + cost("y := 2;"))


def test_the_dearer_branch_of_an_if_counts() -> None:
    cheap, dear = "x := 1;", "x := y / 3 / y / x;"
    first = cost(f"IF x > 0 THEN {dear} ELSE {cheap} END_IF;")
    second = cost(f"IF x > 0 THEN {cheap} ELSE {dear} END_IF;")
    assert near(first, second)
    assert first > cost(dear)


def test_later_branches_pay_for_the_conditions_before_them() -> None:
    short = cost("IF x > 0 THEN y := 1; END_IF;")
    long = cost("IF x > 0 THEN ; ELSIF x > 1 THEN ; ELSIF x > 2 THEN y := 1; END_IF;")
    assert long > short


def test_the_dearest_arm_of_a_case_counts() -> None:
    arms = "CASE x OF 1: y := 1; 2: y := x / y; 3: ; END_CASE;"
    only = "CASE x OF 2: y := x / y; END_CASE;"
    assert near(cost(arms), cost(only))


def test_a_loop_counts_as_often_as_its_constant_limits_say() -> None:
    once = cost("FOR i := 1 TO 1 DO x := x + y; END_FOR;")
    ten = cost("FOR i := 10 TO 1 BY -1 DO x := x + y; END_FOR;")
    assert near(ten, 10 * once)
    assert cost("FOR i := 2 TO 1 DO x := x + y; END_FOR;") == 0
    assert path_of("FOR i := 1 TO 10 DO x := i; END_FOR;").unbounded == ()


def test_a_loop_of_unknown_length_is_named_and_counted_once() -> None:
    found = path_of("WHILE x < y DO x := x + 1; END_WHILE;")
    assert len(found.unbounded) == 1
    assert found.ns > path_of("").ns
    assert len(path_of("FOR i := 1 TO x DO y := i; END_FOR;").unbounded) == 1


def test_loops_inside_blocks_are_named_once_however_often_they_are_called() -> None:
    block = (
        "FUNCTION_BLOCK Seeker VAR n : DINT; END_VAR\n"
        "REPEAT n := n + 1; UNTIL n > 5 END_REPEAT; END_FUNCTION_BLOCK"
    )
    assert len(path_of("a(); b(); a();", "a, b : Seeker;", block).unbounded) == 1


def test_each_call_of_a_block_pays_for_its_body() -> None:
    block = "FUNCTION_BLOCK B VAR n : DINT; END_VAR n := n / 7; END_FUNCTION_BLOCK"
    assert near(cost("a(); a();", "a : B;", block), 2 * cost("a();", "a : B;", block))


def test_a_call_through_an_interface_counts_the_dearest_method() -> None:
    more = """
    INTERFACE Mover METHOD Go : DINT END_METHOD END_INTERFACE
    CLASS Cheap IMPLEMENTS Mover METHOD PUBLIC Go : DINT Go := 1; END_METHOD END_CLASS
    CLASS Dear IMPLEMENTS Mover METHOD PUBLIC Go : DINT
      VAR i : DINT; END_VAR
      FOR i := 1 TO 1000 DO Go := Go / 3 + i; END_FOR;
    END_METHOD END_CLASS
    """
    variables = "c : Cheap; d : Dear; s : Mover;"
    through = cost("s := c; x := s.Go();", variables, more)
    assert through > cost("x := d.Go();", variables, more)


def test_a_string_is_paid_for_by_its_capacity() -> None:
    short = cost("s := CONCAT(s, s);", "s : STRING[10];")
    long = cost("s := CONCAT(s, s);", "s : STRING[1000];")
    assert long > 10 * short
