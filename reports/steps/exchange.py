"""What an exchange or refund states: of the handset (`exchange/v1`), or of an accessory (`replacement/v1`).

Only the first ends the stay of the phone; a replaced charger never lets a phone go. Stands on the warranty decision
that it names.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reports.predicates import Commitment, Common, EvidenceRef, FreeText, Millis, Name, Sha256, Statement
from reports.steps.warranty import ClaimV1, LineV1
from reports.warranty.exchange import Basis

__all__ = ["PREDICATES", "CallV1", "ConditionV1", "ExchangeV1", "ReplacementV1"]

Fen = Annotated[int, Field(ge=0, lt=2**53)]


class ConditionV1(Statement):
    """One condition of the exchange, and whether it was met."""

    id: Name
    met: bool


class CallV1(Statement):
    """The call in which the owner was reached and agreed; `recording` is its file."""

    called_ms: Millis
    recording: EvidenceRef


class _Settled(Common):
    """What both have.

    Attributes:
        person: who did it.
        warranty: the decision that it stands on; `claim` is that claim on the day it was done, with `remedy_basis` the
            source that gives the remedy then.
        goes_in: what went in, by id.
        refund_fen: what is paid back; 0 with an exchange.
        call: the owner's agreement; None where the shop asks for none.
        arithmetic: as it was shown.
        rules_sha256: of the rules with the shop's layer.
    """

    person: Name
    warranty: Sha256
    claim: ClaimV1
    remedy_basis: Name
    goes_in: tuple[Name, ...]
    refund_fen: Fen
    call: CallV1 | None
    arithmetic: tuple[LineV1, ...]
    rules_sha256: Sha256


class ExchangeV1(_Settled):
    """The handset was exchanged, or its price paid back.

    Attributes:
        decision: which.
        basis: the kind of exchange, which says what conditions there are.
        conditions: each of them; `in_spite` is the lead's reason where one is not met.
        new_phone: commits to the new handset's IMEI; None with a refund.
    """

    decision: Literal["exchanged", "refunded"]
    basis: Basis
    conditions: tuple[ConditionV1, ...]
    in_spite: FreeText
    new_phone: Commitment | None


class ReplacementV1(_Settled):
    """An accessory was replaced by one of the same brand and model, or its price paid back.

    Attributes:
        decision: which.
        old_serial, new_serial: commitments, where the accessory has a serial or batch number.
    """

    decision: Literal["replaced", "refunded"]
    old_serial: Commitment | None
    new_serial: Commitment | None


PREDICATES: dict[str, type[Statement]] = {"exchange/v1": ExchangeV1, "replacement/v1": ReplacementV1}
