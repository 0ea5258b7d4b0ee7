"""What 三包 gives on a day: is the fault listed, is the period open, what may the customer ask for, and why.

Stands on the rules as data and on how days are counted. Every conclusion is a line with its arithmetic and its sources.
It knows no ticket: whoever asks brings the claim.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Literal

from drivers.text import Words
from reports.calendar import announced
from reports.warranty.days import Away, Period, days_away, last_day_in, period
from reports.warranty.faults import row_words
from reports.warranty.rules import Item, Promise, Rules, Source

__all__ = [
    "Claim",
    "ClaimError",
    "Decided",
    "Decision",
    "Delay",
    "Line",
    "Papers",
    "Remedy",
    "RemedyKind",
    "decide",
    "refund",
    "yuan",
]

#: `both` invoice and warranty card; `proof` one of them, or a stub or copy of the invoice; `lost` none.
Papers = Literal["both", "proof", "lost"]
#: What has held the repair up so far: nothing, the repairer, or the maker's parts.
Delay = Literal["none", "repairer", "parts"]
RemedyKind = Literal["return", "exchange", "replace", "repair"]
Decided = Literal["in-warranty", "out-of-warranty", "excluded"]

_DAY = datetime.timedelta(days=1)
#: Days outside are a slip of the hand: there was no rule before, and years have four digits after.
_FIRST, _LAST = datetime.date(2001, 11, 15), datetime.date(2999, 12, 31)
_MOST_FEN = 2**53 - 1


class ClaimError(ValueError):
    """A claim that can't be: days in the wrong order, unknown names; `words` says which."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Claim:
    """What is asked for, and everything that it hangs on. All days are days in China.

    Attributes:
        item: an item of the rules (`handset`, `battery`, ...).
        sold: the day on the invoice; None where no paper shows it.
        brought: the day the phone was brought with this fault: what the windows are judged on.
        decided: the day of the decision: what delays and refunds are counted to.
        handed_in: the day the phone was handed over, where that is later than the day it was brought to the shop's
            notice (registered from afar, called in): what delays are counted from.
        rows: the rows of the fault table that the fault shows.
        papers: what proves the purchase.
        made: the factory date that the IMEI shows; only looked at where the papers are lost.
        exclusions: what takes the fault out of 三包, by id.
        stays: earlier stays at the repairer.
        delay: what holds up this repair.
        exchanged: the day of the last exchange of this item.
        replaced: how often this accessory was replaced already.
        price_fen: the invoice price; for an accessory sold with the phone, its price today when sold alone.
        no_stock: the same model is not to be had.
        brand: whose promises may apply.
    """

    item: str
    sold: datetime.date | None
    brought: datetime.date
    decided: datetime.date
    rows: tuple[str, ...] = ()
    papers: Papers = "both"
    made: datetime.date | None = None
    exclusions: tuple[str, ...] = ()
    stays: tuple[Away, ...] = ()
    delay: Delay = "none"
    exchanged: datetime.date | None = None
    replaced: int = 0
    price_fen: int | None = None
    no_stock: bool = False
    brand: str = ""
    handed_in: datetime.date | None = None

    @property
    def since(self) -> datetime.date:
        """The day from which the repairer has the phone."""
        return self.handed_in or self.brought


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the arithmetic, and what it stands on."""

    words: Words
    sources: tuple[Source, ...] = ()

    @property
    def printed(self) -> Words:
        """The line with its sources behind it."""
        if not self.sources:
            return self.words
        cited = [one.cited for one in self.sources]
        en, zh = "; ".join(one.en for one in cited), "；".join(one.zh for one in cited)
        return Words(f"{self.words.en} ({en})", f"{self.words.zh}（{zh}）")


@dataclass(slots=True)
class _Account:
    """The arithmetic as it is written down, by the rules and the promise that apply."""

    rules: Rules
    promise: Promise | None
    lines: list[Line] = field(default_factory=list)

    def add(self, words: Words, *sources: str) -> None:
        """One more line; a source is named by its id, the brand's promise by `promise`."""
        found = [self.promise if one == "promise" else self.rules.sources[one] for one in sources]
        self.lines.append(Line(words, tuple(one for one in found if one)))


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that the customer may choose.

    Attributes:
        kind: `return` for money, `exchange` (handset), `replace` (accessory), `repair`.
        basis: the id of the source that gives it, or `promise`.
        refund_fen: what is paid back; None where nothing is, or the price is not known.
    """

    kind: RemedyKind
    basis: str
    refund_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What 三包 gives.

    Attributes:
        decision: `in-warranty`, `out-of-warranty`, or `excluded`.
        reason: the rule that settled it, as a short code.
        remedies: what the customer may choose from; empty when nothing is due.
        period: the period that was counted, if one was.
        day: the day's number, the day of sale being 0; None where the sale is not known.
        left: days until the last day of the period, on the day it was brought; negative when it is over.
        lines: the arithmetic in order.
    """

    decision: Decided
    reason: str
    remedies: tuple[Remedy, ...]
    period: Period | None
    day: int | None
    left: int | None
    lines: tuple[Line, ...]

    def offers(self, kind: RemedyKind) -> Remedy | None:
        """The remedy of that kind, if it is among them."""
        return next((one for one in self.remedies if one.kind == kind), None)


