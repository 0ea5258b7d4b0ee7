"""Notices to the customer: one for each stage, from a template, sent once and logged.

Pure: it fills the template and builds the record; the engine hands the message to the shop's adapter first and stores
the record when it was taken. Name, telephone and text are the customer's data and stand in the record as commitments.
"""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drivers.text import Words, safe_text
from reports.agreement import agreement
from reports.attest import Record
from reports.record import digest_of
from reports.settlement import money, settle
from reports.steps.delivery import DeliveryV1
from reports.steps.notice import NoticeV1
from station.sending import adapter_name
from station.states import State, grievance_open, state_of
from station.steps.api import Case, Choice, Field, Filled, Made, Outgoing, Step, not_now
from station.steps.delivery import stay

__all__ = ["LANGUAGES", "STAGES", "STEPS", "due_stage", "message"]

#: Each stage, and the ticket states in which its notice is true.
STAGES: Mapping[str, tuple[Words, frozenset[State]]] = {
    "registered": (Words("registered", "已受理"), frozenset({State.REGISTERED, State.APPOINTED})),
    "received": (Words("received", "已接件"), frozenset({State.RECEIVED, State.DIAGNOSING})),
    "plan-waiting": (Words("plan waits for the customer", "方案待确认"), frozenset({State.WAITING_CUSTOMER})),
    "parts-waiting": (Words("waits for parts", "待件"), frozenset({State.WAITING_PARTS})),
    "at-factory": (Words("at the factory", "返厂中"), frozenset({State.AT_FACTORY})),
    "ready": (Words("ready", "可取机"), frozenset({State.READY})),
    "delivered": (Words("delivered", "已取机"), frozenset({State.DELIVERED, State.UNREPAIRED, State.EXCHANGED})),
    "follow-up": (Words("follow-up", "回访"), frozenset({State.DELIVERED, State.UNREPAIRED, State.EXCHANGED})),
    "grievance": (Words("grievance", "投诉受理"), frozenset({State.GRIEVANCE})),
}
LANGUAGES = (Choice("zh", Words("Chinese", "中文")), Choice("en", Words("English", "英文")))
_PLACE = re.compile(r"\{([a-z_]+)\}")


@cache
def _shipped() -> Mapping[str, Any]:
    return dict(tomllib.loads((Path(__file__).parent / "notices.toml").read_text(encoding="utf-8"))["templates"])


def due_stage(case: Case) -> str:
    """The stage whose notice is true now and was not sent yet in this stay; empty when there is none."""
    state = state_of(case.session)
    fitting = [name for name, (_, states) in STAGES.items() if state in states]
    return next((name for name in fitting if not _sent(case, name)), "")


def _sent(case: Case, stage: str) -> list[Record]:
    """The notices of a stage since the phone was last handed back: a phone that comes again is told of again."""
    return [one for one in stay(case) if getattr(one.statement.predicate, "topic", "") == stage]


def message(case: Case, stage: str, language: str, **more: str) -> tuple[str, str]:
    """The template of a stage, and what the customer reads; `more` is what only this message may name.

    Raises:
        Trouble: the shop's template names something else.
    """
    places = _places(case, language) | more
    template = _template(case, stage, language, places)
    return template, safe_text(_PLACE.sub(lambda found: places[found[1]], template), 2000)


def _template(case: Case, stage: str, language: str, places: Mapping[str, str]) -> str:
    own = case.policy.get("notices", {}).get("templates", {}).get(stage, {}).get(language)
    text = own if isinstance(own, str) and own.strip() else _shipped()[stage][language]
    if unknown := sorted(set(_PLACE.findall(text)) - places.keys()):
        raise not_now("notice.template", _UNKNOWN_PLACE.fill(stage=stage, names=", ".join(unknown)), _MEND)
    return str(text)


def _places(case: Case, language: str) -> dict[str, str]:
    """What a template may name; an unknown one is a dash, never a guess."""
    records = stay(case)
    delivery = case.newest("delivery")
    handed = delivery.statement.predicate if delivery else None
    found = {
        "ticket": case.ticket,
        "model": case.session.model,
        "shop": str(case.policy.get("notices", {}).get("shop", "")) or str(case.common["shop"]),
        "name": str(case.personal.get("name") or ""),
        "promised": _moment(_promised(case, records)),
        "price": _price(records),
        "until": "",
        "days": "",
    }
    left_out = ""
    if isinstance(handed, DeliveryV1):
        left_out = "; ".join(getattr(note, language) for note in handed.notes)
        if handed.warranty:
            found |= {"until": handed.warranty.until_day, "days": str(handed.warranty.days)}
    return {name: value or "-" for name, value in found.items()} | {"left_out": left_out}


