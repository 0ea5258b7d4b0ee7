"""Arithmetic of motion sensors: six poses, rest, ellipsoids. Numbers in, numbers out.

Axes are Android's (SensorEvent): x to the right of the screen, y to its top edge, z out of the screen; at rest an
accelerometer shows the reaction to gravity, so the axis that points up reads +g. Pure; knows no phone and no limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["POSES", "Ellipsoid", "G", "SixPoses", "axis_faults", "ellipsoid", "mean", "norm", "six_poses", "spread"]

#: Standard gravity (ISO 80000-3), m/s2.
G = 9.80665

Vector = Sequence[float]
#: Each pose and the axis that points up in it.
POSES: Mapping[str, tuple[float, float, float]] = {
    "face-up": (0.0, 0.0, 1.0),
    "face-down": (0.0, 0.0, -1.0),
    "top-up": (0.0, 1.0, 0.0),
    "top-down": (0.0, -1.0, 0.0),
    "right-up": (1.0, 0.0, 0.0),
    "left-up": (-1.0, 0.0, 0.0),
}
_AXES = "xyz"
#: Readings that an ellipsoid is laid through.
MOST = 512
#: Below this share of g an axis that should carry all of it does not follow: a phone leant by 60 degrees shows half.
_FOLLOWS = 0.5


def mean(samples: Sequence[Vector]) -> tuple[float, float, float]:
    """The mean of each axis; samples must not be empty."""
    count = len(samples)
    x, y, z = (math.fsum(sample[axis] for sample in samples) / count for axis in range(3))
    return x, y, z


def spread(samples: Sequence[Vector]) -> tuple[float, float, float]:
    """The standard deviation of each axis (n - 1); 0 for a single sample."""
    if len(samples) < 2:
        return 0.0, 0.0, 0.0
    centre = mean(samples)
    x, y, z = (
        math.sqrt(math.fsum((sample[axis] - centre[axis]) ** 2 for sample in samples) / (len(samples) - 1))
        for axis in range(3)
    )
    return x, y, z


def norm(vector: Vector) -> float:
    """The length of a vector."""
    return math.sqrt(math.fsum(value * value for value in vector[:3]))


def axis_faults(rest: Mapping[str, Vector]) -> list[str]:
    """What is wrong with order and sign of the axes, from mean readings by pose; empty when all is right.

    `x: dead` (never moves), `x: reversed`, `x: reads y`: told from the poses that turn that axis up or down.
    """
    faults = []
    for axis, name in enumerate(_AXES):
        poses = [pose for pose in rest if POSES[pose][axis]]
        if not poses:
            continue
        along = [rest[pose][axis] * POSES[pose][axis] / G for pose in poses]
        if all(value > _FOLLOWS for value in along):
            continue
        if all(value < -_FOLLOWS for value in along):
            faults.append(f"{name}: reversed")
            continue
        others = [
            other
            for at, other in enumerate(_AXES)
            if at != axis and all(abs(rest[pose][at]) / G > _FOLLOWS for pose in poses)
        ]
        faults.append(f"{name}: reads {others[0]}" if others else f"{name}: dead")
    return faults


@dataclass(frozen=True, slots=True)
class SixPoses:
    """What six poses at rest say of an accelerometer.

    Attributes:
        bias: m/s2 by axis.
        scale: by axis, 1 for a perfect sensor; None for a dead axis.
        noise: pooled standard deviation within the poses, m/s2.
        dead: axes that do not follow.
    """

    bias: tuple[float, float, float]
    scale: tuple[float | None, float | None, float | None]
    noise: float
    dead: tuple[str, ...]


def six_poses(samples: Mapping[str, Sequence[Vector]]) -> SixPoses:
    """The model `measured = S g + bias` from all six poses; raises KeyError when one is missing.

    Bias is the mean over opposite poses, the scale of an axis half their difference over g (IEEE 1293, multi-position
    test).
    """
    rest = {pose: mean(samples[pose]) for pose in POSES}
    pairs = (("right-up", "left-up"), ("top-up", "top-down"), ("face-up", "face-down"))
    centre = [math.fsum(rest[pose][axis] for pose in POSES) / len(POSES) for axis in range(3)]
    scale: list[float | None] = []
    dead = []
    for axis, (up, down) in enumerate(pairs):
        found = (rest[up][axis] - rest[down][axis]) / (2 * G)
        if abs(found) < _FOLLOWS:
            dead.append(_AXES[axis])
        scale.append(None if abs(found) < _FOLLOWS else found)
    squares = [value**2 for pose in POSES for value in spread(samples[pose])]
    return SixPoses(
        (centre[0], centre[1], centre[2]),
        (scale[0], scale[1], scale[2]),
        math.sqrt(math.fsum(squares) / len(squares)),
        tuple(dead),
    )


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """Centre (hard iron) and mean radius (field) of a cloud of magnetometer readings, in their unit."""

    centre: tuple[float, float, float]
    radius: float


def ellipsoid(samples: Sequence[Vector]) -> Ellipsoid | None:
    """Least-squares ellipsoid through the readings of a phone that was turned in all directions.

    None where the readings do not define one: too few, in one plane, or no ellipsoid at all. Of more than `MOST` every
    second, third, ... counts: they make it no better and take a tenth of a second. The general quadric
    (Li and Griffiths 2004 without the constraint) is solved on centred and scaled data, so that its normal equations
    stay well-conditioned.
    """
    if len(samples) < 20:
        return None
    samples = samples[:: math.ceil(len(samples) / MOST)]
    middle = mean(samples)
    size = math.sqrt(math.fsum((norm([s[i] - middle[i] for i in range(3)])) ** 2 for s in samples) / len(samples))
    if not size:
        return None
    points = [tuple((sample[axis] - middle[axis]) / size for axis in range(3)) for sample in samples]
    rows = [(x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z, 2 * x, 2 * y, 2 * z) for x, y, z in points]
    products = [[math.fsum(row[i] * row[j] for row in rows) for j in range(9)] for i in range(9)]
    u = _solved(products, [math.fsum(row[i] for row in rows) for i in range(9)])
    if u is None:
        return None
    a = [[u[0], u[3], u[4]], [u[3], u[1], u[5]], [u[4], u[5], u[2]]]
    centre = _solved(a, [-u[6], -u[7], -u[8]])
    if centre is None:
        return None
    level = 1 + math.fsum(centre[i] * a[i][j] * centre[j] for i in range(3) for j in range(3))
    shape = _determinant([[value / level for value in row] for row in a]) if level > 0 else 0.0
    if shape <= 0 or any(a[i][i] / level <= 0 for i in range(3)):
        return None
    radius = shape ** (-1 / 6) * size
    x, y, z = (centre[axis] * size + middle[axis] for axis in range(3))
    return Ellipsoid((x, y, z), radius)


def _determinant(a: Sequence[Vector]) -> float:
    (p, q, r), (s, t, u), (v, w, x) = a
    return p * (t * x - u * w) - q * (s * x - u * v) + r * (s * w - t * v)


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float] | None:
    """Gaussian elimination with partial pivoting; None for a matrix that is singular to working precision."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    count = len(rows)
    largest = max(abs(value) for row in matrix for value in row)
    for at in range(count):
        pivot = max(range(at, count), key=lambda row: abs(rows[row][at]))
        if abs(rows[pivot][at]) <= 1e-12 * largest:
            return None
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for below in range(at + 1, count):
            factor = rows[below][at] / rows[at][at]
            rows[below] = [low - factor * high for low, high in zip(rows[below], rows[at], strict=True)]
    found = [0.0] * count
    for at in reversed(range(count)):
        rest = math.fsum(rows[at][column] * found[column] for column in range(at + 1, count))
        found[at] = (rows[at][count] - rest) / rows[at][at]
    return found
