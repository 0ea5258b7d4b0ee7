"""Handing the phone back (交付): the right phone, to the right person, for what was agreed, with what every paper says.

Pure, over the ticket's records. It asks `verify_release()` through the case and never decides over a release itself.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from drivers.imei import check_digit
from drivers.text import Words
from reports.agreement import party_of, stays
from reports.attest import Record
from reports.calendar import day_of, working_day_from
from reports.predicates import Commitment, IdentityV1, IntakeV1, PartUseV1, TextV1
from reports.release import ReleaseDecision
from reports.roster import Roster
from reports.settlement import Settlement, difference, money, settle
from reports.steps.delivery import (
    ChargeV1,
    CollectorV1,
    DeliveryV1,
    HandedOverV1,
    Mark,
    Outcome,
    RepairWarrantyV1,
    SettledV1,
)
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, wrong
from station.vault import Kept

__all__ = ["STEPS", "outcome_of", "stay"]

_OUTCOMES = (
    Choice("delivered", Words("repaired, released", "维修后放行交付")),
    Choice("returned-unrepaired", Words("returned unrepaired", "拒修退回")),
    Choice("exchanged", Words("exchanged", "换机")),
    Choice("refunded", Words("refunded", "退机退款")),
)
_CAPACITIES = (
    Choice("owner", Words("the owner", "机主")),
    Choice("bringer", Words("who brought it", "送修人")),
    Choice("collector", Words("who was named to collect it", "指定取机人")),
)
_WAYS = (
    Choice("signature", Words("signature on the bench (picture)", "工位签名（图片）")),
    Choice("paper", Words("signed paper slip (its number)", "纸质取机单（编号）")),
    Choice("courier", Words("parcel (waybill number)", "寄回（运单号）")),
)
_PAY_WAYS = (
    Choice("none", Words("nothing to pay", "无需付款")),
    Choice("cash", Words("cash", "现金")),
    Choice("card", Words("card", "银行卡")),
    Choice("wechat", Words("WeChat Pay", "微信支付")),
    Choice("alipay", Words("Alipay", "支付宝")),
    Choice("transfer", Words("bank transfer", "转账")),
    Choice("invoice", Words("on account", "挂账")),
)
_OLD_PARTS = (
    Choice("none", Words("none were taken out", "未拆下旧件")),
    Choice("handed-over", Words("handed over", "已交客户")),
    Choice("kept", Words("kept by the shop as agreed", "按约定留店")),
)
#: What papers say, by mark.
_MARKS: Mapping[Mark, Words] = {
    "not-cross-checked": Words("not cross-checked (未互检)", "未互检"),
    "released-with-waiver": Words("released with waiver", "让步放行"),
    "known-declined": Words("known faults left unrepaired at the customer's wish", "已知未修"),
    "returned-unrepaired": Words("returned unrepaired", "拒修退回（未维修）"),
    "exchanged": Words("exchanged", "已换机"),
    "refunded": Words("returned against refund", "已退机退款"),
    "accessories-missing": Words("accessories missing", "附件不全"),
}

#: Nothing failed: something was not checked, by a lead's leave.
_EXEMPT = Words("released with waiver: not everything was checked", "特批免检放行")


# --- what the ticket's records say -----------------------------------------------------------------------------------


def stay(case: Case) -> list[Record]:
    """The standing records since the phone was last handed over: those of this stay at the shop."""
    return stays(case.records)[-1]


def _newest(records: Sequence[Record], kind: str) -> Record | None:
    found = [one for one in records if one.kind.split("/")[0] == kind]
    return found[-1] if found else None


def _says(record: Record | None, name: str, default: Any = None) -> Any:
    return getattr(record.statement.predicate, name, default) if record else default


def _wants_it_back(records: Sequence[Record]) -> Record | None:
    """The customer's wish to have it back unrepaired, where that is the last word and nothing was repaired since."""
    consent = _newest(records, "consent")
    if consent is None or _says(consent, "decision") != "return-unrepaired":
        return None
    later = records[[one.digest for one in records].index(consent.digest) :]
    return None if any(one.kind.split("/")[0] in ("repair", "part-use") for one in later) else consent


def _exchange(records: Sequence[Record]) -> Record | None:
    """The exchange or refund of the handset that ends the stay."""
    return _newest(records, "exchange")


