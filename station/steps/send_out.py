"""Sending the phone to factory or depot (返厂) and taking it back: what went, how it was sealed, how long it was away.

Only inside of a consented plan. What comes back is looked at again as at intake.
"""

from __future__ import annotations

from drivers.text import Words
from reports.agreement import agreement
from reports.attest import Record
from reports.predicates import IdentityV1
from reports.steps.send_out import SendBackV1, SendOutV1
from station.events import Body
from station.steps.api import Case, Choice, Field, Filled, Made, Photo, Step, not_now, phone_changed, wrong
from station.tickets import check_imei
from station.vault import Kept

__all__ = ["STEPS"]

_CONTENTS = (
    Choice("handset", Words("handset", "主机")),
    Choice("battery", Words("loose battery", "电池（单独）")),
    Choice("tray", Words("SIM tray", "卡托")),
    Choice("sim", Words("SIM card", "SIM 卡")),
    Choice("memory-card", Words("memory card", "存储卡")),
    Choice("charger", Words("charger", "充电器")),
    Choice("cable", Words("data cable", "数据线")),
    Choice("box", Words("box", "包装盒")),
    Choice("papers", Words("papers", "单据")),
)
_DAY_MS = 86_400_000


def _away(case: Case) -> Record | None:
    """The record of the phone's going away, while it is not back."""
    back = {getattr(record.statement.predicate, "send_out", "") for record in case.standing("send-back")}
    out = [record for record in case.standing("send-out") if record.digest not in back]
    return out[-1] if out else None


def _may_go(case: Case) -> Words | None:
    if _away(case):
        return _IS_AWAY
    return None if agreement(case.records).agreed else _NOT_AGREED


def _may_come(case: Case) -> Words | None:
    return None if _away(case) else _NOT_AWAY


def _send(case: Case, form: Filled) -> Made:
    if "handset" not in form["sent"]:
        raise wrong("send-out.handset", _NO_HANDSET, _TICK_IT)
    if form["due"] <= case.now_ms:
        raise wrong("send-out.due", _PAST, _SAY_DUE)
    predicate = SendOutV1(
        **case.common,
        person=case.person,
        plan=agreement(case.records).digest,
        destination=form["destination"],
        receiver=form["receiver"],
        carrier=form["carrier"],
        waybill=form["waybill"],
        seal=form["seal"],
        photos=tuple(case.evidence(photo) for photo in form["photos"]),
        sent=form["sent"],
        data_state=form["data_state"],
        reason=case.redact(form["reason"]),
        sent_ms=case.now_ms,
        due_ms=form["due"],
    )
    said = [_SENT.fill(receiver=predicate.receiver, waybill=predicate.waybill, seal=predicate.seal)]
    said += [_OWN_CARD] if {"sim", "memory-card"} & set(predicate.sent) else []
    said += [_DATA_LEFT] if predicate.data_state == "on-the-phone" else []
    return Made(predicate, says=tuple(said), keep=_kept(form["photos"]))


def _take_back(case: Case, form: Filled) -> Made:
    record = _away(case)
    out = record.statement.predicate if record else None
    if record is None or not isinstance(out, SendOutV1):
        raise not_now("send-back.not-away", _NOT_AWAY, _SEND_FIRST)
    missing = tuple(one for one in out.sent if one not in form["came"])
    differs = bool(missing) or not form["seal_whole"]
    if differs and not form["report"]:
        raise wrong("send-back.differs", _DIFFERS.fill(what=_named(missing) if missing else _SEAL), _SAY_WHAT)
    identities, events = _new_identities(case, form)
    predicate = SendBackV1(
        **case.common,
        person=case.person,
        send_out=record.digest,
        carrier=form["carrier"],
        waybill=form["waybill"],
        seal=form["seal"],
        seal_whole=form["seal_whole"],
        photos=tuple(case.evidence(photo) for photo in form["photos"]),
        came=form["came"],
        missing=missing,
        outcome=form["outcome"],
        report=case.redact(form["report"]),
        parts=tuple(form["parts"].replace("，", ",").replace(",", " ").split()),
        new_phone=identities[0].value if identities else None,
        new_identities=identities,
        returned_ms=case.now_ms,
        away_ms=max(0, case.now_ms - out.sent_ms),
        decision="differs" if differs else "whole",
    )
    late = case.now_ms - out.due_ms
    said = [_AWAY.fill(days=f"{predicate.away_ms / _DAY_MS:.1f}")]
    said += [_LATE.fill(days=f"{late / _DAY_MS:.1f}")] if late > 0 else []
    said += [_MISSING.fill(what=_named(missing))] if missing else []
    said.append(_AGAIN)
    return Made(predicate, says=tuple(said), keep=_kept(form["photos"]), events=events)


def _named(things: tuple[str, ...]) -> Words:
    labels = [choice.label for choice in _CONTENTS if choice.value in things]
    return Words(", ".join(one.en for one in labels), "、".join(one.zh for one in labels))


def _new_identities(case: Case, form: Filled) -> tuple[tuple[IdentityV1, ...], tuple[Body, ...]]:
    """The identities of another unit or board, the one that stands for the phone first."""
    imei = check_imei(form["new_imei"]) if form["new_imei"] else ""
    serial = form["new_serial"]
    if form["outcome"] == "exchanged" and not (imei or serial):
        raise wrong("send-back.identity", _NO_IDENTITY, _SCAN)
    return phone_changed(case, imei, serial)


def _kept(photos: tuple[Photo, ...]) -> tuple[Kept, ...]:
    return tuple(Kept(photo.name, photo.media_type, photo.data) for photo in photos)


