"""Centre and spread of few readings, in exact decimals, that one odd unit among them does not move.

Median and median absolute deviation (MAD). Pure arithmetic on the standard library; it knows no phone and no limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import NamedTuple

__all__ = ["DIGITS", "Spread", "centre", "is_outside", "robust_sigma"]

#: Significant digits that results are kept with: more than any instrument has, and well within a record's integers.
DIGITS = 12
_ROUND = Context(prec=DIGITS)
_EXACT = Context(prec=100, traps=[])

#: MAD to standard deviation of a normal distribution, 1 / quantile(3/4).
_TO_SIGMA = Decimal("1.482602")
#: Few readings make the MAD too small on average; factors that mend it for n of them: C. Croux, P. J. Rousseeuw,
#: "Time-efficient algorithms for two highly robust estimators of scale", Computational Statistics 1 (1992) 411-428.
_SMALL = dict(enumerate(map(Decimal, ("1.196", "1.495", "1.363", "1.206", "1.200", "1.140", "1.129", "1.107")), 2))


class Spread(NamedTuple):
    """What good units lie in.

    Attributes:
        centre: their centre, in the measurement's unit.
        sigma: one robust standard deviation from unit to unit, in the same unit; above zero.
        k: how many of these a good unit may be away.
        side: on which side being far away means anything: `low`, `high` or `both`.
        units: how many units stand behind it.
    """

    centre: Decimal
    sigma: Decimal
    k: Decimal
    side: str
    units: int

    @property
    def low(self) -> Decimal:
        """The lowest value that is no outlier, whatever the side."""
        return _EXACT.subtract(self.centre, _EXACT.multiply(self.k, self.sigma))

    @property
    def high(self) -> Decimal:
        """The highest value that is no outlier, whatever the side."""
        return _EXACT.add(self.centre, _EXACT.multiply(self.k, self.sigma))


def is_outside(spread: Spread, value: Decimal) -> bool:
    """Whether the value lies farther out than good units do, on the side that matters. Both edges are inside."""
    below = spread.side in ("low", "both") and value < spread.low
    return below or (spread.side in ("high", "both") and value > spread.high)


def centre(values: Sequence[Decimal]) -> Decimal:
    """The median. Raises ValueError when there are no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("the median of nothing")
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return _ROUND.divide(_EXACT.add(ordered[middle - 1], ordered[middle]), Decimal(2))


def robust_sigma(values: Sequence[Decimal]) -> Decimal:
    """The standard deviation that the MAD stands for, mended for few values. Raises ValueError below two values."""
    if len(values) < 2:
        raise ValueError("a spread needs two values")
    middle = centre(values)
    mad = centre([abs(_EXACT.subtract(value, middle)) for value in values])
    return _ROUND.plus(mad * _TO_SIGMA * _few(len(values)))


def _few(n: int) -> Decimal:
    """The factor for n values; from ten on n / (n - 0.8), of the same paper."""
    return _SMALL.get(n) or Decimal(n) / (Decimal(n) - Decimal("0.8"))
