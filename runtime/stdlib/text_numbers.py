"""Numbers and times as strings and back (6.6.2.5.2): INT_TO_STRING, STRING_TO_REAL and their like.

    12 -> '12'   1.0 -> '1.0'   1.5E20 -> '1.5E20'   T#1500ms -> 'T#1s500ms'   D#2024-02-29 -> same

Reading takes what such a literal looks like and stops at the first unit that does not belong to it;
where nothing fits the result is 0. Reals are written in the fewest digits that are read back as the
same number.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from runtime.stdlib.dates import civil, date_of
from runtime.stdlib.decimals import mantissa_of, real_from, shortest
from runtime.stdlib.declare import Parameter
from runtime.stdlib.text import TextFunction, Units

_CLAUSE: Final = "6.6.2.5.2"
_DAY: Final = 86_400_000_000_000
_HOUR: Final = 3_600_000_000_000
_MINUTE: Final = 60_000_000_000
_SECOND: Final = 1_000_000_000
_LETTER_A: Final = 65
_MAX: Final = 0x7FFF_FFFF_FFFF_FFFF


def put_digits(out: Units, at: int, number: int, width: int) -> int:
    """Write the last `width` decimal digits of a number; return where they end."""
    for place in range(width):
        out[at + width - 1 - place] = 48 + number % 10
        number = number // 10
    return at + width


def put_number(out: Units, at: int, number: int) -> int:
    """Write a number from 0 on in decimal; return where it ends."""
    width = 1
    rest = number // 10
    while rest:
        width += 1
        rest = rest // 10
    return put_digits(out, at, number, width)


def put_letters(out: Units, at: int, letters: int, count: int) -> int:
    """Write `count` letters of 8 bits each, the first one highest; return where they end."""
    for place in range(count):
        out[at + place] = letters >> (8 * (count - 1 - place)) & 255
    return at + count


def bool_text(out: Units, _room: int, value: int) -> int:
    """Write TRUE or FALSE."""
    if value:
        return put_letters(out, 0, 0x54525545, 4)
    return put_letters(out, 0, 0x46414C5345, 5)


def put_unsigned(out: Units, at: int, value: int) -> int:
    """Write a number of 64 bits without a sign, given as its bits; return where it ends."""
    half = value >> 1 & _MAX
    tenth = half // 5
    if tenth:
        at = put_number(out, at, tenth)
    return put_digits(out, at, 2 * (half - 5 * tenth) + (value & 1), 1)


def signed_text(out: Units, _room: int, value: int) -> int:
    """Write a signed number in decimal."""
    if value >= 0:
        return put_number(out, 0, value)
    out[0] = 45
    return put_unsigned(out, 1, -value)


def unsigned_text(out: Units, _room: int, value: int) -> int:
    """Write an unsigned number in decimal."""
    return put_unsigned(out, 0, value)


def character_text(out: Units, _room: int, value: int) -> int:
    """Write one code unit."""
    out[0] = value
    return 1


def real_text(out: Units, _room: int, value: float, precision: int) -> int:
    """Write a real in the fewest digits; `precision` is 24 for REAL, 53 for LREAL."""
    if value != value:  # noqa: PLR0124 - only NaN differs from itself
        return put_letters(out, 0, 0x4E614E, 3)
    at = 0
    if math.copysign(1.0, value) < 0.0:  # -0.0 too
        out[0] = 45
        at = 1
        value = -value
    if value - value != 0.0:
        return put_letters(out, put_letters(out, at, 0x496E66, 3), 0x696E697479, 5)
    if value == 0.0:
        return put_letters(out, at, 0x302E30, 3)
    digits, count, power = shortest(value, precision)
    if -5 <= power < 15:  # noqa: PLR2004
        return _put_plain(out, at, digits, count, power)
    at = put_digits(out, at, digits // 10 ** (count - 1), 1)
    out[at] = 46
    at = put_digits(out, at + 1, digits, count - 1) if count > 1 else put_digits(out, at + 1, 0, 1)
    out[at] = 69
    at += 1
    if power < 0:
        out[at] = 45
        at += 1
        power = -power
    return put_number(out, at, power)


def _put_plain(out: Units, at: int, digits: int, count: int, power: int) -> int:
    """Write digits whose first one counts 10 ** power without an exponent."""
    if power < 0:
        at = put_letters(out, at, 0x302E, 2)
        at = put_digits(out, at, 0, -power - 1)
        return put_digits(out, at, digits, count)
    behind = count - 1 - power
    if behind <= 0:
        at = put_digits(out, at, digits, count)
        at = put_digits(out, at, 0, -behind)
        return put_letters(out, at, 0x2E30, 2)
    scale = 10**behind
    at = put_digits(out, at, digits // scale, power + 1)
    out[at] = 46
    return put_digits(out, at + 1, digits % scale, behind)


# -- times --------------------------------------------------------------------------------------


def duration_text(out: Units, _room: int, value: int, letters: int, count: int) -> int:
    """Write a duration behind its prefix, as in T#1h30m; parts that are 0 are left out."""
    at = put_letters(out, 0, letters, count)
    if value == 0:
        return put_letters(out, at, 0x306D73, 3)
    if value < 0:
        out[at] = 45
        at += 1
        if value < -_MAX:
            value += 1  # the magnitude of the least number does not fit
        value = -value
    at = _put_part(out, at, value // _DAY, 0x64, 1)
    at = _put_part(out, at, value // _HOUR % 24, 0x68, 1)
    at = _put_part(out, at, value // _MINUTE % 60, 0x6D, 1)
    at = _put_part(out, at, value // _SECOND % 60, 0x73, 1)
    at = _put_part(out, at, value // 1_000_000 % 1000, 0x6D73, 2)
    at = _put_part(out, at, value // 1000 % 1000, 0x7573, 2)
    return _put_part(out, at, value % 1000, 0x6E73, 2)


def _put_part(out: Units, at: int, number: int, letters: int, count: int) -> int:
    if number == 0:
        return at
    return put_letters(out, put_number(out, at, number), letters, count)


def date_text(out: Units, _room: int, value: int, letters: int, count: int) -> int:
    """Write a date behind its prefix."""
    return _put_date(out, put_letters(out, 0, letters, count), value)


def clock_text(out: Units, _room: int, value: int, letters: int, count: int) -> int:
    """Write a time of day behind its prefix."""
    return _put_clock(out, put_letters(out, 0, letters, count), value)


def moment_text(out: Units, _room: int, value: int, letters: int, count: int) -> int:
    """Write date and time behind their prefix."""
    at = _put_date(out, put_letters(out, 0, letters, count), value)
    out[at] = 45
    return _put_clock(out, at + 1, value)


def _put_date(out: Units, at: int, value: int) -> int:
    day = civil(value)
    at = put_digits(out, at, day // 10_000, 4)
    out[at] = 45
    at = put_digits(out, at + 1, day // 100, 2)
    out[at] = 45
    return put_digits(out, at + 1, day, 2)


def _put_clock(out: Units, at: int, value: int) -> int:
    at = put_digits(out, at, value % _DAY // _HOUR, 2)
    out[at] = 58
    at = put_digits(out, at + 1, value % _HOUR // _MINUTE, 2)
    out[at] = 58
    at = put_digits(out, at + 1, value % _MINUTE // _SECOND, 2)
    fraction = value % _SECOND
    if fraction == 0:
        return at
    out[at] = 46
    if fraction % 1_000_000 == 0:
        return put_digits(out, at + 1, fraction // 1_000_000, 3)
    if fraction % 1000 == 0:
        return put_digits(out, at + 1, fraction // 1000, 6)
    return put_digits(out, at + 1, fraction, 9)


# -- reading ------------------------------------------------------------------------------------


def upper_at(text: Units, length: int, at: int) -> int:
    """Return the unit at a place in upper case, 0 beyond the end."""
    if at >= length:
        return 0
    unit: int = 0 + text[at]
    return unit - 32 if 97 <= unit <= 122 else unit  # noqa: PLR2004


def skip_blanks(text: Units, length: int) -> int:
    """Return the place of the first unit that is no blank."""
    at = 0
    while at < length and text[at] == 32:  # noqa: PLR2004
        at += 1
    return at


def behind_prefix(text: Units, length: int) -> int:
    """Return the place behind a prefix such as T# or DATE#, or behind blanks only."""
    start = skip_blanks(text, length)
    at = start
    while _LETTER_A <= upper_at(text, length, at) <= 95:  # noqa: PLR2004 - letters and underscore
        at += 1
    return at + 1 if upper_at(text, length, at) == 35 else start  # noqa: PLR2004


def digit_at(text: Units, length: int, at: int) -> int:
    """Return the value of a digit up to F, or 99."""
    unit = upper_at(text, length, at)
    if 48 <= unit <= 57:  # noqa: PLR2004
        return unit - 48
    if _LETTER_A <= unit <= 70:  # noqa: PLR2004
        return unit - 55
    return 99


def end_of_digits(text: Units, length: int, at: int) -> int:
    """Return the place behind a run of decimal digits."""
    while digit_at(text, length, at) < 10:  # noqa: PLR2004
        at += 1
    return at


def number_between(text: Units, length: int, at: int, end: int, base: int) -> int:
    """Return the number of the digits from `at` to `end`, modulo 2 ** 64."""
    total = 0
    for place in range(at, end):
        total = total * base + digit_at(text, length, place)
    return total


def read_bool(text: Units, length: int) -> int:
    """Return 1 for TRUE in any case or a number that is not 0."""
    at = skip_blanks(text, length)
    letters = 0
    for place in range(4):
        letters = letters * 256 + upper_at(text, length, at + place)
    if letters == 0x54525545:  # noqa: PLR2004 - TRUE
        return 1
    return 1 if read_whole(text, length) != 0 else 0


def read_unit(text: Units, length: int) -> int:
    """Return the first code unit, 0 where there is none."""
    return 0 + text[0] if length > 0 else 0


def read_whole(text: Units, length: int) -> int:
    """Return a whole number: a sign, then digits, or a base, # and digits of it."""
    at = skip_blanks(text, length)
    negative = upper_at(text, length, at) == 45  # noqa: PLR2004
    if negative or upper_at(text, length, at) == 43:  # noqa: PLR2004
        at += 1
    end = end_of_digits(text, length, at)
    base = 10
    if upper_at(text, length, end) == 35:  # noqa: PLR2004
        written = number_between(text, length, at, end, 10)
        if written == 2 or written == 8 or written == 16:  # noqa: PLR1714, PLR2004 - for numba
            base = written
            at = end + 1
            end = at
            while digit_at(text, length, end) < base:
                end += 1
    total = number_between(text, length, at, end, base)
    return -total if negative else total


def read_real(text: Units, length: int) -> float:
    """Return a real number: sign, digits, fraction, exponent."""
    at = skip_blanks(text, length)
    negative = upper_at(text, length, at) == 45  # noqa: PLR2004
    if negative or upper_at(text, length, at) == 43:  # noqa: PLR2004
        at += 1
    end = end_of_digits(text, length, at)
    digits, dropped = mantissa_of(text, at, end, 0, 0)
    power = dropped
    if upper_at(text, length, end) == 46:  # noqa: PLR2004
        start = end + 1
        end = end_of_digits(text, length, start)
        digits, dropped = mantissa_of(text, start, end, digits, dropped)
        power = dropped - (end - start)
    if upper_at(text, length, end) == 69:  # noqa: PLR2004
        start = end + 1
        down = upper_at(text, length, start) == 45  # noqa: PLR2004
        if down or upper_at(text, length, start) == 43:  # noqa: PLR2004
            start += 1
        last = min(end_of_digits(text, length, start), start + 5)
        exponent = number_between(text, length, start, last, 10)
        power += -exponent if down else exponent
    value = real_from(digits, power)
    return -value if negative else value


def read_duration(text: Units, length: int) -> int:
    """Return nanoseconds of a duration such as T#1h30m or 1.5s."""
    at = behind_prefix(text, length)
    negative = upper_at(text, length, at) == 45  # noqa: PLR2004
    if negative:
        at += 1
    total = 0
    while digit_at(text, length, at) < 10:  # noqa: PLR2004
        end = end_of_digits(text, length, at)
        whole = number_between(text, length, at, end, 10)
        start = end
        if upper_at(text, length, end) == 46:  # noqa: PLR2004
            start = end + 1
            end = end_of_digits(text, length, start)
        unit = unit_at(text, length, end)
        if unit == 0:
            break
        total += whole * unit
        for place in range(start, end):
            unit = unit // 10
            total += digit_at(text, length, place) * unit
        at = end + 1 if upper_at(text, length, end + 1) != 83 else end + 2  # noqa: PLR2004
        if upper_at(text, length, at) == 95:  # noqa: PLR2004
            at += 1
    return -total if negative else total


def unit_at(text: Units, length: int, at: int) -> int:
    """Return the nanoseconds of the unit at a place, 0 where there is none."""
    first = upper_at(text, length, at)
    if upper_at(text, length, at + 1) == 83:  # noqa: PLR2004 - two letters: MS, US, NS
        return 1_000_000 if first == 77 else 1000 if first == 85 else 1 if first == 78 else 0  # noqa: PLR2004
    if first == 68:  # noqa: PLR2004
        return _DAY
    if first == 72:  # noqa: PLR2004
        return _HOUR
    return _MINUTE if first == 77 else _SECOND if first == 83 else 0  # noqa: PLR2004


def read_moment(text: Units, length: int, has_date: int, has_clock: int) -> int:
    """Return a date, a time of day or both, spelt as their literals."""
    at = behind_prefix(text, length)
    total = 0
    if has_date:
        end = end_of_digits(text, length, at)
        year = number_between(text, length, at, min(end, at + 4), 10)
        at = end + 1
        end = end_of_digits(text, length, at)
        month = number_between(text, length, at, min(end, at + 4), 10)
        at = end + 1
        end = end_of_digits(text, length, at)
        total = date_of(year, month, number_between(text, length, at, min(end, at + 4), 10))
        at = end + 1
    if has_clock:
        unit = _HOUR
        for _ in range(3):
            end = end_of_digits(text, length, at)
            total += number_between(text, length, at, min(end, at + 4), 10) * unit
            unit = unit // 60
            at = end + 1
        if upper_at(text, length, end) == 46:  # noqa: PLR2004
            unit = _SECOND
            for place in range(at, end_of_digits(text, length, at)):
                unit = unit // 10
                total += digit_at(text, length, place) * unit
    return total


# -- declarations -------------------------------------------------------------------------------


def _fixed(units: int) -> Callable[[Sequence[int]], int]:
    return lambda _capacities: units


def _writer(name: str, parameters: tuple[str, ...], body: Callable[..., Any], units: int) -> Any:
    declared = tuple(Parameter(f"P{number}", kind) for number, kind in enumerate(parameters))
    return TextFunction(f"write.{name}", _CLAUSE, declared, "TEXT", body, _fixed(units))


def _reader(name: str, body: Callable[..., Any], result: str = "LINT", more: int = 0) -> Any:
    declared = (Parameter("IN", "TEXT"), *(Parameter(f"P{n}", "LINT") for n in range(more)))
    return TextFunction(f"read.{name}", _CLAUSE, declared, result, body)


WRITE_BOOL: Final = _writer("BOOL", ("LINT",), bool_text, 5)
WRITE_SIGNED: Final = _writer("SIGNED", ("LINT",), signed_text, 21)
WRITE_UNSIGNED: Final = _writer("UNSIGNED", ("LINT",), unsigned_text, 21)
WRITE_CHARACTER: Final = _writer("CHARACTER", ("LINT",), character_text, 1)
WRITE_REAL: Final = _writer("REAL", ("LREAL", "LINT"), real_text, 32)
WRITE_DURATION: Final = _writer("DURATION", ("LINT", "LINT", "LINT"), duration_text, 48)
WRITE_DATE: Final = _writer("DATE", ("LINT", "LINT", "LINT"), date_text, 20)
WRITE_CLOCK: Final = _writer("CLOCK", ("LINT", "LINT", "LINT"), clock_text, 26)
WRITE_MOMENT: Final = _writer("MOMENT", ("LINT", "LINT", "LINT"), moment_text, 40)
READ_BOOL: Final = _reader("BOOL", read_bool)
READ_UNIT: Final = _reader("UNIT", read_unit)
READ_WHOLE: Final = _reader("WHOLE", read_whole)
READ_REAL: Final = _reader("REAL", read_real, "LREAL")
READ_DURATION: Final = _reader("DURATION", read_duration)
READ_MOMENT: Final = _reader("MOMENT", read_moment, more=2)
