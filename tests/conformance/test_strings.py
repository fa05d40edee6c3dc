"""Functions and conversions of strings against Python's, at every position around the ends."""

import itertools
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tabulate import tabulated

WHOLES: Final = ("", "a", "abcd")
PARTS: Final = ("", "b", "cd")
NUMBERS: Final = range(-2, 7)
QUOTES: Final = {"STRING": "'", "WSTRING": '"', "USTRING": "'"}
CHARACTERS: Final = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
TEXTS: Final = st.text(CHARACTERS | st.sampled_from("aé€\uffff😀\U0010ffff"), max_size=6)


def within(value: int, length: int) -> int:
    return min(max(value, 0), length)


@pytest.mark.parametrize("kind", QUOTES)
def test_positions_and_lengths_are_cut_to_the_string(kind: str) -> None:
    quote = QUOTES[kind]
    rows = list(itertools.product(WHOLES, NUMBERS, NUMBERS))
    text = f"{kind}[4]"
    found = tabulated(
        {
            "S": (text, [f"{quote}{whole}{quote}" for whole, _, _ in rows]),
            "L": ("INT", [str(length) for _, length, _ in rows]),
            "P": ("INT", [str(place) for _, _, place in rows]),
        },
        {
            "HEAD": (text, "LEFT(S[I], L[I])"), "TAIL": (text, "RIGHT(S[I], L[I])"),
            "MIDST": (text, "MID(S[I], L[I], P[I])"), "SHORT": (text, "DELETE(S[I], L[I], P[I])"),
        },
    )  # fmt: skip
    for number, (whole, length, place) in enumerate(rows):
        count, start = within(length, len(whole)), within(place - 1, len(whole))
        end = min(start + max(length, 0), len(whole))
        expected = {
            "HEAD": whole[:count], "TAIL": whole[len(whole) - count :],
            "MIDST": whole[start:end], "SHORT": whole[:start] + whole[end:],
        }  # fmt: skip
        assert {name: found[name][number] for name in expected} == expected, rows[number]


@pytest.mark.parametrize("kind", QUOTES)
def test_parts_are_put_in_at_every_position(kind: str) -> None:
    quote = QUOTES[kind]
    rows = list(itertools.product(WHOLES, PARTS, NUMBERS, (-1, 0, 1, 3, 9)))
    found = tabulated(
        {
            "S": (f"{kind}[4]", [f"{quote}{whole}{quote}" for whole, _, _, _ in rows]),
            "T": (f"{kind}[4]", [f"{quote}{part}{quote}" for _, part, _, _ in rows]),
            "P": ("INT", [str(place) for _, _, place, _ in rows]),
            "L": ("INT", [str(length) for _, _, _, length in rows]),
        },
        {
            "LONG": (f"{kind}[8]", "INSERT(S[I], T[I], P[I])"),
            "CUT": (f"{kind}[3]", "INSERT(S[I], T[I], P[I])"),
            "NEW": (f"{kind}[8]", "REPLACE(S[I], T[I], L[I], P[I])"),
            "BOTH": (f"{kind}[8]", "CONCAT(S[I], T[I])"),
            "PLACE": ("INT", "FIND(S[I], T[I])"), "SIZE": ("INT", "LEN(S[I])"),
            "LESS": ("BOOL", "S[I] < T[I]"), "SAME": ("BOOL", "S[I] = T[I]"),
        },
    )  # fmt: skip
    for number, (whole, part, place, length) in enumerate(rows):
        behind, start = within(place, len(whole)), within(place - 1, len(whole))
        end = min(start + max(length, 0), len(whole))
        long = whole[:behind] + part + whole[behind:]
        expected = {
            "LONG": long, "CUT": long[:3], "NEW": whole[:start] + part + whole[end:],
            "BOTH": whole + part, "PLACE": whole.find(part) + 1 if part else 0,
            "SIZE": len(whole), "LESS": whole < part, "SAME": whole == part,
        }  # fmt: skip
        assert {name: found[name][number] for name in expected} == expected, rows[number]


