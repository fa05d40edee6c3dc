"""One test for several reals, where a NaN of one shows in another; all of them are mended."""

import itertools

import pytest

from runtime.build import check_sources
from runtime.codegen.shown import AHEAD, shown_later
from tests.support.programs import program, run, sources_of

REALS = (
    "p, q, r, s, t : LREAL; f, g : REAL; a : ARRAY [0..3] OF LREAL;n : INT; w : LWORD; ok : BOOL;"
)
UNION = "TYPE Bits : STRUCT OVERLAP real : LREAL; word : LWORD; END_STRUCT; END_TYPE"


def shown(body: str, declarations: str = REALS) -> dict[int, int]:
    model = check_sources(sources_of(program(declarations, body), UNION)).model
    assert model is not None
    return shown_later(model.routines["MAIN"].body)


@pytest.mark.parametrize(
    ("body", "later"),
    [
        ("p := q - r; s := 2.0 * p;", {0: 1}),
        ("p := q - r; s := t / -(p + 1.0);", {0: 1}),
        ("p := q - r; q := q * 0.5; r := p + q;", {0: 2, 1: 2}),
        ("p := q - r; t := q; ok := p > 1.0; n := 3; s := p + 1.0;", {0: 4}),
        ("f := g * 2.0; p := REAL_TO_LREAL(f) + q;", {0: 1}),
        ("p := q - r; s := p * 2.0; t := s + 1.0;", {1: 2}),
    ],
)
def test_a_nan_that_shows_in_a_later_value_is_not_tested(body: str, later: dict[int, int]) -> None:
    assert shown(body) == later


@pytest.mark.parametrize(
    "body",
    [
        "p := q - r; s := p;",
        "p := q - r; t := p; s := p + 1.0;",
        "f := g * 2.0; p := REAL_TO_LREAL(f);",
        "p := q - r; s := p ** 0.0;",
        "p := q - r; s := MAX(p, 1.0);",
        "p := q - r; s := ABS(p);",
        "p := q - r; p := p + 1.0;",
        "p := q - r; s := q + 1.0; p := 0.0; t := p + 1.0;",
        "p := q - r; w := LREAL_TO_LWORD(p); s := p + 1.0;",
        "p := q - r; n := LREAL_TO_INT(p); s := p + 1.0;",
        "p := q - r; n := 1 / n; s := p + 1.0;",
        "p := q - r; a[n] := 1.0; s := p + 1.0;",
        "p := q - r; IF ok THEN s := p + 1.0; END_IF;",
        "p := q - r; IF ok THEN s := 1.0; END_IF; t := p + 1.0;",
        "p := q - r; s := SIN(q); t := p + 1.0;",
        "a[1] := q - r; s := a[n] + 1.0;",
        "p := q - r;" + "n := 1;" * AHEAD + "s := p + 1.0;",
    ],
)
def test_a_nan_that_may_be_seen_before_is_tested_itself(body: str) -> None:
    assert shown(body) == {}


def test_reals_that_share_their_place_with_others_are_tested() -> None:
    body = "b.real := b.real - 1.0; m := m - 1.0; p := b.real + m; q := p;"
    assert shown(body, "b : Bits; m AT %ML0 : LREAL; p, q : LREAL;") == {}


BODY = """
e := sp - pv;
flt := flt + ((pv1 - pv) * td / ts - flt) * 0.1;
pv1 := pv;
wide := REAL_TO_LREAL(flt) * 2.0;
raw := kp * (e + flt) + integ;
copy := e;
"""
SUM = "sum := wide + raw; other := raw;"
NAMES = ("sp", "pv", "td", "ts", "kp", "integ", "flt", "pv1")
VARIABLES = f"zero, e, raw, copy, other, {', '.join(NAMES)} : REAL; wide, sum : LREAL;"
GIVEN = " ".join(f"{name} := 1.5;" for name in NAMES)


@pytest.mark.parametrize("body", [BODY, BODY + SUM])
@pytest.mark.parametrize(
    "bad", [*itertools.combinations(NAMES, 1), *itertools.combinations(NAMES, 2)]
)
def test_all_are_mended_whichever_is_a_nan(bad: tuple[str, ...], body: str) -> None:
    """Both engines leave the same bytes, also where the NaN has the processor's own sign."""
    faulty = " ".join(f"{name} := -(zero / zero);" for name in bad)
    found = run(program(VARIABLES, f"{GIVEN} {faulty} {body}"), cycles=2).last
    assert found["MAIN.RAW"] == "NaN"
    assert found["MAIN.COPY"] == found["MAIN.E"]


def test_numbers_stay_what_they_are() -> None:
    found = run(program(VARIABLES, f"{GIVEN} {BODY} {SUM}"), cycles=2).last
    assert (found["MAIN.E"], found["MAIN.RAW"]) == (0.0, 3.525)
