"""Functions of strings against slices of Python's."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runtime.stdlib import text
from runtime.stdlib.text import TEXT_FUNCTIONS

TEXTS = st.binary(max_size=8)
NUMBERS = st.integers(-3, 12)


def call(name: str, *arguments: Any, room: int = 40) -> bytes:
    out = bytearray(room)
    flat: list[Any] = []
    for item in arguments:
        flat += (item, len(item)) if isinstance(item, bytes) else (item,)
    return bytes(out[: TEXT_FUNCTIONS[name].body(out, room, *flat)])


@given(TEXTS, NUMBERS)
def test_left_and_right_make_up_the_whole(whole: bytes, count: int) -> None:
    kept = min(max(count, 0), len(whole))
    assert call("LEFT", whole, count) == whole[:kept]
    assert call("RIGHT", whole, len(whole) - kept) == whole[kept:]


@given(TEXTS, NUMBERS, NUMBERS)
def test_what_mid_gives_is_what_delete_takes(whole: bytes, count: int, place: int) -> None:
    start = min(max(place - 1, 0), len(whole))
    end = min(start + max(count, 0), len(whole))
    assert call("MID", whole, count, place) == whole[start:end]
    assert call("DELETE", whole, count, place) == whole[:start] + whole[end:]


@given(TEXTS, TEXTS, NUMBERS, NUMBERS)
def test_replace_is_delete_and_insert(whole: bytes, part: bytes, count: int, place: int) -> None:
    deleted = call("DELETE", whole, count, place)
    assert call("REPLACE", whole, part, count, place) == call("INSERT", deleted, part, place - 1)


@given(st.binary(max_size=8), st.binary(min_size=1, max_size=2))
def test_find_gives_the_first_place(whole: bytes, part: bytes) -> None:
    assert text.find(whole, len(whole), part, len(part)) == whole.find(part) + 1


@given(TEXTS, TEXTS)
def test_strings_compare_as_python_compares_bytes(first: bytes, second: bytes) -> None:
    expected = (first > second) - (first < second)
    assert text.order(first, len(first), second, len(second)) == expected


@given(TEXTS, TEXTS, st.integers(0, 20))
def test_no_function_writes_beyond_its_room(first: bytes, second: bytes, room: int) -> None:
    assert call("CONCAT", first, second, room=room) == (first + second)[:room]
    assert call("INSERT", first, second, 1, room=room) == (first[:1] + second + first[1:])[:room]
