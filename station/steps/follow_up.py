"""Calling the customer after the hand-back (回访): when it is due, and what they said.

Pure. "Not gone" opens the ticket again: the phone is taken in anew, and the earlier repair counts as one that failed.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drivers.text import Words
from reports.attest import Record
from reports.calendar import day_of
from reports.steps.delivery import DeliveryV1
from reports.steps.follow_up import FollowUpV1
from station.states import State, state_of
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, wrong

__all__ = ["STEPS", "Due", "due"]

_CHANNELS = (
    Choice("phone", Words("telephone", "电话")),
    Choice("message", Words("message", "短信 / 消息")),
    Choice("visit", Words("visit", "上门")),
    Choice("counter", Words("at the counter", "到店")),
)
_FAULTS = (
    Choice("gone", Words("the fault is gone", "故障已排除")),
    Choice("not-gone", Words("the fault is not gone", "故障未排除")),
    Choice("unknown", Words("not known yet", "尚不清楚")),
)
_SCORES = tuple(
    Choice(str(score), Words(f"{score} {en}", f"{score} {zh}"))
    for score, en, zh in (
        (1, "bad", "很不满意"),
        (2, "poor", "不满意"),
        (3, "fair", "一般"),
        (4, "good", "满意"),
        (5, "very good", "很满意"),
    )
)
Decision = Literal["done", "not-reached", "reopened"]
_AWAY = frozenset({State.DELIVERED, State.UNREPAIRED, State.EXCHANGED})


@cache
def _shipped() -> Mapping[str, int]:
    return tomllib.loads((Path(__file__).parent / "follow_up.toml").read_text(encoding="utf-8"))


def _setting(policy: Mapping[str, Any], name: str) -> int:
    value = policy.get(name, _shipped()[name])
    return value if type(value) is int and 0 <= value <= 365 else _shipped()[name]


@dataclass(frozen=True, slots=True)
class Due:
    """The follow-up of one delivery.

    Attributes:
        delivery: its digest.
        day: when the customer is to be called; None when that is over: they were reached, or tried often enough.
        tries: how often they were called and not reached.
    """

    delivery: str
    day: datetime.date | None
    tries: int


def due(records: Sequence[Record], policy: Mapping[str, Any]) -> Due | None:
    """When the newest delivery is to be followed up; None when nothing was delivered.

    Args:
        records: those of a ticket that stand, in ledger order.
        policy: the shop's `follow-up`: `after_days`, `retry_days`, `tries`.
    """
    handed = [one for one in records if isinstance(one.statement.predicate, DeliveryV1)]
    if not handed:
        return None
    delivery = handed[-1].statement.predicate
    assert isinstance(delivery, DeliveryV1)  # noqa: S101 - chosen by its type
    calls = [
        call
        for one in records
        if isinstance(call := one.statement.predicate, FollowUpV1) and call.about == handed[-1].digest
    ]
    missed = [call for call in calls if call.decision == "not-reached"]
    if len(calls) > len(missed) or len(missed) >= max(1, _setting(policy, "tries")):
        return Due(handed[-1].digest, None, len(missed))
    if missed:
        day = day_of(missed[-1].called_ms) + datetime.timedelta(days=_setting(policy, "retry_days"))
    else:
        day = day_of(delivery.delivered_ms) + datetime.timedelta(days=_setting(policy, "after_days"))
    return Due(handed[-1].digest, day, len(missed))


def _of(case: Case) -> Due | None:
    standing = [one for one in case.records if one.digest not in case.amended]
    return due(standing, case.policy.get("follow-up", {}))


def _possible(case: Case) -> Words | None:
    return None if state_of(case.session) in _AWAY else _NOT_AWAY


def _follow_up(case: Case, form: Filled) -> Made:
    found = _of(case)
    if found is None:
        raise not_now("follow-up.early", _NOT_AWAY, _DELIVER)
    reached, fault, score = form["reached"], form["fault"], form["score"]
    if reached and not fault:
        raise wrong("follow-up.fault", _ASK_FAULT, _ASK)
    if reached and not score:
        raise wrong("follow-up.score", _ASK_SCORE, _ASK)
    if not reached and (fault or score):
        raise wrong("follow-up.not-reached", _NOT_REACHED, _ASK)
    reopens = fault == "not-gone"
    if reopens and not form["words"]:
        raise wrong("follow-up.words", _ASK_WORDS, _ASK)
    decision: Decision = "reopened" if reopens else "done" if reached else "not-reached"
    predicate = FollowUpV1(
        **case.common,
        decision=decision,
        person=case.person,
        about=found.delivery,
        attempt=found.tries + 1,
        due=(found.day or day_of(case.now_ms)).isoformat(),
        channel=form["channel"],
        fault=fault or "unknown",
        score=int(score) if score else None,
        words=case.redact(form["words"]),
        called_ms=case.now_ms,
    )
    return Made(predicate, says=_says(case, found, decision))


def _says(case: Case, found: Due, decision: Decision) -> tuple[Words, ...]:
    if decision == "reopened":
        return (_REOPENED,)
    if decision == "done":
        return (_DONE,)
    most, days = (_setting(case.policy.get("follow-up", {}), name) for name in ("tries", "retry_days"))
    if found.tries + 1 >= most:
        return (_ENOUGH.fill(n=found.tries + 1),)
    again = day_of(case.now_ms) + datetime.timedelta(days=days)
    return (_AGAIN.fill(n=found.tries + 1, most=most, day=again),)


_NOT_AWAY = Words("The phone is not with the customer", "手机尚未交还客户")
_DELIVER = Words("Hand it over first: `assay deliver`", "请先交付：`assay deliver`")
_ASK_FAULT = Words("Whether the fault is gone is missing", "未填写故障是否排除")
_ASK_SCORE = Words("The customer's score from 1 to 5 is missing", "未填写客户满意度（1 至 5）")
_ASK_WORDS = Words("What is still wrong is missing", "未填写仍存在的问题")
_NOT_REACHED = Words("A customer who was not reached said nothing", "未联系上的客户没有答复内容")
_ASK = Words("Ask the customer and fill it in", "请询问客户后填写")
_REOPENED = Words(
    "The ticket is open again: take the phone in anew; this repair counts as one that did not hold",
    "工单重新打开：请重新接件，本次维修计为一次未修复",
)
_DONE = Words("The follow-up is done", "回访完成")
_AGAIN = Words("Not reached ({n} of {most}); due again on {day}", "未联系上（第 {n}/{most} 次），{day} 再次回访")
_ENOUGH = Words("Not reached {n} times: the follow-up rests", "已 {n} 次未联系上，回访暂止")

STEPS = (
    Step(
        id="follow-up",
        kind="follow-up/v1",
        place=810,
        title=Words("follow-up", "回访"),
        about=Words("call the customer after the hand-back", "交付后回访客户"),
        roles=("receptionist", "technician", "lead"),
        possible=_possible,
        make=_follow_up,
        fields=(
            Field("channel", Words("how", "方式"), "choice", required=True, choices=_CHANNELS),
            Field("reached", Words("the customer was reached", "已联系上客户"), "tick"),
            Field("fault", Words("the fault", "故障"), "choice", choices=_FAULTS),
            Field("score", Words("satisfaction with the service", "服务满意度"), "choice", choices=_SCORES),
            Field("words", Words("the customer's words", "客户意见"), "long", most=2000),
        ),
    ),
)