def decide(claim: Claim, rules: Rules) -> Decision:
    """What the rules give for a claim.

    Raises:
        ClaimError: the claim can't be.
    """
    item = _checked(claim, rules)
    account = _Account(rules, rules.promise(claim.brand))
    day = (claim.brought - claim.sold).days if claim.sold and claim.papers != "lost" else None
    if day is not None:
        account.add(_DAY_NUMBER.fill(sold=claim.sold, brought=claim.brought, day=day), "first-day")
    settled = _outside(claim, item, account)
    if settled:
        return Decision(*settled, (), None, day, None, tuple(account.lines))
    found = _period(claim, item, account)
    if found is None or claim.brought > found.end:
        reason = "no-proof" if found is None else "period-over"
        decision, reason, remedies = _after(claim, item, reason, account)
    else:
        decision = "in-warranty"
        reason, remedies = (_handset if item.id == "handset" else _accessory)(claim, found, account)
    left = (found.end - claim.brought).days if found else None
    return Decision(decision, reason, remedies, found, day, left, tuple(account.lines))


# --- the claim


def _checked(claim: Claim, rules: Rules) -> Item:
    """The claim's item. Raises ClaimError for what can't be."""
    if claim.item not in rules.items:
        raise ClaimError(_NO_SUCH.fill(name=claim.item))
    known = {row for item in rules.items.values() for row in item.rows}
    rows = (*claim.rows, *(stay.row for stay in claim.stays if stay.row))
    for names, allowed in ((rows, known), (claim.exclusions, rules.exclusions.keys())):
        if strange := [one for one in names if one not in allowed]:
            raise ClaimError(_NO_SUCH.fill(name=strange[0]))
    if claim.papers != "lost" and claim.sold is None:
        raise ClaimError(_NEEDS_SALE)
    if claim.replaced < 0 or not (claim.price_fen is None or 0 <= claim.price_fen <= _MOST_FEN):
        raise ClaimError(_NEGATIVE)
    _ordered(claim)
    return rules.items[claim.item]


def _ordered(claim: Claim) -> None:
    days = [claim.sold, claim.made, claim.exchanged, claim.brought, claim.handed_in, claim.decided]
    days += [day for stay in claim.stays for day in (stay.handed_in, stay.back)]
    for day in days:
        if day is not None and not _FIRST <= day <= _LAST:
            raise ClaimError(_ODD_DAY.fill(day=day))
    pairs: list[tuple[datetime.date | None, datetime.date | None]] = [
        (claim.brought, claim.decided),
        (claim.brought, claim.handed_in),
        (claim.handed_in, claim.decided),
        (claim.sold, claim.brought),
        (claim.made, claim.brought),
        (claim.made, claim.sold),
        (claim.sold, claim.exchanged),
        (claim.exchanged, claim.brought),
    ]
    for stay in claim.stays:
        pairs += [(claim.sold, stay.handed_in), (stay.handed_in, stay.back), (stay.back, claim.brought)]
    for earlier, later in pairs:
        if earlier is not None and later is not None and later < earlier:
            raise ClaimError(_ORDER.fill(earlier=earlier, later=later))


