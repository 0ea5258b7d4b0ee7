"""Erasing: the customer's data on the phone, when that was asked for, and what the shop itself holds of the customer.

Both are the signed word of who did it. Of a phone another person verifies it; the shop's own data is destroyed in the
transaction that stores the signed record (`station.erasing`). Pure.
"""

from __future__ import annotations

from drivers.text import Words
from reports.record import digest_of
from reports.steps.erasure import ErasureV1, MediaV1, RecordsV1
from station.erasing import CLOSE_IT, HELD
from station.states import State, grievance_open, state_of
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, others, wrong

__all__ = ["STEPS"]

_MEDIA = (
    Choice("internal-storage", Words("internal storage", "内部存储")),
    Choice("memory-card", Words("memory card", "存储卡")),
    Choice("whole-phone", Words("the whole phone", "整机")),
)
_METHODS = (
    Choice("clear", Words("clear: by the phone's own reset", "清除（clear）：系统重置")),
    Choice("purge", Words("purge: keys destroyed or storage sanitised", "净化（purge）：密钥销毁或存储净化")),
    Choice("destroy", Words("destroy: the medium is gone", "销毁（destroy）：介质物理销毁")),
)
_HOWS = (
    Choice("factory-reset", Words("factory reset", "恢复出厂设置")),
    Choice("crypto-erase", Words("cryptographic erase", "加密擦除")),
    Choice("overwrite", Words("overwritten", "覆写")),
    Choice("reflash", Words("system installed again", "重刷系统")),
    Choice("shred", Words("shredded", "粉碎")),
    Choice("other", Words("another way", "其他")),
)
#: Which technique can be which method: a reset alone is never a purge, and only what is gone is destroyed
#: (NIST SP 800-88 Rev. 1, section 2.5 and table A-8 for mobile devices).
_FITS = {
    "clear": {"factory-reset", "overwrite", "reflash", "other"},
    "purge": {"crypto-erase", "overwrite", "other"},
    "destroy": {"shred", "other"},
}
_VERIFICATIONS = (
    Choice("full", Words("all of it was read", "全部读取核验")),
    Choice("sample", Words("samples were read", "抽样读取核验")),
    Choice("setup-screen", Words("the phone starts as new, without an account", "开机进入初始设置，且无账号")),
)
_RESULTS = (Choice("erased", Words("erased", "已清除")), Choice("failed", Words("failed", "清除失败")))
_BEFORE = (
    Choice("personal", Words("personal data", "个人数据")),
    Choice("unknown", Words("not known", "未知")),
    Choice("none", Words("none", "无")),
)
_AFTER = (Choice("none", Words("none", "无")), Choice("unknown", Words("not known", "未知")))
_BACKUPS = (
    Choice("made", Words("the customer has a copy", "客户已备份")),
    Choice("declined", Words("the customer wants none", "客户不需要备份")),
    Choice("not-possible", Words("none could be made", "无法备份")),
)
_DESTINATIONS = (
    Choice("customer", Words("back to the customer", "交还客户")),
    Choice("factory", Words("to the factory", "返厂")),
    Choice("recycling", Words("recycling", "回收")),
    Choice("shop", Words("stays with the shop", "留店")),
)
_REQUESTS = (
    Choice("customer", Words("the customer asked for it", "客户要求")),
    Choice("retention", Words("the time of keeping is over", "保存期届满")),
)


def _phone_possible(case: Case) -> Words | None:
    if case.phone is None:
        return _NOT_TAKEN_IN
    return None if state_of(case.session).open else _GONE


def _erase_phone(case: Case, form: Filled) -> Made:
    verifier = form["verifier"]
    if verifier == case.person:
        raise not_now("erase.same-person", _SAME_PERSON, _ANOTHER)
    if verifier not in case.roster.persons or case.roster.current_key(verifier) is None:
        raise wrong("erase.verifier", _NO_VERIFIER.fill(person=verifier), _ENROLLED)
    if form["how"] not in _FITS[form["method"]]:
        told = {"how": _label(_HOWS, form["how"]), "method": _label(_METHODS, form["method"])}
        raise wrong("erase.method", _NO_FIT.fill(**told), _CHOOSE)
    if form["result"] == "erased" and form["after"] != "none":
        raise wrong("erase.after", _STILL_UNKNOWN, _SAY_FAILED)
    if form["result"] == "failed" and not form["reason"]:
        raise wrong("erase.reason", _WHY_FAILED, _SAY_WHY)
    consent = case.newest("confirmation") or case.newest("consent")
    predicate = ErasureV1(
        **case.common,
        **case.signed,
        decision="phone-erased" if form["result"] == "erased" else "failed",
        consent=consent.digest if consent else None,
        phone=MediaV1(
            media=form["media"],
            source=case.redact(form["source"]),
            method=form["method"],
            how=form["how"],
            tool=form["tool"],
            tool_version=form["tool_version"],
            verified_by=verifier,
            verification=form["verification"],
            result=form["result"],
            data_before=form["before"],
            data_after=form["after"],
            backup=form["backup"],
            destination=form["destination"],
            certificate=form["certificate"],
        ),
        records=None,
        reason=case.redact(form["reason"]),
    )
    line = _SAYS.fill(
        method=_label(_METHODS, form["method"]), how=_label(_HOWS, form["how"]), result=_label(_RESULTS, form["result"])
    )
    return Made(predicate, says=(line, _THEN_VERIFY.fill(person=case.roster.name_of(verifier))))


def _records_possible(case: Case) -> Words | None:
    if grievance_open(case.session):
        return HELD
    state = state_of(case.session)
    here = state.open and not (state in (State.REGISTERED, State.APPOINTED) and case.phone is None)
    return _STILL_HERE if here else None


