"""The warranty decision (三包判定): what the counter knows becomes a claim, and the claim a signed decision.

Pure, over the ticket's records: papers and day of sale come from the registration, the fault from what the runs found,
where they are not said in the form. The rules themselves stand in `reports.warranty`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from checklists.verdict import Verdict
from drivers.text import Words
from reports.calendar import day_of
from reports.predicates import IntakeV1, RunV1
from reports.steps.appearance import AppearanceV1
from reports.steps.registration import RegistrationV1
from reports.steps.warranty import WarrantyV1, stated, stated_decision, stated_line
from reports.warranty.days import Away
from reports.warranty.decide import Claim, ClaimError, Decision, Line, Papers, decide, yuan
from reports.warranty.faults import mapped, row_words
from reports.warranty.history import History, history, with_typed
from reports.warranty.rules import PolicyError, Rules, shipped, with_policy
from station.steps.api import Case, Choice, Field, Filled, Made, Step, grouped, not_now, wrong

__all__ = ["STEPS", "decided", "offer", "remedy_words", "rules_of"]

_NONE = "none"
_PAPERS = (
    Choice("both", Words("invoice and warranty card", "发货票和三包凭证齐全")),
    Choice("proof", Words("one of them, or a stub or copy of the invoice", "仅其一，或发货票底联、复印件")),
    Choice("lost", Words("lost", "均丢失")),
)
_DELAYS = (
    Choice(_NONE, Words("nothing", "无")),
    Choice("repairer", Words("the repairer", "修理者自身原因")),
    Choice("parts", Words("the maker's parts", "生产者未供应零配件")),
)
_ITEMS = tuple(Choice(one.id, one.words) for one in shipped().items.values())
_ROWS = tuple(
    Choice(row, row_words(row)) for row in dict.fromkeys(row for one in shipped().items.values() for row in one.rows)
)
_NO_FAULT = Choice(_NONE, Words("none of them", "均不属"))
_EXCLUSIONS = tuple(Choice(one.id, one.words) for one in shipped().exclusions.values())


# --- what the ticket knows -------------------------------------------------------------------------------------------


def rules_of(case: Case) -> Rules:
    """The rules with this shop's layer.

    Raises:
        Trouble: `policy/warranty.toml` can't be used.
    """
    try:
        return with_policy(shipped(), case.policy.get("warranty", {}))
    except PolicyError as error:
        raise not_now("warranty.policy", _BAD_POLICY.fill(why=error.words), _MEND_POLICY) from error


def _registration(case: Case) -> RegistrationV1 | None:
    record = case.newest("registration")
    said = record.statement.predicate if record else None
    return said if isinstance(said, RegistrationV1) else None


def _intake(case: Case) -> IntakeV1 | None:
    record = case.newest("intake")
    said = record.statement.predicate if record else None
    return said if isinstance(said, IntakeV1) else None


def _sold(case: Case) -> datetime.date | None:
    """The day of sale that a paper shows; the customer's word for it is none."""
    said = _registration(case)
    if said is None or said.purchase.sold is None or said.purchase.sold_by == "customer":
        return None
    return datetime.date.fromisoformat(said.purchase.sold)


def _history(case: Case) -> History:
    """What the ticket's own records say of earlier stays."""
    return history(one for one in case.records if one.digest not in case.amended)


def _brought(case: Case) -> datetime.date:
    """The day the customer came with the fault: said that it is back, else registered, else taken in, else today."""
    said, intake, came_back = _registration(case), _intake(case), _history(case).came_back
    if came_back is not None:
        return came_back
    moment = said.clock.wall_ms if said else intake.received_ms if intake else case.now_ms
    return day_of(moment)


def _brand(case: Case) -> str:
    said, intake = _registration(case), _intake(case)
    return said.manufacturer if said else intake.manufacturer if intake else ""


def _facts(case: Case) -> Mapping[str, bool | None]:
    said = _registration(case)
    return {one.fact: one.holds for one in said.purchase.facts} if said else {}


def _papers(case: Case) -> Papers | None:
    """What the papers that were shown prove; None where nobody registered any."""
    facts = _facts(case)
    if not facts:
        return None
    proving = [
        facts.get(f"{name}-shown") is True
        and not any(facts.get(f"{name}-{rule}") is False for rule in ("legible", "unaltered", "model", "imei"))
        for name in ("invoice", "card")
    ]
    return "both" if all(proving) else "proof" if any(proving) else "lost"


