"""The keys: asked in a random order, seen by the kernel, never by a person's word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import phone_outputs as out
import pytest
from probe_bench import Readings, ScriptedBench, ScriptedEvents, ScriptedPerson, result, run_on

from drivers.api import DeviceGone, InputEvents, Side
from drivers.text import Words
from probes.api import PromptKind, PromptTimedOut, Skipped

UP, DOWN, POWER = 0x73, 0x72, 0x74
CODES = {"volume-up": UP, "volume-down": DOWN, "power": POWER}
SKIP = Skipped(Words("skipped", "跳过"))


def press(events: ScriptedEvents, key: str) -> Callable[[], None]:
    return lambda: events.emit(CODES[key], 1, 0)


def good_hand(events: ScriptedEvents, **instead: Any) -> ScriptedPerson:
    """A person who presses what is asked for; `instead` is what happens at other prompts (`_` for `-`)."""
    acts = {key: press(events, key) for key in CODES}
    return ScriptedPerson(acts | {name.replace("_", "-"): act for name, act in instead.items()})


async def run_keys(events: ScriptedEvents, person: ScriptedPerson, **settings: Any) -> Readings:
    bench = ScriptedBench({}, person=person, capabilities={InputEvents: events})
    async with asyncio.timeout(20):
        readings = await run_on("android.keys", bench, **settings)
    assert events.closed or not person.asked
    return readings


async def test_each_key_is_seen_once_it_was_pressed_and_its_prompt_goes_away() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    person = good_hand(events)
    readings = await run_keys(events, person)
    assert [readings.value(f"seen_{key}") for key in ("volume_up", "volume_down", "power")] == [True] * 3
    assert (readings.value("bounces"), readings.value("stuck")) == (0, False)
    assert sorted(person.taken_away) == sorted(CODES)
    assert {prompt.kind for prompt in person.asked} == {PromptKind.WAIT}


async def test_the_order_changes_from_run_to_run() -> None:
    orders = set()
    for _ in range(6):
        events = ScriptedEvents(out.GETEVENT_LISTING)
        person = good_hand(events)
        await run_keys(events, person)
        orders.add(tuple(person.order()))
    assert len(orders) > 1  # six equal orders of three keys come once in 7,776 times


async def test_a_dead_key_is_told_from_an_idle_hand_by_asking() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    person = good_hand(events, power=SKIP, power_unseen="no-reaction", volume_up=SKIP, volume_up_unseen="not-pressed")
    readings = await run_keys(events, person)
    assert readings.value("seen_power") is False
    assert "not pressed" in readings.unread["seen_volume_up"].reason.en
    assert readings.value("seen_volume_down") is True


async def test_skipping_the_question_too_measures_nothing_of_that_key_and_keeps_the_reason() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    glued = Skipped(Words("skipped: glued shut", "已跳过：已粘住"))
    readings = await run_keys(events, good_hand(events, power=SKIP, power_unseen=glued))
    assert "skipped: glued shut" in readings.unread["seen_power"].reason.en
    assert "已粘住" in readings.unread["seen_power"].reason.zh


async def test_the_reason_of_the_first_skip_stays_when_the_person_says_that_the_key_was_not_pressed() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    glued = Skipped(Words("skipped: glued shut", "已跳过：已粘住"))
    readings = await run_keys(events, good_hand(events, power=glued, power_unseen="not-pressed"))
    assert "skipped: glued shut" in readings.unread["seen_power"].reason.en


async def test_nobody_there_ends_the_attempt_without_a_verdict() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    with pytest.raises(PromptTimedOut):
        await run_keys(events, good_hand(events, power=PromptTimedOut(Words("no answer", "无人应答"))))
    assert events.closed


async def test_bounces_are_counted_and_a_second_press_is_not_one() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)

    def bouncing() -> None:
        events.emit(POWER, 1, 0)
        events.emit(POWER, 1, 0, gap_s=0.004)
        events.emit(POWER, 1, 0, gap_s=0.150)

    assert (await run_keys(events, good_hand(events, power=bouncing), keys=("power",))).value("bounces") == 1


async def test_a_key_that_stays_down_is_stuck() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    person = good_hand(events, power=lambda: events.emit(POWER, 1, 2, 2))
    readings = await run_keys(events, person, stuck_s=1)
    assert readings.value("seen_power") is True
    assert readings.value("stuck") is True
    assert readings.value("stuck_keys") == ("power",)


async def test_a_key_that_is_down_before_anybody_was_asked_is_stuck() -> None:
    events = ScriptedEvents(out.GETEVENT_NUMERIC)
    readings = await run_keys(events, good_hand(events), keys=("volume-up", "volume-down"))
    assert readings.value("stuck_keys") == ("volume-up",)


async def test_another_key_pressed_first_is_noted_and_does_not_count() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)

    def crossed() -> None:
        events.emit(DOWN, 1, 0)
        events.emit(UP, 1, 0)

    readings = await run_keys(events, good_hand(events, volume_up=crossed), keys=("volume-up", "volume-down"))
    assert readings.value("wrong_keys") == ("volume-up: volume-down",)
    assert readings.value("seen_volume_up") is True


async def test_a_key_that_no_device_lists_is_not_asked_for() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    person = good_hand(events)
    readings = await run_keys(events, person, keys=("power", "home"))
    assert "no input device" in readings.unread["seen_home"].reason.en
    assert person.order() == ["power"]


async def test_a_phone_that_refuses_its_input_devices_is_not_asked_at_all() -> None:
    denied = "opendir /dev/input failed, Permission denied\n"
    events = ScriptedEvents(result(stderr=denied, exit_code=1))
    person = good_hand(events)
    readings = await run_keys(events, person)
    assert not readings.measured
    assert not person.asked
    assert "Security settings" in readings.unread["seen_power"].reason.en


async def test_a_pulled_cable_ends_the_attempt_as_the_benchs_trouble_and_takes_the_prompt_away() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    gone = DeviceGone("adb.gone", Words("gone", "已断开"), Side.CABLE, Words("plug in", "重新插入"))
    person = good_hand(events, power=lambda: events.break_off(gone))
    with pytest.raises(DeviceGone):
        await run_keys(events, person, keys=("power",))
    assert person.taken_away == ["power"]


async def test_the_end_of_the_time_for_all_keys_is_not_a_dead_key() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    with pytest.raises(PromptTimedOut):
        await run_keys(events, good_hand(events, power=events.end), keys=("power",))


async def test_stopping_the_attempt_takes_the_prompt_and_the_stream_away() -> None:
    events = ScriptedEvents(out.GETEVENT_LISTING)
    asked = asyncio.Event()
    person = good_hand(events, power=asked.set)
    attempt = asyncio.create_task(run_keys(events, person, keys=("power",)))
    await asked.wait()
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    assert person.taken_away == ["power"]
    assert events.closed
