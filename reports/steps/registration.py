"""What a registration (受理登记) states: who asks, for which phone, with which papers, what the complaint is.

Names, telephones, IMEIs, waybill and paper numbers are commitments. Stands on `reports.predicates` and
`reports.papers`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reports.papers import FactName, Follows
from reports.predicates import Commitment, Common, EvidenceRef, FreeText, IdentityV1, Millis, Name, Sha256, Statement

__all__ = ["PREDICATES", "Channel", "HintsV1", "PaperFactV1", "PartyV1", "PurchaseV1", "RegistrationV1"]

Channel = Literal["walk-in", "mail-in", "on-site", "online"]
Shown = Literal["shown", "absent", "lost"]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class PartyV1(Statement):
    """A person who stands for the owner, and by what right.

    Attributes:
        name, phone: commitments of the kinds `bringer-name`, `collector-phone`, ...
        relation: to the owner.
        authority: what shows that they may: a signed `letter`, an identity document that was `id-shown`, the
            `relation` itself as the owner told it, the owner's word in a `call`. Never empty.
    """

    name: Commitment
    phone: Commitment | None
    relation: Name
    authority: tuple[Literal["letter", "id-shown", "relation", "call"], ...] = Field(min_length=1)


class PaperFactV1(Statement):
    """One document rule, see `reports.papers.document_facts`."""

    fact: FactName
    holds: bool | None
    follows: Follows


class PurchaseV1(Statement):
    """What is known of the sale.

    Attributes:
        invoice, card: whether the paper was `shown`, is `absent` (not at hand today) or `lost`; None: not asked.
        sold: the day of the sale; `sold_by` says where from: the invoice, else the card, else the customer's word.
        seller: as on the invoice, else on the card, else as told.
        numbers: commitments to the papers' numbers (`invoice-number`, `card-number`).
        facts: every document rule.
    """

    invoice: Shown | None
    card: Shown | None
    sold: Day | None
    sold_by: Literal["invoice", "card", "customer"] | None
    invoice_sold: Day | None
    card_sold: Day | None
    seller: str = Field(max_length=200)
    numbers: tuple[IdentityV1, ...]
    facts: tuple[PaperFactV1, ...]


class HintsV1(Statement):
    """Which first self-help hints were shown, and of which text."""

    version: int = Field(ge=1)
    sha256: Sha256
    shown: tuple[Name, ...]


class RegistrationV1(Common):
    """The request as it was taken down.

    Attributes:
        person: who took it down.
        channel: how it came; `decision`: `appointed` for later, at `appointment_ms`, or `registered` now.
        owner: commitments to the owner's name, telephone, ... by what they are.
        bringer, collector: who brought it and who will take it, where that is not the owner.
        identities: IMEI (the first one first), MEID, serial, as scanned or typed with right check digits.
        complaint: the customer's words; symptoms, qualifiers: their codes (when, how often, after what).
        since, tried: when it began, and what was tried already.
        promised_ms: when it was promised to be ready.
        waybill: of a parcel.
        evidence: pictures of papers, letters, the parcel's label.
    """

    person: Name
    channel: Channel
    decision: Literal["registered", "appointed"]
    appointment_ms: Millis | None
    owner: tuple[IdentityV1, ...] = Field(min_length=1)
    bringer: PartyV1 | None
    collector: PartyV1 | None
    manufacturer: str = Field(max_length=200)
    model: Name
    identities: tuple[IdentityV1, ...]
    purchase: PurchaseV1
    complaint: FreeText
    symptoms: tuple[Name, ...]
    qualifiers: tuple[Name, ...]
    since: str = Field(max_length=400)
    tried: FreeText
    hints: HintsV1
    promised_ms: Millis | None
    waybill: Commitment | None
    evidence: tuple[EvidenceRef, ...]


PREDICATES: dict[str, type[Statement]] = {"registration/v1": RegistrationV1}
