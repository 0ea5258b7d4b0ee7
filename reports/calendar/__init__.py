"""Working days in China: weekends, public holidays, and the weekend days that are worked instead (调休).

Pure, over the data in `china.toml`, which a year's announcement adds to. A year that was not announced yet has its
weekends alone, and `announced` says so: whoever counts over it must say that the count may change. It knows no ticket.
"""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["SHANGHAI", "add_working_days", "announced", "day_of", "is_working_day", "source", "working_day_from"]

#: Time in all of China: UTC+8 without summer time since 1991 (a fixed offset needs no zone data on the machine).
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8), "CST")
_SATURDAY = 5
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Year:
    source: str
    off: frozenset[datetime.date]
    work: frozenset[datetime.date]


@cache
def _years() -> dict[int, _Year]:
    said = tomllib.loads((Path(__file__).parent / "china.toml").read_text(encoding="utf-8"))
    return {int(year): _year(table) for year, table in said.items()}


def _year(table: dict[str, list[list[str]]]) -> _Year:
    off: set[datetime.date] = set()
    for first, last in table["off"]:
        day = datetime.date.fromisoformat(first)
        while day <= datetime.date.fromisoformat(last):
            off.add(day)
            day += _DAY
    work = frozenset(datetime.date.fromisoformat(str(day)) for day in table["work"])
    return _Year(str(table["source"]), frozenset(off), work)


def day_of(moment_ms: int) -> datetime.date:
    """The calendar day in China of a moment, in milliseconds since 1970 (UTC)."""
    return datetime.datetime.fromtimestamp(moment_ms / 1000, SHANGHAI).date()


def announced(day: datetime.date) -> bool:
    """Whether the holidays of that day's year are known."""
    return day.year in _years()


def source(day: datetime.date) -> str:
    """The announcement for that day's year; empty where there is none yet."""
    year = _years().get(day.year)
    return year.source if year else ""


def is_working_day(day: datetime.date) -> bool:
    """Whether people work on that day."""
    for year in _years().values():
        if day in year.work:
            return True
        if day in year.off:
            return False
    return day.weekday() < _SATURDAY


def working_day_from(day: datetime.date) -> datetime.date:
    """That day, or the first working day after it: where a period that ends on a day off is taken to end."""
    while not is_working_day(day):
        day += _DAY
    return day


def add_working_days(day: datetime.date, days: int) -> datetime.date:
    """The day that is `days` (at least 0) working days after `day`, which itself does not count."""
    while days > 0:
        day += _DAY
        days -= is_working_day(day)
    return day
