"""How well a check repeats: the same phones, several persons, several times each.

Numbers by analysis of variance as ISO 5725-2 and the AIAG manual Measurement Systems Analysis do it; verdicts by
agreement and kappa. Sums are exact fractions, so that no order of the readings changes a figure. Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Generic, TypeVar

from drivers.text import Words

__all__ = [
    "Agreement",
    "Cell",
    "Design",
    "Gauge",
    "Incomplete",
    "Readings",
    "agreement",
    "balanced",
    "cohen_kappa",
    "f_tail",
    "fleiss_kappa",
    "gauge",
]

V = TypeVar("V")
#: A phone and a person.
Cell = tuple[str, str]
#: What each person read on each phone, in the order of the readings.
Readings = Mapping[Cell, Sequence[V]]

#: Above this probability the interaction of person and phone counts as chance and is pooled with the repeatability:
#: AIAG, Measurement Systems Analysis, 4th edition (2010), chapter III section B, ANOVA method (alpha 0.25).
POOL_ABOVE = 0.25
#: How many standard deviations of the measuring are set against a limit's width: the same manual, chapter II section D.
SPAN = 6


class Incomplete(Exception):
    """The readings do not make figures; `words` says why in both languages."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Design(Generic[V]):
    """A full set of readings: every person read every phone `repeats` times."""

    units: tuple[str, ...]
    people: tuple[str, ...]
    repeats: int
    cells: Readings[V]


@dataclass(frozen=True, slots=True)
class Gauge:
    """What the analysis of variance says; standard deviations in the measurement's unit.

    Attributes:
        units, people, repeats: what it stands on.
        repeatability_sd: one person, one phone, again: `s_r` of ISO 5725-2, EV of AIAG.
        reproducibility_sd: from person to person, with how persons differ from phone to phone: AV of AIAG, `s_L` of ISO
            5725-2 with persons for laboratories. None with one person.
        combined_sd: any person, any time: `s_R` of ISO 5725-2, GRR of AIAG. None with one person.
        unit_sd: from phone to phone, PV of AIAG. None with one phone.
        interaction_p: how likely the interaction is by chance; None where there is none to test.
        pooled: whether the interaction was taken for chance.
        of_limit_percent: `SPAN` combined standard deviations of the limit's width; None without a width.
        of_total_percent: the combined standard deviation of the total one; None without phones to compare.
    """

    units: int
    people: int
    repeats: int
    repeatability_sd: float
    reproducibility_sd: float | None
    combined_sd: float | None
    unit_sd: float | None
    interaction_p: float | None
    pooled: bool
    of_limit_percent: float | None
    of_total_percent: float | None


def balanced(readings: Readings[V], units: Sequence[str], people: Sequence[str], repeats: int) -> Design[V]:
    """The first `repeats` readings of each cell; later ones are left out, since more weight of one cell is no balance.

    Raises:
        Incomplete: a cell has fewer; every one that does is named.
    """
    if repeats < 2:
        raise Incomplete(_ONE_REPEAT)
    short = [
        f"{unit} × {person}: {len(readings.get((unit, person), ()))}/{repeats}"
        for unit in units
        for person in people
        if len(readings.get((unit, person), ())) < repeats
    ]
    if short or not units or not people:
        raise Incomplete(_MISSING.fill(cells=", ".join(short) or "–"))
    cells = {(unit, person): tuple(readings[unit, person][:repeats]) for unit in units for person in people}
    return Design(tuple(units), tuple(people), repeats, cells)


# --- numbers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Squares:
    """Sums of squares with their degrees of freedom."""

    unit: Fraction
    person: Fraction
    both: Fraction
    error: Fraction
    df_unit: int
    df_person: int
    df_error: int

    @property
    def df_both(self) -> int:
        return self.df_unit * self.df_person