def outcome_of(case: Case) -> Outcome | None:
    """How this stay would end as its records have it; None while nothing lets the phone go."""
    records = stay(case)
    exchange = _exchange(records)
    if exchange is not None:
        return "refunded" if _says(exchange, "decision") == "refunded" else "exchanged"
    if _wants_it_back(records) is not None:
        return "returned-unrepaired"
    decision = case.release() if _newest(records, "release") else None
    return "delivered" if decision is not None and decision.released else None


def _possible(case: Case) -> Words | None:
    records = stay(case)
    if case.phone is None or _newest(records, "intake") is None:
        return _NOT_HERE if case.newest("delivery") else _NOT_TAKEN_IN
    if outcome_of(case) is not None:
        return None
    decision = case.release() if _newest(records, "release") else None
    if decision is not None:
        return _REFUSED.fill(why=decision.why[0].words if decision.why else _NOT_READY)
    return _NOT_READY


# --- the phone -------------------------------------------------------------------------------------------------------


def _own_phones(case: Case, records: Sequence[Record], outcome: Outcome) -> list[IdentityV1]:
    """Every number that the phone to be handed over may show, as commitments with their kinds.

    A board or a unit that was exchanged has a new identity: then the old one is another phone.
    """
    for record in reversed(records):
        kind = record.kind.split("/")[0]
        news = _says(record, "new_identities", ()) or ()
        new = _says(record, "new_phone")
        if (
            kind in ("repair", "send-back", "exchange")
            and (new or news)
            and (kind != "exchange" or outcome == "exchanged")
        ):
            first = [IdentityV1(kind=name, value=new) for name in ("imei", "serial")] if new else []
            return [*first, *news]
    intake = case.newest("intake")
    predicate = intake.statement.predicate if intake else None
    return list(predicate.identities) if isinstance(predicate, IntakeV1) else []


def _scanned(case: Case, typed: str, own: Sequence[IdentityV1]) -> Commitment:
    text = re.sub(r"[\s/.-]", "", typed)
    if re.fullmatch(r"[0-9]{15}", text) and check_digit(text[:14]) != text[14]:
        raise wrong("deliver.imei", _CHECK_DIGIT.fill(imei=text), _SCAN_AGAIN)
    for one in own:
        for candidate in (text, typed.strip()):
            if case.commit(one.kind, candidate) == one.value:
                return one.value
    raise not_now("deliver.wrong-phone", _WRONG_PHONE.fill(tail=text[-4:]), _RIGHT_PHONE)


def _seen(case: Case, typed: str, own: Sequence[IdentityV1]) -> tuple[Commitment, str]:
    """Which of the phone's numbers was read off it just now, and how.

    Raises:
        Trouble: nothing was scanned and nothing is plugged in, or it is another phone.
    """
    if typed:
        return _scanned(case, typed, own), "scanned"
    for phone in case.phones:
        shown = [("imei", imei) for imei in phone.imeis] + ([("serial", phone.serial)] if phone.serial else [])
        for kind, text in shown:
            if (found := IdentityV1(kind=kind, value=case.commit(kind, text))) in own:
                return found.value, "plugged"
    if len(case.phones) == 1:
        phone = case.phones[0]
        tail = (phone.imeis[0] if phone.imeis else phone.serial)[-4:]
        raise not_now("deliver.wrong-phone", _WRONG_PHONE.fill(tail=tail), _RIGHT_PHONE)
    raise wrong("deliver.no-phone", _NO_NUMBER, _SCAN_OR_PLUG)


# --- the person ------------------------------------------------------------------------------------------------------


def _collector(case: Case, form: Filled) -> CollectorV1:
    registration = case.newest("registration")
    capacity = form["collector"]
    party = party_of(case.records, capacity) if capacity != "owner" else None
    if capacity != "owner" and party is None:
        raise not_now("deliver.collector", _NOT_NAMED.fill(who=_label(_CAPACITIES, capacity)), _NAME_THEM)
    name = form["name"]
    known = _names(case, registration, capacity, party)
    if known and not name:
        raise wrong("deliver.name", _NAME_NEEDED, _ASK_NAME)
    if known and not any(case.commit(one.kind, name) == one.value for one in known):
        raise not_now("deliver.collector", _OTHER_NAME.fill(who=_label(_CAPACITIES, capacity)), _NAME_THEM)
    way, proof, number = form["way"], form["proof"], form["reference"]
    if way == "signature" and not proof:
        raise wrong("deliver.proof", _NO_SIGNATURE, _HAND_IN)
    if way in ("paper", "courier") and not number:
        raise wrong("deliver.proof", _NO_REFERENCE, _HAND_IN)
    return CollectorV1(
        capacity=capacity,
        name=case.commit("collector-given-name", name) if name else None,
        authority=tuple(getattr(party, "authority", ())),
        way=way,
        reference=case.commit("collector-reference", number) if number else None,
        proof=tuple(case.evidence(photo) for photo in proof),
    )