def literal(text: str) -> str:
    """Return a text as USTRING in ST, the characters that a quote or an escape needs by number."""
    spelt = "".join(f"${{{ord(item):X}}}" if item in "$'" else item for item in text)
    return f"USTRING#'{spelt}'"


ROWS: Final = st.lists(st.tuples(TEXTS, TEXTS, st.integers(-2, 8)), min_size=8, max_size=8)


@settings(max_examples=10, deadline=None)
@given(ROWS)
def test_functions_of_ustrings_are_those_of_python(rows: list[tuple[str, str, int]]) -> None:
    found = tabulated(
        {
            "S": ("USTRING[6]", [literal(first) for first, _, _ in rows]),
            "T": ("USTRING[6]", [literal(second) for _, second, _ in rows]),
            "P": ("INT", [str(place) for _, _, place in rows]),
        },
        {
            "SIZE": ("INT", "LEN(S[I])"), "HEAD": ("USTRING", "LEFT(S[I], P[I])"),
            "TAIL": ("USTRING", "RIGHT(S[I], P[I])"), "MIDST": ("USTRING", "MID(S[I], 2, P[I])"),
            "BOTH": ("USTRING", "CONCAT(S[I], T[I])"), "CUT": ("USTRING[7]", "CONCAT(S[I], T[I])"),
            "PUT": ("USTRING", "INSERT(S[I], T[I], P[I])"),
            "GONE": ("USTRING", "DELETE(S[I], 2, P[I])"),
            "NEW": ("USTRING", "REPLACE(S[I], T[I], 2, P[I])"),
            "PLACE": ("INT", "FIND(CONCAT(S[I], T[I]), T[I])"), "LESS": ("BOOL", "S[I] < T[I]"),
        },
    )  # fmt: skip
    for number, (first, second, place) in enumerate(rows):
        count, start = within(place, len(first)), within(place - 1, len(first))
        both = first + second
        expected = {
            "SIZE": len(first), "HEAD": first[:count], "TAIL": first[len(first) - count :],
            "MIDST": first[start : start + 2], "BOTH": both, "CUT": both[:7],
            "PUT": first[:count] + second + first[count:],
            "GONE": first[:start] + first[start + 2 :],
            "NEW": first[:start] + second + first[start + 2 :],
            "PLACE": both.find(second) + 1 if second else 0, "LESS": first < second,
        }  # fmt: skip
        assert {name: found[name][number] for name in expected} == expected, rows[number]


@settings(max_examples=10, deadline=None)
@given(st.lists(TEXTS, min_size=8, max_size=8))
def test_texts_of_every_type_convert_as_python_encodes_them(texts: list[str]) -> None:
    found = tabulated(
        {"S": ("USTRING[6]", [literal(text) for text in texts])},
        {
            "NARROW": ("STRING", "USTRING_TO_STRING(S[I])"),
            "AGAIN": ("USTRING", "STRING_TO_USTRING(USTRING_TO_STRING(S[I]))"),
            "WIDE": ("WSTRING", "USTRING_TO_WSTRING(S[I])"),
            "UNITS": ("INT", "LEN(USTRING_TO_WSTRING(S[I]))"),
            "BACK": ("USTRING", "WSTRING_TO_USTRING(USTRING_TO_WSTRING(S[I]))"),
            "FIRST": ("UDINT", "UCHAR_TO_UDINT(USTRING_TO_UCHAR(S[I]))"),
        },
    )
    for number, text in enumerate(texts):
        narrow = text.encode("latin-1", "replace").decode("latin-1")
        expected = {
            "NARROW": narrow, "AGAIN": narrow, "WIDE": text, "BACK": text,
            "UNITS": len(text.encode("utf-16-le")) // 2, "FIRST": ord(text[0]) if text else 0,
        }  # fmt: skip
        assert {name: found[name][number] for name in expected} == expected, text
