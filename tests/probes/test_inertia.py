"""The arithmetic of motion sensors against readings whose truth is known."""

from __future__ import annotations

import csv
import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.inertia import MOST, POSES, G, axis_faults, ellipsoid, mean, six_poses

OF_THE_FILES = {"+x": "right-up", "-x": "left-up", "+y": "top-up", "-y": "top-down", "+z": "face-up", "-z": "face-down"}


def rest(*axes: str) -> dict[str, tuple[float, float, float]]:
    """Perfect readings in all poses of a sensor whose printed axes show those (`-y` reversed, `0` dead)."""

    def shown(up: tuple[float, float, float], axis: str) -> float:
        return 0.0 if axis == "0" else up["xyz".index(axis[-1])] * G * (-1 if axis[0] == "-" else 1)

    return {pose: (shown(up, axes[0]), shown(up, axes[1]), shown(up, axes[2])) for pose, up in POSES.items()}


@pytest.mark.parametrize(
    ("axes", "faults"),
    [
        (("x", "y", "z"), []),
        (("-x", "y", "z"), ["x: reversed"]),
        (("x", "0", "z"), ["y: dead"]),
        (("y", "x", "z"), ["x: reads y", "y: reads x"]),
    ],
)
def test_order_sign_and_dead_axes_show_in_the_poses(axes: tuple[str, str, str], faults: list[str]) -> None:
    assert axis_faults(rest(*axes)) == faults


def test_a_pose_that_was_not_taken_says_nothing_of_its_axis() -> None:
    assert not axis_faults({"face-up": (0.0, 0.0, G)})


@pytest.mark.parametrize(("name", "bias", "scale"), [
    ("accel_six.csv", 0.008, 0.0013), ("accel_six_bad.csv", 0.008, 0.0013), ("accel_six_web.csv", 0.025, 0.004),
])  # fmt: skip
def test_six_poses_give_offset_scale_and_noise(shared: Path, name: str, bias: float, scale: float) -> None:
    truth = json.loads((shared / "metrology" / "truth.json").read_text())["imu"][name]
    samples: dict[str, list[tuple[float, float, float]]] = {pose: [] for pose in POSES}
    with (shared / "metrology" / "imu" / name).open() as file:
        for row in csv.DictReader(file):
            samples[OF_THE_FILES[row["pose"]]].append((float(row["ax"]), float(row["ay"]), float(row["az"])))
    found = six_poses(samples)
    assert found.bias == pytest.approx(truth["bias"], abs=bias)
    assert found.scale == pytest.approx(truth["scale_diag"], abs=scale)
    assert not found.dead
    if "quantum" not in truth:
        assert found.noise == pytest.approx(truth["noise_sd"], rel=0.06)


def test_a_phone_turned_in_all_directions_gives_field_and_hard_iron(shared: Path) -> None:
    truth = json.loads((shared / "metrology" / "truth.json").read_text())["imu"]["mag_rotate.csv"]
    with (shared / "metrology" / "imu" / "mag_rotate.csv").open() as file:
        samples = [(float(row["mx"]), float(row["my"]), float(row["mz"])) for row in csv.DictReader(file)]
    found = ellipsoid(samples)
    assert found is not None
    assert found.radius == pytest.approx(truth["field_ut"], rel=0.01)
    assert found.centre == pytest.approx(truth["hard_iron_ut"], abs=0.5)


@pytest.mark.parametrize("turned", ["nowhere", "in a plane", "a little"])
def test_a_phone_that_was_not_turned_enough_gives_no_field_that_is_far_off(turned: str) -> None:
    chance = random.Random(turned)
    samples = []
    for number in range(80):
        angle = number / 80 * (0.2 if turned == "a little" else 2 * math.pi)
        x, y = (45 * math.cos(angle), 45 * math.sin(angle)) if turned != "nowhere" else (45.0, 0.0)
        samples.append((x, y, 0.0 if turned != "a little" else chance.gauss(0, 0.01)))
    found = ellipsoid(samples)
    assert found is None or turned == "a little"


def test_thousands_of_readings_are_thinned_and_give_the_same_ellipsoid() -> None:
    chance = random.Random(4)
    every = []
    for _ in range(8 * MOST):
        x, y, z = (chance.gauss(0, 1) for _ in range(3))
        length = math.hypot(x, y, z)
        every.append((12 + 45 * x / length, -7 + 45 * y / length, 3 + 45 * z / length))
    found = ellipsoid(every)
    assert found is not None
    assert found == ellipsoid(every[::8])
    assert found.centre == pytest.approx((12, -7, 3), abs=1e-6)
    assert found.radius == pytest.approx(45, abs=1e-6)


@given(st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 3), max_size=40))
def test_any_readings_give_an_ellipsoid_or_none(samples: list[tuple[float, float, float]]) -> None:
    found = ellipsoid(samples)
    assert found is None or (len(samples) >= 20 and math.isfinite(found.radius))
    if samples:
        assert all(math.isfinite(value) for value in mean(samples))
