"""How a period is counted: day 0, corresponding days, days away in repair, a last day on a holiday.

Stands on 中华人民共和国民法典 Art. 201-203 and on the Chinese calendar. It knows no rule of any warranty.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from reports.calendar import announced, working_day_from

__all__ = ["Away", "Period", "days_away", "last_day_in", "period", "plus_months"]

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Away:
    """A stay at the repairer, repair and waiting for parts alike.

    Attributes:
        handed_in, back: the day it was brought and the day it could be fetched; `back` is not before `handed_in`.
        row: the row of the fault table that it was for; empty for a fault that is not listed.
    """

    handed_in: datetime.date
    back: datetime.date
    row: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """A period in months as it came out.

    Attributes:
        start: day 0.
        nominal: the corresponding day of the last month.
        deducted: days away that were added.
        extended: `nominal` and the days added.
        end: the last day; `extended`, or where that is a day off the next working day.
        certain: the holidays of the year of the end are announced.
    """

    start: datetime.date
    nominal: datetime.date
    deducted: int
    extended: datetime.date
    end: datetime.date
    certain: bool


def plus_months(day: datetime.date, months: int) -> datetime.date:
    """The corresponding day so many months later, or that month's last day (民法典 Art. 202): 29 Feb + 12 is 28 Feb."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def last_day_in(start: datetime.date, days: int) -> datetime.date:
    """The last day of a period of days: the first is not counted (Art. 201), a last one off moves (Art. 203)."""
    return working_day_from(start + days * _DAY)


def _stretches(
    stays: Iterable[Away], after: datetime.date, until: datetime.date
) -> list[tuple[datetime.date, datetime.date]]:
    """Stays as stretches that don't overlap, oldest first, cut to what lies between the two days."""
    found: list[tuple[datetime.date, datetime.date]] = []
    for stay in sorted(stays, key=lambda one: one.handed_in):
        first, last = max(stay.handed_in, after), min(stay.back, until)
        if last <= first:
            continue
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def days_away(stays: Iterable[Away], after: datetime.date, until: datetime.date) -> int:
    """Days at the repairer between the two days, each counted once.

    The day of handing in is not counted, the day it was back is (Art. 201): in and out on one day is none.
    """
    return sum((last - first).days for first, last in _stretches(stays, after, until))


def period(start: datetime.date, months: int, stays: Iterable[Away] = ()) -> Period:
    """A period of months from `start`, with the days away that began in it added."""
    nominal = extended = plus_months(start, months)
    for first, last in _stretches(stays, start, datetime.date.max):
        if first <= working_day_from(extended):
            extended += last - first
    end = working_day_from(extended)
    return Period(start, nominal, (extended - nominal).days, extended, end, announced(end))
