"""What the customer agreed to: the newest plan, the last word on it, every risk confirmed; and so for a release."""

from __future__ import annotations

from typing import Any

import pytest

from reports.agreement import agreement, fitted, stays
from reports.attest import Envelope, Record, open_record
from reports.predicates import ConsentV1, PlanV1, RiskV1, TextV1
from reports.record import ReadStatement, digest_of
from tests.reports.records_builder import PHONE, Case, Shop

RISK = RiskV1(id="water-seal", text=TextV1(en="not as tight", zh="防水下降"))


def plan(shop: Shop, *risks: RiskV1) -> bytes:
    told: dict[str, Any] = {"person": "wang", "cause": "worn", "remedy": "exchange", "parts": (), "declined": ()}
    predicate = PlanV1(**shop.common(), **told, price_fen=100, currency="CNY", risks=risks)
    return shop.sign("plan/v1", PHONE, predicate, shop.station)


def consent(shop: Shop, to: bytes, decision: Any = "agreed", confirmed: tuple[str, ...] = ()) -> bytes:
    told: dict[str, Any] = {"person": "wang", "way": "in-person", "proof": None, "given_ms": shop.now_ms}
    predicate = ConsentV1(**shop.common(), **told, plan=digest_of(to), decision=decision, confirmed=confirmed)
    return shop.sign("consent/v1", PHONE, predicate, shop.station)


def agreed(*envelopes: bytes) -> PlanV1 | None:
    return agreement(map(open_record, envelopes)).agreed


def test_only_the_last_word_on_the_newest_plan_counts() -> None:
    shop = Shop()
    first, second = plan(shop), plan(shop)
    yes, no = consent(shop, first), consent(shop, first, "refused")
    assert agreed(first) is None
    assert agreed(first, yes) is not None
    assert agreed(first, yes, no) is None
    assert agreed(first, no, consent(shop, first)) is not None
    assert agreed(first, yes, second) is None
    assert agreed(first, second, yes) is None


def test_a_yes_that_leaves_a_risk_unconfirmed_is_none() -> None:
    shop = Shop()
    risky = plan(shop, RISK)
    assert agreed(risky, consent(shop, risky)) is None
    assert agreed(risky, consent(shop, risky, confirmed=("water-seal",))) is not None


def test_what_was_amended_was_never_agreed_nor_fitted() -> None:
    shop = Shop()
    first = plan(shop)
    yes, use = consent(shop, first), shop.part_use()
    assert agreed(first, yes, shop.amend(yes)) is None
    assert agreed(first, yes, shop.amend(first)) is None
    assert fitted(map(open_record, [use, use, shop.part_use()])) == {"B-1": 3}
    assert fitted(map(open_record, [use, shop.amend(use)])) == {}


def handed_back(number: int = 1) -> Record:
    """A hand-back of which nothing counts but that it is one."""
    digest = digest_of(f"delivery {number}".encode())
    return Record(Envelope(digest, b"", ()), ReadStatement("delivery/v1", "0" * 64, None, {}))


def test_what_was_agreed_before_a_hand_back_covers_nothing_after_it() -> None:
    shop = Shop()
    first = plan(shop)
    before = [open_record(one) for one in (first, consent(shop, first), shop.part_use())]
    assert agreement(before).agreed is not None
    after = [*before, handed_back()]
    assert (agreement(after).plan, fitted(after)) == (None, {})
    second = plan(shop)
    again = [*after, open_record(second), open_record(consent(shop, second))]
    assert agreement(again).digest == digest_of(second)
    assert agreement(again).agreed is not None


def test_stays_are_told_apart_by_their_hand_backs() -> None:
    shop = Shop()
    one, two = open_record(plan(shop)), open_record(plan(shop))
    assert stays([]) == [[]]
    assert stays([one, handed_back(), two, handed_back(2)]) == [[one, handed_back()], [two, handed_back(2)], []]


@pytest.mark.parametrize("decision", ["refused", "return-unrepaired", "observe"])
def test_a_repair_after_any_other_word_than_yes_is_not_released(decision: str) -> None:
    case = Case()
    case.intake()
    first = plan(case.shop)
    case.by_technician(first)
    case.by_technician(consent(case.shop, first))
    case.by_technician(consent(case.shop, first, decision))
    case.by_technician(case.shop.repair())
    case.cross_check(case.self_check())
    assert "no-plan-consent" in case.decide().codes


def test_a_repair_without_a_confirmed_risk_is_not_released() -> None:
    case = Case()
    case.intake()
    risky = plan(case.shop, RISK)
    case.by_technician(risky)
    case.by_technician(consent(case.shop, risky))
    case.by_technician(case.shop.repair())
    case.cross_check(case.self_check())
    assert "no-plan-consent" in case.decide().codes
