"""Prices are exact: every line and sum, whoever pays, in whatever order; a list is used whole or not at all."""

from __future__ import annotations

import datetime
import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.diagnosis.load import shipped_policy
from station.errors import Trouble
from station.plans import Chosen, money, plan_policy, priced, risks
from station.prices import EXAMPLE, MOST_FEN, price_list, total

REPAIRS = shipped_policy().repairs
POLICY = plan_policy({})
SUMS = st.integers(0, 10**9)


@st.composite
def chosen(draw: st.DrawFn) -> Chosen:
    return Chosen(
        repair=draw(st.sampled_from(REPAIRS)),
        part=draw(st.sampled_from(["P1", "P2", "BAT-EX-1"])),
        quantity=draw(st.integers(1, 1000)),
        labour=draw(SUMS),
        price=draw(SUMS),
        payer=draw(st.sampled_from(["customer", "warranty", "shop"])),
        why="quotation",
    )


@given(st.lists(chosen(), max_size=12))
def test_the_price_is_the_exact_sum_of_the_customers_lines(repairs: list[Chosen]) -> None:
    done = priced(repairs, None, "Phone 1", POLICY)
    assert all(line.sum_fen == line.quantity * line.unit_fen for line in done.lines)
    assert done.price_fen == sum(line.sum_fen for line in done.lines if line.payer == "customer")
    assert done.price_fen == sum(
        (r.labour or 0) + (r.price or 0) * r.quantity for r in repairs if r.payer == "customer"
    )


@given(st.lists(chosen(), max_size=8))
def test_the_order_of_repairs_changes_no_price(repairs: list[Chosen]) -> None:
    turned = priced(list(reversed(repairs)), None, "x", POLICY)
    assert turned.price_fen == priced(repairs, None, "x", POLICY).price_fen


@given(chosen())
def test_a_line_is_from_the_list_only_where_it_costs_what_the_list_says(one: Chosen) -> None:
    listed = price_list({}, simulated=True)
    assert listed is not None
    for line in priced([one], listed, "x", POLICY).lines:
        row = listed.labour(line.what, "x") if line.kind == "labour" else None
        part = listed.numbered(line.what)
        standing = row.labour if row else part.price if part else None
        assert line.listed == (line.unit_fen == standing)
        assert bool(line.why) != line.listed


@given(st.lists(chosen(), min_size=1, max_size=5), SUMS)
def test_a_price_above_the_shops_sum_is_a_risk_of_its_own_and_only_then(repairs: list[Chosen], above: int) -> None:
    policy = POLICY.model_copy(update={"price_above": above})
    done = priced(repairs, None, "x", policy)
    found = [risk.id for risk in risks(repairs, done, shipped_policy(), policy, "CNY")]
    assert ("price-above" in found) == (done.price_fen > above)
    assert len(found) == len(set(found))
    wanted = {risk for one in repairs for risk in one.repair.risks}
    assert wanted <= set(found)


@given(st.integers(0, MOST_FEN))
def test_money_reads_back_exactly(fen: int) -> None:
    assert Decimal(money(fen, "CNY").removeprefix("CNY ")) * 100 == fen


def test_a_sum_beyond_what_a_record_holds_is_refused() -> None:
    assert total([(1, MOST_FEN)]) == MOST_FEN
    with pytest.raises(Trouble, match="too large"):
        total([(2, MOST_FEN)])


def test_the_example_names_repairs_and_parts_that_the_diagnosis_knows() -> None:
    listed = price_list({}, simulated=True)
    assert listed is not None
    known = {repair.id for repair in REPAIRS}
    named = {row.id for row in listed.repair} | {one for row in (*listed.part, *listed.manual) for one in row.repairs}
    assert named <= known
    assert price_list({}, simulated=False) is None


def test_the_exact_model_goes_before_a_longer_pattern_and_a_pattern_before_every_model() -> None:
    own = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    rows = [("*", "1.00"), ("Phone 1*", "2.00"), ("Phone 1", "3.00")]
    own["repair"] = [{"id": "reflash", "labour": sum_, "minutes": 1, "models": [name]} for name, sum_ in rows]
    listed = price_list({"prices": own}, simulated=False)
    assert listed is not None
    assert not listed.example
    found = {
        model: row.labour for model in ("phone 1", "Phone 1 Pro", "Other") if (row := listed.labour("reflash", model))
    }
    assert found == {"phone 1": 300, "Phone 1 Pro": 200, "Other": 100}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("format", 2, "format"),
        ("currency", "yuan", "currency"),
        ("examination", 20.0, "in quotes"),
        ("examination", "-1", "two decimals"),
        ("examination", "1.005", "two decimals"),
        ("examination", "NaN", "two decimals"),
        ("surprise", 1, "surprise"),
    ],
)
def test_a_list_that_is_wrong_anywhere_is_refused_with_the_place(key: str, value: object, words: str) -> None:
    own = tomllib.loads(EXAMPLE.read_text(encoding="utf-8")) | {key: value}
    with pytest.raises(Trouble, match=words) as refused:
        price_list({"prices": own}, simulated=True)
    assert refused.value.code == "prices.unusable"


def test_a_part_number_stands_in_a_list_once() -> None:
    own = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    own["part"].append(own["part"][0])
    with pytest.raises(Trouble, match="BAT-EX-1: 2 x"):
        price_list({"prices": own}, simulated=True)


def test_a_list_holds_on_its_first_and_last_day() -> None:
    listed = price_list({}, simulated=True)
    assert listed is not None
    day = datetime.date(2026, 12, 31)
    ends = listed.model_copy(update={"valid_to": day})
    assert ends.valid_on(day)
    assert ends.valid_on(listed.valid_from)
    assert not ends.valid_on(day + datetime.timedelta(days=1))
    assert not ends.valid_on(listed.valid_from - datetime.timedelta(days=1))


def test_a_plan_policy_that_is_wrong_is_refused_with_the_key() -> None:
    with pytest.raises(Trouble, match="no_fault_tries"):
        plan_policy({"plan": {"no_fault_tries": 0}})
    assert plan_policy({"plan": {"price_above": "1.50"}}).price_above == 150
