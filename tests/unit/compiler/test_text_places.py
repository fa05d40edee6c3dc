"""Strings joined in place, sliced without a copy and compared by bytes: alike in both engines."""

import pytest

from tests.support.programs import program, run

KINDS = [("STRING", "'{}'"), ("WSTRING", '"{}"'), ("USTRING", "USTRING#'{}'")]


def declared(kind: str, quoted: str) -> str:
    first = quoted.format("abcdef")
    return (
        f"a : {kind}[10] := {first}; b : {kind}[6] := {quoted.format('xyz')}; c : {kind};"
        f" r : ARRAY [0..2] OF {kind}[8]; n : INT := 1; ok : BOOL; no : BOOL;"
    )


@pytest.mark.parametrize(("kind", "quoted"), KINDS)
@pytest.mark.parametrize(
    "body",
    [
        "a := CONCAT(a, b);",
        "a := CONCAT(a, a);",
        "a := CONCAT(b, a);",
        "a := CONCAT(CONCAT(a, b), b);",
        "a := CONCAT(a, MID(a, 2, 3));",
        "a := CONCAT(a, MID(b, 2, 2));",
        "b := CONCAT(a, a);",
        "c := CONCAT(CONCAT(a, b), CONCAT(b, a));",
        "a := MID(a, 3, 2);",
        "a := RIGHT(a, 4);",
        "a := LEFT(a, 99);",
        "a := MID(a, -1, 0);",
        "c := MID(LEFT(a, 5), 99, 3);",
        "c := RIGHT(CONCAT(a, b), 4);",
        "a := REPLACE(a, b, 2, 2); b := INSERT(a, b, 3); c := DELETE(c, 2, 1);",
        "c := REPLACE(a, b, 2, 2);",
        "b := INSERT(a, a, 3);",
        "r[0] := a; r[1] := CONCAT(r[0], b); r[1] := CONCAT(r[1], r[1]); r[n] := CONCAT(r[n], b);",
        "ok := a = a; no := a = b;",
        "ok := MID(a, 2, 3) = MID(a, 2, 3); no := MID(a, 2, 3) <> LEFT(b, 2);",
        "ok := LEFT(a, 0) = RIGHT(b, 0); no := LEFT(a, 3) = LEFT(a, 4);",
        "ok := a < b; no := a >= b;",
    ],
)
def test_a_text_is_the_same_in_both_engines(kind: str, quoted: str, body: str) -> None:
    run(program(declared(kind, quoted), body), cycles=3)


@pytest.mark.parametrize(("kind", "quoted"), KINDS)
def test_only_equal_texts_are_equal(kind: str, quoted: str) -> None:
    body = f"ok := a = {quoted.format('abcdef')}; no := LEFT(a, 5) = {quoted.format('abcdef')};"
    values = run(program(declared(kind, quoted), body)).last
    assert (values["MAIN.OK"], values["MAIN.NO"]) == (True, False)


def test_characters_beyond_16_bits_are_joined_and_cut_whole() -> None:
    body = "a := CONCAT(a, USTRING#'${1F600}z'); c := RIGHT(a, 2); ok := c = USTRING#'${1F600}z';"
    values = run(program("a : USTRING[6] := U#'ab'; c : USTRING; ok : BOOL;", body)).last
    assert values["MAIN.OK"] is True
    assert values["MAIN.C"] == "\U0001f600z"
