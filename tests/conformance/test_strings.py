"""Functions of strings at every position and length around the ends, against slices of Python's."""

import itertools
from typing import Final

import pytest

from tests.support.tabulate import tabulated

WHOLES: Final = ("", "a", "abcd")
PARTS: Final = ("", "b", "cd")
NUMBERS: Final = range(-2, 7)
QUOTES: Final = {"STRING": "'", "WSTRING": '"'}


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
