"""The steps of the screen's brightness: what is written, what the person must count, and what is put back."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ports_bench import WritingBench, bench
from probe_bench import Readings, ScriptedPerson, result, run_on

from drivers.api import CommandResult, NoAnswer
from probes.api import Answer, NotRun, Prompt
from probes.brightness import CHANGES, TRIES, sequence

_PUT = re.compile(r"settings put system screen_brightness (\d+)")


class Screen:
    """A phone that keeps the level it was told, at most `most`, and one that counts what it shows."""

    def __init__(self, most: int = 10_000) -> None:
        self.most = most
        self.scripts: list[str] = []

    def says(self, script: str) -> str:
        self.scripts.append(script)
        return "".join(f"{min(int(level), self.most)}\n" for level in _PUT.findall(script))

    @property
    def changes(self) -> str:
        return str(len(_PUT.findall(self.scripts[-1])))


READY = {f"brightness-ready-{n}": "ready" for n in (1, 2)}
GOOD = {"brightness-dim": "good", "brightness-bright": "good"}


async def stepped(
    said: Mapping[str, Any], screen: Screen | None = None, mode: str = "0\n", level: str = "102\n", bounds: str = ""
) -> tuple[Readings, WritingBench]:
    screen = screen or Screen()
    answers: dict[str, str | CommandResult] = {
        "brightness-level": level,
        "brightness-mode": mode,
        "brightness-bounds": bounds,
    }
    hands = {key: (lambda: screen.changes) if value == "right" else value for key, value in {**READY, **said}.items()}
    given_bench = bench(screen.says, answers, person=Counting(hands))
    return await run_on("android.display-brightness", given_bench), given_bench


class Counting(ScriptedPerson):
    """A person whose answers may be found out at the moment of the question."""

    async def ask(self, prompt: Prompt) -> Answer:
        said = self.acts.get(prompt.id)
        if callable(said):
            return Answer(prompt.id, said(), "tech-1")
        return await super().ask(prompt)


async def test_as_many_changes_counted_as_there_were_is_a_screen_that_follows() -> None:
    readings, given_bench = await stepped({"brightness-count-1": "right", **GOOD})
    assert readings.value("brightness_follows") is True
    assert CHANGES[0] <= readings.value("brightness_changes") <= CHANGES[1]
    assert (readings.value("brightness_dim"), readings.value("brightness_bright")) == (True, True)
    assert set(given_bench.undone) == {"settings put system screen_brightness 102"}


async def test_no_change_seen_twice_is_a_screen_that_does_not_follow() -> None:
    readings, _ = await stepped({"brightness-count-1": "0", "brightness-count-2": "0", **GOOD})
    assert readings.value("brightness_follows") is False


async def test_a_wrong_number_says_nothing_of_the_screen() -> None:
    readings, _ = await stepped({"brightness-count-1": "99", "brightness-count-2": "many", **GOOD})
    assert str(TRIES) in readings.unread["brightness_follows"].reason.en


async def test_a_flickering_darkest_step_is_kept_apart_from_the_brightest() -> None:
    readings, _ = await stepped({"brightness-count-1": "right", "brightness-dim": "bad", "brightness-bright": "good"})
    assert (readings.value("brightness_dim"), readings.value("brightness_bright")) == (False, True)


async def test_adaptive_brightness_is_off_meanwhile_and_on_again_last() -> None:
    _, given_bench = await stepped({"brightness-count-1": "right", **GOOD}, mode="1\n")
    assert given_bench.writes[0].do == "settings put system screen_brightness_mode 0"
    assert given_bench.undone[0] == "settings put system screen_brightness_mode 1", "what was first is undone last"


async def test_a_level_that_was_never_set_is_taken_away_again() -> None:
    _, given_bench = await stepped({"brightness-count-1": "right", **GOOD}, level="null\n")
    assert set(given_bench.undone) == {"settings delete system screen_brightness"}


async def test_a_makers_finer_scale_is_used_to_its_top() -> None:
    screen = Screen()
    readings, _ = await stepped(
        {"brightness-count-1": "right", **GOOD}, screen, bounds="  mScreenBrightnessSettingMaximum=2047\n"
    )
    assert readings.value("brightness_scale") == 2047
    assert "screen_brightness 2047 " in screen.scripts[-1]


async def test_a_phone_that_keeps_another_level_is_not_judged() -> None:
    with pytest.raises(NotRun, match="stays at 20"):
        await stepped({"brightness-count-1": "right"}, Screen(most=20), level="20\n")


async def test_a_refused_write_is_not_judged_and_a_lost_phone_is_the_benchs_trouble() -> None:
    denied = result(stderr="java.lang.SecurityException: Permission denial: writing to settings\n", exit_code=255)
    answers: dict[str, str | CommandResult] = {"brightness-level": "102\n", "brightness-mode": "0\n"}
    with pytest.raises(NotRun, match="refused"):
        await run_on("android.display-brightness", bench(lambda script: denied, answers))
    with pytest.raises(NoAnswer):
        await run_on("android.display-brightness", bench(lambda script: None, answers))


@given(st.integers(1, 50), st.randoms(use_true_random=False))
def test_every_change_of_a_sequence_is_one_that_can_be_seen(changes: int, source: random.Random) -> None:
    shown = sequence([7, 38, 114, 255], changes, source)
    assert len(shown) == changes + 1
    assert all(max(one, other) >= 2 * min(one, other) for one, other in pairwise(shown))
