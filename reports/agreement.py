"""What the customer agreed to: the newest plan, the newest word on exactly it, and who may act in the owner's place.

One reading for everybody who asks: the steps that may only be done inside of a consented plan, and whoever judges a
ticket afterwards. Pure over the records of a ticket in ledger order; knows no store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports.attest import Record
from reports.predicates import AmendV1, ConsentV1, PartUseV1, PlanV1
from reports.steps.authority import AuthorityV1
from reports.steps.registration import PartyV1, RegistrationV1

__all__ = ["Agreement", "agreement", "fitted", "party_of", "stays", "unconfirmed"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The newest plan of a ticket, and the customer's newest word on it.

    Attributes:
        digest, plan: the plan that counts; None while there is none.
        consent_digest, consent: the newest consent to exactly that plan; an older plan's never counts.
    """

    digest: str = ""
    plan: PlanV1 | None = None
    consent_digest: str = ""
    consent: ConsentV1 | None = None

    @property
    def agreed(self) -> PlanV1 | None:
        """The plan, where the customer's last word on it is yes, with every risk confirmed singly."""
        said = self.consent
        if self.plan is None or said is None or said.decision != "agreed" or unconfirmed(self.plan, said):
            return None
        return self.plan


def unconfirmed(plan: PlanV1, consent: ConsentV1) -> tuple[str, ...]:
    """The risks of the plan that the consent does not confirm."""
    return tuple(risk.id for risk in plan.risks if risk.id not in consent.confirmed)


def agreement(records: Iterable[Record]) -> Agreement:
    """What was agreed, from the records of one ticket in ledger order; what was amended does not count.

    A phone that was handed back and comes again needs a plan of its own: what was agreed before does not cover it.
    """
    standing = stays(records)[-1]
    plans = [(one.digest, plan) for one in standing if isinstance(plan := one.statement.predicate, PlanV1)]
    if not plans:
        return Agreement()
    digest, plan = plans[-1]
    said = [
        (one.digest, consent)
        for one in standing
        if isinstance(consent := one.statement.predicate, ConsentV1) and consent.plan == digest
    ]
    return Agreement(digest, plan, *said[-1]) if said else Agreement(digest, plan)


def fitted(records: Iterable[Record]) -> dict[str, int]:
    """How many of each part number went into the phone since it was last handed back."""
    count: dict[str, int] = {}
    for one in stays(records)[-1]:
        use = one.statement.predicate
        if isinstance(use, PartUseV1):
            count[use.number] = count.get(use.number, 0) + use.quantity
    return count


def party_of(records: Iterable[Record], part: str) -> PartyV1 | None:
    """Who acts in that part by the newest of the records; None where nobody was named."""
    found: PartyV1 | None = None
    for record in _standing(records):
        said = record.statement.predicate
        if isinstance(said, AuthorityV1) and said.part == part:
            found = said.party
        elif isinstance(said, RegistrationV1):
            found = getattr(said, part, None) or found
    return found


def stays(records: Iterable[Record]) -> list[list[Record]]:
    """The records that stand, stay by stay: each ends with its hand-back, the last one is not over (or empty)."""
    found: list[list[Record]] = [[]]
    for one in _standing(records):
        found[-1].append(one)
        if one.kind == "delivery/v1":
            found.append([])
    return found


def _standing(records: Iterable[Record]) -> list[Record]:
    every = list(records)
    out = {amend.target for one in every if isinstance(amend := one.statement.predicate, AmendV1)}
    return [one for one in every if one.digest not in out]
