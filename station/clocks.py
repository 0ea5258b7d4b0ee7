"""Service clocks: how long the customer has waited for the shop, without the time that the shop waited itself.

A pure function over a ticket's records and the states they lead to. Time while parts or the customer are waited for, or
while the phone is at the factory, does not count; a person may stop the clocks by a signed record where no state does.
It reads no clock: what time it is comes in.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from drivers.text import Words
from reports.attest import Record
from reports.calendar import SHANGHAI, is_working_day
from reports.predicates import Common
from reports.steps.clock import ClockV1
from reports.steps.notice import NoticeV1
from station.session import Session
from station.states import State, states_of

__all__ = ["Hours", "Limit", "Reading", "Stretch", "clocks", "counted_ms", "timeline", "union"]

_HOUR_MS: Final = 3_600_000
_DAY: Final = datetime.timedelta(days=1)
#: A clock that ran longer than this was set wrong by somebody: its working time is not counted day by day.
_LONGEST_MS: Final = 20 * 366 * 24 * _HOUR_MS

#: What each state that stops the clocks waits for.
_PAUSES: Final[Mapping[State, str]] = {
    State.WAITING_CUSTOMER: "customer",
    State.WAITING_PARTS: "parts",
    State.AT_FACTORY: "factory",
}
_WHYS: Final = {
    "customer": Words("waiting for the customer", "等待客户"),
    "parts": Words("waiting for parts", "等待备件"),
    "factory": Words("at the factory", "返厂中"),
}
_NAMES: Final = {"response": Words("response", "响应"), "repair": Words("repair", "维修")}
#: In which states a clock runs, and in which it has come to its end.
_RUNS: Final[Mapping[str, tuple[frozenset[State], frozenset[State]]]] = {
    "response": (
        frozenset({State.REGISTERED}),
        frozenset(State) - {State.REGISTERED, State.APPOINTED},
    ),
    "repair": (
        frozenset(
            {
                State.RECEIVED,
                State.DIAGNOSING,
                State.IN_REPAIR,
                State.SELF_CHECK_DUE,
                State.CROSS_CHECK_DUE,
                *_PAUSES,
            }
        ),
        frozenset({State.READY, State.DELIVERED, State.UNREPAIRED, State.EXCHANGED, State.CLOSED}),
    ),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one moment to another, in ms since 1970, and why the clocks stood still."""

    from_ms: int
    to_ms: int
    why: str

    @property
    def words(self) -> Words:
        """Why."""
        return _WHYS.get(self.why, Words(self.why, self.why))


@dataclass(frozen=True, slots=True)
class Hours:
    """What counts: every hour (`opens` is None), or from `opens` to `closes` on working days, at the shop."""

    opens: datetime.time | None = None
    closes: datetime.time | None = None

    def between(self, from_ms: int, to_ms: int) -> int:
        """How much of the time between two moments counts, in ms; never below 0."""
        span = max(0, to_ms - from_ms)
        if self.opens is None or self.closes is None or span > _LONGEST_MS:
            return span
        start, end = _moment(from_ms), _moment(max(from_ms, to_ms))
        day, sum_ = start.date(), 0
        while day <= end.date():
            if is_working_day(day):
                first = max(start, datetime.datetime.combine(day, self.opens, SHANGHAI))
                last = min(end, datetime.datetime.combine(day, self.closes, SHANGHAI))
                sum_ += max(0, round((last - first) / datetime.timedelta(milliseconds=1)))
            day += _DAY
        return sum_


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a clock: `left_ms` until it is reached, below 0 by how much it was passed."""

    hours: int
    left_ms: int

    @property
    def breached(self) -> bool:
        """Whether it was passed."""
        return self.left_ms < 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock shows.

    Attributes:
        clock: `response` or `repair`.
        started_ms, ended_ms: when it began; when it came to its end, or None while it runs or stands.
        whole_ms: from the beginning to the end or to now, everything.
        elapsed_ms: what of it counts: without the pauses, and on the clock's basis.
        clock_ms, working_ms: the same without the pauses, in all hours and in working hours.
        paused: the pauses within, without overlaps; `standing`: why it stands still right now, or empty.
        limits: each limit and what is left of it.
    """

    clock: str
    started_ms: int
    ended_ms: int | None
    whole_ms: int
    elapsed_ms: int
    clock_ms: int
    working_ms: int
    paused: tuple[Stretch, ...]
    standing: str
    limits: tuple[Limit, ...]

    @property
    def words(self) -> Words:
        """What the clock is called."""
        return _NAMES[self.clock]

    @property
    def breached(self) -> bool:
        """Whether any limit was passed."""
        return any(limit.breached for limit in self.limits)


def timeline(session: Session, records: Iterable[Record]) -> list[tuple[int, State]]:
    """The states of a ticket with the moments they began, oldest first.

    A station's clock may be put back: a moment is never before the one that came before it.
    """
    at = {
        record.digest: said.clock.wall_ms
        for record in records
        if isinstance(said := record.statement.predicate, Common)
    }
    changes: list[tuple[int, State]] = []
    last_ms = session.opened_ms
    if session.registered is not None:
        changes.append((last_ms, State.REGISTERED))
    for sealed, state in states_of(session):
        last_ms = max(last_ms, at.get(sealed.digest, last_ms))
        if not changes or changes[-1][1] is not state:
            changes.append((last_ms, state))
    return changes


