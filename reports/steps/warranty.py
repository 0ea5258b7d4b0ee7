"""What a warranty decision (三包判定) states: the claim, what is due, and the arithmetic as it was shown.

The claim stands in the record in full, so that anyone can decide again (`claim_of`, `reports.warranty.decide`). Stands
on `reports.warranty` and `reports.predicates`.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from pydantic import Field

from reports.predicates import Common, Name, Sha256, Statement, TextV1
from reports.warranty.days import Away
from reports.warranty.decide import Claim, Decided, Decision, Delay, Line, Papers, RemedyKind

__all__ = [
    "PREDICATES",
    "ClaimV1",
    "LineV1",
    "RemedyV1",
    "StayV1",
    "WarrantyV1",
    "claim_of",
    "stated",
    "stated_decision",
    "stated_line",
]

Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Fen = Annotated[int, Field(ge=0, lt=2**53)]


class StayV1(Statement):
    """An earlier stay at the repairer, see `reports.warranty.days.Away`."""

    handed_in: Day
    back: Day
    row: str = Field(max_length=60)


class ClaimV1(Statement):
    """What was asked for, see `reports.warranty.decide.Claim`; days are days in China."""

    item: Name
    sold: Day | None
    brought: Day
    decided: Day
    rows: tuple[Name, ...]
    papers: Papers
    made: Day | None
    exclusions: tuple[Name, ...]
    stays: tuple[StayV1, ...]
    delay: Delay
    exchanged: Day | None
    replaced: int = Field(ge=0, lt=2**31)
    price_fen: Fen | None
    no_stock: bool
    brand: str = Field(max_length=200)
    handed_in: Day | None = None


class LineV1(Statement):
    """One line of the arithmetic as it was shown, and the ids of its sources."""

    text: TextV1
    sources: tuple[Name, ...]


class RemedyV1(Statement):
    """One thing that the customer may choose, see `reports.warranty.decide.Remedy`."""

    kind: RemedyKind
    basis: Name
    refund_fen: Fen | None


class WarrantyV1(Common):
    """What 三包 gives on a day, for a phone or an accessory, and a fault.

    Attributes:
        person: who decided.
        decision, reason: the outcome, and the rule that settled it.
        claim: everything that it hangs on.
        findings: the fault codes of the ticket's runs that were mapped to the fault table.
        remedies: what the customer may choose from.
        period_start, period_end: day 0 and the last day, where a period was counted; `period_certain` is false where
            the holidays of the year of the end are not announced yet.
        day: the number of the day it was brought, the day of sale being 0.
        arithmetic: every line, with its sources.
        rules_sha256: of the rules, the shop's and the brand's layer with them.
    """

    person: Name
    decision: Decided
    reason: Name
    claim: ClaimV1
    findings: tuple[Name, ...]
    remedies: tuple[RemedyV1, ...]
    period_start: Day | None
    period_end: Day | None
    period_certain: bool
    day: int | None
    arithmetic: tuple[LineV1, ...]
    rules_sha256: Sha256


def _iso(day: datetime.date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def stated(claim: Claim) -> ClaimV1:
    """A claim as a record has it."""
    return ClaimV1(
        item=claim.item,
        sold=_iso(claim.sold),
        brought=claim.brought.isoformat(),
        decided=claim.decided.isoformat(),
        rows=claim.rows,
        papers=claim.papers,
        made=_iso(claim.made),
        exclusions=claim.exclusions,
        stays=tuple(
            StayV1(handed_in=one.handed_in.isoformat(), back=one.back.isoformat(), row=one.row) for one in claim.stays
        ),
        delay=claim.delay,
        exchanged=_iso(claim.exchanged),
        replaced=claim.replaced,
        price_fen=claim.price_fen,
        no_stock=claim.no_stock,
        brand=claim.brand,
        handed_in=_iso(claim.handed_in),
    )


def claim_of(said: ClaimV1) -> Claim:
    """The claim of a record. Raises ValueError for a day that is in no calendar."""
    return Claim(
        item=said.item,
        sold=_day(said.sold),
        brought=datetime.date.fromisoformat(said.brought),
        decided=datetime.date.fromisoformat(said.decided),
        rows=said.rows,
        papers=said.papers,
        made=_day(said.made),
        exclusions=said.exclusions,
        stays=tuple(
            Away(datetime.date.fromisoformat(one.handed_in), datetime.date.fromisoformat(one.back), one.row)
            for one in said.stays
        ),
        delay=said.delay,
        exchanged=_day(said.exchanged),
        replaced=said.replaced,
        price_fen=said.price_fen,
        no_stock=said.no_stock,
        brand=said.brand,
        handed_in=_day(said.handed_in),
    )


def stated_line(line: Line) -> LineV1:
    """A line of the arithmetic as a record has it."""
    printed = line.printed
    return LineV1(text=TextV1(en=printed.en, zh=printed.zh), sources=tuple(one.id for one in line.sources))


def stated_decision(decision: Decision) -> dict[str, Any]:
    """The fields of a `WarrantyV1` that come from the decision alone."""
    period = decision.period
    return {
        "decision": decision.decision,
        "reason": decision.reason,
        "remedies": tuple(
            RemedyV1(kind=one.kind, basis=one.basis, refund_fen=one.refund_fen) for one in decision.remedies
        ),
        "period_start": _iso(period.start if period else None),
        "period_end": _iso(period.end if period else None),
        "period_certain": period is None or period.certain,
        "day": decision.day,
        "arithmetic": tuple(stated_line(one) for one in decision.lines),
    }


PREDICATES: dict[str, type[Statement]] = {"warranty/v1": WarrantyV1}