def _outside(claim: Claim, item: Item, account: _Account) -> tuple[Decided, str] | None:
    """What takes the fault out of 三包 on any day, or None."""
    for one in claim.exclusions:
        account.add(_EXCLUDED.fill(why=account.rules.exclusions[one].words), "outside")
    if claim.exclusions:
        return "excluded", claim.exclusions[0]
    for row in claim.rows:
        says = _LISTED if row in item.rows else _ANOTHER_S
        account.add(says.fill(item=item.words, row=row_words(row)), "listed")
    if any(row in item.rows for row in claim.rows):
        return None
    account.add(_NOT_LISTED.fill(item=item.words), "listed")
    return "out-of-warranty", "not-listed"


# --- the period


def _start(claim: Claim, account: _Account) -> datetime.date | None:
    terms = account.rules.terms
    if claim.exchanged is not None and terms.restarts:
        account.add(_RESTART.fill(day=claim.exchanged), "restart")
        return claim.exchanged
    if claim.papers != "lost":
        return claim.sold
    if claim.made is None:
        account.add(_NO_PROOF, "lost")
        return None
    start = claim.made + terms.factory_days * _DAY
    account.add(_FROM_FACTORY.fill(made=claim.made, days=terms.factory_days, start=start), "lost")
    return start


def _period(claim: Claim, item: Item, account: _Account) -> Period | None:
    start = _start(claim, account)
    if start is None:
        return None
    promised = account.promise.months.get(item.id, 0) if account.promise else 0
    months, given_by = max((item.months, "period"), (promised, "promise"), key=lambda one: one[0])
    found = period(start, months, claim.stays)
    account.add(_PERIOD.fill(item=item.words, start=start, months=months, end=found.nominal), given_by, "month")
    if found.deducted:
        says = _DEDUCTED.fill(nominal=found.nominal, days=found.deducted, end=found.extended)
        account.add(says, "deduct", "first-day")
    if found.end != found.extended:
        account.add(_MOVED.fill(day=found.extended, end=found.end), "holiday")
    if not found.certain:
        account.add(_UNANNOUNCED.fill(year=found.end.year), "holiday")
    left = (found.end - claim.brought).days
    if left >= 0:
        account.add(_OPEN.fill(brought=claim.brought, end=found.end, left=left))
    else:
        account.add(_OVER.fill(brought=claim.brought, end=found.end, late=-left))
    return found


# --- what is due


def _after(claim: Claim, item: Item, reason: str, account: _Account) -> tuple[Decided, str, tuple[Remedy, ...]]:
    """Outside the period only a repair that did not hold is mended again."""
    days = account.rules.terms.hold_days
    same = [stay for stay in claim.stays if stay.row in claim.rows and stay.row in item.rows]
    if not same:
        return "out-of-warranty", reason, ()
    back = max(stay.back for stay in same)
    until = last_day_in(back, days)
    held = claim.brought > until
    says = (_HELD if held else _HELD_NOT).fill(back=back, days=days, until=until, brought=claim.brought)
    account.add(says, "hold", "first-day", "holiday")
    if held:
        return "out-of-warranty", reason, ()
    return "in-warranty", "repair-not-held", (Remedy("repair", "hold"),)