def _outside_by_papers(case: Case) -> tuple[str, ...]:
    facts = _facts(case)
    altered = facts.get("invoice-unaltered") is False or facts.get("card-unaltered") is False
    foreign = facts.get("card-model") is False or facts.get("card-imei") is False
    return (*(("papers-altered",) if altered else ()), *(("papers-mismatch",) if foreign else ()))


def _codes(case: Case) -> tuple[str, ...]:
    """The fault codes of what the checks of the ticket said last."""
    last: dict[str, tuple[str, ...]] = {}
    for record in case.standing("run"):
        run = record.statement.predicate
        for attempt in run.attempts if isinstance(run, RunV1) else ():
            if attempt.verdict in (Verdict.WARN, Verdict.FAIL):
                out = (one.limit for one in attempt.measurements if one.verdict == attempt.verdict and one.limit)
                codes = [attempt.finding, *(limit.get("finding") for limit in out)]
                last[attempt.check] = tuple(str(code) for code in codes if code)
            elif attempt.verdict is Verdict.PASS:
                last[attempt.check] = ()
    return tuple(dict.fromkeys(code for codes in last.values() for code in codes))


def _rows_found(case: Case, item: str) -> tuple[str, ...]:
    rows = mapped(_codes(case)).rows
    return tuple(row for row in rows if row in shipped().items[item].rows)


def _item(case: Case) -> str:
    """The first item that has a fault of what the checks found; the handset where they found none."""
    rows = set(mapped(_codes(case)).rows)
    return next((item.id for item in shipped().items.values() if rows & set(item.rows)), "handset")


def _item_of(rows: Sequence[str]) -> str:
    """The item whose faults were named; empty where none was."""
    return next((item.id for item in shipped().items.values() if set(rows) & set(item.rows)), "")


def _seen(case: Case) -> tuple[str, ...]:
    """What the look at the phone speaks for, as exclusions that a person has to decide."""
    record = case.newest("appearance")
    said = record.statement.predicate if record else None
    if not isinstance(said, AppearanceV1):
        return ()
    opened = said.opened or said.screws in ("tool-marks", "missing", "seal-broken")
    return (*(("liquid",) if said.liquid == "triggered" else ()), *(("opened",) if opened else ()))


# --- the claim and its decision --------------------------------------------------------------------------------------


def _claim(case: Case, form: Filled) -> Claim:
    before, brought = _history(case), form["brought"] or _brought(case)
    named = tuple(row for row in form["faults"] if row != _NONE)
    item = form["item"] or _item_of(named) or _item(case)
    papers = form["papers"] or _papers(case)
    if papers is None:
        raise wrong("warranty.papers", _PAPERS_NEEDED, _SAY_PAPERS)
    return Claim(
        item=item,
        sold=form["sold"] or _sold(case),
        brought=brought,
        decided=day_of(case.now_ms),
        rows=named if form["faults"] else _rows_found(case, item),
        papers=papers,
        made=form["made"],
        exclusions=tuple(dict.fromkeys((*_outside_by_papers(case), *form["exclusions"]))),
        stays=with_typed(before.stays, [_stay(row) for row in form["repairs"]]),
        delay=form["delay"] or "none",
        exchanged=form["exchanged"] or (before.exchanged if item == "handset" else None),
        replaced=max(form["replaced"] or 0, before.replaced.count(item)),
        price_fen=form["price"],
        no_stock=form["no_stock"],
        brand=form["brand"] or _brand(case),
        handed_in=before.handed_in if before.handed_in and before.handed_in > brought else None,
    )


def _stay(row: Mapping[str, Any]) -> Away:
    try:
        days = [datetime.date.fromisoformat(str(row[name])) for name in ("handed_in", "back")]
    except ValueError as error:
        raise wrong("warranty.repairs", _STAY_DAYS.fill(row=row["handed_in"] or "-"), _DAYS_LOOK) from error
    return Away(days[0], days[1], row["fault"] or "")


def decided(claim: Claim, rules: Rules) -> Decision:
    """The decision of a claim.

    Raises:
        Trouble: the claim can't be.
    """
    try:
        return decide(claim, rules)
    except ClaimError as error:
        raise wrong("warranty.claim", error.words, _MEND_CLAIM) from error


