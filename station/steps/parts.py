"""Parts for a consented plan: reserving or ordering them, and fitting one.

What is fitted leaves the stock in the same transaction as its record is made. Nothing is fitted that the customer's
plan does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.text import Words
from reports.agreement import agreement, fitted
from reports.predicates import IdentityV1, PartUseV1, PlannedPartV1, PlanV1, Role
from reports.steps.parts_order import OrderedPartV1, PartsOrderV1
from reports.vocabulary import ROLES
from station.plans import plan_policy
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, people, wrong
from station.stock import Move, MoveKind
from station.vault import Kept

__all__ = ["STEPS", "given_free"]

#: Who hands parts out.
ISSUERS: tuple[Role, ...] = ("parts-keeper", "lead")


def _agreed(case: Case) -> tuple[str, PlanV1]:
    found = agreement(case.records)
    if found.agreed is None:
        raise not_now("parts.no-consent", _NOT_AGREED, _ASK)
    return found.digest, found.agreed


def _to_fit(case: Case, plan: PlanV1) -> dict[str, int]:
    """How many of each planned part are still to be fitted."""
    done = fitted(case.records)
    wanted: dict[str, int] = {}
    for part in plan.parts:
        wanted[part.number] = wanted.get(part.number, 0) + part.quantity
    return {number: count - done.get(number, 0) for number, count in wanted.items() if count > done.get(number, 0)}


def _possible(case: Case) -> Words | None:
    plan = agreement(case.records).agreed
    if plan is None:
        return _NOT_AGREED
    return None if _to_fit(case, plan) else _ALL_FITTED


# --- reserving -------------------------------------------------------------------------------------------------------


def _reserve(case: Case, form: Filled) -> Made:
    digest, plan = _agreed(case)
    to_fit = _to_fit(case, plan)
    moves = list(given_free(case, to_fit))
    rows: list[OrderedPartV1] = []
    for number, needed in to_fit.items():
        level = case.stock(number)
        held = min(level.reserved.get(case.ticket, 0), needed)
        more = max(0, min(needed - held, level.free))
        if more:
            moves.append(_move(case, "reserved", _named(plan, number), more))
        short = needed - held - more
        kind = _named(plan, number).part
        rows.append(OrderedPartV1(part=kind, number=number, needed=needed, reserved=held + more, short=short))
    short_ones = [row for row in rows if row.short]
    if not moves and not short_ones:
        raise not_now("parts.reserved", _ALL_RESERVED, _FIT)
    if short_ones and form["ready"] is None:
        raise wrong("parts.promise", _NO_PROMISE.fill(parts=", ".join(row.number for row in short_ones)), _PROMISE)
    if short_ones and form["ready"] <= case.now_ms:
        raise wrong("parts.promise", _PAST, _PROMISE)
    predicate = PartsOrderV1(
        **case.common,
        person=case.person,
        plan=digest,
        parts=tuple(rows),
        decision="ordered" if short_ones else "reserved",
        promised_ms=form["ready"] if short_ones else None,
        supplier=case.redact(form["supplier"]),
    )
    said = [
        _ROW.fill(number=row.number, needed=row.needed, reserved=row.reserved, short=row.short)
        for row in predicate.parts
    ]
    return Made(predicate, says=tuple(said), moves=tuple(moves))


def given_free(case: Case, needed: Mapping[str, int]) -> tuple[Move, ...]:
    """What is still held for the ticket beyond `needed`, by part number, goes back to everybody."""
    orders = [one for record in case.records if isinstance(one := record.statement.predicate, PartsOrderV1)]
    held = {row.number: case.stock(row.number).reserved.get(case.ticket, 0) for order in orders for row in order.parts}
    return tuple(
        Move("reserved", number, needed.get(number, 0) - count, case.person, case.now_ms, ticket=case.ticket)
        for number, count in held.items()
        if count > needed.get(number, 0)
    )


# --- fitting ---------------------------------------------------------------------------------------------------------


def _next_number(case: Case) -> str:
    plan = agreement(case.records).agreed
    left = list(_to_fit(case, plan)) if plan else []
    return left[0] if left else ""


def _issuer(case: Case) -> str:
    """Who reserved the parts: they hand them out."""
    order = case.newest("parts-order")
    return str(getattr(order.statement.predicate, "person", "")) if order else ""


def _issuers(case: Case) -> Sequence[Choice]:
    """Who may hand out parts."""
    return [one for one in people(case) if any(case.roster.may(one.value, role, case.now_ms) for role in ISSUERS)]


def _fit(case: Case, form: Filled) -> Made:
    digest, plan = _agreed(case)
    quantity = 1 if form["quantity"] is None else form["quantity"]
    part = _planned(case, plan, form["number"], quantity)
    _must_be_as_agreed(form, part)
    _must_go_where_agreed(case, form, plan, part)
    serial, issued_by = form["serial"], _issued_by(case, form)
    batch, proof = _known(case, form)
    order = case.newest("parts-order")
    picture = form["photo"][0] if form["photo"] else None
    if form["genuine"] == "maker" and not (proof or picture):
        raise wrong("part.proof", _NO_PROOF, _SHOW_PROOF)
    if serial and quantity != 1:
        raise wrong("part.serial", _ONE_SERIAL, _ONE_BY_ONE)
    predicate = PartUseV1(
        **case.common,
        person=case.person,
        issued_by=issued_by,
        part=part.part,
        number=part.number,
        serial=case.commit("serial", serial) if serial else None,
        old_serial=case.commit("serial", form["old_serial"]) if form["old_serial"] else None,
        note=case.redact(form["note"]),
        reported=_reported(case, part, serial),
        quantity=quantity,
        plan=digest,
        order=order.digest if order else None,
        batch=batch,
        genuine=form["genuine"],
        genuine_proof=proof,
        proof=case.evidence(picture) if picture else None,
        old_part=form["old_part"],
        stocked=True,
    )
    move = _move(case, "used", part, quantity, serial, batch, proof)
    said = [
        _FITTED.fill(number=part.number, quantity=quantity, person=case.roster.name_of(issued_by)),
        _FATE[predicate.old_part],
    ]
    keep = (Kept(picture.name, picture.media_type, picture.data),) if picture else ()
    return Made(predicate, says=tuple(said), keep=keep, moves=(move,))


def _planned(case: Case, plan: PlanV1, number: str, quantity: int) -> PlannedPartV1:
    """The plan's part of that number; nothing else, and no more of it, goes into the phone."""
    if number not in {part.number for part in plan.parts}:
        raise not_now("part.unplanned", _UNPLANNED.fill(number=number), _NEW_PLAN)
    left = _to_fit(case, plan).get(number, 0)
    if quantity < 1:
        raise wrong("part.quantity", _QUANTITY, _ONE_BY_ONE)
    if quantity > left:
        raise not_now("part.more", _MORE.fill(number=number, left=left), _NEW_PLAN)
    if not case.stock(number).part:
        raise not_now("part.no-stock", _NOT_KEPT.fill(number=number), _BOOK_IN)
    return _named(plan, number)