def _accessory(claim: Claim, found: Period, account: _Account) -> tuple[str, tuple[Remedy, ...]]:
    if claim.papers == "lost":
        return _lost(account)
    most = account.rules.terms.replacements
    if claim.replaced < most:
        account.add(_REPLACE.fill(times=claim.replaced, most=most), "accessory")
        return "accessory", (Remedy("replace", "accessory"),)
    if claim.papers == "proof":
        account.add(_COPY_ONLY, "copy")
        return "accessory", (Remedy("replace", "accessory"),)
    account.add(_REPLACED.fill(times=claim.replaced, most=most, price=_price(claim)), "accessory")
    return "replaced-twice", (Remedy("return", "accessory", claim.price_fen),)


def _lost(account: _Account) -> tuple[str, tuple[Remedy, ...]]:
    account.add(_LOST_ONLY, "lost")
    return "papers-lost", (Remedy("repair", "lost"),)


def _handset(claim: Claim, found: Period, account: _Account) -> tuple[str, tuple[Remedy, ...]]:
    if claim.papers == "lost":
        return _lost(account)
    reason, basis = _exchange_due(claim, found, account)
    remedies: list[Remedy] = []
    if basis and claim.papers == "proof":
        account.add(_COPY_ONLY, "copy")
    elif basis:
        remedies += _money_back(claim, reason, basis, account)
    if basis and claim.no_stock:
        account.add(_NO_STOCK, "no-model")
    elif basis:
        remedies.append(Remedy("exchange", basis))
    return reason, (*remedies, Remedy("repair", "period"))


def _money_back(claim: Claim, reason: str, basis: str, account: _Account) -> list[Remedy]:
    """The return that goes with an exchange that is due, if one does: at the full price, or less the use."""
    if reason in ("within-return", "promised-return"):
        account.add(_FULL.fill(price=_price(claim)), basis)
        return [Remedy("return", basis, claim.price_fen)]
    if basis == "promise":
        return []
    if claim.no_stock:
        account.add(_FULL.fill(price=_price(claim)), "no-model")
        return [Remedy("return", "no-model", claim.price_fen)]
    return [_refund(claim, account)]


def _exchange_due(claim: Claim, found: Period, account: _Account) -> tuple[str, str]:
    """Why an exchange is due: a reason, and the source that gives it; an empty source when none is."""
    terms, promise = account.rules.terms, account.promise
    windows = [
        ("within-return", "return", terms.return_days),
        ("promised-return", "promise", promise.return_days if promise else 0),
        ("within-exchange", "exchange", terms.exchange_days),
    ]
    for reason, source, days in windows:
        if days and _within(claim, days, source, account):
            return reason, source
    if _repaired_often(claim, found, account):
        return "two-repairs", "two-repairs"
    if claim.delay != "none" and _too_slow(claim, account):
        return f"late-{claim.delay}", f"late-{claim.delay}"
    if promise and promise.exchange_days and _within(claim, promise.exchange_days, "promise", account):
        return "promised-exchange", "promise"
    return "in-period", ""


def _within(claim: Claim, days: int, source: str, account: _Account) -> bool:
    sold = claim.sold
    assert sold is not None  # noqa: S101 - `_checked`, and the papers are not lost
    last = last_day_in(sold, days)
    inside = claim.brought <= last
    says = (_IN_WINDOW if inside else _PAST_WINDOW).fill(sold=sold, days=days, last=last, brought=claim.brought)
    account.add(says, source, "first-day", *(("holiday",) if last != sold + days * _DAY else ()))
    if not announced(last):
        account.add(_UNANNOUNCED.fill(year=last.year), "holiday")
    return inside


def _repaired_often(claim: Claim, found: Period, account: _Account) -> bool:
    rows = account.rules.items[claim.item].rows  # a battery that was changed is no repair of the handset
    times = sum(1 for stay in claim.stays if stay.row in rows and stay.handed_in >= found.start)
    often = times >= account.rules.terms.failed_repairs
    if times:
        says = (_REPAIRED if often else _REPAIRED_LESS).fill(times=times, most=account.rules.terms.failed_repairs)
        account.add(says, "two-repairs")
    return often


