"""What an invoice and a warranty card (三包凭证) prove: each rule a named fact, with what follows for the warranty.

Pure: what somebody saw on the papers goes in, facts come out; a reader of records can judge again. The rules are those
of 《移动电话机商品修理更换退货责任规定》 as the makers' service pages state them: the period runs from the invoice's
date; papers that were altered or are not this phone's put it outside 三包; a phone without papers counts from its
factory date plus 90 days. It knows no ticket and decides no warranty: `warranty/v1` does.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from drivers.text import Words

__all__ = ["FACTS", "DocumentFact", "FactName", "Follows", "Paper", "document_facts", "same_seller"]

#: A rule that papers keep. Those without `invoice-` or `card-` compare the two.
FactName = Literal[
    "invoice-shown",
    "invoice-legible",
    "invoice-unaltered",
    "invoice-model",
    "invoice-imei",
    "card-shown",
    "card-legible",
    "card-unaltered",
    "card-model",
    "card-imei",
    "dates-equal",
    "sellers-equal",
]

#: What follows for the warranty: `nothing` (the rule holds), `no-proof` (the paper proves no date: without the other
#: one the factory date plus 90 days counts), `outside` (三包 does not apply while it is so), `clarify` (to be cleared
#: with the seller; until then the invoice's date counts), `unknown` (there was nothing to judge).
Follows = Literal["nothing", "no-proof", "outside", "clarify", "unknown"]

FACTS: dict[str, Words] = {
    "invoice-shown": Words("the invoice was shown", "已出示购机发票"),
    "invoice-legible": Words("the invoice is legible", "发票字迹清晰"),
    "invoice-unaltered": Words("the invoice is unaltered", "发票无涂改"),
    "invoice-model": Words("the invoice names this model", "发票型号与手机一致"),
    "invoice-imei": Words("the invoice names this IMEI", "发票 IMEI 与手机一致"),
    "card-shown": Words("the warranty card was shown", "已出示三包凭证"),
    "card-legible": Words("the warranty card is legible", "三包凭证字迹清晰"),
    "card-unaltered": Words("the warranty card is unaltered", "三包凭证无涂改"),
    "card-model": Words("the warranty card names this model", "三包凭证型号与手机一致"),
    "card-imei": Words("the warranty card names this IMEI", "三包凭证 IMEI 与手机一致"),
    "dates-equal": Words("both papers have the same date of sale", "发票与三包凭证日期一致"),
    "sellers-equal": Words("both papers have the same seller", "发票与三包凭证销售者一致"),
}
_NOT = Words("does not hold: {fact}", "不符合：{fact}")
_FOLLOWS: dict[str, Words] = {
    "no-proof": Words(
        "it proves no date of sale: without the other paper the factory date plus 90 days counts",
        "不能证明购机日期：若无另一凭证，按出厂日期加 90 日起算",
    ),
    "outside": Words("while it is so the phone is outside 三包", "在此情况下不属三包范围"),
    "clarify": Words(
        "to be cleared with the seller; until then the invoice's date counts", "须向销售者核实；核实前以发票日期为准"
    ),
}
#: What follows from a rule that a paper breaks. An invoice that names no IMEI proves only that some phone was sold.
_BREACH: dict[str, Follows] = {
    "invoice-legible": "no-proof",
    "invoice-unaltered": "outside",
    "invoice-model": "no-proof",
    "invoice-imei": "no-proof",
    "card-legible": "no-proof",
    "card-unaltered": "outside",
    "card-model": "outside",
    "card-imei": "outside",
    "invoice-shown": "no-proof",
    "card-shown": "no-proof",
    "dates-equal": "clarify",
    "sellers-equal": "clarify",
}


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as somebody looked at it: whether it is legible, unaltered, names this model and this IMEI."""

    legible: bool
    unaltered: bool
    model: bool
    imei: bool
    sold: datetime.date | None
    seller: str


@dataclass(frozen=True, slots=True)
class DocumentFact:
    """Whether one rule holds (None: there was nothing to judge) and what follows from that."""

    fact: FactName
    holds: bool | None
    follows: Follows

    @property
    def words(self) -> Words:
        """The fact as a person reads it, with what follows from a breach."""
        what = FACTS[self.fact]
        if self.holds is not False:
            return what
        then = _FOLLOWS[self.follows]
        told = _NOT.fill(fact=what)
        return Words(f"{told.en}; {then.en}", f"{told.zh}；{then.zh}")


def same_seller(one: str, other: str) -> bool:
    """Whether two sellers' names are the same, blanks, punctuation, width and case aside."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", name).casefold())


def document_facts(
    invoice: Paper | None, card: Paper | None, asked: Collection[str] = ("invoice", "card")
) -> tuple[DocumentFact, ...]:
    """Every rule in its order.

    Args:
        invoice, card: None for a paper that was not shown.
        asked: the papers that were asked for: of another nobody knows whether it could be shown.
    """
    held: dict[str, bool | None] = {}
    for name, paper in (("invoice", invoice), ("card", card)):
        held[f"{name}-shown"] = paper is not None if name in asked else None
        for rule in ("legible", "unaltered", "model", "imei"):
            held[f"{name}-{rule}"] = _holds(paper, rule)
    both = invoice is not None and card is not None and invoice.legible and card.legible
    if both and invoice is not None and card is not None:
        held["dates-equal"] = invoice.sold == card.sold if invoice.sold and card.sold else None
        held["sellers-equal"] = same_seller(invoice.seller, card.seller) if invoice.seller and card.seller else None
    return tuple(_fact(name, held.get(name)) for name in get_args(FactName))


def _holds(paper: Paper | None, rule: str) -> bool | None:
    """What can't be read says nothing of what stands on it."""
    if paper is None or (rule in ("model", "imei") and not paper.legible):
        return None
    return bool(getattr(paper, rule))


def _fact(name: FactName, holds: bool | None) -> DocumentFact:
    follows: Follows = "unknown" if holds is None else "nothing" if holds else _BREACH[name]
    return DocumentFact(name, holds, follows)
