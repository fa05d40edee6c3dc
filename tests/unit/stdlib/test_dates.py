"""The calendar against Python's own, over the whole range of 64 bits of nanoseconds."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from runtime.stdlib.dates import civil, date_of, weekday

DAY = 86_400_000_000_000


@given(st.dates(dt.date(1678, 1, 1), dt.date(2261, 12, 31)))
def test_a_date_has_the_parts_that_made_it(date: dt.date) -> None:
    nanoseconds = date_of(date.year, date.month, date.day)
    assert nanoseconds == (date - dt.date(1970, 1, 1)).days * DAY
    assert civil(nanoseconds + DAY - 1) == date.year * 10_000 + date.month * 100 + date.day
    assert weekday(nanoseconds) == date.isoweekday() % 7


@given(st.integers(1700, 2200), st.integers(-30, 30))
def test_months_beyond_the_year_carry_over(year: int, month: int) -> None:
    carry, rest = divmod(month - 1, 12)
    assert date_of(year, month, 1) == date_of(year + carry, rest + 1, 1)