def _too_slow(claim: Claim, account: _Account) -> bool:
    terms = account.rules.terms
    most = terms.repairer_days if claim.delay == "repairer" else terms.parts_days
    waited = (claim.decided - claim.since).days
    says = _LATE if waited > most else _NOT_LATE
    says = says.fill(brought=claim.since, day=claim.decided, waited=waited, most=most)
    account.add(says, f"late-{claim.delay}", "first-day")
    return waited > most


# --- money


def refund(price_fen: int, days: int, per_day_bp: int) -> int:
    """The price less the charge for use, in fen.

    The charge is price x days x rate, rounded down to a whole fen (in the customer's favour), and never more than the
    price.

    Args:
        price_fen: hundredths of the currency, not negative.
        days: of use, not negative.
        per_day_bp: hundredths of a percent of the price for each day.
    """
    return price_fen - min(price_fen, price_fen * days * per_day_bp // 10_000)


def yuan(fen: int) -> str:
    """A sum as it is printed: 129950 is `1299.50`."""
    return f"{fen // 100}.{fen % 100:02d}"


def _refund(claim: Claim, account: _Account) -> Remedy:
    """The return of a handset that could be exchanged: less the days it was used, those at the repairer left out."""
    sold, until, rate = claim.sold, claim.decided, account.rules.terms.refund_bp
    assert sold is not None  # noqa: S101 - `_checked`, and the papers are not lost
    away = days_away((*claim.stays, Away(claim.since, until)), sold, until)
    days = (until - sold).days - away
    account.add(_USED.fill(sold=sold, until=until, total=days + away, away=away, days=days), "used", "first-day")
    if claim.price_fen is None:
        account.add(_UNPRICED, "used")
        return Remedy("return", "used")
    paid = refund(claim.price_fen, days, rate)
    price, charge = yuan(claim.price_fen), yuan(claim.price_fen - paid)
    says = _REFUND.fill(price=price, days=days, rate=_percent(rate), charge=charge, paid=yuan(paid))
    account.add(says, "used")
    return Remedy("return", "used", paid)


def _percent(bp: int) -> str:
    return f"{bp // 100}.{bp % 100:02d}".rstrip("0").rstrip(".") + " %"


def _price(claim: Claim) -> Words:
    return _UNPRICED if claim.price_fen is None else Words(yuan(claim.price_fen), yuan(claim.price_fen))


# --- words

_UNPRICED = Words("price not stated", "价格未填")
_DAY_NUMBER = Words(
    "Sold {sold} (day 0), brought {brought}: day {day}", "{sold} 售出（第 0 日），{brought} 送修：第 {day} 日"
)
_EXCLUDED = Words("Outside 三包: {why}", "不属三包范围：{why}")
_LISTED = Words("{item}: the fault is in the fault table: {row}", "{item}：属性能故障表所列故障：{row}")
_ANOTHER_S = Words("{item}: not among its faults: {row}", "{item}：不属该项的性能故障：{row}")
_NOT_LISTED = Words("{item}: no fault of the fault table was shown", "{item}：未见性能故障表所列故障")
_RESTART = Words("Exchanged {day}: the period begins anew", "{day} 已换货：三包有效期重新计算")
_NO_PROOF = Words(
    "No invoice, no card, no other proof and no factory date: no period can be shown",
    "无发货票、三包凭证、其他有效证据及出厂日期：无法证明在三包有效期内",
)
_FROM_FACTORY = Words(
    "Papers lost: factory date {made} + {days} days = {start}",
    "凭证丢失：出厂日期 {made} + {days} 日 = {start} 起算",
)
_PERIOD = Words("{item}: {start} + {months} months = {end}", "{item}：{start} + {months} 个月 = {end}")
_DEDUCTED = Words("{nominal} + {days} days in repair or waiting = {end}", "{nominal} + 修理及待修 {days} 日 = {end}")
_MOVED = Words("{day} is a day off: the last day is {end}", "{day} 为休假日：最后一天顺延至 {end}")
_UNANNOUNCED = Words(
    "The holidays of {year} are not announced yet: only weekends were counted as days off",
    "{year} 年放假安排尚未公布：仅按周末计休假日",
)
_OPEN = Words(
    "{brought} <= {end}: in the period, {left} days left", "{brought} <= {end}：在三包有效期内，剩余 {left} 日"
)
_OVER = Words("{brought} > {end}: over since {late} days", "{brought} > {end}：已过三包有效期 {late} 日")
_HELD_NOT = Words(
    "Back from the same repair {back} + {days} days = {until} >= {brought}: it did not hold, repaired again free",
    "同一故障 {back} 修复 + {days} 日 = {until} >= {brought}：未能正常使用满期，免费返修",
)
_HELD = Words(
    "Back from the same repair {back} + {days} days = {until} < {brought}: it held long enough",
    "同一故障 {back} 修复 + {days} 日 = {until} < {brought}：已超过修理保证期",
)
_LOST_ONLY = Words("Papers lost: free repair only", "凭证丢失：仅免费修理")
_COPY_ONLY = Words(
    "Not both papers: repair and exchange, no return", "凭证不齐（凭其他有效证据）：负责修理、更换，不办理退货"
)
_REPLACED = Words(
    "Replaced {times} times (>= {most}) and faulty again: refund {price}",
    "已更换 {times} 次（>= {most}）仍不能正常使用：退款 {price}",
)
_REPLACE = Words(
    "Replaced {times} times (< {most}): same brand and model, free",
    "已更换 {times} 次（< {most}）：免费更换同品牌同型号附件",
)
_IN_WINDOW = Words(
    "{sold} + {days} days: until {last}; {brought} is inside", "{sold} + {days} 日：至 {last}；{brought} 在期限内"
)
_PAST_WINDOW = Words(
    "{sold} + {days} days: until {last}; {brought} is past it", "{sold} + {days} 日：至 {last}；{brought} 已过期限"
)
_FULL = Words("Return at the invoice price: {price}", "按发货票价格一次退清：{price}")
_REPAIRED = Words(
    "Repaired {times} times in the period (>= {most}) and faulty again: exchange",
    "有效期内已修理 {times} 次（>= {most}）仍不能正常使用：换货",
)
_REPAIRED_LESS = Words("Repaired {times} times in the period (< {most})", "有效期内已修理 {times} 次（< {most}）")
_LATE = Words(
    "{brought} to {day}: {waited} days > {most}: exchange", "{brought} 至 {day}：{waited} 日 > {most} 日：换货"
)
_NOT_LATE = Words("{brought} to {day}: {waited} days <= {most}", "{brought} 至 {day}：{waited} 日 <= {most} 日")
_NO_STOCK = Words("The same model is not to be had: no exchange", "无同型号同规格商品：无法换货")
_USED = Words(
    "Use from {sold} to {until}: {total} days - {away} days in repair or waiting = {days} days",
    "自 {sold} 至 {until}：{total} 日 - 修理及待修 {away} 日 = 使用 {days} 日",
)
_REFUND = Words(
    "Refund instead of exchange: {price} - {price} x {days} x {rate} = {price} - {charge} = {paid} "
    "(charge rounded down)",
    "不换货而退货：{price} - {price} × {days} × {rate} = {price} - {charge} = {paid}（折旧费舍去不足一分部分）",
)
_NO_SUCH = Words("{name} is not known to the rules", "规则中没有 {name}")
_NEEDS_SALE = Words("The day of sale is needed unless the papers are lost", "除凭证丢失外，须填写售出日期")
_NEGATIVE = Words("Counts and sums are not negative", "次数和金额不得为负")
_ODD_DAY = Words("{day} is no day that this rule knows", "{day} 不是有效日期")
_ORDER = Words("{later} is before {earlier}", "{later} 早于 {earlier}")
