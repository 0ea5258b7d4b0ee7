"""The customer's confirmation (客户确认): phone, accessories and data text are as recorded, or what differs.

It is given before any test and names the digests of what was shown. A difference stops the ticket until the appearance
was recorded anew; a phone that was sent in is confirmed from afar.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.text import Words
from reports.attest import Record
from reports.predicates import IdentityV1, IntakeV1
from reports.steps.appearance import AppearanceV1
from reports.steps.confirmation import ConfirmationV1, NoticeV1
from reports.steps.registration import RegistrationV1
from station.counter.inputs import Files, no_passcode, written
from station.counter.policy import data_notice
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, others, wrong
from station.steps.appearance import appearance_lines
from station.steps.one_time_code import code_record, compared

__all__ = ["STEPS"]

_DECISIONS = {
    "confirmed": Words("it is as recorded", "与记录一致"),
    "differs": Words("something differs", "有异议"),
}
_WAYS = {
    "signature": Words("drawn signature, as a picture", "手写签名（图片）"),
    "typed": Words("name typed by the customer", "客户键入姓名"),
    "one-time-code": Words("one-time code", "一次性验证码"),
    "call": Words("recorded call", "通话录音"),
    "witness": Words("in person, before a witness", "当面确认（有见证人）"),
}
_BY = {"owner": Words("owner", "机主"), "bringer": Words("bringer", "送修人")}
_BACKUP = {
    "made": Words("the customer has a backup", "客户已备份"),
    "declined": Words("no backup, and the risk is accepted", "未备份，客户接受风险"),
    "not-possible": Words("no backup possible, and the risk is accepted", "无法备份，客户接受风险"),
}
#: What the proof of a way may be, as the beginnings of media types.
_PROOFS = {"signature": ("image/", "application/pdf"), "call": ("audio/", "video/")}


def _confirm(case: Case, form: Filled) -> Made:
    intake, appearance = _shown(case)
    newest = appearance or intake
    if form["seen"] and form["seen"] != newest.digest:
        raise not_now("confirm.changed", _CHANGED, _SHOW_AGAIN)
    if form["decision"] == "differs" and not form["difference"]:
        raise wrong("confirm.difference", _WHAT_DIFFERS, _WRITE_IT)
    no_passcode(form["difference"])
    files, notice = Files(case), data_notice(case.policy)
    _must_be_there(case, form)
    difference = written(case).text(case.redact(form["difference"]), 2000)
    given, by_code = _given(case, form, files), form["way"] == "one-time-code"
    # The code was sent for exactly these records: another appearance needs another one.
    code = code_record(case, "confirmation", newest.digest, form["code"]) if by_code else ""
    predicate = ConfirmationV1(
        **case.common,
        person=case.person,
        intake=intake.digest,
        appearance=appearance.digest if appearance else None,
        notice=notice,
        backup=form["backup"],
        decision=form["decision"],
        difference=difference,
        by=form["by"],
        way=form["way"],
        remote=form["remote"] or _sent_in(case),
        given_ms=case.now_ms,
        code=IdentityV1(kind="code", value=case.commit("code", form["code"].strip())) if code else None,
        **given,
    )
    says = (*_lines(intake, appearance), *_text(notice))
    return Made(predicate, says=says, keep=tuple(files.kept), counts=compared(case, code) if code else ())


def _shown(case: Case) -> tuple[Record, Record | None]:
    intake = case.newest("intake")
    assert intake is not None  # noqa: S101 - asked by `possible`
    return intake, case.newest("appearance")


def _possible(case: Case) -> Words | None:
    intake, appearance, before = case.newest("intake"), case.newest("appearance"), case.newest("confirmation")
    if intake is None:
        return _NO_INTAKE
    if appearance is None and _sent_in(case):
        return _APPEARANCE_FIRST
    said = before.statement.predicate if before else None
    now = (intake.digest, appearance.digest if appearance else None)
    if not isinstance(said, ConfirmationV1) or (said.intake, said.appearance) != now:
        return None
    return _CONFIRMED if said.decision == "confirmed" else _RECORD_ANEW


def _sent_in(case: Case) -> bool:
    registration = case.newest("registration")
    asked = registration.statement.predicate if registration else None
    return isinstance(asked, RegistrationV1) and asked.channel == "mail-in"


# --- how it was given ------------------------------------------------------------------------------------------------


def _must_be_there(case: Case, form: Filled) -> None:
    """Who confirms is known to the ticket, and in person means at the counter."""
    if form["by"] == "bringer" and not case.personal.get("bringer_name"):
        raise wrong("confirm.by", _NO_BRINGER, _WHO)
    if form["way"] == "witness" and (form["remote"] or _sent_in(case)):
        raise wrong("confirm.remote", _NOT_HERE, _OTHER_WAY)


def _given(case: Case, form: Filled, files: Files) -> dict[str, Any]:
    """Proof, witness and name, as far as the way asks for them."""
    way, proofs = form["way"], form["proof"]
    needed = _PROOFS.get(way)
    if needed and not proofs:
        raise wrong("confirm.proof", _NO_PROOF.fill(way=_WAYS[way]), _ADD_PROOF)
    return {
        "proof": files.take(proofs, "proof", needed or ()),
        "witness": _witness(case, form) if way == "witness" else None,
        "name": _name(case, form) if way == "typed" else None,
    }


def _witness(case: Case, form: Filled) -> str:
    witness: str = form["witness"]
    if witness not in case.roster.persons or witness == case.person:
        raise wrong("confirm.witness", _NO_WITNESS, _NAME_WITNESS)
    return witness


def _name(case: Case, form: Filled) -> IdentityV1:
    """The typed name is that of who confirms, as it was registered."""
    known = str(case.personal.get("name" if form["by"] == "owner" else "bringer_name") or "")
    typed = "".join(form["name"].split())
    if not known or typed.casefold() != "".join(known.split()).casefold():
        raise wrong("confirm.name", _OTHER_NAME, _TYPE_NAME)
    return IdentityV1(kind="name" if form["by"] == "owner" else "bringer-name", value=case.commit("signed-name", known))


# --- what is shown ---------------------------------------------------------------------------------------------------


def _lines(intake: Record, appearance: Record | None) -> list[Words]:
    """What was recorded of the phone."""
    looked = appearance.statement.predicate if appearance else None
    if isinstance(looked, AppearanceV1):
        return appearance_lines(looked)
    taken = intake.statement.predicate
    assert isinstance(taken, IntakeV1)  # noqa: S101 - a record of that kind
    nothing = Words("nothing written down", "未填写")
    said = ((_LOOKS, taken.appearance), (_CAME_WITH, taken.accessories))
    return [line.fill(what=text or nothing) for line, text in said]


def _text(notice: NoticeV1) -> list[Words]:
    return [Words(f"{n}. {one.en}", f"{n}. {one.zh}") for n, one in enumerate(notice.clauses, 1)]


_LOOKS, _CAME_WITH = Words("appearance: {what}", "外观：{what}"), Words("accessories: {what}", "附件：{what}")
_NO_INTAKE = Words("The phone was not taken in yet", "手机尚未接件")
_APPEARANCE_FIRST = Words("A phone that was sent in needs its appearance record first", "寄修件须先完成外观记录")
_CONFIRMED = Words("The customer confirmed this already", "客户已确认")
_RECORD_ANEW = Words(
    "The customer said that it differs: record the appearance anew first", "客户有异议：请先重新记录外观"
)
_CHANGED = Words("This is not the newest record: it changed since it was shown", "显示之后记录有更新")
_SHOW_AGAIN = Words("Show the customer the newest one", "请向客户出示最新记录")
_WHAT_DIFFERS = Words("What differs?", "请说明异议内容")
_WRITE_IT = Words("Write it down in the customer's words", "请记录客户原话")
_NO_BRINGER = Words("Nobody but the owner was registered as bringing it", "登记中没有机主以外的送修人")
_WHO = Words("Say who confirms: the owner, or the registered bringer", "请选择确认人：机主或登记的送修人")
_NOT_HERE = Words("Who is not at the counter can't confirm in person", "客户不在场，不能当面确认")
_OTHER_WAY = Words("Use a signature, a one-time code or a recorded call", "请使用签名、验证码或通话录音")
_NO_PROOF = Words("{way}: the file is missing", "{way}：缺少文件")
_ADD_PROOF = Words("Add it under `proof`", "请在“证明文件”中添加")
_NO_WITNESS = Words("The witness is a second person who is enrolled here", "见证人须是本工位登记的另一人")
_NAME_WITNESS = Words("Name them by their id: `assay person list`", "请填写其编号：`assay person list`")
_OTHER_NAME = Words("The typed name is not the registered one", "键入的姓名与登记不符")
_TYPE_NAME = Words("Have the customer type their name as it was registered", "请客户按登记键入姓名")


def _choices(named: Mapping[str, Words]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in named.items())


def _newest(case: Case) -> str:
    intake, appearance = _shown(case)
    return (appearance or intake).digest


STEPS = (
    Step(
        id="confirm",
        kind="confirmation/v1",
        place=220,
        title=Words("customer's confirmation", "客户确认"),
        about=Words(
            "the customer confirms phone, accessories and data text, before any test",
            "客户在检测前确认外观、附件与数据责任告知",
        ),
        roles=("receptionist", "technician", "lead"),
        possible=_possible,
        make=_confirm,
        compares=True,
        fields=(
            Field("decision", Words("decision", "客户意见"), "choice", required=True, choices=_choices(_DECISIONS)),
            Field("difference", Words("what differs", "异议内容"), "long", most=1000),
            Field("backup", Words("backup", "数据备份"), "choice", required=True, choices=_choices(_BACKUP)),
            Field("by", Words("who confirms", "确认人"), "choice", required=True, choices=_choices(_BY)),
            Field("way", Words("way", "确认方式"), "choice", required=True, choices=_choices(_WAYS)),
            Field("remote", Words("not at the counter", "客户不在场"), "tick"),
            Field("witness", Words("witness", "见证人"), most=60, offered=others),
            Field("name", Words("typed name", "键入的姓名"), personal=True, most=100),
            Field("code", Words("one-time code", "验证码"), most=20),
            Field("proof", Words("proof", "证明文件"), "photos", most=4),
            Field("seen", Words("record that was shown", "出示的记录"), "digest", given=_newest),
        ),
    ),
)
