"""Conversions between STRING, WSTRING and USTRING (6.6.2.5.2): 8-bit, UTF-16 and Unicode units.

What the target lacks becomes a question mark. A WSTRING holds a character beyond 16#FFFF as two
units, a pair; half a pair alone is no character:

    USTRING 1F600 -> WSTRING D83D DE00 -> USTRING 1F600      WSTRING D83D -> USTRING '?'
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from runtime.stdlib.declare import Parameter
from runtime.stdlib.text import TextFunction, Units

_CLAUSE: Final = "6.6.2.5.2"
_QUESTION_MARK: Final = 63
_PAIRS: Final = 0x1_0000
"""The first character that takes a pair."""
_HIGH: Final = 0xD800
_LOW: Final = 0xDC00
_END: Final = 0xE000
_BEYOND: Final = 0x11_0000


def copy_units(out: Units, room: int, text: Units, length: int) -> int:
    """Write the units of a text of a narrower type: all of them exist."""
    count = min(length, room)
    for number in range(count):
        out[number] = text[number]
    return count


def narrow_units(out: Units, room: int, text: Units, length: int) -> int:
    """Write wide units as narrow ones; what does not fit becomes a question mark."""
    count = min(length, room)
    for number in range(count):
        unit = 0 + text[number]
        out[number] = unit if unit <= 255 else _QUESTION_MARK  # noqa: PLR2004
    return count


def join_pairs(out: Units, room: int, text: Units, length: int) -> int:
    """Write UTF-16 as characters; half a pair becomes a question mark."""
    at = 0
    place = 0
    while place < length and at < room:
        unit = 0 + text[place]
        place += 1
        if _HIGH <= unit < _END:
            low = 0 + text[place] if place < length else 0
            if unit < _LOW <= low < _END:
                unit = _PAIRS + (unit - _HIGH) * 1024 + (low - _LOW)
                place += 1
            else:
                unit = _QUESTION_MARK
        out[at] = unit
        at += 1
    return at


def split_pairs(out: Units, room: int, text: Units, length: int) -> int:
    """Write characters as UTF-16; where half a pair would be left no more follows."""
    at = 0
    for place in range(length):
        unit = 0 + text[place]
        if _HIGH <= unit < _END or unit >= _BEYOND:
            unit = _QUESTION_MARK
        needed = 2 if unit >= _PAIRS else 1
        if at + needed > room:
            break
        if needed == 2:  # noqa: PLR2004
            out[at] = _HIGH + (unit - _PAIRS) // 1024
            out[at + 1] = _LOW + (unit - _PAIRS) % 1024
        else:
            out[at] = unit
        at += needed
    return at


def _doubled(capacities: Sequence[int]) -> int:
    return 2 * sum(capacities)


def _between(
    name: str,
    result: str,
    body: Callable[..., Any],
    capacity: Callable[[Sequence[int]], int] = sum,
) -> TextFunction:
    return TextFunction(name, _CLAUSE, (Parameter("IN", "TEXT"),), result, body, capacity)


BETWEEN: Final = {
    ("STRING", "WSTRING"): _between("WIDEN", "WSTRING", copy_units),
    ("STRING", "USTRING"): _between("WIDEN", "USTRING", copy_units),
    ("WSTRING", "STRING"): _between("NARROW", "STRING", narrow_units),
    ("USTRING", "STRING"): _between("NARROW", "STRING", narrow_units),
    ("WSTRING", "USTRING"): _between("JOIN", "USTRING", join_pairs),
    ("USTRING", "WSTRING"): _between("SPLIT", "WSTRING", split_pairs, _doubled),
}
"""From and to which type."""
