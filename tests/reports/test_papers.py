"""What papers prove: each rule by itself, never a breach where nothing could be judged."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.papers import FACTS, DocumentFact, FactName, Paper, document_facts, same_seller

DAY = datetime.date(2025, 6, 11)
GOOD = Paper(legible=True, unaltered=True, model=True, imei=True, sold=DAY, seller="Phones & More Ltd.")
PAPERS = st.none() | st.builds(
    Paper,
    legible=st.booleans(),
    unaltered=st.booleans(),
    model=st.booleans(),
    imei=st.booleans(),
    sold=st.none() | st.dates(),
    seller=st.text(max_size=10),
)


def by_name(facts: tuple[DocumentFact, ...]) -> dict[str, DocumentFact]:
    return {one.fact: one for one in facts}


def breaches(invoice: Paper | None, card: Paper | None) -> dict[str, str]:
    return {one.fact: one.follows for one in document_facts(invoice, card) if one.holds is False}


def test_two_good_papers_break_nothing() -> None:
    assert {one.holds for one in document_facts(GOOD, GOOD)} == {True}


@pytest.mark.parametrize(
    ("invoice", "card", "fact", "follows"),
    [
        ({"legible": False}, {}, "invoice-legible", "no-proof"),
        ({"unaltered": False}, {}, "invoice-unaltered", "outside"),
        ({"model": False}, {}, "invoice-model", "no-proof"),
        ({"imei": False}, {}, "invoice-imei", "no-proof"),
        ({}, {"legible": False}, "card-legible", "no-proof"),
        ({}, {"unaltered": False}, "card-unaltered", "outside"),
        ({}, {"model": False}, "card-model", "outside"),
        ({}, {"imei": False}, "card-imei", "outside"),
        ({}, {"sold": DAY + datetime.timedelta(days=1)}, "dates-equal", "clarify"),
        ({}, {"seller": "Other Shop"}, "sellers-equal", "clarify"),
    ],
)
def test_each_rule_breaks_alone(invoice: dict[str, Any], card: dict[str, Any], fact: str, follows: str) -> None:
    assert breaches(replace(GOOD, **invoice), replace(GOOD, **card)) == {fact: follows}


def test_a_paper_that_was_not_asked_for_is_unknown_and_one_that_is_not_there_proves_nothing() -> None:
    asked = by_name(document_facts(GOOD, None))
    assert (asked["card-shown"].holds, asked["card-shown"].follows) == (False, "no-proof")
    assert {asked[name].follows for name in ("card-legible", "card-imei", "dates-equal")} == {"unknown"}
    assert by_name(document_facts(None, None, asked=()))["invoice-shown"].holds is None


@pytest.mark.parametrize(
    ("one", "other"), [("Ａ店 有限公司", "a店有限公司"), ("Phones & More Ltd.", "phones more LTD")]
)
def test_a_seller_is_the_same_however_it_is_set(one: str, other: str) -> None:
    assert same_seller(one, other)
    assert not same_seller(one, f"{other}2")


@given(PAPERS, PAPERS)
def test_every_rule_is_answered_once_and_only_a_breach_has_consequences(card: Paper | None, bill: Paper | None) -> None:
    facts = document_facts(bill, card)
    assert [one.fact for one in facts] == list(get_args(FactName)) == list(FACTS)
    for one in facts:
        assert (one.holds is False) == (one.follows in ("no-proof", "outside", "clarify"))
        assert (one.holds is None) == (one.follows == "unknown")
        assert one.words.en
        assert one.words.zh
