"""The station's clock: what went back or drifted is suspect and stays so in the record."""

from __future__ import annotations

import pytest

from station import clock
from station.clock import AGREES_MS, DRIFT_MS, StationClock, judged


def test_a_clock_that_runs_with_the_monotonic_one_is_believed() -> None:
    before = judged(1_000_000, 5_000, "boot", None, anchored=False)
    now = judged(1_060_000, 65_000, "boot", before, anchored=True)
    assert (before.state, now.state) == ("free-running", "anchored")


def test_a_clock_that_went_back_is_suspect_also_over_a_boot() -> None:
    before = judged(1_000_000, 5_000, "boot", None, anchored=True)
    assert judged(999_999, 6_000, "boot", before, anchored=True).state == "suspect"
    assert judged(999_999, 10, "next boot", before, anchored=True).state == "suspect"


def test_a_clock_that_was_set_forward_within_a_boot_is_suspect() -> None:
    before = judged(1_000_000, 5_000, "boot", None, anchored=False)
    ahead = judged(1_001_000 + DRIFT_MS + 1, 6_000, "boot", before, anchored=False)
    assert ahead.state == "suspect"
    assert judged(1_001_000 + DRIFT_MS, 6_000, "boot", before, anchored=False).state == "free-running"


def test_a_long_time_between_boots_is_no_drift() -> None:
    before = judged(1_000_000, 900_000, "boot", None, anchored=False)
    assert judged(9_000_000, 10, "next boot", before, anchored=False).state == "free-running"


class Time:
    """Wall and monotonic time in ms, as a test sets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.mono = 1_000_000_000, 50_000
        monkeypatch.setattr(clock, "_wall", lambda: self.wall)
        monkeypatch.setattr(clock, "_mono", lambda: self.mono)

    def passes(self, ms: int) -> None:
        self.wall, self.mono = self.wall + ms, self.mono + ms


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def test_a_clock_that_was_put_back_stays_suspect_over_a_new_start(now: Time) -> None:
    believed = StationClock().now(None)
    now.passes(10_000)
    now.wall -= 3_600_000
    now.passes(60_000)
    again = StationClock()  # the engine is started anew in the same boot: its own start knows nothing of the step
    assert again.now(believed).state == "suspect"
    now.passes(600_000)
    assert again.now(believed).state == "suspect"


def test_head_offices_signed_time_makes_a_clock_believable_again(now: Time) -> None:
    believed = StationClock().now(None)
    now.wall -= 3_600_000
    here = StationClock()
    assert here.now(believed).state == "suspect"
    here.anchor(now.wall + AGREES_MS)
    assert here.now(believed).state == "anchored"
    now.passes(5_000)
    now.wall -= 1
    assert here.now(None).state == "anchored"
    now.wall -= 3_600_000
    assert here.now(None).state == "suspect"


def test_a_clock_that_head_office_contradicts_is_suspect_until_it_agrees(now: Time) -> None:
    here = StationClock()
    here.anchor(now.wall + AGREES_MS + 1)
    assert here.now(None).state == "suspect"
    now.passes(1_000)
    assert here.now(None).state == "suspect"
    here.anchor(now.wall)
    assert here.now(None).state == "anchored"
