"""Literals (6.3): from their spelling to a value, and to a type where the spelling names one."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from runtime.datatypes.elementary import (
    BOOL,
    DATE,
    ELEMENTARY,
    LDATE,
    LONG_NAMES,
    LTIME,
    TIME,
    Elementary,
    Kind,
    Scalar,
    round_to_real,
)


class LiteralError(Exception):
    """A literal that means nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class LiteralValue:
    """What a literal denotes; `type` is None where the context decides (42, 1.5)."""

    value: Scalar
    type: Elementary | None


_DATE: Final = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?")
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_DURATION_NAMES: Final = {"T": TIME, "TIME": TIME, "LT": LTIME, "LTIME": LTIME}
_SHORT_NAMES: Final = {"D": DATE, "LD": LDATE}
_UNITS_NS: Final = {
    "D": 86_400 * 10**9,
    "H": 3_600 * 10**9,
    "M": 60 * 10**9,
    "S": 10**9,
    "MS": 10**6,
    "US": 10**3,
    "NS": 1,
}
_ORDER: Final = list(_UNITS_NS)
_PART: Final = re.compile(r"(\d+(?:_\d+)*)(?:\.(\d+(?:_\d+)*))?(D|H|MS|M|S|US|NS)_?")
_DIGITS: Final = re.compile(r"\d+(_\d+)*")
_REAL: Final = re.compile(r"([+-]?\d+(?:_\d+)*)\.(\d+(?:_\d+)*)(E[+-]?\d+)?")
_DIGITS_MAX: Final = 64
_FRACTION_MAX: Final = 30
"""Digits of a fraction that count: a day has 14 digits of nanoseconds."""
_WHOLE_MAX: Final = (1 << 64) - 1
_BASES: Final = {"2": "01", "8": "01234567", "16": "0123456789ABCDEF"}


def parse_literal(kind: str, text: str) -> LiteralValue:
    """Return what a literal of the lexer denotes.

    Args:
        kind: integer, real, bool or typed.
        text: Its spelling.

    Raises:
        LiteralError: It is malformed or does not fit the type it names.
    """
    spelling = text.upper()
    if kind == "bool":
        return LiteralValue(spelling == "TRUE", BOOL)
    if kind == "integer":
        return LiteralValue(_integer(spelling), None)
    if kind == "real":
        return LiteralValue(_real(spelling), None)
    prefix, _, rest = spelling.partition("#")
    if prefix in _DURATION_NAMES:
        return LiteralValue(parse_duration(rest), _DURATION_NAMES[prefix])
    data_type = _SHORT_NAMES.get(prefix) or LONG_NAMES.get(prefix) or ELEMENTARY.get(prefix)
    if data_type is None:
        raise LiteralError(f"{prefix} is not a type that literals can have")
    return LiteralValue(_typed(rest, data_type), data_type)


def _typed(text: str, data_type: Elementary) -> Scalar:
    if data_type.kind is Kind.BOOL:
        if text in {"TRUE", "FALSE", "1", "0"}:
            return text in {"TRUE", "1"}
        raise LiteralError(f"{text} is not a BOOL: expected TRUE, FALSE, 1 or 0")
    if data_type.is_calendar:
        return parse_calendar(text.replace("_", ""), data_type)
    if data_type.kind is Kind.REAL:
        value = _real(text) if "." in text else float(_integer(text))
        return round_to_real(value) if data_type.size == 4 else value  # noqa: PLR2004
    number = _integer(text)
    if not data_type.minimum <= number <= data_type.maximum:
        raise LiteralError(
            f"{text} does not fit {data_type}: expected {data_type.minimum} to {data_type.maximum}"
        )
    return number


