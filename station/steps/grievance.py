"""Grievances (投诉) as cases: opened, answered, closed, with an owner, a level, two deadlines and a hold on evidence.

Pure. A ticket has one open case at a time; while it is open nothing of the ticket is erased.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drivers.text import Words
from reports.attest import Record
from reports.calendar import SHANGHAI, add_working_days, announced, day_of
from reports.record import digest_of
from reports.steps.grievance import GrievanceV1
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, people, wrong

__all__ = ["STEPS", "Open", "deadlines", "open_case"]

_HOUR_MS = 3_600_000
_ACTS = (
    Choice("open", Words("open a case", "受理投诉")),
    Choice("answer", Words("answer the customer", "答复客户")),
    Choice("close", Words("close the case", "办结")),
)
_LEVELS = (
    Choice("1", Words("1 ordinary", "1 一般")),
    Choice("2", Words("2 serious", "2 严重")),
    Choice("3", Words("3 to the head of the shop or head office", "3 重大（上报店长或总部）")),
)
_CHANNELS = (
    Choice("counter", Words("at the counter", "到店")),
    Choice("phone", Words("telephone", "电话")),
    Choice("message", Words("message", "短信 / 消息")),
    Choice("hotline", Words("the brand's hotline", "品牌热线")),
    Choice("12315", Words("12315", "12315 平台")),
    Choice("platform", Words("shopping platform", "电商平台")),
)
_DECISIONS: Mapping[str, Literal["opened", "answered", "closed"]] = {
    "open": "opened",
    "answer": "answered",
    "close": "closed",
}
_LEVEL: Mapping[str, Literal[1, 2, 3]] = {"1": 1, "2": 2, "3": 3}


@cache
def _shipped() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "grievance.toml").read_text(encoding="utf-8"))


def _setting(policy: Mapping[str, Any], name: str, most: int) -> int:
    value = policy.get(name, _shipped()[name])
    return int(value) if type(value) is int and 1 <= value <= most else int(_shipped()[name])


def deadlines(opened_ms: int, policy: Mapping[str, Any]) -> tuple[int, date, int]:
    """Until when a grievance is answered (ms) and closed (a day in China), and by how many working days.

    Args:
        opened_ms: when it came.
        policy: the shop's `grievance`: `answer_h`, `close_working_days`.
    """
    days = _setting(policy, "close_working_days", 60)
    return opened_ms + _setting(policy, "answer_h", 720) * _HOUR_MS, add_working_days(day_of(opened_ms), days), days


@dataclass(frozen=True, slots=True)
class Open:
    """The case that is open: its first record, its newest word, and whether the customer was answered."""

    first: Record
    newest: GrievanceV1
    answered: bool

    @property
    def opened(self) -> GrievanceV1:
        """What the first record says."""
        said = self.first.statement.predicate
        assert isinstance(said, GrievanceV1)  # noqa: S101 - chosen by its type
        return said

    def overdue(self, now_ms: int) -> str:
        """`answer` or `close` when that is late, else empty."""
        if day_of(now_ms) > date.fromisoformat(self.opened.close_by):
            return "close"
        return "answer" if not self.answered and now_ms > self.opened.answer_by_ms else ""


def open_case(records: Sequence[Record]) -> Open | None:
    """The open case among records that stand, in ledger order."""
    first: Record | None = None
    newest: GrievanceV1 | None = None
    answered = False
    for record in records:
        said = record.statement.predicate
        if not isinstance(said, GrievanceV1):
            continue
        if said.decision == "opened":
            first, answered = record, False
        answered = answered or said.decision == "answered"
        newest = said
        if said.decision == "closed":
            first = None
    return Open(first, newest, answered) if first is not None and newest is not None else None


def _grievance(case: Case, form: Filled) -> Made:
    standing = [one for one in case.records if one.digest not in case.amended]
    now = open_case(standing)
    act, owner = form["act"], form["owner"] or (now.newest.owner if now else case.person)
    if owner not in case.roster.persons:
        raise wrong("grievance.owner", _NO_OWNER.fill(person=owner), _ENROLLED)
    if act == "open" and now is not None:
        raise not_now("grievance.open", _IS_OPEN.fill(n=now.opened.number), _ANSWER)
    if act != "open" and now is None:
        raise not_now("grievance.none", _NONE_OPEN, _OPEN_ONE)
    if act == "close" and now is not None and not now.answered:
        raise not_now("grievance.unanswered", _UNANSWERED, _ANSWER)
    if act == "close" and not form["remedy"]:
        raise wrong("grievance.remedy", _REMEDY, _SAY_REMEDY)
    predicate = _record(case, form, now, standing, owner)
    subject = "" if case.phone else digest_of(f"ticket:{case.ticket}".encode())
    return Made(predicate, says=_says(predicate), subject=subject)


def _record(case: Case, form: Filled, now: Open | None, standing: Sequence[Record], owner: str) -> GrievanceV1:
    opened_ms = now.opened.opened_ms if now else case.now_ms
    answer_by, close_by, days = deadlines(opened_ms, case.policy.get("grievance", {}))
    if now is not None:  # a promise that was made stands, whatever the policy says by now
        answer_by, close_by = now.opened.answer_by_ms, date.fromisoformat(now.opened.close_by)
        days = now.opened.working_days
    late = form["act"] == "answer" and now is not None and not now.answered and case.now_ms > answer_by
    late = late or (form["act"] == "close" and day_of(case.now_ms) > close_by)
    said = [one.statement.predicate for one in standing]
    cases = sum(isinstance(one, GrievanceV1) and one.decision == "opened" for one in said)
    return GrievanceV1(
        **case.common,
        decision=_DECISIONS[form["act"]],
        person=case.person,
        opened=now.first.digest if now else None,
        number=now.opened.number if now else cases + 1,
        owner=owner,
        level=_LEVEL[form["level"]] if form["level"] else now.newest.level if now else 1,
        channel=form["channel"],
        words=case.redact(form["words"]),
        remedy=case.redact(form["remedy"]),
        opened_ms=opened_ms,
        answer_by_ms=answer_by,
        close_by=close_by.isoformat(),
        working_days=days,
        certain=announced(close_by),
        late=late,
        hold=form["act"] != "close",
        at_ms=case.now_ms,
    )


def _says(said: GrievanceV1) -> tuple[Words, ...]:
    lines: list[Words] = []
    if said.decision == "opened":
        answer = datetime.fromtimestamp(said.answer_by_ms / 1000, SHANGHAI).strftime("%Y-%m-%d %H:%M")
        came = day_of(said.opened_ms).isoformat()
        told = {"answer": answer, "came": came, "days": said.working_days, "close": said.close_by}
        lines += [_DEADLINES.fill(**told), _SOURCE, _HELD_NOW]
        lines += [] if said.certain else [_UNCERTAIN.fill(year=said.close_by[:4])]
    if said.late:
        lines.append(_LATE)
    return tuple(lines)


_SOURCE = Words(**_shipped()["source"])
_NO_OWNER = Words("{person} is not enrolled here and can't own the case", "{person} 未在本工位登记，不能负责投诉")
_ENROLLED = Words("`assay person list` shows who is", "用 `assay person list` 查看已登记人员")
_IS_OPEN = Words("Case {n} of this ticket is open", "该工单的投诉（第 {n} 件）尚未办结")
_ANSWER = Words("Answer it, and close it: --act answer, --act close", "请先答复、办结：--act answer、--act close")
_NONE_OPEN = Words("No case of this ticket is open", "该工单没有未办结的投诉")
_OPEN_ONE = Words("Open one with --act open", "用 --act open 受理投诉")
_UNANSWERED = Words("The customer was not answered yet", "尚未答复客户")
_REMEDY = Words("What was agreed is missing", "未填写处理结果")
_SAY_REMEDY = Words("Write it down, also when nothing was granted", "请写明结果，未支持也需写明")
_DEADLINES = Words(
    "first answer until {answer}; {came} (day 0) + {days} working days = closed by {close}",
    "首次答复截止 {answer}；{came}（第 0 日）+ {days} 个工作日 = {close} 前办结",
)
_HELD_NOW = Words("Nothing of this ticket is erased while the case is open", "办结前，该工单的证据不得删除")
_UNCERTAIN = Words(
    "The holidays of {year} are not announced yet: the day may change", "{year} 年放假安排尚未公布，日期可能变动"
)
_LATE = Words("This is late", "已逾期")

STEPS = (
    Step(
        id="grievance",
        kind="grievance/v1",
        place=820,
        title=Words("grievance", "投诉"),
        about=Words("open, answer or close a complaint about the service", "受理、答复或办结投诉"),
        roles=("receptionist", "lead", "technician"),
        make=_grievance,
        fields=(
            Field("act", Words("what is done", "操作"), "choice", required=True, choices=_ACTS),
            Field("owner", Words("who answers for it", "责任人"), most=200, offered=people),
            Field("level", Words("level", "级别"), "choice", choices=_LEVELS),
            Field("channel", Words("how it came or was answered", "渠道"), "choice", required=True, choices=_CHANNELS),
            Field("words", Words("what was said", "内容"), "long", required=True, most=2000),
            Field("remedy", Words("what was agreed", "处理结果"), "long", most=2000),
        ),
    ),
)
