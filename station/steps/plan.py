"""The repair plan: repairs, parts, price from the published list, promised time, manual, and the risks to be confirmed.

It stands on the newest diagnosis. Once it is sealed its digest freezes it: whatever changes is another plan, and needs
another consent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from checklists.verdict import Stage, Verdict
from drivers.text import Words
from reports.agreement import agreement, fitted, stays
from reports.attest import Record
from reports.predicates import (
    DeclinedV1,
    ManualV1,
    PartUseV1,
    PlanV1,
    PriceListRefV1,
    RepairV1,
    RunV1,
)
from reports.replay import latest_attempts
from reports.steps.diagnosis import DiagnosisV1
from reports.steps.warranty import WarrantyV1
from station.plans import Chosen, Priced, lines_said, money, plan_policy, priced, risks
from station.prices import PriceList, price_list
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, wrong

if TYPE_CHECKING:
    from checklists.schema import Check

__all__ = ["STEPS"]


def _of_this_stay(case: Case, kind: str) -> Record | None:
    """The newest record of a kind since the phone was last handed back: what is new needs a new look."""
    return next((one for one in reversed(stays(case.records)[-1]) if one.kind == f"{kind}/v1"), None)


def _possible(case: Case) -> Words | None:
    return None if _of_this_stay(case, "diagnosis") else _DIAGNOSE


def _diagnosis(case: Case) -> tuple[str, DiagnosisV1]:
    record = _of_this_stay(case, "diagnosis")
    predicate = record.statement.predicate if record else None
    if record is None or not isinstance(predicate, DiagnosisV1):
        raise not_now("plan.no-diagnosis", _DIAGNOSE, _DO_DIAGNOSIS)
    return record.digest, predicate


def _known_cause(case: Case) -> str:
    return _diagnosis(case)[1].cause


def _plan(case: Case, form: Filled) -> Made:
    from checklists.diagnosis.load import shipped_policy

    digest, diagnosis = _diagnosis(case)
    policy, shipped = plan_policy(case.policy), shipped_policy()
    listed = price_list(case.policy, simulated=case.common["simulated"])
    if listed and not listed.valid_on(case.today):
        raise not_now("prices.not-in-force", _NOT_IN_FORCE.fill(list=listed.id), _PUBLISH)
    chosen = _chosen(form)
    if chosen and diagnosis.decision != "cause-found":
        raise not_now("plan.no-cause", _NO_CAUSE, _WITHOUT)
    if form["promised"] <= case.now_ms:
        raise wrong("plan.promised", _PAST, _LATER)
    done = priced(chosen, listed, case.session.model, policy)
    _must_keep_what_is_fitted(case, done)
    currency = listed.currency if listed else "CNY"
    named = [one.repair.name.words for one in chosen]
    predicate = PlanV1(
        **case.common,
        person=case.person,
        cause=case.redact(form["cause"]) or diagnosis.cause,
        remedy=case.redact(form["remedy"]) or "; ".join(f"{name.en} / {name.zh}" for name in named),
        parts=done.parts,
        declined=_declined(case, form),
        price_fen=done.price_fen,
        currency=currency,
        diagnosis=digest,
        replaces=agreement(case.records).digest or None,
        remedies=tuple(one.repair.id for one in chosen),
        lines=done.lines,
        price_list=_reference(listed),
        warranty=_warranty(case, chosen),
        minutes=done.minutes,
        promised_ms=form["promised"],
        manual=_manual(case, form, chosen, listed),
        risks=tuple(risks(chosen, done, shipped, policy, currency)),
        unrepaired=case.redact(form["unrepaired"]),
    )
    paid = predicate.price_fen > 0 and bool(chosen) and _free_repair(_of_this_stay(case, "warranty"))
    return Made(predicate, says=(*_says(predicate), *([_PAID_ALTHOUGH_FREE] if paid else [])))


def _chosen(form: Filled) -> list[Chosen]:
    """The repairs of the form; which parts and prices they come to is decided later."""
    from checklists.diagnosis.load import shipped_policy
    from checklists.problems import did_you_mean, join

    known = {repair.id: repair for repair in shipped_policy().repairs}
    found: list[Chosen] = []
    for row in form["repairs"]:
        if row["repair"] not in known:
            what = join(_NO_REPAIR.fill(repair=row["repair"]), did_you_mean(row["repair"], known))
            raise wrong("plan.repair", what, _LIST_REPAIRS)
        if row["quantity"] == 0 or (row["quantity"] or 1) > 1000:
            raise wrong("plan.quantity", _QUANTITY, _LIST_REPAIRS)
        one = Chosen(
            repair=known[row["repair"]],
            part=row["part"],
            quantity=row["quantity"] or 1,
            labour=row["labour"],
            price=row["price"],
            genuine=True if row["genuine"] else None,
            payer=row["payer"] or "customer",
            why=row["why"],
        )
        if (one.repair.id, one.part) in {(other.repair.id, other.part) for other in found}:
            raise wrong("plan.twice", _TWICE.fill(repair=one.repair.name.words), _LIST_REPAIRS)
        found.append(one)
    return found


def _must_keep_what_is_fitted(case: Case, done: Priced) -> None:
    """A plan is the whole work: what went into the phone under an earlier one must stand in this one too."""
    planned = {part.number: part.quantity for part in done.parts}
    for number, count in fitted(case.records).items():
        if planned.get(number, 0) < count:
            raise not_now("plan.fitted", _FITTED.fill(number=number, count=count), _KEEP_IT)


def _repairs(case: Case) -> Sequence[Choice]:
    """Every repair there is, those that mend the diagnosed cause first."""
    from checklists.diagnosis.load import shipped_policy

    policy, record = shipped_policy(), _of_this_stay(case, "diagnosis")
    chosen = getattr(record.statement.predicate, "chosen", "") if record else ""
    mends = next((cause.repairs for cause in policy.causes if cause.id == chosen), ())
    names = {repair.id: repair.name.words for repair in policy.repairs}
    return [Choice(id_, names[id_]) for id_ in dict.fromkeys((*mends, *names))]


def _failed(case: Case) -> Sequence[Choice]:
    """The checks that failed before anything was done: what can be declined."""
    run = _run_before_work(case)
    failed = [id_ for id_, one in latest_attempts(run).items() if one.verdict is Verdict.FAIL] if run else []
    titles = {id_: check.title.words for id_, check in _checks().items()}
    return [Choice(id_, titles.get(id_, Words(id_, id_))) for id_ in failed]


def _read() -> None:
    """Load the shipped policy and checks, which takes most of a second."""
    from checklists.diagnosis.load import shipped_policy

    shipped_policy()
    _checks()


@cache
def _checks() -> Mapping[str, Check]:
    """The shipped checks, read once."""
    from checklists.load import load_checks

    return load_checks()


def _declined(case: Case, form: Filled) -> tuple[DeclinedV1, ...]:
    """Faults that the customer does not want repaired: only such as were found before anything was done."""
    before = _run_before_work(case)
    known = latest_attempts(before) if before else {}
    found = []
    for row in form["declined"]:
        attempt = known.get(row["check"])
        if attempt is None or attempt.verdict is not Verdict.FAIL:
            raise wrong("plan.declined", _NOT_FAILED.fill(check=row["check"]), _ONLY_FOUND)
        found.append(DeclinedV1(check=row["check"], finding=attempt.finding, note=case.redact(row["note"])))
    return tuple(found)


def _run_before_work(case: Case) -> RunV1 | None:
    """The run at intake, else that of the diagnosis, from before the first work: what a release compares with."""
    found: dict[Stage, RunV1] = {}
    for record in stays(case.records)[-1]:
        predicate = record.statement.predicate
        if isinstance(predicate, PlanV1 | RepairV1 | PartUseV1):
            break
        if isinstance(predicate, RunV1):
            found[predicate.stage] = predicate
    return found.get(Stage.INTAKE) or found.get(Stage.DIAGNOSIS)


def _warranty(case: Case, chosen: Sequence[Chosen]) -> str | None:
    record = _of_this_stay(case, "warranty")
    if any(one.payer == "warranty" for one in chosen):
        if record is None:
            raise not_now("plan.warranty", _NO_WARRANTY, _DO_WARRANTY)
        if not _free_repair(record):
            raise not_now("plan.not-in-warranty", _NOT_FREE, _DO_WARRANTY)
    return record.digest if record else None


def _free_repair(record: Record | None) -> bool:
    """Whether the warranty decision lets the phone be mended, or its accessory replaced, for nothing."""
    said = record.statement.predicate if record else None
    return isinstance(said, WarrantyV1) and any(one.kind in ("repair", "replace") for one in said.remedies)


def _manual(case: Case, form: Filled, chosen: Sequence[Chosen], listed: PriceList | None) -> ManualV1 | None:
    """The typed one, else the one of the list; nothing is opened without one."""
    steps = tuple(step.strip() for step in form["steps"].split("\n") if step.strip())
    if form["manual"] and form["version"] and steps:
        return ManualV1(title=form["manual"], version=form["version"], steps=tuple(map(case.redact, steps)))
    if form["manual"] or form["version"] or steps:
        raise wrong("plan.manual", _HALF_A_MANUAL, _GIVE_MANUAL)
    found = listed.manual_for([one.repair.id for one in chosen], case.session.model) if listed else None
    if found:
        return ManualV1(title=found.title, version=found.version, steps=found.steps)
    if any("water-seal" in one.repair.risks for one in chosen):
        raise wrong("plan.manual", _NO_MANUAL, _GIVE_MANUAL)
    return None


def _reference(listed: PriceList | None) -> PriceListRefV1 | None:
    if listed is None:
        return None
    return PriceListRefV1(id=listed.id, version=listed.version, sha256=listed.sha256, example=listed.example)


def _says(plan: PlanV1) -> list[Words]:
    said = [_CAUSE.fill(cause=plan.cause)] if plan.cause else []
    said += lines_said(plan.lines, plan.currency)
    said.append(_PRICE.fill(sum=money(plan.price_fen, plan.currency), minutes=plan.minutes))
    if plan.price_list is None:
        said.append(_NO_LIST)
    elif plan.price_list.example:
        said.append(_EXAMPLE)
    else:
        said.append(_BY_LIST.fill(id=plan.price_list.id, version=plan.price_list.version))
    if plan.manual:
        said.append(_BY_MANUAL.fill(title=plan.manual.title, version=plan.manual.version, n=len(plan.manual.steps)))
    said += [_RISK.fill(id=risk.id, text=Words(risk.text.en, risk.text.zh)) for risk in plan.risks]
    said += [_DECLINED.fill(check=one.check) for one in plan.declined]
    if plan.unrepaired:
        said.append(_UNREPAIRED.fill(what=plan.unrepaired))
    return said


_DIAGNOSE = Words("There is no diagnosis to plan from", "尚无诊断，无法制定方案")
_DO_DIAGNOSIS = Words("Diagnose first: `assay diagnosis`", "请先诊断：`assay diagnosis`")
_NOT_IN_FORCE = Words("The price list {list} is not in force today", "价目表 {list} 今天不在有效期内")
_PUBLISH = Words("Publish the list that is: DATA/policy/prices.toml", "请更新有效价目表：DATA/policy/prices.toml")
_NO_CAUSE = Words("No cause was found: there is nothing to repair", "未定位原因，没有可维修内容")
_WITHOUT = Words("Plan without repairs, or diagnose again", "请制定不含维修的方案，或重新诊断")
_PAST = Words("The promised time is not in the future", "承诺时间须晚于现在")
_LATER = Words("Promise a later time", "请填写更晚的时间")
_NO_REPAIR = Words("no repair is called {repair}", "没有名为 {repair} 的维修项目")
_LIST_REPAIRS = Words("`assay diagnose TICKET` proposes repairs", "用 `assay diagnose 工单` 查看建议的维修项目")
_QUANTITY = Words("A part is needed from 1 to 1000 times", "配件数量应为 1 至 1000")
_TWICE = Words("{repair} stands in the plan twice", "{repair} 在方案中重复")
_FITTED = Words(
    "{number} is fitted already ({count}): the plan must keep it", "{number} 已装 {count} 件：方案须保留该项"
)
_KEEP_IT = Words("A plan is the whole work; add the part again", "方案须包含全部工作，请加入该配件")
_NOT_FAILED = Words(
    "{check} did not fail before the repair: it can't be declined", "{check} 在维修前并未不合格，不能列为已知未修"
)
_ONLY_FOUND = Words("Only a fault that was found can be declined", "只能列出已检出的故障")
_NO_WARRANTY = Words("Warranty is to pay, and there is no warranty decision", "由三包承担，但尚无三包判定")
_NOT_FREE = Words(
    "Warranty is to pay, and the warranty decision gives no free repair", "由三包承担，但三包判定不含免费修理"
)
_PAID_ALTHOUGH_FREE = Words(
    "The customer pays, and the warranty decision gives a free repair: charge only what it does not cover",
    "由客户付费，但三包判定为免费修理：仅可收取三包范围以外的费用",
)
_DO_WARRANTY = Words("Decide first: `assay warranty`", "请先判定：`assay warranty`")
_HALF_A_MANUAL = Words("A manual needs its title, its version and its steps", "维修手册须填写名称、版本和步骤")
_NO_MANUAL = Words("The phone is opened: say which manual is followed", "需拆机：请注明所依据的维修手册")
_GIVE_MANUAL = Words("Give manual, version and steps, one a line", "请填写手册、版本和步骤，每行一步")
_CAUSE = Words("Cause: {cause}", "原因：{cause}")
_PRICE = Words("Price: {sum}; standard time {minutes} min", "费用合计：{sum}；标准工时 {minutes} 分钟")
_NO_LIST = Words("This shop has no published price list", "本网点没有公示价目表")
_EXAMPLE = Words("Priced by the example list: a simulated station", "按示例价目表计价（模拟工位）")
_BY_LIST = Words("Price list {id}, version {version}", "价目表 {id}，版本 {version}")
_BY_MANUAL = Words("Manual: {title} {version}, {n} steps", "维修手册：{title} {version}，共 {n} 步")
_RISK = Words("To be confirmed singly ({id}): {text}", "须逐项确认（{id}）：{text}")
_DECLINED = Words("Known, declined: {check}", "已知未修：{check}")
_UNREPAIRED = Words("Left as it is: {what}", "其他未处理：{what}")

_PAYERS = (
    Choice("customer", Words("the customer", "客户")),
    Choice("warranty", Words("warranty", "三包")),
    Choice("shop", Words("the shop", "网点")),
)

STEPS = (
    Step(
        id="plan",
        kind="plan/v1",
        place=410,
        title=Words("repair plan", "维修方案"),
        about=Words(
            "repairs, parts, price, promised time and risks; frozen once it is sealed",
            "维修项目、配件、费用、时间与风险",
        ),
        roles=("technician",),
        possible=_possible,
        make=_plan,
        reads=_read,
        fields=(
            Field("cause", Words("cause", "原因"), "long", most=2000, given=_known_cause),
            Field(
                "repairs",
                Words("repairs", "维修项目"),
                "rows",
                most=20,
                help=Words(
                    "in the order in which they are tried; none: nothing is repaired", "按先后顺序；不填表示不维修"
                ),
                columns=(
                    Field("repair", Words("repair", "维修项目"), required=True, offered=_repairs),
                    Field("part", Words("part number", "配件编号"), most=200),
                    Field("quantity", Words("quantity", "数量"), "count"),
                    Field("labour", Words("labour, when not from the list", "工时费（非价目表）"), "money"),
                    Field("price", Words("price of a part, when not from the list", "配件单价（非价目表）"), "money"),
                    Field("payer", Words("who pays", "承担方"), "choice", choices=_PAYERS),
                    Field("genuine", Words("the maker's part", "原厂件"), "tick"),
                    Field("why", Words("where the price comes from", "价格来源")),
                ),
            ),
            Field("remedy", Words("remedy in words", "处理措施说明"), "long", most=2000),
            Field("promised", Words("promised time", "承诺时间"), "moment", required=True),
            Field("manual", Words("service manual", "维修手册"), most=200),
            Field("version", Words("its version", "手册版本"), most=200),
            Field("steps", Words("its steps", "手册步骤"), "long", most=20000, help=Words("one a line", "每行一步")),
            Field(
                "declined",
                Words("known, declined", "已知未修"),
                "rows",
                most=50,
                columns=(
                    Field("check", Words("check", "检测项"), required=True, offered=_failed),
                    Field("note", Words("note", "备注")),
                ),
            ),
            Field("unrepaired", Words("what else is left as it is", "其他未处理事项"), "long", most=2000),
        ),
    ),
)