def _names(case: Case, registration: Record | None, capacity: str, party: Any) -> list[IdentityV1]:
    """Commitments to the name that was taken down for that person; none where no name ever was."""
    if capacity != "owner":
        value = getattr(party, "name", None)
        return [IdentityV1(kind=f"{capacity}-name", value=value)] if value else []
    told = list(_says(registration, "owner", ()) or ())
    intake = case.newest("intake")
    told += list(_says(intake, "customer", ()) or ())
    return [one for one in told if one.kind in ("name", "owner-name")]


def _label(choices: Iterable[Choice], value: str) -> Words:
    return next(choice.label for choice in choices if choice.value == value)


# --- what goes with it -----------------------------------------------------------------------------------------------


def _handed_over(case: Case, form: Filled, records: Sequence[Record]) -> HandedOverV1:
    complete, missing = form["accessories"], case.redact(form["missing"])
    if not complete and not missing:
        raise wrong("deliver.accessories", _ACCESSORIES, _TICK_OR_SAY)
    agreed = _old_parts(records)
    if form["old_parts"] not in agreed:
        what = _OLD_PART.fill(agreed=_label(_OLD_PARTS, agreed[0]))
        raise not_now("deliver.old-part", what, _AS_AGREED)
    intake = _says(case.newest("intake"), "accessories", "")
    return HandedOverV1(
        accessories=intake, complete=complete and not missing, missing=missing, old_parts=form["old_parts"]
    )


def _old_parts(records: Sequence[Record]) -> tuple[str, ...]:
    """What may be said of the old parts, as agreed when each was taken out; the first is the plain answer."""
    fates = {
        use.old_part
        for one in records
        if isinstance(use := one.statement.predicate, PartUseV1) and use.old_part != "none"
    }
    if not fates:
        return ("none",)
    if "customer" in fates:
        return ("handed-over",)
    return ("kept", "handed-over") if fates == {"unsaid"} else ("kept",)


def _shown_runs(records: Sequence[Record]) -> tuple[str, ...]:
    """The newest run of every stage of this stay."""
    newest = {_says(one, "stage"): one.digest for one in records if one.kind == "run/v1"}
    return tuple(newest.values())


# --- the sum ---------------------------------------------------------------------------------------------------------


def _owed(records: Sequence[Record], outcome: Outcome) -> Settlement:
    """What the customer owes; nothing for a phone that is exchanged or given back against its price."""
    if outcome in ("exchanged", "refunded"):
        return settle(())
    return settle(records, unrepaired=outcome == "returned-unrepaired")


def _settled(form: Filled, records: Sequence[Record], outcome: Outcome) -> tuple[SettledV1, Settlement]:
    """What is due and was paid.

    Raises:
        Trouble: they differ; it says by how much.
    """
    reckoned, exchange = _owed(records, outcome), _exchange(records)
    due = reckoned.due_fen
    refund = int(_says(exchange, "refund_fen", 0)) if outcome in ("exchanged", "refunded") else 0
    if differs := difference(due, form["paid"], reckoned.currency):
        raise not_now("deliver.sum", differs, _AGREE_FIRST)
    back = form["refunded"] or 0
    if back != refund:
        what = _REFUND.fill(paid=money(back, reckoned.currency), due=money(refund, reckoned.currency))
        raise not_now("deliver.refund", what, _AS_DECIDED)
    if due and form["pay_way"] == "none":
        raise wrong("deliver.pay-way", _HOW_PAID, _CHOOSE_PAY)
    settled = SettledV1(
        currency=reckoned.currency,
        charges=tuple(
            ChargeV1(what=one.what, fen=one.fen, plan=one.plan, consent=one.consent) for one in reckoned.charges
        ),
        due_fen=due,
        paid_fen=form["paid"],
        refund_fen=refund,
        pay_way=form["pay_way"] if due else "none",
        invoice=form["invoice"],
    )
    return settled, reckoned


# --- the papers ------------------------------------------------------------------------------------------------------