def _price(records: list[Record]) -> str:
    """The plan that waits for the customer's word; else what is owed by the last word; empty where nothing is known."""
    offered = agreement(records)
    if offered.plan is not None and offered.consent is None:
        return money(offered.plan.price_fen, offered.plan.currency)
    unrepaired = offered.consent is not None and offered.consent.decision == "return-unrepaired"
    owed = settle(records, unrepaired=unrepaired)
    return money(owed.due_fen, owed.currency) if owed.charges or unrepaired else ""


def _promised(case: Case, records: list[Record]) -> int | None:
    """The newest promise: of a grievance's answer, a plan, a parts order or the registration."""
    if grievance_open(case.session):
        newest = case.newest("grievance")
        return getattr(newest.statement.predicate, "answer_by_ms", None) if newest else None
    said = [getattr(one.statement.predicate, "promised_ms", None) for one in [*case.standing("registration"), *records]]
    return next((one for one in reversed(said) if one), None)


def _moment(ms: int | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000)) if ms else ""


def _notify(case: Case, form: Filled) -> Made:
    stage = form["stage"] or due_stage(case)
    if not stage:
        raise not_now("notice.none", _NOTHING_DUE, _CHOOSE_STAGE)
    label, states = STAGES[stage]
    if state_of(case.session) not in states:
        told = {"stage": label, "state": state_of(case.session).words}
        raise not_now("notice.not-true", _NOT_TRUE.fill(**told), _CHOOSE_STAGE)
    sent = _sent(case, stage)
    if sent and not form["again"]:
        when = _moment(getattr(sent[-1].statement.predicate, "sent_ms", None))
        raise not_now("notice.twice", _TWICE.fill(stage=label, when=when), _ON_PURPOSE)
    language: Literal["en", "zh"] = "en" if form["language"] == "en" else "zh"
    template, text = message(case, stage, language)
    to = str(case.personal.get("phone") or "")
    said = (one.statement.predicate for one in case.standing("notice"))
    number = 1 + sum(isinstance(one, NoticeV1) and one.topic == stage for one in said)  # of all stays: it names the key
    made = case.common
    key = digest_of("\n".join(["notice", made["shop"], made["station"], case.ticket, stage, str(number)]).encode())
    predicate = NoticeV1(
        **made,
        decision="sent",
        person=case.person,
        topic=stage,
        round=number,
        language=language,
        template=digest_of(template.encode()),
        to=case.commit("phone", to) if to else None,
        text=case.commit("notice", text),
        key=key,
        adapter=adapter_name(case.policy.get("notices", {})),
        sent_ms=case.now_ms,
    )
    subject = "" if case.phone else digest_of(f"ticket:{case.ticket}".encode())
    says = (_TO.fill(to=to or "-"), Words(text, text))
    return Made(predicate, says=says, subject=subject, send=Outgoing(key, case.ticket, stage, language, to, text))


def _stage_given(case: Case) -> str:
    return due_stage(case)


_NOTHING_DUE = Words("Every notice of this stage was sent", "当前阶段的通知均已发送")
_CHOOSE_STAGE = Words("Choose the stage that the ticket is at", "请选择工单当前所处的阶段")
_NOT_TRUE = Words("The notice {stage} would not be true: the ticket is {state}", "通知“{stage}”与工单状态“{state}”不符")
_TWICE = Words("The notice {stage} was sent on {when}", "通知“{stage}”已于 {when} 发送")
_ON_PURPOSE = Words("Send it again on purpose with --again", "确需重发请加 --again")
_UNKNOWN_PLACE = Words(
    "The template of {stage} names what notices don't know: {names}", "通知模板 {stage} 含未知占位符：{names}"
)
_MEND = Words("Correct the policy file `notices`", "请修正政策文件 `notices`")
_TO = Words("to: {to}", "发送至：{to}")

STEPS = (
    Step(
        id="notify",
        kind="notice/v1",
        place=720,
        title=Words("notice to the customer", "客户通知"),
        about=Words("send the notice of the ticket's stage, once", "发送当前阶段的客户通知（仅一次）"),
        roles=("receptionist", "technician", "parts-keeper", "lead"),
        make=_notify,
        sends=True,
        fields=(
            Field(
                "stage",
                Words("stage", "阶段"),
                "choice",
                choices=tuple(Choice(name, label) for name, (label, _) in STAGES.items()),
                given=_stage_given,
            ),
            Field("language", Words("language", "语言"), "choice", choices=LANGUAGES),
            Field("again", Words("send it again on purpose", "确认重发"), "tick"),
        ),
    ),
)
