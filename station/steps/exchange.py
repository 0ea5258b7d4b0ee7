"""Exchange or refund (换机 / 退机), of the handset or of an accessory, on a standing warranty decision.

Pure. The decision is made again for the day it is acted on, so that a refund has today's days in it; what goes in, the
makers' conditions and the call to the owner are checked by the rules as data (`reports.warranty.exchange`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from drivers.imei import imei_ok
from drivers.text import Words
from reports.attest import Record
from reports.calendar import day_of
from reports.predicates import Commitment, IntakeV1
from reports.steps.exchange import CallV1, ConditionV1, ExchangeV1, ReplacementV1
from reports.steps.warranty import WarrantyV1, claim_of, stated, stated_line
from reports.warranty.decide import Claim, Decision, Remedy, RemedyKind
from reports.warranty.exchange import Basis, basis_of, conditions_for, must_go_in, stays_behind, unmet
from reports.warranty.rules import Named, Rules, shipped
from station.steps.api import Case, Choice, Field, Filled, Made, Photo, Step, not_now, wrong
from station.steps.warranty import decided, remedy_words, rules_of
from station.vault import Kept

__all__ = ["STEPS"]

_THINGS = tuple(Choice(one.id, one.words) for one in shipped().things.values())
_CONDITIONS = tuple(Choice(one.id, one.words) for one in shipped().conditions)


def _warranty(case: Case, of_handset: bool) -> tuple[Record, WarrantyV1] | None:
    """The newest warranty decision about the handset, or about an accessory."""
    for record in reversed(case.standing("warranty")):
        said = record.statement.predicate
        if isinstance(said, WarrantyV1) and (said.claim.item == "handset") == of_handset:
            return record, said
    return None


def _possible(of_handset: bool) -> Callable[[Case], Words | None]:
    kinds = ("exchange", "return") if of_handset else ("replace", "return")

    def why_not(case: Case) -> Words | None:
        found = _warranty(case, of_handset)
        if found is None:
            return _NO_DECISION
        return None if any(one.kind in kinds for one in found[1].remedies) else _NOT_DUE

    return why_not


def _today(case: Case, form: Filled, of_handset: bool, kind: RemedyKind) -> tuple[Record, Claim, Decision, Remedy]:
    """The claim as it is today, and the remedy that was chosen.

    Raises:
        Trouble: there is no decision, or today it does not give that remedy.
    """
    found = _warranty(case, of_handset)
    if found is None:
        raise not_now("exchange.warranty", _NO_DECISION, _DECIDE)
    record, said = found
    claim = claim_of(said.claim)
    claim = replace(
        claim,
        decided=day_of(case.now_ms),
        no_stock=claim.no_stock or form["no_stock"],
        price_fen=claim.price_fen if form["price"] is None else form["price"],
    )
    decision = decided(claim, rules_of(case))
    remedy = decision.offers(kind)
    if remedy is None:
        choices = [remedy_words(one.kind, one.refund_fen) for one in decision.remedies] or [_NOTHING]
        given = Words(" / ".join(one.en for one in choices), " / ".join(one.zh for one in choices))
        raise not_now("exchange.remedy", _NOT_GIVEN.fill(wanted=remedy_words(kind), given=given), _DECIDE)
    if kind == "return" and remedy.refund_fen is None:
        raise wrong("exchange.price", _NO_PRICE, _SAY_PRICE)
    return record, claim, decision, remedy


# --- what is checked -------------------------------------------------------------------------------------------------


def _named(things: Iterable[Named]) -> Words:
    every = [one.words for one in things]
    return Words(", ".join(one.en for one in every), "、".join(one.zh for one in every))


def _contents(rules: Rules, claim: Claim, given: Collection[str], *, back: bool) -> None:
    """What went in. With a return everything that was sold may go back; with an exchange only what is faulty.

    Raises:
        Trouble: something is missing, or is not to go in.
    """
    missing = [one for one in must_go_in(rules, claim.brand, claim.item) if one.id not in given]
    if missing:
        raise wrong("exchange.missing", _MISSING.fill(things=_named(missing)), _COMPLETE)
    if not back and (extra := stays_behind(rules, claim.brand, claim.item, given)):
        raise wrong("exchange.extra", _STAYS.fill(things=_named(extra)), _GIVE_BACK)


def _conditions(case: Case, rules: Rules, basis: Basis, form: Filled) -> tuple[ConditionV1, ...]:
    """Each condition of this kind of exchange.

    Raises:
        Trouble: one is not met, and no lead has said why it goes on in spite of that.
    """
    open_ = unmet(rules, basis, "handset", form["met"])
    if open_ and not (form["in_spite"] and case.role == "lead"):
        raise not_now("exchange.condition", _UNMET.fill(what=_named(open_)), _LEAD_MAY)
    return tuple(ConditionV1(id=one.id, met=one.id in form["met"]) for one in conditions_for(rules, basis))


def _call(case: Case, rules: Rules, form: Filled) -> tuple[CallV1 | None, tuple[Kept, ...]]:
    """The recorded call to the owner.

    Raises:
        Trouble: there is none, and the shop asks for it; or one without its time.
    """
    files: tuple[Photo, ...] = form["call"]
    if not files:
        if rules.terms.call_needed:
            raise wrong("exchange.call", _NO_CALL, _CALL)
        return None, ()
    if form["called"] is None:
        raise wrong("exchange.called", _NO_CALL_TIME, _CALL)
    if form["called"] > case.now_ms:
        raise wrong("exchange.called", _CALL_LATER, _CALL)
    given = files[0]
    # A file is named by whoever recorded it, perhaps after the customer.
    one = replace(given, name=f"owner-call{PurePath(given.name).suffix}")
    call = CallV1(called_ms=form["called"], recording=case.evidence(one))
    return call, (Kept(one.name, one.media_type, one.data),)


def _new_imei(case: Case, typed: str) -> str:
    """The new handset's IMEI.

    Raises:
        Trouble: it is none, or it is the old one's.
    """
    digits = re.sub(r"[\s/.-]", "", typed)
    if not imei_ok(digits):
        raise wrong("exchange.imei", _BAD_IMEI, _SCAN)
    intake = case.newest("intake")
    old = intake.statement.predicate if intake else None
    news = case.commit("imei", digits)
    if isinstance(old, IntakeV1) and news in (old.phone, *(one.value for one in old.identities)):
        raise wrong("exchange.imei", _SAME_IMEI, _SCAN)
    return digits


# --- the records -----------------------------------------------------------------------------------------------------


def _common(
    case: Case, record: Record, claim: Claim, decision: Decision, remedy: Remedy, form: Filled
) -> dict[str, Any]:
    return {
        **case.common,
        "person": case.person,
        "warranty": record.digest,
        "claim": stated(claim),
        "remedy_basis": remedy.basis,
        "goes_in": tuple(form["goes_in"]),
        "refund_fen": remedy.refund_fen or 0 if remedy.kind == "return" else 0,
        "arithmetic": tuple(stated_line(one) for one in decision.lines),
        "rules_sha256": rules_of(case).sha256,
    }


def _exchange(case: Case, form: Filled) -> Made:
    rules, kind = rules_of(case), form["remedy"]
    record, claim, decision, remedy = _today(case, form, True, kind)
    _contents(rules, claim, form["goes_in"], back=kind == "return")
    conditions = _conditions(case, rules, basis_of(remedy.basis), form)
    call, kept = _call(case, rules, form)
    imei = _new_imei(case, form["new_imei"]) if kind == "exchange" else ""
    predicate = ExchangeV1(
        **_common(case, record, claim, decision, remedy, form),
        decision="exchanged" if kind == "exchange" else "refunded",
        basis=basis_of(remedy.basis),
        conditions=conditions,
        in_spite=case.redact(form["in_spite"]),
        new_phone=case.commit("imei", imei) if imei else None,
        call=call,
    )
    return Made(
        predicate,
        says=_says(rules, claim, decision, remedy),
        personal={"new_imei": imei} if imei else {},
        keep=kept,
    )


def _serial(case: Case, text: str) -> Commitment | None:
    return case.commit("accessory", text) if text else None


def _replace(case: Case, form: Filled) -> Made:
    rules, kind = rules_of(case), form["remedy"]
    record, claim, decision, remedy = _today(case, form, False, kind)
    _contents(rules, claim, form["goes_in"], back=kind == "return")
    call, kept = _call(case, rules, form) if form["call"] or kind == "return" else (None, ())
    serials = {f"{name}_serial": form[f"{name}_serial"] for name in ("old", "new")}
    predicate = ReplacementV1(
        **_common(case, record, claim, decision, remedy, form),
        decision="replaced" if kind == "replace" else "refunded",
        old_serial=_serial(case, serials["old_serial"]),
        new_serial=_serial(case, serials["new_serial"]),
        call=call,
    )
    personal = {f"accessory_{name}": text for name, text in serials.items() if text}
    return Made(predicate, says=_says(rules, claim, decision, remedy), personal=personal, keep=kept)


def _says(rules: Rules, claim: Claim, decision: Decision, remedy: Remedy) -> tuple[Words, ...]:
    head = remedy_words(remedy.kind, remedy.refund_fen)
    goes = _GOES_IN.fill(things=_named(must_go_in(rules, claim.brand, claim.item)))
    return (head, goes, *(one.printed for one in decision.lines))


# --- words and the forms ---------------------------------------------------------------------------------------------

_NO_DECISION = Words("There is no warranty decision about it yet", "尚无相应的三包判定")
_NOT_DUE = Words("The warranty decision gives neither exchange nor return", "三包判定未给出换货或退货")
_DECIDE = Words("Decide the warranty first: `assay warranty`", "请先作三包判定：`assay warranty`")
_NOTHING = Words("nothing", "无")
_NOT_GIVEN = Words("Today there is no {wanted}; given is: {given}", "今日不能办理{wanted}；可办理：{given}")
_NO_PRICE = Words("The price is needed for a refund", "退款须填写价格")
_SAY_PRICE = Words("Give it: --price", "请填写：--price")
_MISSING = Words("Missing: {things}", "缺少：{things}")
_COMPLETE = Words("Put it with the rest and tick it", "请补齐后勾选")
_STAYS = Words("What is faulty is what is exchanged; not: {things}", "坏什么换什么；不换：{things}")
_GIVE_BACK = Words("Give it back to the customer", "请退还客户")
_UNMET = Words("Not met: {what}", "不符合：{what}")
_LEAD_MAY = Words("A lead may go on in spite of it, with a reason: --in-spite", "店长可说明理由后继续：--in-spite")
_NO_CALL = Words("The owner has to be reached by a recorded call", "须电话联系机主并录音")
_NO_CALL_TIME = Words("The time of the call is needed", "须填写通话时间")
_CALL_LATER = Words("The call lies in the future", "通话时间晚于当前时间")
_CALL = Words("Give the recording and its time: --call, --called", "请提供录音及通话时间：--call、--called")
_BAD_IMEI = Words("The new IMEI is not 15 digits with the right last one", "新 IMEI 应为 15 位且校验位正确")
_SAME_IMEI = Words("That is the IMEI of the phone that was brought", "该 IMEI 属送修手机")
_SCAN = Words("Scan the label of the new phone", "请扫描新机标签")
_GOES_IN = Words("Goes in: {things}", "随换货上交：{things}")

_CALL_FIELDS = (
    Field(
        "call",
        Words("recorded call to the owner", "与机主通话录音"),
        "photos",
        most=1,
        help=Words("the file", "文件"),
    ),
    Field("called", Words("time of the call", "通话时间"), "moment"),
)
_MONEY_FIELDS = (
    Field("price", Words("price", "价格"), "money", help=Words("left out: as decided", "不填则按三包判定")),
    Field("no_stock", Words("the same model is not to be had", "无同型号同规格商品"), "tick"),
)

STEPS = (
    Step(
        id="exchange",
        kind="exchange/v1",
        place=690,
        title=Words("exchange or refund", "换机 / 退机"),
        about=Words("exchanges the handset or pays it back, on a warranty decision", "按三包判定更换主机或退款"),
        roles=("receptionist", "lead"),
        possible=_possible(of_handset=True),
        make=_exchange,
        fields=(
            Field(
                "remedy",
                Words("the customer chose", "消费者选择"),
                "choice",
                required=True,
                choices=(
                    Choice("exchange", Words("exchange", "换货")),
                    Choice("return", Words("return", "退货")),
                ),
            ),
            Field("met", Words("conditions that are met", "符合的条件"), "choices", choices=_CONDITIONS),
            Field(
                "in_spite",
                Words("in spite of a condition, because", "不符合条件仍办理的理由"),
                "long",
                most=2000,
                help=Words("a lead only", "仅店长"),
            ),
            Field("goes_in", Words("what goes in", "上交物品"), "choices", required=True, choices=_THINGS),
            Field("new_imei", Words("IMEI of the new phone", "新机 IMEI"), personal=True, most=40),
            *_MONEY_FIELDS,
            *_CALL_FIELDS,
        ),
    ),
    Step(
        id="replace",
        kind="replacement/v1",
        place=691,
        title=Words("accessory replaced or refunded", "附件更换 / 退货"),
        about=Words("replaces an accessory or pays it back, on a warranty decision", "按三包判定更换附件或退款"),
        roles=("receptionist", "parts-keeper", "lead"),
        possible=_possible(of_handset=False),
        make=_replace,
        fields=(
            Field(
                "remedy",
                Words("the customer gets", "办理"),
                "choice",
                required=True,
                choices=(
                    Choice("replace", Words("replacement", "更换")),
                    Choice("return", Words("refund", "退货")),
                ),
            ),
            Field("goes_in", Words("what goes in", "上交物品"), "choices", required=True, choices=_THINGS),
            Field("old_serial", Words("old serial or batch", "旧件序列号或批号"), personal=True, most=80),
            Field("new_serial", Words("new serial or batch", "新件序列号或批号"), personal=True, most=80),
            *_MONEY_FIELDS,
            *_CALL_FIELDS,
        ),
    ),
)
