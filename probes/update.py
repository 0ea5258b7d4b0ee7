"""Whether the phone's system is behind, or is a build that is known to be faulty.

What is known of builds is the shop's policy and comes as settings of the check; the phone says what it runs. How old
its security patches are counts from today by the bench's clock, or from the day on which a bug report was taken.
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal

from drivers.api import Shell
from drivers.text import Words
from probes import getprop
from probes.answers import Heard, hear, reading
from probes.api import Bench, Measurement, NotRun, Reading, Unread, probe
from probes.units import FLAG, TEXT

__all__ = ["age_of_patch", "faulty_build", "update"]

_FUTURE = Words("its date lies ahead of the day it is held against: {date}", "日期晚于比对日期：{date}")
_UNDATED = Words("the bug report does not say when it was taken", "错误报告未注明采集时间")
_NO_DATE = Words("it is no date: {date}", "不是有效日期：{date}")
_UNKNOWN_MODEL = Words("the shop's list has no newest build for this model", "网点清单未列出此机型的最新版本")
_NOTHING = Words("the phone tells neither its build nor its patch level", "手机未提供系统版本与补丁级别")


def age_of_patch(text: str, today: datetime.date) -> int | Words:
    """Days since a patch level (`YYYY-MM-DD`, Android CDD 14, 3.2.2), or why that can't be said."""
    try:
        patch = datetime.date.fromisoformat(text.strip())
    except ValueError:
        return _NO_DATE.fill(date=text)
    days = (today - patch).days
    return days if days >= 0 else _FUTURE.fill(date=text)


def faulty_build(build: str, fingerprint: str, known: Mapping[str, str]) -> str | None:
    """Why the build is on the list of faulty ones: an entry is a whole build id or the beginning of a fingerprint."""
    for entry, why in known.items():
        if entry and (entry == build or fingerprint.startswith(entry)):
            return why
    return None


def _day(recorded: str) -> tuple[datetime.date | None, str]:
    """The day that ages count to and what it is called: that of a recording where there is one; None without a date."""
    if not recorded:
        return datetime.date.today(), "the bench's date"
    try:
        day = datetime.date.fromisoformat(recorded[:10])
    except ValueError:
        return None, "the bug report's date"
    return day, f"the bug report's date, {day}"


def _patch(said: Heard, recorded: str) -> Iterator[Reading]:
    text = said.get("security_patch")
    if not text:
        yield Unread("patch_age", said.reason("security_patch"), said.source)
        return
    day, which = _day(recorded)
    source = f"getprop ro.build.version.security_patch, {which}"
    age = _UNDATED if day is None else age_of_patch(str(text), day)
    yield Unread("patch_age", age, source) if isinstance(age, Words) else Measurement("patch_age", Decimal(age), source)


@probe(
    "android.update",
    needs=Shell,
    reads=(getprop.READ,),
    measures={
        "build": TEXT,
        "os_version": TEXT,
        "patch_age": "d",
        "newest": FLAG,
        "newest_build": TEXT,
        "faulty": FLAG,
        "why_faulty": TEXT,
    },
    names={
        "patch_age": Words("age of the security patches", "安全补丁距今"),
        "newest": Words("newest build known", "已是最新版本"),
        "newest_build": Words("newest build", "最新版本"),
        "faulty": Words("build known to be faulty", "已知有问题的版本"),
        "why_faulty": Words("what is known of the build", "该版本的已知问题"),
    },
)
async def update(
    bench: Bench,
    *,
    newest: tuple[tuple[str, str], ...] = (),
    faulty: tuple[tuple[str, str], ...] = (),
) -> AsyncIterator[Reading]:
    """Build, version and age of the security patches, against what is known of builds.

    Settings: `newest`, pairs of a model and its newest build; `faulty`, pairs of a build, by its id or the beginning of
    its fingerprint, and what is wrong with it.
    """
    said = hear(bench, getprop.READ, getprop.getprop)
    build = str(said.get("build_id") or "")
    if not build and not said.get("security_patch"):
        raise NotRun(_NOTHING)
    yield reading("build", said, "build_id")
    yield reading("os_version", said, "release")
    for each in _patch(said, bench.ticket.get("recorded", "")):
        yield each
    known = dict(newest).get(str(said.get("model") or ""))
    if known is None:
        yield Unread("newest", _UNKNOWN_MODEL, "settings of the check")
    else:
        yield Measurement("newest", build == known, "settings of the check")
        yield Measurement("newest_build", known, "settings of the check")
    why = faulty_build(build, str(said.get("fingerprint") or ""), dict(faulty))
    yield Measurement("faulty", why is not None, "settings of the check")
    if why is not None:
        yield Measurement("why_faulty", why, "settings of the check")
