"""Registration (受理登记): one form whatever the channel, from which a ticket is opened.

Owner, bringer and collector are kept apart, with what gives them authority; names, telephones and every number of the
phone are erasable, and records hold commitments. Papers are judged by `reports.papers`, first hints come from
`station.counter.hints`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Literal, get_args

from drivers.text import Words
from reports.papers import DocumentFact, Paper, document_facts
from reports.predicates import Commitment, IdentityV1
from reports.steps.registration import Channel, PaperFactV1, PartyV1, PurchaseV1, RegistrationV1
from station.counter.hints import hints_for
from station.counter.inputs import Files, no_passcode, phone_identities, telephone, written
from station.counter.symptoms import qualifiers, symptoms
from station.events import Identifying, TicketRegistered
from station.steps.api import Case, Choice, Field, Filled, Made, Step, grouped, wrong
from station.tickets import refuse_twice

__all__ = ["AUTHORITY", "RELATIONS", "STEPS"]

_CHANNELS = {
    "walk-in": Words("walk-in", "到店"),
    "mail-in": Words("mail-in", "寄修"),
    "on-site": Words("on-site", "上门"),
    "online": Words("online", "线上"),
}
RELATIONS = {
    "spouse": Words("spouse", "配偶"),
    "parent": Words("parent", "父母"),
    "child": Words("child", "子女"),
    "relative": Words("relative", "亲属"),
    "friend": Words("friend", "朋友"),
    "colleague": Words("colleague", "同事"),
    "courier": Words("courier", "快递员"),
    "other": Words("other", "其他"),
}
AUTHORITY = {
    "letter": Words("letter of the owner", "机主委托书"),
    "id-shown": Words("identity document shown", "已出示身份证件"),
    "relation": Words("relation, as the owner stated", "与机主的关系（机主告知）"),
    "call": Words("the owner's word in a call", "机主电话确认"),
}
_PAPER = {"shown": Words("shown", "已出示"), "absent": Words("not at hand", "未携带"), "lost": Words("lost", "遗失")}
_HOLDS = {
    "legible": Words("legible", "字迹清晰"),
    "unaltered": Words("unaltered", "无涂改"),
    "model": Words("names this model", "型号相符"),
    "imei": Words("names this IMEI", "IMEI 相符"),
}
#: What the files of a form's papers may be.
_PAPERS = ("image/", "application/pdf")


def _register(case: Case, form: Filled) -> Made:
    texts = (form["complaint"], form["since"], form["tried"])
    no_passcode(*texts)
    decision = _when(case, form)
    identities = phone_identities(form)
    imeis = tuple(filter(None, (identities["imei"], identities["imei2"])))
    refuse_twice(case.elsewhere(identities["serial"], imeis))
    personal = _people(form) | identities
    personal |= {name: form[name] for name in ("waybill", "invoice_number", "card_number")}
    files = Files(case)
    evidence = files.take(form["papers"], "paper", _PAPERS)
    for part in ("bringer", "collector"):
        _must_be_able(form, personal, part, letter=bool(evidence))
    known = [text for text in personal.values() if text]
    redactor = written(case, known)
    facts = _facts(case, form)
    hints, hinted = hints_for(form["symptoms"])
    predicate = RegistrationV1(
        **case.common,
        person=case.person,
        channel=form["channel"],
        decision=decision,
        appointment_ms=form["appointment"],
        owner=_committed(case, {"name": personal["name"], "phone": personal["phone"]}),
        bringer=_party(case, form, personal, "bringer"),
        collector=_party(case, form, personal, "collector"),
        manufacturer=form["manufacturer"],
        model=redactor.text(form["model"], 200),
        identities=_committed(case, {"imei": imeis, "meid": identities["meid"], "serial": identities["serial"]}),
        purchase=_purchase(case, form, facts),
        complaint=redactor.text(form["complaint"], 2000),
        symptoms=form["symptoms"],
        qualifiers=form["qualifiers"],
        since=redactor.text(form["since"], 400),
        tried=redactor.text(form["tried"], 2000),
        hints=hints,
        promised_ms=form["promised"],
        waybill=case.commit("waybill", form["waybill"]) if form["waybill"] else None,
        evidence=evidence,
    )
    told = TicketRegistered(
        person=case.person,
        model=predicate.model,
        complaint=predicate.complaint,
        serial=Identifying(identity=identities["serial"]),
        imeis=tuple(Identifying(identity=imei) for imei in imeis),
        symptoms=predicate.symptoms,
    )
    return Made(
        predicate,
        says=(*_says(predicate), *(fact.words for fact in facts if fact.holds is False), *hinted),
        personal=personal,
        keep=tuple(files.kept),
        events=(told,),
        subject=_subject(case, identities, imeis).commitment,
    )


def _when(case: Case, form: Filled) -> Literal["registered", "appointed"]:
    """`appointed` for a later time, `registered` now."""
    appointment, promised = form["appointment"], form["promised"]
    if appointment is None and form["channel"] == "on-site":
        raise wrong("registration.appointment", _ON_SITE, _GIVE_TIME)
    if appointment is not None and appointment <= case.now_ms:
        raise wrong("registration.appointment", _PAST.fill(what=_APPOINTMENT), _GIVE_TIME)
    if promised is not None and promised <= max(case.now_ms, appointment or 0):
        raise wrong("registration.promised", _PAST.fill(what=_PROMISED), _GIVE_TIME)
    return "registered" if appointment is None else "appointed"


# --- people ----------------------------------------------------------------------------------------------------------


def _people(form: Filled) -> dict[str, str]:
    """Names and telephones as they are kept; who is the owner again is not kept twice."""
    found = {"name": form["owner_name"], "phone": telephone(form["owner_phone"])}
    for part in ("bringer", "collector"):
        name, phone = form[f"{part}_name"], telephone(form[f"{part}_phone"])
        same = name == found["name"] and phone in ("", found["phone"])
        found |= {f"{part}_name": "" if same else name, f"{part}_phone": "" if same else phone}
    return found


def _must_be_able(form: Filled, personal: Mapping[str, str], part: str, *, letter: bool) -> None:
    """Whoever stands for the owner needs something that gives them authority."""
    shown, label = form[f"{part}_authority"], _PARTS[part]
    if not personal[f"{part}_name"]:
        if personal[f"{part}_phone"]:
            raise wrong("registration.party", _NO_NAME.fill(who=label), _NAME_THEM)
        return
    if not shown:
        raise wrong("registration.authority", _NO_AUTHORITY.fill(who=label), _SHOW_AUTHORITY)
    if "relation" in shown and not form[f"{part}_relation"]:
        raise wrong("registration.authority", _NO_RELATION.fill(who=label), _SHOW_AUTHORITY)
    if "letter" in shown and not letter:
        raise wrong("registration.letter", _NO_LETTER.fill(who=label), _ADD_LETTER)


def _party(case: Case, form: Filled, personal: Mapping[str, str], part: str) -> PartyV1 | None:
    name, phone = personal[f"{part}_name"], personal[f"{part}_phone"]
    if not name:
        return None
    return PartyV1(
        name=case.commit(f"{part}-name", name),
        phone=case.commit(f"{part}-phone", phone) if phone else None,
        relation=form[f"{part}_relation"] or "other",
        authority=form[f"{part}_authority"],
    )


def _committed(case: Case, named: Mapping[str, str | tuple[str, ...]]) -> tuple[IdentityV1, ...]:
    every = [(kind, (texts,) if isinstance(texts, str) else texts) for kind, texts in named.items()]
    return tuple(IdentityV1(kind=kind, value=case.commit(kind, one)) for kind, texts in every for one in texts if one)


def _subject(case: Case, identities: Mapping[str, str], imeis: tuple[str, ...]) -> Commitment:
    """The phone's commitment as its intake will have it, where its IMEI or serial is known; else the request itself."""
    for kind, text in (("imei", imeis[0] if imeis else ""), *((one, identities[one]) for one in ("serial", "meid"))):
        if text:
            return case.commit(kind, text)
    return case.commit("registration", case.ticket)