def _marks(outcome: Outcome, decision: ReleaseDecision | None, handed: HandedOverV1) -> tuple[Mark, ...]:
    found: list[Mark] = []
    if decision is not None and not decision.cross_checked:
        found.append("not-cross-checked")
    if decision is not None and decision.decision == "released-with-waiver":
        found.append("released-with-waiver")
    if decision is not None and decision.declined:
        found.append("known-declined")
    if outcome != "delivered":
        found.append(outcome)
    if not handed.complete:
        found.append("accessories-missing")
    return tuple(found)


def _notes(marks: Iterable[Mark], decision: ReleaseDecision | None, handed: HandedOverV1) -> list[Words]:
    lines = []
    conceded = decision is not None and any(one.waiver == "concession" for one in decision.waivers)
    for mark in marks:
        lines.append(_EXEMPT if mark == "released-with-waiver" and not conceded else _MARKS[mark])
        if mark == "released-with-waiver" and decision:
            lines += [
                Words("waiver by {name}: {checks} {reason}", "特批人 {name}：{checks} {reason}").fill(
                    name=one.printed_name, checks=" ".join(one.checks), reason=one.reason
                )
                for one in decision.waivers
            ]
        if mark == "known-declined" and decision:
            lines += [
                Words("known, left as it is: {what}", "已知未修：{what}").fill(what=one.finding or one.check)
                for one in decision.declined
            ]
        if mark == "accessories-missing":
            lines.append(Words("missing: {what}", "缺少：{what}").fill(what=handed.missing))
    return lines


@cache
def _shipped() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "delivery.toml").read_text(encoding="utf-8"))


def _warranty(case: Case, records: Sequence[Record], outcome: Outcome) -> RepairWarrantyV1 | None:
    """The warranty of the repair: the law's days, or more where the brand or the shop promises more.

    Raises:
        Trouble: the shop's policy promises something that is no number of days.
    """
    if outcome != "delivered" or not any(one.kind.split("/")[0] in ("repair", "part-use") for one in records):
        return None
    law, policy = int(_shipped()["days"]), case.policy.get("repair-warranty", {})
    brand = str(_says(case.newest("intake"), "manufacturer", "")).strip().casefold()
    by_brand = {str(name).casefold(): days for name, days in dict(policy.get("brands", {})).items()}
    offers = [("law", law), ("brand", by_brand.get(brand, law)), ("shop", policy.get("days", law))]
    if any(type(days) is not int or not 0 <= days <= 3660 for _, days in offers):
        raise not_now("deliver.policy", _BAD_POLICY, _MEND_POLICY)
    layer, days = max(offers, key=lambda one: one[1])
    start = day_of(case.now_ms)
    until = working_day_from(start + datetime.timedelta(days=days))
    source = (
        Words(**_shipped()["source"]) if layer == "law" else _PROMISE.fill(layer=_LAYERS[layer], days=days, law=law)
    )
    return RepairWarrantyV1(
        from_day=start.isoformat(),
        until_day=until.isoformat(),
        days=days,
        layer=layer,  # type: ignore[arg-type]  # one of the three offers
        source=TextV1(en=source.en, zh=source.zh),
    )


# --- the record ------------------------------------------------------------------------------------------------------


def _deliver(case: Case, form: Filled) -> Made:
    outcome, records = outcome_of(case), stay(case)
    if outcome is None:
        raise not_now("deliver.not-ready", _NOT_READY, _LOOK)
    if form["outcome"] and form["outcome"] != outcome:
        told = {"asked": _label(_OUTCOMES, form["outcome"]), "is": _label(_OUTCOMES, outcome)}
        raise not_now("deliver.outcome", Words(_OTHER_END.en, _OTHER_END.zh).fill(**told), _LOOK)
    _must_be_erased(records, case.roster)
    phone, seen = _seen(case, form["imei"], _own_phones(case, records, outcome))
    decision = case.release() if outcome == "delivered" else None
    collector = _collector(case, form)
    handed = _handed_over(case, form, records)
    settled, reckoned = _settled(form, records, outcome)
    marks = _marks(outcome, decision, handed)
    notes = _notes(marks, decision, handed)
    warranty = _warranty(case, records, outcome)
    predicate = DeliveryV1(
        **case.common,
        decision=outcome,
        person=case.person,
        phone=phone,
        seen=seen,  # type: ignore[arg-type]  # `_seen` gives one of the two
        release=_digest(_newest(records, "release")) if outcome == "delivered" else None,
        exchange=_digest(_exchange(records)) if outcome in ("exchanged", "refunded") else None,
        consent=_digest(_wants_it_back(records)) if outcome == "returned-unrepaired" else None,
        shown=_shown_runs(records),
        collector=collector,
        handed_over=handed,
        settled=settled,
        marks=marks,
        notes=tuple(TextV1(en=line.en, zh=line.zh) for line in notes),
        warranty=warranty,
        delivered_ms=case.now_ms,
    )
    sums = reckoned.says() if settled.charges else []
    says = [_label(_OUTCOMES, outcome), *notes, *sums, *_refund_line(settled), *_warranty_lines(warranty)]
    return Made(predicate, says=tuple(says), keep=tuple(Kept(p.name, p.media_type, p.data) for p in form["proof"]))


