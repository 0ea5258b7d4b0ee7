"""The station's clock: what went back or drifted is suspect and stays so in the record."""

from __future__ import annotations

from station.clock import DRIFT_MS, judged


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
