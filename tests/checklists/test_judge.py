"""What a measurement and a check are worth: exact, monotone, and never a pass out of nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from building import check, limit
from hypothesis import given
from hypothesis import strategies as st

from checklists.judge import Judged, judge_check, judge_measurement
from checklists.schema import Limit
from checklists.verdict import Ending, Verdict, is_legal
from drivers.text import Words
from probes.api import Measurement, Unread

D = Decimal
GOODNESS = {Verdict.FAIL: 0, Verdict.WARN: 1, Verdict.PASS: 2}
WHY = Words("the phone refused", "手机拒绝访问")


def verdict(rule: Limit, value: Any, unit: str = "", **baselines: Any) -> Verdict:
    return judge(rule, value, unit, **baselines).verdict


def judge(rule: Limit | None, value: Any, unit: str = "", **baselines: Any) -> Judged:
    name = rule.measure if rule else "level"
    return judge_measurement(rule, Measurement(name, value), unit or (rule.unit if rule else "%"), baselines)


def decimals(low: str = "-1000000", high: str = "1000000") -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, allow_nan=False, allow_infinity=False, places=6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("79.9", "fail"), ("80", "warn"), ("84.999", "warn"), ("85", "pass"), ("100", "pass")],
)
def test_a_warn_band_lies_between_the_fail_limit_and_the_warn_limit(value: str, expected: str) -> None:
    assert verdict(limit(min=80, warn_min=85), D(value)) == expected


def test_limits_are_judged_in_exact_decimals() -> None:
    rule = limit(max=D("0.3"))
    assert verdict(rule, D("0.1") + D("0.2")) is Verdict.PASS
    assert verdict(rule, D("0.30000000000000000001")) is Verdict.FAIL


def test_a_limit_of_severity_warn_can_not_fail() -> None:
    assert verdict(limit(min=80, severity="warn"), D(1)) is Verdict.WARN


def test_a_reason_says_the_value_and_the_limit_in_both_languages() -> None:
    judged = judge(limit(min=80, warn_min=85), D(78))
    assert judged.reason == Words("78 % is below the limit of 80 %", "78 %，低于限值 80 %")


def test_a_measurement_without_a_limit_is_info() -> None:
    assert judge(None, D(5)) == Judged("level", None, Verdict.INFO)


@pytest.mark.parametrize("value", [D("NaN"), D("sNaN"), D("Infinity"), D("-Infinity"), "85", True, ("85",), 85.0])
@pytest.mark.parametrize("rule", [limit(min=1, max=99), None])
def test_what_is_not_a_finite_number_is_not_judged(value: Any, rule: Limit | None) -> None:
    judged = judge(rule, value)
    assert judged.verdict is Verdict.NONE
    assert judged.reason


def test_a_value_in_another_unit_than_the_limit_is_not_judged() -> None:
    assert verdict(limit(min=1), D(5), unit="mV") is Verdict.NONE


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (limit(unit="flag", equals=True), True, "pass"),
        (limit(unit="flag", equals=True), False, "fail"),
        (limit(unit="text", equals="green"), "green", "pass"),
        (limit(unit="text", equals="green"), "Green", "fail"),
        (limit(unit="text", one_of=["green", "yellow"]), "yellow", "pass"),
        (limit(unit="text", one_of=["green", "yellow"]), "orange", "fail"),
        (limit(unit="1", equals=D("2.0")), D(2), "pass"),
        (limit(unit="1", one_of=[1, 2]), D(3), "fail"),
        (limit(unit="list", one_of=["a", "b"]), ("b", "a"), "pass"),
        (limit(unit="list", one_of=["a", "b"]), ("a", "c"), "fail"),
        (limit(unit="list", one_of=[]), (), "pass"),
        (limit(unit="list", one_of=[]), ("a",), "fail"),
    ],
)
def test_flags_texts_and_lists_are_compared_exactly(rule: Limit, value: Any, expected: str) -> None:
    assert verdict(rule, value) == expected


def test_a_number_one_is_not_the_flag_true() -> None:
    assert verdict(limit(unit="1", equals=True), D(1)) is Verdict.NONE
    assert verdict(limit(unit="flag", equals=True), D(1)) is Verdict.NONE


# --- baselines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "expected"), [("159", "pass"), ("160", "pass"), ("160.001", "fail")])
def test_a_ratio_multiplies_the_baseline_exactly(value: str, expected: str) -> None:
    rule = limit(unit="1", max=D("1.6"), relative_to="reference", mode="ratio")
    judged = judge(rule, D(value), reference={"level": D(100)})
    assert (judged.verdict, judged.baseline) == (expected, D(100))


def test_an_offset_is_added_to_the_baseline() -> None:
    rule = limit(unit="dB[m]", min=-6, relative_to="model", mode="delta")
    assert verdict(rule, D(-56), model={"level": D(-50)}) is Verdict.PASS
    assert verdict(rule, D(-57), model={"level": D(-50)}) is Verdict.FAIL


@pytest.mark.parametrize("kind", ["reference", "model", "intake", "ticket"])
@pytest.mark.parametrize("held", [{}, {"level": D("NaN")}, {"level": "100"}, {"other": D(1)}])
def test_without_a_usable_baseline_nothing_is_judged(kind: str, held: dict[str, Any]) -> None:
    judged = judge(limit(unit="1", max=1, relative_to=kind, mode="ratio"), D(5), **{kind: held})
    assert judged.verdict is Verdict.NONE
    assert judged.reason


@pytest.mark.parametrize("held", [D(0), D(-5)])
def test_a_ratio_to_nothing_means_nothing(held: Decimal) -> None:
    rule = limit(unit="1", max=2, relative_to="reference", mode="ratio")
    assert verdict(rule, D(5), reference={"level": held}) is Verdict.NONE


def test_an_absurd_baseline_is_not_judged_instead_of_breaking_the_judge() -> None:
    rule = limit(unit="1", max=2, relative_to="reference", mode="ratio")
    assert verdict(rule, D(5), reference={"level": D("9E+999999")}) is Verdict.NONE


def test_an_identity_must_be_the_one_on_the_ticket() -> None:
    rule = limit(measure="imei1", unit="identity", equals_baseline=True, relative_to="ticket", baseline="imei")
    assert verdict(rule, "490154203237518", ticket={"imei": "490154203237518"}) is Verdict.PASS
    assert verdict(rule, "490154203237519", ticket={"imei": "490154203237518"}) is Verdict.FAIL
    assert verdict(rule, "490154203237518", ticket={"imei": ""}) is Verdict.NONE
    assert verdict(rule, "490154203237518") is Verdict.NONE


def test_an_identity_never_gets_into_a_reason() -> None:
    rule = limit(measure="imei1", unit="identity", equals_baseline=True, relative_to="ticket", baseline="imei")
    judged = judge(rule, "490154203237518", ticket={"imei": "356938035643809"})
    assert judged.verdict is Verdict.FAIL
    assert "4901" not in str(judged.reason)
    assert "3569" not in str(judged.reason)


# --- properties ------------------------------------------------------------------------------------------------------


@given(
    bounds=st.lists(decimals(), min_size=4, max_size=4).map(sorted),
    values=st.tuples(decimals(), decimals()),
    severity=st.sampled_from(["fail", "warn"]),
    parts=st.sets(st.sampled_from(["min", "warn_min", "warn_max", "max"]), min_size=1),
)
def test_a_worse_value_never_gets_a_better_verdict(
    bounds: list[Decimal], values: tuple[Decimal, Decimal], severity: str, parts: set[str]
) -> None:
    named = dict(zip(("min", "warn_min", "warn_max", "max"), bounds, strict=True))
    rule = limit(unit="mV", severity=severity, **{key: named[key] for key in parts})
    low, high = sorted(values)
    above_all = parts <= {"max", "warn_max"} or low >= bounds[2]
    below_all = parts <= {"min", "warn_min"} or high <= bounds[1]
    if above_all:
        assert GOODNESS[verdict(rule, high)] <= GOODNESS[verdict(rule, low)]
    if below_all:
        assert GOODNESS[verdict(rule, low)] <= GOODNESS[verdict(rule, high)]


@given(value=decimals(), low=decimals(), baseline=decimals("0.000001"), factor=decimals("0.000001", "100"))
def test_a_relative_limit_says_the_same_as_the_absolute_one_that_it_means(
    value: Decimal, low: Decimal, baseline: Decimal, factor: Decimal
) -> None:
    ratio = limit(unit="1", min=factor, relative_to="intake", mode="ratio")
    delta = limit(unit="1", min=low, relative_to="intake", mode="delta")
    held = {"level": baseline}
    assert verdict(ratio, value, intake=held) == ("fail" if value < factor * baseline else "pass")
    assert verdict(delta, value, intake=held) == ("fail" if value < low + baseline else "pass")


VALUES = st.one_of(
    st.decimals(),
    st.booleans(),
    st.text(max_size=30),
    st.lists(st.text(max_size=5), max_size=3).map(tuple),
)
LIMITS = st.sampled_from(
    [
        limit(min=1, warn_max=50, max=99),
        limit(unit="flag", equals=True),
        limit(unit="text", one_of=["a"]),
        limit(unit="list", one_of=["a"]),
        limit(unit="1", max=2, relative_to="reference", mode="ratio"),
        limit(unit="identity", equals_baseline=True, relative_to="ticket"),
    ]
)


@given(rule=LIMITS, value=VALUES, unit=st.sampled_from(["%", "1", "flag", "text", "list", "identity"]), held=VALUES)
def test_the_judge_takes_anything_and_gives_a_reason_for_all_but_a_pass(
    rule: Limit, value: Any, unit: str, held: Any
) -> None:
    kinds = {"reference": {"level": held}, "ticket": {"level": held}}
    judged = judge_measurement(rule, Measurement("level", value), unit, kinds)
    assert judged.verdict is not Verdict.INFO
    assert (judged.reason is None) == (judged.verdict is Verdict.PASS)
    if isinstance(value, Decimal) and not value.is_finite():
        assert judged.verdict is Verdict.NONE


# --- a whole check ---------------------------------------------------------------------------------------------------

TWO = check(
    finding="BATTERY",
    limits=[limit(min=80, warn_min=85).model_dump(), limit(measure="locked", unit="flag", equals=True).model_dump()],
)
LEVEL, LOCKED = TWO.limits


def seen(rule: Limit, word: str) -> Judged:
    return Judged(rule.measure, rule, Verdict(word), None if word == "pass" else Words(word, word))


def test_all_limits_passed_is_a_pass() -> None:
    assert judge_check(TWO, [seen(LEVEL, "pass"), seen(LOCKED, "pass")], []) == (Verdict.PASS, None, None)


def test_one_fail_is_a_fail_with_the_finding_and_the_reason() -> None:
    verdict_, reason, finding = judge_check(TWO, [seen(LEVEL, "warn"), seen(LOCKED, "fail")], [])
    assert (verdict_, finding) == (Verdict.FAIL, "BATTERY")
    assert reason == Words("locked: fail", "locked：fail")


def test_the_finding_of_the_limit_that_failed_wins_over_the_check_s() -> None:
    own = limit(min=80, finding="BATTERY-WORN")
    one = TWO.model_copy(update={"limits": (own, LOCKED)})
    assert judge_check(one, [seen(own, "fail")], []).finding == "BATTERY-WORN"


def test_a_warn_has_no_finding() -> None:
    assert judge_check(TWO, [seen(LEVEL, "warn"), seen(LOCKED, "pass")], [])[::2] == (Verdict.WARN, None)


def test_a_required_value_that_was_not_read_leaves_the_check_not_run_with_the_reason() -> None:
    verdict_, reason, _ = judge_check(TWO, [seen(LEVEL, "pass")], [Unread("locked", WHY)])
    assert verdict_ is Verdict.NONE
    assert reason == Words("locked: the phone refused", "locked：手机拒绝访问")


def test_a_required_value_that_never_came_leaves_the_check_not_run() -> None:
    assert judge_check(TWO, [seen(LEVEL, "pass")], []).verdict is Verdict.NONE


def test_a_fail_stays_a_fail_when_another_value_is_missing() -> None:
    assert judge_check(TWO, [seen(LEVEL, "fail")], [Unread("locked", WHY)]).verdict is Verdict.FAIL


def test_an_optional_value_that_was_not_read_leaves_the_verdict_to_the_others() -> None:
    rule = limit(measure="locked", unit="flag", equals=True, optional=True)
    one = TWO.model_copy(update={"limits": (LEVEL, rule)})
    assert judge_check(one, [seen(LEVEL, "pass")], [Unread("locked", WHY)]).verdict is Verdict.PASS
    assert judge_check(one, [seen(LEVEL, "pass"), seen(rule, "none")], []).verdict is Verdict.PASS
    assert judge_check(one, [seen(LEVEL, "pass"), seen(rule, "fail")], []).verdict is Verdict.FAIL


def test_optional_limits_alone_never_pass_when_none_could_be_judged() -> None:
    rule = limit(optional=True)
    one = TWO.model_copy(update={"limits": (rule,)})
    assert judge_check(one, [], [Unread("level", WHY)]) == (Verdict.NONE, WHY, None)


def test_a_check_without_limits_is_info_when_something_was_measured() -> None:
    bare = check()
    assert judge_check(bare, [Judged("level", None, Verdict.INFO)], [Unread("x", WHY)]).verdict is Verdict.INFO
    assert judge_check(bare, [], [Unread("level", WHY)]) == (Verdict.NONE, WHY, None)
    assert judge_check(bare, [], []).verdict is Verdict.NONE


def test_measured_twice_the_worse_counts_and_missed_once_is_missed() -> None:
    one = TWO.model_copy(update={"limits": (LEVEL,)})
    assert judge_check(one, [seen(LEVEL, "pass"), seen(LEVEL, "warn")], []).verdict is Verdict.WARN
    assert judge_check(one, [seen(LEVEL, "pass")], [Unread("level", WHY)]).verdict is Verdict.NONE


WORDS = st.sampled_from(["pass", "warn", "fail", "none"])


@given(
    optional=st.lists(st.booleans(), min_size=1, max_size=4),
    given=st.data(),
)
def test_a_check_never_passes_while_a_required_value_is_missing(optional: list[bool], given: st.DataObject) -> None:
    rules = tuple(limit(measure=f"m{n}", min=1, optional=flag) for n, flag in enumerate(optional))
    one = check(finding="X").model_copy(update={"limits": rules})
    words = [given.draw(st.none() | WORDS) for _ in rules]
    judged = [seen(rule, word) for rule, word in zip(rules, words, strict=True) if word]
    unread = [Unread(rule.measure, WHY) for rule, word in zip(rules, words, strict=True) if not word]
    verdict_, reason, finding = judge_check(one, judged, unread)
    missing = any(word in (None, "none") and not rule.optional for rule, word in zip(rules, words, strict=True))
    nothing = all(word in (None, "none") for word in words)
    if "fail" in words:
        assert (verdict_, finding) == (Verdict.FAIL, "X")
    elif missing or nothing:
        assert verdict_ is Verdict.NONE
    else:
        assert verdict_ is (Verdict.WARN if "warn" in words else Verdict.PASS)
    assert (reason is None) == (verdict_ is Verdict.PASS)
    assert (finding is not None) == (verdict_ is Verdict.FAIL)


@pytest.mark.parametrize("ending", list(Ending))
@pytest.mark.parametrize("word", list(Verdict))
def test_only_a_completed_attempt_carries_a_verdict(ending: Ending, word: Verdict) -> None:
    assert is_legal(ending, word) == (ending is Ending.COMPLETED or word is Verdict.NONE)