def _erase_records(case: Case, form: Filled) -> Made:
    if grievance_open(case.session):
        raise not_now("erase.held", HELD, CLOSE_IT)
    pieces = sum(len(attempt.attached) for run in case.session.runs.values() for attempt in run.attempts)
    kinds = tuple(sorted(name for name, value in case.personal.items() if value))
    predicate = ErasureV1(
        **case.common,
        **case.signed,
        decision="records-erased",
        consent=None,
        phone=None,
        records=RecordsV1(request=form["request"], evidence=pieces, kinds=kinds),
        reason=case.redact(form["reason"]),
    )
    # A ticket whose phone never came has no phone to be about: then the record is about the number of the ticket.
    subject = "" if case.phone else digest_of(f"ticket:{case.ticket}".encode())
    return Made(predicate, says=(_FINAL, _WHAT_GOES.fill(kinds=", ".join(kinds) or "-", n=pieces)), subject=subject)


def _label(choices: tuple[Choice, ...], value: str) -> Words:
    return next(choice.label for choice in choices if choice.value == value)


_NOT_TAKEN_IN = Words("The phone was not taken in yet", "手机尚未接件")
_GONE = Words("The phone is not here any more", "手机已不在店内")
_SAME_PERSON = Words("Who erased it can't be who verifies it", "清除人不能同时为复核人")
_ANOTHER = Words("Name another person, who looks at the phone and signs", "请指定另一人复核并签字")
_NO_VERIFIER = Words("{person} is not enrolled here", "{person} 未在本工位登记")
_ENROLLED = Words("`assay person list` shows who is", "用 `assay person list` 查看已登记人员")
_NO_FIT = Words("{how} is not: {method}", "“{how}”不属于“{method}”")
_CHOOSE = Words("Choose the method that was really used", "请选择实际使用的方法")
_STILL_UNKNOWN = Words("It can't be called erased while what it holds is not known", "内容未知时不能记为已清除")
_SAY_FAILED = Words("Verify it, or record that it failed", "请核验，或记为清除失败")
_WHY_FAILED = Words("Why it failed is missing", "未填写失败原因")
_SAY_WHY = Words("Write what happened", "请写明情况")
_SAYS = Words("erasure of the phone: {method}, {how}: {result}", "手机数据清除：{method}，{how}：{result}")
_THEN_VERIFY = Words("{person} verifies it and signs", "由 {person} 复核并签字")
_STILL_HERE = Words("The phone is still here: the ticket's data is needed", "手机仍在店内，工单数据尚需使用")
_FINAL = Words(
    "This can't be undone: name, telephone, IMEI, pictures and raw answers of this ticket become unreadable for good",
    "此操作不可恢复：该工单的姓名、电话、IMEI、图片和原始数据将永久不可读",
)
_WHAT_GOES = Words("goes: {kinds}; pieces of evidence: {n}", "将删除：{kinds}；原始数据 {n} 份")

STEPS = (
    Step(
        id="erase",
        kind="erasure/v1",
        place=690,
        title=Words("erasure of the phone", "手机数据清除"),
        about=Words(
            "erase the customer's data on the phone, verified by another person", "清除手机数据，并由另一人复核"
        ),
        roles=("technician", "receptionist", "lead"),
        signs="within",
        possible=_phone_possible,
        make=_erase_phone,
        fields=(
            Field("media", Words("what was erased", "清除对象"), "choice", required=True, choices=_MEDIA),
            Field("source", Words("where the medium comes from", "介质来源"), most=200),
            Field(
                "method",
                Words("method (NIST SP 800-88)", "方法（NIST SP 800-88）"),
                "choice",
                required=True,
                choices=_METHODS,
            ),
            Field("how", Words("technique", "手段"), "choice", required=True, choices=_HOWS),
            Field("tool", Words("tool", "工具"), required=True, most=200),
            Field("tool_version", Words("its version", "工具版本"), required=True, most=200),
            Field(
                "verifier",
                Words("who verifies it: another person", "复核人（另一人）"),
                required=True,
                most=200,
                offered=others,
            ),
            Field(
                "verification", Words("how it is verified", "复核方式"), "choice", required=True, choices=_VERIFICATIONS
            ),
            Field("result", Words("result", "结果"), "choice", required=True, choices=_RESULTS),
            Field("before", Words("data before", "清除前数据"), "choice", required=True, choices=_BEFORE),
            Field("after", Words("data after", "清除后数据"), "choice", required=True, choices=_AFTER),
            Field("backup", Words("backup", "备份"), "choice", required=True, choices=_BACKUPS),
            Field("destination", Words("where it goes", "去向"), "choice", required=True, choices=_DESTINATIONS),
            Field("certificate", Words("number of the certificate", "证明编号"), most=100),
            Field("reason", Words("remarks", "说明"), "long", most=2000),
        ),
    ),
    Step(
        id="forget",
        kind="erasure/v1",
        place=950,
        title=Words("erasure of the shop's own data", "删除本店客户数据"),
        about=Words(
            "destroy what the shop holds of the customer; records stay and verify", "销毁本店所存客户数据，记录仍可校验"
        ),
        roles=("lead", "receptionist"),
        signs="within",
        possible=_records_possible,
        make=_erase_records,
        fields=(
            Field("request", Words("why", "原因"), "choice", required=True, choices=_REQUESTS),
            Field("sure", Words("it can't be undone", "已知不可恢复"), "tick", required=True),
            Field("reason", Words("remarks", "说明"), "long", most=2000),
        ),
    ),
)