def _must_be_erased(records: Sequence[Record], people: Roster) -> None:
    """An erasure that was begun is over only with the other person's signature (NIST SP 800-88 Rev. 1, 4.8)."""
    erasure = _newest(records, "erasure")
    if erasure is None or _says(erasure, "decision") != "phone-erased":
        return
    verifier = _says(erasure, "phone").verified_by
    verified = {_says(one, "person") for one in records if _says(one, "target") == erasure.digest and _verifies(one)}
    if verifier not in verified:
        name = people.name_of(verifier)
        raise not_now("deliver.erasure", _NOT_VERIFIED.fill(person=name), _VERIFY_IT.fill(person=verifier))


def _verifies(record: Record) -> bool:
    return record.kind == "signoff/v1" and _says(record, "meaning") == "verified"


def _digest(record: Record | None) -> str | None:
    return record.digest if record else None


def _refund_line(settled: SettledV1) -> list[Words]:
    if not settled.refund_fen:
        return []
    return [Words("paid back: {sum}", "退款：{sum}").fill(sum=money(settled.refund_fen, settled.currency))]


def _warranty_lines(warranty: RepairWarrantyV1 | None) -> list[Words]:
    if warranty is None:
        return []
    line = Words(
        "warranty of the repair: day 0 {start} + {days} days = until {until} ({source})",
        "维修保修：{start}（第 0 日）+ {days} 日 = 至 {until}（{source}）",
    )
    source = Words(warranty.source.en, warranty.source.zh)
    return [line.fill(start=warranty.from_day, days=warranty.days, until=warranty.until_day, source=source)]


_NOT_TAKEN_IN = Words("The phone was not taken in yet", "手机尚未接件")
_NOT_HERE = Words("The phone was handed over already", "手机已交付")
_NOT_READY = Words(
    "Nothing lets the phone go yet: no release, no exchange, and no wish to have it back unrepaired",
    "手机尚不可交付：未放行，无换机或退机记录，客户也未选择拒修退回",
)
_REFUSED = Words("The release does not stand: {why}", "放行不成立：{why}")
_LOOK = Words("`assay ticket show` says what keeps it", "用 `assay ticket show` 查看原因")
_OTHER_END = Words("This ticket ends as: {is}, not: {asked}", "该工单的结果为“{is}”，不是“{asked}”")
_CHECK_DIGIT = Words("IMEI {imei}: the check digit is wrong", "IMEI {imei}：校验位错误")
_SCAN_AGAIN = Words("Scan the phone itself, or dial *#06#", "请扫描手机上的串号，或拨 *#06#")
_WRONG_PHONE = Words("This is another phone (…{tail}) than the ticket's", "该手机（…{tail}）不是此工单的手机")
_RIGHT_PHONE = Words("Fetch the phone of this ticket; do not hand this one over", "请取此工单的手机，勿交付这一台")
_NO_NUMBER = Words("The phone's number was not read off it", "尚未读取手机串号")
_SCAN_OR_PLUG = Words("Scan its IMEI, or plug it in", "请扫描 IMEI，或接入手机")
_NOT_NAMED = Words("Nobody was named as: {who}", "未登记：{who}")
_OTHER_NAME = Words("This is not the name that was taken down: {who}", "姓名与登记不符：{who}")
_NAME_THEM = Words(
    "Ask the owner, and write down with what authority they may take it: `assay authorise`",
    "请联系机主，并登记取机授权：`assay authorise`",
)
_NAME_NEEDED = Words("The collector's name is needed", "请填写取机人姓名")
_ASK_NAME = Words("Ask for it and compare it with a document", "请询问并核对证件")
_NO_SIGNATURE = Words("A signature on the bench needs its picture", "工位签名需附图片")
_NO_REFERENCE = Words("A slip or a parcel needs its number", "纸质取机单或运单需填编号")
_HAND_IN = Words(
    "Hand it in with --proof, or name its number with --reference", "请用 --proof 附图，或用 --reference 填编号"
)
_ACCESSORIES = Words("Not everything that was taken in is handed over", "附件未全部交还")
_TICK_OR_SAY = Words("Tick that all of it is, or say what is missing and why", "请勾选已全部交还，或写明缺少什么及原因")
_OLD_PART = Words("The old parts: agreed was: {agreed}", "旧件约定为：{agreed}")
_AS_AGREED = Words("Do as agreed, or have it agreed again", "请按约定处理，或重新确认")
_AGREE_FIRST = Words(
    "Take exactly what was agreed to, or have a new plan agreed to first: `assay plan`, `assay consent`",
    "请按客户确认的金额收款；如有变动，请先重新确认方案：`assay plan`、`assay consent`",
)
_REFUND = Words("{paid} is paid back, decided was {due}", "退款 {paid}，应退 {due}")
_AS_DECIDED = Words("Pay back what the exchange record says", "请按换机 / 退机记录退款")
_HOW_PAID = Words("How it was paid is missing", "未填写付款方式")
_CHOOSE_PAY = Words("Choose how it was paid", "请选择付款方式")
_BAD_POLICY = Words(
    "The policy `repair-warranty` has something that is no number of days", "政策 `repair-warranty` 的天数有误"
)
_MEND_POLICY = Words("Write whole days from 0 to 3660", "请填写 0 至 3660 的整数天数")
_PROMISE = Words("promise of the {layer}: {days} days; the law asks for {law}", "{layer}承诺 {days} 日；法定 {law} 日")
_LAYERS = {"brand": Words("brand", "品牌"), "shop": Words("shop", "本店")}
_NOT_VERIFIED = Words("The erasure of the phone was not verified by {person} yet", "手机数据清除尚未由 {person} 复核")
_VERIFY_IT = Words(
    "{person} looks and signs: `assay sign TICKET --record DIGEST --meaning verified`",
    "请 {person} 复核并签字：`assay sign 工单 --record 摘要 --meaning verified`",
)


