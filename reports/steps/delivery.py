"""What a delivery (交付) states: which phone left, to whom, with what, for how much, and what every paper must say.

The collector's name is a commitment, a signature's picture is named by one. Stands on `reports.predicates`; how the sum
comes about is in `reports.settlement`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reports.predicates import (
    Commitment,
    Common,
    EvidenceRef,
    FreeText,
    Millis,
    Name,
    Sha256,
    Statement,
    TextV1,
)

__all__ = [
    "PREDICATES",
    "ChargeV1",
    "CollectorV1",
    "DeliveryV1",
    "HandedOverV1",
    "Mark",
    "Outcome",
    "RepairWarrantyV1",
    "SettledV1",
]

Fen = Annotated[int, Field(ge=0, lt=2**53)]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Outcome = Literal["delivered", "returned-unrepaired", "exchanged", "refunded"]

#: What papers must say of a hand-back that is not simply a good one.
Mark = Literal[
    "not-cross-checked",
    "released-with-waiver",
    "known-declined",
    "returned-unrepaired",
    "exchanged",
    "refunded",
    "accessories-missing",
]


class CollectorV1(Statement):
    """Who took it.

    Attributes:
        capacity: the owner, who brought it, or who was named to take it.
        name: commitment to the name that was given, of the kind `collector-given-name`; None where none was ever taken
            down and the slip stands for it.
        authority: by what right, as registered; empty for the owner.
        way: a signature, a paper slip with a number, or a parcel; `reference`: commitment to the slip's or waybill's
            number.
        proof: the signature's picture, the slip, the waybill.
    """

    capacity: Literal["owner", "bringer", "collector"]
    name: Commitment | None
    authority: tuple[Name, ...]
    way: Literal["signature", "paper", "courier"]
    reference: Commitment | None
    proof: tuple[EvidenceRef, ...]


class HandedOverV1(Statement):
    """What was handed over beside the phone.

    Attributes:
        accessories: as the intake has them; `complete`, or what is `missing` and why.
        old_parts: `none` were taken out, or they were handed over, or stayed with the shop as agreed.
    """

    accessories: FreeText
    complete: bool
    missing: FreeText
    old_parts: Literal["none", "handed-over", "kept"]


class ChargeV1(Statement):
    """One consented sum: what for, and the digests of the plan and of the consent to it.

    `quote` is the first plan that was agreed to; a later one adds what it costs more (`extra`) or takes off what it
    costs less (`less`); `return-fee` is the examination of a phone that goes back unrepaired.
    """

    what: Literal["quote", "extra", "less", "return-fee"]
    fen: Fen
    plan: Sha256
    consent: Sha256


class SettledV1(Statement):
    """The settlement, in hundredths of `currency`: `due_fen` is the sum of `charges` and equals `paid_fen`.

    `refund_fen` is what the shop pays back, as the exchange record has it.
    """

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    charges: tuple[ChargeV1, ...]
    due_fen: Fen
    paid_fen: Fen
    refund_fen: Fen
    pay_way: Literal["none", "cash", "card", "wechat", "alipay", "transfer", "invoice"]
    invoice: str = Field(max_length=100)


class RepairWarrantyV1(Statement):
    """The warranty of the repair: `days` from `from_day` (day 0) to `until_day`, the last day, and by whose rule."""

    from_day: Day
    until_day: Day
    days: int = Field(ge=30, le=3660)
    layer: Literal["law", "brand", "shop"]
    source: TextV1


class DeliveryV1(Common):
    """The phone has left the shop.

    Attributes:
        decision: how; see `Outcome`.
        person: who handed it over.
        phone: commitment to the phone that was handed over, as it was read off it.
        seen: its number was `scanned`, or it was `plugged` in.
        release, exchange, consent: digests of what lets it go: a release, an exchange, or the wish to have it back.
        shown: digests of the runs whose results the customer was shown.
        marks, notes: what every paper says, as codes and in words.
        warranty: of the repair; None where nothing was repaired.
    """

    decision: Outcome
    person: Name
    phone: Commitment
    seen: Literal["scanned", "plugged"]
    release: Sha256 | None
    exchange: Sha256 | None
    consent: Sha256 | None
    shown: tuple[Sha256, ...]
    collector: CollectorV1
    handed_over: HandedOverV1
    settled: SettledV1
    marks: tuple[Mark, ...]
    notes: tuple[TextV1, ...]
    warranty: RepairWarrantyV1 | None
    delivered_ms: Millis


PREDICATES: dict[str, type[Statement]] = {"delivery/v1": DeliveryV1}