# --- papers ----------------------------------------------------------------------------------------------------------


def _facts(case: Case, form: Filled) -> tuple[DocumentFact, ...]:
    invoice, card = _paper(case, form, "invoice"), _paper(case, form, "card")
    if form["purchased"] is not None and form["purchased"] > case.today:
        raise wrong("registration.date", _FUTURE, _LOOK_AGAIN)
    return document_facts(invoice, card, [name for name in ("invoice", "card") if form[name]])


def _paper(case: Case, form: Filled, name: str) -> Paper | None:
    sold, holds, seller = form[f"{name}_date"], form[f"{name}_holds"], form[f"{name}_seller"]
    if form[name] != "shown":
        if sold or holds or seller or form[f"{name}_number"]:
            raise wrong("registration.paper", _NOT_SHOWN.fill(paper=_PAPERS_OF[name]), _LOOK_AGAIN)
        return None
    if sold is not None and sold > case.today:
        raise wrong("registration.date", _FUTURE, _LOOK_AGAIN)
    return Paper(**{rule: rule in holds for rule in _HOLDS}, sold=sold, seller=seller)


def _purchase(case: Case, form: Filled, facts: tuple[DocumentFact, ...]) -> PurchaseV1:
    said: tuple[tuple[Literal["invoice", "card", "customer"], datetime.date | None], ...] = (
        ("invoice", form["invoice_date"]),
        ("card", form["card_date"]),
        ("customer", form["purchased"]),
    )
    by, sold = next(((by, day) for by, day in said if day is not None), (None, None))
    return PurchaseV1(
        invoice=form["invoice"],
        card=form["card"],
        sold=_day(sold),
        sold_by=by,
        invoice_sold=_day(form["invoice_date"]),
        card_sold=_day(form["card_date"]),
        seller=form["invoice_seller"] or form["card_seller"] or form["seller"],
        numbers=_committed(case, {f"{name}-number": form[f"{name}_number"] for name in ("invoice", "card")}),
        facts=tuple(PaperFactV1(fact=one.fact, holds=one.holds, follows=one.follows) for one in facts),
    )