def _integer(text: str) -> int:
    """Return the value of `-42`, `1_000` or `16#FF`."""
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    base, mark, rest = digits.partition("#")
    if not mark:
        if not _DIGITS.fullmatch(digits):
            raise LiteralError(f"{text} is not a whole number")
        return sign * _number(digits.replace("_", ""), 10)
    if base not in _BASES:
        raise LiteralError(f"base {base} is not known: expected 2, 8 or 16")
    plain = rest.replace("_", "")
    wrong = next((letter for letter in plain if letter not in _BASES[base]), None)
    if wrong is not None or not plain or "__" in rest or rest[0] == "_" or rest[-1] == "_":
        detail = f"{wrong!r} is not a digit of base {base}" if wrong else "misplaced underscore"
        raise LiteralError(f"{text} is not a number: {detail}")
    return sign * _number(plain, int(base))


def _number(digits: str, base: int) -> int:
    """Return the value of digits, which no integer type may be too narrow for."""
    plain = digits.lstrip("0") or "0"
    value = int(plain, base) if len(plain) <= _DIGITS_MAX else _WHOLE_MAX + 1
    if value > _WHOLE_MAX:
        raise LiteralError(f"a number of {len(plain)} digits does not fit 64 bits")
    return value


def _real(text: str) -> float:
    if not _REAL.fullmatch(text):
        raise LiteralError(f"{text} is not a real number: expected digits such as 1.5E-3")
    return float(text.replace("_", ""))


def parse_duration(text: str) -> int:
    """Return nanoseconds of the part behind `T#`, such as 1h30m or -1.5s (table 8).

    Raises:
        LiteralError: A unit is unknown, repeated or out of order, or a fraction is not last.
    """
    sign = -1 if text.startswith("-") else 1
    body = text.lstrip("+-").upper()
    at, total, last = 0, 0, -1
    fraction_seen = False
    while at < len(body):
        part = _PART.match(body, at)
        if part is None:
            raise LiteralError(f"{body[at:]} is not a duration: expected parts such as 1h30m, 1.5s")
        unit = part[3]
        if _ORDER.index(unit) <= last or fraction_seen:
            raise LiteralError(f"{unit.lower()} is out of order in the duration {text.lower()}")
        last = _ORDER.index(unit)
        total += _number(part[1].replace("_", ""), 10) * _UNITS_NS[unit]
        if part[2] is not None:
            fraction_seen = True
            digits = part[2].replace("_", "")[:_FRACTION_MAX]
            total += int(digits) * _UNITS_NS[unit] // 10 ** len(digits)
        at = part.end()
    if last < 0:
        raise LiteralError("a duration needs at least one part such as 10ms")
    value = sign * total
    if not TIME.minimum <= value <= TIME.maximum:
        raise LiteralError(f"the duration {text.lower()} is beyond 64 bits of nanoseconds")
    return value


def parse_calendar(text: str, data_type: Elementary) -> int:
    """Return nanoseconds of a date, a time of day or both, such as 2024-02-29-13:14:15.25.

    Dates count from 1970-01-01, times of day from midnight (table 9).

    Raises:
        LiteralError: It is malformed, or there is no such day or time.
    """
    if data_type.kind is Kind.TIME_OF_DAY:
        value = _clock(text)
    elif data_type.kind is Kind.DATE:
        value = _date(text)
    else:
        day, _, clock = text.replace("T", "-").rpartition("-")
        value = _date(day) + _clock(clock)
    if not data_type.minimum <= value <= data_type.maximum:
        raise LiteralError(f"{text} is beyond 64 bits of nanoseconds: expected 1678 to 2261")
    return value


def _date(text: str) -> int:
    match = _DATE.fullmatch(text)
    if match is None:
        raise LiteralError(f"{text} is no date: expected YEAR-MONTH-DAY such as 2024-02-29")
    try:
        day = dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise LiteralError(f"there is no day {text}: {error}") from None
    return (day.toordinal() - _EPOCH) * _UNITS_NS["D"]


def _clock(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise LiteralError(
            f"{text} is no time of day: expected HOUR:MINUTE:SECOND such as 13:14:15.25"
        )
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - the limits of a clock
        raise LiteralError(f"there is no time {text}: expected 00:00:00 to 23:59:59")
    fraction = int((match[4] or "").ljust(9, "0")[:9])
    return ((hour * 60 + minute) * 60 + second) * _UNITS_NS["S"] + fraction
