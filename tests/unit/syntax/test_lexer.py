"""Tokens: each stands where it says, none is lost, and what cannot be read is told."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.diagnostics.diagnostic import Findings
from runtime.source import Source
from runtime.syntax.lexer import tokenise
from runtime.syntax.tokens import Token, TokenKind

FOLDER = Path(__file__).parents[2] / "conformance"


def tokens_of(text: str) -> tuple[list[Token], list[str]]:
    """Return the tokens before END, and the codes found."""
    findings = Findings()
    tokens = tokenise(Source("a.st", text), 0, findings)
    assert tokens[-1].kind is TokenKind.END
    return tokens[:-1], [item.code for item in findings.items]


def kinds_of(text: str) -> list[tuple[TokenKind, str]]:
    """Return kind and text of each token."""
    tokens, codes = tokens_of(text)
    assert codes == []
    return [(token.kind, token.text) for token in tokens]


def assert_in_place(text: str) -> None:
    """Each token's text stands at its place, and places do not overlap."""
    tokens, _ = tokens_of(text)
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert all(token.key == token.text.upper() for token in tokens)
    assert all(one.end <= other.start for one, other in pairwise(tokens))


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.st")), ids=lambda path: path.stem)
def test_tokens_of_programs_stand_where_they_say(path: Path) -> None:
    assert_in_place(path.read_text(encoding="utf-8"))


@given(st.text())
def test_any_text_becomes_tokens(text: str) -> None:
    assert_in_place(text)


@given(st.text(alphabet="aX_019.#'\"(*){}/:=<>%$T-+eE \n"))
def test_any_text_of_st_letters_becomes_tokens(text: str) -> None:
    assert_in_place(text)


def test_a_range_between_integers_is_no_real() -> None:
    kinds = [kind for kind, _ in kinds_of("1..5 1.5")]
    assert kinds == [TokenKind.INTEGER, TokenKind.OPERATOR, TokenKind.INTEGER, TokenKind.REAL]


def test_the_longest_operator_is_taken() -> None:
    text = ":= : = => >= > ** * .. . <> <= <"
    assert [word for _, word in kinds_of(text)] == text.split()


@pytest.mark.parametrize(
    "text",
    ["INT#-5", "16#FF_FF", "T#-1h30m5.5s", "LREAL#1.0E-3", "BOOL#TRUE", "WORD#2#1010", "%IX0.3",
     "%QW12", "'it$'s'", '"wide"', "a_b", "_x", "1_000.5E+7", "COLOUR#RED"],
)  # fmt: skip
def test_these_are_one_token(text: str) -> None:
    assert [word for _, word in kinds_of(text)] == [text]


def test_keywords_are_known_in_any_case_and_keep_it() -> None:
    assert kinds_of("end_IF Endif") == [
        (TokenKind.KEYWORD, "end_IF"), (TokenKind.NAME, "Endif"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [("X ?", "ST1001"), ("(* x", "ST1002"), ("/* x", "ST1002"), ("(* (* *)", "ST1002"),
     ("'abc\n'", "ST1003"), ('"abc', "ST1003"), ("{abc", "ST1004")],
)  # fmt: skip
def test_what_cannot_be_read_is_told(text: str, code: str) -> None:
    assert code in tokens_of(text)[1]