def _must_be_as_agreed(form: Filled, part: PlannedPartV1) -> None:
    if part.genuine and form["genuine"] != "maker":
        raise not_now("part.not-genuine", _NOT_GENUINE.fill(number=part.number), _NEW_PLAN)


def _wanted(case: Case) -> str:
    """Where the customer wants the old parts, by the consent that counts; empty where nobody asked."""
    consent = agreement(case.records).consent
    return {"customer": "customer", "shop": "shop"}.get(consent.old_parts if consent else "", "")


def _must_go_where_agreed(case: Case, form: Filled, plan: PlanV1, part: PlannedPartV1) -> None:
    """What the customer pays for, they said where the old part goes; a part that warranty pays goes to the maker."""
    wanted, fate = _wanted(case), form["old_part"]
    payers = {line.payer for line in plan.lines if line.kind == "part" and line.what == part.number}
    if fate == "none" or not wanted or (fate == "maker" and payers == {"warranty"}):
        return
    if (wanted == "customer") != (fate == "customer"):
        raise not_now("part.old-part", _WANTED[wanted], _AS_WANTED)


def _issued_by(case: Case, form: Filled) -> str:
    person = form["issued_by"] or _issuer(case)
    if not person:
        raise wrong("part.issuer", _NO_ISSUER, _NAME_ISSUER)
    if not any(case.roster.may(person, role, case.now_ms) for role in ISSUERS):
        roles = Words(" / ".join(ROLES[role].en for role in ISSUERS), " / ".join(ROLES[role].zh for role in ISSUERS))
        raise wrong("part.issuer", _NOT_ISSUER.fill(person=case.roster.name_of(person), roles=roles), _NAME_ISSUER)
    return str(person)


