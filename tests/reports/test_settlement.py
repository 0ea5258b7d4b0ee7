"""What is owed is what was agreed to: the first quote and what later consents added or took off, and nothing else."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.text import Words
from reports.attest import Envelope, Record
from reports.predicates import Clock, ConsentV1, PlanV1, PriceLineV1, Software, Statement, TextV1
from reports.record import ReadStatement
from reports.settlement import difference, money, settle

COMMON: dict[str, Any] = {
    "shop": "S",
    "station": "B",
    "simulated": True,
    "anchor": None,
    "clock": Clock(wall_ms=1, mono_ms=1, boot_id="boot", state="free-running"),
    "software": Software(version="0", sha256="0" * 64),
    "ticket": "T1",
    "person": "tech",
}
FEN = st.integers(min_value=0, max_value=2**53 - 1)
ANSWERS = st.sampled_from(["agreed", "refused", "return-unrepaired", "observe"])


def record(kind: str, predicate: Statement, n: int) -> Record:
    digest = hashlib.sha256(f"{kind}{n}".encode()).hexdigest()
    return Record(Envelope(digest, b"", ()), ReadStatement(kind, "0" * 64, predicate, {}))


def plan(n: int, fen: int, lines: tuple[PriceLineV1, ...] = (), currency: str = "CNY") -> Record:
    about = {"cause": "", "remedy": "", "parts": (), "declined": ()}
    return record("plan/v1", PlanV1(**COMMON, **about, price_fen=fen, currency=currency, lines=lines), n)


def consent(n: int, to: Record, decision: str = "agreed") -> Record:
    about = {"plan": to.digest, "way": "in-person", "proof": None, "given_ms": 1}
    return record("consent/v1", ConsentV1(**COMMON, **about, decision=decision), n)


def line(kind: str, fen: int, payer: str = "customer") -> PriceLineV1:
    about = {"what": "x", "name": TextV1(en="x", zh="x"), "quantity": 1, "unit_fen": fen, "sum_fen": fen}
    return PriceLineV1(kind=kind, payer=payer, listed=True, why="", **about)


def test_nothing_agreed_is_nothing_owed() -> None:
    assert settle([]).due_fen == 0
    assert settle([plan(1, 5000)]).due_fen == 0
    first = plan(1, 5000)
    assert settle([first, consent(1, first, "refused")]).due_fen == 0


def test_a_later_plan_that_was_agreed_to_is_told_as_what_it_adds_or_takes_off() -> None:
    plans = [plan(1, 10000), plan(2, 16050), plan(3, 9000)]
    records = [one for n, each in enumerate(plans) for one in (each, consent(n, each))]
    found = settle(records)
    assert [(one.what, one.fen) for one in found.charges] == [("quote", 10000), ("extra", 6050), ("less", 7050)]
    assert [line.en for line in found.says()] == [
        "quote as agreed: 100.00 CNY",
        "extra, agreed later: 60.50 CNY",
        "less, agreed later: -70.50 CNY",
        "due: 90.00 CNY",
    ]
    assert found.says()[-1].zh == "应付：90.00 CNY"


def test_an_extra_that_was_refused_is_not_owed() -> None:
    first, second = plan(1, 10000), plan(2, 30000)
    assert settle([first, consent(1, first), second, consent(2, second, "refused")]).due_fen == 10000


def test_a_phone_that_goes_back_unrepaired_costs_the_examination_alone() -> None:
    lines = (line("labour", 9000), line("examination", 3000), line("examination", 500, "shop"))
    offered = plan(1, 12000, lines)
    records = [offered, consent(1, offered, "return-unrepaired")]
    assert settle(records, unrepaired=True).due_fen == 3000
    assert settle(records).due_fen == 0
    assert settle([], unrepaired=True).charges == ()


def test_a_consent_to_a_plan_that_is_not_there_counts_for_nothing() -> None:
    gone = plan(9, 7000)
    assert settle([consent(1, gone)]).due_fen == 0


@given(st.lists(st.tuples(FEN, ANSWERS), max_size=12))
def test_what_is_owed_is_the_newest_plan_that_was_agreed_to(said: list[tuple[int, str]]) -> None:
    records: list[Record] = []
    for n, (fen, decision) in enumerate(said):
        offered = plan(n, fen)
        records += [offered, consent(n, offered, decision)]
    found = settle(records)
    agreed = [fen for fen, decision in said if decision == "agreed"]
    assert found.due_fen == (agreed[-1] if agreed else 0)
    assert all(one.fen >= 0 for one in found.charges)
    assert [one.what for one in found.charges][:1] == (["quote"] if agreed else [])
    named = {one.digest for one in records}
    assert all({one.plan, one.consent} <= named for one in found.charges)


@given(FEN, FEN)
def test_a_payment_fits_or_it_is_said_by_how_much_not(due: int, paid: int) -> None:
    found = difference(due, paid, "CNY")
    assert (found is None) == (due == paid)
    if found is not None:
        assert money(abs(due - paid), "CNY") in found.en
        assert money(abs(due - paid), "CNY") in found.zh
        assert ("more" in found.en, "多" in found.zh) == (paid > due, paid > due)


@pytest.mark.parametrize(("fen", "text"), [(0, "0.00 CNY"), (5, "0.05 CNY"), (12050, "120.50 CNY")])
def test_a_sum_is_printed_with_its_hundredths(fen: int, text: str) -> None:
    assert money(fen, "CNY") == text


def test_both_languages_say_the_difference() -> None:
    assert difference(10000, 9000, "CNY") == Words(
        "90.00 CNY is 10.00 CNY less than was agreed to (100.00 CNY)",
        "90.00 CNY 比客户确认的金额（100.00 CNY）少 10.00 CNY",
    )
