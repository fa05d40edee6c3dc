"""Functions of strings against slices of Python's."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runtime.stdlib import text
from runtime.stdlib.text import TEXT_FUNCTIONS
from runtime.stdlib.text_encodings import BETWEEN

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


def converted(name: tuple[str, str], units: list[int], room: int = 40) -> list[int]:
    out = [0] * room
    return out[: BETWEEN[name].body(out, room, units, len(units))]


@given(st.lists(st.integers(0, 0xFFFF), max_size=8))
def test_half_a_pair_becomes_a_question_mark_and_all_else_is_kept(units: list[int]) -> None:
    encoded = b"".join(unit.to_bytes(2, "little") for unit in units)
    whole = encoded.decode("utf-16-le", "surrogatepass")
    expected = [63 if 0xD800 <= ord(item) < 0xE000 else ord(item) for item in whole]
    assert converted(("WSTRING", "USTRING"), units) == expected


@given(st.text(max_size=8), st.integers(0, 17))
def test_no_pair_is_cut_in_half_for_want_of_room(text_of: str, room: int) -> None:
    units = converted(("USTRING", "WSTRING"), [ord(item) for item in text_of], room)
    shown = b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le")
    assert text_of.startswith(shown)
    assert room - len(units) <= 1 or shown == text_of