_IS_AWAY = Words("The phone is away already", "手机已在返厂途中")
_NOT_AWAY = Words("The phone is not away", "手机未返厂")
_NOT_AGREED = Words("The customer has not agreed to the newest plan", "客户尚未同意最新方案")
_SEND_FIRST = Words("`assay ticket next TICKET` lists what can be done", "用 `assay ticket next TICKET` 查看可做的步骤")
_NO_HANDSET = Words("The handset itself is not in the parcel", "包裹内没有主机")
_TICK_IT = Words("Tick everything that is in the parcel", "请勾选包裹内全部物品")
_PAST = Words("The phone can't be due back before it goes", "预计返回时间须晚于现在")
_SAY_DUE = Words("Say when it is due back", "请填写预计返回时间")
_SENT = Words("Sent to {receiver}, waybill {waybill}, seal {seal}", "已寄往 {receiver}，运单号 {waybill}，封签 {seal}")
_OWN_CARD = Words("The customer's own card travels along: better give it back", "客户的卡随机寄出，建议先交还客户")
_DATA_LEFT = Words("The customer's data travel along without a backup", "客户数据未备份，随机寄出")
_DIFFERS = Words("Not as it was sent: {what}", "与寄出时不符：{what}")
_SEAL = Words("the seal is broken", "封签破损")
_SAY_WHAT = Words("Say in `report` what is different, and photograph it", "请在 `report` 中说明差异并拍照")
_NO_IDENTITY = Words("Another unit came back: its IMEI or serial is needed", "换回其他机器：须登记其 IMEI 或序列号")
_SCAN = Words("Scan the label of the unit", "请扫描机器标签")
_AWAY = Words("Away for {days} days", "在外 {days} 天")
_LATE = Words("{days} days later than it was due", "比预计晚 {days} 天")
_MISSING = Words("Missing: {what}", "缺少：{what}")
_AGAIN = Words("It is taken in anew: a whole run at intake comes next", "须重新接件检查：请执行完整的接件检测")

STEPS = (
    Step(
        id="send-out",
        kind="send-out/v1",
        place=530,
        title=Words("sent to the factory", "返厂"),
        about=Words(
            "the phone goes to factory or depot, sealed, with its own clock",
            "封装寄往厂家或维修中心，单独计时",
        ),
        roles=("technician", "receptionist", "parts-keeper", "lead"),
        possible=_may_go,
        make=_send,
        fields=(
            Field(
                "destination",
                Words("to", "寄往"),
                "choice",
                required=True,
                choices=(Choice("factory", Words("factory", "厂家")), Choice("depot", Words("depot", "维修中心"))),
            ),
            Field("receiver", Words("receiver", "接收方"), required=True, most=200),
            Field("carrier", Words("carrier", "承运商"), required=True, most=200),
            Field("waybill", Words("waybill", "运单号"), required=True, most=200),
            Field("seal", Words("number of the seal", "封签号"), required=True, most=200),
            Field("photos", Words("pictures of the seal", "封签照片"), "photos", required=True, most=10),
            Field("sent", Words("what is in the parcel", "寄出物品"), "choices", required=True, choices=_CONTENTS),
            Field(
                "data_state",
                Words("the customer's data", "客户数据"),
                "choice",
                required=True,
                choices=(
                    Choice("on-the-phone", Words("on the phone, no backup", "在机内，未备份")),
                    Choice("backed-up", Words("on the phone, backed up", "在机内，已备份")),
                    Choice("erased", Words("erased", "已清除")),
                    Choice("no-data", Words("none on the phone", "机内无数据")),
                ),
            ),
            Field("reason", Words("reason", "原因"), "long", required=True, most=2000),
            Field("due", Words("due back", "预计返回"), "moment", required=True),
        ),
    ),
    Step(
        id="send-back",
        kind="send-back/v1",
        place=540,
        title=Words("back from the factory", "返厂收回"),
        about=Words(
            "the phone is back: seal, contents, what was done; it is taken in anew",
            "收回：封签、物品、处理结果，须重新接件检查",
        ),
        roles=("receptionist", "technician", "parts-keeper", "lead"),
        possible=_may_come,
        make=_take_back,
        fields=(
            Field(
                "outcome",
                Words("outcome", "处理结果"),
                "choice",
                required=True,
                choices=(
                    Choice("repaired", Words("repaired", "已维修")),
                    Choice("exchanged", Words("another unit or board", "换机或换主板")),
                    Choice("unrepaired", Words("unrepaired", "未维修")),
                ),
            ),
            Field("carrier", Words("carrier", "承运商"), required=True, most=200),
            Field("waybill", Words("waybill", "运单号"), required=True, most=200),
            Field("seal", Words("number of the seal", "封签号"), most=200),
            Field("seal_whole", Words("the seal is whole", "封签完好"), "tick"),
            Field("photos", Words("pictures of seal and contents", "封签与物品照片"), "photos", required=True, most=10),
            Field("came", Words("what is in the parcel", "收到物品"), "choices", required=True, choices=_CONTENTS),
            Field("report", Words("the report", "维修报告"), "long", most=4000),
            Field(
                "parts",
                Words(
                    "parts that were changed",
                    "更换的配件",
                ),
                help=Words("kinds, parted by spaces", "类别，以空格分隔"),
            ),
            Field("new_imei", Words("new IMEI", "新 IMEI"), most=40),
            Field("new_serial", Words("new serial", "新序列号"), most=100),
        ),
    ),
)
