"""From the repairs that are chosen to the lines, the price, the parts and the risks of a plan.

Pure over the diagnosis policy, the price list and the shop's plan policy (`plans.toml`, and DATA/policy/plan.toml over
it). A price that is not from the list says where it comes from; nothing is guessed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checklists.diagnosis.schema import Policy, Repair
from checklists.schema import Text
from drivers.api import Side
from drivers.text import Words
from reports.predicates import PlannedPartV1, PriceLineV1, RiskV1, TextV1
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.prices import PricedPart, PriceList, Sum, total

__all__ = ["Chosen", "Payer", "PlanPolicy", "Priced", "lines_said", "money", "plan_policy", "priced", "risks"]

Payer = Literal["customer", "warranty", "shop"]


class PlanPolicy(BaseModel):
    """What a shop may set about plans; see `plans.toml` for each key and its reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    price_above: Sum
    no_fault_tries: int = Field(ge=1, le=100)
    code_digits: int = Field(ge=6, le=12)
    code_minutes: int = Field(ge=1, le=1440)
    reinstalls: tuple[str, ...]
    esd_least_megohm: Decimal = Field(ge=0)
    esd_most_megohm: Decimal
    esd_source: str
    risks: dict[Literal["warranty", "not-genuine", "price-above"], Text]
    changes: dict[str, tuple[str, ...]]
    serials: dict[str, tuple[str, ...]]


def plan_policy(policy: Mapping[str, Mapping[str, Any]]) -> PlanPolicy:
    """The policy as shipped, with what DATA/policy/plan.toml sets instead.

    Raises:
        Trouble: the shop's file sets what can't be.
    """
    try:
        return PlanPolicy.model_validate({**_shipped(), **policy.get("plan", {})})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        what = _UNUSABLE.fill(where=where, why=first["msg"])
        raise Trouble("plan.policy", what, Side.BENCH, _MEND, EXIT_NO) from error


@cache
def _shipped() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).with_suffix(".toml")).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Chosen:
    """One repair as the technician chose it.

    Attributes:
        repair: of the diagnosis policy.
        part: the part's number; empty: the list's only one for this repair, or none.
        quantity: how many of the part.
        labour, price: sums of one's own in hundredths, for labour and for one part; None: those of the list.
        genuine: whether a part that is not in the list is the maker's.
        payer: who pays.
        why: where a price comes from that is not in the list.
    """

    repair: Repair
    part: str = ""
    quantity: int = 1
    labour: int | None = None
    price: int | None = None
    genuine: bool | None = None
    payer: Payer = "customer"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Priced:
    """What the repairs come to: every line, the parts, the standard time in minutes, the customer's sum."""

    lines: tuple[PriceLineV1, ...]
    parts: tuple[PlannedPartV1, ...]
    minutes: int
    price_fen: int


def priced(chosen: Sequence[Chosen], listed: PriceList | None, model: str, policy: PlanPolicy) -> Priced:
    """Lines and parts for the chosen repairs; without any repair the examination alone.

    Raises:
        Trouble: a price is neither in the list nor given with its reason, a part is needed and not named, or
            the sum is too large.
    """
    lines: list[PriceLineV1] = []
    parts: list[PlannedPartV1] = []
    minutes = 0
    for one in chosen:
        row = listed.labour(one.repair.id, model) if listed else None
        lines.append(_labour(one, row.labour if row else None))
        minutes += row.minutes if row else 0
        number, part = _part(one, listed, model)
        if number:
            lines.append(_part_line(one, number, part))
            parts.append(_planned(one, number, part, policy))
    if not chosen and listed and listed.examination is not None:
        lines.append(_line("examination", "examination", _EXAMINATION, 1, listed.examination, Chosen(_NO_REPAIR), True))
    sum_ = total((line.quantity, line.unit_fen) for line in lines if line.payer == "customer")
    return Priced(tuple(lines), tuple(parts), minutes, sum_)


def _labour(one: Chosen, listed: int | None) -> PriceLineV1:
    own = one.labour
    fen = own if own is not None else listed
    if fen is None:
        raise _unpriced(_NO_LABOUR.fill(repair=one.repair.name.words))
    return _line("labour", one.repair.id, one.repair.name.words, 1, fen, one, own is None or own == listed)


def _part(one: Chosen, listed: PriceList | None, model: str) -> tuple[str, PricedPart | None]:
    """The part's number and its row: the one that was named, else the only one that the list has for the repair."""
    if one.part:
        return one.part, listed.numbered(one.part) if listed else None
    fitting = listed.parts_for(one.repair.id, model) if listed else ()
    if len(fitting) == 1:
        return fitting[0].number, fitting[0]
    if one.repair.needs is not None:
        names = ", ".join(row.number for row in fitting) or "-"
        raise _unpriced(_WHICH_PART.fill(repair=one.repair.name.words, numbers=names))
    return "", None


def _part_line(one: Chosen, number: str, row: PricedPart | None) -> PriceLineV1:
    fen = one.price if one.price is not None else row.price if row else None
    if fen is None:
        raise _unpriced(_NO_PRICE.fill(part=number))
    name = row.words if row else Words(number, number)
    return _line("part", number, name, one.quantity, fen, one, row is not None and fen == row.price)


