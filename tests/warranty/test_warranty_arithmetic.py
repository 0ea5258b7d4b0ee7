"""What holds of every claim: more days away never end a period earlier, a refund is never more than the price."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.calendar import is_working_day
from reports.warranty.days import Away, days_away, last_day_in, period, plus_months
from reports.warranty.decide import Claim, ClaimError, decide, refund, yuan
from reports.warranty.rules import shipped, with_policy

RULES = shipped()
UNTIMED = settings(deadline=None)
DAY = datetime.timedelta(days=1)
SOLD = datetime.date(2024, 1, 1)
DAYS = st.integers(0, 900).map(lambda days: SOLD + days * DAY)
ROWS = sorted({row for item in RULES.items.values() for row in item.rows})


@st.composite
def stays(draw: st.DrawFn) -> Away:
    first = draw(DAYS)
    return Away(first, first + draw(st.integers(0, 80)) * DAY, draw(st.sampled_from(["", *ROWS])))


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """Claims whose days are in order, so that nearly all of them can be decided."""
    sold = draw(DAYS)
    brought = sold + draw(st.integers(0, 40) | st.integers(0, 500)) * DAY
    between = st.integers(0, (brought - sold).days).map(lambda days: sold + days * DAY)
    ends = st.lists(between, min_size=2, max_size=2).map(sorted)
    return Claim(
        item=draw(st.sampled_from(["handset", *sorted(RULES.items)])),
        sold=sold,
        brought=brought,
        decided=brought + draw(st.integers(0, 90)) * DAY,
        rows=tuple(draw(st.lists(st.sampled_from(ROWS), min_size=1, max_size=9))),
        papers=draw(st.sampled_from(["both", "both", "proof", "lost"])),
        made=draw(st.none() | st.just(sold - 30 * DAY)),
        exclusions=tuple(draw(st.just(()) | st.lists(st.sampled_from(sorted(RULES.exclusions)), max_size=1))),
        stays=tuple(
            Away(first, last, draw(st.sampled_from(["", *ROWS]))) for first, last in draw(st.lists(ends, max_size=3))
        ),
        delay=draw(st.sampled_from(["none", "repairer", "parts"])),
        exchanged=draw(st.none() | between),
        replaced=draw(st.integers(0, 3)),
        price_fen=draw(st.none() | st.integers(0, 10**7)),
        no_stock=draw(st.booleans()),
        brand=draw(st.sampled_from(["", "vivo", "nubia", "other"])),
    )


@UNTIMED
@given(claims())
def test_a_claim_is_decided_in_both_languages_with_its_sources(claim: Claim) -> None:
    found = decide(claim, RULES)
    printed = [line.printed for line in found.lines]
    assert all(one.en.strip() and one.zh.strip() and "{" not in one.en + one.zh for one in printed)
    assert all(max(map(len, one)) <= 2000 for one in printed)
    assert any(line.sources for line in found.lines)


@UNTIMED
@given(claims())
def test_what_is_out_or_excluded_offers_nothing_and_what_is_in_offers_something(claim: Claim) -> None:
    found = decide(claim, RULES)
    assert bool(found.remedies) == (found.decision == "in-warranty")


@UNTIMED
@given(claims())
def test_a_sum_that_is_paid_back_lies_between_nothing_and_the_price(claim: Claim) -> None:
    for remedy in decide(claim, RULES).remedies:
        if remedy.refund_fen is not None:
            assert remedy.kind == "return"
            assert claim.price_fen is not None
            assert 0 <= remedy.refund_fen <= claim.price_fen


@UNTIMED
@given(claims())
def test_an_exclusion_takes_everything_away(claim: Claim) -> None:
    found = decide(claim, RULES)
    if claim.exclusions:
        assert (found.decision, found.remedies, found.period) == ("excluded", (), None)


@UNTIMED
@given(DAYS, st.integers(1, 24), st.lists(stays(), max_size=5), stays())
def test_more_days_away_never_end_the_period_earlier(
    start: datetime.date, months: int, some: list[Away], one_more: Away
) -> None:
    assert period(start, months, [*some, one_more]).end >= period(start, months, some).end


@UNTIMED
@given(DAYS, st.integers(1, 24), stays(), st.integers(0, 40))
def test_a_longer_stay_never_ends_the_period_earlier(
    start: datetime.date, months: int, stay: Away, longer: int
) -> None:
    more = Away(stay.handed_in, stay.back + longer * DAY)
    assert period(start, months, [more]).end >= period(start, months, [stay]).end


@UNTIMED
@given(DAYS, st.integers(1, 24), st.lists(stays(), max_size=5))
def test_a_period_ends_on_a_working_day_and_adds_up(start: datetime.date, months: int, some: list[Away]) -> None:
    found = period(start, months, some)
    assert is_working_day(found.end)
    assert found.nominal + found.deducted * DAY == found.extended <= found.end
    assert all(not is_working_day(found.extended + days * DAY) for days in range((found.end - found.extended).days))


@UNTIMED
@given(st.lists(stays(), max_size=5), DAYS, DAYS)
def test_days_away_are_the_days_that_a_calendar_would_cross_out(
    some: list[Away], one: datetime.date, other: datetime.date
) -> None:
    after, until = sorted((one, other))
    crossed = {stay.handed_in + days * DAY for stay in some for days in range(1, (stay.back - stay.handed_in).days + 1)}
    assert days_away(some, after, until) == sum(1 for day in crossed if after < day <= until)


@UNTIMED
@given(DAYS, st.integers(0, 60))
def test_months_later_is_the_same_day_or_the_last_of_its_month(day: datetime.date, months: int) -> None:
    later = plus_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + DAY).day == 1)


@UNTIMED
@given(DAYS, st.integers(0, 60))
def test_a_window_of_days_never_ends_on_a_day_off_nor_early(start: datetime.date, days: int) -> None:
    assert is_working_day(last_day_in(start, days))
    assert last_day_in(start, days) >= start + days * DAY


@UNTIMED
@given(st.integers(0, 2**53 - 1), st.integers(0, 4000), st.integers(0, 50))
def test_a_refund_falls_with_each_day_and_never_below_nothing(price: int, days: int, rate: int) -> None:
    first, later = refund(price, days, rate), refund(price, days + 1, rate)
    assert 0 <= later <= first <= price
    assert refund(price, 0, rate) == price


@UNTIMED
@given(st.integers(0, 10**9), st.integers(0, 190))
def test_the_rounding_is_less_than_a_fen_and_the_customer_s(price: int, days: int) -> None:
    exact = price * (10_000 - 50 * days)
    assert 0 <= refund(price, days, 50) * 10_000 - max(0, exact) < 10_000


@UNTIMED
@given(claims(), st.integers(15, 400))
def test_a_promise_never_takes_anything_away(claim: Claim, days: int) -> None:
    kind = {"promises": {"other": {"exchange_days": days, "months": {"battery": 6 + days % 50}}}}
    found = decide(claim, RULES)
    more = decide(claim, with_policy(RULES, kind))
    if found.decision == "in-warranty":
        assert {one.kind for one in found.remedies} <= {one.kind for one in more.remedies}


def test_money_is_printed_to_the_fen() -> None:
    assert [yuan(one) for one in (0, 5, 100, 129950)] == ["0.00", "0.05", "1.00", "1299.50"]


def claim(**changed: object) -> Claim:
    day = datetime.date(2026, 3, 3)
    given = {"item": "handset", "sold": day, "brought": day + DAY, "decided": day + DAY, "rows": ("display",)}
    return Claim(**(given | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"item": "toaster"}, "toaster is not known"),
        ({"rows": ("smell",)}, "smell is not known"),
        ({"exclusions": ("mood",)}, "mood is not known"),
        ({"stays": (Away(datetime.date(2026, 3, 3), datetime.date(2026, 3, 3), "smell"),)}, "smell is not known"),
        ({"sold": None}, "day of sale is needed"),
        ({"sold": datetime.date(2026, 3, 9)}, "2026-03-04 is before 2026-03-09"),
        ({"decided": datetime.date(2026, 3, 3)}, "2026-03-03 is before 2026-03-04"),
        ({"exchanged": datetime.date(2026, 3, 2)}, "2026-03-02 is before 2026-03-03"),
        ({"exchanged": datetime.date(2026, 3, 5)}, "2026-03-04 is before 2026-03-05"),
        ({"made": datetime.date(2026, 3, 4)}, "2026-03-03 is before 2026-03-04"),
        ({"stays": (Away(datetime.date(2026, 3, 4), datetime.date(2026, 3, 3)),)}, "2026-03-03 is before 2026-03-04"),
        ({"stays": (Away(datetime.date(2026, 3, 4), datetime.date(2026, 3, 5)),)}, "2026-03-04 is before 2026-03-05"),
        ({"sold": datetime.date(1999, 1, 1)}, "1999-01-01 is no day"),
        ({"decided": datetime.date(9999, 12, 31)}, "9999-12-31 is no day"),
        ({"replaced": -1}, "not negative"),
        ({"price_fen": -1}, "not negative"),
    ],
)
def test_a_claim_that_can_t_be_is_refused_with_the_reason(changed: dict[str, object], why: str) -> None:
    with pytest.raises(ClaimError, match=why):
        decide(claim(**changed), RULES)


def test_a_year_that_is_not_announced_is_said_to_be_uncertain() -> None:
    found = decide(claim(), RULES)
    assert found.period is not None
    assert not found.period.certain
    assert any("not announced" in line.words.en and "尚未公布" in line.words.zh for line in found.lines)


def test_each_line_carries_article_and_page_behind_it() -> None:
    printed = [line.printed for line in decide(claim(), RULES).lines]
    assert any("Art. 11 [S68]" in one.en and "第十一条 [S68]" in one.zh for one in printed)
    assert any("2026-03-03 + 12 months = 2027-03-03" in one.en for one in printed)
