"""Dates and times from parts and into parts (6.6.2.5.7, table 36).

Bodies work on nanoseconds in 64 bits; a part beyond its range carries over, so month 13 is January
of the next year. All are native: numba compiles the one text that the interpreter calls.
"""

from collections.abc import Callable
from typing import Final

from runtime.datatypes.elementary import Scalar
from runtime.stdlib.declare import Parameter, StandardFunction

_CLAUSE: Final = "6.6.2.5.7"
_DAY: Final = 86_400_000_000_000
_SECOND: Final = 1_000_000_000
_MILLISECOND: Final = 1_000_000


def days_of(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 in the Gregorian calendar; years begin in March inside."""
    turned = month - 3
    whole = year + turned // 12
    in_month = turned % 12
    era = whole // 400
    year_of_era = whole - era * 400
    day_of_year = (153 * in_month + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468


def date_of(year: int, month: int, day: int) -> int:
    """Return a date from its parts."""
    return days_of(year, month, day) * _DAY


def clock_of(hour: int, minute: int, second: int, millisecond: int) -> int:
    """Return a time of day from its parts, modulo 24 hours."""
    seconds = hour % 24 * 3600 + minute % 1440 * 60 + second % 86_400
    return (seconds * _SECOND + millisecond % 86_400_000 * _MILLISECOND) % _DAY


def moment_of(  # noqa: PLR0913, PLR0917 - the parts of CONCAT_DT
    year: int, month: int, day: int, hour: int, minute: int, second: int, millisecond: int
) -> int:
    """Return date and time from their parts."""
    seconds = hour * 3600 + minute * 60 + second
    return days_of(year, month, day) * _DAY + seconds * _SECOND + millisecond * _MILLISECOND


def joined(date: int, clock: int) -> int:
    """Return a date and a time of day as one."""
    return date + clock


def weekday(date: int) -> int:
    """Return 0 for Sunday to 6 for Saturday; 1970-01-01 was a Thursday."""
    return (date // _DAY + 4) % 7


def civil(moment: int) -> int:
    """Return year * 10000 + month * 100 + day."""
    days = moment // _DAY + 719_468
    era = days // 146_097
    day_of_era = days - era * 146_097
    leap_days = day_of_era // 1460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = (day_of_era - leap_days) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    in_march_year = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * in_march_year + 2) // 5 + 1
    month = in_march_year + 3 if in_march_year < 10 else in_march_year - 9  # noqa: PLR2004
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)  # noqa: PLR2004
    return year * 10_000 + month * 100 + day


def year_part(moment: int) -> int:
    """Return the year."""
    return civil(moment) // 10_000


def month_part(moment: int) -> int:
    """Return the month, 1 to 12."""
    return civil(moment) // 100 % 100


def day_part(moment: int) -> int:
    """Return the day of the month, 1 to 31."""
    return civil(moment) % 100


def hour_part(moment: int) -> int:
    """Return the hour, 0 to 23."""
    return moment % _DAY // (3600 * _SECOND)


def minute_part(moment: int) -> int:
    """Return the minute, 0 to 59."""
    return moment % _DAY // (60 * _SECOND) % 60


def second_part(moment: int) -> int:
    """Return the second, 0 to 59."""
    return moment % _DAY // _SECOND % 60


def millisecond_part(moment: int) -> int:
    """Return the millisecond, 0 to 999."""
    return moment % _SECOND // _MILLISECOND


def _from_parts(
    name: str, parts: tuple[str, ...], result: str, body: Callable[..., Scalar]
) -> StandardFunction:
    parameters = tuple(Parameter(part, "LINT") for part in parts)
    return StandardFunction(name, _CLAUSE, parameters, result, body, native=True)


def _part(name: str, body: Callable[..., Scalar]) -> StandardFunction:
    return StandardFunction(
        f"part.{name}", _CLAUSE, (Parameter("IN", "LDT"),), "LINT", body, native=True
    )


_DATE_PARTS: Final = ("YEAR", "MONTH", "DAY")
_CLOCK_PARTS: Final = ("HOUR", "MINUTE", "SECOND", "MILLISECOND")

FUNCTIONS: Final = (
    _from_parts("CONCAT_DATE", _DATE_PARTS, "DATE", date_of),
    _from_parts("CONCAT_LDATE", _DATE_PARTS, "LDATE", date_of),
    _from_parts("CONCAT_TOD", _CLOCK_PARTS, "TOD", clock_of),
    _from_parts("CONCAT_LTOD", _CLOCK_PARTS, "LTOD", clock_of),
    _from_parts("CONCAT_DT", (*_DATE_PARTS, *_CLOCK_PARTS), "DT", moment_of),
    _from_parts("CONCAT_LDT", (*_DATE_PARTS, *_CLOCK_PARTS), "LDT", moment_of),
    *(
        StandardFunction(
            name, _CLAUSE, (Parameter("DATE", date), Parameter(clock, clock)), result, joined,
            native=True,
        )
        for name, date, clock, result in (
            ("CONCAT_DATE_TOD", "DATE", "TOD", "DT"),
            ("CONCAT_DATE_LTOD", "LDATE", "LTOD", "LDT"),
        )
    ),
    StandardFunction(
        "DAY_OF_WEEK", _CLAUSE, (Parameter("IN", "LDATE"),), "USINT", weekday, native=True
    ),
)  # fmt: skip

_BODIES: Final[dict[str, Callable[[int], int]]] = {
    "YEAR": year_part,
    "MONTH": month_part,
    "DAY": day_part,
    "HOUR": hour_part,
    "MINUTE": minute_part,
    "SECOND": second_part,
    "MILLISECOND": millisecond_part,
}
_PARTS: Final = {name: _part(name, body) for name, body in _BODIES.items()}


def _split(*names: str) -> dict[str, StandardFunction]:
    return {name: _PARTS[name] for name in names}


SPLITS: Final[dict[str, tuple[str, dict[str, StandardFunction]]]] = {
    "SPLIT_DATE": ("LDATE", _split(*_DATE_PARTS)),
    "SPLIT_LDATE": ("LDATE", _split(*_DATE_PARTS)),
    "SPLIT_TOD": ("LTOD", _split(*_CLOCK_PARTS)),
    "SPLIT_LTOD": ("LTOD", _split(*_CLOCK_PARTS)),
    "SPLIT_DT": ("LDT", _split(*_DATE_PARTS, *_CLOCK_PARTS)),
    "SPLIT_LDT": ("LDT", _split(*_DATE_PARTS, *_CLOCK_PARTS)),
}
"""Functions without a result: the type of IN, and the outputs with the function that gives each."""
