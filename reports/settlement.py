"""What a customer owes at the hand-back (结算): the consented quote and the consented extras, and not a fen more.

Pure, over the plans and consents of a ticket in ledger order, so that whoever verifies a delivery can reckon it again.
It knows no store, no screen and no currency's coins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from drivers.text import Words
from reports.attest import Record
from reports.predicates import ConsentV1, PlanV1

__all__ = ["Charge", "Settlement", "difference", "money", "settle"]

What = Literal["quote", "extra", "less", "return-fee"]

_NAMES: Final[dict[What, Words]] = {
    "quote": Words("quote as agreed", "客户确认的报价"),
    "extra": Words("extra, agreed later", "后续确认的加项"),
    "less": Words("less, agreed later", "后续确认的减项"),
    "return-fee": Words("examination without repair", "未维修的检测费"),
}


@dataclass(frozen=True, slots=True)
class Charge:
    """One consented sum in hundredths of the currency; `plan` and `consent` are the digests it stands on."""

    what: What
    fen: int
    plan: str
    consent: str

    @property
    def signed_fen(self) -> int:
        """What it adds to the sum."""
        return -self.fen if self.what == "less" else self.fen

    @property
    def words(self) -> Words:
        """What it is for."""
        return _NAMES[self.what]


@dataclass(frozen=True, slots=True)
class Settlement:
    """The charges, in the order in which they were agreed."""

    currency: str
    charges: tuple[Charge, ...]

    @property
    def due_fen(self) -> int:
        """What is owed; never below 0, since each charge brings the sum to the price of a plan."""
        return sum(charge.signed_fen for charge in self.charges)

    def says(self) -> list[Words]:
        """The arithmetic, line by line, and its sum."""
        lines = [
            Words("{what}: {sign}{sum}", "{what}：{sign}{sum}").fill(
                what=charge.words, sign="-" if charge.what == "less" else "", sum=money(charge.fen, self.currency)
            )
            for charge in self.charges
        ]
        return [*lines, Words("due: {sum}", "应付：{sum}").fill(sum=money(self.due_fen, self.currency))]


def settle(records: Iterable[Record], *, unrepaired: bool = False, currency: str = "CNY") -> Settlement:
    """What the plans and consents of one stay at the shop come to.

    A plan says the whole price; the newest one that was agreed to is what is owed, told as the first quote and what
    each later consent added or took off. A plan that nobody agreed to costs nothing, whatever was done.

    Args:
        records: of the stay, in ledger order, without those that an amendment took out.
        unrepaired: the phone goes back as the customer wished: then only the examination lines of the plan that the
            customer answered are owed.
        currency: where there is no plan.
    """
    plans: dict[str, PlanV1] = {}
    answers: list[tuple[Record, ConsentV1, PlanV1]] = []
    for record in records:
        predicate = record.statement.predicate
        if isinstance(predicate, PlanV1):
            plans[record.digest] = predicate
        elif isinstance(predicate, ConsentV1) and predicate.plan in plans:
            answers.append((record, predicate, plans[predicate.plan]))
    if answers:
        currency = answers[-1][2].currency
    charges = _return_fee(answers) if unrepaired else _agreed(answers)
    return Settlement(currency, tuple(charges))


def _agreed(answers: Sequence[tuple[Record, ConsentV1, PlanV1]]) -> list[Charge]:
    charges: list[Charge] = []
    before = 0
    for record, consent, plan in answers:
        if consent.decision != "agreed":
            continue
        more = plan.price_fen - before
        what: What = "quote" if not charges else "extra" if more >= 0 else "less"
        if more or not charges:
            charges.append(Charge(what, abs(more), consent.plan, record.digest))
        before = plan.price_fen
    return charges


def _return_fee(answers: Sequence[tuple[Record, ConsentV1, PlanV1]]) -> list[Charge]:
    if not answers:
        return []
    record, consent, plan = answers[-1]
    fee = sum(line.sum_fen for line in plan.lines if line.kind == "examination" and line.payer == "customer")
    return [Charge("return-fee", fee, consent.plan, record.digest)] if fee else []


def difference(due_fen: int, paid_fen: int, currency: str) -> Words | None:
    """By how much a payment differs from what is due; None when it does not."""
    if paid_fen == due_fen:
        return None
    told = {
        "paid": money(paid_fen, currency),
        "due": money(due_fen, currency),
        "by": money(abs(paid_fen - due_fen), currency),
    }
    if paid_fen > due_fen:
        return Words("{paid} is {by} more than was agreed to ({due})", "{paid} 比客户确认的金额（{due}）多 {by}").fill(
            **told
        )
    return Words("{paid} is {by} less than was agreed to ({due})", "{paid} 比客户确认的金额（{due}）少 {by}").fill(
        **told
    )


def money(fen: int, currency: str) -> str:
    """A sum as it is printed: `120.50 CNY`."""
    return f"{fen // 100}.{fen % 100:02d} {currency}"