def remedy_words(kind: str, refund_fen: int | None = None) -> Words:
    """A remedy as it is offered."""
    if kind == "return" and refund_fen is not None:
        return _RETURN_SUM.fill(sum=yuan(refund_fen))
    return _REMEDIES[kind]


def offer(decision: Decision) -> Words:
    """What the decision comes to, in one line."""
    end = decision.period.end if decision.period else "-"
    told = _OUTCOMES[decision.decision].fill(end=end)
    choices = [remedy_words(one.kind, one.refund_fen) for one in decision.remedies]
    if not choices:
        return told
    return _MAY_CHOOSE.fill(
        told=told, en=" / ".join(one.en for one in choices), zh=" / ".join(one.zh for one in choices)
    )


def _notes(case: Case, claim: Claim, codes: Sequence[str]) -> Iterable[Line]:
    """What was seen and decides nothing by itself: who signs has to have read it."""
    for stay in _history(case).stays:
        fault = row_words(stay.row) if stay.row else _NO_REPAIR
        yield Line(_OWN_STAY.fill(handed_in=stay.handed_in, back=stay.back, fault=fault))
    found = mapped(codes)
    for code, why in found.outside:
        yield Line(_OUTSIDE_TABLE.fill(code=code, why=why.words))
    for code in found.unknown:
        yield Line(_UNKNOWN_CODE.fill(code=code))
    for one in _seen(case):
        if one not in claim.exclusions:
            yield Line(_SEEN.fill(what=shipped().exclusions[one].words))
    facts = _facts(case)
    if facts.get("dates-equal") is False or facts.get("sellers-equal") is False:
        yield Line(_PAPERS_DIFFER)


def _make(case: Case, form: Filled) -> Made:
    rules, claim = rules_of(case), _claim(case, form)
    found, codes = decided(claim, rules), _codes(case)
    notes = tuple(_notes(case, claim, codes))
    stated_found = stated_decision(found)
    stated_found["arithmetic"] = (*stated_found["arithmetic"], *(stated_line(one) for one in notes))
    predicate = WarrantyV1(
        **case.common,
        person=case.person,
        claim=stated(claim),
        findings=codes,
        rules_sha256=rules.sha256,
        **stated_found,
    )
    return Made(predicate, says=(offer(found), *(one.printed for one in (*found.lines, *notes))))


# --- words and the form ----------------------------------------------------------------------------------------------

_BAD_POLICY = Words("policy/warranty.toml: {why}", "policy/warranty.toml：{why}")
_MEND_POLICY = Words("Correct the file in the data folder", "请修正数据目录中的该文件")
_PAPERS_NEEDED = Words("No papers were registered for this ticket", "该工单未登记购机凭证")
_SAY_PAPERS = Words("Say which papers there are: --papers", "请注明凭证情况：--papers")
_STAY_DAYS = Words(
    "The days of a repair are needed like 2026-03-31: {row}", "修理的送修日和取回日应为日期，例如 2026-03-31：{row}"
)
_DAYS_LOOK = Words("Give each repair as handed in; back; fault", "每次修理按“送修日；取回日；故障”填写")
_MEND_CLAIM = Words("Correct the days or the fault; nothing was stored", "请更正日期或故障；未保存任何内容")
_OUTCOMES = {
    "in-warranty": Words("In warranty until {end}", "保内，至 {end}"),
    "out-of-warranty": Words("Out of warranty (last day {end})", "保外（最后一天 {end}）"),
    "excluded": Words("Outside the rule: damage or papers", "不属三包范围（人为损坏或凭证不符）"),
}
_MAY_CHOOSE = Words("{told}. The customer may choose: {en}", "{told}。消费者可选择：{zh}")
_REMEDIES = {
    "return": Words("return", "退货"),
    "exchange": Words("exchange of the handset", "更换主机"),
    "replace": Words("replacement of the accessory", "更换附件"),
    "repair": Words("free repair", "免费修理"),
}
_RETURN_SUM = Words("return against {sum}", "退货退款 {sum}")
_OWN_STAY = Words(
    "By this ticket's records: at the repairer {handed_in} to {back}, {fault}",
    "据本工单记录：{handed_in} 至 {back} 在修，{fault}",
)
_NO_REPAIR = Words("not counted as a repair of a listed fault", "不计为性能故障的修理")
_OUTSIDE_TABLE = Words("Finding {code}: not in the fault table; {why}", "故障 {code}：不在性能故障表内；{why}")
_UNKNOWN_CODE = Words("Finding {code}: not mapped to the fault table", "故障 {code}：未对应性能故障表")
_SEEN = Words("Seen at intake and not taken for a reason to exclude: {what}", "接件时所见，未作为除外情形：{what}")
_PAPERS_DIFFER = Words(
    "Invoice and card differ: the invoice's date counts until the seller has cleared it",
    "发货票与三包凭证不一致：核实前以发货票日期为准",
)
_NOT_TAKEN_IN = Words("The phone of this ticket was not taken in yet", "该工单的手机尚未接件")
_KNOWN = Words("left out: as registered", "不填则按受理登记")


