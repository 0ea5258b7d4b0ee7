"""The campaigns of `campaign.py` in their small size, seeded; the full size runs by one command (docs/faults.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.campaign import CAMPAIGNS, run
from tests.crash.tally import Tally


async def held(name: str, folder: Path, seed: int = 1) -> Tally:
    """A small campaign that met its bar, and in which something really went wrong."""
    tally = await run(name, folder, full=False, seed=seed)
    if tally.skipped:
        pytest.skip(tally.skipped)
    assert tally.met, tally
    assert tally.hit, "nothing went wrong in it: it proves nothing"
    return tally


@pytest.mark.parametrize("seed", [1, 2])  # two tests, so that two workers share the rounds
async def test_an_engine_killed_at_random_loses_nothing_told_and_invents_nothing(tmp_path: Path, seed: int) -> None:
    assert (await held("kills", tmp_path, seed)).acknowledged


async def test_an_engine_killed_inside_a_write_leaves_nothing_half_written(tmp_path: Path) -> None:
    assert (await held("dies", tmp_path)).hit == CAMPAIGNS["dies"].small


async def test_a_write_that_fails_is_refused_in_words_and_never_told_as_done(tmp_path: Path) -> None:
    assert (await held("fails", tmp_path)).refused


async def test_what_was_refused_because_of_the_disk_does_not_turn_up_after_a_kill(tmp_path: Path) -> None:
    assert (await held("refused", tmp_path)).hit == CAMPAIGNS["refused"].small


async def test_an_engine_whose_start_meets_a_failing_disk_starts_or_says_why_not(tmp_path: Path) -> None:
    await held("starts", tmp_path)


async def test_a_full_disk_is_said_and_work_goes_on_when_there_is_space(tmp_path: Path) -> None:
    await held("full-disk", tmp_path)


async def test_a_power_cut_takes_nothing_that_was_told(tmp_path: Path) -> None:
    await held("power", tmp_path)


async def test_the_same_power_cut_catches_a_store_that_does_not_sync(tmp_path: Path) -> None:
    assert "lost by cut" in (await held("power-normal", tmp_path)).notes[0]


async def test_two_processes_on_one_file_are_never_busy_and_never_two_engines(tmp_path: Path) -> None:
    await held("writers", tmp_path)


async def test_a_clock_that_steps_is_suspect_until_it_is_right_again_and_said_so(tmp_path: Path) -> None:
    await held("clock", tmp_path)


async def test_an_old_copy_that_is_put_back_is_noticed_and_nothing_is_lost(tmp_path: Path) -> None:
    await held("old-copy", tmp_path)
