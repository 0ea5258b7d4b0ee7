"""Closing a ticket, and stopping its service clocks by hand where no state of the ticket does.

Pure. A ticket is closed when nothing is owed any more: the phone is gone, the follow-up was made or rests, no grievance
is open, and the hand-back was signed for by who did it.
"""

from __future__ import annotations

from drivers.text import Words
from reports.attest import Record
from reports.record import digest_of
from reports.steps.clock import ClockV1
from reports.steps.close import CloseV1
from station.states import State, grievance_open, state_of
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, wrong
from station.steps.follow_up import due

__all__ = ["STEPS"]

_HOWS = (
    Choice("completed", Words("completed", "已完成")),
    Choice("cancelled", Words("cancelled: the phone never came", "已取消：手机未送修")),
    Choice("duplicate", Words("duplicate of another ticket", "与其他工单重复")),
)
_ACTS = (Choice("paused", Words("stop", "暂停")), Choice("resumed", Words("run again", "恢复")))
_WHYS = (
    Choice("customer", Words("waiting for the customer", "等待客户")),
    Choice("parts", Words("waiting for parts", "等待备件")),
)
_NEVER_CAME = frozenset({State.REGISTERED, State.APPOINTED})


def _standing(case: Case) -> list[Record]:
    return [one for one in case.records if one.digest not in case.amended]


def _never_came(case: Case) -> bool:
    return state_of(case.session) in _NEVER_CAME and case.phone is None


def _possible(case: Case) -> Words | None:
    state = state_of(case.session)
    if state is State.CLOSED:
        return _CLOSED
    if grievance_open(case.session):
        return _GRIEVANCE
    if _never_came(case):
        return None
    if state in _NEVER_CAME:
        return _REOPENED
    if state.open:
        return _HERE
    return _unsigned(case) or _follow_up(case)


def _unsigned(case: Case) -> Words | None:
    delivery = case.newest("delivery")
    if delivery is None:
        return None
    person = getattr(delivery.statement.predicate, "person", "")
    for one in _standing(case):
        said = one.statement.predicate
        if getattr(said, "target", "") == delivery.digest and getattr(said, "person", "") == person:
            return None
    return _NOT_SIGNED.fill(person=case.roster.name_of(person))


def _follow_up(case: Case) -> Words | None:
    found = due(_standing(case), case.policy.get("follow-up", {}))
    return _CALL.fill(day=found.day) if found and found.day else None


def _close(case: Case, form: Filled) -> Made:
    how = form["how"]
    if (how == "completed") == _never_came(case):
        raise wrong("close.how", _NOT_SO.fill(how=next(c.label for c in _HOWS if c.value == how)), _CHOOSE)
    if how == "duplicate" and not form["note"]:
        raise wrong("close.note", _WHICH, _CHOOSE)
    kinds = ("delivery", "follow-up", "grievance")
    last = [one for one in _standing(case) if one.kind.split("/")[0] in kinds]
    predicate = CloseV1(
        **case.common,
        decision=how,
        person=case.person,
        last=last[-1].digest if last else None,
        note=case.redact(form["note"]),
    )
    subject = "" if case.phone else digest_of(f"ticket:{case.ticket}".encode())
    return Made(predicate, subject=subject)


def _running(case: Case) -> bool:
    newest = case.newest("clock")
    return getattr(newest.statement.predicate, "decision", "") != "paused" if newest else True


def _clock(case: Case, form: Filled) -> Made:
    running = _running(case)
    if (form["act"] == "paused") != running:
        raise not_now("clock.twice", _STANDS if not running else _RUNS, _OTHER_ACT)
    predicate = ClockV1(
        **case.common,
        decision=form["act"],
        person=case.person,
        why=form["why"],
        reason=case.redact(form["reason"]),
        at_ms=case.now_ms,
    )
    subject = "" if case.phone else digest_of(f"ticket:{case.ticket}".encode())
    return Made(predicate, subject=subject)


def _clock_possible(case: Case) -> Words | None:
    return None if state_of(case.session).open else _OVER


_CLOSED = Words("The ticket is closed", "工单已关闭")
_GRIEVANCE = Words("A grievance is open", "投诉尚未办结")
_REOPENED = Words("The ticket was opened again: take the phone in", "工单已重新打开，请接件")
_HERE = Words("The phone is still here", "手机仍在店内")
_NOT_SIGNED = Words("The hand-back was not signed by {person} yet", "交付记录尚未由 {person} 签字")
_CALL = Words("The follow-up call is due on {day}", "回访应于 {day} 进行")
_NOT_SO = Words("That is not how this ticket ends: {how}", "该工单不能这样关闭：{how}")
_WHICH = Words("Which ticket it duplicates is missing", "未填写重复的工单号")
_CHOOSE = Words(
    "completed after a hand-back; cancelled or duplicate when the phone never came",
    "交付后选“已完成”；手机未送修时选“已取消”或“重复”",
)
_STANDS = Words("The clocks stand still already", "时限已处于暂停")
_RUNS = Words("The clocks run", "时限正在计时")
_OTHER_ACT = Words("`assay ticket clocks` shows them", "用 `assay ticket clocks` 查看")
_OVER = Words("The phone is not here any more", "手机已不在店内")

STEPS = (
    Step(
        id="clock",
        kind="clock/v1",
        place=830,
        title=Words("service clock", "服务时限"),
        about=Words("stop the ticket's clocks, or let them run again, with a reason", "暂停或恢复服务计时并说明原因"),
        roles=("receptionist", "technician", "parts-keeper", "lead"),
        possible=_clock_possible,
        make=_clock,
        fields=(
            Field("act", Words("what is done", "操作"), "choice", required=True, choices=_ACTS),
            Field("why", Words("what is waited for", "等待事项"), "choice", required=True, choices=_WHYS),
            Field("reason", Words("reason", "原因"), "long", required=True, most=1000),
        ),
    ),
    Step(
        id="close",
        kind="close/v1",
        place=900,
        title=Words("closing", "关闭工单"),
        about=Words("close the ticket: nothing more is to be done", "关闭工单：已无待办"),
        roles=("receptionist", "lead"),
        possible=_possible,
        make=_close,
        fields=(
            Field("how", Words("how it ends", "关闭方式"), "choice", required=True, choices=_HOWS),
            Field("note", Words("note", "备注"), "long", most=2000),
        ),
    ),
)