def _day(day: datetime.date | None) -> str | None:
    return day.isoformat() if day else None


# --- what is shown ---------------------------------------------------------------------------------------------------


def _says(made: RegistrationV1) -> list[Words]:
    lines = [_TAKEN_DOWN.fill(channel=_CHANNELS[made.channel], model=made.model)]
    if made.appointment_ms is not None:
        lines.append(_APPOINTED.fill(when=_clock(made.appointment_ms)))
    if made.promised_ms is not None:
        lines.append(_PROMISES.fill(when=_clock(made.promised_ms)))
    for part, party in (("bringer", made.bringer), ("collector", made.collector)):
        if party is not None:
            shown = _list([AUTHORITY[one] for one in party.authority])
            lines.append(_STANDS_FOR.fill(who=_PARTS[part], relation=RELATIONS[party.relation], shown=shown))
    return lines


def _clock(ms: int) -> str:
    return datetime.datetime.fromtimestamp(ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")


def _list(words: list[Words]) -> Words:
    return Words(", ".join(one.en for one in words), "、".join(one.zh for one in words))


_APPOINTMENT, _PROMISED = Words("appointment", "预约时间"), Words("promised time", "承诺完成时间")
_PARTS = {"bringer": Words("bringer", "送修人"), "collector": Words("collector", "取机人")}
_PAPERS_OF = {"invoice": Words("invoice", "购机发票"), "card": Words("warranty card", "三包凭证")}
_TAKEN_DOWN = Words("{channel}: {model}", "{channel}：{model}")
_APPOINTED = Words("appointed for {when}", "预约时间 {when}")
_PROMISES = Words("promised for {when}", "承诺 {when} 前完成")
_STANDS_FOR = Words("the {who} ({relation}) stands for the owner: {shown}", "{who}（{relation}）代机主办理：{shown}")
_ON_SITE = Words("An on-site visit needs an appointment", "上门服务须有预约时间")
_PAST = Words("{what}: this time is not to come", "{what}：该时间已过或早于预约")
_GIVE_TIME = Words("Give a later time; nothing was stored", "请填写之后的时间；未保存任何内容")
_NO_NAME = Words("{who}: a telephone without a name", "{who}：有电话但没有姓名")
_NAME_THEM = Words("Give the name, or leave both out", "请填写姓名，或两项都不填")
_NO_AUTHORITY = Words("The {who} is not the owner, and nothing shows their authority", "{who}不是机主，且没有授权依据")
_NO_RELATION = Words("{who}: which relation to the owner?", "{who}：与机主是什么关系？")
_SHOW_AUTHORITY = Words(
    "Say what was shown: the owner's letter, an identity document, the relation, or a call to the owner",
    "请注明依据：机主委托书、身份证件、与机主的关系或机主电话确认",
)
_NO_LETTER = Words("{who}: the owner's letter is not among the papers", "{who}：未附机主委托书")
_ADD_LETTER = Words("Add a picture of the letter to the papers", "请在凭证照片中附上委托书")
_NOT_SHOWN = Words("{paper}: it was not shown, and yet something of it was filled in", "{paper}：未出示却填写了内容")
_FUTURE = Words("The date of sale lies in the future", "购机日期晚于今天")
_LOOK_AGAIN = Words("Look at the paper again; nothing was stored", "请重新核对凭证；未保存任何内容")
_TAKEN_IN = Words("The phone was taken in already: what is wrong is amended", "手机已接件：有误请更正")


def _choices(named: Mapping[str, Words]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in named.items())


def _party_fields(part: str) -> tuple[Field, ...]:
    who = _PARTS[part]
    named = Words("{who}: {what}", "{who}{what}")
    return (
        Field(
            f"{part}_name",
            named.fill(who=who, what=Words("name", "姓名")),
            personal=True,
            most=100,
            help=Words("only where it is not the owner", "与机主不同时填写"),
        ),
        Field(f"{part}_phone", named.fill(who=who, what=Words("telephone", "电话")), personal=True, most=40),
        Field(
            f"{part}_relation",
            named.fill(who=who, what=Words("relation to the owner", "与机主关系")),
            "choice",
            choices=_choices(RELATIONS),
        ),
        Field(
            f"{part}_authority",
            named.fill(who=who, what=Words("authority", "授权依据")),
            "choices",
            choices=_choices(AUTHORITY),
        ),
    )


def _paper_fields(name: str) -> tuple[Field, ...]:
    label = _PAPERS_OF[name]
    named = Words("{paper}: {what}", "{paper}：{what}")
    return (
        Field(name, label, "choice", choices=_choices(_PAPER)),
        Field(
            f"{name}_holds",
            named.fill(paper=label, what=Words("what holds of it", "符合项")),
            "choices",
            choices=_choices(_HOLDS),
            help=Words("what is not ticked does not hold", "未勾选即为不符合"),
        ),
        Field(f"{name}_date", named.fill(paper=label, what=Words("date of sale", "日期")), "date"),
        Field(f"{name}_seller", named.fill(paper=label, what=Words("seller", "销售者")), most=200),
        Field(f"{name}_number", named.fill(paper=label, what=Words("number", "号码")), personal=True, most=100),
    )


STEPS = (
    Step(
        id="register",
        kind="registration/v1",
        place=100,
        title=Words("registration", "受理登记"),
        about=Words("takes a request down and opens its ticket", "登记受理信息并建立工单"),
        roles=("receptionist", "technician", "lead"),
        opens=True,
        possible=lambda case: _TAKEN_IN if case.session.opened else None,
        make=_register,
        fields=(
            Field(
                "channel",
                Words("channel", "受理渠道"),
                "choice",
                required=True,
                choices=_choices({name: _CHANNELS[name] for name in get_args(Channel)}),
            ),
            Field("appointment", Words("appointment", "预约时间"), "moment"),
            Field("owner_name", Words("owner: name", "机主姓名"), required=True, personal=True, most=100),
            Field("owner_phone", Words("owner: telephone", "机主电话"), required=True, personal=True, most=40),
            *grouped(Words("bringer, where not the owner", "送修人（非机主时填写）"), *_party_fields("bringer")),
            *grouped(Words("collector, where not the owner", "取机人（非机主时填写）"), *_party_fields("collector")),
            *grouped(
                Words("the phone", "手机"),
                Field("manufacturer", Words("manufacturer", "品牌"), most=200),
                Field("model", Words("model", "型号"), required=True, most=200),
                Field("imei", Words("IMEI", "IMEI"), personal=True, most=30, help=Words("scan the label", "请扫码")),
                Field("imei2", Words("second IMEI", "IMEI 2"), personal=True, most=30),
                Field("meid", Words("MEID", "MEID"), personal=True, most=30),
                Field("serial", Words("serial", "序列号"), personal=True, most=100),
            ),
            *grouped(
                Words("what is wrong with it", "故障情况"),
                Field("complaint", Words("complaint", "客户描述"), "long", required=True, most=2000),
                Field("symptoms", Words("symptoms", "故障现象代码"), "choices", choices=symptoms()),
                Field(
                    "qualifiers",
                    Words("when, how often, after what", "何时、频率、诱因"),
                    "choices",
                    choices=qualifiers(),
                ),
                Field("since", Words("since when", "何时开始"), most=200),
                Field("tried", Words("what was tried", "已尝试的处理"), "long", most=1000),
            ),
            *grouped(
                Words("purchase and papers, for the warranty", "购机信息与凭证（三包）"),
                Field("purchased", Words("bought on, as the customer says", "购机日期（客户所述）"), "date"),
                Field("seller", Words("seller", "销售者"), most=200),
                *_paper_fields("invoice"),
                *_paper_fields("card"),
                Field("papers", Words("pictures of papers and letters", "凭证与委托书照片"), "photos", most=12),
            ),
            *grouped(
                Words("parcel and promised time", "包裹与承诺时间"),
                Field("waybill", Words("waybill", "运单号"), personal=True, most=60),
                Field("promised", Words("promised time", "承诺完成时间"), "moment"),
            ),
        ),
    ),
)