def _outcome_given(case: Case) -> str:
    return outcome_of(case) or ""


def _due_given(case: Case) -> str:
    """What is due, so that it need not be typed."""
    outcome = outcome_of(case)
    due = _owed(stay(case), outcome).due_fen if outcome else 0
    return f"{due // 100}.{due % 100:02d}"


STEPS = (
    Step(
        id="deliver",
        kind="delivery/v1",
        place=700,
        title=Words("delivery", "交付（取机）"),
        about=Words("hand the phone back, to the right person and for what was agreed", "核对取机人与金额并交付手机"),
        roles=("receptionist", "technician", "lead"),
        possible=_possible,
        make=_deliver,
        fields=(
            Field("outcome", Words("how it ends", "结果"), "choice", choices=_OUTCOMES, given=_outcome_given),
            Field(
                "imei",
                Words("IMEI or serial, scanned off the phone", "手机 IMEI 或序列号（扫描）"),
                personal=True,
                most=40,
                help=Words("may stay empty when the phone is plugged in", "手机已接入时可留空"),
            ),
            Field("collector", Words("who takes it", "取机人身份"), "choice", required=True, choices=_CAPACITIES),
            Field("name", Words("collector's name", "取机人姓名"), personal=True, most=100),
            Field("way", Words("signed for by", "签收方式"), "choice", required=True, choices=_WAYS),
            Field("reference", Words("number of the slip or waybill", "取机单号 / 运单号"), personal=True, most=100),
            Field("proof", Words("picture of signature, slip or waybill", "签名、取机单或运单图片"), "photos", most=4),
            Field("shown", Words("the customer was shown the result", "已向客户展示检测结果"), "tick", required=True),
            Field("accessories", Words("all accessories are handed over", "附件已全部交还"), "tick"),
            Field("missing", Words("accessories that are missing, and why", "缺少的附件及原因"), "long"),
            Field("old_parts", Words("old parts", "旧件"), "choice", required=True, choices=_OLD_PARTS),
            Field("paid", Words("paid by the customer", "客户付款"), "money", required=True, given=_due_given),
            Field("pay_way", Words("how it was paid", "付款方式"), "choice", required=True, choices=_PAY_WAYS),
            Field("refunded", Words("paid back to the customer", "退还客户"), "money"),
            Field("invoice", Words("invoice number", "发票号"), most=100),
        ),
    ),
)
