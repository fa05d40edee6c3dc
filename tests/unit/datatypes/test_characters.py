"""Characters and texts at the border of the program: what a command takes, what a reader gives."""

import pytest

from runtime.datatypes.elementary import CHAR, UCHAR, WCHAR, Elementary
from runtime.datatypes.texts import read_text, text_image, text_type
from runtime.datatypes.values import character_text, parse_json, read_json


@pytest.mark.parametrize(
    ("scalar", "given", "taken"),
    [
        (CHAR, "ÿ", 0xFF), (CHAR, "€", None), (WCHAR, "€", 0x20AC), (WCHAR, "😀", None),
        (UCHAR, "😀", 0x1F600), (UCHAR, "ab", None), (UCHAR, "\ud800", None), (UCHAR, "", None),
    ],
)  # fmt: skip
def test_a_character_is_taken_where_its_type_has_it(
    scalar: Elementary, given: str, taken: int | None
) -> None:
    assert parse_json(given, scalar) == taken


def test_a_number_that_is_no_character_is_shown_as_one_that_is_missing() -> None:
    assert character_text(0x10_FFFF) == "\U0010ffff"
    assert character_text(0x11_0000) == "\ufffd"
    assert read_json(b"\xff\xff\xff\xff", 0, UCHAR) == "\ufffd"


def test_a_ustring_cut_at_its_capacity_keeps_whole_characters() -> None:
    text = text_type("USTRING", 3)
    image = text_image(text, "ä😀€x")
    assert (text.size, len(image)) == (16, 16)
    assert read_text(image, 0, text) == "ä😀€"


def test_memory_that_holds_no_characters_is_still_read() -> None:
    text = text_type("USTRING", 2)
    assert read_text(b"\xff\xff\xff\xff\x00\xd8\x00\x00A\x00\x00\x00", 0, text) == "\ufffdA"