def _known(case: Case, form: Filled) -> tuple[str, str]:
    """Batch and proof as typed, else as the piece was booked in with."""
    batch, proof = case.stock(form["number"]).serials.get(form["serial"], ("", ""))
    return form["batch"] or batch, form["proof"] or proof


def _reported(case: Case, part: PlannedPartV1, serial: str) -> tuple[IdentityV1, ...]:
    """The serial under each name by which the phone may report it."""
    names = plan_policy(case.policy).serials.get(part.part, ()) if serial else ()
    return tuple(
        IdentityV1(kind=name, value=case.commit(name.partition(":")[2], serial))
        for name in names
        if name in part.changes
    )


def _named(plan: PlanV1, number: str) -> PlannedPartV1:
    return next(part for part in plan.parts if part.number == number)


def _move(
    case: Case, kind: MoveKind, part: PlannedPartV1, quantity: int, serial: str = "", batch: str = "", proof: str = ""
) -> Move:
    return Move(
        kind=kind,
        number=part.number,
        quantity=quantity,
        person=case.person,
        at_ms=case.now_ms,
        part=part.part,
        serial=serial,
        batch=batch,
        proof=proof,
        ticket=case.ticket,
    )


_NOT_AGREED = Words("The customer has not agreed to the newest plan", "客户尚未同意最新方案")
_ASK = Words("Ask the customer first: `assay consent`", "请先取得客户确认：`assay consent`")
_ALL_FITTED = Words("The plan has no part that is still to be fitted", "方案中没有待装配件")
_ALL_RESERVED = Words("Everything is reserved already", "配件均已预留")
_FIT = Words("Fit the parts: `assay part`", "请装配：`assay part`")
_NO_PROMISE = Words(
    "Not enough on the shelf: {parts}. Say when the repair will be ready",
    "库存不足：{parts}。请填写承诺时间",
)
_PAST = Words("The promised time is not in the future", "承诺时间须晚于现在")
_PROMISE = Words("Give `ready`, the time that the customer is promised", "请填写 `ready`（对客户的承诺时间）")
_ROW = Words(
    "{number}: {needed} needed, {reserved} reserved, {short} short",
    "{number}：需 {needed}，已预留 {reserved}，缺 {short}",
)
_UNPLANNED = Words("{number} is not in the plan that the customer agreed to", "{number} 不在客户同意的方案中")
_MORE = Words("{number}: the agreed plan has {left} more", "{number}：方案中仅剩 {left} 件")
_NEW_PLAN = Words("Any change needs a new plan and a new consent", "任何变更须重新制定方案并取得确认")
_QUANTITY = Words("At least one piece is fitted", "数量至少为 1")
_NOT_KEPT = Words("{number} was never on the shelf", "{number} 从未入库")
_BOOK_IN = Words("Book it in first: `assay stock add`", "请先入库：`assay stock add`")
_NOT_GENUINE = Words("{number}: the customer agreed to the maker's part", "{number}：客户同意的是原厂件")
_WANTED = {
    "customer": Words("The customer wants the old part back", "客户要求取回旧件"),
    "shop": Words("The customer leaves the old part here", "客户已将旧件留店"),
}
_AS_WANTED = Words(
    "Do as agreed, or have it agreed again: `assay consent`", "请按约定处理，或重新确认：`assay consent`"
)
_NO_ISSUER = Words("Who handed the part out is not known", "未注明发料人")
_NOT_ISSUER = Words("{person} may not hand out parts ({roles} may)", "{person} 无权发料（应为{roles}）")
_NAME_ISSUER = Words("Name who handed it out: `issued_by`", "请填写发料人：`issued_by`")
_NO_PROOF = Words("Nothing shows that this is the maker's part", "没有原厂件凭证")
_SHOW_PROOF = Words(
    "Give the proof (label, delivery note, portal) or a picture of it",
    "请填写凭证（标签、送货单、厂家系统查询结果）或附上照片",
)
_ONE_SERIAL = Words("A serial belongs to one piece", "一个序列号仅对应一件")
_ONE_BY_ONE = Words("Fit pieces one by one", "请逐件登记")
_FITTED = Words("{number} x {quantity}, handed out by {person}", "{number} x {quantity}，发料人 {person}")
_FATE = {
    "customer": Words("The old part goes to the customer", "旧件交客户"),
    "maker": Words("The old part goes back to the maker", "旧件返厂家"),
    "shop": Words("The old part stays with the shop", "旧件留店"),
    "destroyed": Words("The old part is destroyed", "旧件销毁"),
    "none": Words("No part came out", "无旧件"),
}

