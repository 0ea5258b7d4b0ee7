"""What sending a phone to factory or depot (返厂) states, and what its coming back does.

A phone that was away is a phone as at intake: what was known of it before does not hold any more, and it is looked at
again from the start. Stands on `reports.predicates`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.predicates import Commitment, Common, EvidenceRef, FreeText, IdentityV1, Millis, Name, Sha256, Statement

__all__ = ["PREDICATES", "SendBackV1", "SendOutV1"]


class SendOutV1(Common):
    """The phone left the shop.

    Attributes:
        person: who packed it; signs it off as `performed`.
        plan: the consented plan that sends it.
        destination: `factory` or `depot`; receiver: its name.
        carrier, waybill: how it went.
        seal: the number on the seal; photos: of the sealed parcel.
        sent: everything in the parcel, the handset first.
        data_state: what of the customer's is on the phone.
        sent_ms, due_ms: its own clock: when it left and when it is due back.
    """

    person: Name
    plan: Sha256
    destination: Literal["factory", "depot"]
    receiver: Name
    carrier: Name
    waybill: Name
    seal: Name
    photos: tuple[EvidenceRef, ...] = Field(min_length=1)
    sent: tuple[Name, ...] = Field(min_length=1)
    data_state: Literal["on-the-phone", "backed-up", "erased", "no-data"]
    reason: FreeText
    sent_ms: Millis
    due_ms: Millis


class SendBackV1(Common):
    """The phone is back.

    Attributes:
        send_out: the digest of the record that sent it.
        waybill, carrier: how it came.
        seal, seal_whole, photos: the seal of the parcel as it came.
        came, missing: what was in it, and what was sent and was not.
        outcome: what the factory says it did; report: in its words; parts: the kinds of parts that it changed.
        new_phone, new_identities: set when another unit or another board came back: they bind old and new.
        returned_ms, away_ms: when it came, and how long it was away.
        decision: `whole`, or `differs` when the seal was broken or something is missing.
    """

    person: Name
    send_out: Sha256
    carrier: Name
    waybill: Name
    seal: str = Field(max_length=200)
    seal_whole: bool
    photos: tuple[EvidenceRef, ...] = Field(min_length=1)
    came: tuple[Name, ...]
    missing: tuple[Name, ...]
    outcome: Literal["repaired", "exchanged", "unrepaired"]
    report: FreeText
    parts: tuple[Name, ...]
    new_phone: Commitment | None
    new_identities: tuple[IdentityV1, ...]
    returned_ms: Millis
    away_ms: Millis
    decision: Literal["whole", "differs"]


PREDICATES: dict[str, type[Statement]] = {"send-out/v1": SendOutV1, "send-back/v1": SendBackV1}
