"""What the shop owes its customers in time: a ticket's service clocks, the follow-ups that are due, grievances.

Reads the ledger and asks the pure rules (`station.clocks`, `station.steps.follow_up`, `station.steps.grievance`). It
writes nothing and knows no screen.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words
from reports import ledger
from reports.attest import Record, open_record
from reports.calendar import day_of
from station.clocks import Reading, clocks
from station.errors import EXIT_USE, Trouble
from station.journal import load
from station.session import fold
from station.states import State
from station.steps.follow_up import due
from station.steps.grievance import open_case
from station.store import Store

__all__ = ["Service"]

Policy = Mapping[str, Mapping[str, Any]]
#: The states of tickets that a follow-up may be due for; with a grievance it rests until that is closed.
_AWAY = (State.DELIVERED, State.UNREPAIRED, State.EXCHANGED)


class Service:
    """The service of this station's tickets."""

    def __init__(self, store: Store, policy: Callable[[], Policy]) -> None:
        self._store, self._policy = store, policy

    async def clocks(self, ticket: str, now_ms: int | None = None) -> dict[str, Any]:
        """The service clocks of a ticket.

        Raises:
            Trouble: there is no such ticket here.
        """
        at, policy = _now(now_ms), self._policy().get("clocks", {})

        def work(db: Database) -> tuple[list[Reading], Words]:
            session = fold(load(db, ticket=ticket))
            if not session.ticket:
                raise Trouble("ticket.unknown", _NO_TICKET.fill(ticket=ticket), Side.PERSON, _LIST, EXIT_USE)
            return clocks(session, _standing(db, ticket), policy, at)

        readings, source = await self._store.read(work)
        return {"ticket": ticket, "now_ms": at, "source": list(source), "clocks": [_told(one) for one in readings]}

    async def due(self, what: Literal["follow-ups", "grievances"], now_ms: int | None = None) -> list[dict[str, Any]]:
        """The follow-ups that are to be made, or the grievances that are open, the most urgent first."""
        at, policy = _now(now_ms), self._policy()
        follow = what == "follow-ups"

        def work(db: Database) -> list[dict[str, Any]]:
            states = _AWAY if follow else (State.GRIEVANCE,)
            found = _follow_up if follow else _grievance
            rows = (found(ticket, records, policy, at) for ticket, records in _tickets(db, states))
            return sorted((row for row in rows if row is not None), key=lambda row: (row["day"], row["ticket"]))

        return await self._store.read(work)


def _tickets(db: Database, states: tuple[State, ...]) -> Iterator[tuple[str, list[Record]]]:
    marks = ", ".join("?" * len(states))
    query = f"SELECT ticket FROM ticket WHERE state IN ({marks})"  # noqa: S608 - question marks
    for (ticket,) in db.execute(query, [state.value for state in states]).fetchall():
        yield ticket, _standing(db, ticket)


def _standing(db: Database, ticket: str) -> list[Record]:
    records = [open_record(envelope) for envelope in ledger.envelopes_of(db, ticket)]
    amended = {getattr(one.statement.predicate, "target", "") for one in records if one.kind == "amend/v1"}
    return [one for one in records if one.digest not in amended]


def _follow_up(ticket: str, records: list[Record], policy: Policy, now_ms: int) -> dict[str, Any] | None:
    found = due(records, policy.get("follow-up", {}))
    if found is None or found.day is None:
        return None
    return {
        "ticket": ticket,
        "day": found.day.isoformat(),
        "tries": found.tries,
        "overdue": found.day < day_of(now_ms),
        "due": found.day <= day_of(now_ms),
    }


def _grievance(ticket: str, records: list[Record], policy: Policy, now_ms: int) -> dict[str, Any] | None:
    case = open_case(records)
    if case is None:
        return None
    opened = case.opened
    answer = datetime.datetime.fromtimestamp(opened.answer_by_ms / 1000, datetime.UTC)
    return {
        "ticket": ticket,
        "day": opened.close_by if case.answered else min(opened.close_by, day_of(opened.answer_by_ms).isoformat()),
        "number": opened.number,
        "owner": case.newest.owner,
        "level": case.newest.level,
        "answered": case.answered,
        "answer_by_ms": opened.answer_by_ms,
        "answer_by": answer.isoformat(),
        "close_by": opened.close_by,
        "overdue": case.overdue(now_ms),
    }


def _told(one: Reading) -> dict[str, Any]:
    return {
        "clock": one.clock,
        "words": list(one.words),
        "started_ms": one.started_ms,
        "ended_ms": one.ended_ms,
        "whole_ms": one.whole_ms,
        "elapsed_ms": one.elapsed_ms,
        "clock_ms": one.clock_ms,
        "working_ms": one.working_ms,
        "standing": one.standing,
        "breached": one.breached,
        "paused": [
            {"from_ms": each.from_ms, "to_ms": each.to_ms, "why": each.why, "words": list(each.words)}
            for each in one.paused
        ],
        "limits": [{"hours": each.hours, "left_ms": each.left_ms, "breached": each.breached} for each in one.limits],
    }


def _now(now_ms: int | None) -> int:
    return time.time_ns() // 1_000_000 if now_ms is None else now_ms


_NO_TICKET = Words("There is no ticket {ticket} here", "本工位没有工单 {ticket}")
_LIST = Words("`assay ticket list` shows them", "用 `assay ticket list` 查看")