STEPS = (
    Step(
        id="reserve",
        kind="parts-order/v1",
        place=505,
        title=Words("parts order", "备件预留 / 订货"),
        about=Words(
            "reserves the plan's parts; a shortage sets the promised time",
            "预留方案所需配件；缺件时确定承诺时间",
        ),
        roles=ISSUERS,
        possible=_possible,
        make=_reserve,
        fields=(
            Field("ready", Words("promised time, when something is missing", "承诺时间（缺件时）"), "moment"),
            Field("supplier", Words("ordered from", "订货渠道"), most=200),
        ),
    ),
    Step(
        id="part",
        kind="part-use/v1",
        place=510,
        title=Words("part use", "配件使用"),
        about=Words("a part went into the phone, and left the shelf", "配件装机并出库"),
        roles=("technician",),
        possible=_possible,
        make=_fit,
        fields=(
            Field("number", Words("part number", "配件编号"), required=True, most=200, given=_next_number),
            Field("serial", Words("its serial", "序列号"), most=200),
            Field("batch", Words("its batch", "批次"), most=200),
            Field("quantity", Words("quantity", "数量"), "count"),
            Field(
                "genuine",
                Words("where it comes from", "来源"),
                "choice",
                required=True,
                choices=(
                    Choice("maker", Words("the maker", "原厂")),
                    Choice("compatible", Words("another maker", "兼容件")),
                    Choice("used", Words("out of another phone", "拆机件")),
                    Choice("unknown", Words("not known", "不明")),
                ),
            ),
            Field("proof", Words("what shows it", "来源凭证")),
            Field("photo", Words("picture of it", "凭证照片"), "photos", most=1),
            Field("old_serial", Words("serial of the old part", "旧件序列号"), most=200),
            Field(
                "old_part",
                Words("the old part", "旧件去向"),
                "choice",
                required=True,
                choices=tuple(Choice(fate, words) for fate, words in _FATE.items()),
                given=_wanted,
            ),
            Field("issued_by", Words("handed out by", "发料人"), most=200, given=_issuer, offered=_issuers),
            Field("note", Words("note", "备注"), "long", most=2000),
        ),
    ),
)