def gauge(design: Design[Decimal], width: Decimal | None = None) -> Gauge:
    """Two-way random-effects analysis of variance of a full set of readings.

    With one phone it is ISO 5725-2, 7.4 with persons for laboratories; with several the AIAG manual's ANOVA method. A
    variance that comes out negative is zero, as both say.

    Args:
        width: the distance between the lower and the upper limit, where there are both.
    """
    squares = _squares(design)
    a, b, r = len(design.units), len(design.people), design.repeats
    noise, interaction_p, pooled = squares.error / squares.df_error, None, False
    against = noise
    both = Fraction(0)
    if squares.df_both:
        against = squares.both / squares.df_both
        interaction_p = _chance(against, noise, squares.df_both, squares.df_error)
        pooled = interaction_p > POOL_ABOVE
        if pooled:
            noise = against = (squares.both + squares.error) / (squares.df_both + squares.df_error)
        both = max(Fraction(0), (against - noise) / r)
    person = max(Fraction(0), (squares.person / squares.df_person - against) / (a * r)) if b > 1 else None
    unit = max(Fraction(0), (squares.unit / squares.df_unit - against) / (b * r)) if a > 1 else None
    combined = None if person is None else noise + person + both
    total = None if combined is None or unit is None else combined + unit
    return Gauge(
        units=a,
        people=b,
        repeats=r,
        repeatability_sd=_root(noise),
        reproducibility_sd=None if person is None else _root(person + both),
        combined_sd=None if combined is None else _root(combined),
        unit_sd=None if unit is None else _root(unit),
        interaction_p=interaction_p,
        pooled=pooled,
        of_limit_percent=100 * SPAN * _root(combined) / float(width) if combined is not None and width else None,
        of_total_percent=100 * _root(combined / total) if combined is not None and total else None,
    )


def _squares(design: Design[Decimal]) -> _Squares:
    a, b, r = len(design.units), len(design.people), design.repeats
    cells = {cell: [Fraction(value) for value in values] for cell, values in design.cells.items()}
    cell_mean = {cell: sum(values, Fraction(0)) / r for cell, values in cells.items()}
    unit_mean = {unit: sum((cell_mean[unit, each] for each in design.people), Fraction(0)) / b for unit in design.units}
    person_mean = {
        person: sum((cell_mean[each, person] for each in design.units), Fraction(0)) / a for person in design.people
    }
    mean = sum(unit_mean.values(), Fraction(0)) / a
    return _Squares(
        unit=b * r * sum(((each - mean) ** 2 for each in unit_mean.values()), Fraction(0)),
        person=a * r * sum(((each - mean) ** 2 for each in person_mean.values()), Fraction(0)),
        both=r
        * sum(
            ((cell_mean[unit, person] - unit_mean[unit] - person_mean[person] + mean) ** 2 for unit, person in cells),
            Fraction(0),
        ),
        error=sum(((value - cell_mean[cell]) ** 2 for cell, values in cells.items() for value in values), Fraction(0)),
        df_unit=a - 1,
        df_person=b - 1,
        df_error=a * b * (r - 1),
    )


def _root(variance: Fraction) -> float:
    return math.sqrt(variance)


def _chance(mean_square: Fraction, noise: Fraction, df: int, df_noise: int) -> float:
    """How likely such an interaction is by chance. Readings without any noise leave nothing to chance."""
    if not noise:
        return 0.0 if mean_square else 1.0
    return f_tail(float(mean_square / noise), df, df_noise)


def f_tail(f: float, df1: int, df2: int) -> float:
    """P(F > f) of the F distribution: the regularised incomplete beta function I_x(df2/2, df1/2) at df2/(df2 + df1 f).

    NIST Digital Library of Mathematical Functions, 8.17.
    """
    return _incomplete_beta(df2 / 2, df1 / 2, df2 / (df2 + df1 * f)) if f > 0 else 1.0


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b) by the continued fraction of NIST DLMF 8.17.22, on the side of x where it converges fast (8.17.4)."""
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    return front / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)) of DLMF 8.17.22, from its end: a hundred terms are far more than it needs."""
    value = 1.0
    for n in range(200, 0, -1):
        m = n // 2
        if n % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        value = 1 + d / value
    return value


