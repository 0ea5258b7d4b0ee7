"""Centre, spread and the policy's steps: what one odd unit can't move, and how often a good phone is flagged."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.load import load_checklist, shipped_checklists
from checklists.problems import ChecklistErrors
from checklists.reference.policy import load_policy, shipped_policy
from checklists.reference.robust import Spread, centre, is_outside, robust_sigma
from probes.api import discover
from probes.units import is_number

numbers = st.lists(st.decimals(-1000, 1000, places=3), min_size=2, max_size=20)


def test_the_sigma_of_a_worked_sample() -> None:
    # median 3, deviations 2 1 0 1 97, MAD 1, five values: 1 x 1.482602 x 1.206
    values = [Decimal(value) for value in (1, 2, 3, 4, 100)]
    assert centre(values) == 3
    assert robust_sigma(values) == Decimal("1.788018012")


def test_no_values_have_no_centre_and_one_has_no_spread() -> None:
    with pytest.raises(ValueError, match="nothing"):
        centre([])
    with pytest.raises(ValueError, match="two"):
        robust_sigma([Decimal(1)])


@given(numbers, st.randoms())
def test_order_means_nothing(values: list[Decimal], order: random.Random) -> None:
    mixed = order.sample(values, len(values))
    assert (centre(mixed), robust_sigma(mixed)) == (centre(values), robust_sigma(values))


@given(numbers)
def test_the_centre_lies_among_the_values_and_the_spread_is_never_below_zero(values: list[Decimal]) -> None:
    assert min(values) <= centre(values) <= max(values)
    assert robust_sigma(values) >= 0


@given(st.lists(st.decimals(-10, 10, places=2), min_size=7, max_size=20), st.decimals(10**6, 10**9, places=0))
def test_one_odd_unit_does_not_carry_the_centre_away(values: list[Decimal], odd: Decimal) -> None:
    assert min(values) <= centre([*values, odd]) <= max(values)


@given(
    st.decimals(-1000, 1000, places=3),
    st.decimals("0.001", 100, places=3),
    st.decimals(1, 10, places=1),
    st.decimals(-3000, 3000, places=3),
    st.sampled_from(["low", "high", "both"]),
)
def test_only_the_side_that_matters_is_outside_and_both_edges_are_inside(
    middle: Decimal, sigma: Decimal, k: Decimal, value: Decimal, side: str
) -> None:
    spread = Spread(middle, sigma, k, side, 9)
    assert is_outside(spread, value) == (
        (side != "high" and middle - value > k * sigma) or (side != "low" and value - middle > k * sigma)
    )
    assert not is_outside(spread, spread.low)
    assert not is_outside(spread, spread.high)


@pytest.mark.parametrize("units", [step.units for step in shipped_policy().outlier.k])
def test_of_good_phones_about_one_in_a_hundred_is_flagged_at_each_step(units: int) -> None:
    # the policy says at most 1 %; 4 000 draws know it to 0.16 %, so 1.8 % is five of these away
    draw, policy, flagged, draws = random.Random(units), shipped_policy(), 0, 4000
    k = policy.k(units)
    assert k is not None
    for _ in range(draws):
        good = [Decimal(draw.gauss(0, 1)).quantize(Decimal("0.0001")) for _ in range(units)]
        spread = Spread(centre(good), robust_sigma(good), k, "both", units)
        flagged += is_outside(spread, Decimal(draw.gauss(0, 1)))
    assert flagged <= 0.018 * draws


def test_too_few_units_flag_nothing() -> None:
    policy = shipped_policy()
    first = policy.outlier.k[0]
    assert policy.k(first.units - 1) is None
    assert policy.k(first.units) == first.k
    assert policy.k(10_000) == policy.outlier.k[-1].k


def test_every_compared_measurement_is_one_that_its_check_measures_in_that_unit() -> None:
    probes = discover().probes
    checks = {check.id: check for name in shipped_checklists() for check in load_checklist(name).checks}
    for one in shipped_policy().measure:
        probe = probes[checks[one.check].probe["android"]]
        assert probe.measures.get(one.measure) == one.unit, one
        assert is_number(one.unit)


def test_a_limit_against_the_reference_stands_on_something_that_its_check_measures() -> None:
    probes = discover().probes
    for name in shipped_checklists():
        for check in load_checklist(name).checks:
            for limit in check.limits:
                if limit.relative_to == "reference":
                    measures = probes[check.probe["android"]].measures
                    assert measures[limit.baseline_name] == limit.unit, (check.id, limit.measure)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("k = 5.3", "k = 9"), "steps"),
        (("readings_min = 3", "readings_min = 2"), "3"),
        (('unit = "mOhm"', 'unit = "flag"'), "unit"),
        (('measure = "bench_rssi_5g"', 'measure = "bench_rssi_2g4"'), "twice"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    from checklists.reference.policy import SHIPPED

    text = SHIPPED.read_text(encoding="utf-8")
    assert change[0] in text
    broken = tmp_path / "policy.toml"
    broken.write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(ChecklistErrors, match=why):
        load_policy(broken)