def _given_day(day: datetime.date | None) -> str:
    return day.isoformat() if day else ""


STEPS = (
    Step(
        id="warranty",
        kind="warranty/v1",
        place=320,
        title=Words("warranty decision", "三包判定"),
        about=Words(
            "what 三包 gives for this fault on this day, with its arithmetic and sources", "三包判定及其计算依据"
        ),
        roles=("receptionist", "technician", "lead"),
        possible=lambda case: None if case.phone else _NOT_TAKEN_IN,
        make=_make,
        fields=(
            *grouped(
                Words("what is faulty, and its papers", "故障商品与凭证"),
                Field("item", Words("what is faulty", "故障商品"), "choice", choices=_ITEMS, given=_item),
                Field(
                    "faults",
                    Words("faults of the fault table", "性能故障表所列故障"),
                    "choices",
                    choices=(*_ROWS, _NO_FAULT),
                    help=Words("left out: as the checks found", "不填则按检测结果"),
                    given=lambda case: ",".join(_rows_found(case, _item(case))),
                ),
                Field(
                    "papers",
                    Words("papers", "凭证"),
                    "choice",
                    choices=_PAPERS,
                    help=_KNOWN,
                    given=lambda case: _papers(case) or "",
                ),
                Field(
                    "sold",
                    Words("day of sale (invoice)", "售出日期（发货票）"),
                    "date",
                    help=_KNOWN,
                    given=lambda case: _given_day(_sold(case)),
                ),
                Field(
                    "brought",
                    Words("day it was brought", "送修日期"),
                    "date",
                    help=_KNOWN,
                    given=lambda case: _given_day(_brought(case)),
                ),
                Field(
                    "made",
                    Words("factory date", "出厂日期"),
                    "date",
                    help=Words(
                        "as the IMEI shows it; counts where the papers are lost", "按 IMEI 查得；凭证丢失时使用"
                    ),
                ),
                Field("exclusions", Words("outside the rule", "除外情形"), "choices", choices=_EXCLUSIONS),
            ),
            *grouped(
                Words("earlier repairs and exchanges", "以往修理与更换"),
                Field(
                    "repairs",
                    Words("earlier repairs", "以往修理"),
                    "rows",
                    most=50,
                    help=Words(
                        "off the warranty card; this ticket's own count already", "按三包凭证填写；本工单的已计入"
                    ),
                    columns=(
                        Field("handed_in", Words("handed in", "送修日"), required=True, most=10),
                        Field("back", Words("back", "取回日"), required=True, most=10),
                        Field("fault", Words("fault of the table", "性能故障"), "choice", choices=_ROWS),
                    ),
                ),
                Field("delay", Words("what holds this repair up", "本次修理延误原因"), "choice", choices=_DELAYS),
                Field("exchanged", Words("day of the last exchange", "上次换货日期"), "date"),
                Field("replaced", Words("times the accessory was replaced", "附件已更换次数"), "count"),
            ),
            *grouped(
                Words("price and goods", "价格与商品"),
                Field(
                    "price",
                    Words("price", "价格"),
                    "money",
                    help=Words(
                        "on the invoice; of an accessory sold with the phone, its price now when sold alone",
                        "发货票价格；与主机一起销售的附件按当时单独销售价格",
                    ),
                ),
                Field("no_stock", Words("the same model is not to be had", "无同型号同规格商品"), "tick"),
                Field("brand", Words("brand", "品牌"), help=_KNOWN, most=200, given=_brand),
            ),
        ),
    ),
)