def _line(
    kind: Literal["labour", "part", "examination"],
    what: str,
    name: Words,
    quantity: int,
    fen: int,
    one: Chosen,
    listed: bool,
) -> PriceLineV1:
    if not listed and not one.why:
        raise _unpriced(_SAY_WHY.fill(what=name))
    return PriceLineV1(
        kind=kind,
        what=what,
        name=TextV1(en=name.en, zh=name.zh),
        quantity=quantity,
        unit_fen=fen,
        sum_fen=total([(quantity, fen)]),
        payer=one.payer,
        listed=listed,
        why="" if listed else one.why,
    )


def _planned(one: Chosen, number: str, row: PricedPart | None, policy: PlanPolicy) -> PlannedPartV1:
    kind = row.part if row else one.repair.needs or number
    changes = row.changes if row and row.changes is not None else policy.changes.get(kind, ())
    genuine = row.genuine if row else one.genuine
    return PlannedPartV1(
        part=kind, number=number, changes=changes, remedy=one.repair.id, quantity=one.quantity, genuine=genuine
    )


def risks(chosen: Sequence[Chosen], done: Priced, diagnosis: Policy, policy: PlanPolicy, currency: str) -> list[RiskV1]:
    """The lines that the customer confirms one by one, in the order of the repairs.

    Those of the repairs (water seal, biometrics, data, identity), and: opened outside of warranty, a part that is not
    shown to be the maker's, a price above the shop's sum.
    """
    found: dict[str, Words] = {risk: diagnosis.risks[risk].words for one in chosen for risk in one.repair.risks}
    if any(
        one.repair.layer == "hard" and one.payer != "warranty" and "water-seal" in one.repair.risks for one in chosen
    ):
        found["warranty"] = policy.risks["warranty"].words
    foreign = [part.number for part in done.parts if not part.genuine]
    if foreign:
        found["not-genuine"] = policy.risks["not-genuine"].words.fill(part=", ".join(foreign))
    if done.price_fen > policy.price_above:
        found["price-above"] = policy.risks["price-above"].words.fill(sum=money(policy.price_above, currency))
    return [RiskV1(id=risk, text=TextV1(en=words.en, zh=words.zh)) for risk, words in found.items()]


def money(fen: int, currency: str) -> str:
    """A sum as it is read: `CNY 260.00`."""
    return f"{currency} {fen // 100}.{fen % 100:02d}"


def lines_said(lines: Iterable[PriceLineV1], currency: str) -> list[Words]:
    """The arithmetic, line by line."""
    return [_said(line, currency) for line in lines]


def _said(line: PriceLineV1, currency: str) -> Words:
    text = _LINE.fill(
        name=Words(line.name.en, line.name.zh),
        quantity=line.quantity,
        unit=money(line.unit_fen, currency),
        sum=money(line.sum_fen, currency),
    )
    if line.payer != "customer":
        text = _PAID_BY.fill(line=text, payer=_PAYERS[line.payer])
    return text if line.listed else _OWN_PRICE.fill(line=text, why=line.why)


def _unpriced(what: Words) -> Trouble:
    return Trouble("plan.price", what, Side.PERSON, _PRICE_IT, EXIT_USE)


_NO_REPAIR = Repair(
    id="examination",
    layer="soft",
    difficulty="easy",
    cost="none",
    name=Text(en="examination", zh="检测费"),
)
_EXAMINATION = Words("examination without repair", "检测费（未维修）")
_PAYERS = {"warranty": Words("warranty pays", "三包承担"), "shop": Words("the shop pays", "网点承担")}
_LINE = Words("{name}: {quantity} x {unit} = {sum}", "{name}：{quantity} x {unit} = {sum}")
_PAID_BY = Words("{line} ({payer})", "{line}（{payer}）")
_OWN_PRICE = Words("{line} [not from the price list: {why}]", "{line} [非价目表价格：{why}]")
_PRICE_IT = Words("A price that is not from the list needs its reason", "非价目表价格须注明原因")
_MEND = Words(
    "Correct DATA/policy/plan.toml; its keys are in docs/repair.md",
    "请修正 DATA/policy/plan.toml，说明见 docs/repair.md",
)
_UNUSABLE = Words(
    "The policy file plan.toml can't be used: {where}: {why}", "政策文件 plan.toml 无法使用：{where}：{why}"
)
_NO_LABOUR = Words(
    "{repair}: the price list has no labour for this model; give `labour` and `why`",
    "{repair}：价目表无此机型的工时费；请填写工时费及原因",
)
_WHICH_PART = Words(
    "{repair}: say which part: {numbers}",
    "{repair}：请指定配件：{numbers}",
)
_NO_PRICE = Words(
    "{part}: the price list has no price; give `price` and `why`", "{part}：价目表无此配件价格；请填写价格及原因"
)
_SAY_WHY = Words(
    "{what}: the price is not from the list; say where it comes from",
    "{what}：非价目表价格；请注明来源",
)
