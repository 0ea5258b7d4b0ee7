"""What a hot, cold, swollen, punctured or wet battery and a leak forbid, and that nothing else is forbidden."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.load import load_checks
from checklists.problems import ChecklistErrors
from checklists.safety.policy import SHIPPED, Observed, forbidden, hazards, load_safety, shipped_safety

POLICY = shipped_safety()


def seen(
    value: object = None, unit: str = "Cel", check: str = "battery-electrical", **more: frozenset[str]
) -> Observed:
    measure = {"battery-electrical": "temperature", "usb-port": "contaminant"}.get(check, "answer")
    return Observed({} if value is None else {(check, measure): (value, unit)}, **more)


def present(observed: Observed) -> list[str]:
    return [one.id for one in hazards(POLICY, observed)]


@pytest.mark.parametrize(
    ("degrees", "there"),
    [("44.9", []), ("45", ["battery-hot"]), ("60", ["battery-hot"]), ("0", []), ("-0.1", ["battery-cold"])],
)
def test_a_battery_is_hot_from_45_and_cold_below_0_degrees(degrees: str, there: list[str]) -> None:
    assert present(seen(Decimal(degrees))) == there


@pytest.mark.parametrize("value", [True, "52", None, Decimal("NaN"), Decimal("Infinity"), ("52",)])
def test_what_is_no_number_is_no_temperature(value: object) -> None:
    assert present(Observed({("battery-electrical", "temperature"): (value, "Cel")})) == []


def test_a_number_in_another_unit_or_of_another_check_is_no_battery_temperature() -> None:
    assert present(seen(Decimal(113), "[degF]")) == []
    assert present(Observed({("thermal", "temperature"): (Decimal(80), "Cel")})) == []


@pytest.mark.parametrize(
    ("answer", "there"), [("flat", []), ("lifted", ["battery-swollen"]), ("leaking", ["battery-punctured"])]
)
def test_a_person_at_the_bench_sees_a_swollen_or_leaking_battery(answer: str, there: list[str]) -> None:
    assert present(seen(answer, "text", "battery-shape")) == there


@pytest.mark.parametrize(
    ("symptom", "there"),
    [
        ("swollen", "battery-swollen"),
        ("got-wet", "wet"),
        ("drains-off", "leak-current"),
        ("battery-punctured", "battery-punctured"),
    ],
)
def test_the_customers_coded_word_is_taken_for_true_until_it_was_looked_at(symptom: str, there: str) -> None:
    assert present(seen(symptoms=frozenset({symptom}))) == [there]


@pytest.mark.parametrize(
    ("observed", "stopped", "free"),
    [
        (
            seen(Decimal(52)),
            ["charging", "usage-scenario", "storage", "soft-remedy"],
            ["battery-health", "keys", "thermal"],
        ),
        (seen(Decimal(-5)), ["charging"], ["usage-scenario", "soft-remedy", "touch"]),
        (
            seen("lifted", "text", "battery-shape"),
            ["charging", "usage-scenario", "touch", "keys"],
            ["battery-health", "crashes"],
        ),
        (seen("detected", "text", "usb-port"), ["charging"], ["usb-port", "usage-scenario", "keys"]),
        (
            seen(symptoms=frozenset({"drains-off"})),
            ["charging", "usage-scenario", "soft-remedy", "boot-current"],
            ["battery-electrical", "crashes", "keys"],
        ),
        (
            seen(symptoms=frozenset({"got-wet"})),
            ["charging", "usage-scenario", "soft-remedy"],
            ["crashes", "liquid", "keys"],
        ),
    ],
)
def test_each_hazard_stops_what_is_dangerous_with_its_reason_and_nothing_else(
    observed: Observed, stopped: list[str], free: list[str]
) -> None:
    there = hazards(POLICY, observed)
    for check in stopped:
        reason = forbidden(POLICY, check, there)
        assert reason is not None, check
        assert there[0].name.words.en in reason.en
        assert there[0].do.words.zh in reason.zh
    assert [check for check in free if forbidden(POLICY, check, there)] == []


def test_nothing_is_forbidden_on_a_phone_of_which_nothing_dangerous_is_known() -> None:
    assert [check for check in load_checks() if forbidden(POLICY, check, hazards(POLICY, Observed({})))] == []


def test_looking_whether_the_danger_is_there_is_never_forbidden() -> None:
    """Else a hazard could never be found gone."""
    for hazard in POLICY.hazard:
        for check in {name for when in hazard.when for name in when.checks}:
            assert forbidden(POLICY, check, POLICY.hazard) is None, (hazard.id, check)


def test_every_activity_is_some_check_of_the_catalogue_or_the_bench_supply() -> None:
    named = {check for checks in POLICY.activities.values() for check in checks}
    assert named - set(load_checks()) <= {"boot-current", "soft-remedy"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('forbids = ["charging"]', 'forbids = ["flying"]', "forbids flying, which is no activity"),
        ('unit = "Cel"\nat_least = 45', "at_least = 45", "needs a unit"),
        ('findings = ["LEAK-CURRENT"]', "findings = []", "needs a measure with a bound"),
    ],
)
def test_a_rule_that_could_never_hold_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "policy.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ChecklistErrors, match=told):
        load_safety(tmp_path / "policy.toml")


@given(st.one_of(st.text(), st.decimals(), st.booleans(), st.tuples(st.text())), st.text(max_size=5))
def test_any_value_is_judged_without_an_error(value: object, unit: str) -> None:
    for check in ("battery-electrical", "battery-shape"):
        hazards(POLICY, seen(value, unit, check))
