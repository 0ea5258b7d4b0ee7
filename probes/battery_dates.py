"""The dates that batteries carry, in the forms that phones print them: seconds since 1970, `YYYYMMDD`, `YYYY-MM-DD`.

A pure function; what no battery can have, and the makers' marks for "not set", are no date.
"""

from __future__ import annotations

import datetime
import re

__all__ = ["day"]

#: Before it there was no phone with such a gauge; after it a clock is wrong.
_FIRST, _LAST = datetime.date(2005, 1, 1), datetime.date(2100, 1, 1)
_WRITTEN = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})", re.ASCII)


def day(value: object) -> str | None:
    """`value` (text or whole number) as `YYYY-MM-DD` in UTC; None when it is no date of a battery.

    `YYYYMMDD` is read before seconds: as seconds those eight digits would be a day in 1970.
    """
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if len(text) > 19 or not text:
        return None
    try:
        if written := _WRITTEN.fullmatch(text):
            found = datetime.date(int(written[1]), int(written[2]), int(written[3]))
        elif text.isascii() and text.isdigit() and len(text) <= 11:
            found = datetime.datetime.fromtimestamp(int(text), tz=datetime.UTC).date()
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return found.isoformat() if _FIRST <= found < _LAST else None
