"""Working days in China: weekends, holidays, weekend days that are worked, and years that nobody has announced yet."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.calendar import add_working_days, announced, day_of, is_working_day, source, working_day_from

Day = datetime.date


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (Day(2025, 10, 1), False),  # a Wednesday, National Day
        (Day(2025, 10, 8), False),  # a Wednesday, the last of the eight days
        (Day(2025, 9, 28), True),  # a Sunday, worked instead
        (Day(2025, 10, 11), True),  # a Saturday, worked instead
        (Day(2025, 10, 12), False),  # an ordinary Sunday
        (Day(2026, 2, 14), True),  # a Saturday before the Spring Festival
        (Day(2026, 2, 16), False),  # a Monday in it
        (Day(2026, 2, 24), True),
        (Day(2023, 12, 30), False),  # announced with the year after
        (Day(2024, 1, 2), True),
    ],
)
def test_a_day_is_worked_or_not_as_announced(day: Day, works: bool) -> None:
    assert is_working_day(day) is works


def test_a_worked_weekend_day_is_a_weekend_day_and_a_day_off_lasts_no_longer_than_announced() -> None:
    for year in (2024, 2025, 2026):
        days = [Day(year, 1, 1) + datetime.timedelta(days=n) for n in range(365)]
        worked = [day for day in days if is_working_day(day) and day.weekday() > 4]
        assert all(announced(day) and source(day) for day in days)
        assert 5 <= len(worked) <= 8


def test_a_period_that_ends_on_a_day_off_ends_on_the_next_working_day() -> None:
    assert working_day_from(Day(2025, 10, 3)) == Day(2025, 10, 9)
    assert working_day_from(Day(2025, 10, 9)) == Day(2025, 10, 9)


def test_five_working_days_over_the_national_holiday() -> None:
    assert add_working_days(Day(2025, 9, 26), 5) == Day(2025, 10, 10)


def test_an_unannounced_year_has_its_weekends_and_says_so() -> None:
    assert not announced(Day(2031, 10, 1))
    assert source(Day(2031, 10, 1)) == ""
    assert is_working_day(Day(2031, 10, 1))
    assert not is_working_day(Day(2031, 10, 4))


def test_a_moment_belongs_to_the_day_in_china() -> None:
    moment = datetime.datetime(2026, 2, 28, 15, 59, 59, tzinfo=datetime.UTC)
    assert day_of(round(moment.timestamp() * 1000)) == Day(2026, 2, 28)
    assert day_of(round(moment.timestamp() * 1000) + 1000) == Day(2026, 3, 1)


@given(st.dates(Day(2024, 1, 1), Day(2026, 11, 1)), st.integers(1, 30))
def test_working_days_are_counted_one_by_one(day: Day, days: int) -> None:
    end = add_working_days(day, days)
    between = [day + datetime.timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert is_working_day(end)
    assert sum(map(is_working_day, between)) == days
