"""Values of several registers: words to a raw value and back, in either word order."""

from collections.abc import Sequence
from typing import Final

_WORD_BITS: Final = 16
_WORD: Final = (1 << _WORD_BITS) - 1


def join_words(words: Sequence[int], *, big: bool) -> int:
    """Return the raw value of registers; `big` has the most significant one first."""
    raw = 0
    for word in words if big else reversed(words):
        raw = raw << _WORD_BITS | word
    return raw


def split_words(raw: int, count: int, *, big: bool) -> tuple[int, ...]:
    """Return the `count` registers of a raw value; `big` has the most significant one first."""
    places = range(count - 1, -1, -1) if big else range(count)
    return tuple(raw >> _WORD_BITS * place & _WORD for place in places)