def union(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches without overlaps, oldest first, however they came; where two meet, the earlier one says why."""
    found: list[Stretch] = []
    for one in sorted(stretches, key=lambda each: (each.from_ms, each.to_ms, each.why)):
        start = max(one.from_ms, found[-1].to_ms) if found else one.from_ms
        if one.to_ms > start:
            found.append(Stretch(start, one.to_ms, one.why))
    return found


def counted_ms(start_ms: int, end_ms: int, pauses: Iterable[Stretch], hours: Hours) -> int:
    """What counts of the time from `start_ms` to `end_ms`: none of it during a pause; never below 0."""
    whole = hours.between(start_ms, end_ms)
    off = sum(
        hours.between(max(start_ms, one.from_ms), min(end_ms, one.to_ms))
        for one in union(pauses)
        if min(end_ms, one.to_ms) > max(start_ms, one.from_ms)
    )
    return max(0, whole - off)


def clocks(
    session: Session, records: Sequence[Record], policy: Mapping[str, Any], now_ms: int
) -> tuple[list[Reading], Words]:
    """What the service clocks of a ticket show now, of its newest stay at the shop, and by whose rule.

    Args:
        records: those of the ticket that stand, in ledger order.
        policy: the shop's `clocks`; what it leaves out is as shipped.
    """
    changes = timeline(session, records)
    pauses = [*_by_state(changes, now_ms), *_by_hand(records, now_ms)]
    found = []
    for name in _RUNS:
        bounds = _bounds(name, changes)
        if bounds is not None and name == "response":
            bounds = _answered(bounds, records)
        if bounds is not None:
            found.append(_reading(name, bounds, pauses, _rules(policy), now_ms))
    rules = _rules(policy)
    source = Words(**_shipped()["source"]) if rules == _rules({}) else _OWN
    return found, source


def _reading(
    name: str, bounds: tuple[int, int | None], pauses: Sequence[Stretch], rules: Mapping[str, Any], now_ms: int
) -> Reading:
    start, ended = bounds
    end = max(start, now_ms) if ended is None else ended
    hours = _hours(rules)
    within = [
        Stretch(max(start, one.from_ms), min(end, one.to_ms), one.why)
        for one in union(pauses)
        if min(end, one.to_ms) > max(start, one.from_ms)
    ]
    clock_ms = counted_ms(start, end, within, Hours())
    working_ms = counted_ms(start, end, within, hours)
    elapsed = working_ms if rules[name]["basis"] == "working" else clock_ms
    standing = within[-1].why if ended is None and within and within[-1].to_ms >= end else ""
    limits = tuple(Limit(most, most * _HOUR_MS - elapsed) for most in sorted(rules[name]["hours"]))
    return Reading(name, start, ended, end - start, elapsed, clock_ms, working_ms, tuple(within), standing, limits)


def _bounds(name: str, changes: Sequence[tuple[int, State]]) -> tuple[int, int | None] | None:
    """When the clock began in the newest stay, and when it came to its end; None where it never began."""
    runs, ends = _RUNS[name]
    start: int | None = None
    ended: int | None = None
    for at, state in changes:
        if state in runs:
            # Taken in (or registered) again after an end is a new stay; anything else is the same repair going on.
            again = ended is not None and state in (State.RECEIVED, State.REGISTERED)
            start, ended = (at if start is None or again else start), None
        elif state in ends and start is not None and ended is None:
            ended = at
    return None if start is None else (start, ended)


def _answered(bounds: tuple[int, int | None], records: Iterable[Record]) -> tuple[int, int | None]:
    """A notice to the customer is a response too."""
    start, ended = bounds
    sent = [said.sent_ms for one in records if isinstance(said := one.statement.predicate, NoticeV1)]
    first = min((at for at in sent if at >= start), default=None)
    if first is None:
        return bounds
    return start, first if ended is None else min(first, ended)


def _by_state(changes: Sequence[tuple[int, State]], now_ms: int) -> list[Stretch]:
    following = [at for at, _ in changes[1:]] + [now_ms]
    return (
        [
            Stretch(at, max(at, until), _PAUSES[state])
            for (at, state), until in zip(changes, following, strict=True)
            if state in _PAUSES
        ]
        if changes
        else []
    )


def _by_hand(records: Iterable[Record], now_ms: int) -> list[Stretch]:
    found: list[Stretch] = []
    since: ClockV1 | None = None
    for record in records:
        said = record.statement.predicate
        if not isinstance(said, ClockV1):
            continue
        if said.decision == "paused" and since is None:
            since = said
        elif said.decision == "resumed" and since is not None:
            found.append(Stretch(since.at_ms, max(since.at_ms, said.at_ms), since.why))
            since = None
    if since is not None:
        found.append(Stretch(since.at_ms, max(since.at_ms, now_ms), since.why))
    return found


@cache
def _shipped() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "clocks.toml").read_text(encoding="utf-8"))


def _rules(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The shop's rules over the shipped ones; what is no limit there is passed over."""
    rules = {name: policy.get(name, _shipped()[name]) for name in ("open", "close")}
    for name in _RUNS:
        shipped = _shipped()[name]
        told = policy.get(name)
        own: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
        hours = own.get("hours")
        good = isinstance(hours, list) and hours and all(type(one) is int and 0 < one <= 10_000 for one in hours)
        basis = own.get("basis") if own.get("basis") in ("clock", "working") else shipped["basis"]
        rules[name] = {"basis": basis, "hours": hours if good else shipped["hours"]}
    return rules


def _hours(rules: Mapping[str, Any]) -> Hours:
    try:
        opens, closes = (datetime.time.fromisoformat(str(rules[name])) for name in ("open", "close"))
    except ValueError:
        opens, closes = (datetime.time.fromisoformat(str(_shipped()[name])) for name in ("open", "close"))
    return Hours(opens, closes)


def _moment(ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(ms / 1000, SHANGHAI)


_OWN = Words("the shop's own policy `clocks`", "本店政策 `clocks`")
