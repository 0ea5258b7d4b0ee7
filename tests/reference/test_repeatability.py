"""The figures of a repeatability study are those of published examples, and hold what mathematics demands of them."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.repeatability import (
    Design,
    Incomplete,
    agreement,
    balanced,
    cohen_kappa,
    f_tail,
    fleiss_kappa,
    gauge,
)

#: AIAG, Measurement Systems Analysis, 4th edition (2010), figure III-B 6a: ten parts, three appraisers, three trials.
AIAG = {
    "A": (
        "0.29 -0.56 1.34 0.47 -0.80 0.02 0.59 -0.31 2.26 -1.36",
        "0.41 -0.68 1.17 0.50 -0.92 -0.11 0.75 -0.20 1.99 -1.25",
        "0.64 -0.58 1.27 0.64 -0.84 -0.21 0.66 -0.17 2.01 -1.31",
    ),
    "B": (
        "0.08 -0.47 1.19 0.01 -0.56 -0.20 0.47 -0.63 1.80 -1.68",
        "0.25 -1.22 0.94 1.03 -1.20 0.22 0.55 0.08 2.12 -1.62",
        "0.07 -0.68 1.34 0.20 -1.28 0.06 0.83 -0.34 2.19 -1.50",
    ),
    "C": (
        "0.04 -1.38 0.88 0.14 -1.46 -0.29 0.02 -0.46 1.77 -1.49",
        "-0.11 -1.13 1.09 0.20 -1.07 -0.67 0.01 -0.56 1.45 -1.77",
        "-0.15 -0.96 0.67 0.11 -1.45 -0.49 0.21 -0.49 1.87 -2.16",
    ),
}


def aiag() -> Design[Decimal]:
    cells: dict[tuple[str, str], list[Decimal]] = {}
    for person, trials in AIAG.items():
        for trial in trials:
            for part, value in enumerate(trial.split(), 1):
                cells.setdefault((f"{part}", person), []).append(Decimal(value))
    return balanced(cells, [f"{part}" for part in range(1, 11)], list(AIAG), 3)


def design(values: dict[tuple[str, str], list[int]]) -> Design[Decimal]:
    units, people = sorted({unit for unit, _ in values}), sorted({person for _, person in values})
    cells = {cell: [Decimal(value) for value in each] for cell, each in values.items()}
    return balanced(cells, units, people, min(map(len, values.values())))


def test_the_manuals_worked_example_gives_the_manuals_figures() -> None:
    found = gauge(aiag(), Decimal(8))
    # table III-B 8 of the manual; the interaction's F of 0.434 is not significant and is pooled
    assert found.repeatability_sd == pytest.approx(0.199933, abs=5e-7)
    assert found.reproducibility_sd == pytest.approx(0.226838, abs=5e-7)
    assert found.combined_sd == pytest.approx(0.302373, abs=2e-6)  # printed from the rounded parts
    assert found.unit_sd == pytest.approx(1.042327, abs=2e-6)
    assert found.of_total_percent == pytest.approx(27.86, abs=0.01)
    assert found.of_limit_percent == pytest.approx(100 * 6 * 0.302373 / 8, abs=1e-3)
    assert found.pooled
    assert found.interaction_p == pytest.approx(0.974, abs=5e-4)


def test_the_tail_of_f_is_that_of_the_printed_tables() -> None:
    # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.3: upper critical values at 5 % and 1 %
    assert f_tail(4.965, 1, 10) == pytest.approx(0.05, abs=5e-5)
    assert f_tail(4.103, 2, 10) == pytest.approx(0.05, abs=5e-5)
    assert f_tail(2.348, 10, 20) == pytest.approx(0.05, abs=5e-5)
    assert f_tail(7.559, 2, 10) == pytest.approx(0.01, abs=5e-5)
    assert f_tail(0.0, 3, 9) == 1.0
    assert f_tail(1e9, 3, 9) == pytest.approx(0.0, abs=1e-12)


@given(st.floats(0.01, 50), st.integers(1, 40), st.integers(1, 200))
def test_the_two_tails_of_f_make_one(f: float, df1: int, df2: int) -> None:
    assert f_tail(f, df1, df2) + f_tail(1 / f, df2, df1) == pytest.approx(1, abs=1e-9)


def test_the_kappa_of_fleiss_is_that_of_the_textbook() -> None:
    # ten subjects, fourteen raters, five categories: the worked example of K. L. Gwet, Handbook of Inter-Rater
    # Reliability, as it is printed in most introductions to the coefficient: kappa = 0.210
    rows = """0 0 0 0 14|0 2 6 4 2|0 0 3 5 6|0 3 9 2 0|2 2 8 1 1|7 7 0 0 0|3 2 6 3 0|2 5 3 2 2|6 5 2 1 0|0 2 2 3 7"""
    subjects = [Counter(dict(zip("abcde", map(int, row.split()), strict=True))) for row in rows.split("|")]
    assert fleiss_kappa(subjects) == pytest.approx(0.210, abs=5e-4)


def test_the_kappa_of_cohen_is_that_of_the_textbook() -> None:
    # 20 times both yes, 15 times both no, 5 and 10 times apart: agreed 0.7, by chance 0.5, kappa 0.4
    one = "y" * 25 + "n" * 25
    other = "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15
    assert cohen_kappa(one, other) == pytest.approx(0.4)


def test_with_one_phone_it_is_the_one_way_analysis_of_iso_5725() -> None:
    found = gauge(design({("p", "a"): [10, 12], ("p", "b"): [20, 22], ("p", "c"): [30, 32]}))
    # s_r^2 = 2; variance of the means 100 = s_L^2 + s_r^2 / 2
    assert found.repeatability_sd == pytest.approx(math.sqrt(2))
    assert found.reproducibility_sd == pytest.approx(math.sqrt(99))
    assert found.combined_sd == pytest.approx(math.sqrt(101))
    assert found.unit_sd is None
    assert found.of_total_percent is None
    assert found.interaction_p is None


def test_one_person_has_a_repeatability_and_no_reproducibility() -> None:
    values = [3, 5, 7, 9]
    found = gauge(design({("p", "a"): values}))
    assert found.repeatability_sd == pytest.approx(stdev(values))
    assert (found.reproducibility_sd, found.combined_sd, found.of_limit_percent) == (None, None, None)


def test_readings_without_any_noise_have_no_spread_and_divide_by_nothing() -> None:
    found = gauge(design({(unit, person): [5, 5] for unit in "pq" for person in "ab"}), Decimal(3))
    assert (found.repeatability_sd, found.reproducibility_sd, found.combined_sd, found.unit_sd) == (0, 0, 0, 0)
    assert found.of_limit_percent == 0
    assert found.of_total_percent is None


def test_persons_who_differ_by_phone_alone_differ_by_interaction() -> None:
    found = gauge(design({("p", "a"): [0, 0], ("p", "b"): [10, 10], ("q", "a"): [10, 10], ("q", "b"): [0, 0]}))
    assert not found.pooled
    assert found.repeatability_sd == 0
    assert found.reproducibility_sd == pytest.approx(math.sqrt(100))


def test_no_figure_without_every_reading_and_the_missing_ones_are_named() -> None:
    cells = {("p", "ann"): [Decimal(1)] * 3, ("p", "bo"): [Decimal(1)] * 2}
    with pytest.raises(Incomplete) as why:
        balanced(cells, ["p", "q"], ["ann", "bo"], 3)
    assert "p × bo: 2/3, q × ann: 0/3, q × bo: 0/3" in why.value.words.en
    assert "q × bo: 0/3" in why.value.words.zh
    with pytest.raises(Incomplete):
        balanced(cells, ["p"], ["ann"], 1)
    with pytest.raises(Incomplete):
        balanced({}, [], [], 2)


def test_a_reading_too_many_is_left_out_and_weighs_nothing() -> None:
    more = balanced({("p", "a"): [Decimal(1), Decimal(3), Decimal(99)]}, ["p"], ["a"], 2)
    assert more.cells["p", "a"] == (Decimal(1), Decimal(3))


numbers = st.integers(-1000, 1000).map(Decimal)


@st.composite
def full(draw: st.DrawFn) -> Design[Decimal]:
    a, b, r = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(2, 4))
    units, people = [f"u{i}" for i in range(a)], [f"p{i}" for i in range(b)]
    cells = {(u, p): draw(st.lists(numbers, min_size=r, max_size=r)) for u in units for p in people}
    return balanced(cells, units, people, r)


@given(full(), st.randoms())
def test_no_order_of_phones_persons_and_readings_changes_a_figure(whole: Design[Decimal], random: object) -> None:
    cells = {cell: random.sample(list(values), len(values)) for cell, values in whole.cells.items()}  # type: ignore[attr-defined]
    units, people = (random.sample(list(each), len(each)) for each in (whole.units, whole.people))  # type: ignore[attr-defined]
    assert gauge(balanced(cells, units, people, whole.repeats), Decimal(7)) == gauge(whole, Decimal(7))


@given(full(), st.integers(1, 50), st.integers(-500, 500))
def test_another_zero_changes_nothing_and_another_unit_scales_all(
    whole: Design[Decimal], scale: int, shift: int
) -> None:
    cells = {cell: [value * scale + shift for value in values] for cell, values in whole.cells.items()}
    before, after = gauge(whole), gauge(balanced(cells, whole.units, whole.people, whole.repeats))
    for name in ("repeatability_sd", "reproducibility_sd", "combined_sd", "unit_sd"):
        was, now = getattr(before, name), getattr(after, name)
        assert (was is None) == (now is None)
        assert was is None or now == pytest.approx(was * scale, rel=1e-9)


@given(full())
def test_combined_is_never_less_than_its_parts(whole: Design[Decimal]) -> None:
    found = gauge(whole)
    if found.combined_sd is not None and found.reproducibility_sd is not None:
        parts = math.hypot(found.repeatability_sd, found.reproducibility_sd)
        assert found.combined_sd == pytest.approx(parts, rel=1e-9)


# --- verdicts --------------------------------------------------------------------------------------------------------


def verdicts(text: dict[tuple[str, str], str]) -> Design[str]:
    units, people = sorted({unit for unit, _ in text}), sorted({person for _, person in text})
    return balanced({cell: each.split() for cell, each in text.items()}, units, people, 2)


def test_agreement_is_told_within_each_person_and_between_all() -> None:
    found = agreement(
        verdicts(
            {
                ("p", "ann"): "pass pass",
                ("p", "bo"): "pass pass",
                ("q", "ann"): "fail fail",
                ("q", "bo"): "fail pass",
            }
        )
    )
    assert found.within == {"ann": 1.0, "bo": 0.5}
    assert found.between == 0.5
    assert found.counts == {"fail": 3, "pass": 5}
    assert found.cohen[("ann", "bo")] == pytest.approx(0.5)
    assert found.why is None


def test_verdicts_that_never_differ_agree_wholly_and_have_no_kappa() -> None:
    found = agreement(verdicts({(unit, person): "pass pass" for unit in "pq" for person in ("ann", "bo")}))
    assert found.between == 1
    assert found.fleiss is None
    assert found.cohen == {("ann", "bo"): None}
    assert found.why is not None


words = st.sampled_from(["pass", "warn", "fail", "none"])


@given(st.lists(st.tuples(words, words), min_size=1, max_size=20))
def test_kappa_is_at_most_one_and_one_only_where_all_agree(pairs: list[tuple[str, str]]) -> None:
    one, other = zip(*pairs, strict=True)
    found = cohen_kappa(one, other)
    assert found is None or -1 <= found <= 1
    assert found is None or (found == 1) == (one == other)
    assert cohen_kappa(other, one) == found
    fleiss = fleiss_kappa([Counter(pair) for pair in pairs])
    assert fleiss is None or (-1 <= fleiss <= 1 and (fleiss == 1) == (one == other))


@pytest.mark.parametrize("wrong", [[], [Counter(a=1)], [Counter(a=2), Counter(a=3)]])
def test_ratings_that_cannot_be_compared_are_refused(wrong: list[Counter[str]]) -> None:
    with pytest.raises(ValueError, match="ratings"):
        fleiss_kappa(wrong)
    with pytest.raises(ValueError, match="pairs"):
        cohen_kappa("ab", "a")