# --- verdicts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far verdicts agree; kappas are None where `why` says that they mean nothing.

    Attributes:
        counts: how often each verdict was given.
        within: for each person, the share of phones on which all their verdicts are one.
        between: the share of phones on which all verdicts of all persons are one.
        fleiss: Fleiss' kappa over all verdicts.
        cohen: Cohen's kappa for each two persons, verdict by verdict.
    """

    counts: Mapping[str, int]
    within: Mapping[str, float]
    between: float
    fleiss: float | None
    cohen: Mapping[Cell, float | None]
    why: Words | None = None


def agreement(design: Design[str]) -> Agreement:
    """Agreement within and between persons of a full set of verdicts."""
    cells = design.cells
    of_unit = {unit: [each for person in design.people for each in cells[unit, person]] for unit in design.units}
    within = {person: _share(len(set(cells[unit, person])) == 1 for unit in design.units) for person in design.people}
    pairs = {}
    for one, other in combinations(design.people, 2):
        left, right = ([each for unit in design.units for each in cells[unit, who]] for who in (one, other))
        pairs[one, other] = cohen_kappa(left, right)
    fleiss = fleiss_kappa([Counter(verdicts) for verdicts in of_unit.values()])
    return Agreement(
        counts=dict(sorted(Counter(each for verdicts in of_unit.values() for each in verdicts).items())),
        within=within,
        between=_share(len(set(verdicts)) == 1 for verdicts in of_unit.values()),
        fleiss=fleiss,
        cohen=pairs,
        why=None if fleiss is not None else _ONE_VERDICT,
    )


def _share(held: Iterable[bool]) -> float:
    every = list(held)
    return sum(every) / len(every)


def fleiss_kappa(subjects: Sequence[Mapping[str, int]]) -> float | None:
    """Kappa of Fleiss (Psychological Bulletin 76 (1971) 378-382) from how often each category was given per subject.

    None when only one category was ever given: then chance alone agrees wholly, and there is nothing to divide by.

    Raises:
        ValueError: subjects have different numbers of ratings, or fewer than two.
    """
    n = sum(subjects[0].values()) if subjects else 0
    if n < 2 or any(sum(subject.values()) != n for subject in subjects):
        raise ValueError("every subject needs the same number of ratings, two or more")
    totals: Counter[str] = Counter()
    agreed = Fraction(0)
    for subject in subjects:
        totals.update(subject)
        agreed += Fraction(sum(count * (count - 1) for count in subject.values()), n * (n - 1))
    by_chance = sum((Fraction(count, n * len(subjects)) ** 2 for count in totals.values()), Fraction(0))
    return _kappa(agreed / len(subjects), by_chance)


def cohen_kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> float | None:
    """Kappa of Cohen (Educational and Psychological Measurement 20 (1960) 37-46) of two raters' ratings in pairs.

    None when both gave one and the same category throughout.

    Raises:
        ValueError: not as many ratings of the one as of the other, or none.
    """
    n = len(one)
    if not n or n != len(other):
        raise ValueError("ratings come in pairs")
    agreed = Fraction(sum(left == right for left, right in zip(one, other, strict=True)), n)
    left, right = Counter(one), Counter(other)
    return _kappa(agreed, sum((Fraction(left[each] * right[each], n * n) for each in left), Fraction(0)))


def _kappa(agreed: Fraction, by_chance: Fraction) -> float | None:
    return None if by_chance == 1 else float((agreed - by_chance) / (1 - by_chance))


_ONE_REPEAT = Words("each person must read each phone at least twice", "每人对每台手机至少测两次")
_MISSING = Words("readings are missing: {cells}", "缺少读数：{cells}")
_ONE_VERDICT = Words(
    "only one verdict was ever given: add phones that fail, else nothing shows that people can tell them apart",
    "判定全部相同：请加入不合格的手机，否则无法体现辨别能力",
)
